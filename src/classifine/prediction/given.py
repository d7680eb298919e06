"""Takes whatever holds texts in memory and gives them as a list: lists, series, frames, data sets, iterators.

The caller's object is never changed. Does not know what becomes of the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from classifine.data.files.table_file import require_column
from classifine.data.rows.memory import in_memory
from classifine.errors import ColumnProblem, UsageError, unknown_name
from classifine.settings import DataSettings

_MISSING = {"NAType", "NaTType"}  # pandas' own marks


def texts_given(source: Any, *, column: str = "text", role: str = "text") -> list[Any]:
    """Give the texts of a source in their order; none where there is none.

    Parameters
    ----------
    source
        A list, tuple, iterator, array or series of texts; or a frame, Arrow table, data set, mapping of columns, or
        rows as mappings.
    column
        Which column of the latter.
    role
        What messages call it.

    Raises
    ------
    ColumnProblem
        There is no such column.
    UsageError
        It is one text, or nothing that holds texts.
    """
    if isinstance(source, str | bytes):
        raise UsageError("texts is one text", expected="a list of texts", cure="put it into a list: [text]")
    if _is_table(source):
        table = in_memory(source, DataSettings())
        require_column(table.names, column, role=role, where=table.where)
        return table.column(column)
    for name in ("to_pylist", "to_list", "tolist"):  # Arrow, Polars and pandas, NumPy
        if hasattr(source, name):
            cells = getattr(source, name)()
            return [_plain(cell, column, role) for cell in (cells if isinstance(cells, list) else [cells])]
    if not isinstance(source, Iterable):
        raise UsageError(f"a {type(source).__name__} holds no texts", expected="a list of texts, a frame or a data set")
    return [_plain(item, column, role) for item in source]


def _is_table(source: Any) -> bool:
    if isinstance(source, Mapping):
        return True
    return any(hasattr(source, name) for name in ("columns", "column_names")) and hasattr(source, "__len__")


def _plain(item: Any, column: str, role: str) -> Any:
    """Give the text of an item, which may be a row, as streamed data sets give them."""
    if isinstance(item, Mapping):
        if column not in item:
            raise ColumnProblem(
                f"a row has no {column!r}, which should hold the {role}",
                cure=unknown_name(column, [str(name) for name in item], noun="columns"),
            )
        item = item[column]
    return None if type(item).__name__ in _MISSING else item
