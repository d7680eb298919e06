from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifine.errors import RowsProblem
from classifine.evaluation.seeds import (
    FOLDS,
    ONE_RUN,
    ensemble,
    expected_best,
    median_place,
    optimism,
    over_folds,
    over_seeds,
)
from classifine.labels import decide

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make

    from classifine.tables import Predictions


def test_the_expected_best_is_the_normal_order_statistic() -> None:
    assert [round(expected_best(n), 4) for n in (1, 2, 3, 5, 20)] == [0, 0.5642, 0.8463, 1.163, 1.8675]
    drawn = np.random.default_rng(1).normal(size=(40_000, 20)).max(axis=1)
    assert expected_best(20) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 200)
    assert optimism(5, 0.01) == pytest.approx(0.01163, abs=5e-6)


def test_mean_spread_and_parts_of_the_interval_by_hand(make: Make) -> None:
    truth = ["a", "b"] * 50
    column = np.arange(100) % 2
    hits = np.random.default_rng(3).random((100, 3)) < 0.8

    def run(hit: np.ndarray) -> np.ndarray:
        return np.where(np.eye(2)[np.where(hit, column, 1 - column)] > 0, 0.8, 0.2)

    found = over_seeds([make(truth, run(hits[:, place])) for place in range(3)], "accuracy")
    shares = hits.mean(axis=0)
    assert found.values == pytest.approx(tuple(shares))
    assert (found.mean, found.sd) == pytest.approx((shares.mean(), shares.std(ddof=1)))
    assert (found.least, found.most, found.n) == (shares.min(), shares.max(), 100)
    covariances = np.cov(hits.T.astype(float)) / 100  # of means of rows, the jackknife is exact
    between = covariances[np.triu_indices(3, 1)].mean()
    of_seeds = shares.var(ddof=1) / 3
    variance = max(between, 0.0) + of_seeds
    from scipy.stats import t

    reach = t.ppf(0.975, 2 * (variance / of_seeds) ** 2) * variance**0.5
    assert (found.low, found.high) == pytest.approx((shares.mean() - reach, shares.mean() + reach))
    assert found.optimism == pytest.approx(0.8463 * found.sd, rel=1e-3)
    assert found.to_dict()["median"] == found.median


