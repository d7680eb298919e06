"""Takes what the strict reader stumbled over in a delimited file and gives the error that says where and why.

A fault of quoting is named by the line on which the quote was opened.
Does not know how records are read.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from classifine.data.files.encoding import Lines
from classifine.errors import FileUnreadable, count

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class Place:
    """Where a delimited file is read: what it takes to read it again, and a record's number and first line."""

    path: Path
    encoding: str
    delimiter: str
    row: int
    line: int


def ragged(path: Path, row: int, line: int, cells: int, names: tuple[str, ...]) -> FileUnreadable:
    """Give the error for a row that is not as wide as the header."""
    return FileUnreadable(
        f"1 row of {path} has too many or too few cells",
        where=f"row {row} (line {line})",
        found=count(cells, "cell"),
        expected=f"{count(len(names), 'cell')}, as in the header: {', '.join(map(repr, names))[:200]}",
        cure='put cells that hold the delimiter in "double quotes", or name another one with --delimiter',
    )


def broken(error: csv.Error, place: Place, *, line: int, longest_cell: int) -> FileUnreadable:
    """Give the error for a fault of quoting; ``line`` is the one on which it was met."""
    opened, _ = quote_opened(place)
    where = f"row {place.row} (line {line})" if place.row > 0 else f"header (line {line})"
    if "field limit" in str(error):
        cause = f"; it may be a quote on line {opened} that is never closed" if opened else ""
        return FileUnreadable(
            f"a cell of {place.path} has more than {longest_cell:,} characters",
            where=f"row {place.row} (begins on line {place.line})",
            cure=f"shorten that cell, or allow longer ones with --longest-cell{cause}",
        )
    if "end of data" in str(error):
        return FileUnreadable(
            f"a quote in {place.path} is opened and never closed",
            where=f"row {place.row}, opened on line {opened}",
            found="the end of the file",
            cure='close it; a quote within a quoted cell is written twice: ""',
        )
    return FileUnreadable(
        f"a quoted cell of {place.path} goes on behind its closing quote",
        where=f"{where}; the quote was opened on line {opened}",
        expected=f"a {DELIMITERS.get(place.delimiter, repr(place.delimiter))} or the end of the line",
        cure='a quote within a quoted cell is written twice: ""',
    )


def stray(path: Path, row: int, line: int) -> FileUnreadable:
    """Give the error for a carriage return outside quotes in a file whose lines do not end with it."""
    return FileUnreadable(
        f"{path} has a carriage return in the midst of a line",
        where=f"row {row} (line {line})",
        expected="the line ends of the header",
        cure='put the cell in "double quotes" if the carriage return belongs to it, else remove it',
    )


def quote_opened(place: Place) -> tuple[int | None, int | None]:
    """Find the line on which the quoted cell begins that the reader stumbled over, and that on which its record ends.

    Returns
    -------
    tuple
        The second is none where the cell goes on behind its closing quote, or never ends.
    """
    opened, state = None, "begin"
    with Lines(place.path, place.encoding, escape=True) as lines:
        for number, line in enumerate(lines, 1):
            if number < place.line:
                continue
            at = 0
            while at < len(line):
                character = line[at]
                if state == "quoted":
                    at = line.find('"', at)
                    if at < 0:
                        break
                    state = "closed?"
                elif character == '"' and state == "closed?":
                    state = "quoted"
                elif character == '"' and state == "begin":
                    opened, state = number, "quoted"
                elif character in (place.delimiter, "\r", "\n"):
                    state = "begin"
                elif state == "closed?":
                    return opened, None
                else:
                    state = "plain"
                at += 1
            if state == "begin" and line.endswith(("\r", "\n")):
                return opened, number
    return opened, None if state == "quoted" else number
