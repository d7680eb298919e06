"""Takes a text file and gives its characters, decoded strictly; a byte that does not fit is located.

The encoding is what the user or the byte order mark says, else UTF-8 if every byte fits, else a guess that is
taken only above a stated confidence. Does not know what the text means.
"""

from __future__ import annotations

import codecs
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from classifine.data.files.bad_rows import OnBadRow
from classifine.data.files.compression import Octets, OctetStream
from classifine.data.files.guessing import CONFIDENT, guesses
from classifine.errors import FileUnreadable, UsageError

LONGEST_LINE = 100_000_000

EncodingBy = Literal[
    "byte order mark",
    "every byte fits UTF-8",
    "most bytes fit UTF-8",
    "named",
    "named, though every byte fits UTF-8",
    "guessed",
]

_MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
_STEP = 1 << 22
_SAMPLE = 1 << 18


@dataclass(frozen=True)
class Encoding:
    """The encoding of a file, how it is known, and how surely (0 to 1)."""

    name: str
    by: EncodingBy
    confidence: float = 1.0


def encoding_of(path: Path, wanted: str | None, *, on_bad_row: OnBadRow = "error") -> Encoding:
    """Settle the encoding of a file; without a name or a mark, all of its bytes are looked at.

    Parameters
    ----------
    on_bad_row
        With ``quarantine``, a file most of which is UTF-8 is taken as such; rows with other bytes will be set aside.

    Raises
    ------
    UsageError
        Python knows no such encoding.
    FileUnreadable
        The byte order mark says something else, or the bytes are not UTF-8 and a guess would not be sure.
    """
    name = _known(wanted) if wanted is not None else None
    with Octets(path) as octets:
        head = octets.read(4096)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        family = marked.removesuffix("-sig")
        if name is not None and not name.startswith(family):
            raise FileUnreadable(
                f"{path} begins with the byte order mark of {family.upper()}, but {wanted} was asked for",
                cure="leave --encoding out; if another file needs it, save that one as UTF-8",
            )
        return Encoding(marked, "byte order mark")
    if name is not None:
        return Encoding(name, "named, though every byte fits UTF-8" if _contradicts(path, name) else "named")
    if ending := _wide(head, least=0.6):
        return _unmarked(path, head, ending)
    if not _misfits(path):
        return Encoding("utf-8", "every byte fits UTF-8")
    if ending := _wide(head, least=0.02):
        return _unmarked(path, head, ending)
    sample = _sample(path)
    if _mostly_utf8(sample):
        if on_bad_row == "quarantine":
            return Encoding("utf-8", "most bytes fit UTF-8")
        raise undecodable(path, "utf-8")
    found = guesses(sample)
    if found and found[0].confidence >= CONFIDENT:
        return Encoding(found[0].encoding, "guessed", found[0].confidence)
    raise undecodable(path, "utf-8")


class Lines(Iterator[str]):
    """The lines of a text file with their ends as they stand; ``last`` is the line given last.

    Parameters
    ----------
    path, encoding
        The file, and its encoding as :func:`encoding_of` settled it.
    ends
        ``any``: a line ends at LF, CR LF or CR; ``lf``: at LF only.
    escape
        Carry bytes that do not fit through as low surrogates, instead of raising.
    """

    def __init__(self, path: Path, encoding: str, *, ends: Literal["any", "lf"] = "any", escape: bool = False) -> None:
        self.path = path
        self.encoding = encoding
        self.last = ""
        self._number = 0
        self._stream = io.TextIOWrapper(
            io.BufferedReader(OctetStream(path), 1 << 16),
            encoding=encoding,
            errors="surrogateescape" if escape and can_escape(encoding) else "strict",
            newline="" if ends == "any" else "\n",
        )

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
            raise endless(self.path, self._number)
        self.last = line
        return line


