from __future__ import annotations

import base64
import csv
import io
import json
import re
from typing import Any

from classifine.reporting.downloads import with_downloads
from classifine.reporting.render import write_report

LINK = re.compile(r'<a class="download" download="([^"]*)" href="data:text/csv;base64,([^"]*)" aria-label="[^"]*">')


def _files(html: str) -> dict[str, list[list[str]]]:
    return {
        name: list(csv.reader(io.StringIO(base64.b64decode(coded).decode("utf-8-sig"), newline="")))
        for name, coded in LINK.findall(html)
    }


def test_a_table_is_saved_with_what_is_stored() -> None:
    html = with_downloads(
        '<div class="scroll tall" tabindex="0" role="region" aria-label="Scores &amp; more">\n<table>'
        '<thead><tr><th>label</th><th class="num">F1</th><th>rows</th></tr></thead><tbody>'
        '<tr><th scope="row"><bdi title="a whole name">a wh…</bdi></th>'
        '<td class="num" data-value="0.81372" data-low="0.7" data-high="0.9" data-note="contaminated">0.814'
        '<svg><title>not this</title></svg></td><td class="num">1,234</td></tr>'
        '<tr><th scope="row">007</th><td class="num">–</td><td class="num">−5</td></tr>'
        '<tr><th scope="row">=1+1</th><td colspan="2">both</td></tr>'
        "</tbody></table>\n</div>"
    )
    assert _files(html) == {
        "Scores &amp; more.csv": [
            ["label", "F1", "F1 low", "F1 high", "F1 note", "rows"],
            ["a whole name", "0.81372", "0.7", "0.9", "contaminated", "1234"],
            ["007", "", "", "", "", "-5"],
            ["'=1+1", "both", "", "", "", ""],
        ]
    }


def test_a_table_that_has_a_link_keeps_it() -> None:
    html = (
        '<p>All. <a class="download" download="x.csv" aria-label="CSV: x" href="data:text/csv;base64,">CSV</a></p>\n'
        '<div class="scroll" aria-label="X"><table><tbody><tr><td>1</td></tr></tbody></table></div>'
    )
    assert with_downloads(html) == html


def test_every_table_of_the_page_can_be_saved(build: Any, many_labels: tuple[str, ...]) -> None:
    run = build(many_labels)
    html = write_report(run).read_text("utf-8")
    files = _files(html)
    assert html.count("<table>") == len(re.findall(r'<div class="scroll[^>]*>\s*<table>', html))
    assert len(LINK.findall(html)) >= html.count("<table>")
    card = json.loads(run.scorecard.read_text("utf-8"))
    head, *rows = files["Scores of each label.csv"]
    assert head[:4] == ["label", "F1", "F1 low", "F1 high"]
    stored = {row["label"]: row for row in card["scores"]["model"]["per_label"]}
    assert {row[0] for row in rows} == set(many_labels)
    for row in rows:
        assert float(row[1]) == stored[row[0]]["f1"]["value"]
        assert int(row[head.index("rows that have it")]) == stored[row[0]]["support"]
    averages = {row[0]: row[1:] for row in files["All averages.csv"]}
    assert float(averages["macro-F1"][0]) == card["scores"]["model"]["macro_f1"]["value"]
    assert (
        float(files["Differences to the baselines.csv"][1][2]) == card["comparisons"][1]["difference"]
        or float(files["Differences to the baselines.csv"][1][2]) == card["comparisons"][0]["difference"]
    )
    matrix = files["confusion matrix.csv"]
    assert [list(map(int, row[1:])) for row in matrix[1:]] == card["scores"]["model"]["confusion"]
