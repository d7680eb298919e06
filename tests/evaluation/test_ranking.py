"""How well probabilities rank: scikit-learn's values, DeLong's variance, and intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from tests.evaluation.conftest import Draw

from classifine.evaluation.metrics import FloatVector
from classifine.evaluation.ranking import IN_ORDER, BoolVector, average_precision, ranking_figures, roc_auc
from classifine.evaluation.scores import score

MEASURES = {"roc_auc": (roc_auc, roc_auc_score), "average_precision": (average_precision, average_precision_score)}


@settings(deadline=None)
@given(st.integers(4, 60), st.integers(0, 2**16), st.integers(2, 30))
def test_values_are_scikit_learns_with_and_without_ties(n: int, seed: int, steps: int) -> None:
    lots = np.random.default_rng(seed)
    has = lots.random(n) < 0.4
    has[:2] = True, False
    drawn = lots.random(n) + 0.3 * has
    scores: FloatVector = np.round(drawn, 2).astype(np.float64) if steps > 20 else lots.integers(0, steps, n) / steps
    for ours, theirs in MEASURES.values():
        value, pulls = ours(scores, has)
        assert value == pytest.approx(theirs(has, scores), abs=1e-12)
        assert pulls.sum() == pytest.approx(0, abs=1e-9)


def test_pulls_are_what_one_more_of_a_text_would_change() -> None:
    lots = np.random.default_rng(4)
    has = lots.random(40) < 0.5
    scores = np.round(lots.normal(size=40) + has, 1)
    step = 1e-5
    _, pulls = average_precision(scores, has)
    for place in range(40):
        weights = np.ones(40)
        weights[place] += step
        changed = average_precision_score(has, scores, sample_weight=weights) - average_precision_score(has, scores)
        assert changed / step == pytest.approx(pulls[place], abs=1e-4)


def test_the_variance_is_delongs() -> None:
    lots = np.random.default_rng(8)
    positive, negative = lots.normal(1, 1, size=23), lots.normal(size=31)
    order = (positive[:, None] > negative[None, :]).astype(float)
    expected = order.mean(axis=1).var(ddof=1) / 23 + order.mean(axis=0).var(ddof=1) / 31
    _, pulls = roc_auc(np.concatenate([positive, negative]), np.arange(54) < 23)
    assert (pulls**2).sum() == pytest.approx(expected)


@pytest.mark.parametrize("name", list(MEASURES))
def test_intervals_hold_the_truth_as_often_as_they_say(name: str) -> None:
    lots = np.random.default_rng(1)

    def drawn(n: int) -> tuple[FloatVector, BoolVector]:
        has = lots.random(n) < 0.3
        return lots.normal(size=n) + 1.2 * has, has

    truth = MEASURES[name][0](*drawn(400_000))[0]
    held = 0
    for _ in range(1500):
        scores, has = drawn(150)
        figure = ranking_figures(scores[:, None], has[:, None])[name]
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= truth <= figure.high
    assert 0.93 <= held / 1500 <= 0.97


def test_the_mean_over_labels_beside_scikit_learn_and_perfect_ranks(draw: Draw, draw_several: Draw) -> None:
    found = score(draw(200, 4)).averages
    predictions = draw(200, 4)
    truth = predictions.space.ids(t for t in predictions.truth if t)
    probabilities = predictions.probabilities
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert found["average_precision"].value == pytest.approx(average_precision_score(truth, probabilities))
    several = draw_several(200, 5)
    has = several.space.indicator([t or "" for t in several.truth])
    of_several = score(several).averages
    assert of_several["roc_auc"].value == pytest.approx(roc_auc_score(has, several.probabilities))
    assert of_several["average_precision"].value == pytest.approx(average_precision_score(has, several.probabilities))
    perfect = ranking_figures(np.arange(20)[:, None] / 20, (np.arange(20) > 9)[:, None])
    assert [one.note for one in perfect.values()] == [IN_ORDER, IN_ORDER]
    assert ranking_figures(np.ones((5, 1)), np.ones((5, 1), dtype=bool)) == {}
