from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explanation.scorers import WEIGHTS, BagOfWords

from classifine.explanation.masking import Masked, Passage, Target
from classifine.labels import FloatMatrix
from classifine.pairs import joined


def without(passage: Passage, *gone: int) -> str:
    kept = np.ones(len(passage), dtype=bool)
    kept[list(gone)] = False
    return passage.without(kept)


def test_words_go_with_the_white_space_around_them_and_never_grow_together() -> None:
    passage = Passage.of("Come, all  of you!\nNow")
    assert without(passage, 1) == "Come all  of you!\nNow"
    assert without(passage, 0, 1) == "all  of you!\nNow"
    assert without(passage, 3) == "Come, all  you!\nNow"
    assert without(passage, 5) == "Come, all  of you\nNow"
    assert without(passage, *range(7)) == ""


@given(st.text(max_size=50), st.randoms())
@settings(deadline=None)
def test_with_all_words_kept_a_text_is_as_it_was(text: str, chance: object) -> None:
    assert without(Passage.of(text)) == text


def test_texts_without_spaces_lose_no_sign_and_gain_none() -> None:
    assert without(Passage.of("我喜欢你"), 1) == "我欢你"


def test_a_pair_stays_a_pair() -> None:
    passage = Passage.of(joined("It rains.", "It is dry."), pair=True)
    assert [passage.word(place) for place in range(len(passage))] == ["It", "rains", ".", "It", "is", "dry", "."]
    assert without(passage, 1, 2, 3, 4, 5, 6) == joined("It", "")
    assert without(passage, 0, 1, 2) == joined("", "It is dry.")


def test_equal_texts_are_scored_once_and_few_at_a_time() -> None:
    scorer = BagOfWords(WEIGHTS)
    sizes: list[int] = []

    class Watched(BagOfWords):
        def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
            sizes.append(len(texts))
            return scorer.predict_proba(texts)

    passage = Passage.of(" ".join(f"w{n}" for n in range(12)))
    masked = Masked(Watched(WEIGHTS), passage)
    kept = np.random.default_rng(0).random((9_000, 12)) < 0.5
    masked.rows(kept)
    assert max(sizes) <= 1024
    assert len(scorer.asked) == len(set(scorer.asked)) == masked.scored == len(np.unique(kept, axis=0))
    before = masked.scored
    masked.rows(kept[:100])
    assert masked.scored == before


def test_the_contrast_of_two_labels_is_one_number() -> None:
    rows = np.array([[0.1, 0.6, 0.3], [0.5, 0.25, 0.25]])
    assert Target(1, 2).of(rows) == pytest.approx([0.3, 0.0])
    assert Target(1, 2, "log-odds").of(rows) == pytest.approx([np.log(2), 0.0])
    assert Target(0, scale="log-odds").of(rows) == pytest.approx([np.log(1 / 9), 0.0])


def test_what_is_not_read_is_in_no_text_that_is_scored() -> None:
    text = "one two three four five"
    passage = Passage.of(text, read=[(0, 7), (19, 23)])
    assert [passage.word(place) for place in range(len(passage))] == ["one", "two", "five"]
    assert without(passage) == text
    assert without(passage, 0) == "two five"


@pytest.mark.parametrize("words", [65, 700, 10_000])
def test_long_texts_are_divided_into_few_phrases(words: int) -> None:
    passage = Passage.of("so many words. " * (words // 3))
    assert len(passage) <= 64
    assert len(Passage.of("so many words. " * 30, pieces="words")) == 120
    assert len(Passage.of("so many words. " * 4, pieces="phrases")) == 4
