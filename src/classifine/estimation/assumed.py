"""Takes counts of predicted labels and what gold rows from anywhere say of mistakes, and gives corrected shares.

They hold only if the classifier errs on these texts as it does on the gold rows. Does not know groups or files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifine.errors import LabelsProblem, some
from classifine.estimation.intervals import FloatVector
from classifine.labels import FloatMatrix, IntVector

LEAST_INFORMED = 0.1
RESAMPLES = 1000
_ROUNDS, _CLOSE = 1000, 1e-9
_HEAVY = 1e3  # how much the sum of the shares weighs against each equation


@dataclass(frozen=True)
class Assumed:
    """Shares under an assumption.

    Attributes
    ----------
    values
        Shape [k].
    drawn
        The same from redrawn rows, shape [r, k].
    """

    values: FloatVector
    drawn: FloatMatrix


def rogan_gladen(
    share: float, rows: float, sensitivity: float, positives: float, specificity: float, negatives: float
) -> tuple[float, float]:
    """Correct the share of rows with a predicted label for the classifier's mistakes.

    Parameters
    ----------
    share, rows
        The share of rows with the predicted label, and how many rows there are.
    sensitivity, positives
        The share of gold rows with the label that were given it, and how many have it.
    specificity, negatives
        The share of gold rows without the label that were not given it, and how many lack it.

    Returns
    -------
    tuple
        The share, which may lie outside 0 to 1, and its variance.

    Raises
    ------
    LabelsProblem
        Sensitivity and specificity together are so near 1 that the prediction says nothing about the label.

    Notes
    -----
    Rogan and Gladen (1978), American Journal of Epidemiology 107:71: ``p = (q + sp - 1) / (se + sp - 1)``, variance
    ``[q (1 - q) / N + p^2 se (1 - se) / n1 + (1 - p)^2 sp (1 - sp) / n0] / (se + sp - 1)^2``.

    Examples
    --------
    >>> value, _ = rogan_gladen(0.23, 5000, 0.75, 60, 0.90, 240)
    >>> round(value, 10)
    0.2
    """
    informed = sensitivity + specificity - 1
    if informed < LEAST_INFORMED:
        raise LabelsProblem(
            "the predictions say next to nothing about the label, so that its share cannot be corrected by them",
            found=f"sensitivity {sensitivity:.3f} and specificity {specificity:.3f}, together {informed:.3f} above 1",
            expected=f"at least {LEAST_INFORMED} above 1",
            cure="use a better classifier, or draw gold rows at random from these texts (--sampled random)",
        )
    p = (share + specificity - 1) / informed
    parts = (
        share * (1 - share) / rows,
        p * p * sensitivity * (1 - sensitivity) / positives,
        (1 - p) * (1 - p) * specificity * (1 - specificity) / negatives,
    )
    return p, sum(parts) / informed**2


def adjusted_count(counts: IntVector, table: FloatMatrix, *, seed: int, resamples: int = RESAMPLES) -> Assumed:
    """Correct the counts of several labels at once: shares of 0 to 1 that sum to 1 and explain the counts best.

    Parameters
    ----------
    counts
        How often each label was predicted, shape [k].
    table
        Gold rows by true label (row) and predicted label (column), shape [k, k].
    seed, resamples
        Draws of the gold rows and of the counts.

    Raises
    ------
    LabelsProblem
        Two labels, or mixtures of labels, are predicted so much alike that their shares cannot be told apart.

    Notes
    -----
    Adjusted classify and count: ``M p = q`` by least squares on the simplex (Hopkins and King 2010, American Journal
    of Political Science 54:229; Bunse 2022). Intervals come from the bootstrap.
    """
    mistakes = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    _refuse_alike(mistakes)
    generator = np.random.default_rng(seed)
    n = int(counts.sum())
    values = _on_simplex(mistakes, counts / n)
    cells = table.ravel() / table.sum()
    drawn = np.empty((resamples, len(counts)))
    for place in range(resamples):
        again = generator.multinomial(int(table.sum()), cells).reshape(table.shape).astype(float)
        # a label that was not drawn keeps the mistakes it has
        rows = again.sum(axis=1, keepdims=True)
        again = np.where(rows > 0, again / np.maximum(rows, 1), mistakes)
        drawn[place] = _on_simplex(again, generator.multinomial(n, counts / n) / n)
    return Assumed(values, drawn)


def _on_simplex(mistakes: FloatMatrix, shares: FloatVector) -> FloatVector:
    from scipy.optimize import nnls

    k = len(shares)
    found, _ = nnls(np.vstack([mistakes.T, np.full((1, k), _HEAVY)]), np.append(shares, _HEAVY))
    whole: FloatVector = found / found.sum()
    return whole


def _refuse_alike(mistakes: FloatMatrix) -> None:
    least = float(np.linalg.svd(mistakes, compute_uv=False)[-1])
    if least < LEAST_INFORMED:
        raise LabelsProblem(
            "the labels are predicted so much alike that their shares cannot be told apart",
            found=f"least singular value of the table of mistakes {least:.3f}",
            expected=f"at least {LEAST_INFORMED}",
            cure="join labels that are taken for each other, or draw gold rows at random from these texts "
            "(--sampled random)",
        )


def prior_shift(probabilities: FloatMatrix, before: FloatVector) -> tuple[FloatVector, FloatMatrix]:
    """Find the shares under which calibrated probabilities fit the texts best.

    Parameters
    ----------
    probabilities
        Of each label for each text, calibrated where labels have the shares ``before``, shape [n, k].
    before
        Those shares, shape [k], all above 0.

    Returns
    -------
    tuple
        The shares, shape [k], and their covariance from the texts alone, shape [k, k].

    Notes
    -----
    Saerens, Latinne and Decaestecker (2002), Neural Computation 14:21: ``p <- mean_i [(p_k / p0_k) P(k | x_i) /
    sum_j (p_j / p0_j) P(j | x_i)]`` to a fixed point, which is the maximum of the likelihood; the covariance is the
    inverse of its information.
    """
    ratio = probabilities / before
    shares = before.copy()
    for _ in range(_ROUNDS):
        weight = ratio * shares
        new = (weight / weight.sum(axis=1, keepdims=True)).mean(axis=0)
        done = np.abs(new - shares).max() < _CLOSE
        shares = new
        if done:
            break
    score = ratio / (ratio @ shares)[:, None]
    free = score[:, :-1] - score[:, -1:]
    inner = np.linalg.pinv(free.T @ free)
    turn = np.vstack([np.eye(len(shares) - 1), -np.ones((1, len(shares) - 1))])
    covariance: FloatMatrix = turn @ inner @ turn.T
    return shares, covariance


def shifted(probabilities: FloatMatrix, gold: FloatMatrix) -> tuple[FloatVector, FloatVector]:
    """Give the shares that :func:`prior_shift` finds and their variances, those of the shares in gold among them.

    Parameters
    ----------
    probabilities
        Of the texts spoken of, shape [n, k].
    gold
        Which label each gold row has, shape [n_gold, k]; its shares are where probabilities are calibrated.
    """
    before = gold.mean(axis=0)
    empty = np.flatnonzero(before <= 0)
    if len(empty):
        raise LabelsProblem(
            "labels without a gold row have no share to begin from", found=f"labels {some(empty.tolist())}"
        )
    shares, covariance = prior_shift(probabilities, before)
    own = (np.diag(before) - np.outer(before, before)) / len(gold)
    step = 1e-3
    slopes = np.empty((len(before), len(before)))
    for label in range(len(before)):
        moved = before.copy()
        moved[label] += step * before[label]
        moved = moved / moved.sum()
        slopes[:, label] = (prior_shift(probabilities, moved)[0] - shares) / (step * before[label])
    variances = np.diag(covariance) + np.diag(slopes @ own @ slopes.T)
    return shares, variances
