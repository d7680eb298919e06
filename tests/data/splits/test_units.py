from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.likeness.duplicates import normalise
from classifine.data.splits.units import text_keys, units_of


def _brute(keys: list[list[object]]) -> set[frozenset[int]]:
    """Join rows that share any key, the slow way."""
    sets = [{row} for row in range(len(keys[0]))]
    for column in keys:
        for one in range(len(column)):
            for other in range(one):
                if column[one] is not None and column[one] == column[other] and sets[one] is not sets[other]:
                    merged = sets[one] | sets[other]
                    for row in merged:
                        sets[row] = merged
    return {frozenset(rows) for rows in sets}


_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "A ", "b", "c", "d", "e", "f", "g"]),
        st.sampled_from(["", " ", "u", "v", "w", "x", "y", "z"]),
        st.integers(-3, 9),
        st.sampled_from(["x", "y", "x|y", "y | x", "|"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(_ROWS, st.randoms(use_true_random=False))
def test_rows_hang_together_through_texts_groups_and_clusters(
    rows: list[tuple[str, str, int, str]], chance: random.Random
) -> None:
    def made(rows: list[tuple[str, str, int, str]]) -> tuple[set[frozenset[int]], list[list[int]], list[int]]:
        texts, groups, clusters, cells = zip(*rows, strict=True)
        units = units_of(text_keys(texts), cells, groups=groups, clusters=clusters, separator="|")
        assert (np.diff(units.keys.astype(object)) > 0).all()
        found: dict[int, set[int]] = {}
        for row, unit in enumerate(units.of_row.tolist()):
            found.setdefault(unit, set()).add(row)
        described = [units.rows.tolist(), units.starts.tolist(), units.labels.tolist(), units.counts.tolist()]
        return {frozenset(one) for one in found.values()}, described, units.of_row.tolist()

    sets, described, of_row = made(rows)
    texts, groups, clusters, _ = zip(*rows, strict=True)
    keys: list[list[object]] = [
        [normalise(text) for text in texts],
        [group.strip() or None for group in groups],
        list(clusters),
    ]
    assert sets == _brute(keys)
    order = list(range(len(rows)))
    chance.shuffle(order)
    _, again, of_shuffled = made([rows[place] for place in order])
    assert again == described
    assert of_shuffled == [of_row[place] for place in order]


def test_labels_are_counted_by_unit() -> None:
    units = units_of(text_keys(["a", "a", "b", "c"]), ["x|y", "y", "x", "||"], separator="|")
    assert units.names == ("x", "y")
    assert units.with_label().tolist() == [2, 1]
    assert units.rows_of_labels().tolist() == [2, 2]
    counted = {}
    for unit in range(len(units)):
        place = slice(units.starts[unit], units.starts[unit + 1])
        names = [units.names[label] for label in units.labels[place].tolist()]
        counted[int(units.of_row.tolist().index(unit))] = dict(zip(names, units.counts[place].tolist(), strict=True))
    assert counted == {0: {"x": 1, "y": 2}, 2: {"x": 1}, 3: {}}


def test_no_rows_are_no_units() -> None:
    assert len(units_of(text_keys([]), [])) == 0
