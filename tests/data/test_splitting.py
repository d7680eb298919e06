from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.auditing import audit_splits
from classifine.data.duplicates import normalise
from classifine.data.splitting import split, split_given, splits_from_table, splits_table
from classifine.errors import LabelsProblem, SettingsProblem
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
    splits = split(table, validation_size=validation_size, test_size=test_size, seed=seed)
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
    assert split(table, seed=seed) == split(table.take(order), seed=seed)


@settings(deadline=None)
@given(_tables(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_file_without_ids_may_be_shuffled_too(table: LabelledTexts, seed: int, chance: random.Random) -> None:
    order = list(range(len(table)))
    chance.shuffle(order)
    shuffled = replace(table.take(order), ids=table.ids, rows=table.rows)
    for one, other in zip(_parts(split(table, seed=seed)), _parts(split(shuffled, seed=seed)), strict=True):
        assert Counter(zip(one.texts, one.labels, strict=True)) == Counter(zip(other.texts, other.labels, strict=True))


@settings(deadline=None)
@given(st.integers(10, 80), st.integers(10, 80), _SIZES, _SIZES, st.integers(0, 3))
def test_each_label_keeps_its_share_to_within_one_row(
    yes: int, no: int, validation_size: float, test_size: float, seed: int
) -> None:
    splits = split(_plain(yes=yes, no=no), validation_size=validation_size, test_size=test_size, seed=seed)
    shares = {"train": 1 - validation_size - test_size, "validation": validation_size, "test": test_size}
    for name, part in splits.items():
        for label, number in (("yes", yes), ("no", no)):
            assert abs(part.labels.count(label) - number * shares[name]) < 1 + 1e-9


def test_many_small_labels_do_not_starve_a_split() -> None:
    # 12 rows of 60 labels: 7.2, 2.4 and 2.4 each; the odd row must not always go to the same split
    splits = split(_plain(**{f"l{i}": 12 for i in range(60)}), seed=1)
    assert len(splits.train) == 7 * 60
    assert all(130 <= len(part) <= 170 for part in _parts(splits)[1:])


def test_another_seed_gives_another_division_of_the_same_sizes() -> None:
    table = _plain(yes=50, no=100)
    divisions = {split(table, seed=seed).test.ids for seed in range(20)}
    assert len(divisions) == 20
    assert {len(ids) for ids in divisions} == {30}
    # over many seeds each row comes to be tested about equally often
    often = Counter(name for seed in range(200) for name in split(table, seed=seed).test.ids)
    assert len(often) == 150
    assert max(often.values()) < 75


def test_parts_are_ordered_by_id() -> None:
    splits = split(_plain(yes=30, no=30), seed=3)
    assert all(list(part.rows) == sorted(part.rows) for part in _parts(splits))


def test_large_groups_are_placed_before_the_small_ones_fill_up() -> None:
    table = _table(["same"] * 20 + [f"t{i}" for i in range(80)], ["yes"] * 100)
    for seed in range(10):
        assert [len(part) for part in _parts(split(table, seed=seed))] == [60, 20, 20]


def test_three_large_groups_still_reach_every_part() -> None:
    table = _table(["a"] * 30 + ["b"] * 30 + ["c"] * 30, ["yes"] * 90)
    assert [len(part) for part in _parts(split(table, seed=0))] == [30, 30, 30]


def test_a_text_under_two_labels_stays_together() -> None:
    texts = [f"t{i % 40}" for i in range(80)]
    table = _table(texts, ["yes" if i % 3 else "no" for i in range(80)])
    for seed in range(10):
        splits = split(table, seed=seed)
        assert not any(finding.count for finding in audit_splits(splits))
        assert all(set(part.labels) == {"no", "yes"} for part in _parts(splits))


def test_labels_too_rare_for_three_parts_are_all_named() -> None:
    table = _table(["one", "two", "three", "x", "X ", "x", "y", "z"], ["a"] * 3 + ["b"] * 3 + ["c"] * 2)
    with pytest.raises(LabelsProblem) as refused:
        split(table, seed=0)
    assert "2 labels have too few different texts" in str(refused.value)
    assert "'b': 1, 'c': 2" in str(refused.value)


def test_contradictions_that_no_division_can_serve_are_refused() -> None:
    # a needs 1, 2, 3 apart; b needs 1, 2, 4 apart, so 3 and 4 together; c needs 3, 4, 5 apart
    texts = {"1": "ab", "2": "ab", "3": "ac", "4": "bc", "5": "c"}
    rows = [(text, label) for text, labels in texts.items() for label in labels]
    with pytest.raises(LabelsProblem, match="several labels leave a split without a label"):
        split(_table([text for text, _ in rows], [label for _, label in rows]), seed=0)


@pytest.mark.parametrize(("validation_size", "test_size"), [(0.5, 0.5), (0.0, 0.2), (0.2, -0.1), (float("nan"), 0.2)])
def test_sizes_that_leave_a_part_empty_are_refused(validation_size: float, test_size: float) -> None:
    with pytest.raises(SettingsProblem, match="leave one of them empty"):
        split(_plain(yes=9, no=9), validation_size=validation_size, test_size=test_size, seed=0)


def test_an_unknown_positive_label_is_refused() -> None:
    with pytest.raises(SettingsProblem, match="'Yes' does not occur"):
        split(_plain(yes=9, no=9), seed=0, positive="Yes")


def test_own_files_are_taken_as_they_are() -> None:
    train = _table([f"t{i}" for i in range(10)], ["yes", "no"] * 5, prefix="a")
    validation = _table(["v1", "v2"], ["no", "yes"], prefix="b")
    test = _table(["t1", "x2"], ["yes", "yes"], prefix="c")
    splits = split_given(train, validation, test, seed=0, positive="yes")
    assert splits == Splits(train, validation, test, LabelSpace(("no", "yes"), "yes"))


def test_what_is_missing_is_cut_from_train_and_never_from_test() -> None:
    train, test = _plain(yes=50, no=50), replace(_plain(yes=20, no=20), ids=tuple(f"q{i}" for i in range(40)))
    splits = split_given(train, None, test, seed=0)
    assert splits.test == test
    assert [len(splits.train), len(splits.validation)] == [80, 20]
    assert set(splits.train.ids) | set(splits.validation.ids) == set(train.ids)
    assert Counter(splits.validation.labels) == {"yes": 10, "no": 10}
    other = split_given(train, test, None, test_size=0.3, seed=0)
    assert other.validation == test
    assert [len(other.train), len(other.test)] == [70, 30]
    both = split_given(train, None, None, seed=0)
    assert both == split(train, seed=0)


def test_ids_that_occur_in_two_files_are_told_apart() -> None:
    table = _table([f"t{i}" for i in range(10)], ["yes", "no"] * 5, prefix="")
    splits = split_given(table, None, _table(["u"], ["no"], prefix=""), validation_size=0.3, seed=0)
    assert splits.test.ids == ("test:0",)
    ids = [*splits.train.ids, *splits.validation.ids]
    assert sorted(ids) == sorted(f"train:{i}" for i in range(10))


def test_an_empty_test_table_is_allowed() -> None:
    nothing = LabelledTexts((), (), (), ())
    splits = split_given(_plain(yes=10, no=10), None, nothing, seed=0)
    assert [len(part) for part in _parts(splits)] == [16, 4, 0]


def test_labels_that_training_never_sees_are_all_named_with_their_rows() -> None:
    train = _plain(yes=5, no=5)
    with pytest.raises(LabelsProblem) as refused:
        split_given(train, _table(["v", "w"], ["Yes", "no"]), _table(["x"], ["maybe"]), seed=0)
    assert "2 labels of the other files never occur" in str(refused.value)
    assert "'Yes' in validation rows 1, 'maybe' in test rows 1" in str(refused.value)


def test_a_label_absent_from_test_shifts_no_id() -> None:
    train = _plain(a=5, b=5, c=5)
    splits = split_given(train, _table(["v"], ["c"], prefix="v"), _table(["x"], ["b"], prefix="x"), seed=0)
    assert splits.space.names == ("a", "b", "c")


def test_equal_texts_in_given_files_are_found() -> None:
    train = _table(["Come!", "It rained.", "Third"], ["yes", "no", "no"], prefix="a")
    validation = _table(["it  RAINED.", "new"], ["no", "yes"], prefix="b")
    test = _table(["fresh", "come!", "New"], ["no", "yes", "no"], prefix="c")
    in_test, in_validation = audit_splits(split_given(train, validation, test, seed=0))
    assert (in_test.level, in_test.count, in_test.rows) == ("warn", 2, (2, 3))
    assert (in_validation.level, in_validation.count, in_validation.rows) == ("warn", 1, (1,))


@settings(deadline=None)
@given(_tables(), st.integers(0, 3))
def test_splits_become_an_arrow_table_and_come_back(table: LabelledTexts, seed: int) -> None:
    splits = split(table, seed=seed, positive=table.labels[0])
    stored = splits_table(splits)
    assert stored.column_names == ["id", "text", "label", "row", "split"]
    assert [str(field.type) for field in stored.schema] == ["string", "string", "string", "int64", "string"]
    assert splits_from_table(stored, positive=table.labels[0]) == splits


def test_a_hundred_thousand_rows_take_seconds() -> None:
    chance = random.Random(0)
    words = [f"word{i}" for i in range(5000)]
    texts = [" ".join(chance.choices(words, k=15)) for _ in range(100_000)]
    table = _table(texts, [f"l{chance.randrange(30)}" for _ in texts])
    started = time.perf_counter()
    splits = split(table, seed=0)
    assert time.perf_counter() - started < 12
    assert [round(len(part) / 1000) for part in _parts(splits)] == [60, 20, 20]
