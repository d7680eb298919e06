"""Takes the predictions of one classifier and gives its scores: every average and every label, with intervals.

Does not know models, files, or what it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifine.evaluation.clusters import Groups, average, groups_of, of_cells, proportions, shares_of
from classifine.evaluation.hierarchy import HierarchyScores, hierarchy_scores, top_k_figures
from classifine.evaluation.intervals import TOO_FEW, Figure, f1, margins_of_cells, share
from classifine.evaluation.metrics import (
    IntMatrix,
    Margins,
    ScorableRows,
    agreement_metrics,
    averaged_metrics,
    cells_of_rows,
    confusion_matrix,
    label_metrics,
    row_brier,
    row_log_loss,
    scorable,
)
from classifine.evaluation.ordinal import ordinal_figures
from classifine.evaluation.ranking import ranking_figures
from classifine.evaluation.several import (
    Patterns,
    ScorableSets,
    margins_of_sets,
    ranking_precision,
    scorable_sets,
)
from classifine.evaluation.several import row_brier as row_brier_of_sets
from classifine.evaluation.several import row_log_loss as row_log_loss_of_sets
from classifine.evaluation.unit_sums import MOST_CELLS, LabelFigures, by_label, figures_of_sums
from classifine.labels import FloatMatrix, LabelSpace
from classifine.tables import Predictions

NO_MORE_LABELS = "there are no more labels"

_SHARES_OF_ROWS = ("accuracy", "micro_precision", "micro_recall", "micro_f1", "weighted_recall")
_AVERAGES = ("macro_f1", "weighted_f1", "macro_precision", "macro_recall", "weighted_precision")
_AGREEMENT = ("balanced_accuracy", "mcc", "cohen_kappa", "krippendorff_alpha")
_BY_LABEL = tuple(
    f"{average}_{metric}" for metric in ("f1", "precision", "recall") for average in ("macro", "micro", "weighted")
)
_AVERAGES_OF_SEVERAL = (
    *_BY_LABEL,
    *("samples_f1", "samples_precision", "samples_recall", "hamming_loss"),
)


@dataclass(frozen=True)
class LabelScores:
    """How well one label is found.

    Attributes
    ----------
    label
        Its name.
    precision, recall, f1
        Figures; 0 where nothing was there to divide by.
    support, predicted
        Rows that have the label, rows that were given it.
    threshold
        The probability from which on it was given, where a text may have several.
    """

    label: str
    precision: Figure
    recall: Figure
    f1: Figure
    support: int
    predicted: int
    threshold: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        figures = {name: getattr(self, name).to_dict() for name in ("precision", "recall", "f1")}
        threshold = {} if self.threshold is None else {"threshold": self.threshold}
        return {"label": self.label, **figures, "support": self.support, "predicted": self.predicted, **threshold}


@dataclass(frozen=True)
class Scores:
    """The scores of one classifier.

    Attributes
    ----------
    averages
        Accuracy and the macro, micro and weighted averages, by name; where a text may have several labels, subset
        accuracy instead, averages over texts, Hamming loss and label ranking average precision, too; where labels
        have an order, quadratic-weighted kappa, adjacent accuracy and mean absolute error. Balanced accuracy, Matthews'
        correlation and Cohen's kappa where each text has one; where there are probabilities, Brier score, ROC-AUC and
        average precision, of the positive label or as the mean over labels.
    log_loss
        In nats; none where a row has no probabilities.
    top_k
        Top-k accuracy by k; empty where a row has no probabilities.
    per_label
        In the order of the label space.
    mistakes
        Rows predicted wrongly: everything off the diagonal; of several labels, rows of which not all are right.
    confusion
        Shape [n_labels, n_labels], rows truth, columns predicted; none where a text may have several labels.
    excluded
        Rows without a true label or without a prediction.
    hierarchy
        How well each level is met, where labels stand in a hierarchy.
    groups
        How many groups the rows belong to, where intervals draw groups.
    """

    averages: Mapping[str, Figure]
    log_loss: Figure | None
    top_k: Mapping[int, Figure]
    per_label: tuple[LabelScores, ...]
    mistakes: int
    confusion: tuple[tuple[int, ...], ...] | None
    excluded: int
    hierarchy: HierarchyScores | None = None
    groups: int | None = None

    @property
    def accuracy(self) -> float:
        """Share of rows predicted rightly; of several labels, all of them."""
        return self.averages["accuracy" if "accuracy" in self.averages else "subset_accuracy"].value

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels that occur."""
        return self.averages["macro_f1"].value

    @property
    def n(self) -> int:
        """How many rows were scored."""
        return self.averages["macro_f1"].n

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            **{name: figure.to_dict() for name, figure in self.averages.items()},
            "log_loss": None if self.log_loss is None else self.log_loss.to_dict(),
            "top_k": {str(k): figure.to_dict() for k, figure in self.top_k.items()},
            "per_label": [label.to_dict() for label in self.per_label],
            "confusion": None if self.confusion is None else [list(row) for row in self.confusion],
            **({} if self.hierarchy is None else {"hierarchy": self.hierarchy.to_dict()}),
            **({} if self.groups is None else {"groups": self.groups}),
        }


