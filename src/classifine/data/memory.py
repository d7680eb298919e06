"""Takes a frame, an Arrow table, a mapping or a pair of lists and gives named columns of plain values.

The caller's object is never changed. Knows pandas and Polars by what they offer, so that neither is imported.
Does not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifine.data.formats import arrow_columns
from classifine.errors import UsageError
from classifine.settings import DataSettings

_MISSING = {"NAType", "NaTType"}  # pandas' own marks, which refuse to be compared


def columns_of(source: Any, settings: DataSettings) -> tuple[str, list[tuple[str, list[Any]]]]:
    """Give what the source is called in messages, and its columns by name, in order.

    Parameters
    ----------
    source
        A pandas or Polars frame, an Arrow table, a mapping of names to columns, or the pair (texts, labels).
    settings
        Names the columns of a pair.

    Raises
    ------
    UsageError
        The source is none of these, or its columns differ in length.
    """
    if hasattr(source, "to_arrow"):
        source = source.to_arrow()
    if hasattr(source, "combine_chunks") and hasattr(source, "to_batches"):
        where, columns = "the Arrow table", _of_arrow(source)
    elif hasattr(source, "iloc") and hasattr(source, "columns"):
        names = [str(name) for name in source.columns]
        where = "the data frame"
        columns = [(name, source.iloc[:, index].tolist()) for index, name in enumerate(names)]
    elif isinstance(source, Mapping):
        where, columns = "the mapping", [(str(name), _listed(values)) for name, values in source.items()]
    elif isinstance(source, tuple) and len(source) == 2:
        where = "the texts and labels"
        columns = [(settings.text, _listed(source[0])), (settings.label, _listed(source[1]))]
    else:
        raise UsageError(
            f"a {type(source).__name__} cannot be read as a table",
            expected="a path, a pandas or Polars frame, an Arrow table, a mapping of columns, or (texts, labels)",
        )
    lengths = {name: len(values) for name, values in columns}
    if len(set(lengths.values())) > 1:
        raise UsageError(
            f"the columns of {where} differ in length",
            found=", ".join(f"{name!r}: {length:,}" for name, length in lengths.items()),
        )
    return where, [(name, [_plain(value) for value in values]) for name, values in columns]


def _of_arrow(table: Any) -> list[tuple[str, list[Any]]]:
    columns: list[list[Any]] = [[] for _ in table.column_names]
    row = 1
    for batch in table.to_batches():
        for column, cells in zip(columns, arrow_columns(batch, where="the Arrow table", first_row=row), strict=True):
            # Arrow's own booleans are written as JSON writes them, wherever they come from.
            column += ["true" if c is True else "false" if c is False else c for c in cells]
        row += batch.num_rows
    return list(zip(table.column_names, columns, strict=True))


def _listed(values: Any) -> list[Any]:
    if isinstance(values, str | bytes) or not (isinstance(values, Sequence) or hasattr(values, "tolist")):
        raise UsageError(f"a {type(values).__name__} is no column", expected="a list, an array or a series")
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _plain(value: Any) -> Any:
    """Give a cell of a frame: pandas' marks of absence as none, booleans as Python writes them."""
    if value is None or type(value).__name__ in _MISSING:
        return None
    if isinstance(value, float):
        return None if value != value else value
    return str(value) if isinstance(value, bool) else value
