from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.likeness.duplicates import normalise
from classifine.data.splits.splitting import divide
from classifine.errors import LabelsProblem, RowsProblem, SettingsProblem
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits


def _table(texts: list[str], labels: list[str], *, prefix: str = "p") -> LabelledTexts:
    ids = tuple(f"{prefix}{i}" for i in range(len(texts)))
    return LabelledTexts(ids, tuple(texts), tuple(labels), tuple(range(1, len(texts) + 1)))


def _plain(**sizes: int) -> LabelledTexts:
    """Make different texts, so many of each label."""
    labels = [label for label, size in sizes.items() for _ in range(size)]
    return _table([f"text number {i}" for i in range(len(labels))], labels)


def _parts(splits: Splits) -> list[LabelledTexts]:
    return [table for _, table in splits.items()]


@st.composite
def _tables(draw: st.DrawFn) -> LabelledTexts:
    """Draw tables with repeated texts, each under one label, three or more different texts a label."""
    texts: list[str] = []
    labels: list[str] = []
    for label in draw(st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1)):
        for number, repeats in enumerate(draw(st.lists(st.integers(1, 6), min_size=3, max_size=15))):
            texts += [f"{label} {number}" + " " * copy for copy in range(repeats)]
            labels += [label] * repeats
    order = draw(st.permutations(range(len(texts))))
    return _table([texts[i] for i in order], [labels[i] for i in order])


_SIZES = st.sampled_from([0.1, 0.15, 0.2, 0.25, 1 / 3])


@settings(deadline=None)
@given(_tables(), _SIZES, _SIZES, st.integers(0, 5))
def test_parts_are_disjoint_exhaustive_and_hold_every_label(
    table: LabelledTexts, validation_size: float, test_size: float, seed: int
) -> None:
    splits = divide(table, validation_size=validation_size, test_size=test_size, seed=seed).splits
    rows = [row for part in _parts(splits) for row in zip(part.ids, part.texts, part.labels, part.rows, strict=True)]
    assert sorted(rows) == sorted(zip(table.ids, table.texts, table.labels, table.rows, strict=True))
    assert all(set(part.labels) == set(table.labels) for part in _parts(splits))
    assert splits.space == LabelSpace.of(table.labels)
    places: dict[str, set[str]] = {}
    for name, part in splits.items():
        for text in part.texts:
            places.setdefault(normalise(text), set()).add(name)
    assert all(len(names) == 1 for names in places.values())


