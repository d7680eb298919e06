"""Sinks: every input column comes out as it went in, the added ones after it, and the file only when it is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifine.data.files.table_file import Block, TableFile
from classifine.errors import ColumnProblem, DiscError, FileUnreadable, UsageError
from classifine.prediction.sinks import check_output, open_sink

ADDED = ["predicted_label", "confidence", "p_no", "p_status", "status"]
PREDICTED: dict[str, list[Any]] = {
    "predicted_label": ["no", None],
    "confidence": [0.1 + 0.2, None],
    "p_no": [1e-17, None],
    "p_status": [1.0, None],
    "status": ["ok", "blank"],
}
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.lists(CELLS.filter(lambda name: name not in ADDED), min_size=1, max_size=4, unique=True)


def copy(source: Path, output: Path) -> None:
    file = TableFile(source, encoding="utf-8" if source.suffix in (".csv", ".jsonl") else None)
    with open_sink(output, names=file.names, added=ADDED, schema=file.schema) as sink:
        for block in file.blocks(2):
            sink.write(block, {name: cells[: len(block)] for name, cells in PREDICTED.items()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    NAMES.flatmap(lambda names: st.tuples(st.just(names), st.lists(CELLS, min_size=len(names), max_size=len(names))))
)
def test_any_text_survives_every_output(tmp_path: Path, table: tuple[list[str], list[str]]) -> None:
    names, cells = table
    block = Block(1, {name: [cell] for name, cell in zip(names, cells, strict=True)})
    for ending in ("csv", "tsv", "jsonl", "parquet"):
        path = tmp_path / f"out.{ending}"
        with open_sink(path, names=names, added=ADDED, schema=None) as sink:
            sink.write(block, {name: column[:1] for name, column in PREDICTED.items()})
        file = TableFile(
            path,
            encoding=None if ending == "parquet" else "utf-8",
            delimiter={"csv": ",", "tsv": "tab"}.get(ending),
        )
        assert file.names == (*names, *ADDED)
        (back,) = file.blocks()
        assert [back.columns[name] for name in names] == [[cell] for cell in cells]
        assert back.columns["predicted_label"] == ["no"]
        assert float(back.columns["confidence"][0]) == 0.1 + 0.2
        assert float(back.columns["p_no"][0]) == 1e-17


def test_csv_is_plain(tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b'id;text\r\n01;"a, ""b"""\r\n1.0;\r\n')
    copy(source, output)
    assert output.read_bytes().decode() == (
        "id,text,predicted_label,confidence,p_no,p_status,status\n"
        '01,"a, ""b""",no,0.30000000000000004,1e-17,1.0,ok\n'
        "1.0,,,,,,blank\n"
    )


