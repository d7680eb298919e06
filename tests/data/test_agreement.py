from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.agreement import agreement, by_annotator, krippendorff_alpha, percent_agreement

# Krippendorff's published tables: a line a coder, a column a unit, a dot where there is no judgement.
_THREE_BY_FIFTEEN = """
. . . . . 3 4 1 2 1 1 3 3 . 3
1 . 2 1 3 3 4 3 . . . . . . .
. . 2 1 3 4 4 . 2 1 1 3 3 . 4
"""
_FOUR_BY_TWELVE = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
_WORDS = """
pos neg neu .
pos neg neu pos
pos neg pos pos
"""


def _items(table: str) -> list[dict[str, str]]:
    coders = [line.split() for line in table.strip().splitlines()]
    units = zip(*coders, strict=True)
    return [{f"coder {i}": label for i, label in enumerate(unit) if label != "."} for unit in units]


def _units(table: str) -> list[Counter[str]]:
    return [Counter(item.values()) for item in _items(table)]


@pytest.mark.parametrize(
    ("table", "alpha"), [(_THREE_BY_FIFTEEN, 0.691358), (_FOUR_BY_TWELVE, 0.743421), (_WORDS, 0.722222)]
)
def test_alpha_of_published_tables(table: str, alpha: float) -> None:
    assert krippendorff_alpha(_units(table)) == pytest.approx(alpha, abs=5e-7)
    assert agreement(_items(table)).alpha == krippendorff_alpha(_units(table))


@pytest.mark.parametrize("units", [[], [{"a": 1}, {"b": 1}], [{"a": 2}, {"a": 3}, {"b": 1}]])
def test_alpha_is_undefined_where_nothing_could_have_differed(units: list[dict[str, int]]) -> None:
    assert krippendorff_alpha(units) is None


def test_alpha_of_systematic_disagreement_is_negative() -> None:
    # observed: 2 + 2 ordered pairs differ; expected: 2 * 2 * 2 of the 4 * 3 pairs of all four values
    assert krippendorff_alpha([{"a": 1, "b": 1}, {"a": 1, "b": 1}]) == pytest.approx(1 - (4 / 4) / (8 / 12))


def test_percent_agreement_by_hand() -> None:
    # 3 of 3 pairs, 1 of 3, 0 of 1; the item judged once has no pair
    assert percent_agreement([{"a": 3}, {"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 1}]) == pytest.approx(4 / 9)
    assert percent_agreement([{"a": 1}]) is None
    assert percent_agreement([]) is None


def test_each_annotator_against_the_majority_of_the_others() -> None:
    items = [
        {"A": "yes", "B": "yes", "C": "no"},  # A and C meet ties of the others, B too
        {"A": "yes", "B": "yes", "C": "yes"},  # all agree
        {"A": "no", "B": "yes", "C": "yes"},  # A against yes; B and C meet ties
        {"A": "no", "B": "no"},  # each against the only other
        {"C": "no"},  # nobody to compare with
    ]
    lines = {line.annotator: line for line in by_annotator(items)}
    assert list(lines) == ["A", "B", "C"]
    assert (lines["A"].judgements, lines["A"].compared, lines["A"].with_majority) == (4, 3, 2 / 3)
    assert (lines["B"].judgements, lines["B"].compared, lines["B"].with_majority) == (4, 2, 1.0)
    assert (lines["C"].judgements, lines["C"].compared, lines["C"].with_majority) == (4, 2, 0.5)


def test_an_annotator_who_can_be_compared_with_nobody() -> None:
    told = agreement([{"A": "yes"}]).to_dict()
    line = {"annotator": "A", "judgements": 1, "compared": 0, "with_majority": None}
    assert told == {"agreement": None, "alpha": None, "by_annotator": [line]}


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from(["x", "y", "z"]), max_size=5), max_size=12))
def test_order_does_not_matter_and_values_stay_in_range(items: list[dict[str, str]]) -> None:
    one = agreement(items)
    other = agreement([dict(reversed(item.items())) for item in reversed(items)])
    assert one == other
    assert one.percent is None or 0 <= one.percent <= 1
    assert one.alpha is None or -1 <= one.alpha <= 1
    everybody_agrees = all(len(set(item.values())) <= 1 for item in items)
    assert one.alpha is None or (one.alpha == 1) == everybody_agrees
