"""Takes a division of units and gives one in which every label stands in every part, wherever that can be found.

Dealing unit by unit can leave a part without a label when units have several; a few units then change places.
Does not know shares or what the parts are used for.
"""

from __future__ import annotations

import copy
from collections import deque

import numpy as np
import numpy.typing as npt

from classifine.data.ordering import Keys
from classifine.data.splits.units import Units
from classifine.labels import IntVector

_STEPS = 100  # moves tried for each label that a part lacks
_MOST_STEPS = 1500  # moves tried in a search
_RESTING = (4, 1, 7, 2)  # for how many moves a unit that was moved stays, search after search
_LOOKED_AT = 100  # units of a label that are looked at for a move, the smallest first


def mend(units: Units, part_of: IntVector, parts: int, kept: npt.NDArray[np.bool_], drawn: Keys) -> IntVector:
    """Move units until every label with enough units, and some row at all, stands in every part; else the best found.

    A search by least conflicts (Minton et al. 1992): each move brings a missing label to a part at the least loss of
    others, and a unit that moved rests a while, so that the search does not go in circles. Where one search ends
    without success, another begins anew.
    """
    best = _Board(units, part_of, parts, kept)
    if not best.missing():
        return part_of
    for resting in _RESTING:
        found = _searched(_Board(units, part_of, parts, kept), drawn, resting)
        best = min(best, found, key=_Board.harm)
        if not best.missing():
            break
    return best.part_of


def _searched(board: _Board, drawn: Keys, rest: int) -> _Board:
    """Give the best board on the way of one search."""
    missing = board.missing()
    best, harm = board.copy(), board.harm()
    resting: deque[int] = deque(maxlen=rest)
    for step in range(min(_STEPS * (len(missing) + 2), _MOST_STEPS)):
        label, part = missing[step % len(missing)]
        unit = board.cheapest(label, part, drawn, resting)
        if unit is None:
            continue
        resting.append(unit)
        board.move(unit, part)
        missing = board.missing()
        if (now := board.harm()) < harm:
            best, harm = board.copy(), now
        if not missing:
            break
    return best


class _Board:
    """How many units of each label stand in each part; the last label stands for any row at all."""

    def __init__(self, units: Units, part_of: IntVector, parts: int, kept: npt.NDArray[np.bool_]) -> None:
        self.units = units
        self.part_of = part_of.copy()
        owners = units.owners()
        any_row = len(units.names)
        self.number = np.zeros((any_row + 1, parts), np.int64)
        np.add.at(self.number, (units.labels, part_of[owners]), 1)
        self.number[any_row] = np.bincount(part_of, minlength=parts)
        held = np.append(np.bincount(units.labels, kept[owners], minlength=any_row), kept.sum())
        # units that are kept can fill one part only, however many they are
        self.required = self.number.sum(axis=1) - np.maximum(held - 1, 0) >= parts
        self._movable = ~kept
        # what the first part lacks cannot be learnt; what another lacks cannot be scored
        self._weight = [2] + [1] * (parts - 1)
        by_label = np.argsort(units.labels, kind="stable")
        self._members = owners[by_label]
        self._begin = np.concatenate(([0], units.with_label().cumsum()))

    def missing(self) -> list[tuple[int, int]]:
        """List the labels and the parts that lack them."""
        lacking = np.argwhere(self.required[:, None] & (self.number == 0))
        return [(int(label), int(part)) for label, part in lacking]

    def harm(self) -> int:
        """Weigh what is missing."""
        return sum(self._weight[part] for _, part in self.missing())

    def copy(self) -> _Board:
        """Give a board of its own that stands as this one does."""
        other = copy.copy(self)
        other.part_of, other.number = self.part_of.copy(), self.number.copy()
        return other

    def cheapest(self, label: int, part: int, drawn: Keys, resting: deque[int]) -> int | None:
        """Find the unit of a label whose move to a part costs the other parts the fewest labels, then rows."""
        any_row = len(self.number) - 1
        if label == any_row:
            members = np.arange(len(self.units))
        else:
            members = self._members[self._begin[label] : self._begin[label + 1]]
        members = members[self._movable[members] & (self.part_of[members] != part)]
        members = members[np.lexsort((drawn[members], self.units.rows[members]))][:_LOOKED_AT]
        ranked = [(self._cost(unit, part), place) for place, unit in enumerate(members.tolist()) if unit not in resting]
        return int(members[min(ranked)[1]]) if ranked else None

    def move(self, unit: int, part: int) -> None:
        """Move a unit to a part."""
        labels = self._labels(unit)
        self.number[labels, self.part_of[unit]] -= 1
        self.number[labels, part] += 1
        self.part_of[unit] = part

    def _cost(self, unit: int, part: int) -> int:
        labels = self._labels(unit)
        labels = labels[self.required[labels]]
        lost = (self.number[labels, self.part_of[unit]] == 1).sum()
        won = (self.number[labels, part] == 0).sum()
        return int(lost - won)

    def _labels(self, unit: int) -> IntVector:
        begin, end = self.units.starts[unit], self.units.starts[unit + 1]
        return np.append(self.units.labels[begin:end], len(self.number) - 1)