def test_json_keeps_its_types(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = ['{"n": 1.50, "t": "1.50", "b": true, "o": {"x": [0.10, null]}}', '{"n": 12345678901234567890, "t": "é"}']
    source.write_text("\n".join(rows), encoding="utf-8")
    copy(source, output)
    first, second = output.read_text("utf-8").splitlines()
    assert first == (
        rows[0][:-1] + ', "predicted_label": "no", "confidence": 0.30000000000000004, "p_no": 1e-17, "p_status": 1.0, '
        '"status": "ok"}'
    )
    assert second.startswith('{"n": 12345678901234567890, "t": "é", "b": null, "o": null, "predicted_label": null')
    copy(source, output.with_suffix(".csv"))
    assert '1.50,1.50,true,"{""x"": [0.10, null]}",no' in output.with_suffix(".csv").read_text("utf-8")
    assert json.loads(first)["o"] == {"x": [0.1, None]}


def test_parquet_keeps_arrow_types(tmp_path: Path) -> None:
    source, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table(
        {
            "day": pa.array([1, 2], pa.date32()),
            "group": pa.array(["a", "b"]).dictionary_encode(),
            "n": pa.array([0.1, None], pa.float32()),
            "many": pa.array([[1], []], pa.list_(pa.int16())),
            "text": pa.array(["x", None], pa.large_string()),
        }
    ).replace_schema_metadata({"about": "posts"})
    pq.write_table(table, source)
    copy(source, output)
    back = pq.read_table(output)
    assert back.select(table.column_names).equals(pq.read_table(source))
    assert (back.schema.metadata or {})[b"about"] == b"posts"
    kinds = {name: str(back.schema.field(name).type) for name in ADDED}
    assert kinds == dict.fromkeys(ADDED, "double") | {"predicted_label": "string", "status": "string"}
    copy(source, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("1970-01-02,a,0.1,[1],x,no")
    copy(source, tmp_path / "out.jsonl")
    assert (
        '"day": "1970-01-02", "group": "a", "n": 0.1, "many": [1], "text": "x"' in (tmp_path / "out.jsonl").read_text()
    )


def test_parquet_columns_of_nothing_keep_their_kind(tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    added = ["classifine_" + name for name in ADDED]
    blank: dict[str, list[Any]] = {name: [None] for name in added}
    with open_sink(output, names=["t"], added=added, schema=None) as sink:
        sink.write(Block(1, {"t": [None]}), blank)
        sink.write(Block(2, {"t": [1.5]}), blank)
    table = pq.read_table(output)
    assert table.column("t").to_pylist() == [None, "1.5"]
    assert str(table.schema.field("classifine_predicted_label").type) == "string"
    assert str(table.schema.field("classifine_p_status").type) == "double"


def test_many_blocks_become_few_row_groups(tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    with open_sink(output, names=["t"], added=["status"], schema=None) as sink:
        for number in range(20):
            sink.write(Block(number * 8192 + 1, {"t": ["x"] * 8192}), {"status": ["ok"] * 8192})
    about = pq.read_metadata(output)
    assert (about.num_rows, about.num_row_groups) == (20 * 8192, 3)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_nothing_appears_unless_it_is_whole(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    output.write_text("what was there before")

    def write() -> None:
        with open_sink(output, names=["t"], added=["status"], schema=None) as sink:
            sink.write(Block(1, {"t": ["x"]}), {"status": ["ok"]})
            sink.write(Block(7, {"t": ["x", "\ud800"]}), {"status": ["ok", "ok"]})

    with pytest.raises(FileUnreadable, match="row 8, column 't'"):
        write()
    assert output.read_text() == "what was there before"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_block_and_its_predictions_are_equally_long(tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        with pytest.raises(ValueError), open_sink(tmp_path / name, names=["t"], added=["status"]) as sink:  # noqa: PT011
            sink.write(Block(1, {"t": ["x", "y"]}), {"status": ["ok"]})


def test_names_must_not_clash(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    with pytest.raises(ColumnProblem, match="--prefix classifine_"), open_sink(output, names=["status"], added=ADDED):
        pass
    with pytest.raises(ColumnProblem, match="twice"), open_sink(output, names=["a", "a"], added=ADDED):
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_the_output_may_go(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\nb\n")
    link = tmp_path / "link.csv"
    link.symlink_to(source)
    for same in (source, tmp_path / "x" / ".." / "in.csv", link):
        with pytest.raises(UsageError, match="replace the file"):
            check_output(source, same)
    for name in ("out.xls", "out.parquet.gz", "out.csv.bz2", "out"):
        with pytest.raises(UsageError, match=r"\.csv, \.tsv, \.parquet, \.jsonl, \.xlsx"):
            check_output(source, tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_output(source, tmp_path / "folder.csv")
    check_output(source, tmp_path / "out.csv")


def test_a_full_disc_is_said(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    for name in ("out.csv", "out.parquet"):
        (tmp_path / f".{name}.partial").symlink_to(full)
        with pytest.raises(DiscError), open_sink(tmp_path / name, names=["t"], added=["status"]) as sink:
            sink.write(Block(1, {"t": ["x"] * 80_000}), {"status": ["ok"] * 80_000})
        assert list(tmp_path.iterdir()) == []
