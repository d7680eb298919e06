"""Takes columns and gives the four shapes a row of text has on its way: judgement, labelled text, split, prediction.

Each is a frozen dataclass of equally long columns that can become an Arrow table and come back.
Does not know files, models or numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from classifine.labels import FloatMatrix, LabelSpace, Rule

if TYPE_CHECKING:
    import pyarrow as pa

OK = "ok"
BLANK = "blank"


@dataclass(frozen=True)
class _Columns:
    """Equally long tuples under names; the shapes below say which."""

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")

    def take(self, positions: Sequence[int]) -> Self:
        """Give the rows at these positions, in this order."""
        columns = {
            field.name: tuple(getattr(self, field.name)[position] for position in positions) for field in fields(self)
        }
        return type(self)(**columns)

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Give the rows of several tables, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: tuple(cell for table in tables for cell in getattr(table, name)) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: the columns under their names."""
        return {field.name: list(getattr(self, field.name)) for field in fields(self)}

    def to_arrow(self) -> pa.Table:
        """Give an Arrow table with one column per field."""
        import pyarrow as pa

        return pa.table({field.name: list(getattr(self, field.name)) for field in fields(self)})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Read what :meth:`to_arrow` gave."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: tuple(table.column(name).to_pylist()) for name in names})


@dataclass(frozen=True)
class Judgements(_Columns):
    """One annotator's label for one text, a row each.

    Attributes
    ----------
    ids, texts, annotators, labels
        Text columns; ``ids`` repeat, once per judgement of the item.
    rows
        Where the row stands in its file (the first data row is 1).
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class LabelledTexts(_Columns):
    """One label for one text, a row each; ``ids`` are unique."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[int, ...]

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
        The true label of each row, or ``None`` where it is unknown.
    predicted
        The decided label of each row, or ``None`` where the status is not ``ok``.
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
    rule
        How probabilities became labels.
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
    rule: Rule = "argmax"

    def __post_init__(self) -> None:
        n = len(self.ids)
        columns = (self.texts, self.truth, self.predicted, self.status)
        if any(len(column) != n for column in columns) or self.probabilities.shape != (n, len(self.space)):
            raise ValueError("predictions: columns of unequal length")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def confidence(self) -> tuple[float | None, ...]:
        """The probability of the predicted label of each row."""
        best = self.probabilities.max(axis=1, initial=0.0)
        return tuple(float(p) if s == OK else None for p, s in zip(best, self.status, strict=True))

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
            rule="argmax",
        )
