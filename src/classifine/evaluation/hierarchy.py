"""Takes true and predicted labels that stand in a hierarchy and gives how well each level is met, with intervals.

What was decided is the label; the codes above it follow. Probabilities of upper levels are sums over labels.
Does not know models, files or pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifine.evaluation.clusters import Groups, of_cells, proportions
from classifine.evaluation.intervals import WILSON, Figure, margins_of_cells, share
from classifine.evaluation.metrics import (
    IntMatrix,
    ScorableRows,
    averaged_metrics,
    cells_of_rows,
    confusion_matrix,
    ratio,
    top_k_hits,
)
from classifine.hierarchy import Hierarchy
from classifine.labels import FloatMatrix, IntVector

NO_MORE_CODES = "there are no more codes"

TOP = (1, 2, 3)
_PARTS = ("precision", "recall", "f1")


@dataclass(frozen=True)
class LevelScores:
    """How well one level is met.

    Attributes
    ----------
    level
        1 is the top; the last level is the labels.
    codes
        How many there are.
    accuracy
        Share of rows whose predicted label stands below the right code.
    macro_f1
        Mean F1 of the codes that occur at this level.
    top_k
        By k: share of rows whose code is among the k with the highest summed probability; empty where a row has no
        probabilities. Top-1 may differ from accuracy: the label decided on need not stand below the likeliest code.
    """

    level: int
    codes: int
    accuracy: Figure
    macro_f1: Figure
    top_k: Mapping[int, Figure]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        top_k = {str(k): figure.to_dict() for k, figure in self.top_k.items()}
        figures = {"accuracy": self.accuracy.to_dict(), "macro_f1": self.macro_f1.to_dict(), "top_k": top_k}
        return {"level": self.level, "codes": self.codes, **figures}


@dataclass(frozen=True)
class Parting:
    """The mistakes that go wrong at one level: everything above it is right.

    Attributes
    ----------
    level
        The level below the deepest common ancestor of the true and the predicted label; 1 where there is none.
    mistakes
        How many.
    share
        Of all mistakes.
    """

    level: int
    mistakes: int
    share: Figure

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"level": self.level, "mistakes": self.mistakes, "share": self.share.to_dict()}


@dataclass(frozen=True)
class HierarchyScores:
    """How well a hierarchy is met.

    Attributes
    ----------
    levels
        From the top to the labels.
    precision, recall, f1
        Hierarchical: shares of codes, each label counting as the set of itself and of all codes above it.
    partings
        Where mistakes go wrong, from the top; they add up to the mistakes.
    """

    levels: tuple[LevelScores, ...]
    precision: Figure
    recall: Figure
    f1: Figure
    partings: tuple[Parting, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "levels": [level.to_dict() for level in self.levels],
            **{f"hierarchical_{name}": getattr(self, name).to_dict() for name in _PARTS},
            "partings": [parting.to_dict() for parting in self.partings],
        }


def hierarchy_scores(
    rows: ScorableRows,
    hierarchy: Hierarchy,
    *,
    accuracy: Figure,
    macro_f1: Figure,
    top_k: Mapping[int, Figure],
    seed: int = 42,
    groups: Groups | None = None,
) -> HierarchyScores:
    """Score every level of a hierarchy.

    Parameters
    ----------
    rows
        Label ids and probabilities over the labels of the hierarchy.
    hierarchy
        The levels above them.
    accuracy, macro_f1, top_k
        Of the labels themselves, which are the last level.
    seed
        Where the bootstrap's draws start.
    groups
        Which group each row belongs to, where groups are drawn.

    Notes
    -----
    Hierarchical precision, recall and F1 are those of Kiritchenko, Matwin, Nock and Famili 2006 ("Learning and
    evaluation in the presence of class hierarchies", Canadian AI): sums over rows of the codes that the two sets of
    codes share, over the codes predicted, or those that are true. The root, which all share, does not count.
    """
    upper = [_level(rows, hierarchy, level, seed, groups) for level in hierarchy.upper]
    last = LevelScores(hierarchy.depth, len(hierarchy.paths), accuracy, macro_f1, top_k)
    precision, recall, f1 = _hierarchical(rows, hierarchy, seed, groups)
    wrong = rows.truth != rows.predicted
    common = hierarchy.shared(rows.truth[wrong], rows.predicted[wrong])
    counts = np.bincount(common, minlength=hierarchy.depth)
    return HierarchyScores(
        levels=(*upper, last),
        precision=precision,
        recall=recall,
        f1=f1,
        partings=tuple(
            Parting(level, int(mistakes), share(int(mistakes), int(wrong.sum())))
            for level, mistakes in enumerate(counts.tolist(), 1)
        ),
    )


def _level(rows: ScorableRows, hierarchy: Hierarchy, level: int, seed: int, groups: Groups | None) -> LevelScores:
    members, codes = hierarchy.members(level), len(hierarchy.codes(level))
    truth, predicted = members[rows.truth], members[rows.predicted]
    of_level = replace(rows, truth=truth, predicted=predicted)
    confusion = confusion_matrix(truth, predicted, codes)
    true_codes, predicted_codes = np.nonzero(confusion)
    margins = margins_of_cells(true_codes, predicted_codes, codes)

    def statistic(counts: IntMatrix) -> FloatMatrix:
        return averaged_metrics(margins(counts))["macro_f1"][:, None]

    cells = (true_codes, predicted_codes)
    of_row = cells_of_rows(of_level, cells, codes)
    (macro_f1,) = of_cells(confusion[cells], statistic, seed=seed, groups=groups, of_row=of_row)
    (right,) = proportions({"right": truth == predicted}, seed=seed, groups=groups).values()
    return LevelScores(level, codes, right, macro_f1, _top_k(of_level, hierarchy, level, seed, groups))


def _top_k(rows: ScorableRows, hierarchy: Hierarchy, level: int, seed: int, groups: Groups | None) -> dict[int, Figure]:
    if not np.isfinite(rows.probabilities).all():
        return {}
    sums = hierarchy.summed(rows.probabilities, level)
    return top_k_figures(sums, rows.truth, seed=seed, groups=groups, note=NO_MORE_CODES)


def top_k_figures(
    probabilities: FloatMatrix, truth: IntVector, *, seed: int, groups: Groups | None, note: str
) -> dict[int, Figure]:
    """Give top-k accuracies by k; where there are no more than k labels, there is nothing to tell, and why."""
    asked = [k for k in TOP if k < probabilities.shape[1]]
    hits = {str(k): top_k_hits(probabilities, truth, k) for k in asked}
    found = proportions(hits, seed=seed, groups=groups)
    none = Figure(1.0, None, None, len(truth), WILSON, note)
    return {k: found.get(str(k), none) for k in TOP}


def _hierarchical(rows: ScorableRows, hierarchy: Hierarchy, seed: int, groups: Groups | None) -> list[Figure]:
    confusion = confusion_matrix(rows.truth, rows.predicted, len(hierarchy.paths))
    truth, predicted = np.nonzero(confusion)
    sizes = [hierarchy.shared(truth, predicted), hierarchy.lengths[truth], hierarchy.lengths[predicted]]
    columns = np.stack(sizes, axis=1)

    def statistic(counts: IntMatrix) -> FloatMatrix:
        common, true, given = (counts @ columns).T
        return np.stack([ratio(common, given), ratio(common, true), ratio(2 * common, true + given)], axis=1)

    of_row = cells_of_rows(rows, (truth, predicted), len(hierarchy.paths))
    return of_cells(confusion[truth, predicted], statistic, seed=seed, groups=groups, of_row=of_row)
