from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from classifine.data.annotators.resampling import bootstrap, share
from classifine.labels import FloatMatrix


@pytest.mark.parametrize(("kinds", "tolerance"), [(60, 1e-9), (2_000, 0.01)])
def test_the_interval_is_that_of_scipy(kinds: int, tolerance: float) -> None:
    # the same seed draws the same items; 2,000 kinds are left out in groups, whose skewness is nearly the same
    values = np.random.default_rng(1).exponential(size=kinds)
    ours = bootstrap(
        np.ones(kinds, dtype=np.int64), lambda w: (w @ values / w.sum(axis=1))[:, None], why="", seed=2, resamples=4_000
    )[0]
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4_000, method="BCa", rng=np.random.default_rng(2))
    low, high = theirs.confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(low, abs=tolerance * (high - low))
    assert ours.high == pytest.approx(high, abs=tolerance * (high - low))


def test_items_alike_are_drawn_as_one_kind() -> None:
    values = np.array([0.0, 1.0, 5.0])
    many = bootstrap(
        np.array([20, 30, 50]), lambda w: (w @ values / w.sum(axis=1))[:, None], why="", seed=2, resamples=4_000
    )[0]
    rows = np.repeat(values, [20, 30, 50])
    single = bootstrap(
        np.ones(100, dtype=np.int64), lambda w: (w @ rows / w.sum(axis=1))[:, None], why="", seed=3, resamples=4_000
    )[0]
    assert (many.value, many.items) == (single.value, single.items)
    assert many.low == pytest.approx(single.low, abs=0.05)
    assert many.high == pytest.approx(single.high, abs=0.05)


def test_without_an_interval_the_reason_is_said() -> None:
    def first(weights: FloatMatrix) -> FloatMatrix:
        return np.where(weights[:, :1] > 0, 1.0, np.nan)

    alike = bootstrap(np.array([30, 30]), lambda w: np.ones((len(w), 1)), why="", seed=1)[0]
    assert (alike.value, alike.low, alike.note) == (1, None, "every resample gives this value, so there is no interval")
    rare = bootstrap(np.array([1, 30]), first, why="", seed=1)[0]
    assert (rare.value, rare.low) == (1, None)
    assert rare.note is not None
    assert rare.note.startswith("undefined in 3")
    few = bootstrap(np.array([1, 3]), first, why="", seed=1)[0]
    assert few.note == "4 items: too few for an interval"
    nothing = bootstrap(np.array([3]), lambda w: np.full((len(w), 1), np.nan), why="nothing there", seed=1)[0]
    assert (nothing.value, nothing.note) == (None, "nothing there")


def test_a_share_has_wilsons_interval() -> None:
    found = share(34, 40, why="")
    assert found.value == 0.85
    assert found.low == pytest.approx(0.7093, abs=5e-5)
    assert found.high == pytest.approx(0.9294, abs=5e-5)
    assert share(0, 0, why="nobody").note == "nobody"
    assert share(3, 4, why="").low is None
