"""Takes columns and gives the four shapes a row of text has on its way: judgement, labelled text, split, prediction.

Each is a frozen dataclass of equally long columns that can become an Arrow table and come back.
Does not know files, models or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from classifine.labels import FloatMatrix, LabelSpace, Rule, certainty

if TYPE_CHECKING:
    import pyarrow as pa

OK = "ok"
BLANK = "blank"
OUT_OF_FOLD = "out-of-fold"  # the split of texts that each were scored by a training without them


@dataclass(frozen=True)
class _Columns:
    """Equally long tuples under names; a column that the data does not have is ``None``. The shapes below say which."""

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self._filled()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")

    def take(self, positions: Sequence[int]) -> Self:
        """Give the rows at these positions, in this order."""
        columns = {name: tuple(column[position] for position in positions) for name, column in self._filled()}
        return replace(self, **columns)

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Give the rows of several tables, one after the other; a column that only some of them have is left out."""
        columns: dict[str, Any] = {}
        for field in fields(cls):
            parts = [getattr(table, field.name) for table in tables]
            known = all(part is not None for part in parts)
            columns[field.name] = tuple(cell for part in parts for cell in part) if known else None
        return cls(**columns)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: the columns under their names."""
        return {name: list(column) for name, column in self._filled()}

    def to_arrow(self) -> pa.Table:
        """Give an Arrow table with one column per field."""
        import pyarrow as pa

        return pa.table({name: list(column) for name, column in self._filled()})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Read what :meth:`to_arrow` gave."""
        names = [field.name for field in fields(cls) if field.name in table.column_names]
        return cls(**{name: tuple(table.column(name).to_pylist()) for name in names})

    def _filled(self) -> list[tuple[str, tuple[Any, ...]]]:
        columns = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return [(name, column) for name, column in columns if column is not None]


