"""Takes true and predicted ranks of ordered labels and gives their agreement, in which a far miss counts more.

Does not know files or models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifine.evaluation.clusters import Groups, of_cells, proportions
from classifine.evaluation.intervals import Figure
from classifine.evaluation.metrics import IntMatrix, ScorableRows, cells_of_rows, confusion_matrix
from classifine.labels import FloatMatrix, IntVector, LabelSpace


def ranks_of(space: LabelSpace, order: Sequence[str]) -> IntVector | None:
    """Give the rank of each label of a space, shape [n_labels]; none where the order leaves one out."""
    if space.separator is not None or not set(space.names) <= set(order):
        return None
    return np.array([list(order).index(name) for name in space.names], dtype=np.int64)


def quadratic_weighted_kappa(truth: IntVector, predicted: IntVector) -> float:
    """Give Cohen's kappa in which a miss by d ranks counts d².

    1 is agreement, 0 what chance would give; where all ranks are one and the same there is no chance, and it is 0.

    Parameters
    ----------
    truth, predicted
        Ranks of the labels, shape [n].

    Notes
    -----
    Cohen 1968, "Weighted kappa", Psychological Bulletin 70: 1 - sum(w * observed) / sum(w * expected), where
    w = (i - j)² and what is expected follows from the two distributions of ranks.

    Examples
    --------
    >>> quadratic_weighted_kappa(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    0.8
    """
    observed = float(((truth - predicted) ** 2).mean())
    expected = float(truth.var() + predicted.var() + (truth.mean() - predicted.mean()) ** 2)
    return 1 - observed / expected if expected > 0 else 0.0


def kappa_of_cells(truth: IntVector, predicted: IntVector, counts: IntMatrix) -> FloatMatrix:
    """Give :func:`quadratic_weighted_kappa` of counted cells.

    Parameters
    ----------
    truth, predicted
        Ranks of each cell, shape [n_cells].
    counts
        Rows in each cell, shape [r, n_cells].

    Examples
    --------
    >>> kappa_of_cells(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), np.array([[1, 1, 1, 1]])).tolist()
    [0.8]
    """
    columns = np.stack([truth, predicted, truth**2, predicted**2, (truth - predicted) ** 2], axis=1)
    n = np.maximum(counts.sum(axis=1), 1)
    mean_truth, mean_predicted, of_truth, of_predicted, observed = (counts @ columns / n[:, None]).T
    expected = of_truth + of_predicted - 2 * mean_truth * mean_predicted
    apart = np.divide(observed, expected, out=np.ones_like(expected), where=expected > 0)
    kappa: FloatMatrix = 1 - apart
    return kappa


def ordinal_figures(
    rows: ScorableRows, ranks: IntVector, *, seed: int = 42, groups: Groups | None = None
) -> dict[str, Figure]:
    """Give the figures that an order of labels makes possible, by name.

    ``quadratic_weighted_kappa``; ``adjacent_accuracy``, the share of rows given the true label or one next to it; and
    ``mean_absolute_error``, by how many ranks a row is missed on average.

    Parameters
    ----------
    rows
        Label ids of rows.
    ranks
        The rank of each label, shape [n_labels].
    seed
        Where the bootstrap's draws start.
    groups
        Which group each row belongs to, where groups are drawn.
    """
    confusion = confusion_matrix(rows.truth, rows.predicted, len(ranks))
    labels = np.nonzero(confusion)
    truth, predicted = (ranks[ids] for ids in labels)
    missed, counts = np.abs(truth - predicted), confusion[labels]

    def statistic(drawn: IntMatrix) -> FloatMatrix:
        return np.stack([kappa_of_cells(truth, predicted, drawn), drawn @ missed / drawn.sum(axis=1)], axis=1)

    of_row = cells_of_rows(rows, labels, len(ranks))
    kappa, error = of_cells(counts, statistic, seed=seed, groups=groups, of_row=of_row)
    (near,) = proportions({"near": missed[of_row] <= 1}, seed=seed, groups=groups).values()
    return {"quadratic_weighted_kappa": kappa, "adjacent_accuracy": near, "mean_absolute_error": error}
