"""Takes splits and gives the table a run folder keeps, with a digest of every row, and back; and files in a folder.

Does not know how splits are made or what a run is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine import durable
from classifine.data.beside import Record
from classifine.errors import RunRefused, count, some
from classifine.labels import LabelSpace, tally
from classifine.tables import LabelledTexts, Splits

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_MANIFEST = "split.json"
FOLDS, TIES, REJECTED = _FURTHER = ("folds.csv", "ties.csv", "rejected.csv")
FILES = ("train.csv", "validation.csv", "test.csv", _MANIFEST, *_FURTHER)
"""What a folder of splits may hold."""
_AS_JSON = ("soft", "further")
_CHUNK = 10_000  # rows that are written at a time


def digest_of_row(text: str, label: str, name: str, group: str | None) -> str:
    """Digest what a row says: 16 hexadecimal digits.

    BLAKE2b of the id, text, label and group, each as UTF-8 with its length in bytes and a colon in front; a row
    without a group has three of these.

    Examples
    --------
    >>> digest_of_row("Come!", "yes", "7", None)
    '6fedfd85fa25fd1e'
    """
    cells = [name, text, label] if group is None else [name, text, label, group]
    encoded = [cell.encode("utf-8", "surrogatepass") for cell in cells]
    whole = b"".join(b"%d:%b" % (len(cell), cell) for cell in encoded)
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def digests_of(table: LabelledTexts) -> list[str]:
    """Digest every row of a table."""
    groups = table.groups or (None,) * len(table)
    return list(map(digest_of_row, table.texts, table.labels, table.ids, groups))


def splits_table(splits: Splits) -> pa.Table:
    """Give all rows as one Arrow table: id, text, label, row; group, time, soft and further, if any; content, split.

    ``soft`` is JSON text (label: share), ``further`` too (column: value); ``content`` is what :func:`digest_of_row`
    gives.
    """
    import pyarrow as pa

    filled = [table for _, table in splits.items() if len(table)]
    # a column that only some parts have is left out, as everywhere
    names = {"group": "groups", "time": "times", "soft": "soft", "further": "further"}
    kept = {name: field for name, field in names.items() if all(getattr(table, field) for table in filled)}
    return pa.concat_tables([_part_table(part, table, kept) for part, table in splits.items()])


def _part_table(part: str, table: LabelledTexts, kept: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa

    columns = {
        "id": pa.array(table.ids, pa.string()),
        "text": pa.array(table.texts, pa.string()),
        "label": pa.array(table.labels, pa.string()),
        "row": pa.array(table.rows, pa.int64()),
    }
    for name, field in kept.items():
        cells = getattr(table, field) or ()
        written = [json.dumps(dict(cell), sort_keys=True) for cell in cells] if name in _AS_JSON else cells
        columns[name] = pa.array(written, pa.string())
    groups = table.groups if "group" in kept else None
    columns["content"] = pa.array(digests_of(replace(table, groups=groups)), pa.string())
    columns["split"] = pa.array([part] * len(table), pa.string())
    return pa.table(columns)


def splits_from_table(table: pa.Table, *, positive: str | None = None, separator: str | None = None) -> Splits:
    """Read what :func:`splits_table` gave and check that every row still says what it said.

    Raises
    ------
    RunRefused
        Rows do not fit their digests, or have none.
    """

    def column(name: str) -> tuple[Any, ...] | None:
        return tuple(table.column(name).to_pylist()) if name in table.column_names else None

    soft, further = column("soft"), column("further")
    ids, texts, labels, rows = (tuple(table.column(name).to_pylist()) for name in ("id", "text", "label", "row"))
    whole = LabelledTexts(
        ids,
        texts,
        labels,
        rows,
        groups=column("group"),
        times=column("time"),
        soft=None if soft is None else tuple(json.loads(shares) for shares in soft),
        further=None if further is None else tuple(json.loads(values) for values in further),
    )
    _verify(whole, column("content"))
    positions: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for position, part in enumerate(table.column("split").to_pylist()):
        positions[part].append(position)
    space = LabelSpace.of(whole.labels, positive=positive, separator=separator)
    return Splits(**{part: whole.take(places) for part, places in positions.items()}, space=space)


def write_splits(
    folder: Path,
    splits: Splits,
    *,
    seed: int,
    notes: Mapping[str, Any] | None = None,
    beside: Mapping[str, Callable[[Path], None]] | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write train.csv, validation.csv, test.csv and split.json, which says how they came about; give the files.

    The CSV files are UTF-8, quoted and ended as RFC 4180 says, with the columns id, text, label, group and time where
    there are any, row, and those to slice by. split.json holds the seed, the counts, the notes, the digest of
    every part and the names of the files beside them.

    Parameters
    ----------
    folder
        Made where it is not there; other files in it stay.
    splits, seed
        What was divided, and with which seed.
    notes
        How it came about, as ``SplitNotes.to_dict`` gives it.
    beside
        What writes each of the files beside the parts: ``folds.csv``, ``ties.csv``, ``rejected.csv``.
    overwrite
        Whether another split in the folder may be replaced, with what stands beside it.

    Raises
    ------
    RunRefused
        The folder holds another split, or files of these names that belong to none; one that is the same is written
        again.
    DiscError, UsageError
        The folder cannot be written to.
    """
    files = {folder / f"{name}.csv": table for name, table in splits.items()}
    digests = {path: _digest(table) for path, table in files.items()}
    further = {folder / name: write for name, write in (beside or {}).items()}
    record = _record(folder)
    about = {
        "format": FORMAT,
        **record.entries(further),
        "seed": seed,
        "labels": splits.space.to_dict(),
        "splits": {
            name: {
                "file": f"{name}.csv",
                "rows": len(table),
                "sha256": digests[folder / f"{name}.csv"],
                "cells" if splits.space.separator else "labels": tally(table.labels),
            }
            for name, table in splits.items()
        },
        "notes": None if notes is None else dict(notes),
    }
    possible = [folder / name for name in _FURTHER]
    _refuse_other(record, digests, further, possible, overwrite=overwrite)
    record.remove_left(possible, further)
    for path, table in files.items():
        with durable.writing(path) as stream:
            stream.writelines(_chunks(table))
    durable.write_json(record.path, about)
    # last, so that whatever stands beside the parts is listed even when this is interrupted
    for path, write in further.items():
        write(path)
    return [*files, record.path, *further]