@dataclass(frozen=True)
class Judgements(_Columns):
    """One annotator's label for one text, a row each.

    Attributes
    ----------
    ids, texts, annotators, labels
        Text columns; ``ids`` repeat, once per judgement of the item.
    rows
        Where the row stands in its file (the first data row is 1); several files are counted through.
    groups, times, parts, further
        As in :class:`LabelledTexts`; the same in all rows of an item.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[int, ...]
    groups: tuple[str, ...] | None = None
    times: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    further: tuple[Mapping[str, str], ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class LabelledTexts(_Columns):
    """One label for one text, a row each.

    Attributes
    ----------
    ids, texts, labels
        Text columns; ``ids`` are unique. Where a text may have several labels, its cell holds all of them, and the
        label space knows what separates them.
    rows
        Where the row stands in its file (the first data row is 1); several files are counted through.
    groups
        Rows of one group (an author, a thread, an original and its edits) belong into one split.
    times
        When the text came about, as the data says it.
    parts
        The split the data assigns: ``train``, ``validation`` or ``test``.
    soft
        For each text the share of its judgements by label; absent where labels were not made from judgements.
    further
        What else is kept of each text, by column, to slice the scores by.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[int, ...]
    groups: tuple[str, ...] | None = None
    times: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    soft: tuple[Mapping[str, float], ...] | None = None
    further: tuple[Mapping[str, str], ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Splits:
    """Three disjoint sets of labelled texts and the label space they share."""

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts
    space: LabelSpace

    def items(self) -> list[tuple[str, LabelledTexts]]:
        """List the splits by name, in the order they are used."""
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {**{name: table.to_dict() for name, table in self.items()}, "space": self.space.to_dict()}


@dataclass(frozen=True)
class Predictions:
    """What a classifier said about each text: the waist between models and numbers.

    Attributes
    ----------
    ids, texts
        Row ids, unique, and the texts themselves.
    truth
        The true label of each row, or ``None`` where it is unknown; where a text may have several, the cell of them.
    predicted
        The decided label of each row, or the cell of several; ``None`` where the status is not ``ok``.
    probabilities
        Shape [n, n_labels]; rows whose status is not ``ok`` are NaN.
    status
        ``ok`` or ``blank``.
    space
        The label space whose ids are the columns of ``probabilities``.
    split
        ``validation``, ``test``, or a file's name.
    classifier
        Who predicted: ``model``, ``majority``, ``tfidf`` …
    groups
        What each row belongs to (an author, a thread), where rows of one group are not independent of one another.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    truth: tuple[str | None, ...]
    predicted: tuple[str | None, ...]
    probabilities: FloatMatrix
    status: tuple[str, ...]
    space: LabelSpace
    split: str
    classifier: str = "model"
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        columns = (self.texts, self.truth, self.predicted, self.status, *(() if self.groups is None else [self.groups]))
        if any(len(column) != n for column in columns) or self.probabilities.shape != (n, len(self.space)):
            raise ValueError("predictions: columns of unequal length")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, positions: Sequence[int]) -> Predictions:
        """Give the predictions of the rows at these positions, in this order."""

        def taken(column: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(column[position] for position in positions)

        return replace(
            self,
            ids=taken(self.ids),
            texts=taken(self.texts),
            truth=taken(self.truth),
            predicted=taken(self.predicted),
            status=taken(self.status),
            groups=None if self.groups is None else taken(self.groups),
            probabilities=self.probabilities[list(positions)],
        )

    @property
    def rule(self) -> Rule:
        """How probabilities became labels."""
        return self.space.rule

    @property
    def confidence(self) -> tuple[float | None, ...]:
        """The probability of what was predicted: of the label, or of these labels and no others."""
        if self.rule == "threshold":
            given = self.space.indicator([cell or "" for cell in self.predicted])
            best = certainty(self.probabilities, given)
        else:
            place = {name: index for index, name in enumerate(self.space.names)}
            given_ids = [0 if name is None else place[name] for name in self.predicted]
            best = self.probabilities[np.arange(len(self)), given_ids]
        return tuple(float(p) if s == OK else None for p, s in zip(best, self.status, strict=True))

    def at_level(self, level: int) -> tuple[tuple[str | None, ...], tuple[float | None, ...]]:
        """Give the code that each predicted label stands below at a level, and that code's summed probability.

        Parameters
        ----------
        level
            1 is the top level of the label space's hierarchy.
        """
        if self.space.hierarchy is None:
            raise ValueError("these labels stand in no hierarchy")
        codes, members = self.space.hierarchy.codes(level), self.space.hierarchy.members(level)
        sums = self.space.hierarchy.summed(self.probabilities, level)
        place = {name: int(member) for name, member in zip(self.space.names, members, strict=True)}
        given = [None if label is None else place[label] for label in self.predicted]
        names = tuple(None if code is None else codes[code] for code in given)
        return names, tuple(None if code is None else float(sums[row, code]) for row, code in enumerate(given))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: one object per row, probabilities by label name."""
        columns = (self.ids, self.texts, self.truth, self.predicted, self.confidence, self.status)
        names = ("id", "text", "truth", "predicted_label", "confidence", "status")
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        for row, probabilities in zip(rows, self.probabilities.tolist(), strict=True):
            given = row["status"] == OK
            row["probabilities"] = dict(zip(self.space.names, probabilities, strict=True)) if given else None
        return {"split": self.split, "classifier": self.classifier, "rule": self.rule, "rows": rows}

    def to_arrow(self) -> pa.Table:
        """Give an Arrow table; space, split and rule travel in the schema's metadata."""
        import json

        import pyarrow as pa

        columns: dict[str, Any] = {
            "id": pa.array(self.ids, pa.string()),
            "text": pa.array(self.texts, pa.string()),
            "truth": pa.array(self.truth, pa.string()),
            "predicted_label": pa.array(self.predicted, pa.string()),
            "confidence": pa.array(self.confidence, pa.float64()),
            "status": pa.array(self.status, pa.string()),
        }
        for index, name in enumerate(self.space.names):
            columns[f"p_{name}"] = pa.array(self.probabilities[:, index])
        if self.groups is not None:
            columns["group"] = pa.array(self.groups, pa.string())
        about = {
            "space": json.dumps(self.space.to_dict()),
            "split": self.split,
            "classifier": self.classifier,
            "rule": self.rule,
        }
        return pa.table(columns).replace_schema_metadata(about)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Predictions:
        """Read what :meth:`to_arrow` gave."""
        import json

        about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        space = LabelSpace.from_dict(json.loads(about["space"]))
        matrix = np.column_stack([table.column(f"p_{name}").to_numpy() for name in space.names])
        text = {name: tuple(table.column(name).to_pylist()) for name in table.column_names[:6]}
        return cls(
            ids=text["id"],
            texts=text["text"],
            truth=text["truth"],
            predicted=text["predicted_label"],
            probabilities=matrix.astype(np.float64),
            status=text["status"],
            space=space,
            split=about["split"],
            classifier=about["classifier"],
            groups=tuple(table.column("group").to_pylist()) if "group" in table.column_names else None,
        )
