"""The fast reader: whatever the bytes, it sees what the strict reader sees, or leaves the piece to it."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifine.data.files import delimited
from classifine.data.files.bad_rows import OnBadRow
from classifine.data.files.delimited import DelimitedFile
from classifine.data.files.plain import can_be_plain, certified, parsed
from classifine.errors import ClassifineError

ALPHABET = [b'"', b'"', b'""', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"a", b"b ", b"\xc3\xa9", b"\xff", b"\0"]
ALPHABET += [b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\", b"'", b"1.0", b"NA"]
BYTES = st.lists(st.sampled_from(ALPHABET), max_size=24).map(b"".join)
TIDY = st.lists(
    st.lists(
        st.sampled_from([b"x", b"", b'"y"', b'"a,b"', b'"q""q"', b'"\n"', b'"\r\n\n"', b'so "he"', b"NA"]),
        min_size=2,
        max_size=2,
    ),
    max_size=9,
).map(lambda rows: b"".join(b",".join(row) + b"\n" for row in rows))


def outcome(path: Path, piece: int, on_bad_row: OnBadRow, size: int) -> Any:
    """Give all that a caller can see of a file."""
    try:
        file = DelimitedFile(path, encoding="utf-8", delimiter=",", on_bad_row=on_bad_row, piece=piece, longest_cell=40)
        cells = [
            (row, cells)
            for part in file.blocks(size)
            for row, cells in zip(part.rows, zip(*part.columns, strict=True), strict=True)
        ]
        return file.names, cells, file.blank_lines, file.bad.rejected
    except ClassifineError as error:
        return str(error)


def both(path: Path, content: bytes, piece: int, on_bad_row: OnBadRow, size: int) -> tuple[Any, Any]:
    path.write_bytes(content)
    fast = outcome(path, piece, on_bad_row, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "can_be_plain", lambda *_: False)
        slow = outcome(path, 1 << 20, on_bad_row, 1000)
    return fast, slow


def strict(text: str) -> list[list[str]] | None:
    """Give the records of Python's strict reader on the whole text: the truth."""
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b"", b"a,b\n", b"a,b\n1,2\n", b"a\n", b"a,b\r\n", b'"a","b"\n']),
    st.one_of(BYTES, TIDY),
    st.integers(1, 40),
    st.sampled_from(["error", "quarantine"]),
    st.integers(1, 5),
)
def test_any_bytes_read_alike(
    tmp_path: Path, start: bytes, content: bytes, piece: int, on_bad_row: OnBadRow, size: int
) -> None:
    fast, slow = both(tmp_path / "a.csv", start + content, piece, on_bad_row, size)
    assert fast == slow


def test_mutated_tables_read_alike(tmp_path: Path) -> None:
    rng = random.Random(7)
    rows = [f'{n},"text, {n} ""said""\nit",x\r\n' if n % 3 else f"{n},plain text,y\r\n" for n in range(40)]
    whole = ("id,text,label\r\n" + "".join(rows)).encode()
    for _ in range(250):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(content))
            change = rng.randrange(3)
            if change == 0:
                content[at] = rng.choice(b'",\n\r\0\xff\xc3a')
            elif change == 1:
                del content[at]
            else:
                content.insert(at, rng.choice(b'",\n\r\0\xffa'))
        fast, slow = both(tmp_path / "a.csv", bytes(content), rng.choice([50, 200, 700, 5000]), "quarantine", 7)
        assert fast == slow


@settings(max_examples=600, deadline=None)
@given(st.one_of(BYTES, TIDY), st.booleans(), st.integers(1, 3))
def test_what_is_certified_is_the_truth(content: bytes, final: bool, width: int) -> None:
    cut = certified(content, delimiter=",", width=width, final=final)
    if cut is None:
        return
    columns = parsed(content, cut, delimiter=",", width=width, longest_cell=1000)
    if columns is None:
        return
    text = content[: cut.end].decode()
    truth = strict(text)
    assert truth is not None
    records = [record or [""] for record in truth] if width == 1 else truth
    assert [list(row) for row in zip(*columns, strict=True)] == records
    assert cut.end == len(content) if final else content[: cut.end].endswith(b"\n")
    assert cut.lines == sum(line.endswith(("\n", "\r")) for line in io.StringIO(text, newline=""))


@pytest.mark.parametrize(
    "content",
    [
        b'1,"a, ""b""\r\n\r\nc\rd"\r\n2,\r\n',
        b'1,so "he" said\n2,it\'s 5" long\n',
        b'"",""\n"""","\n"\n',
        b"1,\0\n",
    ],
)
def test_plain_pieces_are_certified(content: bytes) -> None:
    cut = certified(content, delimiter=",", width=2, final=False)
    assert cut is not None
    assert cut.end == len(content)
    assert parsed(content, cut, delimiter=",", width=2, longest_cell=100) is not None


@pytest.mark.parametrize(
    "content",
    [
        b'1,"a"b\n',
        b'1,"a\n',
        b'"1",so "he" said\n',
        b"1,2\n\n3,4\n",
        b"\r\n1,2\n",
        b"1,a\rb\n",
        b"\xef\xbb\xbf1,2\n",
        b"1,2",
        b"1,2\r",
        b"",
    ],
)
def test_what_is_not_plain_is_left_to_the_strict_reader(content: bytes) -> None:
    assert certified(content, delimiter=",", width=2, final=content == b"1,2\r") is None


def test_only_plain_delimiters() -> None:
    assert can_be_plain("\t", 3)
    assert can_be_plain("^", 3)
    assert not can_be_plain("·", 3)
    assert not can_be_plain("\0", 3)
    assert not can_be_plain(",", 100_000)


def test_the_fast_reader_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000 + '3,"x" y\n')
    seen: list[bool] = []

    def watched(buffer: bytes, **options: Any) -> Any:
        cut = certified(buffer, **options)
        seen.append(cut is not None)
        return cut

    monkeypatch.setattr(delimited, "certified", watched)
    file = DelimitedFile(path, encoding=None, delimiter=None, piece=100)
    with pytest.raises(ClassifineError, match="line 1002"):
        list(file.blocks(10))
    assert seen.count(True) > 30
    assert seen.count(False) <= 2


@pytest.mark.parametrize("piece", [1, 7, 12, 20])
def test_a_damaged_row_across_two_pieces_is_set_aside(tmp_path: Path, piece: int) -> None:
    content = "a,é\n".encode() + b'1,"x\xff\ny"\n2,z\n'
    fast, slow = both(tmp_path / "a.csv", content, piece, "quarantine", 5)
    assert fast == slow
    assert fast[1] == [(2, ("2", "z"))]
    assert [one.reason for one in fast[3]] == ["not Unicode"]


@pytest.mark.parametrize("piece", [1, 2, 3, 4])
def test_a_mark_is_no_end(tmp_path: Path, piece: int) -> None:
    fast, slow = both(tmp_path / "a.csv", b"\xef\xbb\xbfa,b\n1,2\n", piece, "error", 5)
    assert fast == slow == (("a", "b"), [(1, ("1", "2"))], [], [])
