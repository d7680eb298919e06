from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.splits.folds import Fold, folds
from classifine.errors import LabelsProblem, SettingsProblem
from classifine.tables import LabelledTexts


def _table(labels: list[str], groups: list[str] | None = None, texts: list[str] | None = None) -> LabelledTexts:
    names = tuple(f"p{i}" for i in range(len(labels)))
    rows = tuple(range(1, len(labels) + 1))
    return LabelledTexts(names, tuple(texts or names), tuple(labels), rows, groups=tuple(groups) if groups else None)


def _ids(table: LabelledTexts, made: list[Fold]) -> list[tuple[int, int, frozenset[str]]]:
    return [(fold.repeat, fold.number, frozenset(table.ids[row] for row in fold.test)) for fold in made]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", *"uvwxyz"])), min_size=13, max_size=60),
    st.integers(2, 5),
    st.randoms(use_true_random=False),
)
def test_folds_divide_every_row_once_and_tear_nothing(
    rows: list[tuple[str, str]], k: int, chance: random.Random
) -> None:
    table = _table([label for label, _ in rows], [group for _, group in rows])
    order = list(range(len(table)))
    chance.shuffle(order)
    try:
        made = folds(table, k, repeats=2, seed=1)
    except LabelsProblem:
        assert len(set(table.groups or ()) - {""}) + (table.groups or ()).count("") < k
        return
    shuffled = table.take(order)
    assert _ids(table, made) == _ids(shuffled, folds(shuffled, k, repeats=2, seed=1))
    assert [(fold.repeat, fold.number) for fold in made] == [(r, f) for r in (1, 2) for f in range(1, k + 1)]
    for repeat in (1, 2):
        tested = np.concatenate([fold.test for fold in made if fold.repeat == repeat])
        assert sorted(tested.tolist()) == list(range(len(table)))
    for fold in made:
        assert len(fold.test)
        assert sorted([*fold.train.tolist(), *fold.test.tolist()]) == list(range(len(table)))
        sides = [{(table.groups or ())[row] for row in side} - {""} for side in (fold.train, fold.test)]
        assert not sides[0] & sides[1]


def test_every_label_stands_in_every_fold_and_folds_are_even() -> None:
    table = _table(["a"] * 5 + ["b"] * 23 + ["c"] * 72)
    for fold in folds(table, 5, repeats=3, seed=0):
        labels = [table.labels[row] for row in fold.test]
        assert labels.count("a") == 1
        assert labels.count("b") in (4, 5)
        assert 19 <= len(labels) <= 21


def test_a_rare_label_is_never_wholly_in_one_fold() -> None:
    table = _table(["a"] * 2 + ["b"] * 3 + ["c"] * 40)
    for fold in folds(table, 10, repeats=5, seed=0):
        assert {table.labels[row] for row in fold.train} == {"a", "b", "c"}


def test_repeats_and_seeds_differ() -> None:
    table = _table(["a", "b"] * 30)
    made = folds(table, 3, repeats=4, seed=0)
    assert len({frozenset(fold.test.tolist()) for fold in made}) == 12
    assert _ids(table, made)[:3] != _ids(table, folds(table, 3, seed=1))


def test_a_fold_becomes_plain_json() -> None:
    made = folds(_table(["a", "b"] * 2), 2, seed=0)
    assert made[1].to_dict() == {"repeat": 1, "number": 2, "test": made[0].train.tolist()}


def test_clusters_and_several_labels_are_honoured() -> None:
    table = _table(["a|b", "b", "c|a"] * 20)
    for fold in folds(table, 4, seed=0, separator="|", clusters=[row // 3 for row in range(60)]):
        assert {row // 3 for row in fold.test.tolist()}.isdisjoint(row // 3 for row in fold.train.tolist())
        assert {name for row in fold.test for name in table.labels[row].split("|")} == {"a", "b", "c"}


def test_equal_texts_are_on_one_side() -> None:
    table = _table(["a", "b"] * 20, texts=[f"Text {row // 4}" for row in range(40)])
    for fold in folds(table, 5, seed=0):
        assert {row // 4 for row in fold.test.tolist()}.isdisjoint(row // 4 for row in fold.train.tolist())


def test_folds_that_cannot_be_are_refused() -> None:
    table = _table(["a", "b"] * 3)
    with pytest.raises(SettingsProblem, match="at least 2 folds"):
        folds(table, 1, seed=0)
    with pytest.raises(SettingsProblem, match="at least 2 folds"):
        folds(table, 2, repeats=0, seed=0)
    with pytest.raises(LabelsProblem, match="6 different texts cannot be divided into 7 folds"):
        folds(table, 7, seed=0)
    with pytest.raises(LabelsProblem, match="1 group of texts that must stay together cannot"):
        folds(replace(table, groups=("g",) * 6), 2, seed=0)
