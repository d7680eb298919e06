"""Takes a CSV or TSV file and gives its records as text, each cell as it stands in the file.

The dialect is RFC 4180's with a delimiter found or named; whatever departs from it is an error with its line.
Does not know which column is what.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from classifine.data.encoding import Lines, encoding_of
from classifine.errors import ClassifineError, FileUnreadable, UsageError, count

LONGEST_CELL = 10_000_000

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE = 200
_SHOWN = 5


class DelimitedFile:
    """The records of one CSV file.

    Parameters
    ----------
    path
        The file.
    encoding, delimiter
        As the user names them; without one, what the file shows.

    Raises
    ------
    FileUnreadable
        The header cannot be read, or the delimiter is not plain from it.
    """

    def __init__(self, path: Path, *, encoding: str | None, delimiter: str | None) -> None:
        # The limit is the process's; it is only ever raised, so that nobody else's reader starts to fail.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        self.path = path
        self.encoding = encoding_of(path, encoding)
        self.delimiter = _named(delimiter) if delimiter is not None else self._shown()
        self.blank_lines: list[int] = []
        header = next(self._records(), None)
        self.names: tuple[str, ...] = tuple(header[2]) if header else ()

    def blocks(self, size: int) -> Iterator[tuple[int, list[list[Any]], None]]:
        """Give the number of a block's first row, and its columns."""
        width = len(self.names)
        rows: list[list[str]] = []
        records = self._records()
        next(records)
        for row, line, cells in records:
            if len(cells) != width:
                raise self._ragged((row, line, len(cells)), records)
            rows.append(cells)
            if len(rows) == size:
                yield row - size + 1, [list(column) for column in zip(*rows, strict=True)], None
                rows = []
        if rows:
            yield row - len(rows) + 1, [list(column) for column in zip(*rows, strict=True)], None

    def _records(self) -> Iterator[tuple[int, int, list[str]]]:
        """Give row number (the header is 0), first line and cells of each record; blank lines are noted."""
        self.blank_lines = []
        blank: list[int] = []
        row, width, line = -1, 0, 1
        carriage_returns = False
        with Lines(self.path, self.encoding) as lines:
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            while True:
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    raise self._broken(error, row + 1, line, reader.line_num) from None
                if cells is None:
                    return
                if row == -1:
                    carriage_returns = lines.last.endswith("\r")
                elif lines.last.endswith("\r") and not carriage_returns:
                    raise self._stray(row + 1, reader.line_num)
                if not cells and width == 1:
                    cells = [""]  # where there is one column, an empty line is a row with an empty cell
                if cells:
                    row += 1
                    if row == 0:
                        width = len(cells)
                    elif blank:
                        self.blank_lines += blank
                        blank = []
                    yield row, line, cells
                elif row > 0:
                    blank.append(line)
                line = reader.line_num + 1

    def _shown(self) -> str:
        """Find the delimiter: the one that divides the header, and the first rows into as many cells."""
        with Lines(self.path, self.encoding) as lines:
            sample = list(islice(lines, _SAMPLE))
        widths = {delimiter: _widths(sample, delimiter) for delimiter in _DELIMITERS}
        dividing = [delimiter for delimiter, found in widths.items() if found and found[0] > 1]
        steady = [delimiter for delimiter in dividing if len(set(widths[delimiter])) == 1]
        for likely in (steady, dividing):
            if len(likely) == 1:
                return likely[0]
            if "\t" in likely and self.path.suffix.lower() == ".tsv":
                return "\t"
        if not dividing:
            return ","
        either = " or ".join(_DELIMITERS[delimiter] for delimiter in steady or dividing)
        raise FileUnreadable(
            f"{self.path} may be delimited by {either}",
            where="header",
            found=repr(sample[0].rstrip("\r\n"))[:200],
            cure="name it: add --delimiter, with the character or the word tab",
        )

    def _ragged(self, first: tuple[int, int, int], records: Iterator[tuple[int, int, list[str]]]) -> FileUnreadable:
        """Go on to the end, so that all rows of a wrong length are named at once."""
        width = len(self.names)
        wrong, total = [first], 1
        try:
            for row, line, cells in records:
                if len(cells) != width:
                    total += 1
                    if total <= _SHOWN:
                        wrong.append((row, line, len(cells)))
        except ClassifineError:
            pass  # a second fault further down; it will be named once these rows are mended
        more = f" and {total - _SHOWN:,} more" if total > _SHOWN else ""
        return FileUnreadable(
            f"{count(total, 'row')} of {self.path} {'has' if total == 1 else 'have'} too many or too few cells",
            where=", ".join(f"row {row} (line {line})" for row, line, _ in wrong) + more,
            found=", ".join(str(cells) for *_, cells in wrong) + (" … cells" if more else " cells"),
            expected=f"{count(width, 'cell')}, as in the header: {', '.join(map(repr, self.names))[:200]}",
            cure='put cells that hold the delimiter in "double quotes", or name another one with --delimiter',
        )

    def _broken(self, error: csv.Error, row: int, start: int, line: int) -> FileUnreadable:
        """Name a fault of quoting by the line on which the quote was opened."""
        opened = self._opened(start)
        where = f"row {row} (line {line})" if row > 0 else f"header (line {line})"
        if "field limit" in str(error):
            cause = f"; it may be a quote on line {opened} that is never closed" if opened else ""
            return FileUnreadable(
                f"a cell of {self.path} has more than {LONGEST_CELL:,} characters",
                where=f"row {row} (begins on line {start})",
                cure=f"shorten that cell{cause}",
            )
        if "end of data" in str(error):
            return FileUnreadable(
                f"a quote in {self.path} is opened and never closed",
                where=f"row {row}, opened on line {opened}",
                found="the end of the file",
                cure='close it; a quote within a quoted cell is written twice: ""',
            )
        return FileUnreadable(
            f"a quoted cell of {self.path} goes on behind its closing quote",
            where=f"{where}; the quote was opened on line {opened}",
            expected=f"a {_DELIMITERS.get(self.delimiter, repr(self.delimiter))} or the end of the line",
            cure='a quote within a quoted cell is written twice: ""',
        )

    def _stray(self, row: int, line: int) -> FileUnreadable:
        return FileUnreadable(
            f"{self.path} has a carriage return in the midst of a line",
            where=f"row {row} (line {line})",
            expected="the line ends of the header",
            cure='put the cell in "double quotes" if the carriage return belongs to it, else remove it',
        )

    def _opened(self, start: int) -> int | None:
        """Find the line on which the quoted cell begins that the reader stumbled over."""
        opened, state = None, "begin"
        with Lines(self.path, self.encoding) as lines:
            for number, line in enumerate(lines, 1):
                if number < start:
                    continue
                for character in line:
                    if state == "quoted":
                        state = "closed?" if character == '"' else "quoted"
                    elif character == '"' and state == "closed?":
                        state = "quoted"
                    elif character == '"' and state == "begin":
                        opened, state = number, "quoted"
                    elif character in (self.delimiter, "\r", "\n"):
                        state = "begin"
                    elif state == "closed?":
                        return opened
                    else:
                        state = "plain"
        return opened


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
