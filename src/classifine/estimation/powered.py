"""Takes gold rows drawn at random and predictions of all rows and gives means that the predictions make more exact.

Prediction-powered inference with power tuning (PPI++). Does not know labels, groups or intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from classifine.estimation.intervals import FloatVector, clustered
from classifine.labels import FloatMatrix, IntVector

Target = Literal["population", "texts"]


@dataclass(frozen=True)
class Moments:
    """Some estimates together.

    Attributes
    ----------
    values
        Shape [k].
    covariance
        Of the values, shape [k, k].
    df
        Degrees of freedom.
    tuning
        How much the predictions were leaned on, shape [k]: 0 not at all, 1 fully.
    influence
        Where rows come in clusters: what each row adds, shape [n_rows, k], with its cluster.
    """

    values: FloatVector
    covariance: FloatMatrix
    df: float
    tuning: FloatVector
    influence: tuple[tuple[FloatMatrix, IntVector], ...] = ()

    @classmethod
    def of_clusters(
        cls,
        values: FloatVector,
        parts: Sequence[FloatMatrix],
        clusters: Sequence[IntVector],
        df: float,
        lam: FloatVector,
    ) -> Moments:
        """Give estimates whose rows come in clusters, from what each row adds to them."""
        covariance, _ = clustered(parts, clusters)
        return cls(values, covariance, df, lam, tuple(zip(parts, clusters, strict=True)))


@dataclass(frozen=True)
class Drawn:
    """Rows of one population, some of them with gold.

    Attributes
    ----------
    truth
        Gold values, shape [n, k].
    known
        Predicted values of the gold rows, shape [n, k].
    rest
        Predicted values of the other rows, shape [N, k].
    inside
        Whether the gold rows are among the texts that are spoken of, or come from elsewhere in the population.
    clusters
        The cluster of each gold row and of each other row, or none.
    """

    truth: FloatMatrix
    known: FloatMatrix
    rest: FloatMatrix
    inside: bool = True
    clusters: tuple[IntVector, IntVector] | None = None


def prediction_powered(rows: Drawn, *, target: Target = "population", tuning: FloatVector | None = None) -> Moments:
    """Estimate means from gold rows drawn at random, with the help of predictions.

    Parameters
    ----------
    rows
        Gold and predictions.
    target
        ``population``: texts like these. ``texts``: these very texts; then texts that all have gold have no error.
    tuning
        How much to lean on the predictions; without it, as much as makes the variance least. Zeros are the classical
        mean of the gold rows.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), "PPI++: Efficient prediction-powered inference", arXiv 2311.01453:
    ``lam mean(f_U) + mean(Y - lam f_L)`` with variance ``lam^2 var(f_U) / N + var(Y - lam f_L) / n`` and
    ``lam = cov(Y, f_L) / ((1 + n / N) var(f))``, here kept between 0 and 1. For these very texts the variance is
    ``var(Y - lam f_L) (1 / n + 1 / N)``, that of predicting the rest.

    Examples
    --------
    >>> truth, known = np.array([[1.0], [0.0], [1.0], [0.0]]), np.array([[0.9], [0.1], [0.9], [0.1]])
    >>> found = prediction_powered(Drawn(truth, known, np.full((100, 1), 0.5)), tuning=np.array([1.0]))
    >>> round(float(found.values[0]), 3)
    0.5
    """
    n, many = len(rows.truth), len(rows.rest)
    lam = tuned(rows, target=target) if tuning is None else tuning
    if not many:
        lam = np.zeros(rows.truth.shape[1])
    error = rows.truth - lam * rows.known
    df = (n if rows.clusters is None else len(np.unique(rows.clusters[0]))) - 1
    values = error.mean(axis=0) + (lam * rows.rest.mean(axis=0) if many else 0.0)
    if target == "texts" and rows.inside:
        values = (n * rows.truth.mean(axis=0) + many * values) / (n + many) if many else values
    parts = _parts(rows, lam, error, target)
    if rows.clusters is not None:
        return Moments.of_clusters(values, parts, rows.clusters[: len(parts)], df, lam)
    covariance = np.add.reduce([part.T @ part for part in parts])
    return Moments(values, covariance, df, lam)


def tuned(rows: Drawn, *, target: Target = "population") -> FloatVector:
    """Give how much to lean on the predictions so that the variance is least, from 0 to 1, shape [k]."""
    n, many = len(rows.truth), max(len(rows.rest), 1)
    known = rows.known - rows.known.mean(axis=0)
    together = ((rows.truth - rows.truth.mean(axis=0)) * known).mean(axis=0)
    whole = np.vstack([rows.known, rows.rest]) if target == "population" else rows.known
    own = whole.var(axis=0, ddof=1 if target == "population" else 0)
    if target == "population":
        own = own * (1 + n / many)
    found: FloatVector = np.divide(together, own, out=np.zeros_like(together), where=own > 0)
    return np.clip(found, 0.0, 1.0)


def _parts(rows: Drawn, lam: FloatVector, error: FloatMatrix, target: Target) -> list[FloatMatrix]:
    """Give what each gold row, and each other row, adds to the estimates."""
    n, many = len(rows.truth), len(rows.rest)
    of_gold = (error - error.mean(axis=0)) / n
    if target == "texts":
        # the rest is foreseen, and all uncertainty lies in what the gold rows say of that
        left = many / (n + many) if rows.inside else 1.0
        return [of_gold * left * np.sqrt(1 + n / many)] if many else [of_gold * 0.0]
    return [of_gold, lam * (rows.rest - rows.rest.mean(axis=0)) / many] if many else [of_gold]
