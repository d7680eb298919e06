"""Takes nothing and gives the shape of one stored number with its interval, as scores and agreement have it.

Does not know what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

FEW_LABELS = 12


@dataclass(frozen=True)
class Figure:
    """A stored score with its interval and the rows behind it.

    Attributes
    ----------
    clean
        The same of the rows that stand in the test texts only, where some do not.
    contaminated
        Whether the value must carry that word.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    note: str | None
    clean: Figure | None = None
    contaminated: bool = False


@dataclass(frozen=True)
class Measure:
    """A stored measure of agreement with its interval and the items behind it.

    Attributes
    ----------
    value
        The measure, or ``None`` where it is undefined.
    note
        Why it is undefined or has no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str | None
