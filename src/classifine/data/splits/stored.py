"""Takes a run folder and gives the splits that its data stage has kept: all of them, or those that may be learned from.

Does not know how splits are made or what becomes of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifine.data.rows.labelling import separator_of
from classifine.data.splits.levels import with_levels
from classifine.data.splits.storing import splits_from_table
from classifine.errors import FileMissing
from classifine.labels import LabelSpace
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.tables import Splits

if TYPE_CHECKING:
    import pyarrow as pa


def stored_splits(run: RunFolder, settings: Settings) -> Splits:
    """Read the splits a run was made with.

    Raises
    ------
    FileMissing
        The data stage has not been done.
    RunRefused
        A row does not say what it said when the splits were made.
    """
    data, (rows, parts) = settings.data, _stored(run)
    table = rows.append_column("split", parts)
    return with_levels(splits_from_table(table, positive=data.positive, separator=separator_of(data)), data)


def learnable(run: RunFolder, settings: Settings) -> Splits:
    """Read the training and validation texts of a run; the test part is empty, its rows are gone as they are read.

    Raises
    ------
    FileMissing
        The data stage has not been done.
    RunRefused
        A row does not say what it said when the splits were made.
    """
    import pyarrow.compute as pc

    data, (rows, parts) = settings.data, _stored(run)
    # by place: rows of different parts may bear the same id
    learned = pc.not_equal(parts, "test")
    table = rows.filter(learned).append_column("split", parts.filter(learned))
    separator = separator_of(data)
    found = splits_from_table(table, separator=separator)
    # the names of all labels are known from the start, also of one that no text here has
    names = rows.column("label").unique().to_pylist()
    space = LabelSpace.of(names, positive=data.positive, separator=separator)
    return with_levels(replace(found, space=space), data)


def _stored(run: RunFolder) -> tuple[pa.Table, pa.ChunkedArray]:
    """Give all rows, and the part of each."""
    import pyarrow.parquet as pq

    if not run.done("data"):
        raise FileMissing(f"{run.path} has no finished data stage", cure="type the command that started the run again")
    return pq.read_table(run.rows), pq.read_table(run.splits).column("split")
