"""Takes training texts that may have several labels and gives the simple classifiers that a fine-tuned one has to beat.

Each label is a question of its own; thresholds are fitted on the validation texts, as the fine-tuned model's are.
Does not know the test texts or how predictions are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from classifine.courses.baseline import NO_WORD, Majority, counted_words, logistic_regression, patiently, some_rows
from classifine.evaluation.thresholds import fitted
from classifine.labels import FloatMatrix, LabelSpace
from classifine.tables import LabelledTexts

if TYPE_CHECKING:
    from classifine.courses.baseline import Baseline


class OneByOne:
    """TF-IDF of words and word pairs, then a logistic regression of each label with balanced class weights.

    Parameters
    ----------
    vectorizer
        A fitted TF-IDF of scikit-learn.
    regressions
        One of each label, or its probability where all training texts have it or none has.
    space
        The labels.
    """

    title = "TF-IDF + logistic regression"
    reason: str | None = None

    def __init__(self, vectorizer: Any, regressions: Sequence[Any | float], space: LabelSpace) -> None:
        self._vectorizer = vectorizer
        self._regressions = tuple(regressions)
        self.space = space

    @classmethod
    def fit(cls, train: LabelledTexts, space: LabelSpace, seed: int) -> OneByOne | Majority:
        """Fit it; where no text holds a word, the shares stand in and say why.

        Raises
        ------
        LabelsProblem
            There is no training row.
        """
        some_rows(train)
        found = counted_words(train.texts, len(space))
        if found is None:
            return Majority.fit(train, space, reason=NO_WORD)
        vectorizer, words = found
        regressions: list[Any | float] = []
        with patiently():
            for has in space.indicator(train.labels).T:
                alike = has.all() or not has.any()
                regressions.append(float(has[0]) if alike else logistic_regression(seed).fit(words, has))
        return cls(vectorizer, regressions, space)

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        probabilities = np.zeros((len(texts), len(self.space)), dtype=np.float64)
        if len(texts):
            words = self._vectorizer.transform(texts)
            for column, regression in enumerate(self._regressions):
                given = regression if isinstance(regression, float) else regression.predict_proba(words)[:, 1]
                probabilities[:, column] = given
        return probabilities


def fit_several(
    train: LabelledTexts, space: LabelSpace, seed: int, *, validation: LabelledTexts | None
) -> dict[str, Baseline]:
    """Fit the baselines, by the name their predictions go by; without validation texts, every threshold is .5."""
    baselines: dict[str, Baseline] = {
        "shares": Majority.fit(train, space),
        "tfidf": OneByOne.fit(train, space, seed),
    }
    for baseline in baselines.values():
        if validation is not None and len(validation):
            baseline.space = fitted(space, baseline.predict_proba(validation.texts), validation.labels)
    return baselines
