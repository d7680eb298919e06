"""Takes labelled texts and gives train, validation and test: each label in its share, what hangs together never apart.

A text's place depends on the seed and on the texts, never on the order of rows. The label space is born here.
Does not know files or what the splits are used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from classifine.data.splits.cutting import cut, in_order
from classifine.data.splits.notes import RareRule, SplitNotes, absent_labels
from classifine.data.splits.units import text_keys, units_of
from classifine.errors import LabelsProblem, RowsProblem, SettingsProblem, count, some
from classifine.labels import LabelSpace, several_labels
from classifine.tables import LabelledTexts, Splits

Clusters = Sequence[int] | npt.NDArray[np.int64]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Division:
    """Splits, and what happened when they were made."""

    splits: Splits
    notes: SplitNotes


def divide(
    train: LabelledTexts,
    validation: LabelledTexts | None = None,
    test: LabelledTexts | None = None,
    *,
    validation_size: float = 0.2,
    test_size: float = 0.2,
    seed: int,
    positive: str | None = None,
    separator: str | None = None,
    rare: RareRule = "train",
    clusters: Clusters | None = None,
) -> Division:
    """Give three parts and say how they came about; what is missing is cut from train, never from test.

    Rows that hang together (equal texts, one cluster, one group) come to one part. Each label stands in every part,
    with its share of the rows to within one row where these units allow. Shuffled rows give the same parts; each part
    that was cut is ordered by id (``p9`` before ``p10``). Where the table has ``parts``, they are taken as they are;
    where it has ``times``, the earliest texts become train and the latest test, and labels have no say.

    Parameters
    ----------
    train
        All texts, or those of the training file.
    validation, test
        Own files, which are taken as they are. Where an id occurs in two files, every id gets its file's role in
        front (``train:12``).
    validation_size, test_size
        Shares of the rows that are divided; not used for a part that is given.
    seed
        Another seed, another division.
    positive, separator
        For the label space: the positive label, and what stands between several labels of a text.
    rare
        What becomes of labels that stand in fewer units than there are parts. ``train``: their units go to train.
        ``drop``: their rows are left out. ``refuse``: an error.
    clusters
        One number per row of ``train``, as ``duplicates.clusters_of`` gives it; rows of one cluster stay together.

    Raises
    ------
    SettingsProblem
        The shares leave nothing for training, the positive label does not occur, or files and parts are both given.
    LabelsProblem
        Too few different texts; a rare label that is refused; a label of given parts that training never has.
    RowsProblem
        Times or parts that cannot be read.

    Examples
    --------
    >>> names = tuple(f"t{i}" for i in range(10))
    >>> splits = divide(LabelledTexts(names, names, ("yes", "no") * 5, tuple(range(1, 11))), seed=0).splits
    >>> [len(part) for _, part in splits.items()]
    [6, 2, 2]
    """
    linked = None if clusters is None else np.asarray(clusters, np.int64)
    if linked is not None and linked.shape != (len(train),):
        raise ValueError(f"clusters must have shape [{len(train)}], got {linked.shape}")
    given = {"train": train, "validation": validation, "test": test}
    tables = {role: table for role, table in given.items() if table is not None}
    if train.parts is not None:
        tables, linked = _as_assigned(tables, linked)
    told_apart = _share_ids(tables)
    tables = {role: _of_role(table, role, named=told_apart) for role, table in tables.items()}
    _refuse_unseen(tables, separator)
    sizes = {"validation": validation_size, "test": test_size}
    missing = {role: size for role, size in sizes.items() if role not in tables}
    made, notes = _cut_loose(tables, missing, linked, seed, separator=separator, rare=rare)
    parts = {role: in_order(table) for role, table in tables.items() if role != "train"} | made
    if rare == "drop":
        parts, notes = _without_rare(tables, parts, notes, separator)
    cells = (cell for part in PARTS for cell in parts[part].labels)
    space = LabelSpace.of(cells, positive=positive, separator=separator)
    splits = Splits(parts["train"], parts["validation"], parts["test"], space)
    rows = {part: len(table) for part, table in splits.items()}
    return Division(splits, replace(notes, rows=rows, absent=absent_labels(splits), told_apart=told_apart))


def _as_assigned(
    given: Mapping[str, LabelledTexts], clusters: npt.NDArray[np.int64] | None
) -> tuple[dict[str, LabelledTexts], npt.NDArray[np.int64] | None]:
    """Divide a table as its own column says."""
    if len(given) > 1:
        raise SettingsProblem(
            "own files for the splits and a column that says the split exclude each other",
            cure="leave --split out, or put all rows into one file",
        )
    table = given["train"]
    assert table.parts is not None
    positions: dict[str, list[int]] = {}
    for position, part in enumerate(table.parts):
        positions.setdefault(part, []).append(position)
    if unknown := sorted(positions.keys() - set(PARTS)):
        raise RowsProblem(
            f"{count(len(unknown), 'name')} of splits {'is' if len(unknown) == 1 else 'are'} unknown",
            found=some([f"{part!r} (row {min(table.rows[row] for row in positions[part])})" for part in unknown]),
            expected="train, validation or test in every row",
            cure="correct these rows",
        )
    if "train" not in positions:
        raise RowsProblem("no row is assigned to train", found=some(sorted(positions)), cure="assign training rows")
    tables = {part: table.take(positions[part]) for part in PARTS if part in positions}
    return tables, None if clusters is None else clusters[positions["train"]]


def _cut_loose(
    tables: Mapping[str, LabelledTexts],
    missing: Mapping[str, float],
    clusters: npt.NDArray[np.int64] | None,
    seed: int,
    *,
    separator: str | None,
    rare: RareRule,
) -> tuple[dict[str, LabelledTexts], SplitNotes]:
    """Cut the missing parts from train; rows of groups that stand in a given part stay in train."""
    train = tables["train"]
    held = _held(tables, clusters)
    if not missing or not held.any():
        return cut(train, missing, seed, separator=separator, rare=rare, clusters=clusters)
    free = np.flatnonzero(~held)
    loose = train.take(free.tolist())
    # of all training rows, but never more than half of those that may be cut off
    sizes = {role: min(size * len(train) / len(free), 0.5) for role, size in missing.items()}
    linked = None if clusters is None else clusters[free]
    made, notes = cut(loose, sizes, seed, separator=separator, rare=rare, clusters=linked)
    kept = train.take(np.flatnonzero(held).tolist())
    return made | {"train": in_order(LabelledTexts.joined([made["train"], kept]))}, notes


def _held(tables: Mapping[str, LabelledTexts], clusters: npt.NDArray[np.int64] | None) -> npt.NDArray[np.bool_]:
    """Find the training rows whose groups stand in a given part, too: cut off, they would be seen there."""
    train = tables["train"]
    groups = {
        group for role, table in tables.items() if role != "train" for group in table.groups or () if group.strip()
    }
    nowhere = np.zeros(len(train), np.bool_)
    if train.groups is None or not groups:
        return nowhere
    known = np.fromiter((group in groups for group in train.groups), np.bool_, len(train))
    of_row = units_of(text_keys(train.texts), train.labels, groups=train.groups, clusters=clusters).of_row
    held = np.isin(of_row, of_row[known])
    return nowhere if held.all() else held


def _refuse_unseen(tables: Mapping[str, LabelledTexts], separator: str | None) -> None:
    known = {name for cell in set(tables["train"].labels) for name in several_labels(cell, separator)}
    found = []
    for role, table in tables.items():
        unseen = {
            cell: names
            for cell in set(table.labels)
            if (names := [name for name in several_labels(cell, separator) if name not in known])
        }
        rows: dict[str, list[int]] = {}
        if unseen:
            for cell, row in zip(table.labels, table.rows, strict=True):
                for name in unseen.get(cell, ()):
                    rows.setdefault(name, []).append(row)
        found += [f"{name!r} in {role} rows {some(rows[name])}" for name in sorted(rows)]
    if found:
        raise LabelsProblem(
            f"{count(len(found), 'label')} of the other files never {'occurs' if len(found) == 1 else 'occur'} "
            "in the training rows",
            found=some(found, limit=10),
            cure="correct these labels, or add training rows for them",
        )


def _share_ids(tables: Mapping[str, LabelledTexts]) -> bool:
    names = [set(table.ids) for table in tables.values()]
    return len(names) > 1 and len(set().union(*names)) < sum(map(len, names))


def _of_role(table: LabelledTexts, role: str, *, named: bool) -> LabelledTexts:
    ids = tuple(f"{role}:{name}" for name in table.ids) if named else table.ids
    return replace(table, ids=ids, parts=None)


def _without_rare(
    given: Mapping[str, LabelledTexts], parts: dict[str, LabelledTexts], notes: SplitNotes, separator: str | None
) -> tuple[dict[str, LabelledTexts], SplitNotes]:
    """Leave labels that were too rare to be cut out of the given parts, too, for the label space knows them no more."""
    dropped = list(notes.dropped)
    for role in sorted(given.keys() - {"train"}):
        table = parts[role]
        gone = {cell for cell in set(table.labels) if notes.rare.keys() & several_labels(cell, separator)}
        kept = [place for place, cell in enumerate(table.labels) if cell not in gone]
        dropped += [row for row, cell in zip(table.rows, table.labels, strict=True) if cell in gone]
        parts = {**parts, role: table.take(kept)}
    return parts, replace(notes, dropped=tuple(dropped))