def test_the_interval_holds_the_truth_as_often_as_it_says(make: Make) -> None:
    """Rows differ in how hard they are, seeds in how good; the truth is the mean over all rows and seeds."""
    from scipy.special import ndtr
    from scipy.stats import binomtest

    generator = np.random.default_rng(5)
    n, n_runs, of_rows, of_seeds, skill = 200, 4, 1.0, 0.1, 1.2
    truth_value = ndtr(skill / np.sqrt(1 + of_rows**2 + of_seeds**2))
    column = np.arange(n) % 2
    truth = ["a", "b"] * (n // 2)
    held = {"both": 0, "seeds alone": 0}
    for _ in range(200):
        easy = skill + of_rows * generator.normal(size=n)
        runs = []
        for _ in range(n_runs):
            hit = easy + of_seeds * generator.normal() + generator.normal(size=n) > 0
            runs.append(make(truth, np.where(np.eye(2)[np.where(hit, column, 1 - column)] > 0, 0.8, 0.2)))
        found = over_seeds(runs, "accuracy")
        assert found.low is not None
        assert found.high is not None
        held["both"] += found.low <= truth_value <= found.high
        reach = 3.182 * found.sd / np.sqrt(n_runs)
        held["seeds alone"] += found.mean - reach <= truth_value <= found.mean + reach
    assert binomtest(held["both"], 200, 0.95).pvalue > 0.001
    assert held["seeds alone"] < 180


def test_one_run_says_what_is_not_known_and_few_rows_have_no_interval(draw: Draw) -> None:
    alone = over_seeds([draw(100, 3)])
    assert (alone.note, alone.sd, alone.optimism, alone.median) == (ONE_RUN, 0.0, 0.0, 0)
    assert alone.low is not None
    assert alone.low < alone.mean
    few = over_seeds([draw(9, 2, seed=seed) for seed in range(3)])
    assert (few.low, few.high, few.note) == (None, None, "too few")
    with pytest.raises(ValueError, match="there is no run"):
        over_seeds([])
    with pytest.raises(ValueError, match="did you mean 'macro_f1'"):
        over_seeds([draw(20, 2)], "macrof1")
    with pytest.raises(RowsProblem, match="run 1 and run 2 were not scored on the same rows"):
        over_seeds([draw(20, 2), draw(21, 2)])


def cells(predictions: Predictions) -> tuple[list[str], list[str]]:
    return [cell or "" for cell in predictions.truth], [cell or "" for cell in predictions.predicted]


def test_several_labels_and_ordered_ones(draw: Draw, draw_several: Draw) -> None:
    from sklearn.metrics import cohen_kappa_score, f1_score

    runs = [draw_several(80, 4, seed=seed) for seed in range(3)]
    found = over_seeds(runs)
    expected = [f1_score(*(each.space.indicator(column) for column in cells(each)), average="macro") for each in runs]
    assert found.values == pytest.approx(tuple(expected))
    ranked = [draw(80, 4, seed=seed) for seed in range(3)]
    order = ranked[0].space.names[::-1]
    kappas = over_seeds(ranked, "quadratic_weighted_kappa", order=order)
    rank = order.index
    assert kappas.values == pytest.approx(
        tuple(
            cohen_kappa_score(*([*map(rank, column)] for column in cells(each)), weights="quadratic") for each in ranked
        )
    )


def test_the_run_that_is_kept_is_the_one_in_the_middle() -> None:
    assert median_place([0.7, 0.9, 0.8]) == 2
    assert median_place([0.9, 0.7]) == 1
    assert median_place([0.3, 0.5, 0.4, 0.2], higher=False) == 2
    assert median_place([0.5, 0.5, 0.5]) == 1


def test_folds_by_hand() -> None:
    found = over_folds([0.70, 0.74, 0.72, 0.76, 0.68], training_rows=800, test_rows=200)
    reach = 2.776445 * ((1 / 5 + 1 / 4) * 0.001) ** 0.5
    assert (found.low, found.high) == pytest.approx((0.72 - reach, 0.72 + reach))
    assert (found.method, found.median, found.sd_of_rows) == (FOLDS, 2, None)
    with pytest.raises(ValueError, match="at least two"):
        over_folds([0.7], training_rows=80, test_rows=20)


def test_the_ensemble_decides_on_mean_probabilities(draw: Draw, draw_several: Draw) -> None:
    runs = [draw(60, 3, seed=seed) for seed in range(4)]
    shuffled = runs[1].take(list(range(59, -1, -1)))
    found = ensemble([runs[0], shuffled, *runs[2:]])
    expected = np.mean([each.probabilities for each in runs], axis=0)
    np.testing.assert_allclose(found.probabilities, expected)
    assert found.predicted == decide(expected, runs[0].space)
    assert (found.classifier, found.truth) == ("ensemble", runs[0].truth)
    several = [draw_several(30, 2, seed=seed) for seed in range(2)]
    higher = replace(several[1], space=replace(several[1].space, thresholds=(0.9, 0.8)))
    assert ensemble([several[0], higher]).space.thresholds == pytest.approx((0.6, 0.625))
    chosen = replace(several[0].space, thresholds=(0.1, 0.1))
    assert ensemble(several, space=chosen).predicted == decide(ensemble(several).probabilities, chosen)
    with pytest.raises(ValueError, match="same rows"):
        ensemble([runs[0], runs[1].take(range(10))])
    with pytest.raises(ValueError, match="no run"):
        ensemble([])


def test_a_blank_row_stays_without_a_label_in_the_ensemble(draw: Draw) -> None:
    first = draw(20, 2)
    probabilities = first.probabilities.copy()
    probabilities[3] = np.nan
    blank = replace(
        first,
        probabilities=probabilities,
        status=(*first.status[:3], "blank", *first.status[4:]),
        predicted=(*first.predicted[:3], None, *first.predicted[4:]),
    )
    found = ensemble([blank, blank])
    assert found.predicted == blank.predicted
    with pytest.raises(ValueError, match="predicted the same rows"):
        ensemble([first, blank])


def test_an_interval_ends_where_its_metric_does() -> None:
    far = over_folds([0.2, 0.99], training_rows=10, test_rows=10)
    assert (far.low, far.high) == (0.0, 1.0)
    kappa = over_folds([0.2, 0.99], training_rows=10, test_rows=10, metric="quadratic_weighted_kappa")
    assert (kappa.low, kappa.high) == (-1.0, 1.0)
    loss = over_folds([0.2, 0.99], training_rows=10, test_rows=10, metric="log_loss")
    assert loss.high is not None
    assert loss.high > 1