@settings(deadline=None)
@given(_tables(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_splits(table: LabelledTexts, seed: int, chance: random.Random) -> None:
    order = list(range(len(table)))
    chance.shuffle(order)
    assert divide(table, seed=seed).splits == divide(table.take(order), seed=seed).splits


@settings(deadline=None)
@given(_tables(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_file_without_ids_may_be_shuffled_too(table: LabelledTexts, seed: int, chance: random.Random) -> None:
    order = list(range(len(table)))
    chance.shuffle(order)
    shuffled = replace(table.take(order), ids=table.ids, rows=table.rows)
    for one, other in zip(
        _parts(divide(table, seed=seed).splits), _parts(divide(shuffled, seed=seed).splits), strict=True
    ):
        assert Counter(zip(one.texts, one.labels, strict=True)) == Counter(zip(other.texts, other.labels, strict=True))


@settings(deadline=None)
@given(st.integers(10, 80), st.integers(10, 80), _SIZES, _SIZES, st.integers(0, 3))
def test_each_label_keeps_its_share_to_within_one_row(
    yes: int, no: int, validation_size: float, test_size: float, seed: int
) -> None:
    splits = divide(_plain(yes=yes, no=no), validation_size=validation_size, test_size=test_size, seed=seed).splits
    shares = {"train": 1 - validation_size - test_size, "validation": validation_size, "test": test_size}
    for name, part in splits.items():
        for label, number in (("yes", yes), ("no", no)):
            assert abs(part.labels.count(label) - number * shares[name]) < 1 + 1e-9


def test_many_small_labels_do_not_starve_a_split() -> None:
    # 12 rows of 60 labels: 7.2, 2.4 and 2.4 each; the odd row must not always go to the same split
    splits = divide(_plain(**{f"l{i}": 12 for i in range(60)}), seed=1).splits
    assert len(splits.train) == 7 * 60
    assert all(130 <= len(part) <= 170 for part in _parts(splits)[1:])


def test_another_seed_gives_another_division_of_the_same_sizes() -> None:
    table = _plain(yes=50, no=100)
    divisions = {divide(table, seed=seed).splits.test.ids for seed in range(20)}
    assert len(divisions) == 20
    assert {len(ids) for ids in divisions} == {30}
    # over many seeds each row comes to be tested about equally often
    often = Counter(name for seed in range(200) for name in divide(table, seed=seed).splits.test.ids)
    assert len(often) == 150
    assert max(often.values()) < 75


def test_parts_are_ordered_by_id() -> None:
    splits = divide(_plain(yes=30, no=30), seed=3).splits
    assert all(list(part.rows) == sorted(part.rows) for part in _parts(splits))


def test_large_groups_are_placed_before_the_small_ones_fill_up() -> None:
    table = _table(["same"] * 20 + [f"t{i}" for i in range(80)], ["yes"] * 100)
    for seed in range(10):
        assert [len(part) for part in _parts(divide(table, seed=seed).splits)] == [60, 20, 20]


def test_three_large_groups_still_reach_every_part() -> None:
    table = _table(["a"] * 30 + ["b"] * 30 + ["c"] * 30, ["yes"] * 90)
    assert [len(part) for part in _parts(divide(table, seed=0).splits)] == [30, 30, 30]


def test_a_text_under_two_labels_stays_together() -> None:
    texts = [f"t{i % 40}" for i in range(80)]
    table = _table(texts, ["yes" if i % 3 else "no" for i in range(80)])
    for seed in range(10):
        splits = divide(table, seed=seed).splits
        train, validation, test = (set(part.texts) for part in _parts(splits))
        assert not train & validation | train & test | validation & test
        assert all(set(part.labels) == {"no", "yes"} for part in _parts(splits))


def test_labels_too_rare_for_three_parts_are_all_named() -> None:
    table = _table(["one", "two", "three", "x", "X ", "x", "y", "z"], ["a"] * 3 + ["b"] * 3 + ["c"] * 2)
    with pytest.raises(LabelsProblem) as refused:
        divide(table, seed=0, rare="refuse")
    assert "2 labels have too few different texts" in str(refused.value)
    assert "'b': 1, 'c': 2" in str(refused.value)


def test_contradictions_that_no_division_can_serve_are_refused() -> None:
    # a needs 1, 2, 3 apart; b needs 1, 2, 4 apart, so 3 and 4 together; c needs 3, 4, 5 apart
    texts = {"1": "ab", "2": "ab", "3": "ac", "4": "bc", "5": "c"}
    rows = [(text, label) for text, labels in texts.items() for label in labels]
    table = _table([text for text, _ in rows], [label for _, label in rows])
    with pytest.raises(LabelsProblem, match="several labels leave a split without a label"):
        divide(table, seed=0, rare="refuse")
    division = divide(table, seed=0)
    assert len(division.notes.absent) == 1
    assert any("labels that do not occur in" in warning for warning in division.notes.warnings())


@pytest.mark.parametrize(("validation_size", "test_size"), [(0.5, 0.5), (0.0, 0.2), (0.2, -0.1), (float("nan"), 0.2)])
def test_sizes_that_leave_a_part_empty_are_refused(validation_size: float, test_size: float) -> None:
    with pytest.raises(SettingsProblem, match="leave one of them empty"):
        divide(_plain(yes=9, no=9), validation_size=validation_size, test_size=test_size, seed=0)


def test_an_unknown_positive_label_is_refused() -> None:
    with pytest.raises(SettingsProblem, match="'Yes' does not occur"):
        divide(_plain(yes=9, no=9), seed=0, positive="Yes")


def test_own_files_are_taken_as_they_are() -> None:
    train = _table([f"t{i}" for i in range(10)], ["yes", "no"] * 5, prefix="a")
    validation = _table(["v1", "v2"], ["no", "yes"], prefix="b")
    test = _table(["t1", "x2"], ["yes", "yes"], prefix="c")
    splits = divide(train, validation, test, seed=0, positive="yes").splits
    assert splits == Splits(train, validation, test, LabelSpace(("no", "yes"), "yes"))


def test_what_is_missing_is_cut_from_train_and_never_from_test() -> None:
    train, test = _plain(yes=50, no=50), replace(_plain(yes=20, no=20), ids=tuple(f"q{i}" for i in range(40)))
    splits = divide(train, None, test, seed=0).splits
    assert splits.test == test
    assert [len(splits.train), len(splits.validation)] == [80, 20]
    assert set(splits.train.ids) | set(splits.validation.ids) == set(train.ids)
    assert Counter(splits.validation.labels) == {"yes": 10, "no": 10}
    other = divide(train, test, None, test_size=0.3, seed=0).splits
    assert other.validation == test
    assert [len(other.train), len(other.test)] == [70, 30]
    both = divide(train, None, None, seed=0).splits
    assert both == divide(train, seed=0).splits


def test_ids_that_occur_in_two_files_are_told_apart() -> None:
    table = _table([f"t{i}" for i in range(10)], ["yes", "no"] * 5, prefix="")
    splits = divide(table, None, _table(["u"], ["no"], prefix=""), validation_size=0.3, seed=0).splits
    assert splits.test.ids == ("test:0",)
    ids = [*splits.train.ids, *splits.validation.ids]
    assert sorted(ids) == sorted(f"train:{i}" for i in range(10))


def test_an_empty_test_table_is_allowed() -> None:
    nothing = LabelledTexts((), (), (), ())
    splits = divide(_plain(yes=10, no=10), None, nothing, seed=0).splits
    assert [len(part) for part in _parts(splits)] == [16, 4, 0]


def test_labels_that_training_never_sees_are_all_named_with_their_rows() -> None:
    train = _plain(yes=5, no=5)
    with pytest.raises(LabelsProblem) as refused:
        divide(train, _table(["v", "w"], ["Yes", "no"]), _table(["x"], ["maybe"]), seed=0)
    assert "2 labels of the other files never occur" in str(refused.value)
    assert "'Yes' in validation rows 1, 'maybe' in test rows 1" in str(refused.value)


def test_a_label_absent_from_test_shifts_no_id() -> None:
    train = _plain(a=5, b=5, c=5)
    splits = divide(train, _table(["v"], ["c"], prefix="v"), _table(["x"], ["b"], prefix="x"), seed=0).splits
    assert splits.space.names == ("a", "b", "c")


def _assigned(table: LabelledTexts, parts: list[str]) -> LabelledTexts:
    return replace(table, parts=tuple(parts))


def test_parts_that_the_data_assigns_are_taken_and_what_is_missing_is_cut_from_train() -> None:
    table = _assigned(_plain(yes=30, no=30), ["train", "train", "test"] * 20)
    division = divide(table, seed=0)
    assert sorted(division.splits.test.ids) == sorted(f"p{i}" for i in range(2, 60, 3))
    assert [len(part) for part in _parts(division.splits)] == [32, 8, 20]
    assert division.notes.cut == ("validation",)
    assert all(part.parts is None for part in _parts(division.splits))
    whole = _assigned(table, ["train", "validation", "test"] * 20)
    assert divide(whole, seed=0).notes.method == "given"
    assert sorted(divide(whole, seed=0).splits.validation.ids) == sorted(f"p{i}" for i in range(1, 60, 3))


def test_clusters_are_those_of_the_rows_that_are_cut() -> None:
    table = _assigned(_plain(yes=30, no=30), ["train", "train", "test"] * 20)
    splits = divide(table, seed=0, clusters=[i // 6 for i in range(60)]).splits
    places = {name: part for part, rows in splits.items() for name in rows.ids}
    for start in range(0, 60, 6):
        assert len({places[f"p{start + i}"] for i in (0, 1, 3, 4)}) == 1


def test_equal_texts_in_assigned_parts_are_not_moved() -> None:
    texts = [f"t{i // 3}" for i in range(60)]
    splits = divide(_assigned(_table(texts, ["yes", "no"] * 30), ["train", "validation", "test"] * 20), seed=0).splits
    assert [len(part) for part in _parts(splits)] == [20, 20, 20]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["train", "tset", "", "tset"], "2 names of splits are unknown"),
        (["test"] * 4, "assigned to train"),
    ],
)
def test_parts_that_cannot_be_read_are_named(parts: list[str], said: str) -> None:
    with pytest.raises(RowsProblem) as refused:
        divide(_assigned(_plain(yes=4), parts), seed=0)
    assert said in str(refused.value)
    if "tset" in parts:
        assert "'' (row 3), 'tset' (row 2)" in str(refused.value)


def test_assigned_parts_and_own_files_exclude_each_other() -> None:
    with pytest.raises(SettingsProblem, match="exclude each other"):
        divide(_assigned(_plain(yes=4), ["train"] * 4), None, _plain(yes=2), seed=0)


def test_a_label_that_assigned_training_rows_lack_is_refused() -> None:
    table = _assigned(_table(["a", "b", "c"], ["yes", "yes", "no"]), ["train", "validation", "test"])
    with pytest.raises(LabelsProblem, match="'no' in test rows 3"):
        divide(table, seed=0)


def _rare() -> LabelledTexts:
    texts = [f"t{i}" for i in range(40)] + ["u", "U ", "v", "t3"]
    return _table(texts, ["yes", "no"] * 20 + ["rare"] * 3 + ["single"])


def test_rare_labels_go_to_train_and_are_named() -> None:
    table = _rare()
    for seed in range(5):
        division = divide(table, seed=seed)
        places = {name: part for part, rows in division.splits.items() for name in rows.ids}
        assert {places[name] for name in ("p40", "p41", "p42", "p43", "p3")} == {"train"}
        assert division.notes.rare == {"rare": 3, "single": 1}
        assert division.splits.space.names == ("no", "rare", "single", "yes")
        assert sum(division.notes.rows.values()) == 44
        (warning,) = division.notes.warnings()
        assert "2 labels have too few different texts" in warning
        assert "in train only" in warning


def test_a_rare_label_does_not_keep_another_label_from_a_part() -> None:
    labels = ["yes"] * 30 + ["code", "twin", "code", "single", "code", "twin"]
    clusters = [*range(30), 30, 30, 31, 31, 32, 33]
    for seed in range(5):
        table = _table([f"t{i}" for i in range(36)], labels)
        division = divide(table, seed=seed, clusters=clusters)
        # the unit of `single` must stay in train; that of `twin` need not, for its other row does
        assert all("code" in part.labels for _, part in division.splits.items())
        assert {"single", "twin"} <= set(division.splits.train.labels)
        assert division.notes.rare == {"single": 1, "twin": 2}
        assert division.notes.spread == ("twin",)
        assert "stands outside train, too" in division.notes.warnings()[1]


def test_a_rare_label_that_stands_once_stays_in_train_whatever_another_label_needs() -> None:
    labels = ["yes"] * 30 + ["code", "one", "code", "two", "code"]
    clusters = [*range(30), 30, 30, 31, 31, 32]
    division = divide(_table([f"t{i}" for i in range(35)], labels), seed=0, clusters=clusters)
    assert {"one", "two"} <= set(division.splits.train.labels)
    assert division.notes.spread == ()
    assert any("do not occur in" in said and "'code'" in said for said in division.notes.warnings())


def test_rare_labels_can_be_left_out_with_their_rows_named() -> None:
    division = divide(_rare(), seed=0, rare="drop")
    assert division.notes.dropped == (41, 42, 43, 44)
    assert division.splits.space.names == ("no", "yes")
    assert sum(division.notes.rows.values()) == 40
    assert "left out" in division.notes.warnings()[0]
    test = replace(_table(["x", "y"], ["yes", "single"], prefix="q"), rows=(101, 102))
    with_test = divide(_rare(), None, test, seed=0, rare="drop")
    assert with_test.splits.test.ids == ("q0",)
    assert with_test.notes.dropped == (44, 102)


def test_leaving_out_rare_rows_may_make_another_label_rare() -> None:
    table = _table(["a", "b", "c", "d", "e", "f"], ["x|y", "x|z", "x|y", "y", "w", "w"], prefix="p")
    with pytest.raises(LabelsProblem, match="too few different texts"):
        divide(table, seed=0, rare="drop", separator="|")


def test_clusters_of_other_rows_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"shape \[6\]"):
        divide(_plain(yes=3, no=3), seed=0, clusters=[0, 1])


def test_nothing_but_rare_labels_cannot_fill_three_parts() -> None:
    with pytest.raises(LabelsProblem, match="validation and test would stay empty"):
        divide(_table(["a", "b", "c", "d"], ["1", "2", "3", "4"]), seed=0)
    with pytest.raises(LabelsProblem, match="too few different texts to fill 3 splits"):
        divide(_table([], []), seed=0)


def _groups(sizes: dict[str, int]) -> LabelledTexts:
    names = [group for group, size in sizes.items() for _ in range(size)]
    table = _table([f"text {i}" for i in range(len(names))], ["yes" if i % 3 else "no" for i in range(len(names))])
    return replace(table, groups=tuple(names))


def test_a_group_never_straddles_and_a_large_one_is_no_reason_to_refuse() -> None:
    table = _groups({"big": 200, **{f"g{i}": 3 for i in range(10)}})
    division = divide(table, seed=0)
    assert division.notes.method == "grouped"
    groups = [set(part.groups or ()) for part in _parts(division.splits)]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert all(groups)
    assert (division.notes.units, division.notes.largest_unit) == (11, 200)
    assert "200 rows hang together" in division.notes.warnings()[0]


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(LabelsProblem) as refused:
        divide(_groups({"a": 20, "b": 30}), seed=0)
    assert "would stay empty" in str(refused.value)
    assert "finer group column" in str(refused.value)


def test_rows_without_a_group_stand_alone() -> None:
    division = divide(_groups({"": 30, " ": 30, "a": 4}), seed=0)
    assert division.notes.units == 61
    assert all(abs(len(part) - wanted) <= 1 for part, wanted in zip(_parts(division.splits), [38, 13, 13], strict=True))


def test_grouped_rows_keep_labels_near_their_shares() -> None:
    chance = random.Random(1)
    names = [f"g{min(int(chance.paretovariate(1.2) * 2), 90)}" for _ in range(1500)]
    labels = [chance.choice("aab" if len(name) > 2 else "abbc") for name in names]
    table = replace(_table([f"t{i}" for i in range(1500)], labels), groups=tuple(names))
    furthest = divide(table, seed=0).notes.furthest
    assert furthest is not None
    assert abs(furthest.reached - furthest.wanted) < 0.03


@settings(deadline=None)
@given(_tables(), st.data(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_groups_and_clusters_hold_together_in_any_order(
    table: LabelledTexts, data: st.DataObject, seed: int, chance: random.Random
) -> None:
    n = len(table)
    names = data.draw(st.lists(st.sampled_from(["", "u", "v", "w", "x", "y", "z"]), min_size=n, max_size=n))
    clusters = data.draw(st.lists(st.integers(0, n), min_size=n, max_size=n))
    table = replace(table, groups=tuple(names))
    order = list(range(n))
    chance.shuffle(order)
    try:
        division = divide(table, seed=seed, clusters=clusters)
    except LabelsProblem as refused:
        assert "would stay empty" in str(refused)  # noqa: PT017
        return
    assert division == divide(table.take(order), seed=seed, clusters=[clusters[place] for place in order])
    places = {name: part for part, rows in division.splits.items() for name in rows.ids}
    for keys in (table.groups or (), clusters, map(normalise, table.texts)):
        together: dict[object, set[str]] = {}
        for key, name in zip(keys, table.ids, strict=True):
            if key != "":
                together.setdefault(key, set()).add(places[name])
        assert all(len(parts) == 1 for parts in together.values())
    assert set(division.notes.rows.values()) != {0}
    assert all(len(part) for part in _parts(division.splits))


def _by_time(days: list[int], texts: list[str] | None = None) -> LabelledTexts:
    table = _table(texts or [f"t{i}" for i in range(len(days))], ["yes" if i % 2 else "no" for i in range(len(days))])
    return replace(table, times=tuple(f"2024-03-{day:02}" for day in days))


def test_the_earliest_texts_are_train_and_the_latest_test() -> None:
    chance = random.Random(0)
    days = [1 + i // 4 for i in range(100)]
    chance.shuffle(days)
    division = divide(_by_time(days), seed=0)
    assert division.notes.method == "by time"
    train, validation, test = (part.times or () for part in _parts(division.splits))
    assert max(train) < min(validation) <= max(validation) < min(test)
    assert [len(part) for part in _parts(division.splits)] == [60, 20, 20]
    assert divide(_by_time(days), seed=9) == division


def test_equal_times_are_never_divided() -> None:
    splits = divide(_by_time([1] * 10 + [2] * 10 + [3] * 80), seed=0).splits
    assert [len(part) for part in _parts(splits)] == [10, 10, 80]
    with pytest.raises(RowsProblem, match="only 2 times"):
        divide(_by_time([1] * 10 + [2] * 10), seed=0)


def test_a_text_said_again_later_stays_with_its_first_time() -> None:
    texts = [f"t{i}" for i in range(25)] + ["T3", "t21"]
    division = divide(_by_time([*range(1, 26), 24, 25], texts), seed=0)
    places = {name: part for part, rows in division.splits.items() for name in rows.ids}
    assert places["p25"] == "train"
    assert places["p26"] == places["p21"]
    assert division.notes.moved == (26,)
    assert "1 row stands in an earlier split" in division.notes.warnings()[0]


def test_a_label_that_comes_up_late_is_told_not_refused() -> None:
    table = _by_time(list(range(1, 31)))
    table = replace(table, labels=(*table.labels[:25], *["new"] * 5))
    division = divide(table, seed=0)
    assert division.splits.space.names == ("new", "no", "yes")
    assert division.notes.absent == {"train": ("new",), "validation": ("new",), "test": ("no", "yes")} or (
        "new" in division.notes.absent["train"]
    )
    assert "do not occur in train and cannot be learnt: 'new'" in " ".join(division.notes.warnings())


def test_what_is_missing_is_cut_by_time_where_training_rows_have_times() -> None:
    train = _by_time(list(range(1, 26)))
    test = replace(_table(["x", "y"], ["yes", "no"], prefix="q"), times=("2023-01-01", "2023-01-02"))
    splits = divide(train, None, test, seed=0).splits
    assert splits.validation.times == tuple(f"2024-03-{day}" for day in range(21, 26))


def test_each_of_several_labels_stands_in_every_part() -> None:
    chance = random.Random(3)
    names = [f"l{i}" for i in range(12)]
    weights = [1 / (1 + i) for i in range(12)]
    cells = ["|".join(dict.fromkeys(chance.choices(names, weights, k=chance.randint(1, 4)))) for _ in range(600)]
    table = _table([f"t{i}" for i in range(600)], cells)
    division = divide(table, seed=0, separator="|")
    space = division.splits.space
    assert space.names == tuple(sorted(names))
    assert space.separator == "|"
    assert division.notes.absent == {}
    assert division.notes.furthest is not None
    assert abs(division.notes.furthest.reached - division.notes.furthest.wanted) < 0.02
    order = list(range(600))
    chance.shuffle(order)
    assert divide(table.take(order), seed=0, separator="|") == division
    assert abs(len(division.splits.test) - 120) <= 6


def test_only_the_separator_divides_a_cell() -> None:
    table = _table([f"t{i}" for i in range(12)], ["a|b", "c, d", "a;b"] * 4)
    assert divide(table, seed=0).splits.space.names == ("a;b", "a|b", "c, d")
    assert divide(table, seed=0, separator="|").splits.space.names == ("a", "a;b", "b", "c, d")
    test = _table(["x"], ["b|z"], prefix="q")
    with pytest.raises(LabelsProblem, match="'z' in test rows 1"):
        divide(table, None, test, seed=0, separator="|")


def test_notes_become_plain_json() -> None:
    noted = divide(_rare(), seed=0).notes.to_dict()
    assert json.loads(json.dumps(noted)) == noted
    assert noted["wanted"] == {"train": 0.6, "validation": 0.2, "test": 0.2}
    assert noted["rare"] == {"rule": "train", "labels": {"rare": 3, "single": 1}, "dropped": [], "spread": []}


def test_a_hundred_thousand_rows_take_seconds() -> None:
    chance = random.Random(0)
    words = [f"word{i}" for i in range(5000)]
    texts = [" ".join(chance.choices(words, k=15)) for _ in range(100_000)]
    table = _table(texts, [f"l{chance.randrange(30)}" for _ in texts])
    started = time.perf_counter()
    splits = divide(table, seed=0).splits
    assert time.perf_counter() - started < 12
    assert [round(len(part) / 1000) for part in _parts(splits)] == [60, 20, 20]


def test_what_is_cut_off_shares_no_group_with_a_given_part() -> None:
    def table(first: int, n: int, groups: int) -> LabelledTexts:
        names = tuple(f"r{i}" for i in range(first, first + n))
        return LabelledTexts(
            names,
            tuple(f"text {name}" for name in names),
            ("yes", "no") * (n // 2),
            tuple(range(1, n + 1)),
            groups=tuple(f"author {i % groups}" for i in range(n)),
        )

    train, validation = table(0, 60, 30), table(100, 10, 5)
    found = divide(train, validation, seed=1)
    test = found.splits.test
    assert 8 <= len(test) <= 14
    assert not set(test.groups or ()) & {*(validation.groups or ()), *(found.splits.train.groups or ())}
    assert len(found.splits.train) + len(test) == 60
