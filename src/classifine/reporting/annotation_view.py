"""Takes nothing and gives the shape of what the page says of annotators: agreement, rules, ties and differences.

Values are as they are stored. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from classifine.reporting.measures import FEW_LABELS, Measure


@dataclass(frozen=True)
class AnnotatorLine:
    """How far one annotator agrees with the majority of the others; ``right`` is Dawid and Skene's estimate."""

    annotator: str
    judgements: int
    with_majority: Measure
    kappa: Measure | None
    right: float | None


@dataclass(frozen=True)
class Pair:
    """How far two annotators agree on the items both judged."""

    annotators: tuple[str, str]
    items: int
    percent: Measure
    kappa: Measure


@dataclass(frozen=True)
class Difference:
    """An item that not every method gives the same label."""

    id: str
    votes: Mapping[str, int]
    labels: Mapping[str, str | None]


@dataclass(frozen=True)
class Annotation:
    """How judgements became labels.

    Attributes
    ----------
    counts
        Annotators, judgements, items and the like, by name.
    method, tie_rule
        What decided; ``method`` is ``None`` in a run that did not store it.
    scale
        What labels are to alpha.
    percent, alpha, fleiss
        How far all annotators agree; ``None`` where it was not stored.
    by_label
        Alpha of each label, the lowest first.
    by_annotator
        The one who agrees least first.
    pairs, n_pairs
        The pairs with the most items in common, and how many pairs there are.
    touched
        How many items each rule decided.
    differing, differences
        How many items not every method gives the same label, and the first of them.
    methods, compared
        The methods compared, and how many items each gives each label; under ``None``, none.
    warnings, notes
        What makes the labels doubtful and what could be done better, in sentences.
    """

    counts: Mapping[str, int]
    method: str | None
    tie_rule: str
    scale: str | None
    percent: Measure | None
    alpha: Measure | None
    fleiss: Measure | None
    by_label: tuple[tuple[str, Measure], ...]
    by_annotator: tuple[AnnotatorLine, ...]
    pairs: tuple[Pair, ...]
    n_pairs: int
    touched: Mapping[str, int]
    differing: int
    differences: tuple[Difference, ...]
    methods: tuple[str, ...]
    compared: tuple[tuple[str | None, Mapping[str, int]], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def many(self) -> bool:
        """Whether the labels are too many for a short table."""
        return len(self.compared) > FEW_LABELS

    @property
    def measures(self) -> tuple[tuple[str, Measure], ...]:
        """The measures of agreement that are stored, by name."""
        found = {"percent agreement": self.percent, "Krippendorff’s alpha": self.alpha, "Fleiss’ kappa": self.fleiss}
        return tuple((name, measure) for name, measure in found.items() if measure is not None)


def alpha_rows(by_label: Iterable[tuple[str, Measure]]) -> list[tuple[Any, ...]]:
    """Give the cells of the picture of each label's alpha, for a file."""
    return [(label, alpha.value, alpha.low, alpha.high, alpha.n) for label, alpha in by_label]
