from __future__ import annotations

import json

import numpy as np
import pytest
from tests.evaluation.conftest import Draw

from classifine.evaluation.comparison import compare
from classifine.evaluation.mistakes import mistakes
from classifine.evaluation.scorecard import scorecard
from classifine.evaluation.scores import score
from classifine.evaluation.significance import mcnemar


def test_scores_of_several_labels_are_scikit_learns(draw_several: Draw) -> None:
    from sklearn import metrics

    predictions = draw_several(200, 5)
    scores, space = score(predictions), predictions.space
    truth = space.indicator([cell or "" for cell in predictions.truth])
    given = predictions.probabilities >= np.array(space.thresholds)
    expected = {
        "subset_accuracy": metrics.accuracy_score(truth, given),
        "hamming_loss": metrics.hamming_loss(truth, given),
        "samples_f1": metrics.f1_score(truth, given, average="samples", zero_division=1.0),
        "label_ranking_average_precision": metrics.label_ranking_average_precision_score(
            truth, predictions.probabilities
        ),
    }
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(truth, given, average=average, zero_division=0)
        expected |= {f"{average}_precision": p, f"{average}_recall": r, f"{average}_f1": f}
    values = {name: figure.value for name, figure in scores.averages.items()}
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    beside = {"samples_precision", "samples_recall", "brier", "roc_auc", "average_precision"}
    assert set(values) - set(expected) == beside
    brier = metrics.brier_score_loss(truth.ravel(), predictions.probabilities.ravel())
    assert values["brier"] == pytest.approx(brier)
    assert all(
        f.low is not None and f.high is not None and f.low <= f.value <= f.high for f in scores.averages.values()
    )
    assert scores.log_loss is not None
    losses = [metrics.log_loss(truth[:, k], predictions.probabilities[:, k]) for k in range(5)]
    assert scores.log_loss.value == pytest.approx(np.mean(losses))
    p, r, f, n = metrics.precision_recall_fscore_support(truth, given, zero_division=0)
    told = [(row.precision.value, row.recall.value, row.f1.value, row.support) for row in scores.per_label]
    np.testing.assert_allclose(told, list(zip(p, r, f, n, strict=True)))
    assert [row.threshold for row in scores.per_label] == list(space.thresholds or ())
    assert (scores.confusion, scores.top_k) == (None, {})


def test_mistakes_of_several_labels_are_the_texts_of_which_not_all_are_right(draw_several: Draw) -> None:
    predictions = draw_several(120, 4)
    scores, found = score(predictions), mistakes(predictions)
    assert len(found) == scores.mistakes == round(120 * (1 - scores.accuracy))
    several = predictions.space.several
    for mistake in found:
        true, given = set(several(mistake.true_label)), set(several(mistake.predicted_label))
        assert set(several(mistake.missed or "")) == true - given
        assert set(several(mistake.wrongly_given or "")) == given - true
        assert (true - given) | (given - true)
        row = predictions.ids.index(mistake.id)
        right = [p if name in given else 1 - p for name, p in zip(
            predictions.space.names, predictions.probabilities[row], strict=True)]  # fmt: skip
        assert mistake.confidence == pytest.approx(np.prod(right)) == pytest.approx(predictions.confidence[row])
    assert [m.p_true for m in found] == sorted(m.p_true for m in found)


def test_two_classifiers_of_several_labels_are_compared_row_by_row(draw_several: Draw) -> None:
    model, baseline = (
        draw_several(150, 4, seed=1, skill=4.0),
        draw_several(150, 4, seed=2, skill=1.0, classifier="tfidf"),
    )
    found = compare(model, baseline)
    assert found.difference == pytest.approx(score(model).macro_f1 - score(baseline).macro_f1)
    assert found.better
    assert compare(model, baseline.take(range(149, -1, -1))) == found
    right = np.array([[m.id for m in mistakes(one)].count(id_) == 0 for one in (model, baseline) for id_ in model.ids])
    ours, theirs = right.reshape(2, -1)
    assert found.mcnemar_p == mcnemar(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))
    card = scorecard(model, [baseline], titles={}, test_openings=1)
    told = card.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["separator"] == "|"
    assert card.verdict.startswith("Model is better than tfidf")
    assert card.accuracy == card.scores["model"].averages["subset_accuracy"].value


def test_rows_without_probabilities_still_have_the_scores_of_their_labels(draw_several: Draw) -> None:
    from dataclasses import replace

    predictions = draw_several(30, 3)
    bare = replace(predictions, probabilities=np.full((30, 3), np.nan))
    scores = score(bare)
    assert scores.log_loss is None
    assert "label_ranking_average_precision" not in scores.averages
    assert scores.macro_f1 == score(predictions).macro_f1