def beside_parts(folder: Path) -> frozenset[str]:
    """Give the names of the files that a split in a folder wrote beside its parts."""
    return _record(folder).listed() or frozenset()


def _record(folder: Path) -> Record:
    return Record(folder / _MANIFEST, "split")


def _verify(table: LabelledTexts, content: tuple[Any, ...] | None) -> None:
    if content is None:
        raise RunRefused(
            "the stored rows have no digests, so it cannot be checked that they are what they were",
            cure="divide the data again",
        )
    changed = [name for name, found, said in zip(table.ids, digests_of(table), content, strict=True) if found != said]
    if changed:
        they = "it" if len(changed) == 1 else "they"
        raise RunRefused(
            f"{count(len(changed), 'stored row does', 'stored rows do')} not say what {they} said when the data was "
            "divided",
            where=f"ids {some(changed)}",
            cure="divide the data again, or bring back the stored rows from a copy",
        )


def _refuse_other(
    record: Record,
    digests: Mapping[Path, str],
    further: Collection[Path],
    possible: Collection[Path],
    *,
    overwrite: bool,
) -> None:
    """Refuse to write over files that no split wrote, and, unless told to, over another split."""
    other = [path for path, digest in digests.items() if path.is_file() and durable.sha256(path) != digest]
    unlisted = other if record.listed() is None else []
    record.refuse_foreign([*unlisted, *further], cure="choose another folder with -o")
    left = record.left(possible, further)
    if (other or left) and not overwrite:
        found = [f"{some([path.name for path in other])} with other rows"] if other else []
        found += [f"{some([path.name for path in left])} beside it"] if left else []
        raise RunRefused(
            f"{record.path.parent} holds another split",
            found="; ".join(found),
            cure="choose another folder, or add --overwrite",
        )


def _digest(table: LabelledTexts) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(table):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(table: LabelledTexts) -> Iterator[bytes]:
    """Write a table as CSV, so many rows at a time."""
    names = {"id": "ids", "text": "texts", "label": "labels", "group": "groups", "time": "times", "row": "rows"}
    columns = {name: cells for name, field in names.items() if (cells := getattr(table, field)) is not None}
    for name in table.further[0] if table.further else ():
        # a column may bear the name of one of ours
        columns[f"slice {name}" if name in names else name] = tuple(row[name] for row in table.further or ())
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(columns)
    for number, row in enumerate(zip(*columns.values(), strict=True), 1):
        writer.writerow(row)
        if number % _CHUNK == 0:
            yield stream.getvalue().encode()
            stream.seek(0)
            stream.truncate()
    yield stream.getvalue().encode()
