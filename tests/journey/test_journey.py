"""The whole journey on a tiny model: what is in the run folder, what a second call does, what is refused."""

from __future__ import annotations

import csv
import json
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.journey.samples import WORDS, Command, labelled_rows, write_csv

from classifine.journey import run_journey
from classifine.runs import STAGES, RunFolder
from classifine.settings import Settings
from classifine.sources import DataFiles
from classifine.tables import Predictions

QUICK = {"num_train_epochs": 2, "learning_rate": 5e-3, "bf16": False}


@pytest.fixture(scope="module")
def run(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("journey")
    data = write_csv(folder / "data.csv", labelled_rows(90))
    settings = Settings().with_names({**QUICK, "model": str(tiny)})
    assert run_journey(DataFiles(data), settings, folder / "run")
    return RunFolder(folder / "run")


def test_the_folder_holds_what_it_should(run: RunFolder) -> None:
    names = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    assert names >= {
        "settings.toml",
        "manifest.json",
        "rows.parquet",
        "splits.parquet",
        "audit.json",
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "history.json",
        "predictions/validation.parquet",
        "predictions/test.parquet",
        "predictions/test.tfidf.parquet",
        "predictions/test.majority.parquet",
        "predictions/test.frozen.parquet",
        "baselines/baselines.json",
        "baselines/frozen.safetensors",
        "scorecard.json",
        "mistakes.csv",
        "report.html",
    }
    assert not [name for name in names if name.endswith((".bin", ".pkl", ".pt", ".joblib", ".partial"))]
    assert not run.checkpoints.exists()
    assert run.finished


def test_labels_stay_what_they_are_from_file_to_model_to_report(run: RunFolder) -> None:
    config = json.loads((run.model / "config.json").read_text("utf-8"))
    assert set(config["id2label"].values()) == set(WORDS)
    assert json.loads(run.scorecard.read_text("utf-8"))["labels"] == sorted(WORDS)
    assert "M&amp;A | Investments" in run.report.read_text("utf-8")


def test_one_file_of_predictions_feeds_every_number(run: RunFolder) -> None:
    predictions = Predictions.from_arrow(pq.read_table(run.predictions / "test.parquet"))
    wrong = sum(a != b for a, b in zip(predictions.truth, predictions.predicted, strict=True))
    card = json.loads(run.scorecard.read_text("utf-8"))
    confusion = np.array(card["scores"]["model"]["confusion"])
    with run.mistakes.open(newline="", encoding="utf-8") as stream:
        listed = list(csv.DictReader(stream))
    assert wrong == confusion.sum() - np.trace(confusion) == card["mistakes"] == len(listed)
    assert len(predictions) == card["n"] == confusion.sum()


def test_the_pipeline_gives_the_stored_probabilities(run: RunFolder) -> None:
    from transformers import pipeline

    predictions = Predictions.from_arrow(pq.read_table(run.predictions / "test.parquet"))
    answers = pipeline("text-classification", model=str(run.model))(list(predictions.texts), top_k=None)
    for row, answer in zip(predictions.probabilities, answers, strict=True):
        scores = {one["label"]: one["score"] for one in answer}  # type: ignore[index]
        assert max(abs(scores[name] - p) for name, p in zip(predictions.space.names, row, strict=True)) <= 1e-6


def test_splits_are_disjoint_and_every_row_is_accounted_for(run: RunFolder) -> None:
    table = pq.read_table(run.rows)
    assert table.num_rows == 90
    parts = pq.read_table(run.splits)
    assert sorted(parts.column("id").to_pylist()) == sorted(table.column("id").to_pylist())
    audit = json.loads(run.audit.read_text("utf-8"))
    assert audit["rows_in"] == audit["rows_used"] == 90


def test_the_same_again_is_finished_already(run: RunFolder) -> None:
    settings = Settings.from_dict(tomllib.loads(run.settings.read_text("utf-8")))
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}
    files = DataFiles(Path(run.read_manifest()["sources"][0]["path"]))
    assert not run_journey(files, settings, run.path)
    unchanged = {path: path.stat().st_mtime_ns for path in before if path.name not in {"run.lock"}}
    assert all(before[path] == time for path, time in unchanged.items())
    assert run.read_manifest()["test_openings"] == 1


def test_other_settings_or_data_are_refused_with_the_difference(
    run: RunFolder, command: Command, tmp_path: Path, tiny: Path
) -> None:
    source = run.read_manifest()["sources"][0]["path"]
    quick = [f"--set={name}={str(value).lower()}" for name, value in QUICK.items()]
    code, _, err = command("run", source, "--out", run.path, "--model", tiny, *quick, "--seed", 7)
    assert code == 73
    assert "seed: 42 → 7" in err
    other = write_csv(tmp_path / "data.csv", labelled_rows(93))
    code, _, err = command("run", other, "--out", run.path, "--model", tiny, *quick)
    assert code == 73
    assert "content changed" in err


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_an_unfinished_run_goes_on_after_its_last_finished_stage(
    stage: str, tiny: Path, data: Path, tmp_path: Path
) -> None:
    settings = Settings().with_names({**QUICK, "model": str(tiny)})
    folder = tmp_path / "run"
    run_journey(DataFiles(data), settings, folder, upto=stage)
    done = {name: entry["finished"] for name, entry in RunFolder(folder).read_manifest()["stages"].items()}
    assert list(done) == list(STAGES[: STAGES.index(stage) + 1])
    said: list[str] = []
    assert run_journey(DataFiles(data), settings, folder, say=lambda what, _: said.append(what))
    assert said[0] == "continue"
    assert {"data": "read", "train": "train", "evaluate": "evaluate"}[stage] not in said
    assert RunFolder(folder).finished


