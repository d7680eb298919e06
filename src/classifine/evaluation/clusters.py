"""Takes which group each row belongs to and gives intervals that draw groups, since rows of one group are alike.

A thousand posts of ten authors are ten authors: an interval that draws posts is too narrow.
Does not know labels' names, metrics or models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.evaluation.intervals import (
    ALL_ALIKE,
    BCA,
    NORMAL,
    WILSON,
    Figure,
    Statistic,
    bootstrap,
    mean,
    share,
)
from classifine.evaluation.metrics import FloatVector, ratio
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import FEWEST, Z, wilson
from classifine.tables import Predictions

BY_GROUP = ", groups drawn"
TOO_FEW_GROUPS = "too few groups"
# More groups than these are put together at random: an interval of so many units cannot tell the difference.
MOST = 2_000


@dataclass(frozen=True)
class Groups:
    """Which group each row belongs to.

    Attributes
    ----------
    of_row
        The group of each row, shape [n], from 0 to ``n_groups`` - 1; each has a row.
    n_groups
        How many there are.
    """

    of_row: IntVector
    n_groups: int

    @classmethod
    def of(cls, names: Sequence[Any] | npt.NDArray[Any]) -> Groups:
        """Give each group a number, by its name."""
        found, of_row = np.unique(np.asarray(names), return_inverse=True)
        return cls(of_row.reshape(-1).astype(np.int64), len(found))

    def take(self, kept: Any) -> Groups:
        """Give the groups of some rows, chosen by a mask or by places."""
        return Groups.of(self.of_row[kept])

    def sums(self, values: FloatMatrix) -> FloatMatrix:
        """Sum values of rows up by group, shape [n, k] to [n_groups, k]."""
        from scipy.sparse import csr_array

        ones = np.ones(len(self.of_row))
        table = csr_array((ones, (self.of_row, np.arange(len(self.of_row)))), shape=(self.n_groups, len(self.of_row)))
        return np.asarray(table @ values, dtype=np.float64)

    def units(self, seed: int) -> IntVector:
        """Give the unit each group is drawn with, shape [n_groups]: itself, or one of 2,000 where they are too many."""
        if self.n_groups <= MOST:
            return np.arange(self.n_groups)
        order: IntVector = np.random.default_rng(seed).permutation(self.n_groups) % MOST
        return order

    def error(self, pulls: FloatMatrix) -> Any:
        """Give the standard error that pulls of rows make, groups being the units: shape [n, ...] to [...].

        Notes
        -----
        Of ROC-AUC, this is Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data", Biometrics 53.
        """
        summed = self.sums(pulls.reshape(len(pulls), -1))
        spread = np.sqrt((summed**2).sum(axis=0) * self.n_groups / max(self.n_groups - 1, 1))
        return spread.reshape(pulls.shape[1:]) if pulls.ndim > 1 else float(spread[0])

    @property
    def reach(self) -> float:
        """Standard errors to each side: Student's t, as few groups tell little about their own spread."""
        from scipy.stats import t

        return float(t.ppf(0.975, self.n_groups - 1)) if self.n_groups > 1 else Z


def groups_of(predictions: Predictions, positions: IntVector) -> Groups | None:
    """Give the groups of some rows of predictions; none where rows stand alone."""
    return None if predictions.groups is None else Groups.of([predictions.groups[place] for place in positions])


def of_cells(
    counts: IntVector,
    statistic: Statistic,
    *,
    seed: int,
    groups: Groups | None = None,
    of_row: IntVector | None = None,
) -> list[Figure]:
    """Give figures of a table of counts with BCa intervals that draw rows or, where there are groups, groups.

    Parameters
    ----------
    counts, statistic, seed
        As :func:`classifine.evaluation.intervals.bootstrap`.
    groups
        Which group each row belongs to; none where rows are drawn.
    of_row
        The cell of each row, shape [n]; needed where there are groups.

    Notes
    -----
    Field and Welsh 2007, "Bootstrapping clustered data", JRSS B 69: whole groups are drawn with replacement.
    """
    if groups is None:
        return bootstrap(counts, statistic, seed=seed)
    if of_row is None:
        raise ValueError("groups are drawn of rows: of_row says which cell each is in")
    from scipy.sparse import coo_array

    units = groups.units(seed)
    n_units = int(units.max()) + 1
    rows = (units[groups.of_row], of_row)
    table = coo_array((np.ones(len(of_row), dtype=np.int64), rows), shape=(n_units, len(counts))).tocsr()
    across = table.T.tocsr()
    found = bootstrap(
        np.ones(n_units, dtype=np.int64), lambda drawn: statistic(np.asarray((across @ drawn.T).T)), seed=seed
    )
    return [_told(one, groups, len(of_row)) for one in found]


def proportions(
    values: Mapping[str, npt.NDArray[Any]], *, seed: int, groups: Groups | None = None
) -> dict[str, Figure]:
    """Give shares of rows, by name: Wilson's interval, or one that draws groups.

    Parameters
    ----------
    values
        Whether each row counts, 0 or 1, shape [n] each.
    seed
        Where draws start.
    groups
        Which group each row belongs to.
    """
    columns = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
    if groups is None or not columns:
        return {name: share(round(float(value.sum())), len(value)) for name, value in columns.items()}
    n = len(groups.of_row)
    if not n:
        return {name: share(0, 0) for name in columns}
    summed = groups.sums(np.stack([np.ones(n), *columns.values()], axis=1))
    units = groups.units(seed)
    table = np.zeros((int(units.max()) + 1, summed.shape[1]))
    np.add.at(table, units, summed)

    def statistic(drawn: IntVector) -> FloatMatrix:
        totals = drawn @ table
        return ratio(totals[:, 1:], totals[:, :1])

    found = bootstrap(np.ones(len(table), dtype=np.int64), statistic, seed=seed)
    return {name: _share(_told(one, groups, n), groups) for name, one in zip(columns, found, strict=True)}


def average(values: FloatVector, groups: Groups | None, most: float = math.inf) -> Figure:
    """Give the mean of row values with the interval of the normal distribution, or of Student's t where groups vary."""
    if groups is None:
        return mean(values, most)
    n, value = len(values), float(values.mean())
    if groups.n_groups < FEWEST:
        return Figure(value, None, None, n, NORMAL + BY_GROUP, TOO_FEW_GROUPS)
    spread = groups.reach * groups.error((values - value) / n)
    return Figure(value, max(0.0, value - spread), min(value + spread, most), n, NORMAL + BY_GROUP)


def shares_of(figures: Sequence[Figure], groups: Groups | None) -> list[Figure]:
    """Give shares that were drawn by groups an interval also where every draw gives the same."""
    return [one if groups is None else _share(one, groups) for one in figures]


def _told(figure: Figure, groups: Groups, n: int) -> Figure:
    method = figure.method + BY_GROUP
    if groups.n_groups < FEWEST:
        return Figure(figure.value, None, None, n, method, TOO_FEW_GROUPS)
    return Figure(figure.value, figure.low, figure.high, n, method, figure.note)


def _share(figure: Figure, groups: Groups) -> Figure:
    """Where all rows are alike, no draw differs; then each group counts once, which is as if its rows were one."""
    if figure.note != ALL_ALIKE or not figure.method.startswith(BCA) or figure.value not in (0.0, 1.0):
        return figure
    low, high = wilson(round(figure.value * groups.n_groups), groups.n_groups)
    return Figure(figure.value, low, high, figure.n, f"{WILSON} of groups")
