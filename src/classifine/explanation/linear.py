"""Takes which words were kept and what the scorer said and gives the linear model that comes nearest to it.

A weighted ridge regression (LIME), and one whose coefficients add up to a given sum (Kernel SHAP).
Does not know texts, labels or where the rows come from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classifine.labels import BoolMatrix

FloatVector = npt.NDArray[np.float64]


def ridge(kept: BoolMatrix, values: FloatVector, weights: FloatVector, *, penalty: float) -> tuple[FloatVector, float]:
    """Fit a linear model with an intercept by weighted least squares, its coefficients penalised.

    Parameters
    ----------
    kept
        Which words each row has, shape [n, n_words].
    values, weights
        What the scorer said of each row, and how much the row counts, shape [n].
    penalty
        Times the sum of squared coefficients; the ``alpha`` of scikit-learn's Ridge.

    Returns
    -------
    tuple
        The coefficients, shape [n_words], and the weighted R² of the fit.
    """
    total = weights.sum()
    z = kept.astype(np.float64)
    centre, mean = weights @ z / total, float(weights @ values / total)
    z, y = z - centre, values - mean
    gram = (z * weights[:, None]).T @ z
    gram[np.diag_indices_from(gram)] += penalty
    found = np.linalg.solve(gram, z.T @ (weights * y)) if penalty > 0 else np.linalg.pinv(gram) @ (z.T @ (weights * y))
    return found, _r2(y, z @ found, weights)


def summing(
    kept: BoolMatrix, values: FloatVector, weights: FloatVector, *, empty: float, full: float
) -> tuple[FloatVector, float]:
    """Fit a linear model that is right for no word and for all words, by weighted least squares.

    Parameters
    ----------
    kept, values, weights
        As for :func:`ridge`.
    empty, full
        What the scorer says of no word and of all.

    Returns
    -------
    tuple
        The coefficients, shape [n_words], which add up to ``full - empty``; and the weighted R² of the fit.
    """
    z, y = kept.astype(np.float64), values - empty
    gram = (z * weights[:, None]).T @ z
    # rows that leave a direction open get the least coefficients that explain them
    inverse = np.linalg.pinv(gram, hermitian=True, rcond=1e-10)
    free, ones = inverse @ (z.T @ (weights * y)), inverse @ np.ones(z.shape[1])
    missing = (full - empty) - float(free.sum())
    share = ones / ones.sum() if ones.sum() > 0 else np.full(z.shape[1], 1 / z.shape[1])
    found = free + missing * share
    return found, _r2(y - _mean(y, weights), z @ found - _mean(y, weights), weights)


def _mean(values: FloatVector, weights: FloatVector) -> float:
    return float(weights @ values / weights.sum()) if len(values) else 0.0


def _r2(values: FloatVector, fitted: FloatVector, weights: FloatVector) -> float:
    """Give the share of weighted variance that a fit explains; 1 where there is none to explain."""
    left = float(weights @ (values - fitted) ** 2)
    there = float(weights @ values**2)
    return 1.0 if there <= 1e-24 * max(1.0, float(weights.sum())) else 1 - left / there
