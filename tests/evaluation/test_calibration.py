"""Calibration: scikit-learn's temperature, nothing learnt from nothing, and always a way back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from classifine.evaluation.calibration import (
    ALL_RIGHT,
    NO_USE,
    NOT_WANTED,
    TOO_FEW,
    Calibration,
    fit_calibration,
    logits_of,
    mean_log_loss,
    probabilities_of,
)

Floats = npt.NDArray[np.float64]


def drawn(n: int, *, temperature: float = 2.0, labels: int = 3, seed: int = 0) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Logits that are this many times too large, and labels drawn from what they should say."""
    lots = np.random.default_rng(seed)
    true = lots.normal(scale=1.5, size=(n, labels))
    shares = probabilities_of(true, several=False).cumsum(axis=1)
    return true * temperature, (lots.random(n)[:, None] > shares).sum(axis=1).clip(max=labels - 1)


def drawn_several(n: int, temperatures: list[float], bias: list[float]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    lots = np.random.default_rng(3)
    true = lots.normal(scale=2.0, size=(n, len(bias)))
    truth = lots.random(true.shape) < probabilities_of(true, several=True)
    return (true - bias) * temperatures, truth


def test_the_temperature_is_scikit_learns() -> None:
    texts, labels = load_digits(return_X_y=True)
    noisy = texts / 16 + np.random.default_rng(0).normal(scale=0.5, size=texts.shape)
    model = LogisticRegression(max_iter=300, C=10).fit(noisy[:600], labels[:600])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(noisy[600:1200], labels[600:1200])
    beta = theirs.calibrated_classifiers_[0].calibrators[0].beta_
    logits = model.decision_function(noisy[600:1200])
    ours = fit_calibration(logits, labels[600:1200], "temperature")
    assert ours.temperatures[0] == pytest.approx(1 / beta, rel=1e-6)
    unseen = model.decision_function(noisy[1200:])
    assert probabilities_of(ours.logits(unseen), several=False) == pytest.approx(
        theirs.predict_proba(noisy[1200:]), abs=1e-6
    )
    assert ours.log_loss is not None
    assert ours.log_loss[0] == pytest.approx(mean_log_loss(logits, labels[600:1200]))
    assert ours.log_loss[1] < ours.log_loss[0]


def test_what_was_put_in_comes_out() -> None:
    logits, truth = drawn(20_000)
    assert fit_calibration(logits, truth, "temperature").temperatures[0] == pytest.approx(2.0, rel=0.04)
    shifted = logits + np.array([3.0, 0.0, -1.0])
    found = fit_calibration(shifted, truth, "vector")
    assert found.temperatures[0] == pytest.approx(2.0, rel=0.04)
    assert found.bias is not None
    assert np.diff(found.bias) == pytest.approx([1.5, 0.5], abs=0.1)
    # a temperature alone cannot undo a shift
    assert found.log_loss is not None
    only = fit_calibration(shifted, truth, "temperature").log_loss
    assert only is not None
    assert found.log_loss[1] < only[1] - 0.05


def test_the_vector_is_the_minimum() -> None:
    logits, truth = drawn(400, labels=4, seed=5)
    logits[:, 2] += 2

    def loss(given: Floats) -> float:
        return mean_log_loss(given[0] * logits + given[1:], truth) + float((given[1:] ** 2).sum()) / 800

    brute = minimize(
        loss, np.array([1.0, 0, 0, 0, 0]), method="Nelder-Mead", options={"maxiter": 20_000, "xatol": 1e-9}
    )
    found = fit_calibration(logits, truth, "vector")
    assert found.bias is not None
    assert loss(np.array([1 / found.temperatures[0], *found.bias])) <= brute.fun + 1e-9


def test_each_of_several_labels_has_its_own_and_a_rare_one_borrows() -> None:
    logits, truth = drawn_several(8000, [1.0, 3.0], [0.0, 1.0])
    found = fit_calibration(logits, truth, "vector")
    assert found.temperatures == pytest.approx([1.0, 3.0], rel=0.08)
    assert found.bias == pytest.approx([0.0, 1.0], abs=0.12)
    rare = truth.copy()
    rare[:, 0] = False
    borrowed = fit_calibration(logits[:30], rare[:30], "temperature")
    assert borrowed.bias is None
    assert all(0.05 < one < 30 for one in borrowed.temperatures)
    before, after = (mean_log_loss(each, rare[:30]) for each in (logits[:30], borrowed.logits(logits[:30])))
    assert after < before


@pytest.mark.parametrize(
    ("logits", "truth", "method", "note"),
    [
        (np.eye(9), np.arange(9), "temperature", TOO_FEW),
        (np.eye(20), np.arange(20), "temperature", ALL_RIGHT),
        (np.eye(20), np.arange(20), "vector", ALL_RIGHT),
        (np.eye(20), (np.arange(20) + 1) % 20, "temperature", NO_USE),
        (np.eye(20), np.arange(20), "none", NOT_WANTED),
        (np.zeros((20, 2)) - 3, np.zeros((20, 2), dtype=bool), "temperature", ALL_RIGHT),
    ],
)
def test_where_the_texts_cannot_tell_nothing_is_done_and_why_is_said(
    logits: Floats, truth: npt.NDArray[np.int64], method: str, note: str
) -> None:
    found = fit_calibration(logits.astype(float), truth, method)  # type: ignore[arg-type]
    assert (found.method, found.note) == ("none", note)
    assert (found.logits(logits) == logits).all()


@settings(deadline=None)
@given(st.integers(10, 60), st.integers(2, 5), st.integers(0, 2**16), st.booleans(), st.booleans())
def test_the_order_stays_the_loss_does_not_rise_and_there_is_a_way_back(
    n: int, labels: int, seed: int, several: bool, vector: bool
) -> None:
    lots = np.random.default_rng(seed)
    logits = lots.normal(scale=3, size=(n, labels))
    truth = lots.random((n, labels)) < 0.3 if several else lots.integers(0, labels, size=n)
    found = fit_calibration(logits, truth, "vector" if vector else "temperature")
    calibrated = found.logits(logits)
    if not vector and not several:
        assert (calibrated.argmax(axis=1) == logits.argmax(axis=1)).all()
    if not vector and several:
        assert (np.argsort(calibrated, axis=0) == np.argsort(logits, axis=0)).all()
    assert mean_log_loss(calibrated, truth) <= mean_log_loss(logits, truth) + 1e-12
    assert found.raw(calibrated) == pytest.approx(logits)
    raw = found.raw_probabilities(probabilities_of(calibrated, several=several))
    assert raw == pytest.approx(probabilities_of(logits, several=several), abs=1e-6)
    assert Calibration.from_dict(found.to_dict()) == found


def test_probabilities_and_logits_are_two_spellings() -> None:
    logits, _ = drawn(50)
    for several in (True, False):
        shares = probabilities_of(logits, several=several)
        assert probabilities_of(logits_of(shares, several=several), several=several) == pytest.approx(shares)
    with pytest.raises(ValueError, match="no calibration"):
        Calibration.from_dict(Calibration().to_dict() | {"method": "spline"})
