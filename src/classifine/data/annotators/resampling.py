"""Takes how often each kind of item occurs and gives coefficients with bootstrap intervals over items.

BCa intervals of 1,000 resamples, Wilson's for shares; below 10 items, none. Does not know what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from classifine.data.annotators.votes import FloatVector
from classifine.errors import count
from classifine.labels import FloatMatrix, IntVector

CONFIDENCE = 0.95
FEWEST = 10
RESAMPLES = 1_000
ALL_ALIKE = "every resample gives this value, so there is no interval"

_MOST_UNDEFINED = 0.05
_CHUNK = 2_000_000  # numbers in one array of resamples: 16 MB
_MOST_GROUPS = 500
_ITEMS_PER_KIND = 4  # with fewer, drawing items is quicker than drawing kinds
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

Statistic = Callable[[FloatMatrix], FloatMatrix]


@dataclass(frozen=True)
class Coefficient:
    """One measure of agreement.

    Attributes
    ----------
    value
        The measure, or ``None`` where it is undefined.
    low, high
        Its 95 % interval over items, or ``None``.
    items
        How many items it was computed from.
    note
        Why it is undefined or has no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        told = {"value": self.value, "low": self.low, "high": self.high, "items": self.items}
        return told if self.note is None else {**told, "note": self.note}


def undefined(items: int, why: str) -> Coefficient:
    """Give a coefficient that has no value."""
    return Coefficient(None, None, None, items, why)


def bootstrap(
    multiplicity: IntVector, statistic: Statistic, *, why: str, seed: int, resamples: int = RESAMPLES
) -> list[Coefficient]:
    """Give coefficients of items of several kinds with BCa intervals.

    Items of one kind are alike in all that the statistic sees, so drawing the numbers of each kind from their
    multinomial is the same as drawing items with replacement.

    Parameters
    ----------
    multiplicity
        How many items there are of each kind, shape [n_kinds].
    statistic
        Turns numbers of each kind [r, n_kinds] into values [r, n_coefficients]; NaN where one is undefined.
    why
        What to say of a coefficient that is undefined.
    seed
        Where the draws start.
    resamples
        How many times as many items are drawn.

    Notes
    -----
    Efron (1987), "Better bootstrap confidence intervals", JASA 82:171-185. In simulation of alpha (3 annotators, one
    label of 90 %) 95 % intervals hold the truth in .76, .87 and .94 of the cases at 20, 50 and 200 items, those of
    bare percentiles in .68, .85 and .92; with equally frequent labels, both in .94 to .96.
    """
    items = int(multiplicity.sum())
    values = statistic(multiplicity[None, :].astype(np.float64))[0]
    if items < FEWEST or np.isnan(values).all():
        return [_without(float(value), items, why) for value in values]
    drawn = np.concatenate([statistic(part) for part in _draws(multiplicity, seed, resamples)])
    drawn.sort(axis=0)  # NaN goes last
    defined = resamples - np.isnan(drawn).sum(axis=0)
    bends = _accelerations(multiplicity, statistic)
    return [
        _with_interval(float(value), column[:usable], float(bend), items, why, resamples)
        for value, column, usable, bend in zip(values, drawn.T, defined, bends, strict=True)
    ]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95 % score interval of a share of at least one item.

    Examples
    --------
    >>> low, high = wilson(34, 40)
    >>> round(low, 4), round(high, 4)
    (0.7093, 0.9294)
    """
    p, z2 = successes / n, _Z * _Z
    middle = p + z2 / (2 * n)
    spread = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - spread) / (1 + z2 / n), (middle + spread) / (1 + z2 / n)
    return (0.0 if successes == 0 else max(0.0, low)), (1.0 if successes == n else min(1.0, high))


def share(successes: int, n: int, *, why: str) -> Coefficient:
    """Give a share of items with Wilson's interval; a share of no items is undefined."""
    if n == 0:
        return undefined(0, why)
    if n < FEWEST:
        return _without(successes / n, n, why)
    return Coefficient(successes / n, *wilson(successes, n), n)


