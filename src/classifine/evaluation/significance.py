"""Takes counts of rows two classifiers disagree on, and p values, and gives exact and corrected p values.

Does not know predictions or metrics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.evaluation.intervals import RESAMPLES, Statistic
from classifine.labels import FloatMatrix, IntVector

_CHUNK_NUMBERS = 2_000_000  # numbers in one array of draws: 16 MB
_ROUNDING = 1e-12


def mcnemar(only_first_right: int, only_second_right: int) -> float:
    """Give the exact two-sided p value of McNemar's test.

    Only the rows that one of the two gets right and the other wrong speak; were both equally good, each such row
    would be a fair coin.

    Examples
    --------
    >>> round(mcnemar(60, 38), 4)
    0.0334
    """
    from scipy.special import bdtr

    n = only_first_right + only_second_right
    if n == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(float(min(only_first_right, only_second_right)), n, 0.5)))


def mcnemar_of_groups(differences: FloatMatrix) -> float:
    """Give the two-sided p value of McNemar's test where rows belong to groups, the groups being the units.

    Parameters
    ----------
    differences
        For each group, how many rows only the first gets right less how many only the second does, shape [n_groups].

    Notes
    -----
    Durkalski, Palesch, Lipsitz and Rust 2003, "Analysis of clustered matched-pair data", Statistics in Medicine 22; its
    statistic is asymptotically normal.

    Examples
    --------
    >>> round(mcnemar_of_groups(np.array([1.0] * 60 + [-1.0] * 38)), 4)
    0.0263
    """
    from scipy.special import ndtr

    spread = float(np.sqrt((differences**2).sum()))
    return 1.0 if spread == 0 else float(2 * ndtr(-abs(float(differences.sum())) / spread))


def mcnemar_mid_p(only_first_right: int, only_second_right: int) -> float:
    """Give the mid-p value of McNemar's test: what is exactly as lopsided as the rows at hand counts half.

    The exact test errs on the careful side, since counts are whole numbers; mid-p errs less, and hardly ever too far.

    Notes
    -----
    Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91.

    Examples
    --------
    >>> round(mcnemar_mid_p(60, 38), 4)
    0.0265
    """
    from math import comb

    n, fewer = only_first_right + only_second_right, min(only_first_right, only_second_right)
    at_hand = float(comb(n, fewer) / 2**n)
    exact = mcnemar(only_first_right, only_second_right)
    return exact - at_hand / 2 if only_first_right == only_second_right else exact - at_hand


def fisher(hits: int, n: int, all_hits: int, all_n: int, *, more: bool = False) -> float:
    """Give the p value of Fisher's exact test of whether hits are as frequent in a part of the rows as in all others.

    Parameters
    ----------
    hits, n
        Of the part.
    all_hits, all_n
        Of all rows, the part among them.
    more
        Ask only whether they are more frequent; without it, the test is two-sided, and sums what is as improbable as
        what was seen, or more so.

    Notes
    -----
    Fisher (1935), "The logic of inductive inference", JRSS 98:39.

    Examples
    --------
    >>> round(fisher(8, 10, 9, 22), 4), round(fisher(8, 10, 9, 22, more=True), 4)
    (0.0015, 0.0011)
    """
    from scipy.special import gammaln

    def chosen(total: int, part: npt.NDArray[np.float64]) -> FloatMatrix:
        ways: FloatMatrix = gammaln(total + 1.0) - gammaln(part + 1) - gammaln(total - part + 1)
        return ways

    least, most = max(0, n - (all_n - all_hits)), min(n, all_hits)
    possible = np.arange(least, most + 1, dtype=np.float64)
    logs = chosen(all_hits, possible) + chosen(all_n - all_hits, n - possible) - chosen(all_n, np.array(float(n)))
    chances = np.exp(logs)
    seen = chances[hits - least]
    counted = possible >= hits if more else chances <= seen * (1 + 1e-7)
    return min(1.0, float(chances[counted].sum()))


def exchange_p(
    counts: IntVector, differing: npt.NDArray[np.bool_], statistic: Statistic, *, seed: int, resamples: int = RESAMPLES
) -> FloatMatrix:
    """Give two-sided p values of differences between two classifiers, by exchanging their answers row by row.

    Were both equally good, who gave which answer to a row would be a coin's toss. The p value is the share of tosses
    that give at least such a difference, the rows at hand counted in; so it is never too small, however few rows.

    Parameters
    ----------
    counts
        Rows in each cell and, in the same order, in its twin with the answers exchanged, shape [2 n_cells].
    differing
        In which cells the two gave different answers, shape [n_cells].
    statistic
        Turns counts [r, 2 n_cells] into differences [r, n_metrics].
    seed
        Where the tosses start.
    resamples
        How often all rows are tossed.

    Notes
    -----
    Noreen (1989), "Computer-intensive methods for testing hypotheses"; Yeh (2000), COLING, for F1 and its parts.
    """
    generator = np.random.default_rng(seed)
    n_cells = len(differing)
    tossed = np.flatnonzero(differing)
    observed = np.abs(statistic(counts[None, :])[0])
    as_far = np.zeros(len(observed), dtype=np.int64)
    step = max(1, _CHUNK_NUMBERS // len(counts))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        moved: npt.NDArray[Any] = generator.binomial(counts[tossed], 0.5, size=(size, len(tossed)))
        drawn = np.repeat(counts[None, :], size, axis=0)
        drawn[:, tossed] -= moved
        drawn[:, tossed + n_cells] += moved
        as_far += (np.abs(statistic(drawn)) >= observed - _ROUNDING).sum(axis=0)
    shares: FloatMatrix = (1 + as_far) / (1 + resamples)
    return shares
