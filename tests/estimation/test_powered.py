from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifine.estimation.intervals import FloatVector
from classifine.estimation.powered import Drawn, prediction_powered, tuned
from classifine.labels import FloatMatrix

Z90 = 1.6448536269514722


def sample() -> tuple[FloatVector, FloatVector, FloatMatrix]:
    """Give the sample that ppi-python 0.2.3 was run on: truth, predictions, and a covariate beside a constant.

    Its answers below come from ppi_mean_pointestimate and ppi_mean_ci (alpha=.1) of ``y[:300], f[:300], f[300:]``.
    """
    generator = np.random.default_rng(20261121)
    many, n = 5000, 300
    y = (generator.random(many + n) < 0.3).astype(float)
    x = generator.normal(size=many + n) + 0.5 * y
    f = np.where(generator.random(many + n) < np.where(y == 1, 0.75, 0.9), y, 1 - y)
    return y, f, np.column_stack([np.ones(many + n), x])


def drawn() -> Drawn:
    y, f, _ = sample()
    return Drawn(y[:300, None], f[:300, None], f[300:, None])


@pytest.mark.parametrize(
    ("tuning", "value", "low", "high"),
    [(None, 0.31028643, 0.27871665, 0.3418562), (np.ones(1), 0.30753333, 0.27299389, 0.34207278)],
)
def test_a_mean_is_that_of_ppi_python(tuning: FloatVector | None, value: float, low: float, high: float) -> None:
    found = prediction_powered(drawn(), tuning=tuning)
    se = float(np.sqrt(found.covariance[0, 0]))
    assert found.values[0] == pytest.approx(value, abs=1e-6)
    assert (found.values[0] - Z90 * se, found.values[0] + Z90 * se) == pytest.approx((low, high), abs=1e-6)


def test_without_tuning_it_is_the_classical_mean() -> None:
    rows = drawn()
    found = prediction_powered(rows, tuning=np.zeros(1))
    assert found.values[0] == pytest.approx(rows.truth.mean())
    assert found.covariance[0, 0] == pytest.approx(rows.truth.var() / 300)


def test_perfect_predictions_make_gold_rows_worth_all_texts() -> None:
    generator = np.random.default_rng(1)
    truth = (generator.random(2100) < 0.4).astype(float)[:, None]
    rows = Drawn(truth[:100], truth[:100], truth[100:])
    found = prediction_powered(rows, target="texts")
    assert found.tuning[0] == pytest.approx(1.0)
    assert found.values[0] == pytest.approx(truth.mean())
    assert found.covariance[0, 0] == pytest.approx(0.0, abs=1e-12)


def test_predictions_that_say_nothing_are_not_leaned_on() -> None:
    generator = np.random.default_rng(2)
    truth, said = generator.random((2, 5000, 1))
    assert tuned(Drawn(truth[:400], said[:400], said[400:]))[0] < 0.15
    assert tuned(Drawn(truth[:400], np.ones((400, 1)), np.ones((4600, 1))))[0] == 0.0


def test_all_texts_with_gold_have_no_error_of_their_own() -> None:
    truth = np.array([[1.0], [0.0], [1.0], [1.0]])
    found = prediction_powered(Drawn(truth, truth, np.empty((0, 1))), target="texts")
    assert (found.values[0], found.covariance[0, 0]) == (0.75, 0.0)


def test_clusters_of_one_row_change_next_to_nothing_and_whole_clusters_widen() -> None:
    rows = drawn()
    alone = prediction_powered(rows)
    singles = prediction_powered(replace(rows, clusters=(np.arange(300), 300 + np.arange(5000))))
    assert singles.covariance[0, 0] == pytest.approx(alone.covariance[0, 0], rel=1e-3)
    doubled = Drawn(
        np.repeat(rows.truth, 2, axis=0),
        np.repeat(rows.known, 2, axis=0),
        np.repeat(rows.rest, 2, axis=0),
        clusters=(np.repeat(np.arange(300), 2), 300 + np.repeat(np.arange(5000), 2)),
    )
    twice = prediction_powered(doubled)
    assert twice.values[0] == pytest.approx(alone.values[0], abs=1e-3)
    assert twice.covariance[0, 0] == pytest.approx(alone.covariance[0, 0], rel=0.01)
    assert twice.df == 299
