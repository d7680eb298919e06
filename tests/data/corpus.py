"""Takes nothing and gives small hostile files, each with what a reader must make of it.

An outcome is the cells of all rows (the truth), or an error with the words it must say.
Does not know any reader; the benchmark runs every engine over the same table.
"""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

Cells = list[list[Any]]


@dataclass(frozen=True)
class Fails:
    """The file must be refused, in these words."""

    words: str


@dataclass(frozen=True)
class Case:
    """One hostile file: its name, its bytes and what must come of it; ``rejected`` when rows are set aside."""

    about: str
    name: str
    content: bytes
    outcome: Cells | Fails
    names: tuple[str, ...] | None = None
    rejected: tuple[tuple[int, int, str], ...] = ()


NASTY = [
    "", " ", "\t", "NA", "N/A", "None", "null", "NULL", "nan", "NaN", "-NaN", "inf", "-inf", "undefined", "true",
    "FALSE", "0", "00", "01.10", "1.0", "1e5", "0x1F", "1_000", "1,5", "-", "--", "- 1", "+1", "=1+1",
    "=cmd|' /C calc'!A0", "@SUM(1)", "'", '"', '""', "'\"'", "a\"b", "`", "\\", "\\n", "\\\"", "a,b", "a;b", "a\tb",
    "a|b", "a\nb", "a\r\nb",
    "a\rb", "\n", "\r\n", "\n\n\n", "#comment", "//", "é", "e\u0301", "ß", "İ", "ı", "ﬀ", "א", "مرحبا", "\u202eabc",
    "\u200b", "\u00a0", "\ufeff", "\ufeffa", "\u2028", "\x85", "\x0b\x0c", "\x00", "\x1a", "\x7f", "\ufffd", "\uffff",
    "😀", "👩‍👩‍👧", "🇩🇪", "𝕳", "Ｔｅｓｔ", "Z͑ͫa̴l͎g̈́o", "表ポあ", "<script>alert(1)</script>", "</script>", "__proto__",
    "{{7*7}}", "${x}", "%s%n", "; DROP TABLE t;--", "../../etc", "CON", "a" * 300, "label", "text",
]  # fmt: skip

NASTY_FILE_NAMES = [
    "a b", "ä", "e\u0301", "😀", "a'b", 'a"b', "a;b", "a,b", "$HOME", "%41", "#1", "-v", "--help", "{x}", "[a]", "*",
    "?", "a\tb", "a\nb", "\u202eb", "~", "con", "..a", "a.b.c", "א", "&", "|", "<b>",
]  # fmt: skip


def quoted(*cells: str, delimiter: str = ",") -> str:
    """Write a row with every cell in quotes."""
    return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)


