"""Takes gold rows with the probability each had of being drawn and predictions of all rows and gives valid means.

Design-based supervised learning (DSL): predictions are corrected by what the gold rows show, weighted by the design.
Does not know labels, groups or intervals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from classifine.estimation.intervals import FloatVector
from classifine.estimation.powered import Moments, Target
from classifine.labels import FloatMatrix, IntVector

FOLDS, REPEATS = 5, 10
_RIDGE = 1e-3  # of the mean square of each feature: enough where gold rows are few, nothing where they are many


@dataclass(frozen=True)
class Design:
    """All rows of a corpus, gold rows among them.

    Attributes
    ----------
    predicted
        Predicted values, shape [m, k].
    gold
        The places of the gold rows, shape [n].
    truth
        Their gold values, shape [n, k].
    probability
        The probability each of them had of being drawn, shape [n].
    features
        What else is known of every row and may help to foresee its gold value, shape [m, p].
    """

    predicted: FloatMatrix
    gold: IntVector
    truth: FloatMatrix
    probability: FloatVector
    features: FloatMatrix | None = None

    @property
    def weights(self) -> FloatVector:
        """How many rows each gold row stands for, shape [n]."""
        return 1.0 / self.probability


def foreseen(design: Design, *, seed: int, repeats: int = REPEATS) -> Iterator[FloatMatrix]:
    """Foresee the gold value of every row from its prediction, shape [m, k], once for each division into folds.

    A gold row is foreseen from gold rows of other folds only; another row by the mean of the folds. Weighted least
    squares with a little ridge; the means below are valid whatever this gives, and the better it is, the narrower.
    """
    n = len(design.gold)
    many, k = design.predicted.shape
    folds = min(FOLDS, n)
    fixed = np.ones((many, 1)) if design.features is None else np.hstack([np.ones((many, 1)), design.features])
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(n)
        fold_of = np.empty(n, dtype=np.int64)
        fold_of[order] = np.arange(n) % folds
        found = np.empty((many, k))
        for label in range(k):
            known = np.hstack([fixed[design.gold], design.predicted[design.gold, label : label + 1]])
            slopes = _fitted(known, design.truth[:, label], design.weights, fold_of)
            mean = slopes.mean(axis=0)
            found[:, label] = fixed @ mean[:-1] + design.predicted[:, label] * mean[-1]
            found[design.gold, label] = (known * slopes[fold_of]).sum(axis=1)
        yield found


def _fitted(known: FloatMatrix, truth: FloatVector, weights: FloatVector, fold_of: IntVector) -> FloatMatrix:
    """Give the slopes that the rows outside each fold have, shape [n_folds, p]."""
    folds = [fold_of == fold for fold in range(int(fold_of.max()) + 1)]
    weighted = known * weights[:, None]
    squares = np.array([weighted[fold].T @ known[fold] for fold in folds])
    products = np.array([weighted[fold].T @ truth[fold] for fold in folds])
    squares, products = squares.sum(axis=0) - squares, products.sum(axis=0) - products
    ridge = _RIDGE * np.diagonal(squares, axis1=1, axis2=2).copy()
    ridge[:, 0] = 0.0  # the mean is not held back
    inverse = np.linalg.pinv(squares + ridge[:, :, None] * np.eye(known.shape[1]), hermitian=True)
    found: FloatMatrix = (inverse @ products[:, :, None])[:, :, 0]
    return found


def pseudo_outcomes(design: Design, guess: FloatMatrix) -> FloatMatrix:
    """Give each row a value whose mean is that of the gold values, whatever the guess, shape [m, k].

    Notes
    -----
    Egami, Hinck, Stewart and Wei (2023), "Using imperfect surrogates for downstream inference", arXiv 2306.04746:
    the guess, minus, for gold rows, guess minus gold value, divided by the probability of being drawn.
    """
    found = guess.copy()
    found[design.gold] -= (guess[design.gold] - design.truth) * design.weights[:, None]
    return found


def design_based(
    design: Design, groups: IntVector, n_groups: int, *, target: Target, clusters: IntVector | None, seed: int
) -> tuple[list[Moments], FloatMatrix]:
    """Estimate the mean of every group from gold rows drawn with known probabilities.

    Parameters
    ----------
    design
        Gold and predictions.
    groups
        The group of each row, from 0 to ``n_groups`` - 1, shape [m].
    target
        ``population`` or ``texts``, as in :func:`classifine.estimation.powered.prediction_powered`.
    clusters
        The cluster of each row, or none.
    seed
        Where the divisions into folds start.

    Returns
    -------
    tuple
        The estimates of each group; and the pseudo-outcomes, the mean of all divisions, shape [m, k].

    Notes
    -----
    The median over ten divisions into folds; ``se^2 = median(se_r^2 + (value_r - median)^2)``.
    """
    rounds: list[list[Moments]] = []
    mean = np.zeros_like(design.predicted)
    order = np.argsort(groups, kind="stable")
    cuts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    of_gold = np.full(len(groups), -1, dtype=np.int64)
    of_gold[design.gold] = np.arange(len(design.gold))
    for guess in foreseen(design, seed=seed):
        pseudo = pseudo_outcomes(design, guess)
        mean += pseudo / REPEATS
        found = []
        for group in range(n_groups):
            rows = order[cuts[group] : cuts[group + 1]]
            own = of_gold[rows]
            of = None if clusters is None else clusters[rows]
            held = rows[own >= 0] if of is None else of[own >= 0]
            own = own[own >= 0]
            error = guess[design.gold[own]] - design.truth[own]
            found.append(_mean_of(pseudo[rows], error, design.probability[own], target, of, held))
        rounds.append(found)
    return [_middle([one[group] for one in rounds]) for group in range(n_groups)], mean


def _mean_of(
    pseudo: FloatMatrix,
    error: FloatMatrix,
    probability: FloatVector,
    target: Target,
    clusters: IntVector | None,
    gold_clusters: IntVector,
) -> Moments:
    many, n = len(pseudo), len(error)
    values = pseudo.mean(axis=0)
    df = float(max(n - 1, 1))
    if target == "texts":
        scaled = error * np.sqrt(np.maximum(1 - probability, 0.0))[:, None] / probability[:, None]
        covariance = scaled.T @ scaled / many**2
    elif clusters is not None:
        of_gold = len(np.unique(gold_clusters)) - 1
        nothing = np.full(len(values), np.nan)
        return Moments.of_clusters(values, [(pseudo - values) / many], [clusters], min(df, of_gold), nothing)
    else:
        away = pseudo - values
        covariance = away.T @ away / many**2
    return Moments(values, covariance, df, np.full(len(values), np.nan))


def _middle(rounds: list[Moments]) -> Moments:
    values = np.array([one.values for one in rounds])
    middle = np.median(values, axis=0)
    variances = np.array([np.diag(one.covariance) for one in rounds])
    variance = np.median(variances + (values - middle) ** 2, axis=0)
    mean = np.mean([one.covariance for one in rounds], axis=0)
    spread = np.sqrt(np.maximum(np.diag(mean), 1e-300))
    covariance = mean / np.outer(spread, spread) * np.sqrt(np.outer(variance, variance))
    return Moments(middle, covariance, rounds[0].df, rounds[0].tuning, rounds[0].influence)


def weighted_mean(truth: FloatMatrix, probability: FloatVector, clusters: IntVector | None) -> Moments:
    """Estimate a mean from the gold rows alone, each with the number of rows it stands for (Hájek 1971).

    Parameters
    ----------
    truth
        Gold values, shape [n, k].
    probability
        Of being drawn, shape [n].
    clusters
        The cluster of each, or none.
    """
    weights = 1.0 / probability
    values = (weights[:, None] * truth).sum(axis=0) / weights.sum()
    away = weights[:, None] * (truth - values) / weights.sum()
    df = len(truth) - 1
    if clusters is not None:
        df = len(np.unique(clusters)) - 1
        return Moments.of_clusters(values, [away], [clusters], df, np.zeros(len(values)))
    return Moments(values, away.T @ away, df, np.zeros(len(values)))
