"""What the page shows of hierarchical labels and of labels with an order."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import pytest
from tests.reporting.conftest import figure
from tests.reporting.test_render import CHROMIUM, Page, _dom, _title

from classifine.reporting.render import render, write_report
from classifine.reporting.summary import summarise
from classifine.runs import RunFolder


def with_levels(run: RunFolder) -> RunFolder:
    """Put a hierarchy of three levels and an order into the stored scorecard."""
    card = json.loads(run.scorecard.read_text("utf-8"))
    top = {str(k): figure(0.61 + 0.1 * k, 140) for k in (1, 2, 3)}
    levels = [
        {"level": at, "codes": 4 * at, "accuracy": figure(0.91 - at / 50, 140), "macro_f1": figure(0.777, 140)}
        for at in (1, 2, 3)
    ]
    partings = [{"level": at, "mistakes": 13 - at, "share": figure(0.3 + at / 100, 33)} for at in (1, 2, 3)]
    names = ("hierarchical_f1", "hierarchical_precision", "hierarchical_recall")
    together = {name: figure(0.8765, 140, method="BCa bootstrap") for name in names}
    for scores in card["scores"].values():
        scores["hierarchy"] = {"levels": [{**one, "top_k": top} for one in levels], **together, "partings": partings}
        scores |= {"quadratic_weighted_kappa": figure(0.654, 140), "adjacent_accuracy": figure(0.955, 140)}
    card |= {"details": ["All levels, said & done."], "order": card["labels"]}
    run.scorecard.write_text(json.dumps(card), "utf-8")
    return run


def test_levels_have_a_section_with_every_stored_number(build: Any, two_labels: tuple[str, ...]) -> None:
    html = render(summarise(with_levels(build(two_labels))))
    page = Page(html)
    assert "levels" in page.ids
    assert "said &amp; done" in html
    for shown in ("0.890", "0.850", "0.777", "0.877", "quadratic-weighted kappa", "0.654", "top-2 accuracy"):
        assert shown in page.text
    section = page.text[page.text.index("Where mistakes begin") :]
    for mistakes in ("12", "11", "10"):
        assert mistakes in section
    assert "Level, code" in page.text


def test_without_levels_there_is_no_section(build: Any, two_labels: tuple[str, ...]) -> None:
    page = Page(render(summarise(build(two_labels))))
    assert "levels" not in page.ids
    assert "Level, code" not in page.text


def test_no_mistake_has_no_table_of_where_it_begins(build: Any, two_labels: tuple[str, ...]) -> None:
    run = with_levels(build(two_labels))
    card = json.loads(run.scorecard.read_text("utf-8"))
    run.scorecard.write_text(json.dumps({**card, "mistakes": 0}), "utf-8")
    text = Page(render(summarise(run))).text
    assert "No row was predicted wrongly." in text
    assert "wrong from level" not in text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_levels_fit_on_a_phone(build: Any, hostile_labels: tuple[str, ...], tmp_path: Path) -> None:
    html = write_report(with_levels(build(hostile_labels))).read_text("utf-8").replace("<details", "<details open")
    frame = f'<iframe width="380" height="800" style="border:0" srcdoc="{escape(html)}"></iframe>'
    measure = "onload=()=>document.title=document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
    phone = tmp_path / "phone.html"
    phone.write_text(f'<!DOCTYPE html><meta charset="utf-8"><title></title>{frame}<script>{measure}</script>', "utf-8")
    assert int(_title(_dom(phone, tmp_path / "profile"))) <= 380
