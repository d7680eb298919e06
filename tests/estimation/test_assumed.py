from __future__ import annotations

import numpy as np
import pytest

from classifine.errors import LabelsProblem
from classifine.estimation.assumed import adjusted_count, prior_shift, rogan_gladen, shifted


def test_rogan_and_gladens_own_numbers() -> None:
    value, variance = rogan_gladen(0.23, 5000, 0.75, 60, 0.90, 240)
    assert value == pytest.approx(0.2)
    by_hand = (0.23 * 0.77 / 5000 + 0.04 * 0.75 * 0.25 / 60 + 0.64 * 0.9 * 0.1 / 240) / 0.65**2
    assert variance == pytest.approx(by_hand)


def test_a_classifier_that_says_nothing_is_refused() -> None:
    with pytest.raises(LabelsProblem, match="next to nothing") as told:
        rogan_gladen(0.3, 1000, 0.55, 100, 0.5, 100)
    assert "sensitivity 0.550" in str(told.value)


def test_adjusted_counts_undo_known_mistakes_and_stay_shares() -> None:
    mistakes = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]])
    true = np.array([0.5, 0.3, 0.2])
    counts = np.round(mistakes.T @ true * 100_000).astype(np.int64)
    found = adjusted_count(counts, mistakes * 1000, seed=3, resamples=200)
    assert found.values == pytest.approx(true, abs=1e-4)
    assert found.drawn.shape == (200, 3)
    assert found.drawn.min() >= 0
    assert found.drawn.sum(axis=1) == pytest.approx(np.ones(200))
    assert np.quantile(found.drawn, [0.02, 0.98], axis=0)[:, 0] == pytest.approx([0.46, 0.54], abs=0.03)


def test_labels_predicted_alike_are_refused() -> None:
    alike = np.array([[50.0, 50.0, 0.0], [48.0, 52.0, 0.0], [0.0, 0.0, 100.0]])
    with pytest.raises(LabelsProblem, match="told apart"):
        adjusted_count(np.array([400, 400, 200]), alike, seed=1)


def test_em_finds_a_shifted_share_from_calibrated_probabilities() -> None:
    generator = np.random.default_rng(11)
    before, after = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    truth = (generator.random(20_000) < after[1]).astype(int)
    x = generator.normal(size=20_000) + 1.5 * truth
    odds = np.exp(1.5 * x - 1.5**2 / 2)  # the likelihood ratio; even shares before
    probabilities = np.column_stack([1 / (1 + odds), odds / (1 + odds)])
    assert probabilities[:, 1].mean() == pytest.approx(0.387, abs=0.02)  # the mean of probabilities is off
    shares, covariance = prior_shift(probabilities, before)
    assert shares == pytest.approx([1 - truth.mean(), truth.mean()], abs=0.012)
    assert shares.sum() == pytest.approx(1)
    se = float(np.sqrt(covariance[1, 1]))
    assert 0.002 < se < 0.008
    gold = np.eye(2)[(generator.random(400) < 0.5).astype(int)]
    _, variances = shifted(probabilities, gold)
    assert variances[1] > se**2
