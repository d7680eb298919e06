"""What people should look at: the status says so, and a file of its own holds it with suggestions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.prediction.test_bulk import ROWS, Lengths

from classifine import durable
from classifine.errors import FileMissing, UsageError
from classifine.labels import LabelSpace, decide
from classifine.prediction.bulk import predict_file
from classifine.prediction.review import Review, review_of
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.tables import Predictions


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("code", "text"), *ROWS, ("5", "12345")])
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_unsure_rows_are_marked_and_written_once_more(source: Path, tmp_path: Path, ending: str) -> None:
    queue = tmp_path / f"queue.{ending}"
    result = predict_file(Lengths(), source, tmp_path / "out.csv", review=Review(0.95, queue))
    assert (result.rows, result.blank, result.review) == (5, 1, 2)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        statuses = [row["status"] for row in csv.DictReader(stream)]
    assert statuses == ["review", "ok", "blank", "ok", "review"]
    if ending == "parquet":
        rows = pq.read_table(queue).to_pylist()
    elif ending == "jsonl":
        rows = [json.loads(line) for line in queue.read_text("utf-8").splitlines()]
    else:
        with queue.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    assert [(row["code"], row["row"], row["predicted_label"]) for row in rows] == [
        ("01.10", "1", "no"),
        ("5", "5", "no"),
    ]
    assert [row["suggestion_1"] for row in rows] == ["no", "no"]
    assert [row["suggestion_2"] for row in rows] == ["yes", "yes"]
    assert [float(row["suggestion_2_probability"]) for row in rows] == pytest.approx([0.1, 0.5])


def test_a_parquet_input_keeps_its_types_in_the_queue(tmp_path: Path) -> None:
    import pyarrow as pa

    pq.write_table(pa.table({"n": [1, 2, 3], "text": ["12345", "twelve chars", "1234"]}), tmp_path / "in.parquet")
    queue = tmp_path / "queue.parquet"
    predict_file(Lengths(), tmp_path / "in.parquet", tmp_path / "out.csv", review=Review(0.7, queue))
    found = pq.read_table(queue)
    assert (found.schema.field("n").type, found.column("n").to_pylist()) == (pa.int64(), [1, 3])


def test_without_a_wish_nothing_changes_and_files_are_kept_apart(source: Path, tmp_path: Path) -> None:
    assert predict_file(Lengths(), source, tmp_path / "out.csv").review == 0
    for queue in (source, tmp_path / "out.csv"):
        with pytest.raises(UsageError, match="would replace"):
            predict_file(Lengths(), source, tmp_path / "out.csv", review=Review(0.9, queue))


def evaluated(folder: Path, *, split: str = "validation", skill: float = 1.0) -> Path:
    run, space, lots = RunFolder(folder), LabelSpace(("no", "yes")), np.random.default_rng(0)
    confidence = 0.5 + 0.5 * lots.random(200)
    matrix = np.stack([confidence, 1 - confidence], axis=1)
    truth = tuple("no" if right else "yes" for right in lots.random(200) < confidence * skill)
    ids = tuple(map(str, range(200)))
    rows = Predictions(ids, ids, truth, decide(matrix, space), matrix, ("ok",) * 200, space, split)
    durable.make_folder(run.path)
    run.begin([], Settings())
    durable.write_parquet(run.predictions / "validation.parquet", rows.to_arrow())
    run.finish("evaluate", [run.predictions], 1.0)
    return folder


def test_the_threshold_comes_from_the_validation_texts_of_a_run(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "run")
    review, target = review_of(run, 0.9, tmp_path / "queue.csv")
    assert 0.7 < review.threshold < 0.95
    assert target.expected["accuracy"].value >= 0.9
    with pytest.raises(UsageError, match="cannot be reached"):
        review_of(run, 1.2)
    with pytest.raises(FileMissing, match="no run"):
        review_of(tmp_path / "none", 0.9)


def test_what_the_validation_texts_cannot_say_is_refused(tmp_path: Path) -> None:
    for name, further, told in (
        ("one", {"split": "validation (trained on)"}, "trained on in the end"),
        ("two", {"skill": 0.3}, "cannot be promised"),
    ):
        with pytest.raises(UsageError, match=told):
            review_of(evaluated(tmp_path / name, **further), 0.95)
    fresh = RunFolder(tmp_path / "three")
    durable.make_folder(fresh.path)
    fresh.begin([], Settings())
    with pytest.raises(UsageError, match="evaluate it first"):
        review_of(fresh.path, 0.9)