def workbook(*rows: list[Any]) -> bytes:
    """Write a workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def damaged(packed: bytes, part: bytes) -> bytes:
    """Overwrite bytes in the middle of a part of a workbook, which is a zip file."""
    start = packed.index(part) + len(part) + 200
    return packed[:start] + bytes(16) + packed[start + 16 :]


def parquet(columns: dict[str, Any]) -> bytes:
    """Write a Parquet file."""
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def zstd(content: bytes) -> bytes:
    """Pack bytes with zstd."""
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


MARK = "\ufeff"
AB12 = [["1", "2"]]
TABLE = b"a,b\n1,2\n"

CSV = [
    Case("plain", "a.csv", TABLE, AB12, ("a", "b")),
    Case("empty", "a.csv", b"", Fails("is empty")),
    Case("only a mark", "a.csv", MARK.encode(), Fails("is empty")),
    Case("only line ends", "a.csv", b"\n\r\n\n", Fails("is empty")),
    Case("header only", "a.csv", b"text,label\n", Fails("a header and no rows")),
    Case("header only, no line end", "a.csv", b"text,label", Fails("a header and no rows")),
    Case("no last line end", "a.csv", b"a,b\n1,2", AB12),
    Case("duplicate header", "a.csv", b"a,b,a\n1,2,3\n", [["2"]], ("a", "b", "a")),
    Case("empty header cell", "a.csv", b"a,\n1,2\n", AB12, ("a", "")),
    Case("header with quotes and comma", "a.csv", b'"a,""x""",b\n1,2\n', AB12, ('a,"x"', "b")),
    Case("header with a line end", "a.csv", b'"a\nx",b\n1,2\n', AB12, ("a\nx", "b")),
    Case("numeric header", "a.csv", b"1,2\n3,4\n", [["3", "4"]], ("1", "2")),
    Case("mark and quoted header", "a.csv", (MARK + '"a",b\n1,2\n').encode(), AB12, ("a", "b")),
    Case("two marks", "a.csv", (MARK * 2 + "a,b\n1,2\n").encode(), AB12, (MARK + "a", "b")),
    Case("a mark begins a row", "a.csv", ("a,b\n" + MARK + "1,2\n").encode(), [[MARK + "1", "2"]]),
    Case("old Mac", "a.csv", b"a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]]),
    Case("Windows", "a.csv", b"a,b\r\n1,2\r\n", AB12),
    Case("mixed LF and CR LF", "a.csv", b"a,b\r\n1,2\n3,4\r\n", [["1", "2"], ["3", "4"]]),
    Case("stray CR", "a.csv", b"a,b\n1,x\ry,2\n", Fails("row 1 (line 2)")),
    Case("stray CR at the end", "a.csv", b"a,b\n1,2\r", Fails("row 1 (line 2)")),
    Case("CR CR LF", "a.csv", b"a,b\n1,2\r\r\n3,4\n", Fails("row 1 (line 2)")),
    Case("CR in quotes", "a.csv", b'a,b\n1,"x\ry"\n', [["1", "x\ry"]]),
    Case("CR LF in quotes", "a.csv", b'a,b\n1,"x\r\ny"\n', [["1", "x\r\ny"]]),
    Case("blank lines in quotes", "a.csv", b'a,b\n1,"x\n\n\ny"\n', [["1", "x\n\n\ny"]]),
    Case("semicolons", "a.csv", b"a;b\n1,5;x\n", [["1,5", "x"]]),
    Case("tabs", "a.tsv", b"a\tb\n1,5\tx\n", [["1,5", "x"]]),
    Case("tabs in csv", "a.csv", b"a\tb\n1,5\tx\n", [["1,5", "x"]]),
    Case("bars", "a.txt", b"a|b\n1|x, y; z\n", [["1", "x, y; z"]]),
    Case("delimiter in quotes", "a.csv", b'"a;b";c\n"1;2";3\n', [["1;2", "3"]]),
    Case("ambiguous", "a.csv", b"a,b;c\n1,2;3\n", Fails("--delimiter")),
    Case("settled by rows", "a.csv", b"id;text, raw\n1;none\n2;a, b, c\n", [["1", "none"], ["2", "a, b, c"]]),
    Case("one column", "a.csv", b"text\nhello; you\n", [["hello; you"]]),
    Case("one column, bare comma", "a.csv", b"text\nhello, you\n", Fails("row 1 (line 2)")),
    Case("one column, empty line", "a.csv", b"text\na\n\nb\n", [["a"], [""], ["b"]]),
    Case("one column, last line empty", "a.csv", b"text\na\n\n", [["a"], [""]]),
    Case("blank line", "a.csv", b"a,b\n1,2\n\n3,4\n\n", [["1", "2"], ["3", "4"]]),
    Case("blank line before the header", "a.csv", b"\na,b\n1,2\n", AB12),
    Case("line of blanks", "a.csv", b"a,b\n  \n1,2\n", Fails("row 1 (line 2)"), rejected=((1, 2, "missing cell"),)),
    Case("too long", "a.csv", b'a,b\n"x\ny",2\n3,4,5\n', Fails("row 2 (line 4)"), rejected=((2, 4, "extra cell"),)),
    Case("first row too long", "a.csv", b"a,b\n1,2,3\n4,5\n", Fails("row 1"), rejected=((1, 2, "extra cell"),)),
    Case("too short", "a.csv", b"a,b\n1,2\n3\n", Fails("row 2 (line 3)"), rejected=((2, 3, "missing cell"),)),
    Case("last row too short", "a.csv", b"a,b,c\n1,2,3\n4,5", Fails("row 2"), rejected=((2, 3, "missing cell"),)),
    Case("extra delimiter at each end", "a.csv", b"a,b\n1,2,\n", Fails("row 1"), rejected=((1, 2, "extra cell"),)),
    Case("delimiter at the end of the header too", "a.csv", b"a,b,\n1,2,\n", [["1", "2", ""]]),
    Case("a title above the header", "a.csv", b"Survey 2024\na,b\n1,2\n", Fails("2 rows")),
    Case("a note below the rows", "a.csv", b"a,b\n1,2\nSource: us\n", Fails("row 2"),
         rejected=((2, 3, "missing cell"),)),
    Case("open quote", "a.csv", b'a,b\n1,2\n"x\ny","z\n3,4\n', Fails("row 2, opened on line 4")),
    Case("open quote on the last line", "a.csv", b'a,b\n1,"2\n', Fails("opened on line 2")),
    Case("open quote in the header", "a.csv", b'"a,b\n1,2\n', Fails("opened on line 1")),
    Case("open quote, later closed", "a.csv", b'a,b\n1,"x\n2,"y"\n', Fails("opened on line 2")),
    Case("text behind a quote", "a.csv", b'a,b\n"x"y,2\n', Fails("opened on line 2")),
    Case("blank behind a quote", "a.csv", b'a,b\n"x" ,2\n', Fails("opened on line 2")),
    Case("blank before a quote", "a.csv", b'a,b\n "x",2\n', [[' "x"', "2"]]),
    Case("escaped with a backslash", "a.csv", b'a,b\n"x \\"y\\" z",2\n', Fails("opened on line 2")),
    Case("quote within plain text", "a.csv", b'a,b\nso "he" said,2\n', [['so "he" said', "2"]]),
    Case("inches", "a.csv", b'a,b\n5" nail,2\n', [['5" nail', "2"]]),
    Case("single quotes are text", "a.csv", b"a,b\n'x','y'\n", [["'x'", "'y'"]]),
    Case("only quotes", "a.csv", b'a,b\n"","""""""\n1,""""\n', Fails("opened on line 2")),
    Case("quoted quotes", "a.csv", b'a,b\n"""",""""""\n', [['"', '""']]),
    Case("empty and quoted empty", "a.csv", b'a,b\n,""\n', [["", ""]]),
    Case("blanks are kept", "a.csv", b"a,b\n 1 ,\t2 \n", [[" 1 ", "\t2 "]]),
    Case("labels that look missing", "a.csv", b"a,b\nNA,None\nnull,nan\n", [["NA", "None"], ["null", "nan"]]),
    Case("numbers stay", "a.csv", b"a,b\n01.10,1.0\n1,True\n", [["01.10", "1.0"], ["1", "True"]]),
    Case("a gap in numbers", "a.csv", b"a,b\n1,x\n,y\n", [["1", "x"], ["", "y"]]),
    Case("dates stay", "a.csv", b"a,b\n2024-01-02,03/04/05\n", [["2024-01-02", "03/04/05"]]),
    Case("long numbers stay", "a.csv", b"a,b\n12345678901234567890,0.10000000000000001\n",
         [["12345678901234567890", "0.10000000000000001"]]),
    Case("a comment is a row", "a.csv", b"a,b\n#x,2\n", [["#x", "2"]]),
    Case("NUL", "a.csv", b"a,b\n1,x\0y\n", [["1", "x\0y"]]),
    Case("control characters", "a.csv", b"a,b\n\x1a,\x7f\x01\n", [["\x1a", "\x7f\x01"]]),
    Case("line separators in text", "a.csv", "a,b\n1,x\u2028y\x0bz\x85\x1c\n".encode(),
         [["1", "x\u2028y\x0bz\x85\x1c"]]),
    Case("combining and composed differ", "a.csv", "a,b\né,e\u0301\n".encode(), [["é", "e\u0301"]]),
    Case("a long cell", "a.csv", b"a,b\n1," + b"x" * 200_000 + b"\n", [["1", "x" * 200_000]]),
    Case("many columns", "a.csv", (",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" * 10_000)).encode(),
         [["1"] * 10_000]),
    Case("ten thousand labels", "a.csv", ("a,b\n" + "".join(f"t,{n}\n" for n in range(10_000))).encode(),
         [["t", str(n)] for n in range(10_000)]),
    Case("late bad row", "a.csv", b"a,b\n" + b"1,2\n" * 30_000 + b"3\n", Fails("row 30001 (line 30002)"),
         rejected=((30_001, 30_002, "missing cell"),)),
    Case("late quote", "a.csv", b"a,b\n" + b"1,2\n" * 30_000 + b'3,"x\n', Fails("opened on line 30002")),
]  # fmt: skip

