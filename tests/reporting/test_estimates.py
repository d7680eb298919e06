"""The section of a report on other texts, the page of an estimate, and their pictures: what is stored, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.doors.test_estimated import cells, gold

from classifine import estimate_regression, estimate_share
from classifine.errors import RunRefused
from classifine.reporting.estimates_charts import forest_of, pictures_of
from classifine.reporting.estimates_page import render_estimates
from classifine.reporting.render import render
from classifine.reporting.summary import summarise
from classifine.reporting.wording import percent

HOSTILE = "<script>alert(1)</script>"


def told(**more: Any) -> dict[str, Any]:
    whole = cells()
    whole["kind"] = [HOSTILE if kind == "a" else kind for kind in whole["kind"]]
    found = estimate_share(whole, gold(), sampled="random", positive="yes", **more).to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def test_every_number_stands_on_the_page_and_names_are_harmless() -> None:
    given = told(by="kind", differences="all")
    page = render_estimates(given)
    assert "<script" not in page
    for answer in (*given["answers"], *given["differences"]):
        for way in ("uncorrected", "gold_only", "corrected"):
            assert percent(answer[way]["value"]) in page
            assert percent(answer[way]["low"]) in page
    assert given["paragraph"].replace("'", "&#39;") in page
    assert page.count("<svg") == 2


def test_periods_are_drawn_as_a_trend_with_a_band() -> None:
    drawn = pictures_of(told(time="date", period="month"))
    assert list(drawn["trends"]) == ["yes"]
    assert 'class="band"' in drawn["trends"]["yes"]
    assert drawn["forest"] is not None


def test_a_forest_says_in_words_what_it_draws() -> None:
    (one,) = told()["answers"]
    picture = forest_of("Estimates", [one])
    assert f"yes: corrected {one['corrected']['value']:.3f}" in picture
    assert picture.count('class="hollow"') == 1
    many = told() | {"answers": [one] * 100}
    assert pictures_of(many)["forest"] is None


def test_a_regression_and_an_assumption_have_their_page() -> None:
    fitted = estimate_regression(cells(), gold(), "yes ~ kind", sampled="random").to_dict()
    page = render_estimates(json.loads(json.dumps(fitted)))
    assert "kind[b]" in page
    assumed = estimate_convenience()
    assert "not valid" in render_estimates(assumed)


def estimate_convenience() -> dict[str, Any]:
    without_texts = {name: column for name, column in cells().items() if name != "text"}
    found = estimate_share(without_texts, gold(), sampled="convenience", positive="yes").to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def test_the_report_of_a_run_has_the_section_once_there_are_estimates(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    assert 'id="estimates"' not in render(summarise(run))
    given = told()
    run.estimates.write_text(json.dumps(given), "utf-8")
    page = render(summarise(run))
    assert 'id="estimates"' in page
    assert 'href="#estimates"' in page
    assert given["headline"].replace("'", "&#39;") in page
    run.estimates.write_text("{}", "utf-8")
    with pytest.raises(RunRefused, match=r"estimates\.json"):
        summarise(run)
