from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine import resampling
from classifine.labels import IntVector
from classifine.resampling import IntMatrix, accelerations, bca_ends, draws, holm, leaving_out, wilson

COUNTS = np.array([40, 1, 25, 9, 45])


def _drawn(counts: IntVector, *, seed: int = 1, resamples: int = 501) -> IntMatrix:
    return np.concatenate(list(draws(counts, seed=seed, resamples=resamples)))


def test_wilson_of_34_in_40() -> None:
    assert wilson(34, 40) == pytest.approx((0.7093, 0.9294), abs=5e-5)


def test_nothing_seen_leaves_everything_possible() -> None:
    assert wilson(0, 0) == (0, 1)


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    expected = binomtest(*case).proportion_ci(method="wilson")
    assert wilson(*case) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_drawing_cells_and_drawing_rows_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rows_per_cell in (0, 10**6):
        monkeypatch.setattr(resampling, "_ROWS_PER_CELL", rows_per_cell)
        drawn = _drawn(COUNTS, resamples=9_999)
        assert (drawn.sum(axis=1) == COUNTS.sum()).all()
        found.append((drawn.mean(axis=0), np.cov(drawn.T)))
    assert (found[0][0] != found[1][0]).any()
    shares = COUNTS / COUNTS.sum()
    covariance = COUNTS.sum() * (np.diag(shares) - np.outer(shares, shares))
    for mean, spread in found:
        assert mean == pytest.approx(COUNTS, abs=0.25)
        assert spread == pytest.approx(covariance, abs=1.5)


@pytest.mark.parametrize("rows_per_cell", [0, 10**6])
def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch, rows_per_cell: int) -> None:
    monkeypatch.setattr(resampling, "_ROWS_PER_CELL", rows_per_cell)
    whole = _drawn(COUNTS)
    left_out = [np.concatenate(list(leaving_out(COUNTS, groups))) for groups in (5, 3)]
    monkeypatch.setattr(resampling, "_CHUNK_NUMBERS", 10)
    assert (_drawn(COUNTS) == whole).all()
    assert (_drawn(COUNTS, seed=2) != whole).any()
    for groups, expected in zip((5, 3), left_out, strict=True):
        parts = list(leaving_out(COUNTS, groups))
        assert len(parts) > 1
        assert (np.concatenate(parts) == expected).all()


def test_a_row_of_each_cell_or_a_group_of_cells_is_left_out() -> None:
    (rows,) = leaving_out(np.array([3, 1, 2]), 3)
    assert rows.tolist() == [[2, 1, 2], [3, 0, 2], [3, 1, 1]]
    (groups,) = leaving_out(np.array([3, 1, 2]), 2)
    assert groups.tolist() == [[0, 1, 0], [3, 0, 2]]


def test_accelerations_of_rows_counted_are_those_of_rows_one_by_one() -> None:
    values, weights = np.array([[0.0, 1.0, 5.0], [2.0, 2.0, 2.0], [1.0, np.nan, 4.0]]), np.array([20, 30, 50])
    found = accelerations(values, weights)
    single = accelerations(np.repeat(values[0], weights), np.ones(100))
    deviations = np.repeat(values[0], weights).mean() - np.repeat(values[0], weights)
    assert found[0] == pytest.approx(float(single))
    assert found[0] == pytest.approx((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))
    assert found[1] == 0
    assert found[2] == pytest.approx(float(accelerations(values[2, [0, 2]], weights[[0, 2]])))


def test_without_bias_and_skew_the_ends_are_the_percentiles() -> None:
    drawn = np.arange(-500.0, 501.0)
    assert bca_ends(0.0, drawn, 0.0) == pytest.approx((0.025, 0.975))
    assert bca_ends(1e-14, drawn, 0.0) == bca_ends(0.0, drawn, 0.0)
    low, high = bca_ends(100.0, drawn, 0.0)
    assert low > 0.025
    assert high > 0.975


def test_beyond_the_pole_the_end_is_that_of_the_distribution() -> None:
    drawn = np.arange(-500.0, 501.0)
    assert bca_ends(0.0, drawn, 0.6)[1] == 1.0
    assert bca_ends(0.0, drawn, -0.6)[0] == 0.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_its_steps_reject(p_values: list[float]) -> None:
    corrected = holm(p_values)
    ranked, m = sorted(p_values), len(p_values)
    steps = 0
    while steps < m and ranked[steps] * (m - steps) < 0.05:
        steps += 1
    assert sum(p < 0.05 for p in corrected) == steps
    assert all(one >= other for one, other in zip(corrected, p_values, strict=True))
