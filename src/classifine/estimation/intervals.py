"""Takes an estimate's value and variance and gives its interval, its p value and what sample it is worth.

Also the covariance of sums over clusters, and how far apart the ends must be to hold for many estimates at once.
Does not know what is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifine.labels import FloatMatrix, IntVector

FloatVector = npt.NDArray[np.float64]
BoolVector = npt.NDArray[np.bool_]

_DRAWS = 40_000
_MOST_AT_ONCE = 400  # estimates whose correlations are worth drawing from; of more, the bound for any correlation
_TINY = 1e-300


def critical(confidence: float, df: float) -> float:
    """Give how many standard errors lie to each side of an estimate: Student's quantile.

    Examples
    --------
    >>> round(critical(0.95, 1e9), 4), round(critical(0.9, 29), 4)
    (1.96, 1.6991)
    """
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, max(df, 1.0)))


def critical_for_all(covariance: FloatMatrix, confidence: float, df: float, *, seed: int) -> float:
    """Give how many standard errors lie to each side so that all intervals together hold with this confidence.

    Parameters
    ----------
    covariance
        Of the estimates, shape [k, k].
    df
        Degrees of freedom.

    Notes
    -----
    The quantile of the largest absolute value of a multivariate t with these correlations, from 40,000 draws (Hothorn,
    Bretz and Westfall 2008, Biometrical Journal 50:346). Of more than 400 estimates, Šidák's bound, which no
    correlation can break.
    """
    spread = np.sqrt(np.diag(covariance))
    known = spread > 0
    k = int(known.sum())
    if k <= 1:
        return critical(confidence, df)
    if k > _MOST_AT_ONCE:
        return critical(confidence ** (1 / k), df)
    scaled = covariance[np.ix_(known, known)] / np.outer(spread[known], spread[known])
    values, vectors = np.linalg.eigh(scaled)
    generator = np.random.default_rng(seed)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn: FloatVector = np.abs(generator.standard_normal((_DRAWS, k)) @ root.T).max(axis=1)
    if df < 1e6:
        drawn = drawn / np.sqrt(generator.chisquare(df, _DRAWS) / df)
    return max(float(np.quantile(drawn, confidence)), critical(confidence, df))


def wald(value: float, se: float, c: float) -> tuple[float, float]:
    """Give the symmetric interval: value and c standard errors to each side."""
    return value - c * se, value + c * se


def score_interval(value: float, size: float, c: float) -> tuple[float, float]:
    """Give Wilson's score interval of a share with the sample size that its variance is worth.

    It never leaves 0 to 1, and is not empty where no mistake was met by chance.

    Parameters
    ----------
    value
        The share; a corrected one may lie a little outside 0 to 1.
    size
        From :func:`worth`.
    c
        Standard errors to each side.

    Notes
    -----
    Wilson (1927), with an effective sample size as in Kott and Carr (1997), Journal of Official Statistics 13.

    Examples
    --------
    >>> low, high = score_interval(0.85, 40, 1.959964)
    >>> round(low, 4), round(high, 4)
    (0.7093, 0.9294)
    """
    p = min(max(value, 0.0), 1.0)
    z2 = c * c
    middle = (p + z2 / (2 * size)) / (1 + z2 / size)
    spread = c * math.sqrt(p * (1 - p) / size + z2 / (4 * size * size)) / (1 + z2 / size)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def worth(own: float, variance: float, n: int) -> float:
    """Give how many rows drawn at random and labelled by hand would know a mean as well.

    Parameters
    ----------
    own
        The variance of a gold value: of a share, that of the gold rows, which is known better than the corrected
        share times its rest where that is near 0.
    variance
        Of the estimate.
    n
        Gold rows: the size that counts where a variance is 0 by chance.

    Examples
    --------
    >>> round(worth(0.16, 0.16 / 300, 100))
    300
    """
    return max(own / variance, 1.0) if variance > 0 and own > 0 else float(n)


def two_sided(value: float, se: float, df: float) -> float | None:
    """Give the two-sided p value of a value that would be 0; none without a standard error."""
    from scipy.stats import t

    if se <= 0:
        return None
    return max(float(2 * t.sf(abs(value) / se, max(df, 1.0))), _TINY)


def clustered(influence: Sequence[FloatMatrix], clusters: Sequence[IntVector]) -> tuple[FloatMatrix, int]:
    """Give the covariance of estimates from what each row adds to them, rows of a cluster being one draw.

    Parameters
    ----------
    influence
        Parts of the rows, each of shape [n_rows, k] with mean 0.
    clusters
        The cluster of each of their rows; the same number in two parts is the same cluster.

    Returns
    -------
    tuple
        The covariance, shape [k, k], with the usual factor C / (C - 1); and how many clusters there are.
    """
    rows, of = np.vstack(list(influence)), np.concatenate(list(clusters))
    names, place = np.unique(of, return_inverse=True)
    n = len(names)
    sums: FloatMatrix = np.column_stack([np.bincount(place, column, minlength=n) for column in rows.T])
    return sums.T @ sums * (n / max(n - 1, 1)), n
