"""Takes nothing and gives the shape of what is known of a corpus: predictions of all rows, gold of some.

Also which of its rows make up a group. Does not know how any of it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classifine.estimation.answers import Sampled
from classifine.estimation.intervals import BoolVector, FloatVector
from classifine.labels import FloatMatrix, IntVector


@dataclass(frozen=True)
class Grouping:
    """Which group each row belongs to.

    Attributes
    ----------
    names
        The groups, in the order they are told.
    of
        The place of each row's group among them, shape [m].
    """

    names: tuple[str, ...]
    of: IntVector

    def members(self) -> Iterator[tuple[str, IntVector]]:
        """Give the rows of each group in turn."""
        order = np.argsort(self.of, kind="stable")
        cuts = np.searchsorted(self.of[order], np.arange(len(self.names) + 1))
        for place, name in enumerate(self.names):
            yield name, order[cuts[place] : cuts[place + 1]].astype(np.int64)


@dataclass(frozen=True)
class Material:
    """All rows of a corpus and the gold rows, which may be among them or stand beside them.

    Attributes
    ----------
    names
        What the columns of the values are: labels, or the one thing that is averaged.
    counted
        What a plain count of the predictions takes for true, shape [m, k]: 0 or 1 for labels, a code for a mean.
    working
        What the correction works with, shape [m, k]: probabilities where there are any, else the same.
    gold
        The places of the gold rows, shape [n].
    truth
        Their gold values, shape [n, k].
    corpus
        Which rows are spoken of, shape [m]; gold rows from elsewhere are not.
    sampled
        How the gold rows were drawn.
    probability
        Of being drawn, of each gold row, shape [n].
    clusters
        The cluster of each row, shape [m], or none.
    grouping
        The groups asked about, or none.
    strata
        The stratum of each row, shape [m], where gold rows were drawn stratum by stratum.
    exclusive
        Whether each row has one label only.
    """

    names: tuple[str, ...]
    counted: FloatMatrix
    working: FloatMatrix
    gold: IntVector
    truth: FloatMatrix
    corpus: BoolVector
    sampled: Sampled
    probability: FloatVector | None = None
    clusters: IntVector | None = None
    grouping: Grouping | None = None
    strata: IntVector | None = None
    exclusive: bool = True

    @cached_property
    def place_of_gold(self) -> IntVector:
        """For each row its place among the gold rows, or -1, shape [m]."""
        place = np.full(len(self.corpus), -1, dtype=np.int64)
        place[self.gold] = np.arange(len(self.gold))
        return place

    @property
    def inside(self) -> bool:
        """Whether the gold rows are among the rows spoken of."""
        return bool(self.corpus[self.gold].all())
