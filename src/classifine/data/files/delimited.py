"""Takes a CSV or TSV file and gives its records as text, each cell as it stands in the file.

The dialect is RFC 4180's with a delimiter found or named; the truth is Python's strict reader, and where a piece of
the file is plain, a fast parser that is proven to see the same. Does not know which column is what.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from classifine.data.files.bad_rows import (
    EXTRA_CELL,
    MISSING_CELL,
    NOT_UNICODE,
    OVER_LONG,
    BadRows,
    OnBadRow,
    over_long,
)
from classifine.data.files.cells import not_unicode
from classifine.data.files.compression import inner_name
from classifine.data.files.encoding import LONGEST_LINE, Lines, Utf8, encoding_of, endless, undecodable
from classifine.data.files.faults import DELIMITERS, Place, broken, quote_opened, ragged, stray
from classifine.data.files.parts import Part, numbered, regrouped
from classifine.data.files.plain import can_be_plain, certified, parsed
from classifine.errors import FileUnreadable, UsageError

LONGEST_CELL = 10_000_000

_SAMPLE = 200
_PIECE = 1 << 23


class DelimitedFile:
    """The records of one CSV file.

    Parameters
    ----------
    path
        The file, which may be packed.
    encoding, delimiter
        As the user names them; without one, what the file shows.
    on_bad_row, longest_cell
        What becomes of rows that cannot be used, and the characters a cell may have.

    Raises
    ------
    FileUnreadable
        The header cannot be read, or the delimiter is not plain from it.
    """

    schema = None

    def __init__(
        self,
        path: Path,
        *,
        encoding: str | None,
        delimiter: str | None,
        on_bad_row: OnBadRow = "error",
        longest_cell: int = LONGEST_CELL,
        piece: int = _PIECE,
    ) -> None:
        # The limit is the process's; it is only ever raised, so that nobody else's reader starts to fail.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL, longest_cell))
        self.path = path
        self.encoding = encoding_of(path, encoding, on_bad_row=on_bad_row)
        with Lines(path, self.encoding.name, escape=on_bad_row == "quarantine") as lines:
            sample = list(islice(lines, _SAMPLE))
        self.delimiter = _named(delimiter) if delimiter is not None else self._shown(sample)
        self.delimiter_by = "named" if delimiter is not None else "found"
        self.line_ends = _line_ends(sample)
        self.quoting = "double quotes" if any('"' in line for line in sample) else "none"
        self.blank_lines: list[int] = []
        self.bad = BadRows(path, on_bad_row)
        self._on_bad_row = on_bad_row
        self._longest_cell = longest_cell
        self._piece = piece
        reading = _Reading(self, piece)
        try:
            header = next(reading.exact(), None)
        finally:
            reading.close()
        self.names: tuple[str, ...] = tuple(header[2]) if header else ()

    def blocks(self, size: int) -> Iterator[Part]:
        """Give the rows, ``size`` at a time."""
        self.bad = BadRows(self.path, self._on_bad_row)
        self.blank_lines = []
        yield from regrouped(self._parts(), size)

    def _parts(self) -> Iterator[Part]:
        reading = _Reading(self, self._piece)
        try:
            if next(reading.exact(), None) is None:
                return
            plain = can_be_plain(self.delimiter, len(self.names)) and not reading.carriage_returns
            while True:
                if plain and reading.feed.at_boundary:
                    fast = reading.fast(self.names, self._longest_cell)
                    if fast is not None:
                        if not self.bad.stops:
                            yield fast
                        continue
                part = self._exact_part(reading)
                if part is None:
                    break
                if part.rows and not self.bad.stops:
                    yield part
        except FileUnreadable as error:
            self.bad.settle(further=error)
        finally:
            reading.close()
        self.bad.settle()

    def _exact_part(self, reading: _Reading) -> Part | None:
        """Read records one by one to the end of the piece; none at the end of the file."""
        rows: list[int] = []
        records: list[list[str]] = []
        some = False
        for row, line, cells in reading.exact():
            some = True
            if self._usable(reading, row, line, cells):
                rows.append(row)
                records.append(cells)
            if reading.feed.at_boundary:
                break
        if not some and reading.feed.ended:
            return None
        columns: list[list[Any]] = [list(column) for column in zip(*records, strict=True)]
        return Part(numbered(rows), columns, texts=True)

    def _usable(self, reading: _Reading, row: int, line: int, cells: list[str]) -> bool:
        feed = reading.feed
        width = len(self.names)
        where = f"row {row} (line {line})"
        if feed.damaged and not all(map(_sound, cells)):
            error = not_unicode(f"{self.path}, {where}", UnicodeDecodeError("utf-8", b"", 0, 0, ""))
            self.bad.add(row, line, NOT_UNICODE, feed.taken, error)
        elif len(cells) != width:
            reason = EXTRA_CELL if len(cells) > width else MISSING_CELL
            self.bad.add(row, line, reason, feed.taken, ragged(self.path, row, line, len(cells), self.names))
        elif feed.taken_length > self._longest_cell and (most := max(map(len, cells))) > self._longest_cell:
            error = over_long(self.path, f"row {row} (begins on line {line})", most, self._longest_cell)
            self.bad.add(row, line, OVER_LONG, feed.taken, error)
        else:
            return True
        return False

    def skipped(self, place: Place, taken: str, error: csv.Error) -> int | None:
        """Set aside a record with a cell beyond what the reader holds, and give the line on which it ends."""
        if "field limit" not in str(error) or place.row < 1 or self._on_bad_row == "error":
            return None
        _, end = quote_opened(place)
        if end is not None:
            where = f"row {place.row} (begins on line {place.line})"
            fault = over_long(self.path, where, len(taken), self._longest_cell)
            self.bad.add(place.row, place.line, OVER_LONG, taken, fault)
        return end

    def _shown(self, sample: Sequence[str]) -> str:
        """Find the delimiter: the one that divides the header, and the first rows into as many cells."""
        widths = {delimiter: _widths(sample, delimiter) for delimiter in DELIMITERS}
        dividing = [delimiter for delimiter, found in widths.items() if found and found[0] > 1]
        steady = [delimiter for delimiter in dividing if len(set(widths[delimiter])) == 1]
        for likely in (steady, dividing):
            if len(likely) == 1:
                return likely[0]
            if "\t" in likely and inner_name(self.path).suffix.lower() == ".tsv":
                return "\t"
        if not dividing:
            return ","
        either = " or ".join(DELIMITERS[delimiter] for delimiter in steady or dividing)
        raise FileUnreadable(
            f"{self.path} may be delimited by {either}",
            where="header",
            found=repr(sample[0].rstrip("\r\n"))[:200],
            cure="name it: add --delimiter, with the character or the word tab",
        )


class _Reading:
    """One way through the file, from its beginning: where it stands, and the two readers."""

    def __init__(self, file: DelimitedFile, piece: int) -> None:
        self.file = file
        self.feed = _Feed(file.path, file.encoding.name, piece, escape=not file.bad.fatal)
        self.row = -1
        self.width = 0
        self.carriage_returns = False
        self._blank: list[int] = []

    def close(self) -> None:
        self.feed.close()

    def fast(self, names: tuple[str, ...], longest_cell: int) -> Part | None:
        """Read the next piece at once, where that is proven to be right."""
        feed, delimiter = self.feed, self.file.delimiter
        feed.fill()
        if not feed.buffer:
            return None
        cut = certified(feed.buffer, delimiter=delimiter, width=len(names), final=feed.final)
        if cut is None:
            return None
        columns = parsed(feed.buffer, cut, delimiter=delimiter, width=len(names), longest_cell=longest_cell)
        if columns is None:
            return None
        feed.skip(cut)
        first = self.row + 1
        self.row += len(columns[0])
        self._noted()
        return Part(range(first, self.row + 1), columns, texts=True)

    def exact(self) -> Iterator[tuple[int, int, list[str]]]:
        """Give row number (the header is 0), first line and cells of each record; blank lines are noted."""
        feed = self.feed
        feed.by_line = self.row == -1
        reader = csv.reader(feed, delimiter=self.file.delimiter, strict=True)
        while True:
            feed.forget()
            line = feed.number + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                place = Place(self.file.path, feed.encoding, self.file.delimiter, self.row + 1, line)
                end = self.file.skipped(place, feed.taken, error)
                if end is None:
                    raise broken(
                        error, place, line=feed.number, longest_cell=max(LONGEST_CELL, csv.field_size_limit())
                    ) from None
                while feed.number < end:
                    next(feed)
                self.row += 1
                reader = csv.reader(feed, delimiter=self.file.delimiter, strict=True)
                continue
            if cells is None:
                return
            if self.row == -1:
                self.carriage_returns = feed.last.endswith("\r")
            elif feed.last.endswith("\r") and not self.carriage_returns:
                raise stray(self.file.path, self.row + 1, feed.number)
            if not cells and self.width == 1:
                cells = [""]  # where there is one column, an empty line is a row with an empty cell
            if cells:
                self.row += 1
                if self.row == 0:
                    self.width = len(cells)
                    feed.by_line = False
                self._noted()
                yield self.row, line, cells
            elif self.row > 0:
                self._blank.append(line)

    def _noted(self) -> None:
        """Note the blank lines met so far: only those between rows count."""
        self.file.blank_lines += self._blank
        self._blank = []


class _Feed(Iterator[str]):
    """The lines of the file for the exact reader, and the bytes before it for the fast one."""

    def __init__(self, path: Path, encoding: str, piece: int, *, escape: bool) -> None:
        self.encoding = encoding
        self.buffer = b""
        self.final = False
        self.number = 0
        self.last = ""
        self.damaged = False
        self._piece_damaged = False
        self.by_line = False
        self._path = path
        self._piece = piece
        self._escape = escape
        self._source = Utf8(path, encoding, escape=escape)
        self._lines: list[str] = []
        self._at = 0
        self._taken: list[str] = []

    def close(self) -> None:
        self._source.close()

    @property
    def at_boundary(self) -> bool:
        """Whether the exact reader has taken all lines of its piece, so that the buffer begins a record."""
        return self._at == len(self._lines)

    @property
    def ended(self) -> bool:
        return self.at_boundary and self.final and not self.buffer

    @property
    def taken(self) -> str:
        """The record as it stands in the file, without its line end."""
        return "".join(self._taken).rstrip("\r\n")

    @property
    def taken_length(self) -> int:
        return sum(map(len, self._taken))

    def forget(self) -> None:
        """Begin a record."""
        self._taken.clear()
        self.damaged = self._piece_damaged

    def fill(self, least: int = 0) -> None:
        """Read on until the buffer holds a piece, or the file ends."""
        wanted = max(self._piece, least)
        while not self.final and len(self.buffer) < wanted:
            found = self._source.read(max(1, wanted - len(self.buffer)))
            self.final = not found
            self.buffer += found

    def skip(self, cut: Any) -> None:
        """Leave out what the fast reader has read."""
        self.buffer = self.buffer[cut.end :]
        self.number += cut.lines

    def __next__(self) -> str:
        if self._at == len(self._lines) and not self._more():
            raise StopIteration
        line = self._lines[self._at]
        self._at += 1
        self.number += 1
        self.last = line
        self._taken.append(line)
        return line

    def _more(self) -> bool:
        """Take whole lines from the buffer."""
        self.fill()
        while True:
            end = (self.buffer.find(b"\n") if self.by_line else self.buffer.rfind(b"\n")) + 1
            if not end and not self.final:  # old Mac lines; the last byte may be the first half of a line end
                end = self.buffer.rfind(b"\r", 0, len(self.buffer) - 1) + 1
            if end or self.final:
                break
            if len(self.buffer) >= LONGEST_LINE:
                raise endless(self._path, self.number + 1)
            self.fill(2 * len(self.buffer))
        piece = self.buffer[: end or len(self.buffer)]
        self.buffer = self.buffer[len(piece) :]
        try:
            text, self._piece_damaged = piece.decode("utf-8"), False
        except UnicodeDecodeError:
            if not self._escape:
                raise undecodable(self._path, self.encoding) from None
            text, self._piece_damaged = piece.decode("utf-8", "surrogateescape"), True
        self.damaged |= self._piece_damaged  # a record may begin in one piece and end in the next
        self._lines, self._at = list(StringIO(text, newline="")), 0
        return bool(self._lines)


def _sound(cell: str) -> bool:
    return cell.isascii() or not any("\ud800" <= character <= "\udfff" for character in cell)


def _line_ends(sample: Sequence[str]) -> str:
    kinds = {"CR LF" if line.endswith("\r\n") else "CR" if line.endswith("\r") else "LF" for line in sample[:-1]}
    if len(sample) == 1 and sample[0].endswith(("\r", "\n")):
        kinds = {"CR LF" if sample[0].endswith("\r\n") else "CR" if sample[0].endswith("\r") else "LF"}
    return " and ".join(sorted(kinds)) or "none"


def _widths(sample: Sequence[str], delimiter: str) -> list[int]:
    """Count the cells of the sample's records; one that cannot be read counts as -1, the cut last one not at all."""
    cut = len(sample) == _SAMPLE
    widths: list[int] = []
    try:
        for cells in csv.reader(sample, delimiter=delimiter, strict=True):
            if cells:
                widths.append(len(cells))
    except csv.Error as error:
        if not (cut and "end of data" in str(error)):
            widths.append(-1)
        cut = False
    return widths[:-1] if cut and len(widths) > 1 else widths


def _named(delimiter: str) -> str:
    character = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    if len(character) != 1 or character in '"\r\n':
        raise UsageError(f"the delimiter {delimiter!r} cannot be used", expected="one character, or the word tab")
    return character
