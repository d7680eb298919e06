"""Takes votes and gives how far each annotator agrees with the others, and each pair with one another.

Does not know texts, labels' scales or what becomes of the votes.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.data.annotators.resampling import Coefficient, Statistic, bootstrap, share
from classifine.data.annotators.votes import FloatVector, Tally, Votes
from classifine.data.ordering import lot
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import FEWEST

MOST_PAIRS = 300  # more are counted only: nobody reads them, and each needs a bootstrap of its own

_NOBODY = "the others have no majority on any item this annotator judged"
_ONE_LABEL = "both sides give one and the same label throughout, so nothing could have differed"


@dataclass(frozen=True)
class AnnotatorAgreement:
    """How far one annotator agrees with the others.

    Attributes
    ----------
    annotator
        The name.
    judgements
        Items the annotator judged.
    compared
        Those on which the others have a majority; an item nobody else judged, or on which the others tie, has none.
    with_majority
        Share of the compared items on which the annotator says what the majority of the others says, with Wilson's
        interval.
    kappa
        The same without what chance would bring: Cohen's kappa between the annotator and that majority.
    """

    annotator: str
    judgements: int
    compared: int
    with_majority: Coefficient
    kappa: Coefficient

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        told = {
            "annotator": self.annotator,
            "judgements": self.judgements,
            "compared": self.compared,
            "with_majority": self.with_majority.value,
            "low": self.with_majority.low,
            "high": self.with_majority.high,
            "kappa": self.kappa.to_dict(),
        }
        return told if self.with_majority.note is None else {**told, "note": self.with_majority.note}


@dataclass(frozen=True)
class PairAgreement:
    """How far two annotators agree on the items both judged.

    Attributes
    ----------
    annotators
        Their names.
    items
        How many items both judged.
    percent
        Share of these on which they say the same, with Wilson's interval.
    kappa
        Cohen's kappa.
    standard_error
        Of kappa, for large samples (Fleiss, Cohen & Everitt 1969), or ``None`` where kappa is undefined.
    """

    annotators: tuple[str, str]
    items: int
    percent: Coefficient
    kappa: Coefficient
    standard_error: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "annotators": list(self.annotators),
            "items": self.items,
            "percent": self.percent.to_dict(),
            "kappa": self.kappa.to_dict(),
            "standard_error": self.standard_error,
        }


def by_annotator(votes: Votes, *, seed: int, resamples: int) -> tuple[AnnotatorAgreement, ...]:
    """Compare each annotator with the majority of the others, item by item.

    Parameters
    ----------
    votes
        At most one judgement per annotator and item.
    seed, resamples
        For the intervals; each annotator has draws of their own, so that the others cannot matter.
    """
    majority = _majority_of_others(votes)
    order = np.argsort(votes.annotator, kind="stable")
    ends = np.searchsorted(votes.annotator[order], np.arange(len(votes.annotators) + 1))
    lines = []
    for place, name in enumerate(votes.annotators):
        own = order[ends[place] : ends[place + 1]]
        compared = own[majority[own] >= 0]
        table = _table(votes.label[compared], majority[compared], len(votes.labels))
        lines.append(
            AnnotatorAgreement(
                annotator=name,
                judgements=len(own),
                compared=len(compared),
                with_majority=share(int(table.same.sum()), len(compared), why=_NOBODY),
                kappa=table.kappa(lot(seed, f"annotator {name}"), resamples, _NOBODY),
            )
        )
    return tuple(lines)


def by_pair(votes: Votes, *, seed: int, resamples: int) -> tuple[tuple[PairAgreement, ...], int]:
    """Compare annotators two by two, those with the most items in common first; give also how many pairs there are.

    Pairs with fewer than 10 items in common are not compared; of the others, the first 300 are.

    Parameters
    ----------
    votes, seed, resamples
        As in :func:`by_annotator`.
    """
    from scipy.sparse import csr_array, triu

    ones = np.ones(len(votes.item), dtype=np.int64)
    judged = csr_array((ones, (votes.annotator, votes.item)), shape=(len(votes.annotators), len(votes.items)))
    shared = triu(judged @ judged.T, k=1).tocoo()
    enough = np.flatnonzero(shared.data >= FEWEST)
    enough = enough[np.lexsort((shared.col[enough], shared.row[enough], -shared.data[enough]))]
    order = np.argsort(votes.annotator, kind="stable")
    ends = np.searchsorted(votes.annotator[order], np.arange(len(votes.annotators) + 1))
    own = [order[start:end] for start, end in itertools.pairwise(ends)]
    pairs = []
    for place in enough[:MOST_PAIRS]:
        one, other = own[shared.row[place]], own[shared.col[place]]
        _, left, right = np.intersect1d(votes.item[one], votes.item[other], assume_unique=True, return_indices=True)
        names = (votes.annotators[shared.row[place]], votes.annotators[shared.col[place]])
        table = _table(votes.label[one[left]], votes.label[other[right]], len(votes.labels))
        kappa = table.kappa(lot(seed, f"pair {names}"), resamples, "")
        pairs.append(
            PairAgreement(
                annotators=names,
                items=len(left),
                percent=share(int(table.same.sum()), len(left), why=""),
                kappa=kappa,
                standard_error=None if kappa.value is None else table.standard_error(),
            )
        )
    return tuple(pairs), len(enough)


@dataclass(frozen=True)
class _Table:
    """Which labels two sides gave to the same items; an entry per combination that occurs."""

    one: IntVector
    other: IntVector
    count: IntVector
    n_labels: int

    @property
    def same(self) -> IntVector:
        same: IntVector = self.count[self.one == self.other]
        return same

    def kappa(self, seed: int, resamples: int, nothing: str) -> Coefficient:
        if not len(self.count):
            return Coefficient(None, None, None, 0, nothing)
        return bootstrap(self.count, self._kappa_of(), why=_ONE_LABEL, seed=seed, resamples=resamples)[0]

    def standard_error(self) -> float:
        p = self.count / self.count.sum()
        rows = np.bincount(self.one, p, self.n_labels)
        columns = np.bincount(self.other, p, self.n_labels)
        diagonal = self.one == self.other
        observed, expected = float(p[diagonal].sum()), float(rows @ columns)
        own = (1 - expected) - (rows[self.one] + columns[self.one]) * (1 - observed)
        crossed = (1 - observed) * (columns[self.one] + rows[self.other])
        spread = (p * np.where(diagonal, own, crossed) ** 2).sum()
        spread -= (observed * expected - 2 * expected + observed) ** 2
        return math.sqrt(max(0.0, float(spread)) / self.count.sum()) / (1 - expected) ** 2

    def _kappa_of(self) -> Statistic:
        from scipy.sparse import csr_array

        cells = len(self.count)
        names, places = np.unique(np.concatenate([self.one, self.other]), return_inverse=True)
        ones = np.ones(cells)
        rows = csr_array((ones, (places[:cells], np.arange(cells))), shape=(len(names), cells))
        columns = csr_array((ones, (places[cells:], np.arange(cells))), shape=(len(names), cells))
        diagonal = (self.one == self.other).astype(np.float64)

        def values(weights: FloatMatrix) -> FloatMatrix:
            n = weights.sum(axis=1)
            observed: FloatVector = weights @ diagonal / n
            expected = (np.asarray(rows @ weights.T) * np.asarray(columns @ weights.T)).sum(axis=0) / n**2
            room = np.where(expected < 1 - 1e-12, 1 - expected, np.nan)
            kappas: FloatMatrix = ((observed - expected) / room)[:, None]
            return kappas

        return values


def _table(one: IntVector, other: IntVector, n_labels: int) -> _Table:
    cells, count = np.unique(one * n_labels + other, return_counts=True)
    return _Table(cells // n_labels, cells % n_labels, count, n_labels)


def _majority_of_others(votes: Votes) -> IntVector:
    """Give for each judgement the label most others gave to the item, or -1 where they tie or there are none."""
    tally: Tally = votes.tally
    leading = tally.leading
    n_items = len(votes.items)
    leaders = np.bincount(tally.item[leading], minlength=n_items)
    at = np.searchsorted(tally.item[leading], np.arange(n_items))
    first = tally.label[leading[at]]
    second = tally.label[leading[np.minimum(at + 1, len(leading) - 1)]]
    most = tally.count[leading[at]]
    behind = tally.count.copy()
    behind[leading] = 0
    runner_up = np.maximum.reduceat(behind, tally.starts[:-1])
    item, label = votes.item, votes.label
    lead = tally.count[tally.entry_of(item, label, len(votes.labels))] == most[item]
    alone = leaders[item] == 1
    majority = np.where(alone, first[item], -1)
    # without this judgement, the only leader may be caught up; of two leaders, the other one is left
    majority[lead & alone & (most[item] - 1 <= runner_up[item])] = -1
    two = lead & (leaders[item] == 2)
    majority[two] = np.where(first[item] == label, second[item], first[item])[two]
    return majority
