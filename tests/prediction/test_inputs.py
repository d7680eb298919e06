"""What is read: several files, patterns, standard input, packed files; rows that cannot be read keep their place."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.prediction.forking import Digests

from classifine.errors import ColumnProblem, FileMissing, FileUnreadable, UsageError
from classifine.prediction.bulk import predict_file
from classifine.prediction.inputs import Inputs, expanded


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_several_files_become_one_output_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("text,n\nbe,1\nbee,2\n", "utf-8")
    (tmp_path / "a.tsv").write_text("n\ttext\n3\tay\n", "utf-8")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"text,n\nsea,4\n,5\n"))
    names = [tmp_path / name for name in ("b.csv", "a.tsv", "c.csv.gz")]
    result = predict_file(Digests(), names, tmp_path / "out.csv", shard_rows=2)
    assert (result.rows, result.blank) == (5, 1)
    rows = rows_of(tmp_path / "out.csv")
    assert [(row["text"], row["n"], row["status"]) for row in rows] == [
        ("be", "1", "ok"), ("bee", "2", "ok"), ("ay", "3", "ok"), ("sea", "4", "ok"), ("", "5", "blank"),
    ]  # fmt: skip
    assert list(rows[0])[:2] == ["text", "n"]


def test_patterns_stand_for_files_sorted_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("10.csv", "2.csv", "1.csv", "x[1].csv"):
        (tmp_path / name).write_text("text\na\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert expanded(["[0-9]*.csv"]) == [Path("1.csv"), Path("10.csv"), Path("2.csv")]
    assert expanded(["x[1].csv", "2.csv"]) == [Path("x[1].csv"), Path("2.csv")]
    with pytest.raises(FileMissing, match=r"no file matches nothing\\*"):
        expanded(["nothing*"])
    with pytest.raises(FileMissing, match="absent"):
        predict_file(Digests(), ["2.csv", "absent.csv"], Path("out.csv"))
    with pytest.raises(UsageError, match="replace the file"):
        predict_file(Digests(), "*.csv", Path("2.csv"))


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,n,day\na,1,2\n", "utf-8")
    (tmp_path / "b.csv").write_text("text,n,date\na,1,2\n", "utf-8")
    with pytest.raises(ColumnProblem, match=r"b.csv lacks 'day'; only .*b.csv has 'date'"):
        predict_file(Digests(), [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out.csv")
    (tmp_path / "c.csv").write_text("n,words\n1,a\n", "utf-8")
    with pytest.raises(ColumnProblem, match=r"c\.csv"):
        predict_file(Digests(), [tmp_path / "a.csv", tmp_path / "c.csv"], tmp_path / "out.csv")


@pytest.mark.parametrize("content", [b"text\nping\npong\n", b'{"text": "ping"}\n{"text": "pong"}\n', "parquet", "gzip"])
def test_standard_input_is_what_its_first_bytes_show(
    content: bytes | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    if content == "parquet":
        stream = io.BytesIO()
        pq.write_table(pa.table({"text": ["ping", "pong"]}), stream)
        content = stream.getvalue()
    elif content == "gzip":
        content = gzip.compress(b"text\nping\npong\n")
    assert isinstance(content, bytes)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(content))))
    result = predict_file(Digests(), "-", Path("-"))
    assert result.rows == 2
    lines = capsysbinary.readouterr().out.decode("utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["text", "ping", "pong"]
    with pytest.raises(UsageError, match="beside files"):
        predict_file(Digests(), ["-", "a.csv"], Path("-"))


RAGGED = "n,text\n1,one\n2,two,2\n3\n4,four\n5,five\n6,six,6\n7\n"


def test_rows_that_cannot_be_read_keep_their_place(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(RAGGED, "utf-8")
    with pytest.raises(FileUnreadable, match="4 rows"):
        predict_file(Digests(), source, out)
    for shard_rows in (100, 2, 1):
        result = predict_file(Digests(), source, out, on_bad_row="quarantine", shard_rows=shard_rows)
        assert (result.rows, result.unreadable, result.blank) == (7, 4, 0)
        rows = rows_of(out)
        assert [row["n"] for row in rows] == ["1", "", "", "4", "5", "", ""]
        assert [row["status"] == "unreadable" for row in rows] == [row["text"] == "" for row in rows]
        assert not rows[1]["predicted_label"]
        aside = rows_of(tmp_path / "out.csv.unreadable.csv")
        assert [(row["row"], row["line"], row["content"]) for row in aside] == [
            ("2", "3", "2,two,2"), ("3", "4", "3"), ("6", "7", "6,six,6"), ("7", "8", "7"),
        ]  # fmt: skip


def test_json_and_parquet_rows_keep_their_place_too(tmp_path: Path) -> None:
    lines = ['{"text": "a"}', "[1]", '{"text": "b"}', '{"text": "c']
    (tmp_path / "in.jsonl").write_text("\n".join(lines), "utf-8")
    result = predict_file(Digests(), tmp_path / "in.jsonl", tmp_path / "out.jsonl", on_bad_row="quarantine")
    assert (result.rows, result.unreadable) == (4, 2)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [(row["text"], row["status"]) for row in found] == [
        ("a", "ok"), (None, "unreadable"), ("b", "ok"), (None, "unreadable"),
    ]  # fmt: skip
    table = pa.table({"n": [1, 2, 3], "text": ["short", "far too long", "short too"]})
    pq.write_table(table, tmp_path / "in.parquet")
    inputs = Inputs([tmp_path / "in.parquet"], on_bad_row="quarantine", longest_cell=10)
    (stretch,) = inputs.stretches(10)
    assert inputs.texts(stretch) == ["short", None, "short too"]
    assert stretch.unreadable == frozenset({1})
    assert stretch.block.arrow is not None
    assert stretch.block.arrow.column(0).to_pylist() == [1, None, 3]


def test_parquet_files_of_one_kind_keep_their_types(tmp_path: Path) -> None:
    for name, kind in (("a", pa.int16()), ("b", pa.int16()), ("c", pa.int64())):
        pq.write_table(pa.table({"n": pa.array([1, 2], kind), "text": ["x", "y"]}), tmp_path / f"{name}.parquet")
    out = tmp_path / "out.parquet"
    predict_file(Digests(), [tmp_path / "a.parquet", tmp_path / "b.parquet"], out)
    assert pq.read_table(out).schema.field("n").type == pa.int16()
    assert pq.read_table(out).column("n").to_pylist() == [1, 2, 1, 2]
    predict_file(Digests(), [tmp_path / "a.parquet", tmp_path / "c.parquet"], out)
    assert pq.read_table(out).column("n").to_pylist() == ["1", "2", "1", "2"]


def test_an_input_that_is_empty_is_said(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\n", "utf-8")
    with pytest.raises(FileUnreadable, match="a header and no rows"):
        predict_file(Digests(), tmp_path / "in.csv", tmp_path / "out.csv")
    with pytest.raises(UsageError, match="nothing to predict"):
        predict_file(Digests(), [], tmp_path / "out.csv")
    options: dict[str, Any] = {"probabilties": "none"}
    with pytest.raises(UsageError, match="did you mean 'probabilities'"):
        predict_file(Digests(), tmp_path / "in.csv", tmp_path / "out.csv", **options)
