"""Takes how many rows each cell of a table has and gives what 95 % intervals are made of: Wilson's, and BCa's parts.

BCa intervals rest on draws of rows, on rows left out in turn, and on the two ends that follow from both. Where several
p values are looked at, they are corrected for how many they are.
Does not know what a row is, what is computed from the counts, or how a result is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from classifine.labels import FloatMatrix, IntVector

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # standard errors to each side of an estimate
FEWEST = 10  # rows; with fewer, no interval is worth printing

_CHUNK_NUMBERS = 2_000_000  # numbers in one array of resamples: 16 MB
_ROWS_PER_CELL = 4  # with fewer, drawing rows is quicker than drawing cells
_ROUNDING = 1e-12  # values closer than this are equal

IntMatrix = npt.NDArray[np.int64]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95 % score interval of a share; nothing seen leaves everything possible.

    Examples
    --------
    >>> low, high = wilson(34, 40)
    >>> round(low, 4), round(high, 4)
    (0.7093, 0.9294)
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, Z * Z
    middle = p + z2 / (2 * n)
    spread = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = (middle - spread) / (1 + z2 / n), (middle + spread) / (1 + z2 / n)
    return (0.0 if successes == 0 else max(0.0, low)), (1.0 if successes == n else min(1.0, high))


def draws(counts: IntVector, *, seed: int, resamples: int) -> Iterator[IntMatrix]:
    """Draw as many rows as there are, with replacement, and give how many fall into each cell, [r, n_cells] at a time.

    Drawing the counts from their multinomial is the same as drawing rows, so the work grows with cells, not with rows.

    Parameters
    ----------
    counts
        Rows in each non-empty cell, shape [n_cells].
    seed
        Where the draws start.
    resamples
        How many tables are drawn.
    """
    generator = np.random.default_rng(seed)
    n, n_cells = int(counts.sum()), len(counts)
    by_row = n < _ROWS_PER_CELL * n_cells
    cell_of_row = np.repeat(np.arange(n_cells), counts) if by_row else np.empty(0, dtype=np.int64)
    step = max(1, _CHUNK_NUMBERS // max(n_cells, n if by_row else 0))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if by_row:
            drawn = cell_of_row[generator.integers(n, size=(size, n), dtype=np.int32)]
            drawn += np.arange(size)[:, None] * n_cells
            yield np.bincount(drawn.ravel(), minlength=size * n_cells).reshape(size, n_cells)
        else:
            yield generator.multinomial(n, counts / n, size=size)


def leaving_out(counts: IntVector, groups: int) -> Iterator[IntMatrix]:
    """Give the counts with one row of each cell in turn left out, [r, n_cells] at a time.

    Rows of one cell are alike, so each stands for all of them. With fewer groups than cells, groups of whole cells are
    left out in turn instead of rows; sums over groups have the same third moment.
    """
    n_cells = len(counts)
    step = max(1, _CHUNK_NUMBERS // n_cells)
    for start in range(0, groups, step):
        size = min(step, groups - start)
        left = np.repeat(counts[None, :], size, axis=0)
        turn = np.arange(n_cells) % groups - start
        cells = np.flatnonzero((turn >= 0) & (turn < size))
        left[turn[cells], cells] = counts[cells] - 1 if groups == n_cells else 0
        yield left


def accelerations(values: FloatMatrix, weights: npt.NDArray[np.int64] | FloatMatrix) -> FloatMatrix:
    """Give how fast a value's spread changes with the value: the skewness of its jackknife values.

    Parameters
    ----------
    values
        One for each thing left out, shape [..., n_left_out]; NaN, where a value is undefined, is passed over.
    weights
        How often each occurs, shape [n_left_out].
    """
    known = ~np.isnan(values)
    weights = np.where(known, weights, 0.0)
    mean = np.where(known, values * weights, 0.0).sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1)
    deviations = np.where(known, mean[..., None] - values, 0.0)
    squares = (weights * deviations**2).sum(axis=-1)
    cubes = (weights * deviations**3).sum(axis=-1)
    skewed = squares > _ROUNDING**2
    found: FloatMatrix = np.divide(cubes, 6 * squares**1.5, out=np.zeros_like(cubes), where=skewed)
    return found


def bca_ends(value: float, drawn: FloatMatrix, acceleration: float) -> tuple[float, float]:
    """Give the shares of resamples below the two ends of the interval: bias-corrected and accelerated.

    Parameters
    ----------
    value
        What all rows give.
    drawn
        What the resamples give, shape [r].
    acceleration
        From :func:`accelerations`.

    Notes
    -----
    Efron (1987), "Better bootstrap confidence intervals", JASA 82:171-185.
    """
    normal = NormalDist()
    # rounding must not count as a shift
    below = ((drawn < value - _ROUNDING).sum() + (drawn < value + _ROUNDING).sum()) / (2 * len(drawn))
    edge = 0.5 / len(drawn)
    bias = normal.inv_cdf(min(max(float(below), edge), 1 - edge))
    low, high = (_end(bias, bias + z, acceleration) for z in (-Z, Z))
    return low, high


def _end(bias: float, shifted: float, acceleration: float) -> float:
    room = 1 - acceleration * shifted
    # no room left: the formula has run through its pole, whose near side is the end of the distribution
    return NormalDist().cdf(bias + shifted / room) if room > 0 else float(shifted > 0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for how many they are: with all below .05, the chance that any is a false alarm is below .05.

    Notes
    -----
    Holm (1979), Scandinavian Journal of Statistics 6:65: the smallest is multiplied by their number, the next by one
    less, and so on; none may become smaller than the one before it. Nothing is assumed about how they depend.

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected
