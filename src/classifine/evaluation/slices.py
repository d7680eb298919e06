"""Takes what was predicted rightly and what is known of each row and says in which parts of the rows it went worse.

Parts are the values of columns, lengths, agreement. Each is tested against all other rows, and p values are corrected
for their number. Does not know texts, models or where a column comes from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import count
from classifine.evaluation.intervals import Figure, share
from classifine.evaluation.significance import fisher
from classifine.labels import IntVector
from classifine.resampling import holm

ALPHA = 0.05
BLANK, OTHERS = "(blank)", "(others)"

_FEWEST = 10  # rows of a value; rarer values are put together
_MOST = 30  # values of a column; the rarest beyond are put together
_AS_THEY_ARE = 12  # a column of numbers with more different ones than this is divided into quarters

Right = npt.NDArray[np.bool_]
F1 = Callable[[IntVector], Figure]


@dataclass(frozen=True)
class Column:
    """What is known of each row.

    Attributes
    ----------
    name
        What people call it.
    values
        One for each row.
    told
        How values came about, where the data does not have them as they are.
    known
        Whether it is known of a text before anybody labels it, so that it can serve to find weak spots.
    """

    name: str
    values: tuple[str, ...]
    told: str | None = None
    known: bool = True


@dataclass(frozen=True)
class Slice:
    """Some of the rows, and how well they were predicted.

    Attributes
    ----------
    conditions
        What they have in common: pairs of column and value.
    n
        How many they are.
    accuracy
        Share of them predicted rightly; of several labels, wholly rightly.
    rest
        The same of all other rows; none where there are none.
    p
        Of Fisher's exact test against all other rows.
    corrected
        The same, corrected for how many slices were looked at.
    macro_f1
        Over the labels that occur among them; none where it was not asked for.
    """

    conditions: tuple[tuple[str, str], ...]
    n: int
    accuracy: Figure
    rest: float | None
    p: float
    corrected: float
    macro_f1: Figure | None = None

    @property
    def worse(self) -> bool:
        """Whether they are shown to be predicted worse than the others."""
        return self.rest is not None and self.corrected < ALPHA and self.accuracy.value < self.rest

    @property
    def better(self) -> bool:
        """Whether they are shown to be predicted better than the others."""
        return self.rest is not None and self.corrected < ALPHA and self.accuracy.value > self.rest

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "conditions": [list(condition) for condition in self.conditions],
            "n": self.n,
            "accuracy": self.accuracy.to_dict(),
            "rest": self.rest,
            "p": self.p,
            "corrected": self.corrected,
            "worse": self.worse,
            "better": self.better,
            **({} if self.macro_f1 is None else {"macro_f1": self.macro_f1.to_dict()}),
        }


@dataclass(frozen=True)
class SlicedColumn:
    """The slices of one column, in the order of their values.

    Attributes
    ----------
    column
        Its name.
    told
        How its values came about, where the data does not have them.
    slices
        One for each value.
    pooled
        How many rarer values are put together.
    """

    column: str
    told: str | None
    slices: tuple[Slice, ...]
    pooled: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        slices = [one.to_dict() for one in self.slices]
        return {"column": self.column, "told": self.told, "pooled": self.pooled, "slices": slices}


@dataclass(frozen=True)
class Sliced:
    """All slices by columns; ``tests`` is how many p values were corrected together."""

    columns: tuple[SlicedColumn, ...]
    tests: int

    @property
    def sentence(self) -> str:
        """Say which slices are shown to be worse, and how many were looked at."""
        worse = [one for column in self.columns for one in column.slices if one.worse]
        if not self.tests:
            return "There is nothing to compare: no column has two values of ten rows each."
        looked = f"{count(self.tests, 'slice was', 'slices were')} compared with all other rows"
        if not worse:
            return f"{looked}; after correction for their number, none is shown to be predicted worse."
        named = "; ".join(
            f"{spelled(one.conditions)} ({one.accuracy.value:.3f} against {one.rest:.3f}, n = {one.n:,})"
            for one in sorted(worse, key=lambda one: one.corrected)[:5]
        )
        return f"{looked}; after correction for their number, shown to be predicted worse: {named}."

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "sentence": self.sentence,
            "tests": self.tests,
            "alpha": ALPHA,
            "method": "Fisher's exact test against all other rows, corrected by Holm",
            "columns": [column.to_dict() for column in self.columns],
        }


def sliced(columns: Sequence[Column], right: Right, *, f1: F1 | None = None) -> Sliced:
    """Say how well the rows of each value of each column were predicted.

    Values of fewer than ten rows, and the rarest beyond thirty, are put together; a column of many different numbers
    is divided into quarters. Columns that leave no two values to compare are given without a test.

    Parameters
    ----------
    columns
        What is known of each row.
    right
        Whether each row was predicted rightly, shape [n].
    f1
        Gives the macro-F1 of the rows at these positions.

    Examples
    --------
    >>> right = np.array([True] * 30 + [False] * 20 + [True] * 10)
    >>> found = sliced([Column("source", ("news",) * 30 + ("forum",) * 30)], right)
    >>> [(one.conditions[0][1], one.n, one.accuracy.value, one.worse) for one in found.columns[0].slices]
    [('forum', 30, 0.3333333333333333, True), ('news', 30, 1.0, False)]
    """
    drafts = [_Draft.of(tidied(column), right, f1) for column in columns]
    tested = [p for draft in drafts for p in draft.p_values]
    corrected = iter(holm(tested))
    return Sliced(tuple(draft.finished([next(corrected) for _ in draft.p_values]) for draft in drafts), len(tested))


@dataclass(frozen=True)
class _Draft:
    """A column before its p values are corrected; where two values are all there are, one test stands for both."""

    column: Column
    slices: tuple[Slice, ...]
    pooled: int
    p_values: tuple[float, ...] = field(default=())

    @classmethod
    def of(cls, column: Column, right: Right, f1: F1 | None) -> _Draft:
        values, pooled = _pooled(column.values)
        n, all_right = len(right), int(right.sum())
        slices = []
        names = np.array(values, dtype=object)
        for value in in_order(set(values)):
            rows = np.flatnonzero(names == value)
            hits = int(right[rows].sum())
            others = n - len(rows)
            slices.append(
                Slice(
                    conditions=((column.name, value),),
                    n=len(rows),
                    accuracy=share(hits, len(rows)),
                    rest=(all_right - hits) / others if others else None,
                    p=fisher(hits, len(rows), all_right, n),
                    corrected=1.0,
                    macro_f1=None if f1 is None else f1(rows),
                )
            )
        tested = tuple(one.p for one in slices if one.n >= _FEWEST)
        if len(slices) < 2:
            tested = ()
        elif len(slices) == 2:
            tested = tested[:1]
        return cls(column, tuple(slices), pooled, tested)

    def finished(self, corrected: list[float]) -> SlicedColumn:
        slices = []
        for one in self.slices:
            value = 1.0
            if corrected and one.n >= _FEWEST:
                value = corrected[0] if len(self.slices) == 2 else corrected.pop(0)
            slices.append(Slice(**{**vars(one), "corrected": value}))
        return SlicedColumn(self.column.name, self.column.told, tuple(slices), self.pooled)


def tidied(column: Column) -> Column:
    """Give blank cells a name, and divide a column of many different numbers into quarters."""
    cells = [value.strip() for value in column.values]
    different = {cell for cell in cells if cell}
    numbers = {cell: number for cell in different if (number := _number(cell)) is not None}
    if len(different) > _AS_THEY_ARE and len(numbers) == len(different):
        known = np.array([numbers[cell] for cell in cells if cell])
        binned = iter(quarters(known))
        values = tuple(next(binned) if cell else BLANK for cell in cells)
        return Column(column.name, values, column.told or "in quarters of the rows", column.known)
    return Column(column.name, tuple(cell or BLANK for cell in cells), column.told, column.known)


def quarters(numbers: npt.NDArray[Any]) -> list[str]:
    """Name for each number the quarter of the rows it falls into, by its least and highest number.

    Examples
    --------
    >>> quarters(np.array([1, 2, 3, 4, 5, 6, 7, 8]))
    ['1 to 2', '1 to 2', '3 to 4', '3 to 4', '5 to 6', '5 to 6', '7 to 8', '7 to 8']
    """
    ends = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75], method="inverted_cdf"))
    places = np.searchsorted(ends, numbers)  # equal numbers never part
    names = {}
    for place in np.unique(places):
        held = numbers[places == place]
        least, most = _written(held.min()), _written(held.max())
        names[int(place)] = least if least == most else f"{least} to {most}"
    return [names[int(place)] for place in places]


def spelled(conditions: Sequence[tuple[str, str]]) -> str:
    """Write conditions as a reader would."""
    return " and ".join(f"{name}: {value}" for name, value in conditions)


def in_order(values: set[str]) -> list[str]:
    """Order values: ranges and numbers by their first number, else by name; what was put together comes last."""

    def key(value: str) -> tuple[int, float, str]:
        number = _number(value.split(" to ")[0])
        late = {BLANK: 1, OTHERS: 2}.get(value, 0)
        return late, math.inf if number is None else number, value

    return sorted(values, key=key)


def _pooled(values: Sequence[str]) -> tuple[list[str], int]:
    """Put rare values together, if they are several; a single rare one stays what it is."""
    counts = Counter(values)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    rare = {value for place, value in enumerate(ranked) if counts[value] < _FEWEST or place >= _MOST}
    if len(rare) < 2:
        return list(values), 0
    return [OTHERS if value in rare else value for value in values], len(rare)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _written(number: Any) -> str:
    return f"{float(number):.6g}"
