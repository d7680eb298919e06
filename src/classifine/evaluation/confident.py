"""Takes labels as they were given and out-of-sample probabilities and gives the rows whose label may be wrong.

Confident learning: a row is suspected where another label is as probable as it usually is for its own rows. Nothing is
dropped or changed. Does not know texts, models, or where the probabilities come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.evaluation.metrics import FloatVector, IntMatrix
from classifine.labels import BoolMatrix, FloatMatrix, IntVector

_EDGE = 1e-6  # thresholds are taken this much lower, so that rounding does not decide


@dataclass(frozen=True, eq=False)
class Suspects:
    """Which rows' labels may be wrong, and how strongly the probabilities say so.

    Attributes
    ----------
    suspected
        Whether each row is one, shape [n].
    suggested
        Of each row: the most probable label among those that are confidently there, else the given one, shape [n].
    self_confidence
        Probability of the given label, shape [n].
    margin
        That less the highest probability of another label, from -1 to 1; the lowest first is the order to look at
        rows in, shape [n].
    joint
        How many rows with a given label (rows) are confidently of a label (columns), shape [n_labels, n_labels].
    thresholds
        How probable each label is on average for the rows that have it; NaN where none does, shape [n_labels].
    support
        How many rows have each label, shape [n_labels].
    """

    suspected: npt.NDArray[np.bool_]
    suggested: IntVector
    self_confidence: FloatVector
    margin: FloatVector
    joint: IntMatrix
    thresholds: FloatVector
    support: IntVector

    @property
    def ranked(self) -> IntVector:
        """The suspected rows, the most suspicious first, equals in their order."""
        rows = np.flatnonzero(self.suspected)
        return rows[np.argsort(self.margin[rows], kind="stable")]

    @property
    def estimated(self) -> float:
        """How many labels are wrong, as the joint distribution of given and true labels says.

        Each row of the joint is brought to the number of rows with that label, since not every row is confidently of
        some label; then the off-diagonal sum is taken.
        """
        sums = self.joint.sum(axis=1)
        wrong = sums - np.diagonal(self.joint)
        return float((wrong / np.maximum(sums, 1) * self.support).sum())


def suspects(probabilities: FloatMatrix, given: IntVector) -> Suspects:
    """Find the rows whose label may be wrong, where each has one.

    Parameters
    ----------
    probabilities
        From classifiers that had not seen the row, shape [n, n_labels]; finite.
    given
        The label of each row, shape [n].

    Notes
    -----
    Northcutt, Jiang and Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", JAIR 70:1373.
    The threshold of a label is the mean of its probability over the rows that have it. A row counts in the joint for
    the most probable of the labels that reach their thresholds; off the diagonal, it is suspected.

    Examples
    --------
    >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.05, 0.95]])
    >>> found = suspects(probabilities, np.array([0, 0, 1, 1, 0]))
    >>> found.thresholds.round(3).tolist(), found.ranked.tolist(), found.suggested.tolist()
    ([0.583, 0.85], [4], [0, 0, 1, 1, 1])
    """
    n, n_labels = probabilities.shape
    rows = np.arange(n)
    support = np.bincount(given, minlength=n_labels)
    own = probabilities[rows, given]
    sums = np.bincount(given, weights=own, minlength=n_labels)
    thresholds = np.where(support > 0, sums / np.maximum(support, 1), np.nan)
    reached = probabilities >= np.where(support > 0, thresholds, np.inf) - _EDGE
    confident = reached.any(axis=1)
    best = np.where(reached, probabilities, -np.inf).argmax(axis=1)
    # of equally probable labels, the given one is nobody's mistake
    best = np.where(reached[rows, given] & (own >= probabilities[rows, best]), given, best)
    best = np.where(confident, best, given)
    joint = np.bincount(given[confident] * n_labels + best[confident], minlength=n_labels**2)
    others = probabilities.copy()
    others[rows, given] = -np.inf
    return Suspects(
        suspected=best != given,
        suggested=best.astype(np.int64),
        self_confidence=own,
        margin=own - others.max(axis=1) if n_labels > 1 else np.ones(n),
        joint=joint.reshape(n_labels, n_labels).astype(np.int64),
        thresholds=thresholds,
        support=support.astype(np.int64),
    )


def suspects_of_sets(probabilities: FloatMatrix, given: BoolMatrix) -> tuple[Suspects, ...]:
    """Find, label by label, the rows that may have it wrongly or lack it wrongly, where a row may have several.

    Each label is a question of its own with the answers no (0) and yes (1), so that there are as many results as
    labels.

    Parameters
    ----------
    probabilities
        Of each label, from classifiers that had not seen the row, shape [n, n_labels].
    given
        Which labels each row has, shape [n, n_labels].
    """
    return tuple(
        suspects(np.stack([1 - of_label, of_label], axis=1), has.astype(np.int64))
        for of_label, has in zip(probabilities.T, given.T, strict=True)
    )
