from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifine.errors import ColumnProblem, FileMissing, FileUnreadable
from classifine.hierarchy import Hierarchy
from classifine.labels import FloatMatrix, LabelSpace
from classifine.prediction.bulk import predict_file


class Lengths:
    """Says yes the more often the longer a text is."""

    space = LabelSpace(("no", "yes"))

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        share = np.array([min(1.0, len(text) / 10) for text in texts])
        return np.column_stack([1 - share, share])


ROWS = [("01.10", "a"), ("NA", "twelve chars"), ("x,y", ""), ('"q"', "line\nbreak!")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("code", "text"), *ROWS])
    return path


def test_rows_order_and_columns_are_kept_in_each_format(source: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    expected = ["no", "yes", None, "yes"]
    for ending in ("csv", "tsv", "parquet", "jsonl"):
        output = tmp_path / f"out.{ending}"
        result = predict_file(Lengths(), source, output)
        assert (result.rows, result.blank, result.labels) == (4, 1, {"no": 1, "yes": 2})
        if ending == "parquet":
            rows = pq.read_table(output).to_pylist()
        elif ending == "jsonl":
            rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
        else:
            with output.open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream, delimiter="\t" if ending == "tsv" else ","))
        assert list(rows[0]) == ["code", "text", "predicted_label", "confidence", "p_no", "p_yes", "status"]
        assert [(row["code"], row["text"]) for row in rows] == ROWS
        assert [row["predicted_label"] or None for row in rows] == expected
        assert [row["status"] for row in rows] == ["ok", "ok", "blank", "ok"]
        assert float(rows[0]["confidence"]) == pytest.approx(0.9)


def test_a_clash_of_names_is_refused_and_a_prefix_cures_it(source: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    predict_file(Lengths(), source, first)
    with pytest.raises(ColumnProblem, match="--prefix"):
        predict_file(Lengths(), first, tmp_path / "second.csv")
    assert not (tmp_path / "second.csv").exists()
    predict_file(Lengths(), first, tmp_path / "second.csv", prefix="again_")
    assert "again_predicted_label" in (tmp_path / "second.csv").read_text("utf-8").splitlines()[0]


def test_a_bad_row_is_named_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,code\na,1\nb,2,3\n")
    with pytest.raises(FileUnreadable, match="row 2"):
        predict_file(Lengths(), source, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [source]


def test_what_is_not_there_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        predict_file(Lengths(), tmp_path / "absent.csv", tmp_path / "out.csv")
    with pytest.raises(ColumnProblem, match="text"):
        predict_file(Lengths(), source, tmp_path / "out.csv", text="texts")


class Twofold(Lengths):
    """Says long, and loud of a text in capitals."""

    space = LabelSpace(("long", "loud"), separator="|", thresholds=(0.8, 0.5))

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        return np.array([[min(1.0, len(text) / 10), float(text.isupper())] for text in texts])


def test_several_labels_stand_in_one_cell_and_each_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('text\nFAR TOO LOUD\nquiet\n""\nso very long\n', "utf-8")
    result = predict_file(Twofold(), source, tmp_path / "out.csv")
    assert (result.rows, result.blank, result.unlabelled) == (4, 1, 1)
    assert result.labels == {"long": 2, "loud": 1}
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["predicted_label"], row["status"]) for row in rows] == [
        ("long|loud", "ok"), ("", "ok"), ("", "blank"), ("long", "ok"),
    ]  # fmt: skip
    assert [row["p_loud"] for row in rows] == ["1.0", "0.0", "", "0.0"]


class Codes:
    """Gives each text the same probabilities of labels in two levels, one of them named like our columns."""

    names = ("level_1", "x/level_1", "x/status")
    space = LabelSpace(names, hierarchy=Hierarchy.by_separator(names, "/"))

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        return np.tile([0.2, 0.45, 0.35], (len(texts), 1))


@pytest.mark.parametrize("prefix", ["", "our_"])
def test_codes_above_the_label_are_columns_whatever_labels_are_called(
    prefix: str, source: Path, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    predict_file(Codes(), source, tmp_path / "out.parquet", prefix=prefix)
    table = pq.read_table(tmp_path / "out.parquet")
    added = ["predicted_label", "confidence", "level_1", "level_1_confidence"]
    added += [*(f"p_{name}" for name in Codes.names), "status"]
    assert table.column_names == ["code", "text", *(prefix + name for name in added)]
    texts = [name for name in table.column_names if table.schema.field(name).type == pa.string()]
    assert texts == ["code", "text", *(prefix + name for name in ("predicted_label", "level_1", "status"))]
    assert table.column(f"{prefix}level_1").to_pylist() == ["x", "x", None, "x"]
    assert table.column(f"{prefix}level_1_confidence").to_pylist() == pytest.approx([0.8, 0.8, None, 0.8])
