"""Takes a JSON, Parquet or Excel file and gives its rows as columns, each cell as it stands in the file.

Numbers of JSON stay as written; Arrow types stay beside the values. Excel needs openpyxl, at home here only.
Does not know which column is what.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never
from xml.etree.ElementTree import ParseError

from classifine.data.cells import Number, as_json, not_unicode
from classifine.data.encoding import Lines, encoding_of
from classifine.errors import FileUnreadable, PackageMissing, count

if TYPE_CHECKING:
    import pyarrow as pa

Columns = list[list[Any]]

# What openpyxl raises where a part of a workbook is missing or is not what it should be.
_STUMBLES = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class JsonFile:
    """The rows of a JSON Lines file, or of a JSON file that holds an array of objects.

    A key that a row lacks is an empty cell. A JSON array is read at once, JSON Lines line by line.

    Raises
    ------
    FileUnreadable
        A row that is no JSON object, says a key twice, or holds NaN or half a surrogate pair.
    """

    def __init__(self, path: Path, *, encoding: str | None) -> None:
        self.path = path
        self.encoding = encoding_of(path, encoding)
        self.blank_lines: list[int] = []
        self._decoder = json.JSONDecoder(
            parse_float=Number, parse_int=Number, parse_constant=_no_constant, object_pairs_hook=_object
        )
        # Any row may bring a new key, so that the names are known only at the end of the file.
        self.names: tuple[str, ...] = tuple(dict.fromkeys(chain.from_iterable(self._objects())))

    def blocks(self, size: int) -> Iterator[tuple[int, Columns, None]]:
        """Give the number of a block's first row, and its columns."""
        rows: list[dict[str, Any]] = []
        row = 0
        for row, value in enumerate(self._objects(), 1):
            rows.append(value)
            if len(rows) == size:
                yield row - size + 1, self._columns(rows), None
                rows = []
        if rows:
            yield row - len(rows) + 1, self._columns(rows), None

    def _columns(self, rows: Sequence[dict[str, Any]]) -> Columns:
        return [[row.get(name) for row in rows] for name in self.names]

    def _objects(self) -> Iterator[dict[str, Any]]:
        values = self._array() if self.path.suffix.lower() == ".json" else self._lines()
        for row, (where, value, escaped) in enumerate(values, 1):
            place = f"{self.path}, row {row}{where}"
            if not isinstance(value, dict):
                raise FileUnreadable(
                    "a row is not a JSON object",
                    where=place,
                    found=as_json(value)[:80],
                    expected='one object per row, such as {"text": "…", "label": "…"}',
                )
            for name, cell in value.items() if escaped else ():
                try:
                    (name + as_json(cell)).encode("utf-8")
                except UnicodeEncodeError as error:
                    raise not_unicode(f"{place}, column {name!a}", error) from None
            yield value

    def _lines(self) -> Iterator[tuple[str, Any, bool]]:
        """Give where each value stands, the value, and whether an escape may hide half a surrogate pair in it."""
        self.blank_lines = []
        blank: list[int] = []
        with Lines(self.path, self.encoding, ends="lf") as lines:
            for number, line in enumerate(lines, 1):
                if line.isspace():
                    blank.append(number)
                    continue
                self.blank_lines += blank
                blank = []
                yield f" (line {number})", self._decoded(line, f"line {number}"), "\\u" in line

    def _array(self) -> Iterator[tuple[str, Any, bool]]:
        with Lines(self.path, self.encoding, ends="lf") as lines:
            text = "".join(lines)
        if not text or text.isspace():
            return
        array = self._decoded(text, None)
        if not isinstance(array, list):
            raise FileUnreadable(
                f"{self.path} does not hold an array",
                found=as_json(array)[:80],
                expected='an array of objects: [{"text": "…", "label": "…"}, …]',
                cure="if it holds one object per line, give it the ending .jsonl",
            )
        escaped = "\\u" in text
        yield from (("", value, escaped) for value in array)

    def _decoded(self, text: str, line: str | None) -> Any:
        try:
            return self._decoder.decode(text)
        except json.JSONDecodeError as error:
            where, found = line or f"line {error.lineno}, character {error.colno}", error.msg
        except RecursionError:
            where, found = line or "", "lists or objects nested too deeply"
        except ValueError as error:
            where, found = line or "", str(error)
        raise FileUnreadable(
            f"{self.path} is not sound JSON",
            where=where,
            found=found,
            cure="mend that place" if self.path.suffix.lower() == ".json" else "mend that line; each holds one object",
        )


