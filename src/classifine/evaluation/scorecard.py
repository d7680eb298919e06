"""Takes the predictions of a model and its baselines for the same rows and gives every number the report shows.

One set of predictions feeds every figure; nothing is computed a second time elsewhere.
Does not know models, files or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classifine.errors import count, some
from classifine.evaluation.comparison import Comparison, compare
from classifine.evaluation.intervals import TOO_FEW, WILSON, Figure, bootstrap, f1, margins_of_cells, mean, share
from classifine.evaluation.metrics import (
    IntMatrix,
    Margins,
    ScorableRows,
    averaged_metrics,
    confusion_matrix,
    row_log_loss,
    scorable,
    top_k_hits,
)
from classifine.evaluation.seen import Seen, beside
from classifine.labels import FloatMatrix, LabelSpace
from classifine.tables import Predictions

FEW_ROWS = 100
FEW_ROWS_OF_A_LABEL = 20
NO_MORE_LABELS = "there are no more labels"

_TOP = (1, 2, 3)
_SHARES_OF_ROWS = ("accuracy", "micro_precision", "micro_recall", "micro_f1", "weighted_recall")
_AVERAGES = ("macro_f1", "weighted_f1", "macro_precision", "macro_recall", "weighted_precision")


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
    """

    label: str
    precision: Figure
    recall: Figure
    f1: Figure
    support: int
    predicted: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        figures = {name: getattr(self, name).to_dict() for name in ("precision", "recall", "f1")}
        return {"label": self.label, **figures, "support": self.support, "predicted": self.predicted}


