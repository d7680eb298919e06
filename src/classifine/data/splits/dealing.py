"""Takes units and shares and gives each unit its part, so that every label has its share in every part.

Large units are placed first, each where it hurts least; the single rows then fill up what is missing. A row with
several labels is placed by iterative stratification. Does not know texts, tables or what the parts are used for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifine.data.ordering import Keys, lot, lots
from classifine.data.splits.mending import mend
from classifine.data.splits.units import Units
from classifine.labels import IntVector


def deal(units: Units, shares: Sequence[float], *, seed: int, kept: npt.NDArray[np.bool_] | None = None) -> IntVector:
    """Give each unit a part, shape [n_units].

    A label that stands in at least as many units as there are parts comes to stand in every part, as far as units
    with several labels allow; one that stands in fewer comes to stand in as many parts as it has units.

    Parameters
    ----------
    units
        What stays together.
    shares
        The share of the rows that each part gets; they sum to one.
    seed
        Another seed, another division.
    kept
        Units that go to the first part whatever the shares say, shape [n_units].

    References
    ----------
    Sechidis, K., Tsoumakas, G., & Vlahavas, I. (2011). On the stratification of multi-label data. ECML PKDD.
    """
    drawn = lots(seed, units.keys)
    table = _Table(units, shares, seed, drawn)
    held = np.zeros(len(units), np.bool_) if kept is None else kept
    for unit in np.flatnonzero(held).tolist():
        table.give(unit, 0)
    several = np.flatnonzero((units.rows > 1) & ~held)
    order = np.lexsort((drawn[several], -np.diff(units.starts)[several], -units.rows[several]))
    for unit in several[order].tolist():
        table.give(unit, table.best(unit))
    single = np.flatnonzero((units.rows == 1) & ~held)
    single = single[np.argsort(drawn[single])]
    if (np.diff(units.starts)[single] == 1).all():
        _fill(table, single)
    else:
        _deal_iteratively(table, single)
    return mend(units, np.array(table.part_of, np.int64), len(shares), held, drawn)


class _Table:
    """The dealer's table: what each part still needs of each label, and where a label does not stand yet."""

    def __init__(self, units: Units, shares: Sequence[float], seed: int, drawn: Keys) -> None:
        rows = units.rows_of_labels().tolist()
        self.parts = range(len(shares))
        self.quotas = [quotas(n, shares, lot(seed, name)) for n, name in zip(rows, units.names, strict=True)]
        self.need = [list(quota) for quota in self.quotas]
        self.empty = [set(self.parts) for _ in units.names]
        self.left = units.with_label().tolist()
        self.total_quotas = [share * int(units.rows.sum()) for share in shares]
        self.total = list(self.total_quotas)
        self.part_of = [-1] * len(units)
        self._turn: list[int] = (drawn % np.uint64(len(shares))).tolist()
        self._rows: list[int] = units.rows.tolist()
        self._starts: list[int] = units.starts.tolist()
        self._labels: list[int] = units.labels.tolist()
        self._counts: list[int] = units.counts.tolist()

    def labels_of(self, unit: int) -> list[int]:
        return self._labels[self._starts[unit] : self._starts[unit + 1]]

    def give(self, unit: int, part: int) -> None:
        self.part_of[unit] = part
        self.total[part] -= self._rows[unit]
        for place in range(self._starts[unit], self._starts[unit + 1]):
            label = self._labels[place]
            self.need[label][part] -= self._counts[place]
            self.empty[label].discard(part)
            self.left[label] -= 1

    def best(self, unit: int) -> int:
        """Choose the part whose labels come nearest to their quotas; one that they fit into, where there is one."""
        begin, end = self._starts[unit], self._starts[unit + 1]
        labels = list(zip(self._labels[begin:end], self._counts[begin:end], strict=True))
        allowed = self.allowed(unit)
        pool = [part for part in allowed if all(self.need[label][part] >= n for label, n in labels)] or allowed
        if len(pool) == 1:
            return pool[0]
        return min(pool, key=lambda part: (self._worse(unit, part, labels), self._after_turn(unit, part)))

    def wanting(self, unit: int, label: int) -> int:
        """Choose the part that wants this label most; of equals, the one that wants most rows."""
        need = self.need[label]
        return max(self.allowed(unit), key=lambda p: (need[p], self.total[p], -self._after_turn(unit, p)))

    def emptiest(self, unit: int) -> int:
        """Choose the part that wants most rows."""
        return max(self.parts, key=lambda part: (self.total[part], -self._after_turn(unit, part)))

    def allowed(self, unit: int) -> Sequence[int]:
        """List the parts it may go to: a label with no more units left than parts without it must go where it lacks."""
        due = [label for label in self.labels_of(unit) if 0 < len(self.empty[label]) >= self.left[label]]
        return [part for part in self.parts if all(part in self.empty[label] for label in due)] or self.parts

    def _after_turn(self, unit: int, part: int) -> int:
        """Rank equally good parts by the unit's lot."""
        return (self._turn[unit] + part) % len(self.parts)

    def _worse(self, unit: int, part: int, labels: list[tuple[int, int]]) -> float:
        """Say how the squared distance from the quotas changes, each relative to its quota, when the unit comes."""
        change = sum(n * (n - 2 * self.need[la][part]) / max(self.quotas[la][part], 1) for la, n in labels)
        if len(labels) == 1:
            return change
        rows = self._rows[unit]
        return change + rows * (rows - 2 * self.total[part]) / max(self.total_quotas[part], 1)


