"""Takes probabilities of texts that may have several labels, and their labels, and gives the thresholds that fit best.

A label with few texts borrows from the others, since its own best threshold is mostly chance.
Does not know models, or where the texts come from; they must not be the test texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classifine.labels import EVEN_CHANCE, BoolMatrix, FloatMatrix, LabelSpace

FEW_TEXTS = 20  # of a label: with fewer, its threshold is drawn towards a common one


def fitted(space: LabelSpace, probabilities: FloatMatrix, cells: Sequence[str]) -> LabelSpace:
    """Give the label space with thresholds that fit texts with these probabilities and labels."""
    return replace(space, thresholds=fit_thresholds(probabilities, space.indicator(cells)))


def fit_thresholds(probabilities: FloatMatrix, truth: BoolMatrix) -> tuple[float, ...]:
    """Give each label the threshold at which its F1 is highest; a rare one something between its own and a common one.

    Parameters
    ----------
    probabilities
        Shape [n, n_labels].
    truth
        Which labels each text has, shape [n, n_labels].

    Notes
    -----
    The common threshold is that of the labels' own at which the mean F1 of all labels is highest. With fewer than 20
    texts, a label's log-odds lie between those of the two, in proportion to its texts; a label that no text has takes
    the common one.

    Examples
    --------
    >>> probabilities = np.array([[0.9], [0.4], [0.3], [0.1]])
    >>> best_threshold(probabilities[:, 0], np.array([True, True, False, False]))
    0.35
    """
    if not len(probabilities):
        return (EVEN_CHANCE,) * int(probabilities.shape[1])
    texts = truth.sum(axis=0)
    own = np.array([best_threshold(column, has) for column, has in zip(probabilities.T, truth.T, strict=True)])
    trust = np.minimum(texts / FEW_TEXTS, 1.0)
    common = _common_threshold(probabilities, truth, np.unique(own[texts > 0]))
    between = trust * _log_odds(own) + (1 - trust) * _log_odds(np.array([common]))
    thresholds: list[float] = (1 / (1 + np.exp(-between))).tolist()
    return tuple(thresholds)


def best_threshold(probabilities: FloatMatrix, truth: BoolMatrix) -> float:
    """Give the threshold with the highest F1, half-way between two probabilities that occur; of equal ones the highest.

    Parameters
    ----------
    probabilities, truth
        Shape [n].
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], np.cumsum(truth[order])
    if not hits[-1]:
        return EVEN_CHANCE
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # equal probabilities are given the label all or none
    last = int(f1.argmax())
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)


def _common_threshold(probabilities: FloatMatrix, truth: BoolMatrix, candidates: FloatMatrix) -> float:
    """Give the candidate with the highest mean F1 of the labels that occur, of equal ones the highest."""
    if not len(candidates):
        return EVEN_CHANCE
    total = np.zeros(len(candidates))
    for column, has in zip(probabilities.T, truth.T, strict=True):
        given, hits = (
            len(ranked) - np.searchsorted(ranked, candidates) for ranked in map(np.sort, (column, column[has]))
        )
        total += 2 * hits / np.maximum(given + has.sum(), 1)
    return float(candidates[len(total) - 1 - total[::-1].argmax()])


def _log_odds(probabilities: FloatMatrix) -> FloatMatrix:
    kept = np.clip(probabilities, 1e-9, 1 - 1e-9)
    odds: FloatMatrix = np.log(kept / (1 - kept))
    return odds