def score(predictions: Predictions, *, seed: int = 42) -> Scores:
    """Give the scores of one classifier; rows without a true label or a prediction are left out and counted.

    Where rows belong to groups, every interval draws groups, since rows of one group are alike.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row can be scored.
    """
    if predictions.space.separator is not None:
        return _score_several(predictions, seed)
    rows, space = scorable(predictions), predictions.space
    groups = groups_of(predictions, rows.positions)
    confusion = confusion_matrix(rows.truth, rows.predicted, len(space))
    margins = Margins.of(confusion)
    averages, labels = _of_confusion(rows, confusion, seed, groups)
    log_loss, top_k, told = _of_probabilities(rows, space, seed, groups)
    ordinal = {} if space.ranks is None else ordinal_figures(rows, space.ranks, seed=seed, groups=groups)
    return Scores(
        averages={name: averages[name] for name in ("accuracy", *_BY_LABEL, *_AGREEMENT)} | ordinal | told,
        log_loss=log_loss,
        top_k=top_k,
        per_label=_per_label(space, margins, labels),
        mistakes=int(confusion.sum() - margins.hits.sum()),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        excluded=rows.excluded,
        hierarchy=None
        if space.hierarchy is None
        else hierarchy_scores(
            rows,
            space.hierarchy,
            accuracy=averages["accuracy"],
            macro_f1=averages["macro_f1"],
            top_k=top_k,
            seed=seed,
            groups=groups,
        ),
        groups=None if groups is None else groups.n_groups,
    )


def _score_several(predictions: Predictions, seed: int) -> Scores:
    rows = scorable_sets(predictions)
    groups = groups_of(predictions, rows.positions)
    found, labels = _of_sets(rows, seed, groups)
    right = int(rows.right.sum())
    known = np.isfinite(rows.probabilities).all()
    if known:
        ranking = average(ranking_precision(rows.probabilities, rows.truth), groups, most=1.0)
        found |= {"label_ranking_average_precision": ranking}
        found |= {"brier": average(row_brier_of_sets(rows.probabilities, rows.truth), groups, most=1.0)}
        found |= ranking_figures(rows.probabilities, rows.truth, groups)
    subset = proportions({"subset_accuracy": rows.right}, seed=seed, groups=groups)
    return Scores(
        averages={**subset, **found},
        log_loss=average(row_log_loss_of_sets(rows.probabilities, rows.truth), groups) if known else None,
        top_k={},
        per_label=_per_label(predictions.space, margins_of_sets(rows.truth, rows.given), labels),
        mistakes=len(rows) - right,
        confusion=None,
        excluded=rows.excluded,
        groups=None if groups is None else groups.n_groups,
    )