class ParquetFile:
    """The rows of a Parquet file; ``schema`` is its Arrow schema."""

    blank_lines: Sequence[int] = ()

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                self.schema: pa.Schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        self.names: tuple[str, ...] = tuple(self.schema.names)

    def blocks(self, size: int) -> Iterator[tuple[int, Columns, pa.RecordBatch]]:
        """Give the number of a block's first row, its columns, and the same as Arrow has it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        row = 1
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=size):
                    yield row, arrow_columns(batch, where=str(self.path), first_row=row), batch
                    row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> FileUnreadable:
        return FileUnreadable(f"{self.path} is not sound Parquet", found=str(error), cure="write the file again")


def arrow_columns(batch: pa.RecordBatch, *, where: str, first_row: int) -> Columns:
    """Give the cells of an Arrow batch as Python values.

    Raises
    ------
    FileUnreadable
        A text column that holds bytes that are not UTF-8.
    """
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            columns.append(_arrow_cells(column))
        except UnicodeDecodeError as error:
            place = f"{where}, column {name!r}, rows {first_row:,} to {first_row + batch.num_rows - 1:,}"
            raise not_unicode(place, error) from None
    return columns


def _arrow_cells(column: pa.Array) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        # Widened to float64, a float32 of 0.1 would read 0.10000000149011612; NumPy writes it as short as it is.
        narrow = np.float32 if pa.types.is_float32(kind) else np.float16
        cells = column.to_pylist()
        return [c if c is None or not np.isfinite(c) else Number(str(narrow(c))) for c in cells]
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        try:
            return list(column.cast(pa.timestamp("us", tz=kind.tz)).to_pylist())
        except pa.ArrowInvalid:  # Python's datetime has no nanoseconds
            return list(column.cast(pa.string()).to_pylist())
    return list(column.to_pylist())


class ExcelFile:
    """The rows of the one visible sheet with content in an Excel workbook.

    Raises
    ------
    PackageMissing
        openpyxl is not installed.
    FileUnreadable
        Not a workbook, or several sheets hold something.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blank_lines: list[int] = []
        header = next(self._rows(), None)
        self.names: tuple[str, ...] = tuple(str(_shown(cell) or "") for cell in header[1]) if header else ()

    def blocks(self, size: int) -> Iterator[tuple[int, Columns, None]]:
        """Give the number of a block's first row, and its columns."""
        width = len(self.names)
        rows: list[list[Any]] = []
        row = 0
        sheet_rows = self._rows()
        next(sheet_rows)
        for row, (line, cells) in enumerate(sheet_rows, 1):
            if len(cells) > width:
                raise FileUnreadable(
                    f"a row of {self.path} has cells beside the named columns",
                    where=f"row {row} (line {line} of the sheet)",
                    found=count(len(cells), "cell"),
                    expected=count(width, "cell"),
                    cure="name the column in the first line, or empty those cells",
                )
            rows.append([_shown(cell) for cell in cells] + [None] * (width - len(cells)))
            if len(rows) == size:
                yield row - size + 1, [list(column) for column in zip(*rows, strict=True)], None
                rows = []
        if rows:
            yield row - len(rows) + 1, [list(column) for column in zip(*rows, strict=True)], None

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
                book = load_workbook(self.path, read_only=True, data_only=True)
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {doubled!a} stands twice in one object")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name}, which JSON does not have")
