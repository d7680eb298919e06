from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from classifine.explanation.linear import FloatVector, ridge, summing
from classifine.explanation.perturbation import kernel
from classifine.labels import BoolMatrix

# What lime 0.2.0.1 gives for the rows below:
#   LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 25**2))).explain_instance_with_data(
#       rows.astype(float), np.column_stack([1 - said, said]),
#       pairwise_distances(rows.astype(float), rows[:1].astype(float), metric="cosine").ravel() * 100,
#       1, 4, feature_selection="none")
PACKAGE = [0.3753794391633903, -0.16987503286174616, 0.03832074809230522, 0.08264618934476152]
PACKAGE_R2 = 0.9497887208848942


def neighbourhood() -> tuple[BoolMatrix, FloatVector]:
    rows = np.random.default_rng(5).random((40, 4)) < 0.5
    rows[0] = True
    said = 0.2 + rows @ np.array([0.3, -0.2, 0.05, 0.0]) + 0.2 * (rows[:, 0] & rows[:, 3])
    return rows, said


def test_on_the_same_rows_the_linear_model_is_that_of_the_lime_package() -> None:
    rows, said = neighbourhood()
    values, r2 = ridge(rows, said, kernel(rows), penalty=1.0)
    assert values == pytest.approx(PACKAGE, abs=1e-12)
    assert r2 == pytest.approx(PACKAGE_R2, abs=1e-12)


@pytest.mark.parametrize("penalty", [1e-4, 0.3, 5.0])
def test_the_ridge_is_that_of_scikit_learn(penalty: float) -> None:
    rows, said = neighbourhood()
    weights = np.random.default_rng(1).random(len(rows))
    theirs = Ridge(alpha=penalty).fit(rows, said, sample_weight=weights)
    values, r2 = ridge(rows, said, weights, penalty=penalty)
    assert values == pytest.approx(theirs.coef_, abs=1e-10)
    assert r2 == pytest.approx(theirs.score(rows, said, sample_weight=weights), abs=1e-10)


def test_coefficients_that_add_up_are_the_least_squares_among_those_that_do() -> None:
    rows, said = neighbourhood()
    weights = np.random.default_rng(2).random(len(rows)) + 0.1
    values, _ = summing(rows, said, weights, empty=0.2, full=0.55)
    assert values.sum() == pytest.approx(0.35, abs=1e-12)

    def loss(tried: FloatVector) -> float:
        return float(weights @ (said - 0.2 - rows @ tried) ** 2)

    for step in np.random.default_rng(3).normal(size=(50, 4)) * 0.05:
        assert loss(values) <= loss(values + step - step.mean()) + 1e-12


def test_directions_that_no_row_tells_apart_share_what_they_bring() -> None:
    rows = np.array([[True, True, False], [False, False, True]])
    values, _ = summing(rows, np.array([0.6, 0.1]), np.ones(2), empty=0.0, full=0.7)
    assert values == pytest.approx([0.3, 0.3, 0.1], abs=1e-9)
