from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.errors import LabelsProblem, SettingsProblem
from classifine.hierarchy import Hierarchy
from classifine.labels import LabelSpace

CODES = ("A/01/011", "A/01/012", "A/02/021", "B/05/051")
PARENTS = {"wheat": "crops", "rice": "crops", "cows": "animals", "crops": "farming", "animals": "farming", "coal": ""}


def test_a_separator_gives_codes_at_every_level_and_their_sums() -> None:
    tree = Hierarchy.by_separator(CODES, "/")
    assert tree.paths[0] == ("A", "A/01", "A/01/011")
    assert (tree.depth, list(tree.upper)) == (3, [1, 2])
    assert [tree.codes(level) for level in (1, 2, 3)] == [("A", "B"), ("A/01", "A/02", "B/05"), CODES]
    assert tree.members(2).tolist() == [0, 0, 1, 2]
    assert tree.matrix(1).tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]
    found = tree.summed(np.array([[0.4, 0.3, 0.2, 0.1], [np.nan] * 4]), 2)
    assert found[0] == pytest.approx([0.7, 0.2, 0.1])
    assert np.isnan(found[1]).all()


def test_prefixes_name_the_upper_levels_and_the_label_is_the_last_one() -> None:
    tree = Hierarchy.by_prefixes(("0111", "0112", "0210"), (1, 2, 4))
    assert tree.paths == (("0", "01", "0111"), ("0", "01", "0112"), ("0", "02", "0210"))
    assert Hierarchy.by_prefixes(("0111", "0112"), (2,)).paths == (("01", "0111"), ("01", "0112"))
    with pytest.raises(SettingsProblem, match="do not grow"):
        Hierarchy.by_prefixes(("0111",), (2, 2))
    with pytest.raises(SettingsProblem, match="do not grow"):
        Hierarchy.by_prefixes(("0111",), (0, 2))


def test_a_map_gives_ways_of_different_lengths_and_a_short_one_stands_for_itself() -> None:
    tree = Hierarchy.by_parents(("coal", "cows", "rice", "wheat"), PARENTS)
    assert tree.paths[0] == ("coal",)
    assert tree.paths[3] == ("farming", "crops", "wheat")
    assert tree.codes(1) == ("coal", "farming")
    assert tree.codes(2) == ("animals", "coal", "crops")
    assert tree.shared(np.array([3, 3, 3, 0, 0]), np.array([2, 1, 3, 1, 0])).tolist() == [2, 1, 3, 0, 1]
    assert Hierarchy.by_parents(tree.labels, tree.parents) == tree


def test_a_label_may_stand_above_another_one() -> None:
    tree = Hierarchy.by_separator(("A", "A/01", "B"), "/")
    assert tree.codes(1) == ("A", "B")
    assert tree.summed(np.array([[0.2, 0.3, 0.5]]), 1).tolist() == [[0.5, 0.5]]
    assert tree.shared(np.array([0, 1]), np.array([1, 2])).tolist() == [1, 0]


def test_what_has_no_place_is_named_with_its_rows_and_a_cure() -> None:
    where = {"01": ["7", "9"], "A//1": ["3"]}
    with pytest.raises(LabelsProblem, match="'01' has 2 characters") as short:
        Hierarchy.by_prefixes(("01", "0111"), (1, 3), where=where)
    assert "(ids 7, 9)" in str(short.value)
    assert "at least 3 characters" in str(short.value)
    with pytest.raises(LabelsProblem, match=r"'A//1' has a blank level \(id 3\)"):
        Hierarchy.by_separator(("A//1", "B/2"), "/", where=where)
    with pytest.raises(LabelsProblem, match=r"'whaet' is not in the map \(did you mean 'wheat'"):
        Hierarchy.by_parents(("cows", "whaet"), PARENTS)
    with pytest.raises(LabelsProblem, match="'a' goes round in a circle: a below b below c below a") as circle:
        Hierarchy.by_parents(("a",), {"a": "b", "b": "c", "c": "a"})
    assert "one parent" in str(circle.value)
    with pytest.raises(LabelsProblem, match="in a circle: a below a"):
        Hierarchy.by_parents(("a",), {"a": "a"})


@pytest.mark.parametrize(
    "build",
    [
        lambda: Hierarchy.by_separator(("yes", "no"), "/"),
        lambda: Hierarchy.by_prefixes(("ab", "cd"), (2,)),
        lambda: Hierarchy.by_parents(("a", "b"), {"a": "", "b": ""}),
    ],
)
def test_one_level_is_no_hierarchy(build: object) -> None:
    with pytest.raises(LabelsProblem, match="one level only"):
        build()  # type: ignore[operator]


def test_two_parents_are_no_tree() -> None:
    with pytest.raises(ValueError, match="stands below"):
        Hierarchy((("A", "x"), ("B", "x")))


def test_it_is_part_of_the_label_space_and_comes_back() -> None:
    space = LabelSpace(CODES, hierarchy=Hierarchy.by_separator(CODES, "/"), order=CODES[::-1])
    assert LabelSpace.from_dict(space.to_dict()) == space
    assert space.ranks is not None
    assert space.ranks.tolist() == [3, 2, 1, 0]
    for wrong in ({"names": CODES[:3]}, {"separator": "|"}):
        with pytest.raises(ValueError, match="hierarchy"):
            LabelSpace(**{"names": CODES, "hierarchy": space.hierarchy, **wrong})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="order"):
        LabelSpace(CODES, order=CODES[:2])


@given(names=st.sets(st.text("01", min_size=3, max_size=5), min_size=2, max_size=12), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_levels_fit_together(names: set[str], seed: int) -> None:
    labels = tuple(sorted(names))
    tree = Hierarchy.by_prefixes(labels, (1, 2))
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), size=3)
    for level in range(1, tree.depth + 1):
        sums = tree.summed(probabilities, level)
        assert sums.sum(axis=1) == pytest.approx(np.ones(3))
        codes = tree.codes(level)
        for row in range(3):
            for place, code in enumerate(codes):
                if len(code) == level and level < tree.depth:
                    wanted = sum(p for p, name in zip(probabilities[row], labels, strict=True) if name.startswith(code))
                    assert sums[row, place] == pytest.approx(wanted)
    assert (tree.summed(probabilities, tree.depth) == probabilities).all()