ENCODINGS = [
    Case("UTF-16 with a mark", "a.csv", "a,b\n1,é\n".encode("utf-16"), [["1", "é"]]),
    Case("UTF-16 big endian with a mark", "a.csv", b"\xfe\xff" + "a,b\n1,é\n".encode("utf-16-be"), [["1", "é"]]),
    Case("UTF-32 with a mark", "a.csv", "a,b\n1,é\n".encode("utf-32"), [["1", "é"]]),
    Case("UTF-16 without a mark", "a.csv", "a,b\n1,2\n".encode("utf-16-le"), Fails("--encoding utf-16-le")),
    Case("UTF-16 cut", "a.csv", "a,b\n1,2\n".encode("utf-16")[:-1], Fails("line 2")),
    Case("UTF-16, half a pair", "a.csv", "a,b\n1,".encode("utf-16") + b"\x00\xd8\n\x00", Fails("is not UTF-16")),
    Case("cp1252", "a.csv", "a,b\n1,Schröder\n".encode("cp1252"), Fails("line 2, byte 10")),
    Case("UTF-8 damaged", "a.csv", "a,é\n1,".encode() + b"\xff\n2,3\n", Fails("most of the file is UTF-8"),
         rejected=((1, 2, "not Unicode"),)),
    Case("UTF-8 cut", "a.csv", "a,é\n1,é".encode()[:-1], Fails("line 2"), rejected=((1, 2, "not Unicode"),)),
    Case("UTF-8 overlong", "a.csv", "a,é\n1,".encode() + b"\xc0\xaf\n", Fails("byte 7")),
    Case("UTF-8 surrogate", "a.csv", "a,ééé\n1,".encode() + b"\xed\xa0\x80\n", Fails("0xED")),
    Case("packed without saying so", "a.csv", gzip.compress(TABLE), Fails("packed with gzip")),
]  # fmt: skip

