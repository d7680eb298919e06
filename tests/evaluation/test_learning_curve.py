from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from classifine.evaluation.learning_curve import fit_curve

SIZES = np.array([100, 200, 400, 800, 1600])
Floats = npt.NDArray[np.float64]


def law(sizes: npt.ArrayLike, ceiling: float = 0.85, gap: float = 1.2, rate: float = 0.35) -> Floats:
    values: Floats = ceiling - gap * np.asarray(sizes, dtype=np.float64) ** -rate
    return values


def noisy(generator: np.random.Generator, n_seeds: int = 3) -> tuple[npt.NDArray[np.int64], Floats, list[int]]:
    sizes, seeds = np.repeat(SIZES, n_seeds), np.tile(np.arange(n_seeds), len(SIZES))
    luck = generator.normal(scale=0.007, size=n_seeds)[seeds]
    scores = law(sizes) + generator.normal(size=len(sizes)) * 0.015 * (100 / sizes) ** 0.25 + luck
    return sizes, scores, seeds.tolist()


def test_a_curve_without_noise_gives_its_parameters_back() -> None:
    curve = fit_curve(SIZES.tolist(), law(SIZES).tolist())
    assert curve.ceiling == pytest.approx(0.85, abs=0.002)
    assert curve.rate == pytest.approx(0.35, abs=0.01)
    assert curve.at(6400).value == pytest.approx(law(6400), abs=0.001)
    assert curve.at(6400).low == pytest.approx(curve.at(6400).high, abs=0.02)
    needed = (1.2 / (0.85 - law(1600) - 0.02)) ** (1 / 0.35) - 1600
    assert curve.more_labels(0.02).needed == pytest.approx(needed, rel=0.07)  # rounded up to two digits


def test_the_fit_is_that_of_scipy() -> None:
    from scipy.optimize import curve_fit

    sizes, scores, _ = noisy(np.random.default_rng(2))
    curve = fit_curve(sizes.tolist(), scores.tolist())
    rank = np.unique(sizes, return_inverse=True)[1] + 1
    found, _ = curve_fit(
        lambda n, ceiling, gap, rate: ceiling - gap * (n / 1600) ** -rate,
        sizes.astype(float),
        scores,
        p0=(0.85, 0.1, 0.3),
        sigma=(rank / 5) ** -0.5,
        bounds=([0, 0, 0.05], [1, 1, 3]),
    )
    expected = found[0] - found[1] * (SIZES / 1600) ** -found[2]
    assert [curve.at(int(size)).value for size in SIZES] == pytest.approx(expected.tolist(), abs=5e-4)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    from scipy.stats import binomtest

    generator = np.random.default_rng(11)
    more = (1.2 / (0.85 - law(1600) - 0.02)) ** (1 / 0.35) - 1600
    held = {"at 100": 0, "at 1600": 0, "at 3200": 0, "more": 0}
    for _ in range(100):
        sizes, scores, seeds = noisy(generator)
        curve = fit_curve(sizes.tolist(), scores.tolist(), seeds=seeds, resamples=199)
        for size in (100, 1600, 3200):
            point = curve.at(size)
            held[f"at {size}"] += bool(point.low <= law(size) <= point.high)
        answer = curve.more_labels(0.02)
        high = math.inf if answer.high is None else answer.high
        held["more"] += bool((answer.low or 0) <= 1.1 * more and more <= high)  # the low end is rounded up
    for what, times in held.items():
        assert binomtest(times, 100, 0.95, alternative="less").pvalue > 0.001, what


def test_a_curve_at_its_end_promises_nothing() -> None:
    flat = fit_curve(np.repeat(SIZES, 2).tolist(), [0.8, 0.81, 0.79, 0.8, 0.81, 0.8, 0.8, 0.79, 0.8, 0.81])
    answer = flat.more_labels()
    assert not flat.rises
    assert (answer.needed, answer.low, answer.high) == (None, None, None)
    assert "cannot be said: the scores are not shown to rise" in answer.sentence
    ended = fit_curve(SIZES.tolist(), law(SIZES, ceiling=0.8, gap=300.0, rate=2.0).tolist())
    answer = ended.more_labels()
    assert (answer.needed, answer.low, answer.high) == (None, 15_000, None)
    assert "out of reach" in answer.sentence


def test_an_upper_end_that_is_not_known_is_not_given() -> None:
    generator = np.random.default_rng(4)
    scores = law(np.repeat(SIZES, 3), ceiling=0.9, gap=2, rate=0.5) + generator.normal(size=15) * 0.02
    answer = fit_curve(np.repeat(SIZES, 3).tolist(), scores.tolist()).more_labels()
    assert (answer.needed, answer.high) == (None, None)
    assert answer.low is not None
    assert "at least about" in answer.sentence
    assert "cannot be said" in answer.sentence


def test_a_clear_answer_has_an_interval() -> None:
    generator = np.random.default_rng(4)
    scores = law(np.repeat(SIZES, 3)) + generator.normal(size=15) * 0.003
    answer = fit_curve(np.repeat(SIZES, 3).tolist(), scores.tolist()).more_labels(0.01)
    assert answer.needed is not None
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low <= answer.needed <= answer.high
    assert answer.sentence.startswith("1 point more would take about")


def test_the_ceiling_is_never_above_one_and_the_same_seed_gives_the_same() -> None:
    near = (1 - 0.3 * (SIZES / 100.0) ** -0.1).tolist()
    first, second = fit_curve(SIZES.tolist(), near), fit_curve(SIZES.tolist(), near)
    assert first.ceiling <= 1
    assert first.others[:, 0].max() <= 1
    assert first.to_dict() == second.to_dict()
    told = first.to_dict()
    assert [point["size"] for point in told["line"]][-1] == 3200
    assert told["more_labels"]["gain"] == 0.02


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="3 sizes are too few"):
        fit_curve([10, 20, 40], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="4 sizes, 3 scores"):
        fit_curve([10, 20, 40, 80], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="numbers up to 1"):
        fit_curve([10, 20, 40, 80], [0.1, 0.2, 0.3, 80.0])
    with pytest.raises(ValueError, match="above 0"):
        fit_curve([10, 20, 40, 80], [0.1, 0.2, 0.3, 0.35]).more_labels(0)


def test_other_test_rows_move_level_and_shape_and_both_are_in_the_intervals() -> None:
    sizes, scores, seeds = noisy(np.random.default_rng(5))
    alone = fit_curve(sizes.tolist(), scores.tolist(), seeds=seeds)
    level = np.random.default_rng(6).normal(scale=0.03, size=(200, 1))
    shifted = fit_curve(sizes.tolist(), scores.tolist(), seeds=seeds, redrawn=scores + level)
    assert shifted.at(1600).value == alone.at(1600).value
    assert shifted.at(1600).high - shifted.at(1600).low > 0.1 > alone.at(1600).high - alone.at(1600).low
    tilt = np.random.default_rng(7).normal(scale=0.02, size=(200, 1)) * np.log(sizes / 1600)
    tilted = fit_curve(sizes.tolist(), scores.tolist(), seeds=seeds, redrawn=scores + tilt)
    assert tilted.rise(3200).high - tilted.rise(3200).low > 1.5 * (alone.rise(3200).high - alone.rise(3200).low)
    assert shifted.rise(3200).value == pytest.approx(alone.at(3200).value - alone.at(1600).value)
    with pytest.raises(ValueError, match="one column a run"):
        fit_curve(sizes.tolist(), scores.tolist(), redrawn=np.ones((3, 2)))
