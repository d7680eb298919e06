from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.estimation.intervals import (
    clustered,
    critical,
    critical_for_all,
    score_interval,
    two_sided,
    worth,
)
from classifine.resampling import wilson


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_the_score_interval_of_a_plain_share_is_wilsons(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(1, n)) if n > 1 else 1
    p = successes / n
    found = score_interval(p, worth(p * (1 - p), p * (1 - p) / n, n), 1.959963984540054)
    assert found == pytest.approx(wilson(successes, n), abs=1e-9)


@given(st.floats(-0.2, 1.2), st.floats(1, 1e9))
def test_the_score_interval_stays_between_nothing_and_all(value: float, size: float) -> None:
    low, high = score_interval(value, size, 1.96)
    assert 0 <= low < high <= 1


def test_p_is_two_sided() -> None:
    assert two_sided(-1.17, 1.0, 1e9) == pytest.approx(0.2420, abs=2e-4)
    assert two_sided(1.17, 1.0, 1e9) == two_sided(-1.17, 1.0, 1e9)
    assert two_sided(1.0, 0.0, 10) is None


def test_intervals_that_hold_together_are_wider_and_less_so_where_estimates_agree() -> None:
    single = critical(0.95, 1e9)
    apart = critical_for_all(np.eye(5), 0.95, 1e9, seed=1)
    alike = critical_for_all(np.full((5, 5), 0.95) + 0.05 * np.eye(5), 0.95, 1e9, seed=1)
    assert apart == pytest.approx(critical(0.95 ** (1 / 5), 1e9), abs=0.03)
    assert single < alike < apart
    assert critical_for_all(np.eye(500), 0.95, 1e9, seed=1) == pytest.approx(critical(0.95 ** (1 / 500), 1e9))


def test_clusters_are_summed_first() -> None:
    rows = np.array([[1.0], [2.0], [-3.0]])
    covariance, n = clustered([rows], [np.array([7, 7, 9])])
    assert (covariance[0, 0], n) == ((9 + 9) * 2, 2)
