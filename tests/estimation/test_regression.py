from __future__ import annotations

import warnings

import numpy as np
import pytest
from tests.estimation.test_powered import Z90, sample

from classifine.errors import LabelsProblem
from classifine.estimation.designed import Design, foreseen
from classifine.estimation.regression import (
    Equation,
    Family,
    design_based_regression,
    plain,
    prediction_powered_regression,
)
from classifine.labels import FloatMatrix


def split(family: Family) -> tuple[Equation, Equation, Equation]:
    y, f, x = sample()
    return Equation(x[:300], y[:300]), Equation(x[:300], f[:300]), Equation(x[300:], f[300:])


def test_a_logistic_regression_is_that_of_ppi_python() -> None:
    """ppi_logistic_pointestimate and ppi_logistic_ci of ppi-python 0.2.3 (alpha=.1) on the sample of test_powered."""
    found = prediction_powered_regression(*split("logistic"), "logistic")
    assert found.values == pytest.approx([-0.94260869, 0.5778919], abs=1e-6)
    se = np.sqrt(np.diag(found.covariance))
    assert found.values - Z90 * se == pytest.approx([-1.11273621, 0.43490087], abs=1e-3)
    full = prediction_powered_regression(*split("logistic"), "logistic", tuning=1.0)
    assert full.values == pytest.approx([-0.9466209, 0.52220946], abs=1e-6)


def test_a_linear_regression_is_near_that_of_ppi_python_which_tunes_otherwise() -> None:
    found = prediction_powered_regression(*split("linear"), "linear")
    assert found.values == pytest.approx([0.29544121, 0.11258662], abs=0.003)
    assert 2 * Z90 * np.sqrt(np.diag(found.covariance)) == pytest.approx([0.0618020, 0.0494486], rel=0.01)


@pytest.mark.slow  # statsmodels alone takes seconds to load
@pytest.mark.parametrize("family", ["linear", "logistic"])
def test_rows_as_they_are_give_what_statsmodels_gives(family: Family) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm

        truth = split(family)[0]
        groups = np.arange(300) % 40
        model = sm.OLS(truth.y, truth.x) if family == "linear" else sm.Logit(truth.y, truth.x)
        more = {} if family == "linear" else {"disp": 0}
        robust = model.fit(cov_type="HC0", **more)
        clustered = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, **more)
    found = plain(truth, family)
    assert found.values == pytest.approx(robust.params, abs=1e-7)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(robust.bse, rel=1e-5)
    of_clusters = plain(truth, family, clusters=groups)
    correction = np.sqrt(299 / 298)  # statsmodels also corrects for the number of coefficients
    assert np.sqrt(np.diag(of_clusters.covariance)) * correction == pytest.approx(clustered.bse, rel=1e-4)


def test_weights_are_as_good_as_rows_repeated() -> None:
    truth = split("logistic")[0]
    weights = 1.0 + (np.arange(300) % 3).astype(np.float64)
    repeated = Equation(np.repeat(truth.x, weights.astype(int), axis=0), np.repeat(truth.y, weights.astype(int)))
    found = plain(truth, "logistic", weights=weights)
    assert found.values == pytest.approx(plain(repeated, "logistic").values, abs=1e-8)


def regression_study(generator: np.random.Generator, n: int = 3000) -> tuple[FloatMatrix, np.ndarray, np.ndarray]:
    """Give texts of two kinds; the classifier errs more often with one of them, so that counting finds a difference."""
    kind = (generator.random(n) < 0.5).astype(float)
    p = 1 / (1 + np.exp(1.0 - 0.5 * kind))
    y = (generator.random(n) < p).astype(float)
    right = generator.random(n) < np.where(kind == 1, 0.7, 0.95)
    return np.column_stack([np.ones(n), kind]), y, np.where(right, y, 1 - y)


@pytest.mark.parametrize("design", ["random", "known"])
def test_coefficients_are_held_by_their_intervals_and_counting_misses_them(design: str) -> None:
    generator = np.random.default_rng(12)
    held = naive = 0
    studies = 60
    for _ in range(studies):
        x, y, f = regression_study(generator)
        n = len(y)
        if design == "random":
            gold = generator.choice(n, 400, replace=False)
            rest = np.setdiff1d(np.arange(n), gold)
            rows = Equation(x[gold], y[gold]), Equation(x[gold], f[gold]), Equation(x[rest], f[rest])
            found = prediction_powered_regression(*rows, "logistic")
        else:
            probability = np.where(f == 1, 3.0, 1.0)
            probability *= 400 / probability.sum()
            gold = np.flatnonzero(generator.random(n) < probability)
            drawn = Design(f[:, None], gold, y[gold][:, None], probability[gold], x[:, 1:])
            guesses = [Equation(x, guess[:, 0]) for guess in foreseen(drawn, seed=1, repeats=3)]
            found = design_based_regression(Equation(x[gold], y[gold]), guesses, gold, probability[gold], "logistic")
        counted = plain(Equation(x, f), "logistic")
        for one, name in ((found, "held"), (counted, "naive")):
            inside = abs(one.values[1] - 0.5) <= Z90 * np.sqrt(one.covariance[1, 1])
            held += inside and name == "held"
            naive += inside and name == "naive"
    assert held / studies >= 0.8
    assert naive / studies < 0.3


def test_a_predicted_covariate_is_corrected() -> None:
    generator = np.random.default_rng(13)
    n = 20_000
    label = (generator.random(n) < 0.4).astype(float)
    said = np.where(generator.random(n) < 0.8, label, 1 - label)
    y = 1.0 + 2.0 * label + generator.normal(size=n)
    gold, rest = np.arange(1000), np.arange(1000, n)
    ones = np.ones(n)
    true, predicted = np.column_stack([ones, label]), np.column_stack([ones, said])
    found = prediction_powered_regression(
        Equation(true[gold], y[gold]), Equation(predicted[gold], y[gold]), Equation(predicted[rest], y[rest]), "linear"
    )
    se = np.sqrt(np.diag(found.covariance))
    assert abs(found.values[1] - 2.0) < 3 * se[1]
    assert plain(Equation(predicted, y), "linear").values[1] < 1.5
    assert se[1] < np.sqrt(plain(Equation(true[gold], y[gold]), "linear").covariance[1, 1])


def test_an_outcome_that_is_given_away_has_no_answer() -> None:
    x = np.column_stack([np.ones(100), np.arange(100) < 50])
    with pytest.raises(LabelsProblem, match="no answer"):
        plain(Equation(x, x[:, 1].copy()), "logistic")
