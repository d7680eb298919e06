"""Takes a frame, an Arrow table, a data set of Hugging Face's, columns or rows in memory and gives named columns.

The caller's object is never changed. Knows pandas, Polars and datasets by what they offer, so that none is imported.
Does not know files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifine.data.files.parquet import arrow_columns
from classifine.errors import UsageError, count, some
from classifine.settings import DataSettings

_MISSING = {"NAType", "NaTType"}  # pandas' own marks, which refuse to be compared
_BATCH = 65_536


@dataclass(frozen=True)
class InMemory:
    """Columns that are read when they are asked for.

    Attributes
    ----------
    where
        What the source is called in messages.
    names
        The columns, in order; a name may stand twice.
    parts
        What the source says of the split of each row, where it is divided already.
    """

    where: str
    names: tuple[str, ...]
    read: Callable[[int], list[Any]]
    parts: tuple[str, ...] | None = None
    codes: Mapping[str, tuple[str, ...]] | None = None

    def column(self, name: str) -> list[Any]:
        """Give the cells of a column: pandas' marks of absence as none, class numbers as their names.

        Raises
        ------
        FileUnreadable
            Text of an Arrow table that is not UTF-8.
        """
        cells = self.read(self.names.index(name))
        names = self.codes.get(name) if self.codes else None
        if names is not None:  # a class of -1 means that nobody gave one
            return [None if cell is None or cell < 0 else names[cell] for cell in cells]
        return cells if set(map(type, cells)) <= {str, int} else [_plain(cell) for cell in cells]

    def repair(self, name: str) -> str | None:
        """Say what is given otherwise than it stands in a column, if anything is."""
        names = self.codes.get(name) if self.codes else None
        if names is None:
            return None
        listed = some([f"{code} = {title!r}" for code, title in enumerate(names)], limit=20)
        return f"the column {name!r} holds numbers of classes, read as their names: {listed}"


def in_memory(source: Any, settings: DataSettings) -> InMemory:
    """Give access to the columns of a source.

    Parameters
    ----------
    source
        A pandas or Polars frame, an Arrow table, a Dataset or DatasetDict of Hugging Face's, a mapping of names to
        columns, a list of mappings (rows), a structured NumPy array, or the pair (texts, labels).
    settings
        Names the columns of a pair.

    Raises
    ------
    UsageError
        The source is none of these, or its columns differ in length.
    """
    if _is_dataset(source):
        return _of_dataset(source)
    if isinstance(source, Mapping) and source and all(map(_is_dataset, source.values())):
        return _of_parts(source)
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        names = tuple(str(name) for name in source.columns)
        return InMemory("the data frame", names, lambda index: list(source.iloc[:, index].tolist()))
    if hasattr(source, "to_arrow"):
        return _of_arrow(source.to_arrow(), "the data frame")
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _of_arrow(source, "the Arrow table")
    if isinstance(source, Mapping):
        return _of_lists("the mapping", {str(name): _listed(values) for name, values in source.items()})
    if getattr(getattr(source, "dtype", None), "names", None):
        return _of_lists("the array", {name: _listed(source[name]) for name in source.dtype.names})
    if isinstance(source, tuple) and len(source) == 2:
        return _of_lists(
            "the texts and labels", {settings.text: _listed(source[0]), settings.label: _listed(source[1])}
        )
    if isinstance(source, list | tuple) and source and all(isinstance(row, Mapping) for row in source):
        names = tuple(dict.fromkeys(str(name) for row in source for name in row))
        return InMemory("the list of rows", names, lambda index: [row.get(names[index]) for row in source])
    raise UsageError(
        f"a {type(source).__name__} cannot be read as a table",
        expected="a path or several, a pandas or Polars frame, an Arrow table, a Dataset or DatasetDict, "
        "a mapping of columns, a list of mappings, or (texts, labels)",
    )


def _is_dataset(source: Any) -> bool:
    return all(hasattr(source, name) for name in ("features", "column_names", "with_format"))


def _of_dataset(source: Any) -> InMemory:
    """Read through Arrow, which follows the rows that were selected, and takes no format that was set for display."""
    if not hasattr(source, "num_rows"):
        raise UsageError(
            "a streamed data set cannot be read as a table",
            cure="load it without streaming=True, or take rows of it: list(dataset.take(1000))",
        )
    whole = _of_arrow(source.with_format("arrow")[:], "the data set")
    codes = {
        name: tuple(map(str, feature.names))
        for name, feature in source.features.items()
        if hasattr(feature, "int2str") and hasattr(feature, "names")
    }
    return InMemory(whole.where, whole.names, whole.read, None, codes)


def _of_parts(source: Mapping[str, Any]) -> InMemory:
    """Join the splits of a DatasetDict; each must have the columns of the first, and the same classes."""
    found = {str(name): _of_dataset(part) for name, part in source.items()}
    first_name, first = next(iter(found.items()))
    for name, part in found.items():
        if set(part.names) != set(first.names) or part.codes != first.codes:
            raise UsageError(
                f"the splits {first_name!r} and {name!r} of the data set differ in their columns or classes",
                found=f"{some(first.names, limit=20)}, and {some(part.names, limit=20)}",
                cure="give the splits the same columns, or pass only one of them",
            )

    def read(index: int) -> list[Any]:
        return [cell for part in found.values() for cell in part.read(part.names.index(first.names[index]))]

    parts = tuple(name for name, part in source.items() for _ in range(part.num_rows))
    return InMemory("the data set", first.names, read, parts, first.codes)


def _of_arrow(source: Any, where: str) -> InMemory:
    import pyarrow as pa

    table = source if isinstance(source, pa.Table) else pa.table(source)

    def read(index: int) -> list[Any]:
        cells: list[Any] = []
        column = table.select([index])
        for batch in column.to_batches(max_chunksize=_BATCH):
            cells += arrow_columns(batch, where=where, first_row=len(cells) + 1)[0]
        # Arrow's own booleans are written as JSON writes them, wherever they come from.
        booleans = pa.types.is_boolean(table.schema.field(index).type)
        return [None if c is None else "true" if c else "false" for c in cells] if booleans else cells

    return InMemory(where, tuple(table.column_names), read)


def _of_lists(where: str, columns: Mapping[str, list[Any]]) -> InMemory:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UsageError(
            f"the columns of {where} differ in length",
            found=", ".join(f"{name!r}: {count(length, 'cell')}" for name, length in lengths.items()),
            expected="columns of one length",
        )
    names = tuple(columns)
    return InMemory(where, names, lambda index: columns[names[index]])


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
