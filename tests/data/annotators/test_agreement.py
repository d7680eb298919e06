from __future__ import annotations

import csv
import math
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.annotators.agreement import Agreement, agreement, agreement_of
from classifine.data.annotators.alpha import Scale
from classifine.data.annotators.people import MOST_PAIRS
from classifine.data.annotators.votes import Votes
from classifine.errors import SettingsProblem

# Krippendorff (2011): a line a coder, a column a unit, a dot where there is no judgement.
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

# Fleiss' kappa: 14 raters, 5 labels; a line an item, how often each label was given.
_FLEISS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def _coders(table: str) -> list[dict[str, str]]:
    lines = [line.split() for line in table.strip().splitlines()]
    units = zip(*lines, strict=True)
    return [{f"coder {i}": label for i, label in enumerate(unit) if label != "."} for unit in units]


def _raters(table: str) -> list[dict[str, str]]:
    items = []
    for line in table.strip().splitlines():
        labels = [str(label) for label, number in enumerate(line.split()) for _ in range(int(number))]
        items.append({f"rater {i:02}": label for i, label in enumerate(labels)})
    return items


def _units(*votes: dict[str, int]) -> list[dict[str, str]]:
    """Make items from how often each label was given."""
    return [
        {f"A{i}": label for i, label in enumerate(label for label, number in unit.items() for _ in range(number))}
        for unit in votes
    ]


