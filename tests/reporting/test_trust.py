"""Whether the probabilities can be trusted: pictures with their numbers, every sentence from what is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.reporting.test_render import Page

from classifine.evaluation.calibration import Calibration, fit_calibration, logits_of, probabilities_of
from classifine.evaluation.trust import trust
from classifine.labels import LabelSpace, decide
from classifine.reporting.render import environment
from classifine.reporting.trust_charts import pictures_of
from classifine.reporting.trust_view import trust_of
from classifine.tables import Predictions


def drawn(n: int, labels: int, *, seed: int, several: bool = False) -> Predictions:
    """Predictions that are right as often as they say."""
    lots = np.random.default_rng(seed)
    names = tuple(f"<topic {k}>" for k in range(labels))
    matrix = probabilities_of(lots.normal(scale=2, size=(n, labels)), several=several)
    space = LabelSpace(names, separator="|" if several else None)
    if several:
        truth = space.cells(lots.random(matrix.shape) < matrix)
    else:
        truth = tuple(names[lots.choice(labels, p=row)] for row in matrix)
    ids = tuple(map(str, range(n)))
    return Predictions(ids, ids, truth, decide(matrix, space), matrix, ("ok",) * n, space, "test")


def stored(
    test: Predictions, validation: Predictions | None, calibration: Calibration, **further: Any
) -> dict[str, Any]:
    found = trust(test, validation, calibration, **further)
    assert found is not None
    told: dict[str, Any] = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    return told


def page(told: dict[str, Any], *, several: bool = False) -> str:
    known = trust_of(told)
    scores = SimpleNamespace(trust=known, several=several, split="test")
    template = environment().get_template("trust.html")
    return template.render(run=SimpleNamespace(scores=scores), pictures=pictures_of(known))


def fitted(test: Predictions) -> Calibration:
    """A calibration that has halved the logits of these predictions."""
    truth = test.space.ids(cell or "" for cell in test.truth)
    found = fit_calibration(2 * logits_of(test.probabilities, several=False), truth, "temperature")
    return replace(found, folded=True)


def test_the_screen_shows_what_is_stored() -> None:
    test, validation = drawn(500, 3, seed=1), drawn(400, 3, seed=2)
    told = stored(test, validation, fitted(validation), target_accuracy=0.9)
    html = page(told)
    found = Page(html)
    words = " ".join(found.text.split())
    before, after = (told["calibrated"][side]["figures"]["ece"]["value"] for side in ("before", "after"))
    assert after < before
    for shown in (
        told["sentence"],
        f"{before:.3f}",
        f"{after:.3f}",
        "fitted on 400 validation texts",
        "every program that loads it gives these probabilities",
        "To be right in 90.0 %",
        f"at least {told['target']['threshold']:.3f}",
        "the set holds the true label in at least 90 % of the cases",
        "all texts together",
    ):
        assert shown in words, shown
    assert html.count("<svg") == 2
    assert len(found.ids) == len(set(found.ids))
    # a dot for each bin before and after, a bar for each after
    bins = [len(told["calibrated"][side]["diagram"]) for side in ("before", "after")]
    assert (html.count('class="dot"'), html.count('class="bar"')) == (sum(bins), bins[1])


@pytest.mark.parametrize(
    ("validation", "several", "words"),
    [
        (None, False, "the validation texts were trained on in the end"),
        (0, False, "too few validation texts"),
        (200, True, "made for texts with one label each"),
    ],
)
def test_what_there_is_not_is_said(validation: int | None, several: bool, words: str) -> None:
    test = drawn(60, 2, seed=3, several=several)
    held = None if validation is None else drawn(validation or 8, 2, seed=4, several=several)
    found = Page(page(stored(test, held, Calibration(several=several, note="not wanted")), several=several))
    assert words in found.text
    assert "not calibrated: not wanted" in " ".join(found.text.split())


def test_rare_labels_of_sets_and_a_threshold_out_of_reach_are_named() -> None:
    test, validation = drawn(200, 2, seed=5), drawn(120, 2, seed=6)
    rare = replace(validation, truth=("<topic 1>",) * 3 + ("<topic 0>",) * 117)
    text = " ".join(Page(page(stored(test, rare, fitted(test), target_accuracy=1.0, set_error=0.1))).text.split())
    assert "Too few of the validation texts have <topic 1>, so it is in every set" in text
    assert "There is no threshold for a wanted accuracy" in text
