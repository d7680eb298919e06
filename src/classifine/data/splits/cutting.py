"""Takes one table and shares and gives the parts that are cut from it, with notes on how.

Decides what stays together, what becomes of rare labels, and whether lots or times deal. Does not know own files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.data.ordering import natural_order
from classifine.data.splits.dealing import deal
from classifine.data.splits.notes import Deviation, RareRule, SplitNotes
from classifine.data.splits.times import deal_by_time, moments
from classifine.data.splits.units import Units, text_keys, units_of
from classifine.errors import LabelsProblem, SettingsProblem, count, some
from classifine.labels import IntVector, several_labels
from classifine.tables import LabelledTexts


@dataclass(frozen=True)
class _Remaining:
    """The rows that are divided, as units, after rare labels are dealt with."""

    rows: IntVector
    units: Units
    rare: dict[str, int]


def cut(
    table: LabelledTexts,
    sizes: Mapping[str, float],
    seed: int,
    *,
    separator: str | None,
    rare: RareRule,
    clusters: npt.NDArray[np.int64] | None,
) -> tuple[dict[str, LabelledTexts], SplitNotes]:
    """Cut the named parts from a table; the rest is ``train``."""
    if not sizes:
        return {"train": in_order(table)}, SplitNotes("given")
    _refuse_sizes(sizes)
    names = ["train", *sizes]
    shares = [1 - sum(sizes.values()), *sizes.values()]
    left = _settled(table, len(names), separator=separator, rare=rare, clusters=clusters)
    units, by_time = left.units, table.times is not None
    own = None
    if table.times is not None:
        times = [table.times[row] for row in left.rows.tolist()]
        when = moments(times, [table.rows[row] for row in left.rows.tolist()])
        part_of, own = deal_by_time(units, when, shares)
    else:
        part_of = deal(
            units, shares, seed=seed, kept=_holding(units, left.rare, len(names)) if rare == "train" else None
        )
    of_row = part_of[units.of_row]
    _refuse_empty(of_row, names, units, grouped=table.groups is not None)
    place = np.full(len(table), len(names))
    place[left.rows] = of_row
    ordered = np.array(natural_order(table.ids), np.int64)
    parts = {name: table.take(ordered[place[ordered] == part].tolist()) for part, name in enumerate(names)}
    moved = [] if own is None else left.rows[own > of_row].tolist()
    dropped = np.flatnonzero(place == len(names)).tolist()
    notes = SplitNotes(
        method="by time" if by_time else "grouped" if table.groups is not None else "stratified",
        cut=tuple(sizes),
        wanted=dict(zip(names, shares, strict=True)),
        shares={name: len(part) / len(left.rows) for name, part in parts.items()},
        units=len(units),
        largest_unit=int(units.rows.max()),
        rare={} if by_time and rare == "train" else left.rare,
        spread=() if by_time or rare != "train" else _spread(units, part_of, left.rare),
        rare_rule=rare,
        dropped=tuple(sorted(table.rows[row] for row in dropped)),
        moved=tuple(sorted(table.rows[row] for row in moved)),
        furthest=None if by_time else _furthest(units, part_of, names, shares, left.rare),
    )
    if rare == "refuse" and not by_time:
        _refuse_torn(units, part_of, names)
    return parts, notes


def _settled(
    table: LabelledTexts,
    parts: int,
    *,
    separator: str | None,
    rare: RareRule,
    clusters: npt.NDArray[np.int64] | None,
) -> _Remaining:
    """Join rows to units and settle what becomes of labels with too few of them."""
    keys = text_keys(table.texts)
    rows = np.arange(len(table))
    dropped: dict[str, int] = {}
    while True:
        units = units_of(
            keys[rows],
            [table.labels[row] for row in rows.tolist()],
            groups=None if table.groups is None else [table.groups[row] for row in rows.tolist()],
            clusters=None if clusters is None else clusters[rows],
            separator=separator,
        )
        standing, numbers = units.with_label().tolist(), units.rows_of_labels().tolist()
        few = {name: place for place, name in enumerate(units.names) if standing[place] < parts}
        if few and rare == "refuse":
            _refuse_rare({name: standing[place] for name, place in few.items()}, parts)
        found = {name: numbers[place] for name, place in few.items()}
        if not few or rare != "drop":
            return _Remaining(rows, units, {**dropped, **found})
        # without these rows, another label may have become rare
        dropped |= found
        rows = rows[[not few.keys() & several_labels(table.labels[row], separator) for row in rows.tolist()]]
        if not len(rows):
            _refuse_rare({name: standing[place] for name, place in few.items()}, parts)


def _holding(units: Units, rare: Mapping[str, int], parts: int) -> npt.NDArray[np.bool_]:
    """Mark the units that stay in training, so that rare labels can be learnt.

    They are all units of these labels, save those that another label needs to stand in every part: such a unit is
    dealt like others where each of its rare labels stays in training by another unit.
    """
    owners = units.owners()
    is_rare = np.array([name in rare for name in units.names], np.bool_)
    held = np.zeros(len(units), np.bool_)
    held[owners[is_rare[units.labels]]] = True
    holding = np.bincount(units.labels, held[owners], minlength=len(units.names)).astype(np.int64)
    standing = units.with_label()
    free = standing - holding
    by_label = np.argsort(units.labels, kind="stable")
    ends = standing.cumsum()
    for label in np.flatnonzero(~is_rare & (free + np.minimum(holding, 1) < parts)).tolist():
        members = owners[by_label[ends[label] - standing[label] : ends[label]]]
        for unit in members[np.lexsort((units.keys[members], units.rows[members]))].tolist():
            lacking = free[label] + min(holding[label], 1) < parts
            own = units.labels[units.starts[unit] : units.starts[unit + 1]]
            if lacking and held[unit] and (holding[own[is_rare[own]]] > 1).all():
                held[unit] = False
                holding[own] -= 1
                free[own] += 1
    return held


def _spread(units: Units, part_of: IntVector, rare: Mapping[str, int]) -> tuple[str, ...]:
    """List the rare labels that stand outside training, too."""
    outside = np.unique(units.labels[part_of[units.owners()] > 0])
    return tuple(units.names[label] for label in outside.tolist() if units.names[label] in rare)


def _furthest(
    units: Units, part_of: IntVector, names: Sequence[str], shares: Sequence[float], rare: Mapping[str, int]
) -> Deviation | None:
    """Find the label and the part whose share is furthest off; rare labels do not count."""
    common = [place for place, name in enumerate(units.names) if name not in rare]
    if not common:
        return None
    number = np.zeros((len(units.names), len(names)))
    np.add.at(number, (units.labels, part_of[units.owners()]), units.counts)
    reached = number[common] / number[common].sum(axis=1, keepdims=True)
    off = np.abs(reached - np.array(shares))
    label, part = divmod(int(off.argmax()), len(names))
    return Deviation(units.names[common[label]], names[part], float(shares[part]), float(reached[label, part]))


def _refuse_sizes(sizes: Mapping[str, float]) -> None:
    if any(not size > 0 for size in sizes.values()) or not sum(sizes.values()) < 1:
        raise SettingsProblem(
            "the sizes of the splits leave one of them empty",
            found=", ".join(f"{part}_size = {size:g}" for part, size in sizes.items()),
            expected="each above 0, and a sum below 1",
        )


def _refuse_empty(of_row: IntVector, names: Sequence[str], units: Units, *, grouped: bool) -> None:
    rows = np.bincount(of_row, minlength=len(names)).tolist()
    if 0 not in rows:
        return
    what = "groups (texts that must stay together)" if grouped else "different texts"
    largest = int(units.rows.max(initial=0))
    raise LabelsProblem(
        f"there are too few {what} to fill {len(names)} splits: "
        f"{' and '.join(name for name, n in zip(names, rows, strict=True) if not n)} would stay empty",
        found=f"{count(len(units), 'unit')} in {count(len(of_row), 'row')}, the largest with {count(largest, 'row')}",
        cure="use a finer group column or none, add rows of other groups, or give own files for the splits"
        if grouped
        else "add rows, above all of the rare labels, merge labels with others, or drop the rare ones; where texts "
        "are alike by nature, --near-duplicates 1 keeps only equal ones together",
    )


def _refuse_rare(clusters: Mapping[str, int], parts: int) -> None:
    raise LabelsProblem(
        f"{count(len(clusters), 'label has', 'labels have')} too few different texts to stand in {parts} splits",
        found=some([f"{label!r}: {number}" for label, number in sorted(clusters.items())], limit=10),
        expected=f"at least {parts} different texts of each label",
        cure="add rows of these labels, merge them with others, or remove them",
    )


def _refuse_torn(units: Units, part_of: IntVector, names: Sequence[str]) -> None:
    """Refuse what only units under several labels can bring about: no division found has each label in each part."""
    present = np.zeros((len(units.names), len(names)), np.bool_)
    present[units.labels, part_of[units.owners()]] = True
    missing = [
        f"no {some([repr(units.names[label]) for label in np.flatnonzero(~present[:, place]).tolist()])} in {name}"
        for place, name in enumerate(names)
        if not present[:, place].all()
    ]
    if missing:
        raise LabelsProblem(
            "texts that stand under several labels leave a split without a label",
            found="; ".join(missing),
            cure="give equal texts one label, or add rows of these labels",
        )


def in_order(table: LabelledTexts) -> LabelledTexts:
    """Order rows by id, so that neither a shuffled file nor the dealing shows in a split."""
    return table.take(natural_order(table.ids))
