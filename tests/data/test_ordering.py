from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.ordering import lot, lots, natural, natural_order


@settings(deadline=None)
@given(st.lists(st.text("p01239é²٣\0", max_size=6), unique=True), st.randoms(use_true_random=False))
def test_natural_order_is_total(names: list[str], chance: random.Random) -> None:
    shuffled = list(names)
    chance.shuffle(shuffled)
    assert sorted(names, key=natural) == sorted(shuffled, key=natural)
    assert [shuffled[place] for place in natural_order(shuffled)] == sorted(names, key=natural)


def test_natural_order_reads_numbers() -> None:
    assert sorted(["10", "9", "1"], key=natural) == ["1", "9", "10"]
    assert sorted(["a2b10", "a2b9", "a10", "a"], key=natural) == ["a", "a2b9", "a2b10", "a10"]
    assert sorted(["ab1", "a1", "a", "a!", "b"], key=natural) == ["a", "a1", "a!", "ab1", "b"]
    huge = "9" * 10_000
    assert sorted([huge, "1"], key=natural) == ["1", huge]


@settings(deadline=None)
@given(st.sampled_from(["", "p", "row-1", "p0"]), st.lists(st.integers(0, 10**20), unique=True))
def test_names_that_are_numbers_are_ordered_alike_without_keys(prefix: str, numbers: list[int]) -> None:
    names = [f"{prefix}{number}" for number in numbers]
    assert [names[place] for place in natural_order(names)] == sorted(names, key=natural)


def test_equal_numbers_are_ordered_as_natural_does() -> None:
    names = ["p9", "p09", "p009", "p8"]
    assert [names[place] for place in natural_order(names)] == ["p8", "p009", "p09", "p9"]
    assert natural_order([]) == []
    assert natural_order(["7"]) == [0]


def test_lots_differ_by_seed_and_name() -> None:
    assert len({lot(seed, name) for seed in range(30) for name in ("", "a", "b", "1\n2")}) == 120


def test_lots_of_keys_differ_by_seed_and_key_and_are_spread_evenly() -> None:
    keys = np.arange(3000, dtype=np.uint64)
    drawn = [lots(seed, keys) for seed in range(3)]
    assert len(np.unique(np.concatenate(drawn))) == 9000
    for one in drawn:
        low = (one < np.uint64(2**63)).mean()
        assert 0.45 < low < 0.55
        assert abs(np.corrcoef(one.argsort().argsort(), keys.astype(np.float64))[0, 1]) < 0.1
