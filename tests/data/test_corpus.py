"""The hostile corpus: each file gives the cells that stand in it, or a located error; nothing in between."""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifine.data.files import compression
from classifine.data.files.table_file import TableFile
from classifine.errors import ClassifineError, FileUnreadable


def _load() -> ModuleType:
    name = "hostile_corpus"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("corpus.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


corpus = _load()


def cells_of(file: TableFile, size: int = 8192) -> list[list[Any]]:
    return [list(row) for block in file.blocks(size) for row in zip(*block.columns.values(), strict=True)]


def test_the_corpus_is_large() -> None:
    assert len(corpus.CASES) >= 140
    assert len({case.about for case in corpus.CASES}) == len(corpus.CASES)
    assert len(corpus.NASTY) >= 60


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.about)
def test_hostile_file(tmp_path: Path, case: Any) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content)
    if case.names is not None:
        assert TableFile(path).names == case.names
    if isinstance(case.outcome, list):
        assert cells_of(TableFile(path)) == case.outcome
        assert cells_of(TableFile(path, on_bad_row="quarantine"), 2) == case.outcome
        return
    with pytest.raises(ClassifineError) as caught:
        cells_of(TableFile(path))
    assert case.outcome.words in str(caught.value)
    assert case.rejected == () or "quarantine" in str(caught.value)


@pytest.mark.parametrize(
    "case", [case for case in corpus.CASES if isinstance(case.outcome, corpus.Fails)], ids=lambda case: case.about
)
def test_hostile_file_set_aside(tmp_path: Path, case: Any) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content)
    if not case.rejected:
        with pytest.raises(ClassifineError):
            cells_of(TableFile(path, on_bad_row="quarantine"))
        return
    file = TableFile(path, on_bad_row="quarantine")
    rows: list[int] = []
    with contextlib.suppress(FileUnreadable):  # where no row at all is left
        for block in file.blocks(3):
            assert len(block.rows) == len(block)
            rows += block.rows
    found = tuple((one.row, one.line, one.reason) for one in file.rejected)
    assert found == case.rejected
    assert sorted([*rows, *(row for row, *_ in found)]) == list(range(1, len(rows) + len(found) + 1))


def test_nasty_strings_in_text_and_label(tmp_path: Path) -> None:
    expected = [[text, text[::-1]] for text in corpus.NASTY]
    for name, content in corpus.nasty_tables():
        path = tmp_path / name
        path.write_bytes(content)
        assert cells_of(TableFile(path), 7) == expected, name
        packed = tmp_path / (name + ".gz")
        packed.write_bytes(gzip.compress(content))
        assert cells_of(TableFile(packed)) == expected, name


def test_nasty_strings_in_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for name in corpus.NASTY:
        path.write_bytes((corpus.quoted(name, "other") + "\n1,2\n").encode())
        file = TableFile(path, delimiter=",", encoding="utf-8")
        assert file.names == (name, "other")
        assert cells_of(file) == [["1", "2"]]


def test_nasty_strings_in_the_file_name(tmp_path: Path) -> None:
    for name in corpus.NASTY_FILE_NAMES:
        path = tmp_path / f"{name}.csv"
        path.write_bytes(b"a,b\n1,2\n")
        assert cells_of(TableFile(path)) == [["1", "2"]]
        path.write_bytes(b"a,b\n1\n")
        with pytest.raises(FileUnreadable):
            cells_of(TableFile(path))
        path.unlink()
        with pytest.raises(ClassifineError):
            TableFile(path)


STARTS = [
    b"",
    b"a,b\n",
    b'{"a": 1}\n',
    b'[{"a": 1}]',
    "a,b\n".encode("utf-16"),
    corpus.parquet({"a": ["x"]}),
    b"PK\x03\x04",
]
STARTS += [corpus.workbook(["a"], ["x"]), gzip.compress(b"a,b\n1,2\n"), corpus.zstd(b"a,b\n1,2\n")]
NAMES = ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.xlsx", "a.csv.gz", "a.jsonl.zst", "a.parquet.gz"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(STARTS),
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6), st.integers(0, 6)), max_size=4),
    st.sampled_from(["error", "quarantine"]),
)
def test_no_bytes_raise_what_is_not_ours(
    tmp_path: Path, start: bytes, name: str, changes: list[tuple[float, bytes, int]], on_bad_row: Any
) -> None:
    content = start
    for place, inserted, removed in changes:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + removed :]
    path = tmp_path / name
    path.write_bytes(content)
    try:
        cells_of(TableFile(path, on_bad_row=on_bad_row, longest_cell=20), 2)
    except ClassifineError:
        return


