"""Takes counts or values of rows and gives figures: a value, its 95 % interval, and the number of rows behind both.

Wilson for shares and a label's F1, BCa bootstrap for averages over labels, normal for means; below 10 rows, none.
Does not know predictions, labels' names or models.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.evaluation.metrics import FloatVector, IntMatrix, Margins
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import FEWEST, Z, accelerations, bca_ends, draws, leaving_out, wilson

RESAMPLES = 9_999
WILSON = "Wilson"
BCA = "BCa bootstrap"
NORMAL = "normal"
TOO_FEW = "too few"
ALL_ALIKE = "every resample gives this value"

Statistic = Callable[[IntMatrix], FloatMatrix]


@dataclass(frozen=True)
class Figure:
    """One number of a scorecard.

    Attributes
    ----------
    value
        The number.
    low, high
        Its 95 % interval; none where there cannot be one, and ``note`` says why.
    n
        How many rows it was computed from.
    method
        How the interval was computed.
    note
        Why there is no interval.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        told = {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "method": self.method}
        return told if self.note is None else {**told, "note": self.note}


def share(successes: int, n: int) -> Figure:
    """Give a share of rows with Wilson's interval; a share of no rows is 0."""
    value = successes / n if n else 0.0
    if n < FEWEST:
        return Figure(value, None, None, n, WILSON, TOO_FEW)
    low, high = wilson(successes, n)
    return Figure(value, low, high, n, WILSON)


def f1(hits: int, support: int, predicted: int) -> Figure:
    """Give one label's F1 with an interval from Wilson's; ``n`` is the rows that have the label or were given it.

    F1 is 2 J / (1 + J), where J is the share of hits among the rows that have the label or were given it; so the ends
    of J's interval become those of F1's. In simulation with 5 to 50 rows of a label (``benchmarks/coverage.py``) it
    holds the truth in .93 to .97 of the cases, where BCa falls to .67 with 10 rows near a perfect score; and it stays
    defined when no mistake was seen.

    Examples
    --------
    >>> figure = f1(hits=47, support=54, predicted=62)
    >>> round(figure.value, 3), round(figure.low, 3), round(figure.high, 3), figure.n
    (0.81, 0.721, 0.876, 69)
    """
    of_hits = share(hits, support + predicted - hits)
    low, high = (None if end is None else _f1_of_jaccard(end) for end in (of_hits.low, of_hits.high))
    return Figure(_f1_of_jaccard(of_hits.value), low, high, of_hits.n, WILSON, of_hits.note)


def mean(values: FloatVector, most: float = math.inf) -> Figure:
    """Give the mean of row values with the interval of the normal distribution, cut off at 0 and at the most."""
    n, value = len(values), float(values.mean())
    if n < FEWEST:
        return Figure(value, None, None, n, NORMAL, TOO_FEW)
    spread = Z * float(values.std(ddof=1)) / math.sqrt(n)
    return Figure(value, max(0.0, value - spread), min(value + spread, most), n, NORMAL)


def bootstrap(counts: IntVector, statistic: Statistic, *, seed: int, resamples: int = RESAMPLES) -> list[Figure]:
    """Give figures of a table of counts with BCa intervals.

    Parameters
    ----------
    counts
        Rows in each non-empty cell, shape [n_cells].
    statistic
        Turns counts [r, n_cells] into values [r, n_figures].
    seed
        Where the draws start.
    resamples
        How many tables are drawn.
    """
    n = int(counts.sum())
    observed = _tidy(statistic(counts[None, :]))[0]
    if n < FEWEST:
        return [Figure(float(value), None, None, n, BCA, TOO_FEW) for value in observed]
    drawn = np.concatenate([_tidy(statistic(part)) for part in draws(counts, seed=seed, resamples=resamples)])
    left_out = np.concatenate([_tidy(statistic(part)) for part in leaving_out(counts, len(counts))])
    figures = []
    for value, values, jackknife in zip(observed, drawn.T, left_out.T, strict=True):
        if values.min() == values.max():
            figures.append(Figure(float(value), None, None, n, BCA, ALL_ALIKE))
        else:
            ends = bca_ends(float(value), values, float(accelerations(jackknife, counts)))
            low, high = np.quantile(values, ends)
            figures.append(Figure(float(value), float(low), float(high), n, BCA))
    return figures


def margins_of_cells(truth: IntVector, predicted: IntVector, n_labels: int) -> Callable[[IntMatrix], Margins]:
    """Give the function that sums counts [r, n_cells] of cells with these labels up to margins [r, n_labels]."""
    hits = truth == predicted

    def margins(counts: IntMatrix) -> Margins:
        return Margins(
            hits=_sums_by_label(counts[:, hits], truth[hits], n_labels),
            support=_sums_by_label(counts, truth, n_labels),
            predicted=_sums_by_label(counts, predicted, n_labels),
        )

    return margins


def _f1_of_jaccard(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _sums_by_label(counts: IntMatrix, labels: IntVector, n_labels: int) -> IntMatrix:
    sums = np.zeros((len(counts), n_labels), dtype=np.int64)
    if len(labels):
        order = np.argsort(labels, kind="stable")
        present, starts = np.unique(labels[order], return_index=True)
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _tidy(values: FloatMatrix) -> FloatMatrix:
    """Make values equal that differ by rounding only, so that resamples that are alike are seen to be."""
    tidied: FloatMatrix = np.round(values, 12)
    return tidied