def test_a_damaged_artefact_is_made_again(tiny: Path, data: Path, tmp_path: Path) -> None:
    settings = Settings().with_names({**QUICK, "model": str(tiny)})
    folder = tmp_path / "run"
    run_journey(DataFiles(data), settings, folder)
    before = RunFolder(folder).scorecard.read_bytes()
    RunFolder(folder).scorecard.write_bytes(before[:-10])
    assert not RunFolder(folder).finished
    assert run_journey(DataFiles(data), settings, folder)
    again = json.loads(RunFolder(folder).scorecard.read_bytes())
    assert again.pop("test_openings") == 2
    assert {**json.loads(before), "test_openings": 2}["scores"] == again["scores"]


def test_own_files_are_taken_as_they_are(tiny: Path, tmp_path: Path, command: Command) -> None:
    rows = labelled_rows(90)
    train, test = write_csv(tmp_path / "train.csv", rows[:60]), write_csv(tmp_path / "test.csv", rows[60:])
    quick = [f"--set={name}={str(value).lower()}" for name, value in QUICK.items()]
    out = tmp_path / "run"
    code, _, err = command("run", "--train", train, "--test", test, "--model", tiny, "--out", out, *quick)
    assert (code, err) == (0, "")
    assert json.loads(RunFolder(out).scorecard.read_text("utf-8"))["n"] == 30
    splits = pq.read_table(RunFolder(out).splits).to_pylist()
    assert {row["id"].split(":")[0] for row in splits if row["split"] == "validation"} == {"train"}


def test_judgements_become_labels_and_ties_are_listed(tiny: Path, tmp_path: Path, command: Command) -> None:
    rows = [
        (f"i{i}", text, annotator, "NA" if annotator == "B" and i % 10 == 0 else label)
        for i, (text, label) in enumerate(labelled_rows(60))
        for annotator in "AB"
    ]
    data = write_csv(tmp_path / "judged.csv", rows, ("item", "text", "coder", "label"))
    quick = [f"--set={name}={str(value).lower()}" for name, value in QUICK.items()]
    out = tmp_path / "run"
    words = ("--id", "item", "--annotator", "coder", "--positive", "NA", "--model", tiny, "--out", out)
    code, _, err = command("run", data, *words, *quick)
    assert (code, err) == (0, "")
    with RunFolder(out).ties.open(newline="", encoding="utf-8") as stream:
        ties = list(csv.DictReader(stream))
    # items 0, 10, 20 … whose label is not NA anyway
    expected = [f"i{i}" for i in range(0, 60, 10) if i % 3 != 2]
    assert [tie["id"] for tie in ties] == expected
    assert json.loads(RunFolder(out).audit.read_text("utf-8"))["annotation"]["ties"] == len(expected)
    assert RunFolder(out).judgements.is_file()


def test_the_stored_command_makes_the_same_run_again(run: RunFolder, tmp_path: Path, command: Command) -> None:
    program, *words = shlex.split(run.read_manifest()["command"])
    assert program == "classifine"
    words[words.index("AGAIN")] = str(tmp_path / "again")
    assert command(*words)[0] == 0
    again = RunFolder(tmp_path / "again")
    assert (again.model / "model.safetensors").read_bytes() == (run.model / "model.safetensors").read_bytes()
    first, second = (json.loads(one.scorecard.read_text("utf-8")) for one in (run, again))
    assert first["scores"] == second["scores"]


def test_ties_of_own_files_are_listed_and_every_row_is_counted(tiny: Path, tmp_path: Path, command: Command) -> None:
    def judged(name: str, rows: list[tuple[str, str]], tied: int) -> Path:
        told = [
            (f"{name}{i}", text, coder, "NA" if coder == "B" and i < tied and label != "NA" else label)
            for i, (text, label) in enumerate(rows)
            for coder in "AB"
        ]
        return write_csv(tmp_path / f"{name}.csv", told, ("item", "text", "coder", "label"))

    rows = labelled_rows(90)
    train, test = judged("train", rows[:60], 3), judged("test", rows[60:], 3)
    words = ("--id", "item", "--annotator", "coder", "--model", tiny, "--out", tmp_path / "run")
    quick = [f"--set={name}={str(value).lower()}" for name, value in QUICK.items()]
    assert command("run", "--train", train, "--test", test, *words, *quick)[0] == 0
    found = RunFolder(tmp_path / "run")
    with found.ties.open(newline="", encoding="utf-8") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == ["train0", "train1", "test0", "test1"]
    audit = json.loads(found.audit.read_text("utf-8"))
    assert (audit["rows_in"], audit["rows_used"], audit["texts"], audit["annotation"]["ties"]) == (180, 172, 86, 4)
    assert [(part["reason"], part["count"]) for part in audit["left_out"]] == [
        ("tie, dropped", 4),
        ("tie, dropped (test file)", 4),
    ]
    assert pq.read_table(found.judgements).num_rows == 180
