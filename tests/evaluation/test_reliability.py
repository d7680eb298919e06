"""How far probabilities mean what they say: by hand, by chance, and with intervals that hold the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, cohen_kappa_score, matthews_corrcoef
from tests.evaluation.conftest import Draw, Make

from classifine.evaluation.calibration import fit_calibration, logits_of, probabilities_of
from classifine.evaluation.reliability import BINS, before_and_after, calibration_error, reliability
from classifine.evaluation.scores import score

EDGES = np.linspace(0, 1, BINS + 1)


def test_by_hand(make: Make) -> None:
    # in the bins of .6, .7 and .95: one of two right, two of two, none of one
    sure = [0.61, 0.64, 0.7, 0.72, 0.95]
    truth = ["a", "b", "a", "a", "b"]
    found = reliability(make(truth, np.array([[p, 1 - p] for p in sure])))
    expected = (abs(1 - 0.61 - 0.64) + abs(2 - 0.7 - 0.72) + abs(0 - 0.95)) / 5
    assert found.figures["ece"].value == pytest.approx(expected)
    assert found.figures["ece"].note == "too few"
    assert [(one.n, round(one.confidence, 9), one.right.value) for one in found.diagram] == [
        (2, 0.625, 0.5),
        (2, 0.71, 1.0),
        (1, 0.95, 0.0),
    ]
    # each text in a bin of its own
    apart = [abs(right - p) for right, p in zip((1, 0, 1, 1, 0), sure, strict=True)]
    assert found.figures["ece_equal_mass"].value == pytest.approx(np.mean(apart))
    brier = np.mean([2 * one**2 for one in apart])
    assert found.figures["brier"].value == pytest.approx(brier)


def test_scores_beside_scikit_learn(draw: Draw) -> None:
    predictions = draw(300, 4)
    truth, given = list(predictions.truth), list(predictions.predicted)
    found = score(predictions).averages
    names = list(predictions.space.names)
    assert found["brier"].value == pytest.approx(brier_score_loss(truth, predictions.probabilities, labels=names))
    assert found["mcc"].value == pytest.approx(matthews_corrcoef(truth, given))
    assert found["cohen_kappa"].value == pytest.approx(cohen_kappa_score(truth, given))
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(truth, given))
    for name in ("brier", "mcc", "cohen_kappa", "balanced_accuracy"):
        assert found[name].low is not None
        assert found[name].n == 300


def test_before_and_after(draw: Draw, draw_several: Draw) -> None:
    for drawn in (draw(600, 3), draw_several(400, 4)):
        several = drawn.space.separator is not None
        cells = [cell or "" for cell in drawn.truth]
        truth = drawn.space.indicator(cells) if several else drawn.space.ids(cells)
        logits = 3 * logits_of(drawn.probabilities, several=several)
        calibration = fit_calibration(logits, truth, "vector")
        after = replace(drawn, probabilities=probabilities_of(calibration.logits(logits), several=several))
        found = before_and_after(after, calibration)
        for name in ("log_loss", "brier", "ece"):
            assert found.after.figures[name].value < found.before.figures[name].value
        assert found.before.figures["ece_equal_mass"].value > 0.03
        assert found.after.figures["ece"].value < 2.5 * found.after.by_chance
        assert sum(one.n for one in found.after.diagram) == len(drawn) * (4 if several else 1)
        raw = reliability(replace(drawn, probabilities=probabilities_of(logits, several=several)))
        assert raw.figures["log_loss"].value == pytest.approx(found.before.figures["log_loss"].value)


def answers(
    n: int, lots: np.random.Generator, *, fault: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Probabilities, and answers that are right as often as they say, or less often by the fault."""
    confidence = 0.4 + 0.6 * lots.beta(2, 2, size=(n, 1))
    return confidence, lots.random((n, 1)) < confidence - fault


@pytest.mark.parametrize("fault", [0.0, 0.02, 0.05, 0.15])
@pytest.mark.parametrize("n", [100, 400, 2000])
def test_the_interval_of_the_error_holds_the_truth(n: int, fault: float) -> None:
    lots = np.random.default_rng(0)
    held = 0
    for _ in range(600):
        figure = calibration_error(*answers(n, lots, fault=fault), EDGES)
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= fault <= figure.high
    assert 0.9 <= held / 600 <= 0.995


def test_what_chance_alone_would_give(make: Make) -> None:
    lots = np.random.default_rng(2)
    values, chances = [], []
    for _ in range(200):
        confidence = lots.uniform(0.5, 1, size=300)
        truth = np.where(lots.random(300) < confidence, "a", "b").tolist()
        found = reliability(make(truth, np.stack([confidence, 1 - confidence], axis=1)))
        values.append(found.figures["ece"].value)
        chances.append(found.by_chance)
    assert np.mean(values) == pytest.approx(np.mean(chances), rel=0.05)
