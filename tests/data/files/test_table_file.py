"""Files: whatever the format, a cell is the file's own, or an error says where; nothing in between."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from classifine.data.files.cells import as_text
from classifine.data.files.table_file import TableFile
from classifine.errors import (
    ClassifineError,
    FileMissing,
    FileUnreadable,
    PackageMissing,
    UsageError,
)

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(CELLS.filter(bool), min_size=width, max_size=width, unique=True),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6),
    )
)


def all_rows(path: Path, **options: Any) -> list[list[Any]]:
    file = TableFile(path, **options)
    return [list(row) for block in file.blocks(2) for row in zip(*block.columns.values(), strict=True)]


def write_texts(path: Path, texts: list[str]) -> None:
    match path.suffix:
        case ".csv":
            path.write_text("\n".join(["text", *texts]))
        case ".jsonl":
            path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
        case ".parquet":
            pq.write_table(pa.table({"text": texts}), path)
        case ".xlsx":
            book = Workbook()
            for text in ["text", *texts]:
                book.worksheets[0].append([text])
            book.save(path)


def quoted(cells: list[str], delimiter: str = ",") -> str:
    return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)


@QUICK
@given(TABLES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_any_quoted_csv_comes_back(
    tmp_path: Path, table: tuple[list[str], list[list[str]]], delimiter: str, encoding: str
) -> None:
    names, rows = table
    path = tmp_path / "any.csv"
    path.write_bytes("".join(quoted(row, delimiter) + "\r\n" for row in [names, *rows]).encode(encoding))
    options: dict[str, Any] = {"delimiter": delimiter, "encoding": None if encoding != "utf-8" else "utf-8"}
    assert TableFile(path, **options).names == tuple(names)
    assert all_rows(path, **options) == rows


@QUICK
@given(TABLES, st.sampled_from([",", ";", "\t", "|"]))
def test_a_delimiter_found_is_the_right_one_or_an_error(
    tmp_path: Path, table: tuple[list[str], list[list[str]]], delimiter: str
) -> None:
    names, rows = table
    path = tmp_path / "any.csv"
    path.write_bytes("".join(quoted(row, delimiter) + "\n" for row in [names, *rows]).encode())
    try:
        found = all_rows(path)
    except ClassifineError:
        return
    assert found == rows


@QUICK
@given(st.binary(max_size=60), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.xlsx"]))
def test_no_bytes_break_the_reader(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    for start in (b"", b"a,b\n", b'{"a": 1}\n', "a,b".encode("utf-16")):
        path.write_bytes(start + content)
        with contextlib.suppress(ClassifineError):
            all_rows(path)


@QUICK
@given(TABLES)
def test_any_json_lines_come_back(tmp_path: Path, table: tuple[list[str], list[list[str]]]) -> None:
    names, rows = table
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    for ascii_only in (True, False):
        lines = tmp_path / "any.jsonl"
        lines.write_bytes("\n".join(json.dumps(o, ensure_ascii=ascii_only) for o in objects).encode())
        array = tmp_path / "any.json"
        array.write_bytes(json.dumps(objects, ensure_ascii=ascii_only, indent=1).encode())
        assert all_rows(lines, encoding="utf-8") == rows
        assert all_rows(array, encoding="utf-8") == rows


@QUICK
@given(TABLES)
def test_any_parquet_comes_back(tmp_path: Path, table: tuple[list[str], list[list[str]]]) -> None:
    names, rows = table
    path = tmp_path / "any.parquet"
    pq.write_table(pa.table({n: [row[i] for row in rows] for i, n in enumerate(names)}), path)
    assert all_rows(path) == rows


BOM = "\ufeff"
HOSTILE: list[tuple[str, str, bytes, list[list[Any]] | tuple[type[ClassifineError], str]]] = [
    ("empty", "a.csv", b"", (FileUnreadable, "empty")),
    ("only a mark", "a.csv", BOM.encode(), (FileUnreadable, "empty")),
    ("only line ends", "a.csv", b"\n\r\n\n", (FileUnreadable, "empty")),
    ("header only", "a.csv", b"text,label\n", (FileUnreadable, "header and no rows")),
    ("no last line end", "a.csv", b"a,b\n1,2", [["1", "2"]]),
    ("old Mac", "a.csv", b"a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]]),
    ("mixed LF and CR LF", "a.csv", b"a,b\r\n1,2\n3,4\r\n", [["1", "2"], ["3", "4"]]),
    ("stray CR", "a.csv", b"a,b\n1,x\ry,2\n", (FileUnreadable, "row 1 (line 2)")),
    ("CR in quotes", "a.csv", b'a,b\n1,"x\ry"\n', [["1", "x\ry"]]),
    ("semicolons", "a.csv", b"a;b\n1,5;x\n", [["1,5", "x"]]),
    ("tabs in csv", "a.csv", b"a\tb\n1,5\tx\n", [["1,5", "x"]]),
    ("bars", "a.txt", b"a|b\n1|x, y; z\n", [["1", "x, y; z"]]),
    ("delimiter in quotes", "a.csv", b'"a;b";c\n"1;2";3\n', [["1;2", "3"]]),
    ("ambiguous", "a.csv", b"a,b;c\n1,2;3\n", (FileUnreadable, "--delimiter")),
    ("ambiguous tsv", "a.tsv", b"a,b\tc\n1,2\t3\n", [["1,2", "3"]]),
    ("settled by rows", "a.csv", b"id;text, raw\n1;none\n2;a, b, c\n", [["1", "none"], ["2", "a, b, c"]]),
    ("one column", "a.csv", b"text\nhello; you\n", [["hello; you"]]),
    ("one column, bare comma", "a.csv", b"text\nhello, you\n", (FileUnreadable, "row 1 (line 2)")),
    ("one column, empty line", "a.csv", b"text\na\n\nb\n", [["a"], [""], ["b"]]),
    ("blank line", "a.csv", b"a,b\n1,2\n\n3,4\n\n", [["1", "2"], ["3", "4"]]),
    ("too long", "a.csv", b'a,b\n"x\ny",2\n3,4,5\n', (FileUnreadable, "row 2 (line 4)")),
    ("too short", "a.csv", b"a,b\n1,2\n3\n", (FileUnreadable, "row 2 (line 3)")),
    ("open quote", "a.csv", b'a,b\n1,2\n"x\ny","z\n3,4\n', (FileUnreadable, "row 2, opened on line 4")),
    ("open quote in the header", "a.csv", b'"a,b\n1,2\n', (FileUnreadable, "opened on line 1")),
    ("text behind a quote", "a.csv", b'a,b\n"x"y,2\n', (FileUnreadable, "opened on line 2")),
    ("quote within plain text", "a.csv", b'a,b\nso "he" said,2\n', [['so "he" said', "2"]]),
    ("cp1252", "a.csv", "a,b\n1,Schröder\n".encode("cp1252"), (FileUnreadable, "line 2, byte 10")),
    ("damaged UTF-8", "a.csv", "a,é\n1,".encode() + b"\xff\n", (FileUnreadable, "most of the file is UTF-8")),
    ("cut UTF-8", "a.csv", "a,b\n1,é".encode()[:-1], (FileUnreadable, "line 2")),
    ("UTF-8 mark", "a.csv", (BOM + '"a",b\n1,2\n').encode(), [["1", "2"]]),
    ("UTF-16", "a.csv", "a,b\n1,é\n".encode("utf-16"), [["1", "é"]]),
    ("UTF-16 without mark", "a.csv", "a,b\n1,2\n".encode("utf-16-le"), (FileUnreadable, "--encoding utf-16-le")),
    ("UTF-16 big without mark", "a.csv", "a,b\n1,2\n".encode("utf-16-be"), (FileUnreadable, "--encoding utf-16-be")),
    ("cut UTF-16", "a.csv", "a,b\n1,2\n".encode("utf-16")[:-1], (FileUnreadable, "line 2")),
    ("NUL", "a.csv", b"a,b\n1,x\0y\n", [["1", "x\0y"]]),
    ("long cell", "a.csv", b"a,b\n1," + b"x" * 200_000 + b"\n", [["1", "x" * 200_000]]),
    ("line separator", "a.csv", "a,b\n1,x\u2028y\x0bz\x85\n".encode(), [["1", "x\u2028y\x0bz\x85"]]),
    ("empty cells", "a.csv", b"a,b\n,\n", [["", ""]]),
    ("json numbers", "a.jsonl", b'{"a": 1.0, "b": 0.10}\n', [["1.0", "0.10"]]),
    ("json missing key", "a.jsonl", b'{"a": "x"}\n\n{"b": "y"}\n', [["x", None], [None, "y"]]),
    ("json NaN", "a.jsonl", b'{"a": NaN}\n', (FileUnreadable, "NaN")),
    ("json key twice", "a.jsonl", b'{"a": 1, "a": 2}\n', (FileUnreadable, "'a' stands twice")),
    ("json half pair", "a.jsonl", b'{"a": "x"}\n{"a": "\\ud800"}\n', (FileUnreadable, "row 2 (line 2), column 'a'")),
    ("json whole pair", "a.jsonl", b'{"a": "\\ud83d\\ude00"}\n', [["😀"]]),
    ("json cut", "a.jsonl", b'{"a": "x"}\n{"a": "y\n', (FileUnreadable, "line 2")),
    ("json not an object", "a.jsonl", b'{"a": "x"}\n[1]\n', (FileUnreadable, "row 2 (line 2)")),
    ("json deep", "a.jsonl", b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n", (FileUnreadable, "line 1")),
    ("json object", "a.json", b'{"text": ["x"]}', (FileUnreadable, "array")),
    ("json empty array", "a.json", b"[]", (FileUnreadable, "empty")),
    ("json empty", "a.json", b" \n", (FileUnreadable, "empty")),
    ("json lines as json", "a.json", b'{"a": 1}\n{"a": 2}\n', (FileUnreadable, "line 2")),
    ("json line separator", "a.jsonl", '{"a": "x\u2028y\x85"}\n'.encode(), [["x\u2028y\x85"]]),
    ("no Parquet", "a.parquet", b"PAR1 this is none PAR1", (FileUnreadable, "Parquet")),
    ("no workbook", "a.xlsx", b"a,b\n1,2\n", (FileUnreadable, "Excel")),
    ("unknown ending", "a.xls", b"a,b\n1,2\n", (UsageError, ".xlsx")),
    ("no ending", "a", b"a,b\n1,2\n", (UsageError, ".csv")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "outcome"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_hostile_files(
    tmp_path: Path, name: str, content: bytes, outcome: list[list[Any]] | tuple[type[ClassifineError], str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    if isinstance(outcome, list):
        assert all_rows(path) == outcome
        return
    kind, words = outcome
    with pytest.raises(ClassifineError) as caught:
        all_rows(path)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_ragged_rows_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 9000 + "1\n" + "1,2,3\n" * 7)
    with pytest.raises(FileUnreadable, match=r"8 rows of .* have too many or too few cells") as caught:
        TableFile(path).count()
    assert "row 9001 (line 9002), row 9002 (line 9003)" in str(caught.value)
    assert "and 3 more" in str(caught.value)


def test_an_overlong_cell_names_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n3,"x\n' + "y" * 10_000_001 + "\n")
    with pytest.raises(FileUnreadable, match=r"row 2 \(begins on line 3\)") as caught:
        TableFile(path).count()
    assert "quote on line 3" in str(caught.value)


def test_a_named_encoding_is_used_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n1,Schröder\n".encode("cp1252"))
    assert all_rows(path, encoding="cp1252") == [["1", "Schröder"]]
    with pytest.raises(FileUnreadable, match="'1,Schröder"):
        all_rows(path)
    for wrong in ("klingon", "base64"):
        with pytest.raises(UsageError, match="there is no encoding"):
            all_rows(path, encoding=wrong)
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    assert TableFile(path, encoding="utf8").names == ("a", "b")
    with pytest.raises(FileUnreadable, match="byte order mark of UTF-8"):
        TableFile(path, encoding="cp1252")


def test_bad_bytes_far_into_a_file_are_located(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = b"a,b\n" + b"1,xyz\n" * 300_000
    path.write_bytes(good + b"1,\xe9\n")
    with pytest.raises(FileUnreadable, match=rf"line 300002, byte {len(good) + 2:,}"):
        TableFile(path).count()


def test_a_delimiter_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b;c\n1,2;3\n")
    assert all_rows(path, delimiter=";") == [["1,2", "3"]]
    path.write_bytes(b"a\tb\n1\t2\n")
    assert all_rows(path, delimiter="tab") == all_rows(path, delimiter="\\t") == [["1", "2"]]
    with pytest.raises(UsageError, match="cannot be used"):
        TableFile(path, delimiter='"')


def test_blocks_are_numbered_and_cut_to_size(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.xlsx"):
        path = tmp_path / name
        texts = [f"t{number}" for number in range(1, 8)]
        write_texts(path, texts)
        blocks = list(TableFile(path).blocks(3))
        assert [(block.first_row, len(block)) for block in blocks] == [(1, 3), (4, 3), (7, 1)]
        assert [text for block in blocks for text in block.columns["text"]] == texts
        assert TableFile(path).count() == 7
        assert all((block.arrow is not None) == (path.suffix == ".parquet") for block in blocks)


def test_the_field_limit_is_never_lowered(tmp_path: Path) -> None:
    import csv

    before = csv.field_size_limit(20_000_000)
    try:
        write_texts(tmp_path / "a.csv", ["x"])
        TableFile(tmp_path / "a.csv")
        assert csv.field_size_limit() == 20_000_000
    finally:
        csv.field_size_limit(before)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileMissing, match=r"did you mean .*posts\.csv"):
        TableFile(tmp_path / "post.csv")
    with pytest.raises(FileMissing, match="no file"):
        TableFile(tmp_path / "nowhere" / "post.csv")
    with pytest.raises(FileMissing, match="is a folder"):
        TableFile(tmp_path)


def test_a_workbook_of_charts_only(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = Workbook()
    book.create_chartsheet("chart")
    book.remove(book.worksheets[0])
    book.save(path)
    with pytest.raises(FileUnreadable, match=r"is empty|not a sound"):
        TableFile(path)


def test_excel_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xlsx"
    write_texts(path, ["x"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(PackageMissing, match=r"pip install 'classifine\[excel\]'"):
        TableFile(path)


def test_parquet_nanoseconds(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"t": pa.array([1_000, 1_001], pa.timestamp("ns"))}), path)
    shown = [as_text(cell) for cell in next(TableFile(path).blocks()).columns["t"]]
    assert shown == ["1970-01-01 00:00:00.000001000", "1970-01-01 00:00:00.000001001"]
    pq.write_table(pa.table({"t": pa.array([1_000], pa.timestamp("ns"))}), path)
    assert as_text(next(TableFile(path).blocks()).columns["t"][0]) == "1970-01-01T00:00:00.000001"
