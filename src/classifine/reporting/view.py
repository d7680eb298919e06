"""Takes nothing and gives the shape of what the page shows: one frozen :class:`Summary`, with the scores and training.

Values are as they are stored; a property only picks among them. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifine.reporting.data_view import Audit
from classifine.reporting.diagnosis_view import Diagnosis, LabelErrors, Learnt
from classifine.reporting.explanations_view import Explained
from classifine.reporting.measures import FEW_LABELS, Figure
from classifine.reporting.search_view import Search
from classifine.reporting.seeds_view import Folds, Seeds
from classifine.reporting.sharing import ShowTexts
from classifine.reporting.trust_view import Trust


@dataclass(frozen=True)
class LabelRow:
    """How well one label was found; ``threshold`` where a text may have several."""

    label: str
    precision: Figure
    recall: Figure
    f1: Figure
    support: int
    predicted: int
    threshold: float | None = None


@dataclass(frozen=True)
class Level:
    """How well one level of hierarchical labels is met; ``parted`` is the share of mistakes that begin there."""

    level: int
    codes: int
    accuracy: Figure
    macro_f1: Figure
    top_k: Mapping[str, Figure]
    mistakes: int
    parted: Figure


@dataclass(frozen=True)
class Hierarchy:
    """How well a hierarchy is met: level by level from the top, and all levels together."""

    levels: tuple[Level, ...]
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Scored:
    """One classifier's scores; ``figures`` by name, with ``log_loss`` and ``top_k`` among them."""

    key: str
    title: str
    figures: Mapping[str, Figure | None]


@dataclass(frozen=True)
class Against:
    """The model beside one baseline."""

    baseline: str
    title: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    n: int
    mcnemar_p: float
    better: bool
    note: str | None


@dataclass(frozen=True)
class Confused:
    """A cell of the confusion matrix off the diagonal."""

    truth: str
    predicted: str
    count: int


@dataclass(frozen=True)
class Scores:
    """The scorecard as the page shows it.

    Attributes
    ----------
    disappointing
        Whether the model is not shown to be better than logistic regression, or than any baseline there is.
    several
        Whether a text may have several labels; then there is no confusion matrix.
    labels
        In the order of ``confusion``.
    per_label
        In the same order, or the lowest F1 first when there are many.
    confusions
        The most frequent cells off the diagonal.
    details
        Sentences about levels and an order of labels.
    hierarchy
        Where labels stand in one.
    order
        The labels from the lowest to the highest, where they have an order.
    trust
        Whether the probabilities can be trusted, where that was looked at.
    """

    verdict: str
    cautions: tuple[str, ...]
    disappointing: bool
    split: str
    n: int
    labels: tuple[str, ...]
    positive: str | None
    test_openings: int
    classifiers: tuple[Scored, ...]
    comparisons: tuple[Against, ...]
    per_label: tuple[LabelRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    confusions: tuple[Confused, ...]
    mistakes: int
    several: bool = False
    details: tuple[str, ...] = ()
    hierarchy: Hierarchy | None = None
    order: tuple[str, ...] = ()
    trust: Trust | None = None

    @property
    def many(self) -> bool:
        """Whether the labels are too many for roomy pictures."""
        return len(self.labels) > FEW_LABELS

    @property
    def contaminated(self) -> bool:
        """Whether the scores must carry that word."""
        figure = self.model.figures.get("macro_f1")
        return figure is not None and figure.contaminated

    @property
    def model(self) -> Scored:
        """The model itself."""
        return next(scored for scored in self.classifiers if scored.key == "model")

    @property
    def heads(self) -> tuple[tuple[str, Figure], ...]:
        """The figures that stand at the top, by name."""
        names = ("macro_f1", "micro_f1", "subset_accuracy") if self.several else ("macro_f1", "accuracy")
        found = [(name, self.model.figures.get(name)) for name in names]
        of_positive = next((row.f1 for row in self.per_label if row.label == self.positive), None)
        third = ("f1", of_positive) if of_positive else ("top_3", self.model.figures.get("top_3"))
        if of_positive or (self.many and not self.several):
            found.append(third)
        return tuple((name, figure) for name, figure in found if figure is not None)


def matrix_rows(scores: Scores) -> list[tuple[Any, ...]]:
    """Give the cells of the confusion matrix, for a file."""
    return [(label, *counts) for label, counts in zip(scores.labels, scores.confusion, strict=True)]


@dataclass(frozen=True)
class Mistake:
    """A row of mistakes.csv; what is missed and wrongly given is there where a text may have several labels.

    ``near`` are the labels of the nearest training texts.
    """

    id: str
    text: str
    true_label: str
    predicted_label: str
    confidence: float
    p_true: float
    missed: str | None = None
    wrongly_given: str | None = None
    suggested: str | None = None
    votes: str | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tie:
    """A row of ties.csv."""

    id: str
    text: str
    votes: str
    rule: str
    label: str


@dataclass(frozen=True)
class Training:
    """How training went; the metric's values stand in ``epochs`` under ``metric_key``."""

    epochs: tuple[Mapping[str, Any], ...]
    best_epoch: float
    metric: str
    metric_key: str
    best_value: float
    stopped_early: bool
    seconds: float
    facts: Mapping[str, Any]
    base_model: Mapping[str, Any]
    settings: Mapping[str, Any]
    truncation: Mapping[str, Mapping[str, int]]
    long_texts: Mapping[str, Any]
    course: Mapping[str, Any]

    @property
    def several(self) -> bool:
        """Whether a text may have several labels."""
        return any("subset_accuracy" in epoch for epoch in self.epochs)


@dataclass(frozen=True)
class Origin:
    """What it takes to make the run again."""

    command: str | None
    seed: int
    sources: tuple[Mapping[str, str], ...]
    versions: Mapping[str, str]
    stages: Mapping[str, Mapping[str, Any]]
    test_openings: int


@dataclass(frozen=True)
class Summary:
    """Everything the page shows; a part is ``None`` when its stage has not been run."""

    name: str
    origin: Origin
    settings: str | None
    scores: Scores | None
    mistakes: tuple[Mistake, ...] | None
    audit: Audit | None
    ties: tuple[Tie, ...] | None
    training: Training | None
    search: Search | None = None
    seeds: Seeds | None = None
    explanations: Explained | None = None
    folds: Folds | None = None
    estimates: Mapping[str, Any] | None = None  # what estimates.json says
    diagnosis: Diagnosis | None = None
    label_errors: LabelErrors | None = None
    learnt: Learnt | None = None
    curve: str | None = None  # what a learning curve answers
    show_texts: ShowTexts = "masked"

    @property
    def foreign(self) -> bool:
        """Whether the predictions came from elsewhere, so that there is nothing to say of data and training."""
        return any(source["role"] == "predictions" for source in self.origin.sources)
