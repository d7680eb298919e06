"""Takes matrices and outcomes, true for gold rows and predicted for all, and gives regressions that stay valid.

Linear and logistic; PPI++ for gold rows drawn at random, DSL for known probabilities. Does not know formulas or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from classifine.errors import LabelsProblem
from classifine.estimation.intervals import FloatVector
from classifine.estimation.powered import Moments
from classifine.labels import FloatMatrix, IntVector

Family = Literal["linear", "logistic"]

_STEPS, _CLOSE = 100, 1e-9
_STEEP = 30.0  # on the scale of log odds: a coefficient that large has run away


@dataclass(frozen=True)
class Equation:
    """Rows of a regression: what explains, and what is explained.

    Attributes
    ----------
    x
        Shape [n, p].
    y
        Shape [n].
    """

    x: FloatMatrix
    y: FloatVector

    def score(self, beta: FloatVector, family: Family) -> FloatMatrix:
        """Give each row's part of the estimating equation, shape [n, p]."""
        return self.x * (_mean(self.x @ beta, family) - self.y)[:, None]

    def slope(self, beta: FloatVector, family: Family, weights: FloatVector | None = None) -> FloatMatrix:
        """Give the mean derivative of the scores, shape [p, p]."""
        of_each = np.ones(len(self.y)) if family == "linear" else _steepness(self.x @ beta)
        of_each = of_each if weights is None else of_each * weights
        found: FloatMatrix = (self.x * of_each[:, None]).T @ self.x / len(self.y)
        return found

    def take(self, rows: IntVector) -> Equation:
        """Give some of the rows."""
        return Equation(self.x[rows], self.y[rows])


def _mean(linear: FloatVector, family: Family) -> FloatVector:
    if family == "linear":
        return linear
    found: FloatVector = 0.5 * (1 + np.tanh(linear / 2))
    return found


def _steepness(linear: FloatVector) -> FloatVector:
    p = _mean(linear, "logistic")
    return p * (1 - p)


def plain(
    rows: Equation, family: Family, *, weights: FloatVector | None = None, clusters: IntVector | None = None
) -> Moments:
    """Fit a regression to rows as they are, with errors that do not trust the model's variance (sandwich, HC0).

    Parameters
    ----------
    rows
        True or predicted values.
    family
        ``linear`` or ``logistic``.
    weights
        How many rows each stands for.
    clusters
        Rows that belong together.
    """
    scaled = None if weights is None else weights / weights.mean()

    def score(beta: FloatVector) -> FloatVector:
        parts = rows.score(beta, family)
        found: FloatVector = (parts if scaled is None else parts * scaled[:, None]).mean(axis=0)
        return found

    beta = _solved(score, lambda beta: rows.slope(beta, family, scaled), rows.x.shape[1], family)
    parts = rows.score(beta, family) * (1.0 if scaled is None else scaled[:, None])
    inverse = np.linalg.inv(rows.slope(beta, family, scaled))
    zeros = np.zeros(len(beta))
    return _moments(beta, [-parts @ inverse.T / len(rows.y)], None if clusters is None else [clusters], zeros)


def prediction_powered_regression(
    truth: Equation,
    known: Equation,
    rest: Equation,
    family: Family,
    *,
    clusters: tuple[IntVector, IntVector] | None = None,
    tuning: float | None = None,
) -> Moments:
    """Fit a regression with gold rows drawn at random and predictions of all rows.

    Parameters
    ----------
    truth, known
        The gold rows with true and with predicted values.
    rest
        The other rows, predicted.
    family
        ``linear`` or ``logistic``.
    clusters
        Of the gold rows and of the others.
    tuning
        How much to lean on the predictions; without it, what makes the summed variance least.

    Notes
    -----
    PPI++ (arXiv 2311.01453): ``lam mean_U g_f - lam mean_L g_f + mean_L g_Y = 0`` with ``g = x (mu(x b) - y)``. The
    predicted values may stand in the outcome or among what explains it.
    """
    n, many = len(truth.y), len(rest.y)
    same_x = known.x is truth.x or np.array_equal(known.x, truth.x)
    lam = 1.0 if tuning is None else tuning

    def fitted(lam: float, start: FloatVector | None) -> tuple[FloatVector, FloatMatrix]:
        def score(beta: FloatVector) -> FloatVector:
            own = truth.score(beta, family).mean(axis=0) - lam * known.score(beta, family).mean(axis=0)
            found: FloatVector = own + lam * rest.score(beta, family).mean(axis=0)
            return found

        def slope(beta: FloatVector) -> FloatMatrix:
            there = rest.slope(beta, family) - known.slope(beta, family)
            return truth.slope(beta, family) + lam * there

        beta = _solved(score, slope, truth.x.shape[1], family, start)
        if same_x:  # what explains is known of all rows, and tells more of the slope than the gold rows alone
            whole = (n * truth.slope(beta, family) + many * rest.slope(beta, family)) / (n + many)
            return beta, _inverse(whole)
        return beta, _inverse(slope(beta))

    start = plain(truth, family).values
    beta, inverse = fitted(lam, start)
    if tuning is None:
        lam = _tuned(truth, known, rest, beta, inverse, family)
        beta, inverse = fitted(lam, beta)
    error = truth.score(beta, family) - lam * known.score(beta, family)
    other = lam * rest.score(beta, family)
    parts = [-(error - error.mean(axis=0)) @ inverse.T / n, -(other - other.mean(axis=0)) @ inverse.T / many]
    return _moments(beta, parts, clusters, np.full(len(beta), lam))