def _per_label(space: LabelSpace, margins: Margins, drawn: Sequence[LabelFigures] | None) -> tuple[LabelScores, ...]:
    """Give the scores of each label; where groups were drawn, with the intervals that this gave."""
    counts = zip(*(m.tolist() for m in (margins.hits, margins.support, margins.predicted)), strict=True)
    thresholds = space.thresholds or (None,) * len(space)
    told = []
    for place, (name, (hits, support, predicted), threshold) in enumerate(
        zip(space.names, counts, thresholds, strict=True)
    ):
        figures = share(hits, predicted), share(hits, support), f1(hits, support, predicted)
        if drawn is not None:
            one, two, three = (_with_interval(*each) for each in zip(figures, drawn[place], strict=True))
            figures = one, two, three
        told.append(LabelScores(name, *figures, support=support, predicted=predicted, threshold=threshold))
    return tuple(told)


def _with_interval(figure: Figure, drawn: Figure) -> Figure:
    return figure if figure.note == TOO_FEW else replace(drawn, value=figure.value, n=figure.n)


def _of_confusion(
    rows: ScorableRows, confusion: IntMatrix, seed: int, groups: Groups | None
) -> tuple[dict[str, Figure], list[LabelFigures] | None]:
    """Give averages by name; and, where groups are drawn, the figures of each label."""
    n_labels, names = len(confusion), (*_AVERAGES, *_AGREEMENT)
    cells = np.nonzero(confusion)
    margins = margins_of_cells(cells[0], cells[1], n_labels)

    def statistic(counts: IntMatrix) -> FloatMatrix:
        drawn = margins(counts)
        values = averaged_metrics(drawn) | agreement_metrics(drawn)
        told = np.stack([values[name] for name in (*names, "accuracy")], axis=1)
        return told[:, :-1] if groups is None else np.hstack([told, *label_metrics(drawn)])

    found = of_cells(confusion[cells], statistic, seed=seed, groups=groups, of_row=cells_of_rows(rows, cells, n_labels))
    averages = dict(zip(names, found[: len(names)], strict=True))
    if groups is None:
        return averages | dict.fromkeys(_SHARES_OF_ROWS, share(int(np.trace(confusion)), len(rows))), None
    right, *labels = shares_of(found[len(names) :], groups)
    has = np.zeros((len(rows), n_labels), dtype=bool)
    has[np.arange(len(rows)), rows.truth] = True
    return averages | dict.fromkeys(_SHARES_OF_ROWS, right), by_label(labels, has, groups)


def _of_sets(
    rows: ScorableSets, seed: int, groups: Groups | None
) -> tuple[dict[str, Figure], list[LabelFigures] | None]:
    """Give averages by name; and, where groups are drawn, the figures of each label."""
    patterns = Patterns.of(rows.truth, rows.given)
    if groups is not None or len(patterns.counts) > MOST_CELLS:
        return figures_of_sums(rows.truth, rows.given, _AVERAGES_OF_SEVERAL, seed=seed, groups=groups)
    averages = patterns.averages()

    def statistic(counts: IntMatrix) -> FloatMatrix:
        values = averages(counts)
        return np.stack([values[name] for name in _AVERAGES_OF_SEVERAL], axis=1)

    return dict(zip(_AVERAGES_OF_SEVERAL, of_cells(patterns.counts, statistic, seed=seed), strict=True)), None


def _of_probabilities(
    rows: ScorableRows, space: LabelSpace, seed: int, groups: Groups | None
) -> tuple[Figure | None, dict[int, Figure], dict[str, Figure]]:
    """Give log-loss, top-k accuracies, and what else probabilities tell, of the positive label if there is one."""
    if not np.isfinite(rows.probabilities).all():
        return None, {}, {}
    n, n_labels = rows.probabilities.shape
    top_k = top_k_figures(rows.probabilities, rows.truth, seed=seed, groups=groups, note=NO_MORE_LABELS)
    has = np.zeros((n, n_labels), dtype=bool)
    has[np.arange(n), rows.truth] = True
    asked = slice(None) if space.positive is None else [space.id_of(space.positive)]
    told = {"brier": average(row_brier(rows.probabilities, rows.truth), groups, most=2.0)}
    told |= ranking_figures(rows.probabilities[:, asked], has[:, asked], groups)
    return average(row_log_loss(rows.probabilities, rows.truth), groups), top_k, told
