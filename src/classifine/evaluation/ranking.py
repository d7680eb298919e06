"""Takes the probabilities of labels and says how well they rank texts: ROC-AUC and average precision, with intervals.

No threshold enters. Each text's pull on the score makes the interval, so that no resample is needed.
Does not know predictions' labels or models.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from classifine.evaluation.clusters import BY_GROUP, TOO_FEW_GROUPS, Groups
from classifine.evaluation.intervals import TOO_FEW, Figure
from classifine.evaluation.metrics import FloatVector
from classifine.labels import BoolMatrix, FloatMatrix
from classifine.resampling import FEWEST, Z

DELONG = "DeLong"
PULLS = "infinitesimal jackknife"
IN_ORDER = "every text is ranked rightly"
ONE_KIND = "no label has texts both with and without it"

BoolVector = npt.NDArray[np.bool_]


def ranking_figures(probabilities: FloatMatrix, truth: BoolMatrix, groups: Groups | None = None) -> dict[str, Figure]:
    """Give ``roc_auc`` and ``average_precision``, each the mean over the labels that some texts have and some have not.

    Parameters
    ----------
    probabilities
        Shape [n, n_labels].
    truth
        Which labels each text has, shape [n, n_labels].
    groups
        Which group each text belongs to, where groups are the units.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under two or more correlated ROC curves", Biometrics
    44:837-845; of the mean over labels, by summing each text's parts over labels. The interval of average precision is
    normal on the log-odds (Boyd, Eng and Page 2013, "Area under the precision-recall curve", ECML PKDD), with the
    standard error of the infinitesimal jackknife.
    """
    n, both = len(truth), truth.any(axis=0) & ~truth.all(axis=0)
    if not both.any():
        return {}
    pairs = list(zip(probabilities.T[both], truth.T[both], strict=True))
    found = {}
    for name, measure in (("roc_auc", roc_auc), ("average_precision", average_precision)):
        value, pulls = 0.0, np.zeros(n)
        for scores, has in pairs:
            of_label, of_texts = measure(scores, has)
            value += of_label / len(pairs)
            pulls += of_texts / len(pairs)
        error = math.sqrt(float((pulls**2).sum())) if groups is None else groups.error(pulls)
        end = near if name == "roc_auc" else between
        found[name] = end(value, error, n, groups=groups)
    return found


def roc_auc(scores: FloatVector, has: BoolVector) -> tuple[float, FloatVector]:
    """Give the share of pairs, one text with the label and one without, that are in order, and each text's pull on it.

    A pair of equal scores is half in order. The squared pulls sum up to DeLong's variance.
    """
    from scipy.stats import rankdata

    with_it, without = scores[has], scores[~has]
    ranks, m, n = rankdata(scores), len(with_it), len(without)
    above = (ranks[has] - rankdata(with_it)) / n
    below = 1 - (ranks[~has] - rankdata(without)) / m
    area = float(above.mean())
    pulls = np.empty(len(scores))
    pulls[has] = (above - area) / math.sqrt(m * max(m - 1, 1))
    pulls[~has] = (below - area) / math.sqrt(n * max(n - 1, 1))
    return area, pulls


def average_precision(scores: FloatVector, has: BoolVector) -> tuple[float, FloatVector]:
    """Give the mean precision over the texts that have the label, each at its own score, and each text's pull on it.

    Texts of equal score come in together, as in scikit-learn.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, true = scores[order], has[order].astype(np.float64)
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    sizes = np.diff(np.append(starts, len(ranked)))
    first, last = np.repeat(starts, sizes), np.repeat(starts + sizes - 1, sizes)  # of equal scores
    down_to, hits = last + 1.0, np.cumsum(true)[last]
    precision, total = hits / down_to, true.sum()
    value = float((precision * true).sum() / total)
    # a text counts in the precision of each true text that does not stand above it
    of_hit, of_row = (np.cumsum((true * part)[::-1])[::-1][first] for part in (1 / down_to, hits / down_to**2))
    pulls = np.empty(len(scores))
    pulls[order] = (true * (precision - value) + true * of_hit - of_row) / total
    return value, pulls


def between(value: float, error: float, n: int, *, groups: Groups | None = None) -> Figure:
    """Give a figure between 0 and 1 whose interval is normal on the log-odds."""
    method, reach, few = _way(PULLS, n, groups)
    if few:
        return Figure(value, None, None, n, method, few)
    if error <= 0 or not 0 < value < 1:
        return Figure(value, None, None, n, method, IN_ORDER if value >= 1 else TOO_FEW)
    odds, spread = math.log(value / (1 - value)), reach * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-max(-700.0, end))) for end in (odds - spread, odds + spread))
    return Figure(value, low, high, n, method)


def near(value: float, error: float, n: int, *, groups: Groups | None = None) -> Figure:
    """Give a figure between 0 and 1 whose interval is normal."""
    method, reach, few = _way(DELONG, n, groups)
    if few:
        return Figure(value, None, None, n, method, few)
    if error <= 0:
        return Figure(value, None, None, n, method, IN_ORDER if value >= 1 else TOO_FEW)
    return Figure(value, max(0.0, value - reach * error), min(1.0, value + reach * error), n, method)


def _way(method: str, n: int, groups: Groups | None) -> tuple[str, float, str | None]:
    """Give the method's name, how many standard errors it reaches, and why there can be no interval."""
    if groups is None:
        return method, Z, TOO_FEW if n < FEWEST else None
    return method + BY_GROUP, groups.reach, TOO_FEW_GROUPS if groups.n_groups < FEWEST else None
