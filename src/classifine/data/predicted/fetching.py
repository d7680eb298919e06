"""Takes a file of predictions and gives the columns in use: texts as text, numbers as they are stored.

Does not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.data.files.bad_rows import Rejected
from classifine.data.files.cells import texts_of
from classifine.data.files.compression import seekable
from classifine.data.files.parquet import arrow_columns
from classifine.data.files.table_file import TableFile
from classifine.data.predicted.columns import Columns

_BLOCK = 65_536


@dataclass(frozen=True)
class Cells:
    """What stands in the columns in use.

    Attributes
    ----------
    rows
        The number of each row in the file.
    texts, numbers
        Cells by column; numbers of Parquet are arrays.
    rejected
        The rows that could not be read and were set aside.
    """

    rows: Sequence[int]
    texts: dict[str, list[str | None]]
    numbers: dict[str, Any]
    rejected: tuple[Rejected, ...]


def cells_of(file: TableFile, columns: Columns) -> Cells:
    """Read the columns in use.

    Raises
    ------
    FileUnreadable
        There is no row, or some cannot be read.
    """
    texts: dict[str, list[str | None]] = {name: [] for name in columns.texts}
    numbers: dict[str, list[Any]] = {name: [] for name in columns.numbers}
    rows: list[int] = []
    for part in blocks(file, columns.texts, columns.numbers):
        rows.extend(part.rows)
        for name, cells in part.texts.items():
            texts[name].extend(cells)
        for name, values in part.numbers.items():
            numbers[name].append(values)
    if not rows:
        file.count()  # which says what is wrong with a file without rows
    joined = {
        name: np.concatenate(parts) if all(isinstance(part, np.ndarray) for part in parts) else [*_chained(parts)]
        for name, parts in numbers.items()
    }
    return Cells(rows, texts, joined, file.rejected)


def _chained(parts: Sequence[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part.tolist() if isinstance(part, np.ndarray) else part


def blocks(file: TableFile, texts: Sequence[str], numbers: Sequence[str]) -> Iterator[Cells]:
    """Give the columns in use, block by block; of Parquet, numbers as they are stored."""
    if file.schema is not None:
        yield from _parquet_blocks(file, texts, numbers)
        return
    for block in file.blocks(_BLOCK):
        yield Cells(
            block.rows,
            {name: _texts(block.columns[name], name, block.rows, file, known=block.texts) for name in texts},
            {name: block.columns[name] for name in numbers},
            (),
        )


def _parquet_blocks(file: TableFile, texts: Sequence[str], numbers: Sequence[str]) -> Iterator[Cells]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = 1
    with pq.ParquetFile(seekable(file.path)) as stored:
        for batch in stored.iter_batches(batch_size=_BLOCK, columns=[*texts, *numbers]):
            rows = range(first, first + batch.num_rows)
            # a label that is stored once and pointed to is looked up once
            plain = pa.RecordBatch.from_arrays(
                [batch.column(name) for name in texts] or [pa.nulls(batch.num_rows)], names=[*texts] or [""]
            )
            cells = arrow_columns(plain, where=str(file.path), first_row=first)
            yield Cells(
                rows,
                {
                    name: _texts(column, name, rows, file, known=pa.types.is_string(batch.column(name).type))
                    for name, column in zip(texts, cells, strict=False)
                },
                {name: _stored(batch.column(name)) for name in numbers},
                (),
            )
            first = rows.stop


def _stored(column: Any) -> Any:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return column.to_numpy(zero_copy_only=False).astype(np.float64)
    return column.to_pylist()


def _texts(cells: list[Any], name: str, rows: Sequence[int], file: TableFile, *, known: bool) -> list[str | None]:
    return cells if known else texts_of(cells, column=name, first_row=rows[0], where=str(file.path))