def quotas(rows: int, shares: Sequence[float], turn: int) -> list[int]:
    """Round each part's share of a label's rows so that they add up, each to within one row.

    No part is left without a row while there are enough.

    Examples
    --------
    >>> quotas(10, [0.6, 0.2, 0.2], 0), quotas(4, [0.8, 0.1, 0.1], 0)
    ([6, 2, 2], [2, 1, 1])
    """
    exact = [share * rows for share in shares]
    rounded = [int(value + 1e-9) for value in exact]
    # equal remainders go to another part with each label, or one part would gain a row of every label
    by_remainder = sorted(
        range(len(shares)), key=lambda part: (-round(exact[part] - rounded[part], 9), (turn + part) % len(shares))
    )
    for part in by_remainder[: rows - sum(rounded)]:
        rounded[part] += 1
    while 0 in rounded and max(rounded) > 1:
        rounded[rounded.index(max(rounded))] -= 1
        rounded[rounded.index(0)] += 1
    return rounded


def _fill(table: _Table, single: IntVector) -> None:
    """Deal single rows of one label each, in the order given, so that each label's needs are met exactly."""
    labels = np.array([table.labels_of(unit)[0] for unit in single.tolist()], np.int64)
    order = np.argsort(labels, kind="stable")
    ends = np.bincount(labels, minlength=len(table.need)).cumsum().tolist()
    dealt = np.empty(len(single), np.int64)
    begin = 0
    for label, end in enumerate(ends):
        if end > begin:
            numbers = _numbers(table.need[label], table.empty[label], end - begin)
            dealt[order[begin:end]] = np.repeat(np.arange(len(numbers)), numbers)
        begin = end
    for unit, part in zip(single.tolist(), dealt.tolist(), strict=True):
        table.part_of[unit] = part


def _numbers(need: Sequence[int], empty: set[int], rows: int) -> list[int]:
    """Divide a label's single rows by need; where large units took too much of it, the needs shrink alike."""
    wanted = [max(n, 0) for n in need]
    if sum(wanted) == rows:
        return wanted
    numbers = _shrunk(wanted, rows)
    # a part without this label gets a row before another gets its second
    for part in sorted(empty):
        if not numbers[part]:
            spare = [other for other, n in enumerate(numbers) if n > (1 if other in empty else 0)]
            if spare:
                numbers[max(spare, key=lambda other: numbers[other])] -= 1
                numbers[part] += 1
    return numbers


def _shrunk(wanted: Sequence[int], rows: int) -> list[int]:
    exact = [n * rows / sum(wanted) for n in wanted]
    numbers = [int(value) for value in exact]
    for part in sorted(range(len(wanted)), key=lambda part: numbers[part] - exact[part])[: rows - sum(numbers)]:
        numbers[part] += 1
    return numbers


def _deal_iteratively(table: _Table, single: IntVector) -> None:
    """Deal rows with several labels each: again and again all rows of the label that has the fewest left."""
    waiting: list[list[int]] = [[] for _ in table.need]
    left = np.zeros(len(table.need), np.int64)
    for unit in single.tolist():
        for label in table.labels_of(unit):
            waiting[label].append(unit)
            left[label] += 1
    done = np.iinfo(np.int64).max
    left[left == 0] = done
    while len(left) and (label := int(left.argmin())) >= 0 and left[label] != done:
        for unit in waiting[label]:
            if table.part_of[unit] < 0:
                table.give(unit, table.wanting(unit, label))
                for other in table.labels_of(unit):
                    left[other] -= 1
        left[left == 0] = done
    for unit in single.tolist():
        if table.part_of[unit] < 0:
            table.give(unit, table.emptiest(unit))
