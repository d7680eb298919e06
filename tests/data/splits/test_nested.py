from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from classifine.data.splits.nested import Nest, check_sizes, usual_sizes
from classifine.errors import LabelsProblem, SettingsProblem
from classifine.tables import LabelledTexts

SIZES = [12, 30, 60, 120]


def table(rows: int = 120, *, group: int = 1) -> LabelledTexts:
    names = tuple(f"text number {row} of many" for row in range(rows))
    labels = tuple("rare" if row % 10 == 0 else "usual" for row in range(rows))
    groups = tuple(f"g{row // group}" for row in range(rows))
    return LabelledTexts(names, names, labels, tuple(range(1, rows + 1)), groups=groups if group > 1 else None)


def test_subsets_are_nested_have_their_sizes_and_keep_the_shares_of_labels() -> None:
    texts = table()
    subsets = Nest(texts).subsets(SIZES, seed=3)
    assert [len(rows) for rows in subsets] == SIZES
    for small, large in pairwise(subsets):
        assert set(small) < set(large)
    rare = [Counter(texts.labels[row] for row in rows)["rare"] for rows in subsets]
    assert rare == [1, 3, 6, 12]
    assert all((np.diff(rows) > 0).all() for rows in subsets)


def test_seeds_draw_other_subsets_and_the_same_ones_again() -> None:
    nest = Nest(table())
    one, again, other = (nest.subsets(SIZES, seed=seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert set(one[0]) != set(other[0])
    assert len(one[-1]) == len(other[-1]) == 120


def test_what_hangs_together_comes_as_a_whole() -> None:
    texts = table(group=4)
    clusters = np.arange(120)
    clusters[[0, 119]] = 500
    for rows in Nest(texts, clusters=clusters).subsets(SIZES, seed=1):
        inside = set(rows.tolist())
        for start in range(4, 116, 4):
            assert len(inside & set(range(start, start + 4))) in (0, 4)
        assert len(inside & {0, 1, 2, 3, 116, 117, 118, 119}) in (0, 8)


def test_usual_sizes_double_up_to_all_and_leave_room_for_every_label() -> None:
    assert usual_sizes(3200, 2) == [100, 200, 400, 800, 1600, 3200]
    assert usual_sizes(2400, 43)[0] == 86
    assert usual_sizes(40, 30) == [8, 11, 15, 21, 29, 40]
    with pytest.raises(LabelsProblem, match="too few training texts"):
        usual_sizes(39, 2)


def test_named_sizes_are_checked() -> None:
    assert check_sizes([50, 10, 20, 30, 40, 40], 50) == [10, 20, 30, 40, 50]
    with pytest.raises(SettingsProblem, match="1, 60"):
        check_sizes([1, 10, 20, 30, 40, 60], 50)
    with pytest.raises(SettingsProblem, match="4 sizes cannot show"):
        check_sizes([10, 20, 30, 40, 40], 50)
