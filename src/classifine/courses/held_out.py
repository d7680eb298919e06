"""Takes labelled texts and gives, for each, probabilities of a cheap classifier that had not seen it.

Logistic regression on what the base model makes of the texts, or on their words, fold by fold; labels weigh as often as
they occur, so that probabilities mean what they say. Does not know what the probabilities are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifine.courses.baseline import patiently, word_counter
from classifine.courses.frozen import Features, FrozenEncoder, FrozenLogistic, regressed
from classifine.data.splits.folds import Fold
from classifine.evaluation.metrics import row_log_loss
from classifine.evaluation.several import row_log_loss as row_log_loss_of_sets
from classifine.labels import BoolMatrix, FloatMatrix, IntVector, LabelSpace
from classifine.tables import LabelledTexts

# Weaker to stronger; the one that foresees the first fold best is taken for all.
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)


def by_features(
    features: Features,
    table: LabelledTexts,
    space: LabelSpace,
    cut: Sequence[Fold],
    encoder: FrozenEncoder,
    *,
    balanced: bool = False,
) -> FloatMatrix:
    """Give out-of-fold probabilities by logistic regression on features, shape [n, n_labels].

    Parameters
    ----------
    features
        What the encoder makes of the texts, shape [n, width].
    table, space
        The texts and their labels.
    cut
        Folds; each text is in the test rows of one.
    encoder
        Whose features they are.
    balanced
        Let rare labels weigh as much as frequent ones; then suspicions are wrong more often
        (``benchmarks/label_errors.py``).
    """
    known: IntVector | BoolMatrix = (
        space.ids(table.labels) if space.separator is None else space.indicator(table.labels)
    )
    probabilities = np.zeros((len(table), len(space)))
    best: tuple[float, float] | None = None
    for strength in _STRENGTHS:
        found = _scored(features, known, space, cut[0], encoder, strength, balanced)
        losses = (
            row_log_loss(found, space.ids(table.labels[row] for row in cut[0].test.tolist()))
            if space.separator is None
            else row_log_loss_of_sets(found, space.indicator([table.labels[row] for row in cut[0].test.tolist()]))
        )
        loss = float(losses.mean())
        if best is None or loss < best[0]:
            best, probabilities[cut[0].test] = (loss, strength), found
    assert best is not None
    for fold in cut[1:]:
        probabilities[fold.test] = _scored(features, known, space, fold, encoder, best[1], balanced)
    return probabilities


def by_words(table: LabelledTexts, space: LabelSpace, cut: Sequence[Fold], *, seed: int) -> tuple[FloatMatrix, Any]:
    """Give out-of-fold probabilities by logistic regression on TF-IDF, shape [n, n_labels], and the TF-IDF of all.

    Where no text holds a word, probabilities are the labels' shares, and there is no TF-IDF.
    """
    from sklearn.linear_model import LogisticRegression

    known = space.ids(table.labels) if space.separator is None else space.indicator(table.labels)
    probabilities = np.zeros((len(table), len(space)))
    words = word_counter(table.texts)
    vectors = None if words is None else words.fit_transform(table.texts).tocsr()
    for fold in cut:
        targets = {label: known[fold.train] == label for label in range(len(space))}
        if known.ndim == 2:
            targets = {label: known[fold.train][:, label] for label in range(len(space))}
        shares = np.array([targets[label].mean() for label in range(len(space))])
        probabilities[fold.test] = shares
        if vectors is None or (known.ndim == 1 and (shares > 0).sum() < 2):
            continue
        with patiently():
            if known.ndim == 1:
                fitted = LogisticRegression(C=10, max_iter=1_000, random_state=seed)
                fitted.fit(vectors[fold.train], known[fold.train])
                probabilities[fold.test] = 0.0
                probabilities[np.ix_(fold.test, fitted.classes_)] = fitted.predict_proba(vectors[fold.test])
                continue
            for label, has in targets.items():
                if 0 < shares[label] < 1:
                    fitted = LogisticRegression(C=10, max_iter=1_000, random_state=seed).fit(vectors[fold.train], has)
                    probabilities[fold.test, label] = fitted.predict_proba(vectors[fold.test])[:, 1]
    return probabilities, vectors


def _scored(
    features: Features,
    known: IntVector | BoolMatrix,
    space: LabelSpace,
    fold: Fold,
    encoder: FrozenEncoder,
    strength: float,
    balanced: bool,
) -> FloatMatrix:
    weight, bias = regressed(features[fold.train], known[fold.train], strength, len(space), balanced=balanced)
    return FrozenLogistic(encoder, weight, bias, space).of_features(features[fold.test])
