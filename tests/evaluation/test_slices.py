from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.intervals import share
from classifine.evaluation.slices import BLANK, OTHERS, Column, quarters, sliced, tidied


def values(found: object) -> list[str]:
    return [one.conditions[0][1] for one in found.slices]  # type: ignore[attr-defined]


def test_each_value_against_all_other_rows() -> None:
    from scipy.stats import fisher_exact

    right = np.array([True] * 30 + [False] * 20 + [True] * 10 + [True, False] * 15)
    found = sliced([Column("source", ("news",) * 30 + ("forum",) * 30 + ("mail",) * 30)], right)
    forum, mail, news = found.columns[0].slices
    assert [forum.conditions, mail.conditions, news.conditions] == [
        (("source", "forum"),),
        (("source", "mail"),),
        (("source", "news"),),
    ]
    assert forum.accuracy == share(10, 30)
    assert forum.rest == pytest.approx(45 / 60)
    assert forum.p == pytest.approx(fisher_exact(np.array([[10, 20], [45, 15]])).pvalue)
    assert mail.p == pytest.approx(fisher_exact(np.array([[15, 15], [40, 20]])).pvalue)
    assert news.p == pytest.approx(fisher_exact(np.array([[30, 0], [25, 35]])).pvalue)
    # Holm, by hand: the smallest times 3, the next times 2, the last as it is
    assert [news.corrected, forum.corrected, mail.corrected] == pytest.approx([news.p * 3, forum.p * 2, mail.p])
    assert (news.better, forum.worse, mail.worse) == (True, True, False)
    assert found.tests == 3
    assert "source: forum (0.333 against 0.750, n = 30)" in found.sentence


def test_of_two_values_one_test_stands_for_both() -> None:
    right = np.array([True] * 20 + [True, False] * 10)
    found = sliced([Column("a", ("x",) * 20 + ("y",) * 20), Column("b", ("x", "y") * 20)], right)
    assert found.tests == 2
    one, other = found.columns[0].slices
    assert one.p == pytest.approx(other.p)
    assert one.corrected == other.corrected == pytest.approx(2 * one.p)


def test_rare_values_are_put_together_and_every_row_is_in_one_slice() -> None:
    cells = ["a"] * 20 + ["b"] * 12 + [""] * 11 + [f"rare {k}" for k in range(7)]
    found = sliced([Column("kind", tuple(cells))], np.ones(50, bool)).columns[0]
    assert values(found) == ["a", "b", BLANK, OTHERS]
    assert [one.n for one in found.slices] == [20, 12, 11, 7]
    assert found.pooled == 7
    assert found.slices[-1].accuracy.note == "too few"
    assert not any(one.worse or one.better for one in found.slices)


def test_a_column_of_one_value_is_no_comparison() -> None:
    found = sliced([Column("kind", ("a",) * 30)], np.array([True, False] * 15))
    assert (found.tests, found.columns[0].slices[0].rest) == (0, None)
    assert "nothing to compare" in found.sentence


def test_many_numbers_become_quarters() -> None:
    column = tidied(Column("likes", (*map(str, range(1, 41)), "", " ")))
    assert column.told == "in quarters of the rows"
    assert [column.values[row] for row in (0, 9, 10, 39, 40, 41)] == ["1 to 10", "1 to 10", "11 to 20", "31 to 40"] + [
        BLANK
    ] * 2
    assert tidied(Column("year", ("2019", "2020") * 20)).values[:2] == ("2019", "2020")
    assert tidied(Column("name", (*map(str, range(20)), "x"))).values[0] == "0"
    assert values(sliced([Column("likes", tuple(map(str, range(1, 41))))], np.ones(40, bool)).columns[0]) == [
        *("1 to 10", "11 to 20", "21 to 30", "31 to 40")
    ]


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_equal_numbers_are_never_parted(numbers: list[int]) -> None:
    names = quarters(np.array(numbers))
    assert len(set(names)) <= 4
    assert len(set(zip(numbers, names, strict=True))) == len(set(numbers))
    for number, name in zip(numbers, names, strict=True):
        ends = [float(end) for end in name.split(" to ")]
        assert ends[0] <= number <= ends[-1]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000))
def test_plain_json_and_whole(seed: int) -> None:
    generator = np.random.default_rng(seed)
    cells = tuple(generator.choice(["a", "b", "c", ""], 60))
    right = generator.random(60) < 0.7
    told = json.loads(json.dumps(sliced([Column("k", cells)], right, f1=lambda rows: share(1, len(rows))).to_dict()))
    slices = told["columns"][0]["slices"]
    assert sum(one["n"] for one in slices) == 60
    assert sum(one["accuracy"]["value"] * one["n"] for one in slices) == pytest.approx(right.sum())
    assert all(one["corrected"] >= one["p"] - 1e-12 or one["n"] < 10 for one in slices)
