"""Takes rows in whatever pieces a reader gives them and gives them in blocks of one size.

Does not know formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Part:
    """Some rows as a format gives them.

    Attributes
    ----------
    rows
        Their numbers in the file, from 1.
    columns
        The cells, column by column, in the order of the header.
    arrow
        The same rows as Arrow has them, from a Parquet file.
    texts
        Whether every cell is a ``str`` of valid Unicode.
    """

    rows: Sequence[int]
    columns: list[list[Any]]
    arrow: pa.RecordBatch | None = None
    texts: bool = False


def numbered(rows: list[int]) -> Sequence[int]:
    """Give row numbers as a range where none is missing."""
    return range(rows[0], rows[-1] + 1) if rows and rows[-1] - rows[0] + 1 == len(rows) else rows


def regrouped(parts: Iterable[Part], size: int) -> Iterator[Part]:
    """Cut and join parts of texts, so that each has ``size`` rows but for the last."""
    waiting: Part | None = None
    for part in parts:
        whole = part if waiting is None else _joined(waiting, part)
        start = 0
        while len(whole.rows) - start >= size:
            yield _cut(whole, start, start + size)
            start += size
        waiting = _cut(whole, start, len(whole.rows)) if start < len(whole.rows) else None
    if waiting is not None:
        yield waiting


def without(part: Part, positions: Iterable[int]) -> Part:
    """Leave some rows of a part out."""
    out = set(positions)
    kept = [position for position in range(len(part.rows)) if position not in out]
    return Part(
        numbered([part.rows[position] for position in kept]),
        [[column[position] for position in kept] for column in part.columns],
        None if part.arrow is None else part.arrow.take(kept),
        part.texts,
    )


def _cut(part: Part, start: int, stop: int) -> Part:
    return Part(part.rows[start:stop], [column[start:stop] for column in part.columns], None, part.texts)


def _joined(first: Part, second: Part) -> Part:
    rows: Sequence[int]
    if isinstance(first.rows, range) and isinstance(second.rows, range) and first.rows.stop == second.rows.start:
        rows = range(first.rows.start, second.rows.stop)
    else:
        rows = [*first.rows, *second.rows]
    columns = [one + other for one, other in zip(first.columns, second.columns, strict=True)]
    return Part(rows, columns, None, first.texts and second.texts)
