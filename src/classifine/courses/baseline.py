"""Takes the training split and gives the simple classifiers that a fine-tuned one has to beat.

Each has the one seam, ``predict_proba(texts) -> [n_texts, n_labels]``, its columns in the order of the label space.
Does not know the test texts or how predictions are scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from classifine.errors import LabelsProblem
from classifine.labels import FloatMatrix, LabelSpace
from classifine.tables import LabelledTexts

NO_WORD = "no training text holds a word of two or more characters"

_MOST_ITERATIONS = 10_000
# With fewer texts than this, words of a single one are counted too, unless a fit would then have so many weights that
# it takes minutes and gigabytes: benchmarks/rare_words.py has the figures.
FEW_TEXTS = 5_000
MOST_WEIGHTS = 2_000_000


class Baseline(Protocol):
    """A classifier that costs next to nothing."""

    title: str
    reason: str | None
    space: LabelSpace

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        ...


class Majority:
    """Gives every text the same probabilities: of each label, the share of the training texts that have it.

    So the commonest label is predicted; where a text may have several labels, the same ones for every text.

    Parameters
    ----------
    shares
        Shape [n_labels].
    space
        The labels.
    reason
        Why this stands in for another baseline, or none.
    """

    def __init__(self, shares: Sequence[float], space: LabelSpace, reason: str | None = None) -> None:
        self.title = "majority label" if space.separator is None else "the same labels for every text"
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
        some_rows(train)
        counts = np.bincount(space.ids(n for cell in train.labels for n in space.several(cell)), minlength=len(space))
        return cls((counts / len(train)).tolist(), space, reason)

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
        from sklearn.pipeline import make_pipeline

        some_rows(train)
        if len(set(train.labels)) < 2:
            return Majority.fit(train, space, reason="the training texts all have one label")
        found = counted_words(train.texts, len(space))
        if found is None:
            return Majority.fit(train, space, reason=NO_WORD)
        vectorizer, words = found
        with patiently():
            regression = logistic_regression(seed).fit(words, space.ids(train.labels))
        return cls(make_pipeline(vectorizer, regression), [int(column) for column in regression.classes_], space)

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Give each text's probabilities, shape [n_texts, n_labels]."""
        probabilities = np.zeros((len(texts), len(self.space)), dtype=np.float64)
        if len(texts):
            probabilities[:, self._columns] = self._pipeline.predict_proba(texts)
        return probabilities


def fit_baselines(
    train: LabelledTexts, space: LabelSpace, seed: int, *, validation: LabelledTexts | None = None
) -> dict[str, Baseline]:
    """Fit the baselines, by the name their predictions go by.

    Parameters
    ----------
    train
        The training split.
    space
        The label space of the run; it may hold labels that the training split does not.
    seed
        Where random choices start.
    validation
        Where a text may have several labels, thresholds are fitted on these texts, as the fine-tuned model's are.

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
    if space.separator is not None:
        from classifine.courses.label_by_label import fit_several

        return fit_several(train, space, seed, validation=validation)
    return {"majority": Majority.fit(train, space), "tfidf": TfidfLogistic.fit(train, space, seed)}


def counted_words(texts: Sequence[str], labels: int) -> tuple[Any, Any] | None:
    """Give scikit-learn's TF-IDF of words and word pairs, fitted, and its matrix; none where no text holds a word.

    Where texts are few, a word of a single one counts, too: what it says is worth more than the noise it brings. Where
    they are many, or where there would be too many weights for so many labels, it does not.
    """
    counter = word_counter(texts)
    if counter is None:
        return None
    if len(texts) < FEW_TEXTS:
        least = counter.min_df
        matrix = counter.set_params(min_df=1).fit_transform(texts)
        if len(counter.vocabulary_) * labels <= MOST_WEIGHTS:
            return counter, matrix
        counter.set_params(min_df=least)
    return counter, counter.fit_transform(texts)


def word_counter(texts: Sequence[str]) -> Any | None:
    """Give scikit-learn's TF-IDF of words and word pairs, not fitted yet; none where no text holds a word.

    A word of a single text does not count, except where no two texts share one.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    words_of = TfidfVectorizer().build_analyzer()
    if not any(words_of(text) for text in texts):
        return None
    least = 2 if _share_a_word(words_of(text) for text in texts) else 1
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=least)


def logistic_regression(seed: int) -> Any:
    """Give scikit-learn's logistic regression with balanced class weights, not fitted yet."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10, class_weight="balanced", max_iter=_MOST_ITERATIONS, random_state=seed)


@contextmanager
def patiently() -> Iterator[None]:
    """Fit without scikit-learn's warning of the most steps: what is left then is a line search at its last decimals."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def some_rows(train: LabelledTexts) -> None:
    """Refuse to fit on nothing."""
    if not len(train):
        raise LabelsProblem("there is no training row", cure="give at least a few labelled texts of each label")


def _share_a_word(words_of_texts: Iterable[Sequence[str]]) -> bool:
    seen: set[str] = set()
    for words in words_of_texts:
        if not seen.isdisjoint(words):
            return True
        seen.update(words)
    return False
