from __future__ import annotations

import numpy as np
import pytest

from classifine.courses.baseline import NO_WORD, Majority, fit_baselines
from classifine.courses.label_by_label import OneByOne
from classifine.errors import LabelsProblem
from classifine.labels import LabelSpace, decide
from classifine.tables import LabelledTexts

SPACE = LabelSpace(("barks", "never", "purrs"), separator="|")


def _table(rows: list[tuple[str, str]]) -> LabelledTexts:
    places = range(len(rows))
    texts, labels = tuple(text for text, _ in rows), tuple(label for _, label in rows)
    return LabelledTexts(tuple(map(str, places)), texts, labels, tuple(places))


PETS = [
    ("the cat sleeps", "purrs"), ("a cat and a dog", "barks|purrs"), ("my dog runs", "barks"),
    ("the dog hides", "barks"), ("a cat hides", "purrs"), ("the fish swims", ""),
    ("my dog and my cat", "purrs|barks"), ("a fish hides", ""),
]  # fmt: skip


def test_shares_count_each_label_among_the_texts() -> None:
    shares = Majority.fit(_table(PETS), SPACE)
    assert shares.title == "the same labels for every text"
    assert shares.predict_proba(["x", ""]) == pytest.approx(np.tile([0.5, 0.0, 0.5], (2, 1)))
    assert shares.predict_proba([]).shape == (0, 3)


def test_each_label_is_a_regression_of_its_own_as_in_scikit_learns_one_versus_rest() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    table = _table(PETS)
    ours = OneByOne.fit(table, SPACE, seed=1).predict_proba([*table.texts, "cat", ""])
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(table.texts)
    regression = OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", max_iter=10_000))
    regression.fit(words.transform(table.texts), SPACE.indicator(table.labels)[:, [0, 2]])
    theirs = regression.predict_proba(words.transform([*table.texts, "cat", ""]))
    assert ours[:, [0, 2]] == pytest.approx(theirs, abs=1e-4)
    assert not ours[:, 1].any()


def test_thresholds_come_from_the_validation_texts() -> None:
    baselines = fit_baselines(_table(PETS), SPACE, seed=1, validation=_table(PETS))
    assert list(baselines) == ["shares", "tfidf"]
    for baseline in baselines.values():
        assert baseline.space.thresholds is not None
    learnt = baselines["tfidf"]
    assert decide(learnt.predict_proba([text for text, _ in PETS]), learnt.space) == tuple(
        "barks|purrs" if "|" in label else label for _, label in PETS
    )
    assert fit_baselines(_table(PETS), SPACE, seed=1)["tfidf"].space.thresholds is None


def test_what_cannot_be_fitted_is_said() -> None:
    found = OneByOne.fit(_table([("x", "purrs"), ("y", "barks")]), SPACE, seed=1)
    assert found.reason == NO_WORD
    with pytest.raises(LabelsProblem, match="no training row"):
        OneByOne.fit(_table([]), SPACE, seed=1)
