from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from classifine.evaluation.scorecard import Scorecard, scorecard
from classifine.evaluation.scores import score
from classifine.evaluation.seen import Seen, beside

if TYPE_CHECKING:
    from tests.evaluation.conftest import Draw

N = 120


def _card(draw: Draw, seen: Seen | None) -> Scorecard:
    model = draw(N, 3, seed=1, skill=2.0)
    tfidf = draw(N, 3, seed=2, skill=0.5, classifier="tfidf")
    return scorecard(model, [tfidf], titles={}, test_openings=1, seen=seen)


def _seen(clean: int, *, contaminated: bool) -> Seen:
    return Seen({"identical text": N - clean, "same id": 0}, tuple(range(clean)), N, contaminated)


def _figures(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        if "method" in value:
            return [value]
        return [figure for part in value.values() for figure in _figures(part)]
    return [figure for part in value for figure in _figures(part)] if isinstance(value, list) else []


def test_each_contaminated_figure_says_so_and_has_the_clean_one_beside_it(draw: Draw) -> None:
    card = _card(draw, _seen(100, contaminated=True))
    told = card.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    figures = _figures(told["scores"])
    assert len(figures) > 40
    assert all(figure["contaminated"] and "clean" in figure for figure in figures)
    expected = score(draw(N, 3, seed=1, skill=2.0).take(range(100)), seed=42)
    assert told["scores"]["model"]["macro_f1"]["clean"] == expected.averages["macro_f1"].to_dict()
    assert told["scores"]["model"]["per_label"][1]["recall"]["clean"] == expected.per_label[1].recall.to_dict()
    assert told["seen"]["rows"] == 20
    assert all(comparison["contaminated"] for comparison in told["comparisons"])


def test_the_verdict_says_contaminated_first(draw: Draw) -> None:
    verdict = _card(draw, _seen(100, contaminated=True)).verdict
    assert verdict.startswith(
        "Contaminated: 20 of 120 test rows stand in training or validation, too (identical text 20). On the 100 clean "
    )
    assert "No clean row is left" in _card(draw, _seen(0, contaminated=True)).verdict


def test_a_few_seen_rows_are_a_caution_and_no_stamp(draw: Draw) -> None:
    card = _card(draw, _seen(119, contaminated=False))
    assert not card.verdict.startswith("Contaminated")
    assert card.cautions[0].startswith("1 of 120 test rows stands in training or validation, too (identical text 1)")
    figures = _figures(card.to_dict()["scores"])
    assert all("contaminated" not in figure and "clean" in figure for figure in figures)


@pytest.mark.parametrize("seen", [None, Seen({"identical text": 0}, tuple(range(N)), N, contaminated=False)])
def test_without_seen_rows_nothing_is_said(draw: Draw, seen: Seen | None) -> None:
    told = _card(draw, seen).to_dict()
    assert told["seen"] is None
    assert all("clean" not in figure for figure in _figures(told["scores"]))


def test_labels_stay_beside_their_own(draw: Draw) -> None:
    figure = {"value": 1.0, "low": None, "high": None, "n": 1, "method": "Wilson"}
    other = {**figure, "value": 0.5}
    told = beside({"per_label": [{"f1": figure}, {"f1": figure}]}, {"per_label": [{"f1": other}, {"f1": figure}]},
                  contaminated=False)  # fmt: skip
    assert [row["f1"]["clean"]["value"] for row in told["per_label"]] == [0.5, 1.0]
