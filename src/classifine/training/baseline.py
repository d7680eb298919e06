"""Takes the training split and gives the simple classifiers that a fine-tuned one has to beat.

Each has the one seam, ``predict_proba(texts) -> [n_texts, n_labels]``, its columns in the order of the label space.
Does not know validation, test or how predictions are scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from classifine.errors import LabelsProblem
from classifine.labels import FloatMatrix, LabelSpace
from classifine.tables import LabelledTexts

_MOST_ITERATIONS = 10_000


class Baseline(Protocol):
    """A classifier that costs next to nothing."""

    title: str
    reason: str | None
    space: LabelSpace

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        ...


class Majority:
    """Gives every text the shares of the labels in the training split, so the commonest label is predicted.

    Parameters
    ----------
    shares
        Shape [n_labels].
    space
        The labels.
    reason
        Why this stands in for another baseline, or none.
    """

    title = "majority label"

    def __init__(self, shares: Sequence[float], space: LabelSpace, reason: str | None = None) -> None:
        self.shares = tuple(shares)
        self.space = space
        self.reason = reason

    @classmethod
    def fit(cls, train: LabelledTexts, space: LabelSpace, *, reason: str | None = None) -> Majority:
        """Count the labels.

        Raises
        ------
        LabelsProblem
            There is no training row.
        """
        _some_rows(train)
        counts = np.bincount(space.ids(train.labels), minlength=len(space))
        return cls((counts / counts.sum()).tolist(), space, reason)

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give the same shares for each text, shape [n_texts, n_labels]."""
        return np.tile(np.array(self.shares, dtype=np.float64), (len(texts), 1))


class TfidfLogistic:
    """TF-IDF of words and word pairs, then logistic regression with balanced class weights.

    Parameters
    ----------
    pipeline
        A fitted scikit-learn pipeline.
    columns
        The label ids of the pipeline's columns.
    space
        The labels; one that does not occur in training has probability 0.
    """

    title = "TF-IDF + logistic regression"
    reason: str | None = None

    def __init__(self, pipeline: Any, columns: Sequence[int], space: LabelSpace) -> None:
        self._pipeline = pipeline
        self._columns = tuple(columns)
        self.space = space

    @classmethod
    def fit(cls, train: LabelledTexts, space: LabelSpace, seed: int) -> TfidfLogistic | Majority:
        """Fit it; where the training split gives nothing to fit, the majority label stands in and says why.

        Raises
        ------
        LabelsProblem
            There is no training row.
        """
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        _some_rows(train)
        ids = space.ids(train.labels)
        words_of = TfidfVectorizer().build_analyzer()
        if len(set(train.labels)) < 2:
            return Majority.fit(train, space, reason="the training texts all have one label")
        if not any(words_of(text) for text in train.texts):
            return Majority.fit(train, space, reason="no training text holds a word of two or more characters")
        # words of a single text are noise that costs memory, except where no two texts share one
        least = 2 if _share_a_word(words_of(text) for text in train.texts) else 1
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=least)
        regression = LogisticRegression(C=10, class_weight="balanced", max_iter=_MOST_ITERATIONS, random_state=seed)
        pipeline = make_pipeline(vectorizer, regression)
        with warnings.catch_warnings():
            # what is left after so many steps is a line search at its last decimals: nobody can act on it
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(train.texts, ids)
        return cls(pipeline, [int(column) for column in regression.classes_], space)

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        probabilities = np.zeros((len(texts), len(self.space)), dtype=np.float64)
        if len(texts):
            probabilities[:, self._columns] = self._pipeline.predict_proba(texts)
        return probabilities


def fit_baselines(train: LabelledTexts, space: LabelSpace, seed: int) -> dict[str, Baseline]:
    """Fit the baselines, by the name their predictions go by.

    Parameters
    ----------
    train
        The training split alone.
    space
        The label space of the run; it may hold labels that the training split does not.
    seed
        Where random choices start.

    Raises
    ------
    LabelsProblem
        There is no training row.

    Examples
    --------
    >>> rows = [("1", "good sun"), ("2", "good day"), ("3", "good rain"), ("4", "bad rain"), ("5", "bad day")]
    >>> ids, texts = zip(*rows)
    >>> train = LabelledTexts(ids=ids, texts=texts, labels=("+", "+", "+", "-", "-"), rows=(1, 2, 3, 4, 5))
    >>> baselines = fit_baselines(train, LabelSpace.of(train.labels), seed=1)
    >>> [bool(baselines[name].predict_proba(["a bad thing"])[0, 1] > 0.5) for name in ("majority", "tfidf")]
    [False, True]
    """
    return {"majority": Majority.fit(train, space), "tfidf": TfidfLogistic.fit(train, space, seed)}


def _some_rows(train: LabelledTexts) -> None:
    if not len(train):
        raise LabelsProblem("there is no training row", cure="give at least a few labelled texts of each label")


def _share_a_word(words_of_texts: Iterable[Sequence[str]]) -> bool:
    seen: set[str] = set()
    for words in words_of_texts:
        if not seen.isdisjoint(words):
            return True
        seen.update(words)
    return False
