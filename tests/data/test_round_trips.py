"""What is written comes back as it was: any Unicode in text, label, header and file name, in every format."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as chosen
from hypothesis import strategies as st
from openpyxl import Workbook

from classifine import durable
from classifine.data.files.cells import is_blank
from classifine.data.rows.reading import read_labelled
from classifine.settings import DataSettings

Rows = list[tuple[str, str]]

# What a form field, a spreadsheet or a web page has tripped over: minimaxir's list of naughty strings, in kinds.
NAUGHTY = [
    "undefined", "nil", "NULL", "(null)", "hasOwnProperty", "NaN", "-Infinity", "1/2", "1E+02", "0x0",
    "١٢٣", "1,5", "012-345-678", "½", "1'000.00", "$1.00", "--", "-", "TRUE", "Ω≈ç√∫˜µ≤≥÷", "œ∑´®†¥¨ˆøπ“‘",
    "₀₁₂", "ด้้้้้็็็็็้้้้้", "'", "''", "\"\"\"", "'\"'", "\"';<>?:", "<foo val=“bar” />",
    "田中さんにあげて下さい", "사회과학원 어학연구소", "Ⱥ", "⁰⁴⁵", "ヽ༼ຈل͜ຈ༽ﾉ", "(｡◕ ∀ ◕｡)", "❤️ 💔 💌 💕",
    "👾 🙇 💁 🙅", "🇺🇸🇷🇺🇸", "１２３", "בְּרֵאשִׁית", "الكل في المجمو", "test⁠test", "\u202etest",
    "\u2066a\u2067", "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤", "˙ɐnbᴉlɐ", "𝕿𝖍𝖊",
    "<script>alert(0)</script>", "&lt;script&gt;", "1;DROP TABLE users", "' OR 1=1 -- 1", "$HOME",
    "`touch /tmp/x`", "../../etc/passwd\\x", "%s%d%n", "{0}", "{{7*7}}", "=SUM(A1)", "@SUM(1)", "+1+1",
    "CON", "nul.txt", "Scunthorpe", "\ufeff", "a\ufeffb", "a\u0085b", "a\u2028b\u2029c", "a\x0bb\x0cc",
    "\x1b[31m", "a\x1cb", "a\u00adb", "\U0010ffff", "\ue000", "\ufffd", "\ufffe", "e\u0301", "ﬁ", "İ", "ß",
    "null,", ";", "|", "\t.", "# x", "//x", "[]", "{}", "\\N", "\\",
]  # fmt: skip


def write_csv(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".csv")
    durable.write_csv(path, header, [dict(zip(header, row, strict=True)) for row in rows])
    return path


def write_tsv(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".tsv")
    quoted = ["\t".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (header, *rows)]
    path.write_bytes(("\r\n".join(quoted) + "\r\n").encode("utf-8-sig"))
    return path


def write_jsonl(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".jsonl")
    lines = [json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in rows]
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    return path


def write_json(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".json")
    path.write_text(json.dumps([dict(zip(header, row, strict=True)) for row in rows]))
    return path


def write_parquet(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".parquet")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    pq.write_table(pa.table(columns), os.fspath(path))
    return path


def write_xlsx(path: Path, header: tuple[str, str], rows: Rows) -> Path:
    path = path.with_name(path.name + ".xlsx")
    book = Workbook()
    for number, row in enumerate([header, *rows], 1):
        for place, value in enumerate(row, 1):
            cell = book.worksheets[0].cell(number, place)
            cell.value, cell.data_type = value, "s"
    book.save(path)
    return path


Writer = Callable[[Path, tuple[str, str], Rows], Path]
WRITERS: list[Writer] = [write_csv, write_tsv, write_jsonl, write_json, write_parquet]
CELLS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda cell: not is_blank(cell)
)
# Excel's XML has no control characters and reads a carriage return as a line feed.
SHEET_CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=20
).filter(lambda cell: not is_blank(cell) and "_x" not in cell)


def comes_back(path: Path, header: tuple[str, str], rows: Rows, **said: str) -> None:
    table = read_labelled(path, DataSettings(text=header[0], label=header[1], **said)).table  # type: ignore[arg-type]
    assert list(zip(table.texts, table.labels, strict=True)) == rows


@chosen(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.tuples(CELLS, CELLS))
@pytest.mark.parametrize("write", WRITERS)
def test_any_unicode_comes_back(tmp_path: Path, write: Writer, rows: Rows, header: tuple[str, str]) -> None:
    assume(header[0] != header[1] and not (write is write_csv and header[0].startswith("\ufeff")))
    # Said, because a header such as a;b,c;d may be read in two ways, and is asked about.
    said = {"delimiter": "," if write is write_csv else "tab"}
    comes_back(write(tmp_path / "a", header, rows), header, rows, encoding="utf-8", **said)


@chosen(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(SHEET_CELLS, SHEET_CELLS), min_size=1, max_size=5), st.tuples(SHEET_CELLS, SHEET_CELLS))
def test_any_text_of_a_sheet_comes_back(tmp_path: Path, rows: Rows, header: tuple[str, str]) -> None:
    assume(header[0] != header[1])
    comes_back(write_xlsx(tmp_path / "a", header, rows), header, rows)


@pytest.mark.parametrize("write", WRITERS)
def test_naughty_strings_come_back_from_text_label_and_header(tmp_path: Path, write: Writer) -> None:
    wanted = [text for text in NAUGHTY if not is_blank(text)]
    rows = list(zip(wanted, reversed(wanted), strict=True))
    comes_back(write(tmp_path / "a", ("text", "label"), rows), ("text", "label"), rows)
    for name in wanted:
        if write is write_csv and name.startswith("\ufeff"):  # at the very beginning of a file, it is its mark
            continue
        header = (name, name + " label")
        comes_back(write(tmp_path / "b", header, [("a", "x")]), header, [("a", "x")])


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_naughty_strings_may_name_a_file(tmp_path: Path, write: Writer) -> None:
    for number, name in enumerate(NAUGHTY):
        if "/" in name:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        comes_back(write(folder / name, ("text", "label"), [("a", "x")]), ("text", "label"), [("a", "x")])
