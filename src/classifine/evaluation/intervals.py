"""Takes counts or values of rows and gives figures: a value, its 95 % interval, and the number of rows behind both.

Wilson for shares and a label's F1, BCa bootstrap for averages over labels, normal for means; below 10 rows, none.
Does not know predictions, labels' names or models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from classifine.evaluation.metrics import FloatVector, IntMatrix, Margins
from classifine.labels import FloatMatrix, IntVector

CONFIDENCE = 0.95
FEWEST = 10
RESAMPLES = 9_999
WILSON = "Wilson"
BCA = "BCa bootstrap"
NORMAL = "normal"
TOO_FEW = "too few"
ALL_ALIKE = "every resample gives this value"

_CHUNK_NUMBERS = 2_000_000  # numbers in one array of resamples: 16 MB
_ROWS_PER_CELL = 4  # with fewer, drawing rows is quicker than drawing cells
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

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


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95 % score interval of a share; nothing seen leaves everything possible.

    Examples
    --------
    >>> low, high = wilson(34, 40)
    >>> round(low, 4), round(high, 4)
    (0.7093, 0.9294)
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, _Z * _Z
    middle = p + z2 / (2 * n)
    spread = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - spread) / (1 + z2 / n), (middle + spread) / (1 + z2 / n)
    return (0.0 if successes == 0 else max(0.0, low)), (1.0 if successes == n else min(1.0, high))


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
    of J's interval become those of F1's. In simulation with 5 to 50 rows of a label this keeps .95 where BCa falls
    to .83 near a perfect score, and stays defined when no mistake was seen.

    Examples
    --------
    >>> figure = f1(hits=47, support=54, predicted=62)
    >>> round(figure.value, 3), round(figure.low, 3), round(figure.high, 3), figure.n
    (0.81, 0.721, 0.876, 69)
    """
    of_hits = share(hits, support + predicted - hits)
    low, high = (None if end is None else _f1_of_jaccard(end) for end in (of_hits.low, of_hits.high))
    return Figure(_f1_of_jaccard(of_hits.value), low, high, of_hits.n, WILSON, of_hits.note)


def mean(values: FloatVector) -> Figure:
    """Give the mean of non-negative row values with the interval of the normal distribution, cut off at 0."""
    n, value = len(values), float(values.mean())
    if n < FEWEST:
        return Figure(value, None, None, n, NORMAL, TOO_FEW)
    spread = _Z * float(values.std(ddof=1)) / math.sqrt(n)
    return Figure(value, max(0.0, value - spread), value + spread, n, NORMAL)


def bootstrap(counts: IntVector, statistic: Statistic, *, seed: int, resamples: int = RESAMPLES) -> list[Figure]:
    """Give figures of a table of counts with BCa intervals.

    Drawing the counts of the non-empty cells from their multinomial is the same as drawing rows with replacement,
    and leaving out one row of a cell the same for each of its rows, so the work grows with cells, not with rows.

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

    Notes
    -----
    Efron (1987), "Better bootstrap confidence intervals", JASA 82:171-185.
    """
    n = int(counts.sum())
    observed = _tidy(statistic(counts[None, :]))[0]
    if n < FEWEST:
        return [Figure(float(value), None, None, n, BCA, TOO_FEW) for value in observed]
    drawn = np.concatenate([_tidy(statistic(part)) for part in _draws(counts, seed, resamples)])
    left_out = np.concatenate([_tidy(statistic(part)) for part in _leave_one_out(counts)])
    figures = []
    for value, values, jackknife in zip(observed, drawn.T, left_out.T, strict=True):
        if values.min() == values.max():
            figures.append(Figure(float(value), None, None, n, BCA, ALL_ALIKE))
        else:
            low, high = _bca(float(value), values, jackknife, counts)
            figures.append(Figure(float(value), low, high, n, BCA))
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


def _bca(value: float, values: FloatVector, jackknife: FloatVector, multiplicity: IntVector) -> tuple[float, float]:
    normal = NormalDist()
    below = ((values < value).sum() + 0.5 * (values == value).sum()) / len(values)
    edge = 0.5 / len(values)
    bias = normal.inv_cdf(min(max(float(below), edge), 1 - edge))
    deviations = np.average(jackknife, weights=multiplicity) - jackknife
    squares = float((multiplicity * deviations**2).sum())
    acceleration = float((multiplicity * deviations**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for z in (-_Z, _Z):
        shifted = bias + z
        room = 1 - acceleration * shifted
        # no room left: the formula has run through its pole, whose near side is the end of the distribution
        ends.append(normal.cdf(bias + shifted / room) if room > 0 else float(shifted > 0))
    low, high = np.quantile(values, ends)
    return float(low), float(high)


def _draws(counts: IntVector, seed: int, resamples: int) -> Iterator[IntMatrix]:
    generator = np.random.default_rng(seed)
    n, n_cells = int(counts.sum()), len(counts)
    step = max(1, _CHUNK_NUMBERS // n_cells)
    by_row = n < _ROWS_PER_CELL * n_cells
    cell_of_row = np.repeat(np.arange(n_cells), counts) if by_row else np.empty(0, dtype=np.int64)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if by_row:
            drawn = cell_of_row[generator.integers(n, size=(size, n), dtype=np.int32)]
            drawn += np.arange(size)[:, None] * n_cells
            yield np.bincount(drawn.ravel(), minlength=size * n_cells).reshape(size, n_cells)
        else:
            yield generator.multinomial(n, counts / n, size=size)


def _leave_one_out(counts: IntVector) -> Iterator[IntMatrix]:
    step = max(1, _CHUNK_NUMBERS // len(counts))
    for start in range(0, len(counts), step):
        left_out = np.arange(start, min(start + step, len(counts)))
        part = np.repeat(counts[None, :], len(left_out), axis=0)
        part[np.arange(len(left_out)), left_out] -= 1
        yield part


def _sums_by_label(counts: IntMatrix, labels: IntVector, n_labels: int) -> IntMatrix:
    sums = np.zeros((len(counts), n_labels), dtype=np.int64)
    if len(labels):
        order = np.argsort(labels, kind="stable")
        present, starts = np.unique(labels[order], return_index=True)
        sums[:, present] = np.add.reduceat(counts[:, order], starts, axis=1)
    return sums


def _tidy(values: FloatMatrix) -> FloatMatrix:
    """Make values equal that differ by rounding only, lest ties be counted as shifts."""
    tidied: FloatMatrix = np.round(values, 12)
    return tidied
