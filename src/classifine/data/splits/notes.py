"""Takes splits and gives the notes on how they came about: what was kept together, moved, left out, and how exact.

Does not know how splits are made or files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from classifine.errors import count, some
from classifine.labels import several_labels
from classifine.tables import Splits

Method = Literal["stratified", "grouped", "by time", "given"]
RareRule = Literal["train", "drop", "refuse"]

_NAMED = 10
_FAR_BELOW = 0.5  # of the wanted share; from there on, a part is too small for what it is meant for


@dataclass(frozen=True)
class Deviation:
    """Where a label's rows are furthest from the share that a part should have of them.

    Attributes
    ----------
    label, part
        Where.
    wanted, reached
        The part's share of the label's rows, 0 to 1.
    """

    label: str
    part: str
    wanted: float
    reached: float


@dataclass(frozen=True)
class SplitNotes:
    """How a division came about.

    Attributes
    ----------
    method
        ``stratified``, ``grouped``, ``by time``, or ``given`` where nothing was cut.
    cut
        The parts that were cut from the training rows.
    rows
        How many rows each part has.
    wanted, shares
        The share of the divided rows that each part should have and has; parts that were given are not among them.
    units, largest_unit
        How many units of rows that stay together were dealt, and how many rows the largest has.
    rare
        Labels that stand in fewer units than there are parts, and how many rows they have.
    rare_rule
        What became of them: ``train`` or ``drop``.
    spread
        Those of them that stand outside training, too: in units without which another label would lack a part.
    dropped
        The numbers of the rows that were left out with them; those of given parts, if any, come last.
    moved
        The numbers of the rows that stand in an earlier part than their own time says, because their unit begins there.
    furthest
        Where a label's share is furthest off, or none when labels had no say.
    absent
        Labels that do not occur in a part.
    told_apart
        Whether every id got its file's role in front, because an id stood in two files.
    """

    method: Method
    cut: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    wanted: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    units: int = 0
    largest_unit: int = 0
    rare: Mapping[str, int] = field(default_factory=dict)
    rare_rule: RareRule = "train"
    spread: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    furthest: Deviation | None = None
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told_apart: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "method": self.method,
            "cut": list(self.cut),
            "rows": dict(self.rows),
            "wanted": {part: round(share, 6) for part, share in self.wanted.items()},
            "shares": {part: round(share, 6) for part, share in self.shares.items()},
            "units": self.units,
            "largest_unit": self.largest_unit,
            "rare": {
                "rule": self.rare_rule,
                "labels": dict(self.rare),
                "dropped": list(self.dropped),
                "spread": list(self.spread),
            },
            "moved": list(self.moved),
            "furthest": None if self.furthest is None else vars(self.furthest),
            "absent": {part: list(names) for part, names in self.absent.items()},
            "told_apart": self.told_apart,
        }

    def warnings(self) -> tuple[str, ...]:
        """Say in sentences what a reader of scores must know about these splits; nothing where all went well."""
        told = []
        short = [part for part, share in self.shares.items() if share < self.wanted[part] * _FAR_BELOW]
        if short:
            parts = " and ".join(
                f"{part} has {self.shares[part]:.1%} of the rows instead of {self.wanted[part]:.1%}" for part in short
            )
            told.append(
                f"{parts}, because {count(self.largest_unit, 'row hangs', 'rows hang')} together by equal texts, "
                "near-duplicates or groups; a finer group column helps, or leaving out short texts that many repeat"
            )
        if self.rare:
            listed = some([f"{name!r} ({count(rows, 'row')})" for name, rows in self.rare.items()], limit=_NAMED)
            labels = count(len(self.rare), "label has", "labels have")
            dropped = self.rare_rule == "drop"
            so = "their rows are left out" if dropped else "they stand in train only and have no scores"
            told.append(f"{labels} too few different texts for every split, so {so}: {listed}")
        if self.spread:
            told.append(
                f"{count(len(self.spread), 'of these labels stands', 'of these labels stand')} outside train, too, "
                "beside similar texts of labels that need a text in every split: "
                f"{some([repr(name) for name in self.spread], limit=_NAMED)}"
            )
        if self.moved:
            rows = count(len(self.moved), "row stands", "rows stand")
            told.append(
                f"{rows} in an earlier split than the time says, to stay with equal texts or the group: "
                f"rows {some(sorted(self.moved))}"
            )
        rare = set(self.rare)
        for part, names in self.absent.items():
            others = [repr(name) for name in names if name not in rare]
            if others:
                what = "cannot be learnt" if part == "train" else "have no scores there"
                told.append(f"labels that do not occur in {part} and {what}: {some(others, limit=_NAMED)}")
        return tuple(told)


def absent_labels(splits: Splits) -> dict[str, tuple[str, ...]]:
    """List the labels that do not occur in a part; parts that have all of them, or no rows, are left out."""
    space = splits.space
    absent = {}
    for part, table in splits.items():
        present = {name for cell in set(table.labels) for name in several_labels(cell, space.separator)}
        names = tuple(name for name in space.names if name not in present)
        if names and len(table):
            absent[part] = names
    return absent