@dataclass(frozen=True)
class Scores:
    """The scores of one classifier.

    Attributes
    ----------
    averages
        Accuracy and the macro, micro and weighted averages, by name.
    log_loss
        In nats; none where a row has no probabilities.
    top_k
        Top-k accuracy by k; empty where a row has no probabilities.
    per_label
        In the order of the label space.
    confusion
        Shape [n_labels, n_labels], rows truth, columns predicted.
    excluded
        Rows without a true label or without a prediction.
    """

    averages: Mapping[str, Figure]
    log_loss: Figure | None
    top_k: Mapping[int, Figure]
    per_label: tuple[LabelScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    excluded: int

    @property
    def accuracy(self) -> float:
        """Share of rows predicted rightly."""
        return self.averages["accuracy"].value

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels that occur."""
        return self.averages["macro_f1"].value

    @property
    def n(self) -> int:
        """How many rows were scored."""
        return self.averages["accuracy"].n

    @property
    def mistakes(self) -> int:
        """How many rows were predicted wrongly: everything off the diagonal."""
        return sum(n for i, row in enumerate(self.confusion) for j, n in enumerate(row) if i != j)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            **{name: figure.to_dict() for name, figure in self.averages.items()},
            "log_loss": None if self.log_loss is None else self.log_loss.to_dict(),
            "top_k": {str(k): figure.to_dict() for k, figure in self.top_k.items()},
            "per_label": [label.to_dict() for label in self.per_label],
            "confusion": [list(row) for row in self.confusion],
        }


@dataclass(frozen=True)
class Scorecard:
    """A model beside its baselines.

    Attributes
    ----------
    split
        Which rows.
    space
        The labels.
    test_openings
        How often the test split has been opened, this time included.
    scores
        By classifier; ``model`` first.
    titles
        What to call each classifier before people.
    comparisons
        The model against each baseline.
    seen
        Which of the rows also stand in training or validation; none where nobody looked or none does.
    clean
        The scores on the other rows, by classifier; empty where there are no such rows, or only such rows.
    """

    split: str
    space: LabelSpace
    test_openings: int
    scores: Mapping[str, Scores]
    titles: Mapping[str, str]
    comparisons: tuple[Comparison, ...]
    seen: Seen | None = None
    clean: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """The model's accuracy."""
        return self.scores["model"].accuracy

    @property
    def macro_f1(self) -> float:
        """The model's macro-F1."""
        return self.scores["model"].macro_f1

    @property
    def verdict(self) -> str:
        """Say whether the model beats its baselines; contamination is said first, then that it does not beat TF-IDF."""
        if self.seen is not None and self.seen.contaminated:
            return f"Contaminated: {self.seen.sentence}. {self._on_clean_rows} {self._finding}"
        return self._finding

    @property
    def _finding(self) -> str:
        best = max(self.comparisons, key=lambda c: self.scores[c.baseline].macro_f1, default=None)
        if best is None:
            return f"Macro-F1 {self.macro_f1:.3f} on {self._rows}; no baseline was scored beside it."
        simple = next((c for c in self.comparisons if c.baseline == "tfidf" and not c.better), None)
        first = simple or best
        return " ".join(self._sentence(c, best) for c in ([first] if first is best else [first, best]))

    @property
    def cautions(self) -> tuple[str, ...]:
        """Say what to keep in mind when reading the figures."""
        model = self.scores["model"]
        told = []
        if self.seen is not None and not self.seen.contaminated:
            told.append(f"{_capital(self.seen.sentence)}. {self._on_clean_rows}")
        if model.n < FEW_ROWS:
            told.append(f"Only {count(model.n, 'row')}: read the intervals, not the scores alone.")
        rare = [label.label for label in model.per_label if label.support < FEW_ROWS_OF_A_LABEL]
        if rare:
            told.append(f"Labels with fewer than {FEW_ROWS_OF_A_LABEL} rows: {some(rare)}.")
        if model.excluded:
            told.append(f"{count(model.excluded, 'row')} without a true label or a prediction were left out.")
        if self.test_openings > 1:
            told.append(
                f"The test split has been opened {self.test_openings} times; "
                "choices made after looking at it make these scores too good."
            )
        return tuple(told)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it is written to scorecard.json."""
        model = self.scores["model"]
        return {
            "split": self.split,
            "n": model.n,
            "excluded": model.excluded,
            "labels": list(self.space.names),
            "positive": self.space.positive,
            "test_openings": self.test_openings,
            "verdict": self.verdict,
            "cautions": list(self.cautions),
            "scores": {name: self._told(name, scores) for name, scores in self.scores.items()},
            "seen": None if self.seen is None else self.seen.to_dict(),
            "titles": dict(self.titles),
            "comparisons": [self._marked(comparison.to_dict()) for comparison in self.comparisons],
            "mistakes": model.mistakes,
        }

    def _marked(self, told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "contaminated": True} if self.seen is not None and self.seen.contaminated else told

    def _told(self, name: str, scores: Scores) -> dict[str, Any]:
        if self.seen is None:
            return scores.to_dict()
        clean = self.clean[name].to_dict() if name in self.clean else None
        marked: dict[str, Any] = beside(scores.to_dict(), clean, contaminated=self.seen.contaminated)
        return marked

    @property
    def _on_clean_rows(self) -> str:
        if "model" not in self.clean:
            return "No clean row is left to score."
        clean = self.clean["model"]
        figure = clean.averages["macro_f1"]
        interval = "" if figure.low is None else f" (95 % interval {figure.low:.3f} to {figure.high:.3f})"
        return f"On the {count(clean.n, 'clean row')}, macro-F1 is {clean.macro_f1:.3f}{interval}."

    @property
    def _rows(self) -> str:
        n = self.scores["model"].n
        known = self.split in ("train", "validation", "test")
        return count(n, f"{self.split} row") if known else f"{count(n, 'row')} of {self.split}"

    def _sentence(self, comparison: Comparison, best: Comparison) -> str:
        model, baseline = self.titles["model"], self.titles[comparison.baseline]
        if comparison.better:
            finding = f"{_capital(model)} is better than {baseline}"
        elif comparison.worse:
            finding = f"{_capital(model)} is worse than {baseline}"
        else:
            finding = f"{_capital(model)} is not shown to be better than {baseline}"
        if comparison is best and len(self.comparisons) > 1:
            finding += ", the best baseline"
        theirs = self.scores[comparison.baseline].macro_f1
        if comparison.low is None or comparison.high is None:
            interval = (
                "too few rows for an interval" if comparison.note == TOO_FEW else f"no interval: {comparison.note}"
            )
        else:
            interval = f"95 % interval {comparison.low:+.3f} to {comparison.high:+.3f}"
        return (
            f"{finding}: macro-F1 {self.macro_f1:.3f} against {theirs:.3f}, "
            f"a difference of {comparison.difference:+.3f} ({interval}), on {self._rows}."
        )


def score(predictions: Predictions, *, seed: int = 42) -> Scores:
    """Give the scores of one classifier; rows without a true label or a prediction are left out and counted.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row can be scored.
    """
    rows = scorable(predictions)
    confusion = confusion_matrix(rows.truth, rows.predicted, len(predictions.space))
    margins = Margins.of(confusion)
    right = share(int(margins.hits.sum()), len(rows))
    averages = dict.fromkeys(_SHARES_OF_ROWS, right) | _bootstrapped(confusion, seed)
    order = (
        "accuracy",
        *(
            f"{average}_{metric}"
            for metric in ("f1", "precision", "recall")
            for average in ("macro", "micro", "weighted")
        ),
    )
    log_loss, top_k = _of_probabilities(rows)
    counts = zip(
        predictions.space.names, *(m.tolist() for m in (margins.hits, margins.support, margins.predicted)), strict=True
    )
    return Scores(
        averages={name: averages[name] for name in order},
        log_loss=log_loss,
        top_k=top_k,
        per_label=tuple(
            LabelScores(
                label=name,
                precision=share(hits, predicted),
                recall=share(hits, support),
                f1=f1(hits, support, predicted),
                support=support,
                predicted=predicted,
            )
            for name, hits, support, predicted in counts
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        excluded=rows.excluded,
    )


def scorecard(
    model: Predictions,
    baselines: Sequence[Predictions],
    *,
    titles: Mapping[str, str],
    test_openings: int,
    seed: int = 42,
    seen: Seen | None = None,
) -> Scorecard:
    """Score a model and its baselines on the same rows and compare them.

    Parameters
    ----------
    model, baselines
        Predictions for the same rows; each baseline goes by its ``classifier`` name.
    titles
        What to call ``model`` and each baseline before people; without one, the name serves.
    test_openings
        How often the test split has been opened, this time included.
    seed
        Where the bootstrap's draws start.
    seen
        Which of the rows also stand in training or validation, as positions among these rows.

    Raises
    ------
    LabelsProblem, RowsProblem
        See :func:`score`.
    ValueError
        The rows or the label spaces differ, or two classifiers share a name.
    """
    names = ["model", *(baseline.classifier for baseline in baselines)]
    if len(set(names)) != len(names):
        raise ValueError(f"classifiers must have different names, got {names}")
    every = list(zip(names, (model, *baselines), strict=True))
    seen = seen if seen is not None and seen.rows else None
    clean = seen.clean if seen is not None else ()
    return Scorecard(
        split=model.split,
        space=model.space,
        test_openings=test_openings,
        scores={name: score(each, seed=seed) for name, each in every},
        titles={name: titles.get(name, name) for name in names},
        comparisons=tuple(compare(model, baseline, seed=seed) for baseline in baselines),
        seen=seen,
        clean={name: score(each.take(clean), seed=seed) for name, each in every} if clean else {},
    )


def _bootstrapped(confusion: IntMatrix, seed: int) -> dict[str, Figure]:
    truth, predicted = np.nonzero(confusion)
    margins = margins_of_cells(truth, predicted, len(confusion))

    def statistic(counts: IntMatrix) -> FloatMatrix:
        values = averaged_metrics(margins(counts))
        return np.stack([values[name] for name in _AVERAGES], axis=1)

    return dict(zip(_AVERAGES, bootstrap(confusion[truth, predicted], statistic, seed=seed), strict=True))


def _of_probabilities(rows: ScorableRows) -> tuple[Figure | None, dict[int, Figure]]:
    if not np.isfinite(rows.probabilities).all():
        return None, {}
    n, n_labels = rows.probabilities.shape
    top_k = {
        k: share(int(top_k_hits(rows.probabilities, rows.truth, k).sum()), n)
        if k < n_labels
        else Figure(1.0, None, None, n, WILSON, NO_MORE_LABELS)
        for k in _TOP
    }
    return mean(row_log_loss(rows.probabilities, rows.truth)), top_k


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
