from __future__ import annotations

import pytest
from sklearn.metrics import f1_score

from classifine.explanation.attribution import Word
from classifine.explanation.rationales import agreement

TEXT = "you are a mean old fool today"


def words(effects: list[float]) -> list[Word]:
    found, place = [], 0
    for word, effect in zip(TEXT.split(), effects, strict=True):
        start = TEXT.index(word, place)
        found.append(Word(word, start, start + len(word), "word", effect))
        place = start + len(word)
    return found


def test_agreement_is_counted_by_words_that_at_least_half_of_the_people_marked() -> None:
    marked = [[(10, 23)], [(10, 14)], [(10, 14), (19, 23)]]  # mean old fool · mean · mean, fool
    found = agreement(words([0.0, 0.1, 0.0, 0.9, 0.05, 0.3, -0.2]), marked)
    assert found is not None
    assert found.average_precision == 1  # mean, fool come first
    assert found.f1 == 1  # two words are marked on average
    assert found.chance == pytest.approx(2 / 7)
    told = [[3, 4, 5], [3], [3, 5]]
    most = [{3, 5}, {3, 4, 5}, {3, 4, 5}]  # of the two others, at least half
    expected = [
        f1_score([place in right for place in range(7)], [place in own for place in range(7)])
        for own, right in zip(told, most, strict=True)
    ]
    assert found.people_f1 == pytest.approx(sum(expected) / 3)


def test_a_ranking_that_is_upside_down_agrees_less() -> None:
    marked = [[(10, 14)]]
    upright, over = (
        agreement(words(list(values)), marked) for values in ([0, 0, 0, 1, 0, 0, 0], [1, 1, 1, 0, 1, 1, 1])
    )
    assert upright is not None
    assert over is not None
    assert upright.average_precision == 1 > over.average_precision
    assert upright.people_f1 is None


def test_texts_in_which_nothing_is_marked_tell_nothing() -> None:
    assert agreement(words([0.1] * 7), [[], []]) is None
    assert agreement(words([0.1] * 7), []) is None
    assert agreement([], [[(0, 3)]]) is None
