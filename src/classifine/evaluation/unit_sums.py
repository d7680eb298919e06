"""Takes which labels texts have and were given, summed up by the units that are drawn, and gives averages and labels.

For groups, and for so many different rows that drawing them one by one would take for ever.
Does not know probabilities or models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifine.evaluation.clusters import BY_GROUP, MOST, TOO_FEW_GROUPS, Groups, shares_of
from classifine.evaluation.intervals import Figure, bootstrap
from classifine.evaluation.metrics import IntMatrix, Margins, label_metrics
from classifine.evaluation.several import averages_of, row_metrics
from classifine.labels import BoolMatrix, FloatMatrix
from classifine.resampling import FEWEST

# Different rows beyond which they are put together to units, at random, before they are drawn.
MOST_CELLS = 20_000

LabelFigures = tuple[Figure, Figure, Figure]


def figures_of_sums(
    truth: BoolMatrix, given: BoolMatrix, names: Sequence[str], *, seed: int, groups: Groups | None
) -> tuple[dict[str, Figure], list[LabelFigures] | None]:
    """Give averages by name and, where groups are drawn, precision, recall and F1 of each label.

    Parameters
    ----------
    truth, given
        Which labels each text has and was given, shape [n, n_labels].
    names
        The averages.
    seed
        Where draws start.
    groups
        Which group each text belongs to; none puts texts together at random, which leaves intervals as they are.
    """
    n, n_labels = truth.shape
    drawn_by = groups or Groups(np.random.default_rng(seed).permutation(n) % MOST, min(n, MOST))
    units = drawn_by.units(seed)
    of_rows = row_metrics(truth, given)
    parts = [truth & given, truth, given, np.stack(list(of_rows.values()), axis=1)]
    by_group = np.hstack([drawn_by.sums(part.astype(np.float64)) for part in parts])
    table = np.zeros((int(units.max()) + 1, by_group.shape[1] + 1))
    np.add.at(table, units, np.hstack([by_group, np.bincount(drawn_by.of_row)[:, None]]))

    def statistic(counts: IntMatrix) -> FloatMatrix:
        totals = counts @ table
        margins = Margins(*np.split(totals[:, : 3 * n_labels], 3, axis=1))
        means = (totals[:, 3 * n_labels : -1] / totals[:, -1:]).T
        values = averages_of(margins, dict(zip(of_rows, means, strict=True)))
        told = np.stack([values[name] for name in names], axis=1)
        return told if groups is None else np.hstack([told, *label_metrics(margins)])

    found = bootstrap(np.ones(len(table), dtype=np.int64), statistic, seed=seed)
    found = [_of_rows(one, n, groups) for one in found]
    averages = dict(zip(names, found[: len(names)], strict=True))
    if groups is None:
        return averages, None
    return averages, by_label(shares_of(found[len(names) :], groups), truth, groups)


def by_label(figures: Sequence[Figure], has: BoolMatrix, groups: Groups) -> list[LabelFigures]:
    """Put precision, recall and F1 of all labels, one after the other, together by label; few groups have no interval.

    Parameters
    ----------
    figures
        Of all labels, precision, then recall, then F1.
    has
        Which labels each row has, shape [n, n_labels].
    groups
        Which group each row belongs to.
    """
    n_labels = has.shape[1]
    in_groups = (groups.sums(has.astype(np.float64)) > 0).sum(axis=0)
    told = []
    for label in range(n_labels):
        precision, recall, f1 = (figures[label + part * n_labels] for part in range(3))
        if in_groups[label] < FEWEST:
            precision, recall, f1 = (
                Figure(one.value, None, None, one.n, one.method, TOO_FEW_GROUPS) for one in (precision, recall, f1)
            )
        told.append((precision, recall, f1))
    return told


def _of_rows(figure: Figure, n: int, groups: Groups | None) -> Figure:
    if groups is None:
        return Figure(figure.value, figure.low, figure.high, n, figure.method, figure.note)
    few = groups.n_groups < FEWEST
    low, high = (None, None) if few else (figure.low, figure.high)
    return Figure(figure.value, low, high, n, figure.method + BY_GROUP, TOO_FEW_GROUPS if few else figure.note)
