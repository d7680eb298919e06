"""Takes votes and gives percent agreement, Fleiss' kappa and Krippendorff's alpha of them.

Each is a function of how often an item counts, so that a bootstrap draws numbers only; items with the same votes are
one kind. Does not know who voted, intervals or what becomes of the votes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from classifine.data.annotators.resampling import Statistic
from classifine.data.annotators.votes import FloatVector, Tally
from classifine.errors import SettingsProblem, count, some
from classifine.labels import FloatMatrix, IntVector

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Scale = Literal["nominal", "ordinal", "interval"]


def places(labels: Sequence[str], scale: Scale, order: Sequence[str]) -> FloatVector | None:
    """Give where labels stand on their scale: ranks, numbers, or nothing where they are names.

    Raises
    ------
    SettingsProblem
        Labels that have no place in the order, or are no numbers.
    """
    if scale == "nominal":
        return None
    if scale == "interval":
        numbers = [_number(label) for label in labels]
        bad = [repr(label) for label, number in zip(labels, numbers, strict=True) if number is None]
        if bad:
            raise SettingsProblem(
                "alpha on an interval scale needs labels that are numbers",
                found=some(bad),
                cure='mend them, or choose scale = "nominal" or "ordinal"',
            )
        return np.array(numbers, dtype=np.float64)
    rank = {label: place for place, label in enumerate(order)}
    if len(rank) != len(order):
        raise SettingsProblem(
            "a label stands twice in the order", found=some([repr(x) for x in order if list(order).count(x) > 1])
        )
    lacking = [repr(label) for label in labels if label not in rank]
    if lacking:
        raise SettingsProblem(
            f"{count(len(lacking), 'label has', 'labels have')} no place in the order of an ordinal scale",
            found=some(lacking),
            expected="every label of the data, from the lowest to the highest",
            cure="name them all: --label-order LABEL --label-order LABEL",
        )
    return np.array([rank[label] for label in labels], dtype=np.float64)


def _number(label: str) -> float | None:
    try:
        number = float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class Kinds:
    """The items that have at least two judgements, by what was said of them.

    Attributes
    ----------
    multiplicity
        How many items of each kind there are, shape [n_kinds].
    votes
        How often each label was given, sparse, shape [n_kinds, n_labels].
    totals
        Judgements of an item of each kind.
    """

    multiplicity: IntVector
    votes: csr_array
    totals: FloatVector

    @classmethod
    def of(cls, tally: Tally, n_labels: int) -> Kinds:
        """Collect the kinds; their order hangs on the votes alone."""
        from scipy.sparse import csr_array

        said = np.stack([tally.label, tally.count], axis=1)
        counts: dict[bytes, int] = {}
        for item in np.flatnonzero(tally.totals > 1):
            key = said[tally.starts[item] : tally.starts[item + 1]].tobytes()
            counts[key] = counts.get(key, 0) + 1
        keys = sorted(counts)
        lengths = [len(key) // said.itemsize // 2 for key in keys]
        pairs = np.frombuffer(b"".join(keys), dtype=said.dtype).reshape(-1, 2)
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
        votes = csr_array((pairs[:, 1].astype(np.float64), pairs[:, 0], starts), shape=(len(keys), n_labels))
        multiplicity = np.array([counts[key] for key in keys], dtype=np.int64)
        return cls(multiplicity, votes, votes.sum(axis=1))

    def measures(self, scale: Scale, standing: FloatVector | None) -> Statistic:
        """Give the function from numbers of each kind [r, n_kinds] to values [r, 3 + n_labels].

        The values are percent agreement, Fleiss' kappa (which means something only where all items have the same
        number of judgements), alpha, and alpha of each label against all others; NaN where one is undefined.
        """
        by_label = self.votes.T.tocsr()
        splits = self.votes.copy()  # ordered pairs of judgements that a label divides, as alpha weighs them
        of_kind = np.repeat(np.arange(len(self.totals)), np.diff(splits.indptr))
        splits.data = 2 * splits.data * (self.totals[of_kind] - splits.data) / (self.totals[of_kind] - 1)
        divided = splits.T.tocsr()
        agreeing = (self.votes * self.votes).sum(axis=1) - self.totals
        agreeing = agreeing / (self.totals * (self.totals - 1))

        def values(weights: FloatMatrix) -> FloatMatrix:
            sums = (by_label @ weights.T).T
            n = sums.sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                percent = weights @ agreeing / weights.sum(axis=1)
                expected = ((sums / n[:, None]) ** 2).sum(axis=1)
                fleiss = (percent - expected) / _nonzero(1 - expected)
                labels = 1 - (n[:, None] - 1) * (divided @ weights.T).T / _nonzero(2 * sums * (n[:, None] - sums))
                if standing is None:
                    observed = weights @ ((1 - agreeing) * self.totals)
                    chance = n**2 - (sums**2).sum(axis=1)
                else:
                    ranks = _ranks(sums, standing) if scale == "ordinal" else np.broadcast_to(standing, sums.shape)
                    observed, chance = self._squares(weights, sums, n, ranks)
                alpha = 1 - (n - 1) * observed / _nonzero(chance)
            return np.column_stack([percent, fleiss, alpha, labels])

        return values

    def _squares(
        self, weights: FloatMatrix, sums: FloatMatrix, n: FloatVector, ranks: FloatMatrix
    ) -> tuple[FloatVector, FloatVector]:
        """Give observed and expected sums of squared differences; from the mean, lest large numbers eat small ones."""
        ranks = ranks - (sums * ranks).sum(axis=1, keepdims=True) / n[:, None]
        squares, first = self.votes @ (ranks**2).T, self.votes @ ranks.T
        within = 2 * (self.totals[:, None] * squares - first**2) / (self.totals[:, None] - 1)
        within[np.diff(self.votes.indptr) == 1] = 0  # one label only: rounding is no difference
        return (weights * within.T).sum(axis=1), 2 * n * (sums * ranks**2).sum(axis=1)


def _ranks(sums: FloatMatrix, standing: FloatVector) -> FloatMatrix:
    """Give each label's middle rank among all judgements; ordinal alpha is interval alpha of these."""
    order = np.argsort(standing)
    ordered = sums[:, order]
    ranks = np.empty_like(sums)
    ranks[:, order] = np.cumsum(ordered, axis=1) - ordered / 2
    return ranks


def _nonzero(values: FloatMatrix) -> FloatMatrix:
    """Make what cannot be divided by NaN; a hair's breadth is rounding."""
    return np.where(np.abs(values) > 1e-12, values, np.nan)
