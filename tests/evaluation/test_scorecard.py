from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifine.evaluation.scorecard import Scorecard, scorecard
from classifine.evaluation.scores import score
from classifine.labels import LabelSpace
from classifine.tables import Predictions

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw, Make

TITLES = {"model": "fine-tuned minilm", "tfidf": "TF-IDF + logistic regression", "majority": "majority label"}


def _card(draw: Draw, skills: tuple[float, float, float], n: int = 300, openings: int = 1) -> Scorecard:
    model, tfidf, majority = (
        draw(n, 2, seed=seed, skill=skill, classifier=name)
        for seed, (skill, name) in enumerate(zip(skills, TITLES, strict=True))
    )
    return scorecard(model, [tfidf, majority], titles=TITLES, test_openings=openings)


def _binary(make: Make) -> Predictions:
    """Confusion [[70, 8], [14, 48]]."""
    rows = [("no", 0)] * 70 + [("no", 1)] * 8 + [("yes", 0)] * 14 + [("yes", 1)] * 48
    probabilities = np.array([[0.75, 0.25] if predicted == 0 else [0.25, 0.75] for _, predicted in rows])
    return make([truth for truth, _ in rows], probabilities, positive="yes")


def test_scores_of_a_hand_computed_table(make: Make) -> None:
    told = score(_binary(make)).to_dict()
    assert told["confusion"] == [[70, 8], [14, 48]]
    assert told["accuracy"]["value"] == pytest.approx(118 / 140)
    assert told["top_k"]["1"] == told["micro_f1"] == told["accuracy"]
    assert told["top_k"]["2"] == {
        "value": 1.0, "low": None, "high": None, "n": 140, "method": "Wilson", "note": "there are no more labels"
    }  # fmt: skip
    assert told["log_loss"]["value"] == pytest.approx(-(118 * np.log(0.75) + 22 * np.log(0.25)) / 140)
    no, yes = told["per_label"]
    assert [(entry["label"], entry["support"], entry["predicted"]) for entry in (no, yes)] == [
        ("no", 78, 84), ("yes", 62, 56)
    ]  # fmt: skip
    assert (yes["precision"]["value"], yes["precision"]["n"]) == (48 / 56, 56)
    assert (yes["recall"]["value"], yes["recall"]["n"]) == (48 / 62, 62)
    assert (yes["f1"]["value"], yes["f1"]["n"]) == (pytest.approx(96 / 118), 70)
    assert told["macro_f1"]["method"] == "BCa bootstrap"


def test_the_shape_of_the_file(make: Make) -> None:
    model = _binary(make)
    baseline = replace(model, classifier="tfidf")
    told = scorecard(model, [baseline], titles={}, test_openings=1).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told) == {
        "split", "n", "excluded", "labels", "positive", "test_openings", "verdict", "cautions", "scores", "titles",
        "comparisons", "mistakes", "seen", "separator", "order", "details",
    }  # fmt: skip
    averages = {
        f"{average}_{metric}" for average in ("macro", "micro", "weighted") for metric in ("f1", "precision", "recall")
    }
    averages |= {
        "accuracy",
        "balanced_accuracy",
        "mcc",
        "cohen_kappa",
        "krippendorff_alpha",
        "brier",
        "roc_auc",
        "average_precision",
    }
    assert set(told["scores"]["model"]) == averages | {"log_loss", "top_k", "per_label", "confusion"}
    assert (told["split"], told["n"], told["labels"], told["positive"]) == ("test", 140, ["no", "yes"], "yes")
    assert (told["mistakes"], told["excluded"], list(told["scores"])) == (22, 0, ["model", "tfidf"])
    assert told["titles"] == {"model": "model", "tfidf": "tfidf"}


def _figures(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value] if "method" in value else [f for part in value.values() for f in _figures(part)]
    return [f for part in value for f in _figures(part)] if isinstance(value, list) else []


def test_every_figure_has_an_interval_or_a_reason(draw: Draw) -> None:
    figures = _figures(score(draw(60, 5, skill=1.0)).to_dict())
    assert len(figures) == 17 + 1 + 3 + 15
    for figure in figures:
        if figure["low"] is None:
            assert figure["note"]
            assert figure["high"] is None
        else:
            assert figure["low"] <= figure["value"] <= figure["high"]


def test_better_than_both_is_said_against_the_best(draw: Draw) -> None:
    card = _card(draw, (4.0, 1.0, -1.0))
    assert card.verdict.startswith(
        "Fine-tuned minilm is better than TF-IDF + logistic regression, the best baseline: macro-F1 "
    )
    assert card.verdict.endswith("on 300 test rows.")
    assert f"{card.macro_f1:.3f} against {card.scores['tfidf'].macro_f1:.3f}" in card.verdict
    assert card.accuracy == card.scores["model"].accuracy > 0.9


