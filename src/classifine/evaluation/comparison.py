"""Takes two predictions for the same rows and says by how much one is better, and whether that is shown.

The rows are drawn together (paired bootstrap), so rows that are hard for both do not blur the difference; where rows
belong to groups, groups are drawn.
Does not know what the two classifiers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.errors import unknown_name
from classifine.evaluation.clusters import of_cells
from classifine.evaluation.matching import same_rows
from classifine.evaluation.metrics import IntMatrix
from classifine.evaluation.significance import mcnemar, mcnemar_of_groups
from classifine.evaluation.validation import METRICS
from classifine.labels import FloatMatrix
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
        Two-sided p value of the exact McNemar test: which of the two errs more often; where rows belong to groups, of
        its version for groups.
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
        """Whether the model is shown to be better: the whole interval lies on the good side of 0."""
        return self._beyond(METRICS.get(self.metric) != "lower")

    @property
    def worse(self) -> bool:
        """Whether the model is shown to be worse: the whole interval lies on the bad side of 0."""
        return self._beyond(METRICS.get(self.metric) == "lower")

    def _beyond(self, above: bool) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > 0 if above else self.high < 0

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


def compare(
    model: Predictions, baseline: Predictions, metric: str = "macro_f1", *, order: Sequence[str] = (), seed: int = 42
) -> Comparison:
    """Compare two predictions row by row; rows are matched by id.

    Parameters
    ----------
    model, baseline
        Predictions for the same rows, in any order.
    metric
        A metric that decided labels yield: accuracy, or a macro, micro or weighted average; where a text may have
        several labels, an average over texts or Hamming loss, too; where labels have an order, quadratic-weighted
        kappa.
    order
        The labels from the lowest to the highest, where they have an order.
    seed
        Where the bootstrap's draws start.

    Raises
    ------
    LabelsProblem, RowsProblem
        The label spaces, the rows, their texts or their true labels differ; how is said.
    ValueError
        There is no such metric.
    """
    matched = same_rows((model, baseline), order=order)
    pairs = matched.counted(0, 1)

    def difference(drawn: IntMatrix) -> FloatMatrix:
        ours, theirs = (averages(drawn) for averages in pairs.averages)
        if metric not in ours:
            raise ValueError(f"no metric {metric!r}: {unknown_name(metric, list(ours), noun='metrics')}")
        values: FloatMatrix = (ours[metric] - theirs[metric])[:, None]
        return values

    groups = matched.groups
    figure = of_cells(pairs.counts, difference, seed=seed, groups=groups, of_row=pairs.of_row)[0]
    right, baseline_right = matched.right(0), matched.right(1)
    if groups is None:
        p = mcnemar(int((right & ~baseline_right).sum()), int((~right & baseline_right).sum()))
    else:
        p = mcnemar_of_groups(groups.sums((right.astype(np.float64) - baseline_right)[:, None])[:, 0])
    return Comparison(
        baseline=baseline.classifier,
        metric=metric,
        difference=figure.value,
        low=figure.low,
        high=figure.high,
        n=figure.n,
        mcnemar_p=p,
        note=figure.note,
    )
