"""Tables in memory: what each of them holds comes out as text, and its own marks are read or said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from classifine.data.rows.reading import LeftOut, read_judgements, read_labelled
from classifine.errors import ColumnProblem, RowsProblem, UsageError
from classifine.settings import DataSettings

PLAIN = DataSettings()


class ClassLabel:
    """As datasets 5 has it, as far as it is asked for."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def int2str(self, value: int) -> str:
        return self.names[value]


class Dataset:
    """A stand-in for datasets.Dataset: an Arrow table behind a list of selected rows and a format."""

    def __init__(self, columns: Mapping[str, Any], features: Mapping[str, Any], rows: list[int] | None = None) -> None:
        self._table = pa.table(dict(columns))
        self.features = {name: features.get(name) for name in columns}
        self._rows = list(range(self._table.num_rows)) if rows is None else rows
        self._format: str | None = "numpy"

    @property
    def column_names(self) -> list[str]:
        return list(self.features)

    @property
    def num_rows(self) -> int:
        return len(self._rows)

    def with_format(self, kind: str | None) -> Dataset:
        other = Dataset({name: self._table[name] for name in self.column_names}, self.features, self._rows)
        other._format = kind
        return other

    def __getitem__(self, key: slice) -> Any:
        assert self._format == "arrow"
        return self._table.take(self._rows[key])


class DatasetDict(dict[str, Dataset]):
    """A stand-in for datasets.DatasetDict."""


def posts(texts: list[str], labels: list[int | None], rows: list[int] | None = None) -> Dataset:
    return Dataset({"text": texts, "label": pa.array(labels)}, {"label": ClassLabel(["neg", "pos"])}, rows)


def test_polars_frames() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "text": ["é", None, "c"] + ["d"] * 30,
            "label": pl.Series(["NA", "1.0", "NA"] + ["x"] * 30).cast(pl.Categorical),
            "on": [True, None, False] + [True] * 30,
        }
    )
    reading = read_labelled(frame, PLAIN)
    assert reading.table.labels[:2] == ("NA", "NA")
    assert reading.left_out == (LeftOut("blank text", (2,)),)
    assert read_labelled(frame.drop_nulls(), DataSettings(label="on")).table.labels[:2] == ("true", "false")


def test_arrow_batches_and_views() -> None:
    batch = pa.record_batch({"text": ["a", "b"], "label": pa.array(["x", "y"]).dictionary_encode()})
    assert read_labelled(batch, PLAIN).table.labels == ("x", "y")
    views = pa.table({"text": pa.array(["a", "b"], pa.large_string()), "label": pa.array(["x", "y"], pa.string_view())})
    assert read_labelled(views.slice(1), PLAIN).table.texts == ("b",)
    assert read_labelled(pa.RecordBatchReader.from_batches(batch.schema, [batch]), PLAIN).table.texts == ("a", "b")


def test_lists_of_rows_and_arrays() -> None:
    rows: list[dict[str, Any]] = [{"text": "a", "label": 1}, {"label": "x", "text": "b", "more": 5}]
    assert read_labelled(rows, PLAIN).table.labels == ("1", "x")
    with pytest.raises(RowsProblem, match="blank label"):
        read_labelled([*rows, {"text": "c"}], PLAIN)
    array = np.array([("a", 1.5), ("b", 2.0)], dtype=[("text", "U5"), ("label", "f8")])
    assert read_labelled(array, PLAIN).table.labels == ("1.5", "2.0")
    assert read_labelled((np.array(["a", "b"]), np.array([0, 1])), PLAIN).table.labels == ("0", "1")
    for source in (np.array([["a", "b"]]), [], ["a.csv", 5]):
        with pytest.raises(UsageError, match="cannot be read as a table"):
            read_labelled(source, PLAIN)


def test_columns_that_stand_twice_are_refused_when_used() -> None:
    frame = pd.DataFrame([["a", "x", 1, 2]], columns=["text", "label", "k", "k"])
    assert read_labelled(frame, PLAIN).table.texts == ("a",)
    with pytest.raises(ColumnProblem, match="stands 2 times"):
        read_labelled(frame, DataSettings(id="k"))


def test_class_numbers_are_read_as_their_names_and_said() -> None:
    dataset = posts(["a", "b", "c"], [1, 0, 1], rows=[2, 1])
    reading = read_labelled(dataset, PLAIN)
    assert reading.table.texts == ("c", "b")
    assert reading.table.labels == ("pos", "neg")
    assert reading.repairs == (
        "the column 'label' holds numbers of classes, read as their names: 0 = 'neg', 1 = 'pos'",
    )
    assert reading.to_dict()["repairs"] == list(reading.repairs)
    plain = Dataset({"text": ["a"], "label": [1]}, {})
    assert read_labelled(plain, PLAIN).table.labels == ("1",)
    assert read_labelled(plain, PLAIN).repairs == ()


def test_classes_that_nobody_gave_are_blank() -> None:
    dataset = posts([f"t{n}" for n in range(60)], [-1, None] + [0] * 58)
    assert read_labelled(dataset, PLAIN).left_out == (LeftOut("blank label", (1, 2)),)


def test_the_splits_of_a_dictionary_become_parts() -> None:
    source = DatasetDict(train=posts(["a", "b"], [0, 1]), dev=posts(["c"], [1]), test=posts(["d", "e"], [0, 1], [1]))
    reading = read_labelled(source, PLAIN)
    assert reading.table.texts == ("a", "b", "c", "e")
    assert reading.table.parts == ("train", "train", "validation", "test")
    assert reading.table.labels == ("neg", "pos", "pos", "pos")
    assert reading.repairs[1] == "'dev' in 'the names of the splits' is read as validation (1 row)"
    with pytest.raises(RowsProblem, match="'unsupervised' in 1 row"):
        read_labelled(DatasetDict(train=posts(["a"], [0]), unsupervised=posts(["b"], [0])), PLAIN)
    with pytest.raises(UsageError, match="'train' and 'test' of the data set differ"):
        read_labelled(DatasetDict(train=posts(["a"], [0]), test=Dataset({"text": ["a"], "label": ["x"]}, {})), PLAIN)


def test_a_streamed_data_set_is_refused() -> None:
    class Streamed:
        features: Mapping[str, Any] = {}
        column_names = ("text", "label")

        def with_format(self, kind: str) -> Streamed:
            return self

    with pytest.raises(UsageError, match="streamed data set"):
        read_labelled(Streamed(), PLAIN)


def test_judgements_come_from_rows_too() -> None:
    rows = [{"item": 1, "text": "a", "who": "A", "label": 0}, {"item": 1, "text": "a", "who": "B", "label": 1}]
    assert read_judgements(rows, DataSettings(id="item", annotator="who")).table.ids == ("1", "1")
