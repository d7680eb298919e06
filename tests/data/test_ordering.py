from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.ordering import lot, natural


@settings(deadline=None)
@given(st.lists(st.text("p01239é²٣", max_size=6), unique=True), st.randoms(use_true_random=False))
def test_natural_order_is_total(names: list[str], chance: random.Random) -> None:
    shuffled = list(names)
    chance.shuffle(shuffled)
    assert sorted(names, key=natural) == sorted(shuffled, key=natural)


def test_natural_order_reads_numbers() -> None:
    assert sorted(["10", "9", "1"], key=natural) == ["1", "9", "10"]
    assert sorted(["a2b10", "a2b9", "a10", "a"], key=natural) == ["a", "a2b9", "a2b10", "a10"]
    huge = "9" * 10_000
    assert sorted([huge, "1"], key=natural) == ["1", huge]


def test_lots_differ_by_seed_and_name() -> None:
    assert len({lot(seed, name) for seed in range(30) for name in ("", "a", "b", "1\n2")}) == 120
