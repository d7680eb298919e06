"""Takes the rows of a file and what a classifier added to them and gives an Excel workbook, its cells typed as text.

A text that begins like a formula stays a text, for its cell says so. Does not know what the added columns mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from classifine.data.files.cells import texts_of
from classifine.data.files.table_file import Block
from classifine.errors import PackageMissing, RowsProblem

_LONGEST = 32_767
_MOST_ROWS = 1_048_576


class WorkbookSink:
    """One sheet, written row by row; openpyxl keeps it in a temporary file until it is saved.

    Raises
    ------
    PackageMissing
        openpyxl is not installed.
    """

    def __init__(self, path: Path, names: Sequence[str], added: Sequence[str]) -> None:
        try:
            from openpyxl import Workbook
        except ImportError:
            raise PackageMissing(
                f"writing {path} needs openpyxl", cure="pip install 'classifine[excel]', or write a .csv"
            ) from None
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("predictions")
        self._where, self._names, self._added = str(path), names, added
        self._rows = 0
        self._append([self._cell(name, 0) for name in (*names, *added)])

    def write(self, block: Block, added: Mapping[str, Sequence[Any]]) -> None:
        """Append the rows of a block with their added cells.

        Raises
        ------
        RowsProblem
            A text is longer than Excel's cells hold, or has characters they cannot hold; or there are too many rows.
        """
        columns: list[Sequence[Any]] = []
        for name in self._names:
            cells = block.columns[name]
            columns.append(texts_of(cells, column=name, first_row=block.first_row, where=self._where))
        columns += [added[name] for name in self._added]
        for row, line in enumerate(zip(*columns, strict=True), block.first_row):
            self._append([self._cell(cell, row) for cell in line])

    def save(self, stream: IO[bytes]) -> None:
        """Write the workbook."""
        self._book.save(stream)

    def close(self) -> None:
        """Let go of the temporary file, also where nothing was saved."""
        if not self._sheet.closed:
            self._sheet.close()
            self._sheet._writer.cleanup()

    def _append(self, cells: Sequence[Any]) -> None:
        self._rows += 1
        if self._rows > _MOST_ROWS:
            raise RowsProblem(
                f"a sheet of Excel holds {_MOST_ROWS:,} rows, header included, and the input has more",
                cure="write a .csv or .parquet",
            )
        self._sheet.append(cells)

    def _cell(self, value: Any, row: int) -> Any:
        """Give a cell; a text as one of its own type, so that none becomes a formula."""
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.utils.exceptions import IllegalCharacterError

        if not isinstance(value, str):
            return value
        try:
            cell = WriteOnlyCell(self._sheet, value=value)
        except IllegalCharacterError:
            raise self._refused(row, "a control character, which a workbook cannot hold") from None
        if len(value) > _LONGEST:
            raise self._refused(row, f"{len(value):,} characters, where a cell of Excel holds {_LONGEST:,}")
        cell.data_type = "s"
        return cell

    def _refused(self, row: int, found: str) -> RowsProblem:
        return RowsProblem(
            f"row {row} cannot be written to {self._where}", found=found, cure="write a .csv or .parquet"
        )
