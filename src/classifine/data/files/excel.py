"""Takes an Excel workbook and gives the rows of its one sheet, each cell as the sheet shows it.

Needs openpyxl, at home here only. Does not know which column is what.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from classifine.data.files.bad_rows import (
    EXTRA_CELL,
    NOT_UNICODE,
    OVER_LONG,
    BadRows,
    OnBadRow,
    is_unicode,
    longest,
    over_long,
)
from classifine.data.files.cells import as_json, not_unicode
from classifine.data.files.compression import seekable
from classifine.data.files.parts import Part, numbered
from classifine.errors import FileUnreadable, PackageMissing, count

# What openpyxl raises where a part of a workbook is missing or is not what it should be, and zipfile where its bytes
# are damaged, or packed in a way that it cannot undo.
_STUMBLES = (
    *(AttributeError, IndexError, KeyError, TypeError, ValueError),
    *(EOFError, NotImplementedError, RuntimeError, zlib.error),
)


class ExcelFile:
    """The rows of the one visible sheet with content in an Excel workbook.

    Raises
    ------
    PackageMissing
        openpyxl is not installed.
    FileUnreadable
        Not a workbook, or several sheets hold something.
    """

    schema = None

    def __init__(self, path: Path, *, on_bad_row: OnBadRow = "error", longest_cell: int = 10_000_000) -> None:
        self.path = path
        self.blank_lines: list[int] = []
        self.bad = BadRows(path, on_bad_row)
        self._on_bad_row = on_bad_row
        self._longest_cell = longest_cell
        header = next(self._rows(), None)
        self.names: tuple[str, ...] = tuple(str(_shown(cell) or "") for cell in header[1]) if header else ()

    def blocks(self, size: int) -> Iterator[Part]:
        """Give the rows, ``size`` at a time."""
        self.bad = BadRows(self.path, self._on_bad_row)
        width = len(self.names)
        numbers: list[int] = []
        rows: list[list[Any]] = []
        sheet_rows = self._rows()
        next(sheet_rows)
        for row, (line, cells) in enumerate(sheet_rows, 1):
            shown = [_shown(cell) for cell in cells]
            fault = self._fault(row, line, shown)
            if fault is not None:
                self.bad.add(row, line, fault[0], as_json(shown), fault[1])
                continue
            if self.bad.stops:
                continue
            numbers.append(row)
            rows.append(shown + [None] * (width - len(cells)))
            if len(rows) == size:
                yield Part(numbered(numbers), [list(column) for column in zip(*rows, strict=True)])
                numbers, rows = [], []
        self.bad.settle()
        if rows:
            yield Part(numbered(numbers), [list(column) for column in zip(*rows, strict=True)])

    def _fault(self, row: int, line: int, cells: list[Any]) -> tuple[str, FileUnreadable] | None:
        where = f"row {row} (line {line} of the sheet)"
        if len(cells) > len(self.names):
            return EXTRA_CELL, FileUnreadable(
                f"a row of {self.path} has cells beside the named columns",
                where=where,
                found=count(len(cells), "cell"),
                expected=count(len(self.names), "cell"),
                cure="name the column in the first line, or empty those cells",
            )
        if (most := longest(cells)) > self._longest_cell:
            return OVER_LONG, over_long(self.path, where, most, self._longest_cell)
        if not all(map(is_unicode, cells)):
            return NOT_UNICODE, not_unicode(f"{self.path}, {where}", UnicodeEncodeError("utf-8", "", 0, 0, ""))
        return None

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Give the lines of the sheet that hold something, without the empty cells at their ends."""
        try:
            from openpyxl import load_workbook
            from openpyxl.utils.exceptions import InvalidFileException
        except ImportError:
            raise PackageMissing(
                f"reading {self.path} needs openpyxl", cure="pip install 'classifine[excel]', or save the file as CSV"
            ) from None

        self.blank_lines = []
        blank: list[int] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of styles and extensions that hold no cells
                book = load_workbook(seekable(self.path), read_only=True, data_only=True)
            try:
                sheet = self._sheet(book)
                for line, cells in enumerate(sheet.iter_rows(values_only=True) if sheet else (), 1):
                    kept = list(cells)
                    while kept and kept[-1] is None:
                        kept.pop()
                    if not kept:
                        blank.append(line)
                        continue
                    self.blank_lines += blank
                    blank = []
                    yield line, kept
            finally:
                book.close()
        except (zipfile.BadZipFile, InvalidFileException, ParseError, OSError, *_STUMBLES) as error:
            raise FileUnreadable(
                f"{self.path} is not a sound Excel workbook",
                found=str(error),
                cure="open it and save it again as .xlsx, without a password",
            ) from None

    def _sheet(self, book: Any) -> Any:
        filled = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what the file says of its own size may be wrong and would cut rows off
            if sheet.sheet_state == "visible" and any(
                cell is not None for cells in sheet.iter_rows(values_only=True) for cell in cells
            ):
                filled.append(sheet)
        if len(filled) > 1:
            raise FileUnreadable(
                f"{self.path} has {len(filled)} sheets with content",
                found=", ".join(repr(sheet.title) for sheet in filled),
                expected="one",
                cure="save the sheet with the texts as a file of its own",
            )
        return filled[0] if filled else None


def _shown(cell: Any) -> Any:
    """Give an Excel cell as the sheet shows it: dates without a time, TRUE and FALSE, escapes resolved."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date()
    if isinstance(cell, str) and "_x" in cell:
        # The format writes control characters, such as a carriage return, as _xHHHH_.
        return re.sub("_x(00[01][0-9A-Fa-f])_", lambda match: chr(int(match[1], 16)), cell)
    return cell