def _without(value: float, items: int, why: str) -> Coefficient:
    if math.isnan(value):
        return undefined(items, why)
    return Coefficient(value, None, None, items, f"{count(items, 'item')}: too few for an interval")


def _with_interval(value: float, drawn: FloatVector, bend: float, items: int, why: str, resamples: int) -> Coefficient:
    if math.isnan(value):
        return undefined(items, why)
    if len(drawn) < (1 - _MOST_UNDEFINED) * resamples:
        share_of = 1 - len(drawn) / resamples
        return Coefficient(value, None, None, items, f"undefined in {share_of:.0%} of the resamples, so no interval")
    if drawn[-1] - drawn[0] < 1e-12:
        return Coefficient(value, None, None, items, ALL_ALIKE)
    # rounding must not count as a shift
    below = (np.searchsorted(drawn, value - 1e-12) + np.searchsorted(drawn, value + 1e-12)) / (2 * len(drawn))
    edge = 0.5 / len(drawn)
    normal = NormalDist()
    bias = normal.inv_cdf(min(max(float(below), edge), 1 - edge))
    ends = []
    for z in (-_Z, _Z):
        shifted = bias + z
        room = 1 - bend * shifted
        # no room left: the formula has run through its pole, whose near side is the end of the distribution
        ends.append(normal.cdf(bias + shifted / room) if room > 0 else float(shifted > 0))
    low, high = np.interp(ends, np.linspace(0, 1, len(drawn)), drawn)
    return Coefficient(value, float(low), float(high), items)


def _accelerations(multiplicity: IntVector, statistic: Statistic) -> FloatVector:
    """Give how fast each coefficient's spread changes with its value: the skewness of its jackknife values.

    Of more than 500 kinds, groups are left out instead of single items; sums over groups have the same third moment.
    """
    kinds = len(multiplicity)
    groups = min(kinds, _MOST_GROUPS)
    single = kinds == groups
    times = multiplicity.astype(np.float64) if single else np.ones(groups)
    step = max(1, _CHUNK // kinds)
    parts = []
    for start in range(0, groups, step):
        size = min(step, groups - start)
        left = np.repeat(multiplicity[None, :].astype(np.float64), size, axis=0)
        place = np.flatnonzero((np.arange(kinds) % groups >= start) & (np.arange(kinds) % groups < start + size))
        rows = place % groups - start
        left[rows, place] = left[rows, place] - 1 if single else 0
        parts.append(statistic(left))
    values = np.concatenate(parts)
    known = ~np.isnan(values)
    weights = np.where(known, times[:, None], 0.0)
    mean = np.where(known, values * weights, 0.0).sum(axis=0) / np.maximum(weights.sum(axis=0), 1)
    deviations = np.where(known, mean - values, 0.0)
    squares = (weights * deviations**2).sum(axis=0)
    cubes = (weights * deviations**3).sum(axis=0)
    bends: FloatVector = np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(cubes), where=squares > 1e-24)
    return bends


def _draws(multiplicity: IntVector, seed: int, resamples: int) -> Iterator[FloatMatrix]:
    generator = np.random.default_rng(seed)
    items, kinds = int(multiplicity.sum()), len(multiplicity)
    by_item = items < _ITEMS_PER_KIND * kinds
    kind_of_item = np.repeat(np.arange(kinds), multiplicity) if by_item else np.empty(0, dtype=np.int64)
    step = max(1, _CHUNK // max(kinds, items if by_item else 0))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if by_item:
            drawn = kind_of_item[generator.integers(items, size=(size, items), dtype=np.int32)]
            drawn += np.arange(size)[:, None] * kinds
            yield np.bincount(drawn.ravel(), minlength=size * kinds).reshape(size, kinds).astype(np.float64)
        else:
            yield generator.multinomial(items, multiplicity / items, size=size).astype(np.float64)
