"""Takes a text file and gives its lines, decoded strictly; a byte that does not fit is located.

The encoding is what the byte order mark says, else UTF-8, else what the user says: never a guess.
Does not know what the lines mean.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from classifine.errors import FileUnreadable, UsageError

LONGEST_LINE = 100_000_000

_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]


def encoding_of(path: Path, wanted: str | None) -> str:
    """Settle the encoding of a file.

    Raises
    ------
    UsageError
        Python knows no such encoding.
    FileUnreadable
        The byte order mark says something else, or the file looks like UTF-16 without a mark.
    """
    name = _known(wanted) if wanted is not None else None
    with path.open("rb") as stream:
        head = stream.read(4096)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        family = marked.removesuffix("-sig")
        if name is not None and not name.startswith(family):
            raise FileUnreadable(
                f"{path} begins with the byte order mark of {family.upper()}, but {wanted} was asked for",
                cure="leave --encoding out",
            )
        return marked
    if name is None and (ending := _wide(head)):
        raise FileUnreadable(
            f"{path} looks like UTF-16 without a byte order mark",
            found=f"{head.count(0):,} NUL bytes among the first {len(head):,}",
            cure=f"add --encoding utf-16-{ending}",
        )
    return name or "utf-8"


class Lines(Iterator[str]):
    """The lines of a text file with their ends as they stand; ``last`` is the line given last.

    Parameters
    ----------
    path, encoding
        The file, and its encoding as :func:`encoding_of` settled it.
    ends
        ``any``: a line ends at LF, CR LF or CR; ``lf``: at LF only.
    """

    def __init__(self, path: Path, encoding: str, *, ends: Literal["any", "lf"] = "any") -> None:
        self.path = path
        self.encoding = encoding
        self.last = ""
        self._number = 0
        self._stream = path.open(encoding=encoding, newline="" if ends == "any" else "\n")

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __next__(self) -> str:
        try:
            line = self._stream.readline(LONGEST_LINE)
        except UnicodeError:
            raise undecodable(self.path, self.encoding) from None
        if not line:
            raise StopIteration
        self._number += 1
        if len(line) >= LONGEST_LINE:
            raise FileUnreadable(
                f"a line of {self.path} has {LONGEST_LINE:,} characters or more",
                where=f"line {self._number}",
                cure="check that this is a text table, one row per line",
            )
        self.last = line
        return line


def undecodable(path: Path, encoding: str) -> FileUnreadable:
    """Find the first byte that does not fit the encoding, and say what it may be instead."""
    decoder = codecs.getincrementaldecoder(encoding)()
    base, lines = 0, 1
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(1 << 20)
            pending = decoder.getstate()[0]
            try:
                lines += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                block = bytes(error.object)
                offset = base - len(pending) + error.start
                lines += block[: error.start].decode(encoding, errors="ignore").count("\n")
                return _located(path, encoding, block, error.start, offset, lines)
            except UnicodeError as error:  # a codec that does not say where
                return FileUnreadable(f"{path} is not {encoding}", found=str(error), cure="add --encoding NAME")
            base += len(chunk)
            if not chunk:  # the file changed while it was read
                return FileUnreadable(f"{path} is not {encoding}", cure="add --encoding NAME")


def _located(path: Path, encoding: str, block: bytes, at: int, offset: int, line: int) -> FileUnreadable:
    shown = encoding.removesuffix("-sig").upper()
    cure = "name its encoding: add --encoding NAME"
    if encoding.startswith("utf-8"):
        try:
            block.decode("cp1252")
            near = block[:at].splitlines()[-1:] or [b""]
            excerpt = (near[0][-12:] + block[at:].splitlines()[0][:12]).decode("cp1252")
            cure = f"it looks like cp1252 (there it would read {excerpt!r}): if that is right, add --encoding cp1252"
        except UnicodeDecodeError:
            pass
        if any(byte >= 0xC2 for byte in block[:at]):  # what stands before it is UTF-8 beyond ASCII
            cure = "most of the file is UTF-8, so that a part of it was damaged: mend that line, or export it again"
    return FileUnreadable(
        f"{path} is not {shown} throughout",
        where=f"line {line}, byte {offset:,}",
        found=f"the byte 0x{block[at]:02X}" if at < len(block) else "the end of the file within a character",
        cure=cure,
    )


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 that lacks its mark: every other byte of plain letters is then NUL."""
    half = max(1, len(head) // 2)
    if head[1::2].count(0) > 0.6 * half and head[::2].count(0) < 0.2 * half:
        return "le"
    if head[::2].count(0) > 0.6 * half and head[1::2].count(0) < 0.2 * half:
        return "be"
    return None


def _known(name: str) -> str:
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UsageError(
            f"there is no encoding {name!r}", cure="common ones are utf-8, cp1252, latin-1, utf-16, cp1251, gb18030"
        ) from None
