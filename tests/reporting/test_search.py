from __future__ import annotations

import re
from typing import Any

import pytest

from classifine.reporting.render import environment
from classifine.reporting.search_charts import pictures_of
from classifine.reporting.search_view import Search, search_of


def row(trial: int, state: str, value: float | None, rate: float, batch: int) -> dict[str, Any]:
    return {
        "trial": trial,
        "number": trial + 1,
        "state": state,
        "value": value,
        "settings": {"learning_rate": rate, "per_device_train_batch_size": batch},
        "best": None if value is None else {"epoch": 2.0, "value": value},
        "seconds": 3.5,
        "parts": None,
        "evaluations": [],
    }


def told(**changes: Any) -> dict[str, Any]:
    trials = [row(1, "complete", 0.61, 3e-5, 32), row(2, "pruned", 0.4, 1e-4, 16), row(3, "complete", 0.68, 5e-5, 16)]
    trials.append({**row(4, "failed", None, 1e-5, 16), "reason": "<the loss> is nan"})
    margin = {"metric": "macro_f1", "candidates": 2, "difference": 0.07, "low": 0.01, "high": 0.13, "n": 300}
    return {
        "metric": "macro_f1",
        "higher": True,
        "rated_by": "validation",
        "rated_times": 1,
        "asked": 4,
        "ended": "all 4 trials are done",
        "counts": {"complete": 2, "pruned": 1, "failed": 1},
        "interrupted": 2,
        "sampler": "tpe",
        "best": 3,
        "default": 1,
        "trials": trials,
        "space": [
            {"name": "learning_rate", "low": 1e-5, "high": 1e-4, "log": True},
            {"name": "per_device_train_batch_size", "choices": [16, 32]},
        ],
        "history": [{"trial": n, "best": best} for n, best in ((1, 0.61), (2, 0.61), (3, 0.68), (4, 0.68))],
        "importance": {"shares": {"learning_rate": 0.9, "per_device_train_batch_size": 0.1}, "note": "unstable"},
        "margin": {**margin, "optimism": 0.02, "shown": True, "method": "max-t"},
        "repeats": None,
        "finish": {"how": "keep", "seed": 42},
        **changes,
    }


def page(search: Search) -> str:
    from types import SimpleNamespace

    pictures = pictures_of(search)
    found = environment().get_template("search.html").render(run=SimpleNamespace(search=search), pictures=pictures)
    return " ".join(found.split())


def test_the_page_says_who_won_by_how_much_and_why_it_ended() -> None:
    found = page(search_of(told()))
    for words in (
        "4 trainings with different settings",
        "2 whole, 1 ended early because they lagged behind, 1 failed",
        "The search ended because all 4 trials are done",
        "The best is trial 3 with 0.680",
        "and that is more than chance",
        "from +0.010 to +0.130",
        "failed: &lt;the loss&gt; is nan",
        "2 more were cut off and done again",
    ):
        assert words in found, words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"best": 1}, "These are the default settings"),
        ({"margin": None}, "cannot be said"),
        ({"margin": {**told()["margin"], "low": -0.01, "shown": False}}, "not shown to be more than chance"),
        (
            {"margin": {**told()["margin"], "low": None, "high": None, "note": "too few"}},
            "there is no interval: too few",
        ),
        (
            {"finish": {"how": "retrain", "seed": 43, "seeds": [42, 43, 44], "values": [0.7, 0.6, 0.5]}},
            "0.700 (seed 42), 0.600 (seed 43), 0.500 (seed 44); the median one, with seed 43",
        ),
        ({"rated_by": "folds", "rated_times": 5}, "the mean macro-F1 over 5 folds"),
        ({"importance": {"shares": None, "note": "too few trials that differ"}}, "cannot be said: too few trials"),
    ],
)
def test_other_ends_are_told_in_other_words(changes: dict[str, Any], words: str) -> None:
    assert words in page(search_of(told(**changes)))


def test_every_trial_with_a_value_is_a_dot_and_every_whole_one_a_line() -> None:
    pictures = pictures_of(search_of(told()))
    history, parallel = str(pictures["history"]), str(pictures["parallel"])
    assert len(re.findall(r"<circle class=\"trial", history)) == 3
    assert len(re.findall(r"<g class=\"faint-line\"", parallel)) == 1
    assert len(re.findall(r"<g class=\"chosen-line\"", parallel)) == 1
    lines = re.findall(r"class=\"chosen-line\"><polyline points=\"([^\"]+)\"", parallel)
    heights = [float(point.split(",")[1]) for point in lines[0].split()]
    # a rate of 5e-5 lies .699 of the way from 1e-5 to 1e-4 by factors; of two batches the smaller one; the best value
    assert heights == pytest.approx([196 - 166 * 0.69897, 196, 30], abs=0.01)


def test_a_single_trial_can_be_drawn() -> None:
    one = told(trials=told()["trials"][:1], history=told()["history"][:1], best=1)
    assert "trial 1" in str(pictures_of(search_of(one))["history"])
