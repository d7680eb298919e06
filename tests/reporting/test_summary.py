from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from classifine.errors import FileMissing, RunRefused
from classifine.reporting.render import render
from classifine.reporting.summary import summarise
from classifine.runs import RunFolder


def _change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_every_part_is_read(build: Any, two_labels: tuple[str, ...]) -> None:
    told = summarise(build(two_labels))
    assert told.name == "posts"
    assert told.scores is not None
    assert [one.key for one in told.scores.classifiers] == ["model", "tfidf", "majority"]
    assert [name for name, _ in told.scores.heads] == ["macro_f1", "accuracy", "f1"]
    assert told.scores.heads[2][1] == told.scores.per_label[1].f1
    assert told.scores.confusion == ((62, 8), (14, 56))
    assert told.audit is not None
    assert [finding.level for finding in told.audit.findings] == ["fail", "warn", "good"]
    assert list(told.audit.splits) == ["train", "validation", "test"]
    assert told.training is not None
    assert (told.training.best_epoch, told.training.metric_key) == (3.0, "macro_f1")
    assert told.origin.command == "classifine run posts.csv --out runs/posts"
    assert (len(told.mistakes or ()), len(told.ties or ())) == (20, 10)


def test_the_best_baseline_stands_next_to_the_model(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    card = json.loads(run.scorecard.read_text("utf-8"))
    _change(run.scorecard, scores={name: card["scores"][name] for name in ("majority", "model", "tfidf")})
    scores = summarise(run).scores
    assert scores is not None
    assert [one.key for one in scores.classifiers] == ["model", "tfidf", "majority"]


@pytest.mark.parametrize(("better", "disappointing"), [(True, False), (False, True)])
def test_not_better_than_tfidf_disappoints(
    build: Any, two_labels: tuple[str, ...], better: bool, disappointing: bool
) -> None:
    scores = summarise(build(two_labels, better=better)).scores
    assert scores is not None
    assert scores.disappointing is disappointing


def test_with_many_labels_the_weakest_come_first(build: Any, many_labels: tuple[str, ...]) -> None:
    scores = summarise(build(many_labels)).scores
    assert scores is not None
    values = [row.f1.value for row in scores.per_label]
    assert scores.many
    assert values == sorted(values)
    assert [name for name, _ in scores.heads] == ["macro_f1", "accuracy", "top_3"]


def test_the_most_frequent_confusions_come_first(build: Any, many_labels: tuple[str, ...]) -> None:
    run = build(many_labels)
    card = json.loads(run.scorecard.read_text("utf-8"))
    card["scores"]["model"]["confusion"][5][9] = 11
    run.scorecard.write_text(json.dumps(card), "utf-8")
    scores = summarise(run).scores
    assert scores is not None
    first = scores.confusions[0]
    assert (first.truth, first.predicted, first.count) == (many_labels[5], many_labels[9], 11)
    assert len(scores.confusions) == 15


def test_log_loss_as_the_choosing_metric_is_read_from_the_validation_loss(
    build: Any, two_labels: tuple[str, ...]
) -> None:
    run = build(two_labels)
    _change(run.history, best={"epoch": 3.0, "step": 57, "metric": "log_loss", "value": 0.287})
    training = summarise(run).training
    assert training is not None
    assert training.metric_key == "validation_loss"


def test_what_the_manifest_does_not_call_done_is_not_read(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    manifest = json.loads(run.manifest.read_text("utf-8"))
    del manifest["stages"]["evaluate"]
    run.manifest.write_text(json.dumps(manifest), "utf-8")
    told = summarise(run)
    assert run.scorecard.is_file()
    assert told.scores is None
    assert told.mistakes is None
    assert told.training is not None


def test_what_a_learning_curve_answers_stands_on_the_page(build: Any, two_labels: tuple[str, ...]) -> None:
    run = build(two_labels)
    assert summarise(run).curve is None
    answers = [{"more_labels": {"sentence": "Some 1,300 more labels would bring 2 points."}}]
    run.curve.write_text(json.dumps({"classifiers": answers}), "utf-8")
    assert summarise(run).curve == answers[0]["more_labels"]["sentence"]
    page = render(summarise(run))
    assert f'{answers[0]["more_labels"]["sentence"]} <a href="{run.curve_page.name}">' in page


def test_a_text_longer_than_csv_expects(build: Any, two_labels: tuple[str, ...]) -> None:
    told = summarise(build(two_labels, texts=["x" * 300_000]))
    assert told.mistakes is not None
    assert len(told.mistakes[0].text) == 300_000


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="there is no run"):
        summarise(RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("scorecard.json", '{"n": 3', "scorecard.json is not what a run writes"),
        ("scorecard.json", '{"n": 3}', "it has no 'titles'"),
        ("scorecard.json", "[]", "scorecard.json is not what a run writes"),
        ("audit.json", '{"rows_in": 3}', "audit.json is not what a run writes: it has no"),
        ("history.json", "{}", "it has no 'best'"),
        (
            "manifest.json",
            '{"format": 1, "stages": {"data": {}}, "settings": {}, "sources": []}',
            "manifest.json is not what a run writes: it has no",
        ),
        ("mistakes.csv", "id,text\n1,hello\n", "it has no 'true_label'"),
        ("ties.csv", "id\n1\n", "it has no 'text'"),
        ("mistakes.csv", b"\xff\xfe", "mistakes.csv is not what a run writes"),
    ],
)
def test_damaged_files_are_named(
    build: Any, two_labels: tuple[str, ...], file: str, content: str | bytes, words: str
) -> None:
    run = build(two_labels)
    data = content if isinstance(content, bytes) else content.encode()
    (run.path / file).write_bytes(data)
    with pytest.raises(RunRefused, match=words) as caught:
        summarise(run)
    assert caught.value.where == str(run.path / file)
