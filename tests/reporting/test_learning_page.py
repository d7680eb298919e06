from __future__ import annotations

import re
from typing import Any

from tests.evaluation.test_learning_account import SIZES, fitted, told, trainings

from classifine.evaluation.learning_account import answer
from classifine.reporting.learning_charts import learning_curves
from classifine.reporting.learning_page import render_learning


def account() -> dict[str, Any]:
    done = {"tfidf": trainings(), "frozen": trainings("frozen", seeds=1), "finetuned": trainings("finetuned")[:3]}
    return told(done, {"tfidf": fitted(done["tfidf"]), "frozen": fitted(done["frozen"]), "finetuned": None})


def test_the_page_says_the_answer_draws_every_training_and_needs_nothing_else() -> None:
    found = account()
    page = render_learning({**found, "name": "<b>run</b>", "answer": answer(found)})
    assert "<b>run" not in page
    assert f"<h1>{found['classifiers'][0]['more_labels']['sentence']}</h1>" in page
    assert page.count("<circle") == 10 + 5 + 3
    assert "too few sizes for a curve" in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org)", page)


def test_the_picture_has_one_band_and_a_forecast_that_begins_where_trainings_end() -> None:
    picture = str(learning_curves(account()))
    assert picture.count('class="band"') == 1
    assert picture.count('class="forecast"') == 2
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', picture)]
    begins = [float(x) for x in re.findall(r'class="forecast" points="([\d.]+),', picture)]
    assert all(abs(begin - max(places)) < 8 for begin in begins)
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', picture)]
    assert 26 <= min(heights) <= max(heights) <= 250
    assert "1,601" in picture


def test_a_picture_without_any_curve_has_its_dots() -> None:
    done = {"tfidf": trainings(sizes=SIZES[:2], seeds=1)}
    picture = str(learning_curves(told(done, {"tfidf": None})))
    assert picture.count("<circle") == 2
    assert "forecast</text>" not in picture
