"""One map between names and ids, whatever the names and whatever order the rows came in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.errors import LabelsProblem, SettingsProblem
from classifine.labels import LabelSpace, certainty, decide, tally

NAMES = st.lists(st.text(), min_size=1, max_size=30, unique=True)
TWELVE = [f"class {n}" for n in range(12)]


@given(st.lists(st.text(), min_size=1), st.randoms(use_true_random=False))
def test_row_order_and_repetition_do_not_matter(labels: list[str], chance: Random) -> None:
    shuffled = labels + labels
    chance.shuffle(shuffled)
    assert LabelSpace.of(shuffled) == LabelSpace.of(labels)
    assert LabelSpace.of(labels).names == tuple(sorted(set(labels)))


@given(NAMES, st.data())
def test_any_names_come_back(names: list[str], data: st.DataObject) -> None:
    positive = data.draw(st.none() | st.sampled_from(names))
    space = LabelSpace(tuple(names), positive)
    assert LabelSpace.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    assert LabelSpace.from_id2label(json.loads(json.dumps(space.id2label())), positive=positive) == space
    wanted = data.draw(st.lists(st.sampled_from(names)))
    assert [space.names[index] for index in space.ids(wanted)] == wanted
    assert [space.id_of(name) for name in wanted] == space.ids(wanted).tolist()
    assert len(space) == len(names)


@pytest.mark.parametrize("key", [int, str])
@pytest.mark.parametrize("order", [range(12), range(11, -1, -1), sorted(range(12), key=str)])
def test_a_map_of_twelve_is_read_by_number_not_by_spelling(key: type[int] | type[str], order: Iterable[int]) -> None:
    space = LabelSpace.from_id2label({key(n): TWELVE[n] for n in order})
    assert space.names == tuple(TWELVE)


def test_ids_of_nothing_are_whole_numbers() -> None:
    assert LabelSpace(("a",)).ids([]).dtype == np.int64
    assert LabelSpace(("a",)).ids([]).shape == (0,)


def test_an_unknown_label_is_told_with_the_likely_one() -> None:
    space = LabelSpace(("call to action", "information"))
    for ask in (lambda: space.id_of("informaton"), lambda: space.ids(["information", "informaton"])):
        with pytest.raises(LabelsProblem, match="did you mean 'information'"):
            ask()


def test_an_unknown_positive_label_is_told_with_the_likely_one() -> None:
    with pytest.raises(SettingsProblem, match="did you mean 'yes'") as caught:
        LabelSpace.of(["yes", "no"], positive="Yes")
    assert "does not occur in the data" in caught.value.what
    with pytest.raises(SettingsProblem, match="the labels are: no, yes"):
        LabelSpace.of(["yes", "no"], positive="")


def test_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match="must differ"):
        LabelSpace(("a", "a"))


def _rows(width: int) -> st.SearchStrategy[list[list[float]]]:
    shares = st.sampled_from([0.0, 0.1, 0.2, 0.3])  # few, so that ties are common
    return st.lists(st.lists(shares, min_size=width, max_size=width), min_size=1)


@given(st.integers(1, 6).flatmap(_rows))
def test_the_most_probable_label_wins_and_the_first_of_equals(rows: list[list[float]]) -> None:
    names = tuple(f"label {n}" for n in reversed(range(len(rows[0]))))  # the space's order, not the alphabet's
    decided = decide(np.array(rows), LabelSpace(names))
    for row, name in zip(rows, decided, strict=True):
        best = names.index(name)
        assert all(row[best] > other for other in row[:best])
        assert all(row[best] >= other for other in row[best:])


def test_deciding_needs_one_column_a_label() -> None:
    space = LabelSpace(("no", "yes"))
    assert decide(np.zeros((0, 2)), space) == ()
    assert decide(np.array([[0.5, 0.5]]), space) == ("no",)
    for shape in [(2,), (1, 3), (1, 1), (1, 2, 1)]:
        with pytest.raises(ValueError, match=r"must have shape \[n, 2\]"):
            decide(np.zeros(shape), space)


@given(st.lists(st.sampled_from(["b", "a", "é"])))
def test_a_tally_counts_every_label_in_order_of_names(labels: list[str]) -> None:
    counted = tally(labels)
    assert list(counted) == sorted(set(labels))
    assert counted == {name: labels.count(name) for name in set(labels)}


EMOTIONS = LabelSpace(("anger", "joy", "love"), separator="|", thresholds=(0.5, 0.5, 0.2))


def test_each_label_is_given_from_its_threshold_on_and_none_where_none_reaches_it() -> None:
    rows = [[0.5, 0.4, 0.2], [0.4, 0.9, 0.1], [0.4, 0.4, 0.19], [1.0, 1.0, 1.0]]
    assert decide(np.array(rows), EMOTIONS) == ("anger|love", "joy", "", "anger|joy|love")
    even = LabelSpace(EMOTIONS.names, separator="|")
    assert decide(np.array(rows), even) == ("anger", "joy", "", "anger|joy|love")
    assert (EMOTIONS.rule, LabelSpace(("a",)).rule) == ("threshold", "argmax")


@given(st.lists(st.lists(st.sampled_from(EMOTIONS.names), max_size=4)))
def test_cells_and_indicators_say_the_same_whatever_order_labels_stand_in(several: list[list[str]]) -> None:
    has = EMOTIONS.indicator([" | ".join(names) for names in several])
    assert has.tolist() == [[name in names for name in EMOTIONS.names] for names in several]
    assert (EMOTIONS.indicator(EMOTIONS.cells(has)) == has).all()
    with pytest.raises(LabelsProblem, match="'envy' is unknown"):
        EMOTIONS.indicator(["joy|envy"])


def test_thresholds_travel_with_the_space_and_fit_it() -> None:
    assert LabelSpace.from_dict(EMOTIONS.to_dict()) == EMOTIONS
    for names, separator in (("ab", None), ("a", "|")):
        with pytest.raises(ValueError, match="one for each label"):
            LabelSpace(tuple(names), separator=separator, thresholds=(0.5, 0.5))


def test_certainty_is_the_chance_of_just_these_labels() -> None:
    found = certainty(np.array([[0.9, 0.2], [0.9, 0.2]]), np.array([[True, False], [False, True]]))
    assert found.tolist() == pytest.approx([0.9 * 0.8, 0.1 * 0.2])
