"""Takes a Parquet file and gives its rows as columns, each cell as it stands in the file.

Arrow types stay beside the values. Does not know which column is what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine.data.files.bad_rows import NOT_UNICODE, OVER_LONG, BadRows, OnBadRow, longest, over_long
from classifine.data.files.cells import Number, as_json, not_unicode
from classifine.data.files.compression import seekable
from classifine.data.files.parts import Part, without
from classifine.errors import FileUnreadable

if TYPE_CHECKING:
    import pyarrow as pa

Columns = list[list[Any]]


class ParquetFile:
    """The rows of a Parquet file; ``schema`` is its Arrow schema."""

    blank_lines: Sequence[int] = ()
    encoding = None

    def __init__(self, path: Path, *, on_bad_row: OnBadRow = "error", longest_cell: int = 10_000_000) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self.bad = BadRows(path, on_bad_row)
        self._on_bad_row = on_bad_row
        self._longest_cell = longest_cell
        try:
            with pq.ParquetFile(seekable(path)) as file:
                self.schema: pa.Schema = file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        self.names: tuple[str, ...] = tuple(self.schema.names)

    def blocks(self, size: int) -> Iterator[Part]:
        """Give the rows, ``size`` at a time, with their Arrow types beside them."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.bad = BadRows(self.path, self._on_bad_row)
        row = 1
        try:
            with pq.ParquetFile(seekable(self.path)) as file:
                for batch in file.iter_batches(batch_size=size):
                    part = self._checked(row, batch)
                    if part.rows and not self.bad.stops:
                        yield part
                    row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        self.bad.settle()

    def _checked(self, first_row: int, batch: pa.RecordBatch) -> Part:
        rows = range(first_row, first_row + batch.num_rows)
        columns: Columns = []
        faults: dict[int, tuple[str, FileUnreadable]] = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            try:
                cells = _arrow_cells(column)
            except UnicodeDecodeError:
                cells, broken = _cell_by_cell(column)
                for at in broken:
                    place = f"{self.path}, row {rows[at]}, column {name!r}"
                    error = not_unicode(place, UnicodeDecodeError("utf-8", b"", 0, 0, ""))
                    faults.setdefault(at, (NOT_UNICODE, error))
            if longest(cells) > self._longest_cell:
                for at, cell in enumerate(cells):
                    if isinstance(cell, str) and len(cell) > self._longest_cell:
                        where = f"row {rows[at]}, column {name!r}"
                        faults.setdefault(at, (OVER_LONG, over_long(self.path, where, len(cell), self._longest_cell)))
            columns.append(cells)
        part = Part(rows, columns, batch)
        if not faults:
            return part
        for at in sorted(faults):
            reason, error = faults[at]
            content = as_json([column[at] for column in columns])
            self.bad.add(rows[at], rows[at], reason, content, error)
        return without(part, faults)

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


def _cell_by_cell(column: pa.Array) -> tuple[list[Any], list[int]]:
    """Give the cells, those that are not UTF-8 with their bytes escaped, and where these stand."""
    import pyarrow as pa

    cells: list[Any] = []
    broken = []
    for at, cell in enumerate(column):
        try:
            cells.append(cell.as_py())
        except UnicodeDecodeError:
            plain = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
            cells.append(cell.as_buffer().to_pybytes().decode("utf-8", "surrogateescape") if plain else None)
            broken.append(at)
    return cells, broken


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
