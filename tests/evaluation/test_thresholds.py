from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.evaluation.thresholds import FEW_TEXTS, best_threshold, fit_thresholds, fitted
from classifine.labels import BoolMatrix, FloatMatrix, LabelSpace, decide

ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30)


@given(ROWS)
def test_no_other_threshold_has_a_higher_f1(rows: list[tuple[int, bool]]) -> None:
    probabilities, truth = np.array([p / 20 for p, _ in rows]), np.array([has for _, has in rows])

    def f1(threshold: float) -> float:
        said = probabilities >= threshold
        return 2 * float((said & truth).sum()) / max(float(said.sum() + truth.sum()), 1.0)

    best = f1(best_threshold(probabilities, truth))
    assert all(best >= f1(threshold) - 1e-12 for threshold in [*probabilities, 0.0, 1.01])


def test_a_threshold_stands_half_way_between_probabilities() -> None:
    assert best_threshold(np.array([0.2, 0.6, 0.8]), np.array([False, True, True])) == pytest.approx(0.4)
    assert best_threshold(np.array([0.2, 0.6]), np.array([True, True])) == pytest.approx(0.1)
    assert best_threshold(np.array([0.2, 0.6]), np.array([False, False])) == 0.5


def _drawn(positives: int, n: int = 400) -> tuple[FloatMatrix, BoolMatrix]:
    """Two labels: the first frequent and best from about .6 on, the other with so many texts, best from about .2 on."""
    generator = np.random.default_rng(3)
    truth = np.zeros((n, 2), dtype=bool)
    truth[: n // 2, 0] = True
    truth[n - positives :, 1] = True
    low, high = np.where(truth, [0.62, 0.22], [0.0, 0.0]), np.where(truth, [1.0, 1.0], [0.58, 0.18])
    return low + (high - low) * generator.random((n, 2)), truth


def test_a_label_with_many_texts_has_its_own_threshold() -> None:
    probabilities, truth = _drawn(FEW_TEXTS)
    first, second = fit_thresholds(probabilities, truth)
    assert first == pytest.approx(best_threshold(probabilities[:, 0], truth[:, 0]))
    assert second == pytest.approx(best_threshold(probabilities[:, 1], truth[:, 1]))


def test_a_label_with_few_texts_is_drawn_towards_the_common_one() -> None:
    # at the first label's own threshold, texts of the second are missed; at the second's, few of the first are wrong
    for positives in (10, 1):
        probabilities, truth = _drawn(positives)
        first, second = (best_threshold(column, has) for column, has in zip(probabilities.T, truth.T, strict=True))

        def mean_f1(at: float, probabilities: FloatMatrix = probabilities, truth: BoolMatrix = truth) -> float:
            given = probabilities >= at
            return float((2 * (given & truth).sum(axis=0) / (given.sum(axis=0) + truth.sum(axis=0))).mean())

        common = max((first, second), key=mean_f1)
        odds = [np.log(p / (1 - p)) for p in (second, common, fit_thresholds(probabilities, truth)[1])]
        share = positives / FEW_TEXTS
        assert odds[2] == pytest.approx(share * odds[0] + (1 - share) * odds[1])
    probabilities, truth = _drawn(0)
    assert fit_thresholds(probabilities, truth)[1] == pytest.approx(fit_thresholds(probabilities, truth)[0])
    assert fit_thresholds(probabilities, np.zeros_like(truth)) == (0.5, 0.5)


def test_fitted_thresholds_decide() -> None:
    space = fitted(LabelSpace(("a", "b"), separator="|"), np.array([[0.3, 0.9], [0.2, 0.8]]), ["a|b", "b"])
    assert space.thresholds is not None
    assert decide(np.array([[0.3, 0.9], [0.0, 0.0]]), space) == ("a|b", "")


def test_without_texts_an_even_chance_decides() -> None:
    assert fit_thresholds(np.empty((0, 2)), np.empty((0, 2), dtype=bool)) == (0.5, 0.5)
