from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.explanation.scorers import BagOfWords

import classifine
from classifine.explanation import showing
from classifine.explanation.attribution import Explanation, Explanations
from classifine.explanation.overview import Overview, overview

TEXTS = [
    "a superb film about ships in winter",
    "Superb music and an awful hall",
    "we found the awful soup superb anyway",
    "@paul wrote of trains and maps",
    "@mary sells bread near the bridge",
    "@john paints walls for a living",
]
WEIGHTS = {"superb": 0.3, "Superb": 0.2, "awful": -0.1, "@paul": 0.4, "@mary": 0.4, "@john": 0.4}


def explained() -> Explanations:
    return classifine.explain(BagOfWords(WEIGHTS, start=0.3), TEXTS, method="leave-one-out", label="yes")


def test_a_words_mean_effect_has_its_interval_over_texts() -> None:
    pushes = {push.word: push for push in explained().overview.pushes["yes"]}
    superb = pushes["superb"]
    assert superb.texts == 3
    assert superb.effect == pytest.approx(0.8 / 3)
    low, high = stats.t.interval(0.95, 2, loc=0.8 / 3, scale=stats.sem([0.3, 0.2, 0.3]))
    assert [superb.low, superb.high] == pytest.approx([low, high])
    assert pushes["awful"].effect == pytest.approx(-0.1)
    assert "film" not in pushes


def test_handles_that_count_most_and_single_words_that_decide_are_warned_of() -> None:
    told = " ".join(explained().overview.warnings)
    assert "a handle" in told
    assert "3 of 6 texts" in told
    assert "a single word decides" in told


def test_explanations_that_must_not_be_ranked_only_count() -> None:
    found = classifine.explain(BagOfWords({}), TEXTS, label="yes").overview
    assert (found.texts, found.ranked, found.pushes, found.warnings) == (6, 0, {}, ())
    assert overview([]) == Overview(0, 0, {}, ())


def test_what_is_stored_is_read_again() -> None:
    found = explained()
    stored = found.to_dict()
    assert [Explanation.from_dict(one) for one in stored["explanations"]] == list(found)
    assert Overview.from_dict(stored["overview"]) == found.overview


def test_pieces_put_together_are_the_text() -> None:
    for one, text in zip(explained(), TEXTS, strict=True):
        assert "".join(piece.text for piece in showing.pieces_of(one)) == text
    shades = {piece.text: piece.shade for piece in showing.pieces_of(explained()[2])}
    assert shades["superb"] == 4
    assert shades["awful"] < 0
    assert shades["soup"] == 0


def test_what_is_not_ranked_has_no_colour_and_says_why() -> None:
    (one,) = classifine.explain(BagOfWords({}), [TEXTS[0]], label="yes")
    assert not any(piece.shade for piece in showing.pieces_of(one))
    assert "not ranked: no word moves it" in one.to_html()
    assert "<mark" not in one.to_html()


def test_what_would_change_the_label_is_told_with_how_sure_that_is() -> None:
    one = explained()[0]
    assert showing.changed(one) == "Without “superb” it would be no."
    assert np.isclose(one.value, 0.6)