JSON = [
    Case("json lines", "a.jsonl", b'{"a": "1", "b": "2"}\n', AB12, ("a", "b")),
    Case("json numbers as written", "a.jsonl", b'{"a": 1.0, "b": 0.10, "c": 1e400}\n', [["1.0", "0.10", "1e400"]]),
    Case("json true and null", "a.jsonl", b'{"a": true, "b": null}\n', [[True, None]]),
    Case("json nested", "a.jsonl", b'{"a": {"x": [1]}, "b": []}\n', [[{"x": ["1"]}, []]]),
    Case("json missing key", "a.jsonl", b'{"a": "x"}\n\n{"b": "y"}\n', [["x", None], [None, "y"]]),
    Case("json with a mark", "a.jsonl", MARK.encode() + b'{"a": "x"}\n', [["x"]]),
    Case("json NaN", "a.jsonl", b'{"a": "x"}\n{"a": NaN}\n', Fails("NaN"), rejected=((2, 2, "not sound JSON"),)),
    Case("json infinity", "a.jsonl", b'{"a": -Infinity}\n{"a": 1}\n', Fails("Infinity"),
         rejected=((1, 1, "not sound JSON"),)),
    Case("json key twice", "a.jsonl", b'{"a": 1, "a": 2}\n{"a": 1}\n', Fails("'a' stands twice"),
         rejected=((1, 1, "not sound JSON"),)),
    Case("json half pair", "a.jsonl", b'{"a": "x"}\n{"a": "\\ud800"}\n', Fails("row 2 (line 2), column 'a'"),
         rejected=((2, 2, "not Unicode"),)),
    Case("json half pair in a key", "a.jsonl", b'{"a": "x"}\n{"\\udc00": "x"}\n', Fails("row 2 (line 2)"),
         rejected=((2, 2, "not Unicode"),)),
    Case("json half pair, nested", "a.jsonl", b'{"a": "x"}\n{"a": ["\\ud800"]}\n', Fails("row 2 (line 2)"),
         rejected=((2, 2, "not Unicode"),)),
    Case("json whole pair", "a.jsonl", b'{"a": "\\ud83d\\ude00"}\n', [["😀"]]),
    Case("json cut", "a.jsonl", b'{"a": "x"}\n{"a": "y\n', Fails("line 2"), rejected=((2, 2, "not sound JSON"),)),
    Case("json not an object", "a.jsonl", b'{"a": "x"}\n[1]\n', Fails("row 2 (line 2)"),
         rejected=((2, 2, "not a JSON object"),)),
    Case("json two values on a line", "a.jsonl", b'{"a": 1} {"a": 2}\n', Fails("line 1")),
    Case("json pretty", "a.jsonl", b'{\n"a": 1\n}\n', Fails("3 rows")),
    Case("json deep", "a.jsonl", b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n", Fails("line 1")),
    Case("json line separator", "a.jsonl", '{"a": "x\u2028y\x85"}\n'.encode(), [["x\u2028y\x85"]]),
    Case("json empty", "a.jsonl", b"\n", Fails("is empty")),
    Case("json empty object", "a.jsonl", b"{}\n", Fails("is empty")),
    Case("json damaged", "a.jsonl", '{"a": "éé"}\n{"a": "'.encode() + b'\xff"}\n', Fails("line 2, byte"),
         rejected=((2, 2, "not Unicode"),)),
    Case("json array", "a.json", b'[{"a": "1", "b": "2"}]', AB12),
    Case("json array, not objects", "a.json", b'[{"a": 1}, 2]', Fails("row 2"),
         rejected=((2, 2, "not a JSON object"),)),
    Case("json object", "a.json", b'{"text": ["x"]}', Fails("does not hold an array")),
    Case("json empty array", "a.json", b"[]", Fails("is empty")),
    Case("json lines as json", "a.json", b'{"a": 1}\n{"a": 2}\n', Fails("line 2")),
    Case("json array cut", "a.json", b'[{"a": 1}, {"a"', Fails("line 1")),
]  # fmt: skip

BINARY = [
    Case("excel numbers, dates, formulas", "a.xlsx", workbook(["a", "b", "c"], ["x", 1, 1.5], ["=1+1", True, "01.10"]),
         [["x", 1, 1.5], [None, "TRUE", "01.10"]]),
    Case("excel beside the columns", "a.xlsx", workbook(["a"], ["x", None, "y"], ["z"]),
         Fails("row 1 (line 2 of the sheet)"),
         rejected=((1, 2, "extra cell"),)),
    Case("excel empty", "a.xlsx", workbook(), Fails("is empty")),
    Case("excel header only", "a.xlsx", workbook(["a", "b"]), Fails("a header and no rows")),
    Case("no workbook", "a.xlsx", TABLE, Fails("not a sound Excel workbook")),
    Case("workbook cut", "a.xlsx", workbook(["a"], ["x"])[:-100], Fails("not a sound Excel workbook")),
    Case("workbook damaged", "a.xlsx", damaged(workbook(["a"], ["x"]), b"xl/styles.xml"),
         Fails("not a sound Excel workbook")),
    Case("parquet dictionary", "a.parquet", parquet({"a": pa.array(["x", "y"]).dictionary_encode()}), [["x"], ["y"]]),
    Case("parquet nested", "a.parquet", parquet({"a": [[1, 2]], "b": [{"x": None}]}), [[[1, 2], {"x": None}]]),
    Case("parquet large strings", "a.parquet", parquet({"a": pa.array(["x", None], pa.large_string())}),
         [["x"], [None]]),
    Case("parquet bytes", "a.parquet", parquet({"a": pa.array([b"x"])}), [[b"x"]]),
    Case("parquet without rows", "a.parquet", parquet({"a": pa.array([], pa.string())}), Fails("a header and no rows")),
    Case("parquet text that is none", "a.parquet",
         parquet({"a": pa.Array.from_buffers(pa.string(), 2, pa.array([b"a", b"\xff"]).buffers())}),
         Fails("row 2, column 'a'"), rejected=((2, 2, "not Unicode"),)),
    Case("no Parquet", "a.parquet", b"PAR1 this is none PAR1", Fails("not sound Parquet")),
    Case("parquet cut", "a.parquet", parquet({"a": ["x"]})[:-9], Fails("not sound Parquet")),
    Case("gzip", "a.csv.gz", gzip.compress(TABLE), AB12),
    Case("gzip in two members", "a.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n"), AB12),
    Case("zstd", "a.csv.zst", zstd(TABLE), AB12),
    Case("gzip of json lines", "a.jsonl.gz", gzip.compress(b'{"a": "1", "b": "2"}\n'), AB12),
    Case("zstd of json", "a.json.zst", zstd(b'[{"a": "1", "b": "2"}]'), AB12),
    Case("gzip of parquet", "a.parquet.gz", gzip.compress(parquet({"a": ["1"], "b": ["2"]})), AB12),
    Case("zstd of excel", "a.xlsx.zst", zstd(workbook(["a", "b"], ["1", "2"])), AB12),
    Case("gzip of UTF-16", "a.tsv.gz", gzip.compress("a\tb\n1\t2\n".encode("utf-16")), AB12),
    Case("gzip cut", "a.csv.gz", gzip.compress(TABLE * 1000)[:-6], Fails("cannot be unpacked")),
    Case("gzip damaged", "a.csv.gz", gzip.compress(TABLE)[:-8] + b"\0" * 8, Fails("cannot be unpacked")),
    Case("gzip followed by something", "a.csv.gz", gzip.compress(TABLE) + b"xxxx", Fails("cannot be unpacked")),
    Case("no gzip", "a.csv.gz", TABLE, Fails("cannot be unpacked")),
    Case("no zstd", "a.csv.zst", TABLE, Fails("cannot be unpacked")),
    Case("empty gzip", "a.csv.gz", b"", Fails("is empty")),
    Case("gzip bomb", "a.csv.gz", gzip.compress(b"a,b\n" + b"x" * (80 << 20), 9), Fails("as a bomb would")),
    Case("unknown ending", "a.xls", TABLE, Fails(".xlsx")),
    Case("no ending", "a", TABLE, Fails(".csv")),
    Case("only a compression", "a.gz", gzip.compress(TABLE), Fails("before that of its compression")),
]  # fmt: skip

CASES = [*CSV, *ENCODINGS, *JSON, *BINARY]


def nasty_tables() -> list[tuple[str, bytes]]:
    """Give the nasty strings as text, label and header, in every format that can hold them."""
    rows = [[text, text[::-1]] for text in NASTY]
    csv = "".join(quoted(*row) + "\n" for row in [["text", "label"], *rows]).encode()
    lines = "".join(json.dumps({"text": a, "label": b}) + "\n" for a, b in rows).encode()
    columns = {"text": [row[0] for row in rows], "label": [row[1] for row in rows]}
    array = json.dumps([{"text": a, "label": b} for a, b in rows]).encode()
    return [("a.csv", csv), ("a.jsonl", lines), ("a.json", array), ("a.parquet", parquet(columns))]
