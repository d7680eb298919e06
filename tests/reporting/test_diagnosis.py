"""Where it is wrong, where it is worse, and whether the labels are right: every number is a stored one."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.reporting.test_render import Page

from classifine.evaluation.diagnosis import diagnose
from classifine.evaluation.mistakes import mistakes, with_nearest, with_votes, write_mistakes
from classifine.evaluation.neighbours import Nearest
from classifine.labels import LabelSpace, decide
from classifine.reporting.downloads import download
from classifine.reporting.render import write_report
from classifine.runs import RunFolder
from classifine.tables import LabelledTexts, Predictions

if TYPE_CHECKING:
    from tests.reporting.conftest import Build

HOSTILE = "</script><b>=1+1"


def kept(run: RunFolder, *, several: bool = False) -> dict[str, Any]:
    """Keep a diagnosis of random predictions in a run."""
    lots = np.random.default_rng(1)
    space = LabelSpace(("no", "yes"), separator="|" if several else None)
    logits = lots.normal(size=(400, 2)) * 2
    matrix = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    source = lots.choice(["news", HOSTILE], 400)
    right = np.where(source == "news", lots.random(400) < 0.9, lots.random(400) < 0.5)
    predicted = decide(matrix, space)
    flipped = {"no": "yes", "yes": "no"}
    truth = tuple(p if ok else flipped.get(p, "no") for p, ok in zip(predicted, right, strict=True))
    ids = tuple(f"r{row}" for row in range(400))
    predictions = Predictions(ids, ids, truth, predicted, matrix, ("ok",) * 400, space, "test")
    table = LabelledTexts(ids, ids, truth, tuple(range(400)), further=tuple({"source": str(one)} for one in source))
    votes = {name: {"no": 1, "yes": 2 if row % 3 else 0} for row, name in enumerate(ids)}
    found = with_votes(mistakes(predictions), votes)
    near = Nearest(np.array([[0, 1]]), np.array([[0.9, 0.8]]))
    found = with_nearest(found, table, near)
    told: dict[str, Any] = diagnose(predictions, found, table=table, votes=votes, near="their words").to_dict()
    run.diagnosis.write_text(json.dumps(told), "utf-8")
    write_mistakes(run.mistakes, found)
    return told


def test_the_screens_show_what_is_stored(build: Build) -> None:
    run = build(("no", "yes"))
    told = kept(run)
    html = write_report(run).read_text("utf-8")
    words = " ".join(Page(html).text.split())
    assert told["slices"]["sentence"] in words
    assert told["weak_spots"]["sentence"] in words
    assert told["labels"]["sentence"] in words
    assert f"source: {HOSTILE}" in told["slices"]["sentence"]
    pair = told["pairs"][0]
    assert f"{pair['of_label']['value']:.3f}" in words
    for one in told["labels"]["rows"][:5]:
        assert one["why"] in words
    for one in told["slices"]["columns"][0]["slices"]:
        assert f"{one['accuracy']['value']:.3f}" in words
    assert "annotators: yes 2, no 1" in words
    assert "nearest training texts:" in words
    assert "have not been looked at" in words
    assert "<b>" not in html


def test_tables_can_be_saved_and_open_without_harm(build: Build) -> None:
    run = build(("no", "yes"))
    told = kept(run)
    html = write_report(run).read_text("utf-8")
    found = dict(re.findall(r'download="([^"]+)" href="data:text/csv;base64,([^"]+)"', html))
    assert {"confused labels.csv", "slices by source.csv", "suspected test labels.csv"} <= found.keys()
    rows = list(csv.reader(io.StringIO(base64.b64decode(found["confused labels.csv"]).decode("utf-8-sig"))))
    assert rows[1][:3] == [str(told["pairs"][0][name]) for name in ("true_label", "predicted_label", "mistakes")]
    link = str(download("x", ["a"], [("=1+1",), (-0.5,), (None,)]))
    content = base64.b64decode(link.partition("base64,")[2].partition('"')[0]).decode("utf-8-sig")
    assert content.splitlines() == ["a", "'=1+1", "-0.5", '""']


def test_what_was_searched_for_stands_above_the_test_labels(build: Build) -> None:
    run = build(("no", "yes"))
    told = kept(run)
    run.label_errors.write_text(json.dumps({**told["labels"], "sentence": "7 labels of 900 are suspected."}), "utf-8")
    history = json.loads(run.history.read_text("utf-8"))
    history["dynamics"] = {"epochs": 4, "easy": 500, "ambiguous": 300, "hard": 92}
    run.history.write_text(json.dumps(history), "utf-8")
    words = " ".join(Page(write_report(run).read_text("utf-8")).text.split())
    assert words.index("7 labels of 900") < words.index(told["labels"]["sentence"])
    assert "Over 4 epochs, 500 training texts were easy, 300 ambiguous and 92 hard" in words


def test_several_labels_have_no_pairs(build: Build) -> None:
    run = build(("no", "yes"))
    assert kept(run, several=True)["pairs"] == []
    assert "Which labels are taken for which" not in write_report(run).read_text("utf-8")


@pytest.mark.parametrize("stages", [(), ("data",), ("data", "train")])
def test_what_has_not_been_done_is_left_out(build: Build, stages: tuple[str, ...]) -> None:
    page = Page(write_report(build(("no", "yes"), stages=stages)).read_text("utf-8"))
    assert "Where is it worse?" not in page.text
    assert "Are the labels right?" in page.text
