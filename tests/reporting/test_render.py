from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifine.reporting.render import render, write_report
from classifine.reporting.summary import summarise
from classifine.reporting.wording import chance, score, signed
from classifine.runs import RunFolder

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Reads a page: its tags, attributes and text; open and close tags must match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.text = ""
        self.pictures: list[set[str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag == "svg":
            self.pictures.append({name for name, _ in attrs})
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data


def _html(run: RunFolder) -> str:
    path = write_report(run)
    assert path == run.report
    return path.read_text("utf-8")


def _page(run: RunFolder) -> Page:
    return Page(_html(run))


def _figures(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "method" in value:
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _figures(part)


@pytest.mark.parametrize("labels", ["two_labels", "many_labels", "hostile_labels"])
def test_every_number_of_the_scorecard_is_on_the_page(build: Any, labels: str, request: pytest.FixtureRequest) -> None:
    run = build(request.getfixturevalue(labels))
    card = json.loads(run.scorecard.read_text("utf-8"))
    text = _page(run).text
    averages = [{k: v for k, v in s.items() if k not in ("per_label", "confusion")} for s in card["scores"].values()]
    figures = [*_figures(averages), *_figures(card["scores"]["model"]["per_label"])]
    assert len(figures) == 3 * 14 + 3 * len(card["labels"])
    for figure in figures:
        assert f"{score(figure['value'])} {score(figure['low'])}–{score(figure['high'])}" in text
    for row in card["scores"]["model"]["per_label"]:
        assert f"{row['support']}{row['predicted']}" in text
    for c in card["comparisons"]:
        told = f"{signed(c['difference'])}{signed(c['low'])} to {signed(c['high'])}{c['n']:,}{chance(c['mcnemar_p'])}"
        assert told in text
    for i, counts in enumerate(card["scores"]["model"]["confusion"]):
        for j, count in enumerate(counts):
            if count and labels != "hostile_labels":
                assert f"true {card['labels'][i]}, predicted {card['labels'][j]}: {count}" in text
    assert f"All {card['mistakes']:,} are in mistakes.csv" in text


def test_every_number_of_audit_history_and_manifest_is_on_the_page(build: Any, two_labels: tuple[str, ...]) -> None:
    text = _page(build(two_labels)).text
    told = [
        *("rows in3,684", "labelled texts used986", "mean23.1", "median20", "at most61", "longest2,108"),
        *("12, 80, 81", "all 40", "1040", "rows 507, 633, 655, 1125, 1479 … 15 in all", "What to do: collect more of"),
        *("annotators3", "unanimous808", "percent agreement0.889", "alpha0.777", "A16030.949", "A33undefined"),
        *("epoch 3, 0.892", "stopped early", "1 min 1 s", "22,714,754", "cpu (bf16)", "texts per second88.4"),
        *("train5927", "tokens read of a text512", "0.676", "5e-05"),
        *("seed42", "test split opened3 times", "classifine run posts.csv --out runs/posts", "eac309d609a796b8" * 4),
        *("2.13.0+cpu", "2026-01-02 03:10 UTC", "Apache-2.0", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"),
        "# settings of classifine",
    ]
    assert [words for words in told if words not in text] == []


def test_a_contaminated_score_says_so_wherever_it_stands_with_the_clean_score_beside_it(
    build: Any, two_labels: tuple[str, ...]
) -> None:
    run = build(two_labels)
    card = json.loads(run.scorecard.read_text("utf-8"))
    clean = {"value": 0.4321, "low": None, "high": None, "n": 7, "method": "Wilson", "note": "too few"}
    for scores in card["scores"].values():
        for figure in [*scores.values(), *scores["top_k"].values()]:
            if isinstance(figure, dict) and "value" in figure:
                figure |= {"clean": clean, "contaminated": True}
        for row in scores["per_label"]:
            for name in ("precision", "recall", "f1"):
                row[name] |= {"clean": None, "contaminated": True}
    run.scorecard.write_text(json.dumps(card), "utf-8")
    html = _html(run)
    figures = re.findall(r'<td class="num figure"[^>]*>(.*?)</td>', html, re.DOTALL) + re.findall(
        r"<dd class=\"big\">.*?</div>", html, re.DOTALL
    )
    assert len(figures) > 20
    assert all("contaminated" in figure for figure in figures)
    assert all("clean rows: 0.432" in figure or "no clean row" in figure for figure in figures)
    assert html.count('<figcaption>macro-F1, <strong class="stamp">contaminated</strong></figcaption>') == 1


@pytest.mark.parametrize("better", [True, False])
def test_the_stored_verdict_is_the_heading(build: Any, two_labels: tuple[str, ...], better: bool) -> None:
    run = build(two_labels, better=better)
    html = _html(run)
    verdict = json.loads(run.scorecard.read_text("utf-8"))["verdict"]
    first, rest = verdict.split(": ", 1)
    grounds = rest[:1].upper() + rest[1:]
    assert html.index(f"<h1>{first}.</h1>") < html.index(escape(grounds))
    assert re.search("<h[2-6]", html).start() > html.index(grounds)  # type: ignore[union-attr]
    assert ('class="verdict disappointing"' in html) is not better
    assert "The test split has been opened 3 times" in html


def test_head_figures_have_interval_and_n(build: Any, two_labels: tuple[str, ...]) -> None:
    text = re.sub(r"\s+", " ", _page(build(two_labels)).text)
    assert "macro-F1 0.815 95 % interval 0.754–0.877 n = 140 · Wilson" in text
    assert "accuracy 0.814 95 % interval 0.752–0.875 n = 140 · Wilson" in text
    assert "F1 of yes 0.836 95 % interval 0.763–0.909 n = 134 · Wilson" in text


@pytest.mark.parametrize("labels", ["two_labels", "many_labels", "hostile_labels"])
def test_the_page_needs_nothing_and_runs_nothing(build: Any, labels: str, request: pytest.FixtureRequest) -> None:
    html = _html(build(request.getfixturevalue(labels)))
    page = Page(html)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("meta", "content", policy) in page.attributes
    assert ("meta", "content", "no-referrer") in page.attributes
    assert "<script" not in html
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use"})
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []
    links = [value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "style", "srcset")]
    assert links != []
    inner = [link for link in links if not link.startswith("data:text/csv;base64,")]
    assert len(inner) < len(links)
    assert all(link.startswith("#") and link[1:] in page.ids for link in inner)
    assert "url(" not in html
    assert "@import" not in html
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_says_what_it_shows(build: Any, many_labels: tuple[str, ...]) -> None:
    page = _page(build(many_labels))
    assert len(page.pictures) > 200
    assert all({"role", "aria-label", "viewbox"} <= names for names in page.pictures)


def test_hostile_names_stay_text(build: Any, hostile_labels: tuple[str, ...]) -> None:
    html = _html(build(hostile_labels, texts=[*hostile_labels, "word " * 100, "a\u200bb"]))
    text = Page(html).text
    assert "</script><script>document.title='pwned'</script>" in text
    assert "onerror=\"document.title='pwned'\">" in text
    assert "{{ 7 * 7 }}{% raw %}<!--]]>&amp;" in text
    assert "abc⟨U+202E⟩evil⟨U+200B⟩⟨U+2066⟩" in text
    assert "a⟨U+200B⟩b" in text
    assert not set("\u202e\u200b\u2066") & set(html)
    assert "<bdi>עברית תווית</bdi>" in html
    assert f'<bdi title="{"N" * 200}">{"N" * 59}…</bdi>' in html
    assert "word " * 59 + "word…" in text


HARMLESS_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "nav", "main", "section", "h1", "h2", "h3"),
    *("p", "div", "span", "strong", "bdi", "code", "pre", "blockquote", "ul", "ol", "li", "dl", "dt", "dd", "figure"),
    *("figcaption", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary", "h4", "h5"),
    *("svg", "desc", "text", "g", "line", "rect", "circle", "polyline"),
}
NAMES = st.text(min_size=1, max_size=30) | st.sampled_from(
    ["<b>", "</title>", "]]>", "'\"", "</style><script>", "<!--"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_no_name_changes_the_page(build: Any, names: list[str]) -> None:
    labels = [name.encode("utf-8", "replace").decode().replace("\r", " ").replace("\0", " ") for name in names]
    page = Page(render(summarise(build(labels, texts=labels))))
    assert page.tags <= HARMLESS_TAGS
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []


def test_same_run_same_bytes_also_after_the_report_is_entered(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    first = write_report(run).read_bytes()
    run.finish("report", [run.report], 1.5)
    assert write_report(run).read_bytes() == first


@pytest.mark.parametrize(
    ("stages", "absent"),
    [
        ((), ["Not evaluated yet", "no mistakes to show", "data stage has not been run", "not been trained yet"]),
        (("data",), ["Not evaluated yet", "no mistakes to show", "not been trained yet"]),
        (("data", "train"), ["Not evaluated yet", "no mistakes to show"]),
        (("evaluate",), ["data stage has not been run", "not been trained yet"]),
        (("data", "train", "evaluate"), []),
    ],
)
def test_what_has_not_been_run_is_left_out_with_a_sentence(
    build: Any, two_labels: tuple[str, ...], stages: tuple[str, ...], absent: list[str]
) -> None:
    page = _page(build(two_labels, stages=stages))
    everything = ["Not evaluated yet", "no mistakes to show", "data stage has not been run", "not been trained yet"]
    assert [words for words in everything if words in page.text] == absent
    assert ("confusion" in page.ids) is ("evaluate" in stages)


def _rewrite(path: Path, change: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")


def test_bare_runs_are_drawn_too(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    card = json.loads(run.scorecard.read_text("utf-8"))
    model = card["scores"]["model"] | {"log_loss": None, "top_k": {}}
    few = {"value": 0.5, "low": None, "high": None, "n": 4, "method": "Wilson", "note": "too few"}
    model["macro_f1"] = few
    _rewrite(run.scorecard, {"scores": {"model": model}, "comparisons": [], "cautions": [], "positive": None})
    _rewrite(run.audit, {"annotation": None, "left_out": [], "findings": []})
    _rewrite(run.history, {"best": {"epoch": 3.0, "step": 57, "metric": "log_loss", "value": 0.287}})
    manifest = json.loads(run.manifest.read_text("utf-8"))
    del manifest["command"]
    run.manifest.write_text(json.dumps(manifest), "utf-8")
    run.mistakes.write_text("id,text,true_label,predicted_label,confidence,p_true\n", "utf-8")
    run.ties.unlink()
    text = re.sub(r"\s+", " ", _page(run).text)
    assert "macro-F1 0.500 too few n = 4" in text
    assert "No row was predicted wrongly." in text
    assert "best validation log-loss were kept: those after epoch 3" in text
    assert "Annotation" not in text
    assert "rows used986" in text
    assert "Validation macro-F1" not in text


def _without_intervals(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_intervals(part) for part in value]
    if not isinstance(value, dict):
        return value
    told = {name: _without_intervals(part) for name, part in value.items()}
    return told | {"low": None, "high": None, "note": "too few"} if "low" in told else told


@pytest.mark.parametrize("labels", ["two_labels", "many_labels"])
def test_a_scorecard_of_a_handful_of_rows_has_no_intervals(
    build: Any, labels: str, request: pytest.FixtureRequest
) -> None:
    run = build(request.getfixturevalue(labels))
    card = _without_intervals(json.loads(run.scorecard.read_text("utf-8")))
    run.scorecard.write_text(json.dumps(card), "utf-8")
    text = _page(run).text
    assert "macro-F1+0.092too few" in text
    assert "fine-tuned minilm: 0.815 (no interval: too few)" in text


def test_facts_nobody_knows_are_left_open(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    history = json.loads(run.history.read_text("utf-8"))
    history["base_model"]["licence"] = None
    for epoch in history["epochs"]:
        epoch |= {"train_loss": None, "learning_rate": None}
        epoch["f1"] = 0.4321
    history["best"] |= {"metric": "f1"}
    run.history.write_text(json.dumps(history), "utf-8")
    audit = json.loads(run.audit.read_text("utf-8"))
    audit["annotation"] |= {"agreement": None, "alpha": None, "tie_rule": "random"}
    for finding in audit["findings"]:
        finding |= {"cure": None, "count": None}
    run.audit.write_text(json.dumps(audit), "utf-8")
    text = _page(run).text
    assert "licencenot known" in text
    assert "percent agreement" not in text
    assert "one of the tied labels, drawn from the seed" in text
    assert "0.432" in text


def test_the_ways_of_reading_long_texts_that_were_compared_are_shown(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    scores = {"head": 0.611, "head+tail": 0.633, "windows": 0.702}
    common = {"metric": "macro_f1", "texts": 592, "validation_texts": 198, "seconds": 41.5}
    compared = [
        {"way": way, "value": value, "windows": 592 + place, **common}
        for place, (way, value) in enumerate(scores.items())
    ]
    told = {"asked": "auto", "longer": 0.4321, "compared": compared, "way": "windows", "stride": 96, "max_windows": 8}
    counts = {"train": {"texts": 592, "cut": 7, "windows": 1313}}
    _rewrite(run.history, {"long_texts": told, "truncation": counts})
    page = Page(render(summarise(run)))
    for shown in ("head+tail", "0.702", "1,313", "43.2 %", "windows (taken)", "share 96 tokens"):
        assert shown in page.text, shown


def test_too_many_labels_for_a_picture(build: Any) -> None:
    text = _page(build([f"code {place:03}" for place in range(201)])).text
    assert "too many labels for a picture" in text
    assert "The most frequent confusions" in text


def test_77_labels_within_a_second(build: Any, many_labels: tuple[str, ...]) -> None:
    run = build(many_labels)
    started = time.perf_counter()
    write_report(run)
    assert time.perf_counter() - started < 1.0


def _dom(path: Path, profile: Path) -> str:
    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    rest = "--disable-component-update --disable-sync --virtual-time-budget=2000 --dump-dom"
    command = [str(CHROMIUM), "--headless", *quiet.split(), *rest.split(), f"--user-data-dir={profile}", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def _title(dom: str) -> str:
    found = re.search("<title>(.*?)</title>", dom)
    return found.group(1) if found else ""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_nothing_runs_in_a_browser(build: Any, hostile_labels: tuple[str, ...], tmp_path: Path) -> None:
    run = build(hostile_labels, texts=hostile_labels)
    assert _title(_dom(write_report(run), tmp_path / "profile")) == "posts · classifine report"
    naive = tmp_path / "naive.html"
    naive.write_text(f"<!DOCTYPE html><title>untouched</title>{hostile_labels[0]}", "utf-8")
    assert _title(_dom(naive, tmp_path / "profile")) == "pwned"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("labels", ["two_labels", "many_labels", "hostile_labels"])
def test_a_phone_need_not_scroll_sideways(
    build: Any, labels: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    names = request.getfixturevalue(labels)
    html = _html(build(names, texts=[*names, "x" * 400])).replace("<details", "<details open")
    frame = f'<iframe width="380" height="800" style="border:0" srcdoc="{escape(html)}"></iframe>'
    measure = "onload=()=>document.title=document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
    phone = tmp_path / "phone.html"
    phone.write_text(f'<!DOCTYPE html><meta charset="utf-8"><title></title>{frame}<script>{measure}</script>', "utf-8")
    assert int(_title(_dom(phone, tmp_path / "profile"))) <= 380