def _measured(items: Sequence[dict[str, str]], **options: object) -> Agreement:
    return agreement(items, seed=1, **{"resamples": 50, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("table", "scale", "alpha"),
    [
        (_THREE_BY_FIFTEEN, "nominal", 0.691358),
        (_THREE_BY_FIFTEEN, "interval", 0.810845),
        (_FOUR_BY_TWELVE, "nominal", 0.743421),
        (_FOUR_BY_TWELVE, "ordinal", 0.815388),
        (_FOUR_BY_TWELVE, "interval", 0.849107),
        (_WORDS, "nominal", 0.722222),
    ],
)
def test_alpha_of_published_tables(table: str, scale: Scale, alpha: float) -> None:
    found = _measured(_coders(table), scale=scale, order="12345" if scale == "ordinal" else ())
    assert found.alpha.value == pytest.approx(alpha, abs=5e-7)
    assert found.to_dict()["alpha"] == found.alpha.value


def test_fleiss_of_a_published_table() -> None:
    found = _measured(_raters(_FLEISS))
    assert found.fleiss.value == pytest.approx(0.20993, abs=5e-6)
    assert found.fleiss.items == 10


def test_cohen_of_a_published_table() -> None:
    cells = {("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}
    found = agreement([{"A": a, "B": b} for (a, b), number in cells.items() for _ in range(number)], seed=1)
    (pair,) = found.pairs
    assert (pair.annotators, pair.items, pair.percent.value) == (("A", "B"), 50, 0.7)
    assert pair.kappa.value == pytest.approx(0.4)
    assert pair.standard_error == pytest.approx(0.1270, abs=5e-5)
    assert pair.kappa.low is not None
    assert pair.kappa.high is not None
    # the bootstrap's interval is about as wide as the large-sample one
    assert pair.kappa.high - pair.kappa.low == pytest.approx(2 * 1.96 * 0.127, rel=0.1)
    assert found.n_pairs == 1


def test_fleiss_needs_the_same_number_of_judgements_everywhere() -> None:
    found = _measured(_units({"a": 2}, {"a": 1, "b": 2}))
    assert found.fleiss.value is None
    assert found.fleiss.note == (
        "items have between 2 and 3 judgements; Fleiss' kappa needs the same number on every item"
    )


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (_units(), "no item has two judgements"),
        (_units({"a": 1}, {"b": 1}), "no item has two judgements"),
        (_units({"a": 2}, {"a": 3}, {"b": 1}), "all judgements are the same label, so nothing could have differed"),
    ],
)
@pytest.mark.parametrize("scale", ["nominal", "ordinal"])
def test_alpha_is_undefined_where_nothing_could_have_differed(
    items: list[dict[str, str]], why: str, scale: Scale
) -> None:
    found = _measured(items, scale=scale, order="ab")
    assert (found.alpha.value, found.alpha.low, found.alpha.high, found.alpha.note) == (None, None, None, why)
    assert found.to_dict()["alpha"] is None


def test_alpha_of_systematic_disagreement_is_negative() -> None:
    # observed: 2 + 2 ordered pairs differ; expected: 2 * 2 * 2 of the 4 * 3 pairs of all four values
    assert _measured(_units({"a": 1, "b": 1}, {"a": 1, "b": 1})).alpha.value == pytest.approx(1 - (4 / 4) / (8 / 12))


def test_percent_agreement_by_hand() -> None:
    # 3 of 3 pairs, 1 of 3, 0 of 1; the item judged once has no pair
    found = _measured(_units({"a": 3}, {"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 1}))
    assert found.percent.value == pytest.approx(4 / 9)
    assert found.percent.items == 3
    assert found.percent.note == "3 items: too few for an interval"


def test_alpha_of_a_label_is_alpha_of_the_label_against_the_rest() -> None:
    items = _coders(_FOUR_BY_TWELVE)
    found = _measured(items)
    assert list(found.by_label) == ["2", "3", "1", "4", "5"]
    for label, alpha in found.by_label.items():
        binary = [{name: "it" if said == label else "other" for name, said in item.items()} for item in items]
        assert alpha.value == pytest.approx(_measured(binary).alpha.value)
    # a label that only unconfirmed judgements give could not have differed
    alone = _measured([*items, {"coder 0": "9"}]).by_label["9"]
    assert alone.value is None
    assert alone.note is not None
    assert "nothing could have differed" in alone.note


def test_labels_need_a_place_on_their_scale() -> None:
    items = _units({"low": 1, "high": 1}, {"mid": 2})
    with pytest.raises(SettingsProblem, match="2 labels have no place in the order") as refused:
        _measured(items, scale="ordinal", order=("low", "top"))
    assert refused.value.found == "'high', 'mid'"
    with pytest.raises(SettingsProblem, match="stands twice"):
        _measured(items, scale="ordinal", order=("low", "mid", "high", "low"))
    with pytest.raises(SettingsProblem, match="numbers"):
        _measured(items, scale="interval")
    with pytest.raises(SettingsProblem, match="numbers"):
        _measured(_units({"1": 1, "nan": 1}), scale="interval")


def test_large_numbers_do_not_eat_small_differences() -> None:
    items = _coders(_FOUR_BY_TWELVE)
    far = [{name: str(1_000_000_000 + int(said)) for name, said in item.items()} for item in items]
    assert _measured(far, scale="interval").alpha.value == pytest.approx(0.849107, abs=5e-7)


def test_each_annotator_against_the_majority_of_the_others() -> None:
    items = [
        {"A": "yes", "B": "yes", "C": "no"},  # A and C meet ties of the others, B too
        {"A": "yes", "B": "yes", "C": "yes"},  # all agree
        {"A": "no", "B": "yes", "C": "yes"},  # A against yes; B and C meet ties
        {"A": "no", "B": "no"},  # each against the only other
        {"C": "no"},  # nobody to compare with
    ]
    lines = {line.annotator: line for line in _measured(items).by_annotator}
    assert list(lines) == ["A", "B", "C"]
    told = {name: (line.judgements, line.compared, line.with_majority.value) for name, line in lines.items()}
    assert told == {"A": (4, 3, 2 / 3), "B": (4, 2, 1.0), "C": (4, 2, 0.5)}
    # A: yes/yes, no/yes, no/no; 2/3 observed, 1/3 * 2/3 + 2/3 * 1/3 expected
    assert lines["A"].kappa.value == pytest.approx((2 / 3 - 4 / 9) / (1 - 4 / 9))


def _majority_by_hand(items: Sequence[dict[str, str]]) -> dict[str, tuple[int, int, int]]:
    lines: dict[str, tuple[int, int, int]] = {}
    for item in items:
        for annotator, label in item.items():
            others = [said for name, said in item.items() if name != annotator]
            most = max((others.count(said) for said in others), default=0)
            majority = {said for said in others if others.count(said) == most}
            judged, compared, same = lines.get(annotator, (0, 0, 0))
            clear = len(majority) == 1
            lines[annotator] = (judged + 1, compared + clear, same + (clear and label in majority))
    return lines


_ITEMS = st.lists(
    st.dictionaries(st.sampled_from("ABCDEFG"), st.sampled_from(["1", "2", "3"]), max_size=7), max_size=12
)


@settings(deadline=None, max_examples=40)
@given(_ITEMS)
def test_the_majority_of_the_others_is_what_counting_gives(items: list[dict[str, str]]) -> None:
    found = _measured(items).by_annotator
    assert {
        line.annotator: (line.judgements, line.compared, round((line.with_majority.value or 0) * line.compared))
        for line in found
    } == _majority_by_hand(items)


def _alpha_by_hand(items: Sequence[dict[str, str]], scale: Scale) -> float | None:
    """Compute alpha as its definition says, with coincidences and differences of labels."""
    labels = "123"
    units = [list(item.values()) for item in items if len(item) > 1]
    coincidences = {(c, k): 0.0 for c in labels for k in labels}
    for unit in units:
        for i, c in enumerate(unit):
            for j, k in enumerate(unit):
                if i != j:
                    coincidences[c, k] += 1 / (len(unit) - 1)
    totals = {c: sum(coincidences[c, k] for k in labels) for c in labels}
    n = sum(totals.values())

    def difference(c: str, k: str) -> float:
        if scale == "interval":
            return (int(c) - int(k)) ** 2
        if scale == "nominal":
            return float(c != k)
        low, high = min(c, k), max(c, k)
        return (sum(totals[g] for g in labels if low <= g <= high) - (totals[c] + totals[k]) / 2) ** 2

    observed = sum(coincidences[c, k] * difference(c, k) for c in labels for k in labels)
    expected = sum(totals[c] * totals[k] * difference(c, k) for c in labels for k in labels)
    return 1 - (n - 1) * observed / expected if expected > 1e-9 else None


@settings(deadline=None, max_examples=40)
@given(_ITEMS, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_what_its_definition_says(items: list[dict[str, str]], scale: Scale) -> None:
    found = _measured(items, scale=scale, order="123").alpha.value
    by_hand = _alpha_by_hand(items, scale)
    assert (found is None) == (by_hand is None)
    assert found is None or by_hand is None or math.isclose(found, by_hand, abs_tol=1e-9)


@settings(deadline=None, max_examples=40)
@given(_ITEMS)
def test_order_does_not_matter_and_values_stay_in_range(items: list[dict[str, str]]) -> None:
    one = _measured(items)
    other = _measured([dict(reversed(item.items())) for item in reversed(items)])
    assert one == other
    assert one.percent.value is None or 0 <= one.percent.value <= 1
    everybody_agrees = all(len(set(item.values())) <= 1 for item in items)
    assert one.alpha.value is None or (-1 <= one.alpha.value <= 1 and (one.alpha.value == 1) == everybody_agrees)


def test_an_annotator_who_can_be_compared_with_nobody() -> None:
    (line,) = _measured([{"A": "yes"}]).by_annotator
    assert (line.judgements, line.compared, line.with_majority.value, line.kappa.value) == (1, 0, None, None)
    assert line.with_majority.note == "the others have no majority on any item this annotator judged"


def test_repeated_judgements_of_one_annotator_are_one_opinion() -> None:
    columns = zip(*[("p", "A", "x"), ("p", "A", "x"), ("p", "A", "y"), ("p", "B", "x"), ("q", "A", "x")], strict=True)
    votes = Votes.of(*columns).once()
    assert (votes.items, list(votes.label), list(votes.count)) == (("p", "q"), [0, 0, 0], [1, 1, 1])
    torn = Votes.of(["p", "p", "q"], ["A", "A", "B"], ["x", "y", "y"]).once()
    assert (torn.items, list(torn.item), list(torn.annotator)) == (("q",), [0], [1])


def _simulated(items: int, *, annotators: int, labels: int, each: int, seed: int = 0) -> Votes:
    chance = np.random.default_rng(seed)
    truth = np.repeat(chance.integers(labels, size=items), each)
    said = np.where(chance.random(items * each) < 0.7, truth, chance.integers(labels, size=items * each))
    who = (np.repeat(np.arange(items), each) * 7 + np.tile(np.arange(each), items)) % annotators
    names = [f"p{i}" for i in np.repeat(np.arange(items), each)]
    return Votes.of(names, [f"A{i}" for i in who], [f"L{i}" for i in said])


def test_the_interval_is_that_of_resampled_items() -> None:
    votes = _simulated(80, annotators=4, labels=3, each=4)
    found = agreement_of(votes, seed=1)
    items: list[dict[str, str]] = [{} for _ in votes.items]
    for item, annotator, label in zip(votes.item, votes.annotator, votes.label, strict=True):
        items[item][votes.annotators[annotator]] = votes.labels[label]
    chance = random.Random(3)
    drawn = []
    for _ in range(400):
        resample = chance.choices(items, k=len(items))
        drawn.append(_alpha_by_hand([{n: str(int(x[1]) + 1) for n, x in item.items()} for item in resample], "nominal"))
    low, high = np.quantile(np.array(drawn, dtype=np.float64), [0.025, 0.975])
    assert found.alpha.low == pytest.approx(low, abs=0.03)
    assert found.alpha.high == pytest.approx(high, abs=0.03)


def test_many_annotators_and_labels_are_measured() -> None:
    found = agreement_of(_simulated(2_000, annotators=500, labels=1_000, each=4), seed=1, resamples=200)
    assert found.alpha.value == pytest.approx(0.49, abs=0.05)
    assert len(found.by_label) > 950
    assert len(found.by_annotator) == 500
    crowded = agreement_of(_simulated(40, annotators=40, labels=3, each=40), seed=1, resamples=50)
    assert (len(crowded.pairs), crowded.n_pairs) == (MOST_PAIRS, 40 * 39 // 2)


@pytest.mark.skipif("CLASSIFINE_DATA" not in os.environ, reason="CLASSIFINE_DATA names no folder of real data")
def test_alpha_of_convabuse() -> None:
    folder = Path(os.environ["CLASSIFINE_DATA"]) / "convabuse"
    rows = []
    for name in ("annotations.csv", "annotations_val.csv", "annotations_test.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as stream:
            rows += [(name + row["id"], row["worker"], row["label"]) for row in csv.DictReader(stream)]
    assert len(rows) == 12_066
    ids, workers, labels = zip(*rows, strict=True)
    five = agreement_of(Votes.of(ids, workers, labels), seed=1)
    assert five.alpha.value == pytest.approx(0.4342, abs=1e-4)
    binary = ["no" if label in ("not_abusive", "ambiguous") else "yes" for label in labels]
    assert agreement_of(Votes.of(ids, workers, binary), seed=1).alpha.value == pytest.approx(0.65, abs=5e-3)
