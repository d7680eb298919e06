from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.courses.baseline import Majority, TfidfLogistic, fit_baselines
from classifine.errors import LabelsProblem
from classifine.labels import LabelSpace, decide
from classifine.tables import LabelledTexts


def _train(rows: list[tuple[str, str]]) -> LabelledTexts:
    return LabelledTexts(
        ids=tuple(str(row) for row in range(len(rows))),
        texts=tuple(text for text, _ in rows),
        labels=tuple(label for _, label in rows),
        rows=tuple(range(1, len(rows) + 1)),
    )


PETS = [
    ("the cat purrs", "cat"), ("a cat meows loudly", "cat"), ("my cat sleeps", "cat"), ("the cat hides", "cat"),
    ("the dog barks", "dog"), ("a dog fetches", "dog"), ("my dog barks loudly", "dog"),
]  # fmt: skip


def test_majority_gives_the_shares_of_training() -> None:
    majority = Majority.fit(_train(PETS), LabelSpace(("bird", "cat", "dog")))
    assert majority.predict_proba(["a dog", ""]) == pytest.approx(np.tile([0, 4 / 7, 3 / 7], (2, 1)))
    assert majority.predict_proba([]).shape == (0, 3)


def test_tfidf_learns_and_keeps_the_columns_of_the_label_space() -> None:
    space = LabelSpace(("bird", "cat", "cow", "dog"))
    fitted = TfidfLogistic.fit(_train(PETS), space, seed=1)
    assert isinstance(fitted, TfidfLogistic)
    probabilities = fitted.predict_proba(["dog barks", "cat purrs", ""])
    assert decide(probabilities, space)[:2] == ("dog", "cat")
    assert probabilities[:, [0, 2]].tolist() == [[0, 0]] * 3
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3))
    assert fitted.predict_proba([]).shape == (0, 4)


def test_it_is_the_same_each_time_and_whatever_the_order_of_the_rows() -> None:
    space = LabelSpace(("cat", "dog"))
    texts = ["a cat and a dog", "loudly"]
    first, second, backwards = (
        TfidfLogistic.fit(_train(rows), space, seed=1).predict_proba(texts) for rows in (PETS, PETS, PETS[::-1])
    )
    assert (first == second).all()
    assert first == pytest.approx(backwards, abs=1e-3)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("a", "x"), ("b", "y"), ("! ?", "y")], "no training text holds a word"),
        ([("good words", "x"), ("more words", "x")], "all have one label"),
    ],
)
def test_where_nothing_can_be_learnt_the_majority_stands_in(rows: list[tuple[str, str]], reason: str) -> None:
    baseline = fit_baselines(_train(rows), LabelSpace(("x", "y")), seed=1)["tfidf"]
    assert isinstance(baseline, Majority)
    assert baseline.reason is not None
    assert reason in baseline.reason
    assert baseline.predict_proba(["anything"]).shape == (1, 2)


def test_texts_that_share_no_word_are_learnt_all_the_same() -> None:
    fitted = TfidfLogistic.fit(_train([("red", "x"), ("blue", "y")]), LabelSpace(("x", "y")), seed=1)
    assert isinstance(fitted, TfidfLogistic)
    assert fitted.predict_proba(["red", "blue"]).argmax(axis=1).tolist() == [0, 1]


def _leaning(rows: list[tuple[str, str]]) -> list[float]:
    """Give the probability of ``dog`` of a text with a word that a single text has, and of one with an unknown word."""
    fitted = TfidfLogistic.fit(_train(rows), LabelSpace(("cat", "dog")), seed=1)
    assert isinstance(fitted, TfidfLogistic)
    return [float(given) for given in fitted.predict_proba(["my fetches", "my unheard"])[:, 1]]


def test_with_few_texts_a_word_of_a_single_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it, without = _leaning(PETS)
    assert with_it > without + 0.1
    # where there would be more weights than a quick fit has, it does not
    monkeypatch.setattr("classifine.courses.baseline.MOST_WEIGHTS", 10)
    with_it, without = _leaning(PETS)
    assert with_it == without


@pytest.mark.parametrize(("texts", "counts"), [(4_999, True), (5_000, False)])
def test_from_5000_texts_on_only_words_of_two_count(texts: int, counts: bool) -> None:
    rows = [PETS[0], PETS[4]] * (texts // 2) + [PETS[1]] * (texts % 2)
    rows[1] = ("my dog fetches", "dog")
    with_it, without = _leaning(rows)
    assert (with_it > without) == counts


def test_no_rows_is_an_error_that_says_so() -> None:
    with pytest.raises(LabelsProblem, match="no training row"):
        fit_baselines(_train([]), LabelSpace(("x", "y")), seed=1)


@given(st.lists(st.tuples(st.text(max_size=12), st.sampled_from(["x", "y", "z"])), min_size=1, max_size=8))
def test_whatever_the_texts_probabilities_come_out(rows: list[tuple[str, str]]) -> None:
    for baseline in fit_baselines(_train(rows), LabelSpace(("x", "y", "z")), seed=1).values():
        probabilities = baseline.predict_proba(["some text", *(text for text, _ in rows)])
        assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(rows) + 1))
        assert (probabilities >= 0).all()


@pytest.mark.slow
def test_the_published_floor_of_edos() -> None:
    import csv

    from sklearn.metrics import accuracy_score, f1_score

    if "CLASSIFINE_DATA" not in os.environ:
        pytest.skip("CLASSIFINE_DATA does not name the folder of benchmark data")
    splits = []
    for name in ("train.csv", "test.csv"):
        with (Path(os.environ["CLASSIFINE_DATA"]) / "edos" / name).open(encoding="utf-8", newline="") as stream:
            splits.append(_train([(row["text"], row["label"]) for row in csv.DictReader(stream)]))
    train, test = splits
    space = LabelSpace.of(train.labels)
    predicted = decide(TfidfLogistic.fit(train, space, seed=1).predict_proba(test.texts), space)
    assert accuracy_score(test.labels, predicted) == pytest.approx(0.817, abs=0.002)
    assert f1_score(test.labels, predicted, average="macro") == pytest.approx(0.7525, abs=0.002)
