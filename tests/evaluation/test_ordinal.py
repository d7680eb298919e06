from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.ordinal import quadratic_weighted_kappa, ranks_of
from classifine.labels import LabelSpace


def test_by_hand() -> None:
    # squared misses 0, 0, 1, 0; by chance, each true rank with each predicted one
    truth, predicted = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    by_chance = np.mean([(t - p) ** 2 for t in truth for p in predicted])
    assert by_chance == 1.25
    assert quadratic_weighted_kappa(truth, predicted) == pytest.approx(1 - 0.25 / 1.25)


@given(rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60))
@settings(deadline=None)
def test_as_in_scikit_learn(rows: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    truth, predicted = (np.array(column) for column in zip(*rows, strict=True))
    found = quadratic_weighted_kappa(truth, predicted)
    if len(set(truth) | set(predicted)) == 1:
        assert found == 0.0
    else:
        expected = cohen_kappa_score(truth, predicted, labels=[0, 1, 2, 3, 4], weights="quadratic")
        assert found == pytest.approx(expected, abs=1e-12)


def test_ranks_follow_the_declared_order() -> None:
    space = LabelSpace(("high", "low", "middle"))
    ranks = ranks_of(space, ("low", "middle", "high", "highest"))
    assert ranks is not None
    assert ranks.tolist() == [2, 0, 1]
    assert ranks_of(space, ("low", "high")) is None
    assert ranks_of(LabelSpace(("a", "b"), separator="|"), ("a", "b")) is None
