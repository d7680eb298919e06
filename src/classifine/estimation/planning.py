"""Takes a pilot's variances and a wanted width and gives how many gold rows that takes, and how to draw them best.

Rows whose labels are least certain are drawn more often, each with a probability that is known. Does not know files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifine.estimation.intervals import FloatVector
from classifine.labels import FloatMatrix, IntVector

STRATA = 8
_FEWEST_IN_STRATUM = 5
_PILOT_SAYS = 5.0  # how many pilot rows the predictions' own uncertainty counts for
_LEAST_SHARE = 0.1  # of the mean error: predictions that are too sure must not empty a stratum


@dataclass(frozen=True)
class Parts:
    """What the variance of a corrected share is made of.

    Attributes
    ----------
    predicted, truth, together
        Variances of a working value and of a gold value, and their covariance.
    """

    predicted: float
    truth: float
    together: float

    def tuning(self, n: float, rest: float) -> float:
        """Give how much PPI++ would lean on the predictions with n gold rows."""
        return min(max(self.together / ((1 + n / rest) * self.predicted), 0.0), 1.0) if self.predicted > 0 else 0.0

    def se(self, n: float, rest: float) -> float:
        """Give the standard error with n gold rows drawn at random and ``rest`` other rows."""
        lam = self.tuning(n, rest)
        error = self.truth - 2 * lam * self.together + lam**2 * self.predicted
        return float(np.sqrt(lam**2 * self.predicted / rest + max(error, 0.0) / n))


def rows_needed(parts: Parts, texts: int, width: float, c: float) -> int | None:
    """Give how many gold rows drawn at random give an interval of this width; none where all texts are too few.

    Examples
    --------
    >>> rows_needed(Parts(0.0, 0.25, 0.0), 100_000, 0.1, 1.96)
    385
    """
    low, high = 2, texts - 1
    if 2 * c * parts.se(high, 1) > width:
        return None
    while low < high:
        middle = (low + high) // 2
        if 2 * c * parts.se(middle, max(texts - middle, 1)) <= width:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True)
class Allocation:
    """How gold rows are drawn.

    Attributes
    ----------
    strata
        The stratum of each row, from 0, shape [m].
    rows
        Rows in each stratum, shape [h].
    spread
        Standard deviation of the error in each, shape [h].
    drawn
        How many rows are drawn from each, shape [h].
    """

    strata: IntVector
    rows: IntVector
    spread: FloatVector
    drawn: IntVector

    @property
    def se(self) -> float:
        """The standard error that is foreseen."""
        share = self.rows / self.rows.sum()
        return float(np.sqrt((share**2 * self.spread**2 / np.maximum(self.drawn, 1)).sum()))


def strata_of(uncertainty: FloatVector, strata: int = STRATA) -> IntVector:
    """Divide rows by how uncertain they are so that each part holds as much uncertainty as the others, shape [m].

    Notes
    -----
    The rule of the cumulated square root (Dalenius and Hodges 1959), taken of the rows' own standard deviations.
    """
    order = np.argsort(uncertainty, kind="stable")
    total = np.cumsum(np.sqrt(uncertainty[order]) + 1e-12)
    # equal rows stay together, so that a stratum is known by its predictions alone
    values = uncertainty[order]
    first = np.r_[True, values[1:] != values[:-1]]
    at_first = np.maximum.accumulate(np.where(first, np.arange(len(values)), 0))
    begun = np.r_[0.0, total[:-1]][at_first]
    part = np.minimum((begun / total[-1] * strata).astype(np.int64), strata - 1)
    found = np.empty(len(order), dtype=np.int64)
    found[order] = part
    names: IntVector = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return names


def allocated(
    uncertainty: FloatVector, n: int, *, pilot: IntVector, errors: FloatMatrix, strata: int = STRATA
) -> Allocation:
    """Say how many gold rows to draw from each stratum (Neyman 1934): in proportion to its size and its spread.

    Parameters
    ----------
    uncertainty
        The variance of a row's label as its probabilities say it, shape [m].
    n
        Rows to draw.
    pilot
        Places of pilot rows, shape [n_pilot]; what their errors say counts with what the probabilities say.
    errors
        Gold minus working values of the pilot rows, shape [n_pilot, k].
    strata
        How many parts at most.
    """
    of = strata_of(uncertainty, strata)
    rows = np.bincount(of)
    said = np.bincount(of, uncertainty) / rows
    squares = (errors**2).sum(axis=1)
    mean = float(squares.mean()) if len(squares) else float(uncertainty.mean())
    prior = np.maximum(said, _LEAST_SHARE * mean)
    known = np.bincount(of[pilot], minlength=len(rows))
    seen = np.bincount(of[pilot], squares, minlength=len(rows))
    spread = np.sqrt((seen + _PILOT_SAYS * prior) / (known + _PILOT_SAYS))
    return Allocation(of, rows, spread, _neyman(rows, spread, min(n, int(rows.sum()))))


def _neyman(rows: IntVector, spread: FloatVector, n: int) -> IntVector:
    """Share out n rows: at least a few from each stratum, at most all of it."""
    least = np.minimum(rows, _FEWEST_IN_STRATUM)
    drawn = least.astype(np.float64)
    left = n - drawn.sum()
    weight = rows * spread
    while left > 0.5:
        free = drawn < rows
        if not free.any():
            break
        more = np.where(free, weight, 0.0)
        added = np.minimum(left * more / more.sum(), rows - drawn) if more.sum() > 0 else np.where(free, 1.0, 0.0)
        drawn += added
        left = n - drawn.sum()
        if added.sum() < 0.5:
            break
    whole = np.floor(drawn).astype(np.int64)
    for at in np.argsort(-(drawn - whole), kind="stable")[: max(round(float(drawn.sum())) - int(whole.sum()), 0)]:
        whole[at] += whole[at] < rows[at]
    return whole


def draw(allocation: Allocation, *, seed: int, barred: IntVector) -> tuple[IntVector, FloatVector]:
    """Draw rows from each stratum at random, none of those that are barred.

    Returns
    -------
    tuple
        The places of the rows, rising; and the probability each row of a stratum that is not barred had, shape [h].
    """
    generator = np.random.default_rng(seed)
    free = np.ones(len(allocation.strata), dtype=bool)
    free[barred] = False
    found, shares = [], np.zeros(len(allocation.rows))
    for stratum, wanted in enumerate(allocation.drawn.tolist()):
        own = np.flatnonzero(free & (allocation.strata == stratum))
        take = min(wanted, len(own))
        shares[stratum] = take / len(own) if len(own) else 0.0
        found.append(generator.choice(own, take, replace=False))
    return np.sort(np.concatenate(found)).astype(np.int64), shares
