"""Takes a column of times and gives comparable moments, and the parts that come of cutting them one after the other.

A date that can be read in two ways is refused, never guessed. Does not know texts or labels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import numpy as np

from classifine.data.splits.units import Units
from classifine.errors import RowsProblem, count, some
from classifine.labels import IntVector

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_YEAR = re.compile(r"[0-9]{4}")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?|[0-9]{8}(?:T[0-9]{4,6}.*)?", re.ASCII)
_CLOCK = r"(?:[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
_YEAR_FIRST = re.compile(r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})" + _CLOCK)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})" + _CLOCK)
_READABLE = (
    "2024-03-31, 2024-03-31T18:05:00, 2024-03-31T18:05:00+02:00, 2024, 2024-03, 31.3.2024 or 3/31/2024, "
    "all rows in the same way"
)
_SAMPLES = 100
_CURE = "write all times as ISO dates (2024-03-31), or leave --time out"


def moments(times: Sequence[str], rows: Sequence[int]) -> IntVector:
    """Read a column of times as microseconds since 1970, shape [n_rows].

    ISO dates and datetimes (all with or all without a zone), years, months, and ``31.3.2024`` or ``3/31/2024`` are
    read; days and months are told apart by the whole column, and when both orders are possible, neither is taken.

    Parameters
    ----------
    times
        As they stand in the data.
    rows
        The row number of each, for messages.

    Raises
    ------
    RowsProblem
        A row has no time, times cannot be read or can be read in two ways, or some have a zone and others not.
    """
    cells = [time.strip() for time in times]
    blank = [row for cell, row in zip(cells, rows, strict=True) if not cell]
    if blank:
        raise RowsProblem(
            f"{count(len(blank), 'row has', 'rows have')} no time, so the texts cannot be split by time",
            where=f"rows {some(sorted(blank))}",
            cure="fill in the times, delete these rows, or leave --time out",
        )
    first: dict[str, int] = {}
    for cell, row in zip(cells, rows, strict=True):
        first[cell] = min(first.get(cell, row), row)
    known = _read(first)
    return np.fromiter((known[cell] for cell in cells), np.int64, len(cells))


def deal_by_time(units: Units, when: IntVector, shares: Sequence[float]) -> tuple[IntVector, IntVector]:
    """Give the earliest units to the first part and the latest to the last; equal times are never divided.

    A unit goes where its earliest row belongs.

    Parameters
    ----------
    units
        What stays together.
    when
        The moment of each row, shape [n_rows].
    shares
        The share of the rows that each part gets; the borders lie between two moments, as near to it as they can.

    Returns
    -------
    tuple
        The part of each unit, shape [n_units]; and the part that each row's own time would have, shape [n_rows].

    Raises
    ------
    RowsProblem
        There are fewer different times than parts.
    """
    earliest = np.full(len(units), np.iinfo(np.int64).max)
    np.minimum.at(earliest, units.of_row, when)
    different, place = np.unique(earliest, return_inverse=True)
    parts = len(shares)
    if len(different) < parts:
        raise RowsProblem(
            f"the texts have only {count(len(different), 'time')}, too few to be cut into {parts} parts",
            expected=f"at least {parts} different times; texts that must stay together count once, by the earliest",
            cure="give more exact times, or leave --time out and split at random",
        )
    until = np.bincount(place, units.rows, minlength=len(different)).cumsum()
    borders: list[int] = []
    wanted = 0.0
    for part, share in enumerate(shares[:-1]):
        wanted += share * float(until[-1])
        begin = borders[-1] if borders else 0
        end = len(different) - (parts - 1 - part)
        borders.append(begin + int(np.abs(until[begin:end] - wanted).argmin()) + 1)
    starts = different[borders]
    return np.searchsorted(starts, earliest, side="right"), np.searchsorted(starts, when, side="right")


def _read(first: dict[str, int]) -> dict[str, int]:
    """Read different cells, given with their first rows, in the one way that fits all of them."""
    readers = (_year, _month, _iso, _year_first, _day_first, _month_first)
    samples = sorted(first, key=lambda cell: (first[cell], cell))[:_SAMPLES]
    fitting = [sum(reader(cell) is not None for cell in samples) for reader in readers]
    likely = [reader for reader, n in zip(readers, fitting, strict=True) if n and n == max(fitting)]
    whole: list[dict[str, datetime]] = []
    unread = list(first) if not likely else []
    for reader in likely:
        read = {cell: time for cell in first if (time := reader(cell)) is not None}
        if len(read) == len(first):
            whole.append(read)
        elif not unread or len(first) - len(read) < len(unread):
            unread = [cell for cell in first if cell not in read]
    if not whole:
        _refuse_unread(unread, first)
    if len(whole) > 1 and whole[0] != whole[1]:
        _refuse_two_ways(whole[0], whole[1], first)
    return _since_1970(whole[0], first)


def _year(cell: str) -> datetime | None:
    return _datetime(int(cell), 1, 1) if _YEAR.fullmatch(cell) else None


def _month(cell: str) -> datetime | None:
    found = _MONTH.fullmatch(cell)
    return _datetime(int(found[1]), int(found[2]), 1) if found else None


def _iso(cell: str) -> datetime | None:
    if not _ISO.fullmatch(cell):
        return None
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _year_first(cell: str) -> datetime | None:
    found = _YEAR_FIRST.fullmatch(cell)
    return _datetime(int(found[1]), int(found[2]), int(found[3]), *found.groups()[3:]) if found else None


def _day_first(cell: str) -> datetime | None:
    found = _YEAR_LAST.fullmatch(cell)
    return _datetime(int(found[4]), int(found[3]), int(found[1]), *found.groups()[4:]) if found else None


def _month_first(cell: str) -> datetime | None:
    found = _YEAR_LAST.fullmatch(cell)
    if not found or found[2] == ".":  # where dots divide a date, the day stands first
        return None
    return _datetime(int(found[4]), int(found[1]), int(found[3]), *found.groups()[4:])


def _datetime(
    year: int, month: int, day: int, hour: str | None = None, minute: str | None = None, second: str | None = None
) -> datetime | None:
    try:
        return datetime(year, month, day, int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None


def _since_1970(read: dict[str, datetime], first: dict[str, int]) -> dict[str, int]:
    with_zone = [cell for cell, time in read.items() if time.tzinfo is not None]
    if with_zone and len(with_zone) < len(read):
        zoned = set(with_zone)
        without = [cell for cell in read if cell not in zoned]
        raise RowsProblem(
            "some times have a time zone and others have none, so it is not known which come first",
            found=f"{_rows(with_zone, first)} with, {_rows(without, first)} without",
            expected="a zone in all rows or in none",
            cure=_CURE,
        )
    zone = None if with_zone else UTC
    return {cell: ((time.replace(tzinfo=zone) if zone else time) - _EPOCH) // _TICK for cell, time in read.items()}


def _refuse_unread(unread: Sequence[str], first: dict[str, int]) -> NoReturn:
    raise RowsProblem(
        f"{count(len(unread), 'time')} cannot be read as the other rows are"
        if len(unread) < len(first)
        else "the times cannot be read",
        found=_rows(unread, first),
        expected=_READABLE,
        cure=_CURE,
    )


def _refuse_two_ways(
    day_first: dict[str, datetime], month_first: dict[str, datetime], first: dict[str, int]
) -> NoReturn:
    cell = min((cell for cell in first if day_first[cell] != month_first[cell]), key=lambda cell: (first[cell], cell))
    one, other = day_first[cell], month_first[cell]
    raise RowsProblem(
        "the times can be read with the day first or with the month first, and no row says which is meant",
        where=f"row {first[cell]}",
        found=f"{cell!r}, which is {one:%Y-%m-%d} with the day first and {other:%Y-%m-%d} with the month first",
        cure=_CURE,
    )


def _rows(cells: Sequence[str], first: dict[str, int]) -> str:
    ordered = sorted(cells, key=lambda cell: (first[cell], cell))
    return some([f"{cell!r} (row {first[cell]})" for cell in ordered], limit=3)
