from __future__ import annotations

from typing import Any

import pytest

from classifine.data.splits.levels import settings_of, with_levels
from classifine.errors import LabelsProblem, SettingsProblem
from classifine.labels import LabelSpace
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits

NAMES = ("A/1", "A/2", "B/1")


def splits_of(names: tuple[str, ...], separator: str | None = None) -> Splits:
    def part(role: str, labels: tuple[str, ...]) -> LabelledTexts:
        places = range(1, len(labels) + 1)
        ids = tuple(f"{role}{place}" for place in places)
        return LabelledTexts(ids, ids, labels, tuple(places))

    nothing, space = part("validation", ()), LabelSpace(tuple(sorted(names)), separator=separator)
    # the last label stands in the test texts only
    return Splits(part("train", names[:-1]), nothing, part("test", names[-1:]), space)


def levels(splits: Splits, **chosen: Any) -> LabelSpace:
    return with_levels(splits, Settings().with_names(chosen).data).space


def test_each_way_of_naming_levels_gives_the_same_tree() -> None:
    by_separator = levels(splits_of(NAMES), level_separator="/")
    by_prefixes = levels(splits_of(NAMES), level_prefixes=(1,))
    by_parents = levels(splits_of(NAMES), label_parents={"A/1": "A", "A/2": "A", "B/1": "B", "C/9": "C"})
    assert by_separator == by_prefixes == by_parents
    assert by_separator.hierarchy is not None
    assert by_separator.hierarchy.codes(1) == ("A", "B")
    assert levels(splits_of(NAMES)).hierarchy is None


def test_settings_made_of_a_space_make_it_again() -> None:
    space = levels(splits_of(NAMES), level_separator="/", label_order=["B/1", "A/2", "A/1", "A/0"])
    assert space.order == ("B/1", "A/2", "A/1")
    assert levels(splits_of(NAMES), **settings_of(space)) == space
    several = LabelSpace(("a", "b"), separator="|")
    assert settings_of(several)["label_separator"] == "|"


def test_contradictions_are_refused() -> None:
    with pytest.raises(SettingsProblem, match="level_separator and level_prefixes both"):
        levels(splits_of(NAMES), level_separator="/", level_prefixes=[1])
    with pytest.raises(SettingsProblem, match="one label each"):
        levels(splits_of(NAMES, "|"), level_separator="/")


def test_labels_without_a_place_are_named_with_their_rows() -> None:
    with pytest.raises(LabelsProblem, match=r"'C' has 1 character \(id test1\)"):
        levels(splits_of(("A/1", "A/2", "C")), level_prefixes=(1, 3))
    with pytest.raises(LabelsProblem, match=r"'B/1' \(ids test1\)"):
        levels(splits_of(NAMES), label_order=["A/1", "A/2"])
    # where a text may have several labels, an order says nothing of them
    assert levels(splits_of(NAMES, "|"), label_order=["A/1"]).order is None
