"""Takes diagnosis.json and label_errors.json as a run stores them and gives the shape of what the page shows of them.

Values are as they are stored. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifine.reporting.measures import Figure

SHOWN_PAIRS = 15
SHOWN_SUSPECTS = 20
SHOWN_LABELS = 30


@dataclass(frozen=True)
class Pair:
    """The mistakes of one kind: texts of one label that were given another."""

    true_label: str
    predicted_label: str
    mistakes: int
    of_label: Figure
    suspected: int
    beside: int | None
    disputed: int | None


@dataclass(frozen=True)
class Slice:
    """Some of the rows, and how well they were predicted."""

    conditions: tuple[tuple[str, str], ...]
    n: int
    accuracy: Figure
    macro_f1: Figure | None
    rest: float | None
    corrected: float
    worse: bool
    better: bool


@dataclass(frozen=True)
class SlicedColumn:
    """The slices of one column."""

    column: str
    told: str | None
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong; its text stands in the review file only."""

    id: str
    split: str
    label: str
    suggested: str
    margin: float
    why: str


@dataclass(frozen=True)
class LabelErrors:
    """The labels that may be wrong, as somebody judged who had not seen the texts."""

    sentence: str
    suspected: int
    n: int
    accuracy: Figure
    by_label: tuple[tuple[str, int, int], ...]
    rows: tuple[Suspect, ...]


@dataclass(frozen=True)
class Learnt:
    """How many training texts were easy, ambiguous and hard to learn, over how many epochs."""

    epochs: int
    easy: int
    ambiguous: int
    hard: int


@dataclass(frozen=True)
class Diagnosis:
    """Where predictions are wrong, and why.

    Attributes
    ----------
    pairs, all_pairs
        The most frequent kinds of mistakes, and how many kinds there are.
    near
        What told which training texts are near.
    columns, sliced
        Slices by column, and what they come to.
    spots, found
        The weakest parts, and what the search came to.
    labels
        Which of the test labels may be wrong.
    """

    pairs: tuple[Pair, ...]
    all_pairs: int
    near: str | None
    columns: tuple[SlicedColumn, ...]
    sliced: str
    spots: tuple[Slice, ...]
    found: str
    labels: LabelErrors | None


def diagnosis_of(value: Mapping[str, Any]) -> Diagnosis:
    """Read what the evaluation stores."""
    pairs = value["pairs"]
    counts = ("true_label", "predicted_label", "mistakes", "suspected", "beside", "disputed")
    return Diagnosis(
        pairs=tuple(
            Pair(**{name: pair[name] for name in counts}, of_label=_figure(pair["of_label"]))
            for pair in pairs[:SHOWN_PAIRS]
        ),
        all_pairs=len(pairs),
        near=value["near"],
        columns=tuple(
            SlicedColumn(one["column"], one["told"], tuple(_slice(part) for part in one["slices"]))
            for one in value["slices"]["columns"]
        ),
        sliced=value["slices"]["sentence"],
        spots=tuple(_slice(one) for one in value["weak_spots"]["slices"]),
        found=value["weak_spots"]["sentence"],
        labels=None if value["labels"] is None else label_errors_of(value["labels"]),
    )


def label_errors_of(value: Mapping[str, Any]) -> LabelErrors:
    """Read which labels may be wrong, as the evaluation or the search for label errors stores it."""
    return LabelErrors(
        sentence=value["sentence"],
        suspected=value["suspected"],
        n=value["n"],
        accuracy=_figure(value["accuracy"]),
        by_label=tuple((one["label"], one["rows"], one["suspected"]) for one in value["by_label"][:SHOWN_LABELS]),
        rows=tuple(
            Suspect(one["id"], one["split"], one["label"], one["suggested_label"], one["margin"], one["why"])
            for one in value["rows"][:SHOWN_SUSPECTS]
        ),
    )


def learnt_of(history: Mapping[str, Any]) -> Learnt | None:
    """Read what the training stores of its texts; none where it stored nothing."""
    value = history.get("dynamics")
    return None if value is None else Learnt(**{name: value[name] for name in ("epochs", "easy", "ambiguous", "hard")})


def _slice(value: Mapping[str, Any]) -> Slice:
    return Slice(
        conditions=tuple((name, cell) for name, cell in value["conditions"]),
        n=value["n"],
        accuracy=_figure(value["accuracy"]),
        macro_f1=_figure(value["macro_f1"]) if "macro_f1" in value else None,
        rest=value["rest"],
        corrected=value["corrected"],
        worse=value["worse"],
        better=value["better"],
    )


def _figure(value: Mapping[str, Any]) -> Figure:
    return Figure(**{name: value[name] for name in ("value", "low", "high", "n", "method")}, note=value.get("note"))


def pair_rows(pairs: Sequence[Pair]) -> list[tuple[Any, ...]]:
    """Give the cells of the table of confused labels, for a file."""
    return [
        (
            *(one.true_label, one.predicted_label, one.mistakes, *_ends(one.of_label)),
            *(one.suspected, one.beside, one.disputed),
        )
        for one in pairs
    ]


def slice_rows(slices: Sequence[Slice]) -> list[tuple[Any, ...]]:
    """Give the cells of the table of a column's slices, for a file."""
    return [
        (
            *(one.conditions[0][1], one.n, *_ends(one.accuracy)),
            *((None,) * 3 if one.macro_f1 is None else _ends(one.macro_f1)),
            *(one.rest, one.corrected),
        )
        for one in slices
    ]


def spot_rows(slices: Sequence[Slice]) -> list[tuple[Any, ...]]:
    """Give the cells of the table of the weakest parts, for a file."""
    return [
        (
            " and ".join(f"{name}: {value}" for name, value in one.conditions),
            *(one.n, *_ends(one.accuracy), one.rest, one.corrected),
        )
        for one in slices
    ]


def suspect_rows(rows: Sequence[Suspect]) -> list[tuple[Any, ...]]:
    """Give the cells of the table of suspicious labels, for a file."""
    return [(one.id, one.split, one.label, one.suggested, one.margin, one.why) for one in rows]


def _ends(figure: Figure) -> tuple[Any, ...]:
    return figure.value, figure.low, figure.high
