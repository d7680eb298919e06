from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifine.errors import LabelsProblem, RowsProblem
from classifine.evaluation.comparison import compare
from classifine.tables import Predictions

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make


def _taken(predictions: Predictions, order: list[int]) -> Predictions:
    columns: dict[str, Any] = {
        name: tuple(getattr(predictions, name)[row] for row in order)
        for name in ("ids", "texts", "truth", "predicted", "status")
    }
    return replace(predictions, probabilities=predictions.probabilities[order], **columns)


def test_the_difference_is_that_of_the_scores(draw: Draw) -> None:
    from sklearn.metrics import f1_score

    model, baseline = draw(300, 4, seed=1, skill=3.0), draw(300, 4, seed=2, skill=1.0, classifier="tfidf")
    found = compare(model, baseline)
    expected = [f1_score(p.truth, p.predicted, average="macro") for p in (model, baseline)]
    assert found.difference == pytest.approx(expected[0] - expected[1])
    assert found.better
    assert not found.worse
    assert found.mcnemar_p < 0.001
    back = compare(baseline, model)
    assert back.worse
    assert not back.better


def test_the_interval_is_within_a_hundredth_of_scipys(draw: Draw) -> None:
    from scipy.stats import bootstrap

    model, baseline = draw(250, 2, seed=3, skill=1.5), draw(250, 2, seed=4, skill=1.0, classifier="tfidf")
    right = [np.array([t == p for t, p in zip(each.truth, each.predicted, strict=True)]) for each in (model, baseline)]
    gains = right[0].astype(float) - right[1]
    expected = bootstrap((gains,), np.mean, method="BCa", rng=np.random.default_rng(1)).confidence_interval
    found = compare(model, baseline, "accuracy")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_pairing_sees_what_overlapping_intervals_hide(make: Make) -> None:
    truth = ["a", "b"] * 100
    hits_of_baseline = np.arange(200) % 10 < 7
    hits_of_model = hits_of_baseline | (np.arange(200) % 10 == 7)
    column = np.arange(200) % 2

    def predictions(hits: np.ndarray, name: str) -> Predictions:
        probabilities = np.full((200, 2), 0.2)
        probabilities[np.arange(200), np.where(hits, column, 1 - column)] = 0.8
        return make(truth, probabilities, classifier=name)

    found = compare(predictions(hits_of_model, "model"), predictions(hits_of_baseline, "tfidf"), "accuracy")
    assert found.difference == pytest.approx(0.1)
    assert found.better


def test_the_order_of_the_rows_does_not_matter(draw: Draw) -> None:
    model, baseline = draw(80, 3, seed=1), draw(80, 3, seed=2, classifier="tfidf")
    assert compare(model, _taken(baseline, list(range(79, -1, -1)))) == compare(model, baseline)
    assert compare(model, baseline, seed=1) != compare(model, baseline, seed=2)


def test_rows_that_do_not_match_are_refused(draw: Draw) -> None:
    model, baseline = draw(40, 3, seed=1), draw(40, 3, seed=2, classifier="tfidf")
    with pytest.raises(RowsProblem, match="1 row only in model: r39"):
        compare(model, _taken(baseline, list(range(39))))
    with pytest.raises(RowsProblem, match="with another true label: r"):
        compare(model, replace(baseline, truth=(*baseline.truth[1:], baseline.truth[0])))
    with pytest.raises(LabelsProblem, match="different labels"):
        compare(model, draw(40, 4, seed=2))
    with pytest.raises(ValueError, match="did you mean 'macro_f1'"):
        compare(model, baseline, "macrof1")


def test_twins_and_few_rows_have_no_interval_and_are_not_better(draw: Draw) -> None:
    model = draw(50, 3, seed=1)
    twins = compare(model, replace(model, classifier="tfidf"))
    assert (twins.difference, twins.low, twins.mcnemar_p, twins.better) == (0.0, None, 1.0, False)
    few = compare(draw(9, 2, seed=1, skill=9.0), draw(9, 2, seed=1, skill=-9.0, classifier="tfidf"))
    assert (few.difference, few.note, few.better) == (1.0, "too few", False)


def test_less_loss_is_better_and_ordered_labels_have_kappa(draw: Draw, draw_several: Draw) -> None:
    from sklearn.metrics import cohen_kappa_score

    good, poor = draw_several(200, 3, seed=1, skill=5), draw_several(200, 3, seed=2, skill=0.5, classifier="tfidf")
    found = compare(good, poor, "hamming_loss")
    assert found.difference < 0
    assert found.better
    assert compare(poor, good, "hamming_loss").worse
    model, baseline = draw(120, 4, seed=1), draw(120, 4, seed=2, classifier="tfidf")
    order = model.space.names
    ranks = [
        [order.index(cell or "") for cell in cells] for cells in (model.truth, model.predicted, baseline.predicted)
    ]
    kappas = [cohen_kappa_score(ranks[0], each, weights="quadratic") for each in ranks[1:]]
    found = compare(model, baseline, "quadratic_weighted_kappa", order=order)
    assert found.difference == pytest.approx(kappas[0] - kappas[1])


def test_plain_json(draw: Draw) -> None:
    told = compare(draw(50, 3, seed=1), draw(50, 3, seed=2, classifier="tfidf")).to_dict()
    assert list(told) == ["baseline", "metric", "difference", "low", "high", "n", "mcnemar_p", "better"]
    assert (told["baseline"], told["metric"], told["n"]) == ("tfidf", "macro_f1", 50)