class Utf8:
    """The bytes of a text file as UTF-8, whatever its encoding, without a byte order mark.

    With ``escape``, bytes that do not fit are left where they are (they are no UTF-8), instead of raising.
    """

    def __init__(self, path: Path, encoding: str, *, escape: bool) -> None:
        self._octets = Octets(path)
        self._path = path
        self._encoding = encoding
        self._as_it_is = encoding in ("utf-8", "utf-8-sig")
        self._first = encoding == "utf-8-sig"
        escaping = escape and can_escape(encoding)
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if escaping else "strict")

    def read(self, size: int) -> bytes:
        """Give the next bytes, about ``size``; none at the end only."""
        while True:
            found = self._octets.read(size)
            if self._as_it_is:
                if not self._first:
                    return found
                while len(found) < len(codecs.BOM_UTF8) and (more := self._octets.read(size)):
                    found += more
                self._first = False
                found = found.removeprefix(codecs.BOM_UTF8)
                return found or self._octets.read(size)
            try:
                text = self._decoder.decode(found, final=not found)
            except UnicodeError:
                raise undecodable(self._path, self._encoding) from None
            if text or not found:
                return text.encode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Close the file."""
        self._octets.close()


def can_escape(encoding: str) -> bool:
    """Tell whether a byte that does not fit leaves the bytes around it certain."""
    if encoding.startswith("utf-8"):
        return True  # no byte of a longer character looks like a delimiter, a quote or a line end
    return encoding.startswith(("cp12", "iso8859", "koi8", "mac-", "ascii"))


def undecodable(path: Path, encoding: str) -> FileUnreadable:
    """Find the first byte that does not fit the encoding, and say what it may be instead."""
    decoder = codecs.getincrementaldecoder(encoding)()
    base, lines = 0, 1
    with Octets(path) as octets:
        while True:
            chunk = octets.read(1 << 20)
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


def endless(path: Path, number: int) -> FileUnreadable:
    """Give the error for a line without end."""
    return FileUnreadable(
        f"a line of {path} has {LONGEST_LINE:,} characters or more",
        where=f"line {number}",
        cure="check that this is a text table, one row per line",
    )


def _located(path: Path, encoding: str, block: bytes, at: int, offset: int, line: int) -> FileUnreadable:
    shown = encoding.removesuffix("-sig").upper()
    cure = "name its encoding: add --encoding NAME"
    if encoding.startswith("utf-8"):
        near = block[:at].splitlines()[-1:] or [b""]
        excerpt = near[0][-12:] + block[at:].splitlines()[0][:12]
        sample = _sample(path)
        readings: dict[str, str] = {}
        for guess in guesses(sample):
            reading = excerpt.decode(guess.encoding, errors="replace")
            if reading.isprintable():
                readings.setdefault(reading, guess.encoding)
        named = [f"--encoding {name} would read {reading!r}" for reading, name in list(readings.items())[:4]]
        if named:
            cure = "name its encoding; " + "; ".join(named)
        if _mostly_utf8(sample):
            cure = (
                "most of the file is UTF-8, so that a part of it was damaged: mend that line, or export it again, "
                "or set such rows aside: add --on-bad-row quarantine"
            )
    return FileUnreadable(
        f"{path} is not {shown} throughout",
        where=f"line {line}, byte {offset:,}",
        found=f"the byte 0x{block[at]:02X}" if at < len(block) else "the end of the file within a character",
        cure=cure,
    )


def _misfits(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole = True
    with Octets(path) as octets:
        try:
            while chunk := octets.read(_STEP):
                if not (whole and (chunk.isascii() or _fits(chunk))):
                    decoder.decode(chunk)
                    whole = not decoder.getstate()[0]
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return True
    return False


def _fits(chunk: bytes) -> bool:
    """Tell UTF-8 that ends with a whole character, several times faster than by decoding it."""
    import pyarrow as pa

    ends = pa.py_buffer(struct.pack("=2i", 0, len(chunk)))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(chunk)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _sample(path: Path) -> bytes:
    """Collect the first lines that hold more than ASCII."""
    found: list[bytes] = []
    total = 0
    with Octets(path) as octets:
        tail = b""
        while total < _SAMPLE and (chunk := octets.read(_STEP)):
            *lines, tail = (tail + chunk).split(b"\n")
            if len(tail) > _SAMPLE:
                lines.append(tail[:_SAMPLE])
                tail = b""
            for line in lines:
                if total < _SAMPLE and not line.isascii():
                    found.append(line[:_SAMPLE])
                    total += len(found[-1])
        if not tail.isascii():
            found.append(tail)
    return b"\n".join(found)[:_SAMPLE]


def _contradicts(path: Path, name: str) -> bool:
    """Tell whether the first lines beyond ASCII are sound UTF-8, though another encoding was named."""
    if name.startswith("utf-8"):
        return False
    sample = _sample(path)
    try:
        return bool(sample) and bool(sample.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _mostly_utf8(sample: bytes) -> bool:
    """Tell a damaged UTF-8 file from one of another encoding, in which few bytes make UTF-8 by chance."""
    text = sample.decode("utf-8", "surrogateescape")
    damaged = sum("\udc80" <= character <= "\udcff" for character in text)
    sound = sum(character > "\x7f" for character in text) - damaged
    return sound >= damaged


def _wide(head: bytes, *, least: float) -> Literal["le", "be"] | None:
    """Tell UTF-16 that lacks its mark: NUL bytes stand at every other place only; ``least`` is their share there."""
    half = max(1, len(head) // 2)
    odd, even = head[1::2].count(0) / half, head[::2].count(0) / half
    if odd > least and even < odd / 4:
        return "le"
    return "be" if even > least and odd < even / 4 else None


def _unmarked(path: Path, head: bytes, ending: Literal["le", "be"]) -> Encoding:
    name = f"utf-16-{ending}"
    text = head.decode(name, "replace")
    if len(text) >= 64 and all(character.isprintable() or character in "\t\r\n" for character in text[:-1]):
        return Encoding(name, "guessed", 0.99)
    raise FileUnreadable(
        f"{path} looks like UTF-16 without a byte order mark",
        found=f"{head.count(0):,} NUL bytes among the first {len(head):,}",
        cure=f"add --encoding {name}",
    )


def _known(name: str) -> str:
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UsageError(
            f"there is no encoding {name!r}", cure="common ones are utf-8, cp1252, latin-1, utf-16, cp1251, gb18030"
        ) from None