def test_over_long_cells_are_set_aside_in_every_format(tmp_path: Path) -> None:
    long = "x" * 30
    written = {
        "a.csv": f"text\nshort\n{long}\nend\n".encode(),
        "a.jsonl": f'{{"text": "short"}}\n{{"text": "{long}"}}\n{{"text": "end"}}\n'.encode(),
        "a.json": f'[{{"text": "short"}}, {{"text": "{long}"}}, {{"text": "end"}}]'.encode(),
        "a.parquet": corpus.parquet({"text": ["short", long, "end"]}),
        "a.xlsx": corpus.workbook(["text"], ["short"], [long], ["end"]),
    }
    for name, content in written.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FileUnreadable, match="more than 20 characters") as caught:
            cells_of(TableFile(path, longest_cell=20))
        assert "row 2" in str(caught.value)
        file = TableFile(path, longest_cell=20, on_bad_row="quarantine")
        blocks = list(file.blocks())
        assert [list(block.rows) for block in blocks] == [[1, 3]]
        assert blocks[0].columns["text"] == ["short", "end"]
        assert blocks[0].arrow is None or blocks[0].arrow.num_rows == 2
        assert [(one.row, one.reason) for one in file.rejected] == [(2, "over-long cell")]
        assert long in file.rejected[0].content


def test_all_kinds_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 3 + "1\n1,2,3\n" + "x" * 50 + ',2\n4,"5\n')
    with pytest.raises(FileUnreadable) as caught:
        cells_of(TableFile(path, longest_cell=40))
    message = str(caught.value)
    assert "3 rows" in message
    for words in ("missing cell: row 4 (line 5)", "extra cell: row 5 (line 6)", "over-long cell: row 6 (line 7)"):
        assert words in message
    assert "opened and never closed" in message
    assert "--on-bad-row quarantine" in message
    with pytest.raises(FileUnreadable, match="opened on line 8"):
        cells_of(TableFile(path, longest_cell=40, on_bad_row="quarantine"))


def test_a_cell_beyond_the_strict_readers_limit_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n3,"' + ("y" * 999 + "\n") * 11_000 + '"\n4,5\n')
    file = TableFile(path, on_bad_row="quarantine")
    assert cells_of(file) == [["1", "2"], ["4", "5"]]
    (rejected,) = file.rejected
    assert (rejected.row, rejected.line, rejected.reason, len(rejected.content)) == (2, 3, "over-long cell", 100_000)


def test_what_was_detected_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    path.write_bytes(gzip.compress(b'a\tb\r\n1\t"2"\r\n'))
    assert TableFile(path).detected.to_dict() == {
        "format": "delimited",
        "compression": "gzip",
        "encoding": "utf-8",
        "encoding_by": "every byte fits UTF-8",
        "confidence": 1.0,
        "delimiter": "\t",
        "delimiter_by": "found",
        "line_ends": "CR LF",
        "quoting": "double quotes",
    }
    path = tmp_path / "a.csv"
    path.write_bytes("a^b\n1^é\n".encode("cp1252"))
    file = TableFile(path, encoding="cp1252", delimiter="^")
    assert cells_of(file) == [["1", "é"]]
    found = file.detected
    assert (found.encoding_by, found.delimiter, found.delimiter_by, found.line_ends) == ("named", "^", "named", "LF")
    assert TableFile(path, encoding="cp1252").names == ("a^b",)


def test_a_hundred_thousand_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    names = [f"c{number}" for number in range(100_000)]
    path.write_text(",".join(names) + "\n" + ",".join("1" * 100_000) + "\n")
    file = TableFile(path)
    (block,) = file.blocks()
    assert len(block.columns) == 100_000


def test_a_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "ALWAYS_ALLOWED", 1 << 16)
    for name, pack in (("a.csv.gz", gzip.compress), ("a.csv.zst", corpus.zstd)):
        path = tmp_path / name
        path.write_bytes(pack(b"a,b\n" + b"1,2\n" * 2_000_000))
        with pytest.raises(FileUnreadable, match="as a bomb would"):
            TableFile(path)
    monkeypatch.setattr(compression, "LARGEST_WHOLE", 100)
    path = tmp_path / "a.parquet.gz"
    path.write_bytes(gzip.compress(corpus.parquet({"a": ["x"]})))
    with pytest.raises(FileUnreadable, match="too much to hold at once"):
        TableFile(path)