def _tuned(
    truth: Equation, known: Equation, rest: Equation, beta: FloatVector, inverse: FloatMatrix, family: Family
) -> float:
    """Give ``tr(H^-1 (C + C') H^-1) / (2 (1 + n / N) tr(H^-1 V H^-1))``, from 0 to 1."""
    own, said = truth.score(beta, family), known.score(beta, family)
    together = (own - own.mean(axis=0)).T @ (said - said.mean(axis=0)) / len(own)
    spread = np.cov(np.vstack([said, rest.score(beta, family)]).T).reshape(together.shape)
    above = float(np.trace(inverse @ (together + together.T) @ inverse))
    below = 2 * (1 + len(own) / len(rest.y)) * float(np.trace(inverse @ spread @ inverse))
    return min(max(above / below, 0.0), 1.0) if below > 0 else 0.0


def design_based_regression(
    truth: Equation,
    guesses: Sequence[Equation],
    gold: IntVector,
    probability: FloatVector,
    family: Family,
    *,
    clusters: IntVector | None = None,
) -> Moments:
    """Fit a regression with gold rows drawn with known probabilities.

    Parameters
    ----------
    truth
        The gold rows with true values.
    guesses
        All rows with foreseen values, once for each division into folds.
    gold, probability
        The places of the gold rows and the probability each had of being drawn.
    family
        ``linear`` or ``logistic``.
    clusters
        Of all rows.

    Notes
    -----
    DSL (arXiv 2306.04746): ``m(guess) - (R / pi) (m(guess) - m(Y))`` has mean 0; median over the divisions.
    """
    weights = 1.0 / probability
    rounds = []
    start: FloatVector | None = plain(truth, family, weights=weights).values
    for guess in guesses:
        one = _designed_once(truth, guess, gold, weights, family, start, clusters)
        rounds.append(one)
        start = one.values
    values = np.array([one.values for one in rounds])
    middle = np.median(values, axis=0)
    variance = np.median(np.array([np.diag(one.covariance) for one in rounds]) + (values - middle) ** 2, axis=0)
    mean = np.mean([one.covariance for one in rounds], axis=0)
    spread = np.sqrt(np.maximum(np.diag(mean), 1e-300))
    covariance = mean / np.outer(spread, spread) * np.sqrt(np.outer(variance, variance))
    df = len(truth.y) - len(middle) if clusters is None else len(np.unique(clusters[gold])) - 1
    return Moments(middle, covariance, df, np.full(len(middle), np.nan))


def _designed_once(
    truth: Equation,
    guess: Equation,
    gold: IntVector,
    weights: FloatVector,
    family: Family,
    start: FloatVector | None,
    clusters: IntVector | None,
) -> Moments:
    many = len(guess.y)
    known = guess.take(gold)

    def parts(beta: FloatVector) -> FloatMatrix:
        found = guess.score(beta, family)
        found[gold] -= (known.score(beta, family) - truth.score(beta, family)) * weights[:, None]
        return found

    def slope(beta: FloatVector) -> FloatMatrix:
        gap = truth.slope(beta, family, weights) - known.slope(beta, family, weights)
        return guess.slope(beta, family) + gap * len(gold) / many

    beta = _solved(lambda beta: parts(beta).mean(axis=0), slope, truth.x.shape[1], family, start)
    inverse = np.linalg.inv(slope(beta))
    of_rows = -parts(beta) @ inverse.T / many
    return _moments(beta, [of_rows], None if clusters is None else [clusters], np.full(len(beta), np.nan))


def _inverse(matrix: FloatMatrix) -> FloatMatrix:
    found: FloatMatrix = np.linalg.inv(matrix).astype(np.float64)
    return found


def _moments(
    beta: FloatVector, parts: Sequence[FloatMatrix], clusters: Sequence[IntVector] | None, lam: FloatVector
) -> Moments:
    n = len(parts[0])
    if clusters is not None:
        return Moments.of_clusters(beta, parts, clusters, len(np.unique(clusters[0])) - 1, lam)
    covariance: FloatMatrix = np.add.reduce([part.T @ part for part in parts])
    return Moments(beta, covariance, n - len(beta), lam)


def _solved(
    score: Callable[[FloatVector], FloatVector],
    slope: Callable[[FloatVector], FloatMatrix],
    size: int,
    family: Family,
    start: FloatVector | None = None,
) -> FloatVector:
    """Find where the mean score is 0, by Newton's steps, halved where they lead away.

    Raises
    ------
    LabelsProblem
        There is no such place: columns say the same, or one of them gives the outcome away.
    """
    beta = np.zeros(size) if start is None else start.copy()
    now = score(beta)
    for _ in range(_STEPS):
        try:
            step = np.linalg.solve(slope(beta), now)
        except np.linalg.LinAlgError:
            break
        for _ in range(30):
            new = score(beta - step)
            if np.abs(new).max() <= np.abs(now).max() * (1 + 1e-9) or np.abs(step).max() < _CLOSE:
                break
            step = step / 2
        beta, now = beta - step, new
        if family == "logistic" and np.abs(beta).max() > _STEEP * 10:
            break
        if np.abs(step).max() < _CLOSE * (1 + np.abs(beta).max()):
            if family == "logistic" and np.abs(now).max() > 1e-6:
                break
            return beta
    raise LabelsProblem(
        "the regression has no answer: columns say the same as others, or one gives the outcome away",
        cure="leave one of such columns out, or join rare categories",
    )