def test_not_shown_to_be_better_than_tfidf(draw: Draw) -> None:
    card = _card(draw, (1.5, 1.5, -1.0))
    assert card.verdict.startswith("Fine-tuned minilm is not shown to be better than TF-IDF + logistic regression, the")


def test_tfidf_is_said_first_even_when_it_is_not_the_best_baseline(draw: Draw) -> None:
    card = _card(draw, (1.0, 1.1, 4.0))
    first, second = card.verdict.split(". ", 1)
    assert first.startswith("Fine-tuned minilm is not shown to be better than TF-IDF + logistic regression: ")
    assert second.startswith("Fine-tuned minilm is worse than majority label, the best baseline: ")


def test_few_rows_are_said_not_to_show_anything(draw: Draw) -> None:
    card = _card(draw, (9.0, 1.0, -1.0), n=8)
    assert "not shown to be better" in card.verdict
    assert "too few rows for an interval" in card.verdict


def test_without_baselines_the_verdict_says_so(draw: Draw) -> None:
    model = replace(draw(200, 2, skill=3.0), split="posts.csv")
    verdict = scorecard(model, [], titles={}, test_openings=0).verdict
    assert "on 200 rows of posts.csv; no baseline" in verdict


def test_cautions(draw: Draw) -> None:
    assert _card(draw, (4.0, 1.0, -1.0)).cautions == ()
    model = draw(30, 2, seed=1)
    model = replace(model, truth=(None, *model.truth[1:]))
    told = scorecard(model, [], titles={}, test_openings=3).cautions
    assert told[0].startswith("Only 29 rows")
    assert told[1].startswith("Labels with fewer than 20 rows: label0")
    assert told[2].startswith("1 row without a true label")
    assert "opened 3 times" in told[3]


def test_rows_without_truth_are_left_out_and_counted(draw: Draw) -> None:
    whole = draw(120, 3, seed=1)
    columns = {name: getattr(whole, name)[20:] for name in ("ids", "texts", "truth", "predicted", "status")}
    part = replace(whole, probabilities=whole.probabilities[20:], **columns)
    unknown = replace(whole, truth=(*[None] * 20, *whole.truth[20:]))
    assert score(unknown).excluded == 20
    assert replace(score(unknown), excluded=0) == score(part)


def test_without_probabilities_there_is_no_log_loss(draw: Draw) -> None:
    predictions = draw(40, 3)
    told = score(replace(predictions, probabilities=np.full((40, 3), np.nan))).to_dict()
    assert told["log_loss"] is None
    assert told["top_k"] == {}
    assert told["accuracy"] == score(predictions).to_dict()["accuracy"]


def test_a_label_without_test_rows_is_listed_with_zeros(make: Make) -> None:
    scores = score(make(["a", "b"] * 10, np.tile([0.5, 0.4, 0.1], (20, 1)), names=["a", "b", "c"]))
    absent = scores.per_label[2]
    assert (absent.f1.value, absent.support, absent.predicted, absent.f1.note) == (0.0, 0, 0, "too few")
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_names_must_differ(draw: Draw) -> None:
    with pytest.raises(ValueError, match="different names"):
        scorecard(draw(20, 2), [draw(20, 2, classifier="model")], titles={}, test_openings=1)


def test_the_same_seed_gives_the_same_card(draw: Draw) -> None:
    one, two, other = (
        scorecard(draw(90, 3, seed=1), [draw(90, 3, seed=2, classifier="tfidf")], titles={}, test_openings=1, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one.to_dict() == two.to_dict()
    assert one.to_dict() != other.to_dict()


@pytest.mark.parametrize(("n", "n_labels", "limit"), [(3080, 77, 5.0), (1000, 2, 1.0)])
def test_quick_enough_to_be_run_without_thinking(draw: Draw, n: int, n_labels: int, limit: float) -> None:
    predictions = [
        draw(n, n_labels, seed=seed, skill=skill, classifier=name)
        for seed, (skill, name) in enumerate([(4.0, "model"), (3.0, "tfidf"), (0.0, "majority")])
    ]
    started = time.process_time()
    scorecard(predictions[0], predictions[1:], titles={}, test_openings=1)
    assert time.process_time() - started < limit


def test_the_space_travels(make: Make) -> None:
    assert scorecard(_binary(make), [], titles={}, test_openings=1).space == LabelSpace(("no", "yes"), "yes")
