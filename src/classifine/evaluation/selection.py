"""Takes what several candidates decided about the same rows and says what choosing the best of them is worth.

The best of many is partly the luckiest: its margin over the default gets an interval that holds for all candidates at
once, and the lead that chance alone would give is told. Does not know what the candidates are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import unknown_name
from classifine.evaluation.intervals import TOO_FEW
from classifine.evaluation.metrics import Margins, averaged_metrics, label_metrics
from classifine.labels import FloatMatrix, IntVector, LabelSpace
from classifine.resampling import CONFIDENCE, FEWEST, draws

RESAMPLES = 1_999
SIMULTANEOUS = "paired bootstrap of rows, for all trials at once (max-t)"
ALL_ALIKE = "all decide alike"
OF_POSITIVE = ("f1", "precision", "recall")
Indicator = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """The best of several candidates beside the one that a search began with.

    Attributes
    ----------
    metric
        What is compared.
    candidates
        How many there were, the reference among them.
    difference
        The winner's value minus the reference's.
    low, high
        Its interval: in 95 % of samples of rows, the differences of *all* candidates lie in theirs. None where there
        cannot be one, and ``note`` says why.
    optimism
        By how much the best of so many candidates leads their mean where all are equally good: chance among the rows.
    n
        How many rows each was scored on.
    """

    metric: str
    candidates: int
    difference: float
    low: float | None
    high: float | None
    optimism: float | None
    n: int
    method: str = SIMULTANEOUS
    note: str | None = None

    @property
    def shown(self) -> bool:
        """Whether the winner is shown to be better than the reference: the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        told = {name: getattr(self, name) for name in ("metric", "candidates", "difference", "low", "high")}
        told |= {"optimism": self.optimism, "n": self.n, "method": self.method, "shown": self.shown}
        return told if self.note is None else {**told, "note": self.note}


def comparable(metric: str, space: LabelSpace) -> str:
    """Give the metric by which decided labels can be compared: this one, or macro-F1 where it needs probabilities."""
    nothing = Margins(*(np.zeros(len(space)) for _ in range(3)))
    known = set(averaged_metrics(nothing)) - ({"accuracy"} if space.separator is not None else set())
    return metric if metric in known or (metric in OF_POSITIVE and space.positive is not None) else "macro_f1"


def selection(
    truth: Indicator,
    decided: Sequence[Indicator],
    *,
    winner: int,
    reference: int,
    metric: str = "macro_f1",
    positive: int | None = None,
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Selection:
    """Compare the winner with the reference as one of many.

    Parameters
    ----------
    truth
        Which labels each row has, shape [n, n_labels].
    decided
        The same of what each candidate decided.
    winner, reference
        Their places among the candidates.
    metric
        Accuracy or an average over labels; ``f1``, ``precision`` and ``recall`` are those of the positive label.
    positive
        Its id.
    seed, resamples
        Where the draws of rows start, and how many there are.

    Raises
    ------
    ValueError
        There is no such metric.

    Notes
    -----
    Rows are drawn together for all candidates. With d the difference of a candidate to the reference, d* that in a
    draw and s its spread over draws, q is the 95 % quantile of the largest abs(d* - d) / s over candidates, and each
    interval is d ± q s: Romano and Wolf (2005), Econometrica 73:1237; max-t of Westfall and Young (1993).
    """
    cells, counts = _cells(truth, decided)
    values = np.stack([_scores(cells[0], one, counts[None, :], metric, positive)[0] for one in cells[1:]])
    n, difference = int(counts.sum()), float(values[winner] - values[reference])
    if n < FEWEST:
        return Selection(metric, len(decided), difference, None, None, None, n, note=TOO_FEW)
    drawn = np.concatenate(
        [
            np.stack([_scores(cells[0], one, part, metric, positive) for one in cells[1:]], axis=1)
            for part in draws(counts, seed=seed, resamples=resamples)
        ]
    )
    moved = drawn - values
    alone = moved - moved.mean(axis=1, keepdims=True)
    optimism = float(alone.max(axis=1).mean())
    against = moved - moved[:, [reference]]
    spread = against.std(axis=0, ddof=1)
    differs = spread > 1e-12
    if not differs.any():
        return Selection(metric, len(decided), difference, None, None, optimism, n, note=ALL_ALIKE)
    largest = (np.abs(against[:, differs]) / spread[differs]).max(axis=1)
    reach = float(np.quantile(largest, CONFIDENCE)) * float(spread[winner])
    return Selection(metric, len(decided), difference, difference - reach, difference + reach, optimism, n)


def _cells(truth: Indicator, decided: Sequence[Indicator]) -> tuple[list[FloatMatrix], IntVector]:
    """Put equal rows together: the truth and each candidate's decision by cell, and how many rows a cell has."""
    whole = np.packbits(np.concatenate([truth, *decided], axis=1), axis=1)
    _, first, counts = np.unique(whole, axis=0, return_index=True, return_counts=True)
    return [one[first].astype(np.float64) for one in (truth, *decided)], counts.astype(np.int64)


def _scores(
    truth: FloatMatrix, decided: FloatMatrix, counts: npt.NDArray[Any], metric: str, positive: int | None
) -> FloatMatrix:
    """Give the metric of each table of counts [r, n_cells]."""
    margins = Margins(counts @ (truth * decided), counts @ truth, counts @ decided)
    averages = averaged_metrics(margins)
    if metric in averages:
        return averages[metric]
    if metric not in OF_POSITIVE or positive is None:
        raise ValueError(f"no metric {metric!r}: {unknown_name(metric, list(averages), noun='metrics')}")
    parts = dict(zip(("precision", "recall", "f1"), label_metrics(margins), strict=True))
    found: FloatMatrix = parts[metric][:, positive]
    return found
