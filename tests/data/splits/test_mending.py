from __future__ import annotations

import itertools
import random

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.ordering import lots
from classifine.data.splits.dealing import deal
from classifine.data.splits.mending import mend
from classifine.data.splits.units import Units, text_keys, units_of

THIRDS = [0.6, 0.2, 0.2]


def _units(cells: list[str], groups: list[str] | None = None) -> Units:
    return units_of(text_keys([f"t{i}" for i in range(len(cells))]), cells, groups=groups, separator="|")


def _lacking(units: Units, parts: list[int], number: int) -> int:
    """Count the labels with enough units (and rows at all) that a part lacks."""
    found = np.zeros((len(units.names) + 1, number), np.int64)
    for unit, part in enumerate(parts):
        for label in [*units.labels[units.starts[unit] : units.starts[unit + 1]].tolist(), len(units.names)]:
            found[label, part] += 1
    required = found.sum(axis=1) >= number
    return int((found[required] == 0).sum())


_SMALL = st.lists(
    st.sets(st.sampled_from("abcd"), min_size=1, max_size=3).map(lambda names: "|".join(sorted(names))),
    min_size=3,
    max_size=7,
)


@settings(deadline=None, max_examples=100)
@given(_SMALL, st.integers(0, 3), st.booleans())
def test_wherever_a_division_with_every_label_in_every_part_exists_it_is_found(
    cells: list[str], seed: int, doubled: bool
) -> None:
    # doubled: units of two rows, which are dealt in another way than single rows
    groups = [f"g{i // 2}" for i in range(2 * len(cells))] if doubled else None
    units = _units([cell for cell in cells for _ in range(2)] if doubled else cells, groups)
    dealt = deal(units, THIRDS, seed=seed).tolist()
    best = min(_lacking(units, list(parts), 3) for parts in itertools.product(range(3), repeat=len(units)))
    assert _lacking(units, dealt, 3) == best


@settings(deadline=None, max_examples=60)
@given(_SMALL, st.integers(0, 3), st.data())
def test_units_that_are_kept_stay_and_the_others_serve_as_many_labels_as_can_be(
    cells: list[str], seed: int, data: st.DataObject
) -> None:
    units = _units(cells)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(units), max_size=len(units))))
    dealt = deal(units, THIRDS, seed=seed, kept=kept)
    assert (dealt[kept] == 0).all()
    every = [
        list(parts) for parts in itertools.product(range(3), repeat=len(units)) if not np.any(np.array(parts)[kept])
    ]
    # what no division can serve is not asked for: where one serves all, it is found
    if min(_lacking(units, parts, 3) for parts in every) == 0:
        assert _lacking(units, dealt.tolist(), 3) == 0


def test_a_division_that_lacks_nothing_is_left_alone() -> None:
    units = _units(["a"] * 9)
    parts = np.arange(9) % 3
    nobody: npt.NDArray[np.bool_] = np.zeros(9, np.bool_)
    assert mend(units, parts, 3, nobody, lots(0, units.keys)) is parts


def test_a_part_without_rows_gets_the_smallest_unit_that_can_be_spared() -> None:
    groups = ["large"] * 5 + ["small"] * 2 + ["b1", "b2", "b3"]
    units = _units(["a"] * 7 + ["a"] * 3, groups)
    nobody = np.zeros(len(units), np.bool_)
    mended = mend(units, np.zeros(len(units), np.int64), 2, nobody, lots(0, units.keys))
    moved = np.flatnonzero(mended == 1)
    assert units.rows[moved].tolist() == [1]


def test_what_cannot_be_mended_ends_soon() -> None:
    chance = random.Random(0)
    cells = ["|".join(sorted({f"l{chance.randrange(200)}" for _ in range(25)})) for _ in range(40)]
    units = _units(cells)
    dealt = deal(units, THIRDS, seed=0)
    assert set(dealt.tolist()) == {0, 1, 2}
