"""Takes two predictions for the same rows and says by how much one is better, and whether that is shown.

The rows are drawn together (paired bootstrap), so rows that are hard for both do not blur the difference.
Does not know what the two classifiers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import unknown_name
from classifine.evaluation.intervals import bootstrap, margins_of_cells
from classifine.evaluation.metrics import IntMatrix, averaged_metrics, scorable
from classifine.evaluation.several import Averages, Patterns, scorable_sets
from classifine.labels import FloatMatrix, IntVector
from classifine.tables import Predictions


@dataclass(frozen=True)
class Comparison:
    """A model against a baseline on the same rows.

    Attributes
    ----------
    baseline
        The baseline's name.
    metric
        What is compared.
    difference
        The model's value minus the baseline's.
    low, high
        The 95 % interval of the difference; none where there cannot be one, and ``note`` says why.
    n
        How many rows both were scored on.
    mcnemar_p
        Two-sided p value of the exact McNemar test: which of the two errs more often.
    note
        Why there is no interval.
    """

    baseline: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    n: int
    mcnemar_p: float
    note: str | None = None

    @property
    def better(self) -> bool:
        """Whether the model is shown to be better: the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def worse(self) -> bool:
        """Whether the model is shown to be worse: the whole interval lies below 0."""
        return self.high is not None and self.high < 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        told = {
            "baseline": self.baseline,
            "metric": self.metric,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "mcnemar_p": self.mcnemar_p,
            "better": self.better,
        }
        return told if self.note is None else {**told, "note": self.note}


def compare(model: Predictions, baseline: Predictions, metric: str = "macro_f1", *, seed: int = 42) -> Comparison:
    """Compare two predictions row by row; rows are matched by id.

    Parameters
    ----------
    model, baseline
        Predictions for the same rows, in any order.
    metric
        A metric that decided labels yield: accuracy, or a macro, micro or weighted average; where a text may have
        several labels, an average over texts or Hamming loss, too.
    seed
        Where the bootstrap's draws start.

    Raises
    ------
    ValueError
        The rows, their true labels or the label spaces differ, or there is no such metric.
    """
    pairs = _sets(model, baseline) if model.space.separator is not None else _labels(model, baseline)

    def difference(drawn: IntMatrix) -> FloatMatrix:
        ours, theirs = (averages(drawn) for averages in pairs.averages)
        if metric not in ours:
            raise ValueError(f"no metric {metric!r}: {unknown_name(metric, list(ours), noun='metrics')}")
        values: FloatMatrix = (ours[metric] - theirs[metric])[:, None]
        return values

    figure = bootstrap(pairs.counts, difference, seed=seed)[0]
    right, baseline_right = pairs.right
    return Comparison(
        baseline=baseline.classifier,
        metric=metric,
        difference=figure.value,
        low=figure.low,
        high=figure.high,
        n=figure.n,
        mcnemar_p=mcnemar(int((right & ~baseline_right).sum()), int((~right & baseline_right).sum())),
        note=figure.note,
    )


def mcnemar(only_first_right: int, only_second_right: int) -> float:
    """Give the exact two-sided p value of McNemar's test.

    Only the rows that one of the two gets right and the other wrong speak; were both equally good, each such row
    would be a fair coin.

    Examples
    --------
    >>> round(mcnemar(60, 38), 4)
    0.0334
    """
    from scipy.special import bdtr

    n = only_first_right + only_second_right
    if n == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(float(min(only_first_right, only_second_right)), n, 0.5)))


@dataclass(frozen=True)
class _Pairs:
    """The same rows under two classifiers, as counted cells, and which rows each of them gets right."""

    counts: IntVector
    averages: tuple[Averages, Averages]
    right: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def _labels(model: Predictions, baseline: Predictions) -> _Pairs:
    ours, theirs = scorable(model), scorable(baseline)
    order = _order(model, baseline, ours.positions, theirs.positions)
    truth, by_model, by_baseline = ours.truth, ours.predicted, theirs.predicted[order]
    _refuse_other_truth(model, baseline, (theirs.truth[order] != truth).any())
    n_labels = len(model.space)
    cells, counts = np.unique((truth * n_labels + by_model) * n_labels + by_baseline, return_counts=True)
    of_truth, of_model, of_baseline = cells // n_labels**2, cells // n_labels % n_labels, cells % n_labels
    margins = [margins_of_cells(of_truth, of_one, n_labels) for of_one in (of_model, of_baseline)]
    return _Pairs(
        counts.astype(np.int64),
        (lambda drawn: averaged_metrics(margins[0](drawn)), lambda drawn: averaged_metrics(margins[1](drawn))),
        (by_model == truth, by_baseline == truth),
    )


def _sets(model: Predictions, baseline: Predictions) -> _Pairs:
    ours, theirs = scorable_sets(model), scorable_sets(baseline)
    order = _order(model, baseline, ours.positions, theirs.positions)
    _refuse_other_truth(model, baseline, (theirs.truth[order] != ours.truth).any())
    patterns = Patterns.of(ours.truth, ours.given, theirs.given[order])
    return _Pairs(patterns.counts, (patterns.averages(0), patterns.averages(1)), (ours.right, theirs.right[order]))


def _order(model: Predictions, baseline: Predictions, ours: IntVector, theirs: IntVector) -> IntVector:
    """Give the place among the baseline's rows of each of the model's."""
    if model.space.names != baseline.space.names:
        raise ValueError(f"{model.classifier} and {baseline.classifier} have different labels")
    row_of = {baseline.ids[position]: row for row, position in enumerate(theirs)}
    ids = [model.ids[position] for position in ours]
    if len(ids) != len(row_of) or any(id_ not in row_of for id_ in ids):
        differing = sorted(set(ids) ^ row_of.keys())[:5]
        raise ValueError(f"{model.classifier} and {baseline.classifier} were not scored on the same rows: {differing}")
    return np.array([row_of[id_] for id_ in ids], dtype=np.int64)


def _refuse_other_truth(model: Predictions, baseline: Predictions, differs: np.bool_) -> None:
    if differs:
        raise ValueError(f"{model.classifier} and {baseline.classifier} have different true labels for the same rows")
