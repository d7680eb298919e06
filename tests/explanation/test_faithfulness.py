from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explanation.scorers import SENTENCE, TRUE, WEIGHTS, BagOfWords

from classifine.explanation.deciding import change
from classifine.explanation.faithfulness import Faithfulness, faithfulness, refusal
from classifine.explanation.masking import Masked, Passage, Target
from classifine.labels import LabelSpace

YES = Target(1)
GOOD = Faithfulness(0.4, 0.0, 0.1, 0.2, 0, 6)


def masked(text: str = SENTENCE, weights: dict[str, float] = WEIGHTS, start: float = 0.3) -> Masked:
    return Masked(BagOfWords(weights, start=start), Passage.of(text))


def test_the_measures_are_means_over_shares_of_the_words() -> None:
    # "a b c d" with weights .4 .2 .1 0: half of the words are the first two
    scorer = masked("a b c d", {"a": 0.4, "b": 0.2, "c": 0.1})
    found = faithfulness(scorer, YES, np.array([0.4, 0.2, 0.1, 0.0]), shares=(0.25, 0.5), orders=0)
    assert found.comprehensiveness == pytest.approx((0.4 + 0.6) / 2)
    assert found.sufficiency == pytest.approx((0.3 + 0.1) / 2)


def test_true_weights_are_outdone_by_no_order_and_random_ones_by_some() -> None:
    true = faithfulness(masked(), YES, TRUE, orders=50)
    assert true.outdone == 0
    assert true.comprehensiveness > true.random_comprehensiveness
    assert true.sufficiency < true.random_sufficiency
    assert faithfulness(masked(), YES, -TRUE, orders=50).outdone == 50


@pytest.mark.parametrize(
    ("values", "found", "more", "reason"),
    [
        ([], None, {}, "no word in it"),
        ([0.001, 0.002, 0.0], GOOD, {}, "no word moves it by 0.01"),
        ([0.001, 0.002, 0.0], GOOD, {"joint": 0.6}, "all together change it by [+]0.60"),
        ([0.2, 0.1, 0.3, 0.2], GOOD, {"r2": 0.05}, "do not add up"),
        ([0.2, 0.1, 0.3, 0.2], GOOD, {"stability": 0.2}, "agree on 20%"),
        ([0.2, 0.1, 0.3, 0.2], Faithfulness(0.1, 0.2, 0.1, 0.1, 2, 6), {}, "2 of 6 random orders"),
    ],
)
def test_a_ranking_that_says_nothing_is_refused_with_the_reason(
    values: list[float], found: Faithfulness | None, more: dict[str, Any], reason: str
) -> None:
    with_joint: dict[str, Any] = {"joint": 0.02, **more}
    told = refusal(np.array(values), found, scale="probability", **with_joint)
    assert told is not None
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(told)


def test_a_ranking_that_says_something_is_not_refused() -> None:
    assert refusal(np.array([0.2, 0.1, 0.0, -0.3]), GOOD, scale="probability", joint=0.1, r2=0.8, stability=1) is None
    assert refusal(np.array([0.2]), None, scale="probability", joint=0.2) is None


def space(thresholds: tuple[float, ...] | None = None) -> LabelSpace:
    return LabelSpace(("no", "yes")) if thresholds is None else LabelSpace(("no", "yes"), None, "|", thresholds)


@pytest.mark.parametrize(
    ("weights", "words", "smallest"),
    [
        ({"a": 0.3, "b": 0.1, "c": 0.0}, {"a"}, True),
        ({"a": 0.15, "b": 0.15, "c": 0.01}, {"a", "b"}, True),
        ({"a": 0.1, "b": 0.08, "c": 0.07, "d": 0.05}, {"a", "b", "c"}, False),
    ],
)
def test_the_smallest_set_whose_removal_changes_the_label_is_found(
    weights: dict[str, float], words: set[str], smallest: bool
) -> None:
    text = "a e b f c g d h"
    values = np.array([weights.get(word, 0.0) for word in text.split()])
    scorer = masked(text, weights, start=0.5 + 0.2 - sum(weights.values()))
    if not smallest:
        scorer = masked(text, weights, start=0.499 + 0.25 - sum(weights.values()))
    found = change(scorer, YES, space(), values)
    assert found is not None
    assert {text.split()[place] for place in found.places} == words
    assert found.smallest is smallest
    assert found.becomes == "no"


def test_where_no_removal_changes_the_label_nothing_is_claimed() -> None:
    assert change(masked("a b c d", {"a": 0.01}, start=0.9), YES, space(), np.array([0.01, 0, 0, 0])) is None


def test_a_label_that_is_not_given_is_brought_about() -> None:
    text = "good but not good"
    scorer = masked(text, {"good": 0.2, "not": -0.4}, start=0.3)
    found = change(scorer, YES, space(thresholds=(0.9, 0.5)), np.array([0.2, 0.0, -0.4, 0.2]))
    assert found is not None
    assert (found.places, found.becomes, found.smallest) == ((2,), "yes", True)


@given(st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=9), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_removing_what_was_found_does_change_the_label_and_no_part_of_it_does(weights: list[float], seed: int) -> None:
    names = "abcdefghi"[: len(weights)]
    known = dict(zip(names, weights, strict=True))
    scorer = BagOfWords(known, start=0.5)
    passage = Passage.of(" ".join(names))
    label = int(scorer.predict_proba([passage.text])[0].argmax())
    values = np.array(weights) * (1 if label else -1)
    found = change(Masked(scorer, passage), Target(label), scorer.space, values)
    if found is None:
        return
    kept = np.ones(len(passage), dtype=bool)
    kept[list(found.places)] = False
    assert int(scorer.predict_proba([passage.without(kept)])[0].argmax()) != label
    for place in found.places if len(found.places) > 1 else ():
        kept[place] = True
        assert int(scorer.predict_proba([passage.without(kept)])[0].argmax()) == label
        kept[place] = False
