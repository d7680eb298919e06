from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
from tests.explanation.scorers import SENTENCE, TRUE, WEIGHTS, BagOfWords

import classifine
from classifine.errors import SettingsProblem, UsageError
from classifine.explanation.explaining import METHODS, Method
from classifine.explanation.words import words
from classifine.labels import FloatMatrix, LabelSpace

OVER_THE_SEAM: tuple[Method, ...] = ("leave-one-out", "lime", "kernel-shap", "shapley")
HOSTILE = {
    "script": "<script>alert('x')</script> \" onload=alert(1) & film",
    "one word": "film",
    "emoji": "😀😀👩🏽‍🚀🇩🇪",
    "quotes": "\"'`“”«»",
    "surrogate": "half \ud83d a film",
    "null": "film\x00 film \x1b[31m",
    "right to left": "\u202e evil مرحبا film",
    "long": "film worth not bad " * 100,
}


@pytest.mark.parametrize("method", OVER_THE_SEAM)
def test_every_method_goes_through_the_same_door(method: Method) -> None:
    (found,) = classifine.explain(BagOfWords(WEIGHTS), [SENTENCE], method=method, label="yes")
    assert [word.effect for word in found.words] == pytest.approx(TRUE, abs=1e-3)
    assert [word.text for word in found.top(2)] == ["worth", "bad"]
    assert found.value == pytest.approx(0.3 + TRUE.sum())
    assert found.base == pytest.approx(0.3)
    assert SENTENCE[found.words[8].start : found.words[8].end] == found.words[8].text
    assert found.ranked


@pytest.mark.parametrize("method", OVER_THE_SEAM)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_explained_or_refused_and_shown_harmlessly(method: Method, text: str) -> None:
    scorer = BagOfWords(WEIGHTS, names=('"><img src=x onerror=alert(1)>', "</script>'yes"))
    found = classifine.explain(scorer, [text], method=method, samples=50)
    assert found[0].ranked or found[0].reason
    shown = found.to_html() + found.to_page()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "onload=alert" not in shown or 'onload="' not in shown
    json.dumps(found.to_dict())


def test_ten_thousand_words_are_explained_by_their_phrases() -> None:
    (found,) = classifine.explain(
        BagOfWords({"superb": 0.5}), ["film worth not bad " * 1250 + "superb " + "so " * 5000]
    )
    assert len(found.words) <= 64
    assert "superb" in found.top(1)[0].text
    assert any("phrases" in note for note in found.notes)


def test_the_same_seed_gives_the_same_bytes() -> None:
    long = SENTENCE + " or so they told me when I asked them for it on a rainy day in spring"
    told = [
        json.dumps(classifine.explain(BagOfWords(WEIGHTS), [long], method="lime", seed=3).to_dict()) for _ in range(2)
    ]
    assert told[0] == told[1]


def test_the_default_needs_no_label_and_takes_one_text() -> None:
    (found,) = classifine.explain(BagOfWords(WEIGHTS, start=0.4), SENTENCE)
    assert found.predicted == found.label == "yes"
    assert found.method == "leave-one-out"
    assert found.faithfulness is not None
    assert found.faithfulness.outdone == 0


class Redundant(BagOfWords):
    """One of several words is enough, so that no single one matters."""

    def score(self, text: str) -> float:
        return 0.9 if {"glad", "happy", "merry"} & set(text.split()) else 0.2


def test_where_words_stand_in_for_each_other_the_default_goes_on_to_sets_of_words() -> None:
    (found,) = classifine.explain(Redundant({}), ["so glad and happy and merry as one can be"])
    assert found.method == "kernel-shap"
    assert {word.text for word in found.top(3)} == {"glad", "happy", "merry"}
    assert found.change is not None
    assert (len(found.change.places), found.change.becomes) == (3, "no")
    (alone,) = classifine.explain(Redundant({}), ["so glad and happy and merry"], method="leave-one-out")
    assert "kernel-shap may tell more" in str(alone.reason)
    assert not alone.top()


class Three:
    """Two labels that words decide, and a rest; several may be given."""

    def __init__(self, *, several: bool) -> None:
        names = ("joy", "love", "rest")
        self.space = LabelSpace(names, separator="|" if several else None)
        self.several = several

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        rows = []
        for text in texts:
            tokens = [text[word.start : word.end] for word in words(text)]
            joy, love = 0.2 + 0.5 * ("glad" in tokens), 0.15 + 0.45 * ("heart" in tokens)
            rows.append([joy, love, 0.1])
        found = np.array(rows, dtype=np.float64).reshape(-1, 3)
        return found if self.several else found / found.sum(axis=1, keepdims=True)


TEXT = "I am glad with all of my heart today"


def test_of_several_labels_given_each_is_explained() -> None:
    found = classifine.explain(Three(several=True), [TEXT])
    assert [(one.label, one.top(1)[0].text) for one in found] == [("joy", "glad"), ("love", "heart")]
    assert [one.change and one.change.becomes for one in found] == ["love", "joy"]


def test_where_no_label_is_given_the_nearest_is_explained() -> None:
    (found,) = classifine.explain(Three(several=True), ["a plain word or two"])
    assert (found.label, found.predicted) == ("joy", "")
    assert not found.ranked
    assert "no word moves it" in str(found.reason)


def test_a_contrast_shows_what_speaks_for_one_and_what_for_the_other() -> None:
    (found,) = classifine.explain(Three(several=False), [TEXT], label="joy", against="love")
    effects = {word.text: word.effect for word in found.words}
    assert effects["glad"] > 0.1 > -0.1 > effects["heart"]
    assert "and not love" in found.to_html()


def test_what_cannot_be_explained_is_said_at_once_and_all_of_it() -> None:
    with pytest.raises(SettingsProblem) as caught:
        classifine.explain(
            Three(several=False),
            ["a"],
            method=cast(Any, "limes"),
            label="luve",
            samples=3,
        )
    told = str(caught.value)
    assert "did you mean 'lime'" in told
    assert "did you mean 'love'" in told
    assert "samples 3" in told


@pytest.mark.parametrize("text", ["", "  \n", "\u3000"])
def test_a_blank_text_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(UsageError, match="2 of 3"):
        classifine.explain(BagOfWords(WEIGHTS), ["film", text, "film"])


def test_what_is_no_scorer_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be explained"):
        classifine.explain(object(), ["a film"])  # type: ignore[arg-type]


def test_second_texts_are_refused_by_a_scorer_of_single_ones() -> None:
    with pytest.raises(UsageError, match="not pairs"):
        classifine.explain(BagOfWords(WEIGHTS), ["film"], pairs=["worth"])


def test_every_method_has_a_name_in_the_command() -> None:
    from classifine.cli.explain import _METHODS

    assert sorted(_METHODS) == sorted(METHODS)
