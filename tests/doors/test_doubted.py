"""From a run to the labels that may be wrong, to a person's corrections, to another run with them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.journey.samples import labelled_rows, typed, write_csv

from classifine import label_errors
from classifine.cli.console import guarded
from classifine.cli.main import classifine as command
from classifine.errors import RunRefused, SettingsProblem
from classifine.evaluation.dynamics import Dynamics
from classifine.runs import RunFolder

Run = RunFolder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety texts of three labels, of which every tenth has a wrong one, with a column beside."""
    rows = labelled_rows(90)
    names = sorted({label for _, label in rows})
    wrong = [
        (text, names[(names.index(label) + 1) % 3] if place % 10 == 0 else label, "old" if place % 2 else "new")
        for place, (text, label) in enumerate(rows)
    ]
    return write_csv(tmp_path_factory.mktemp("noisy") / "noisy.csv", wrong, header=("text", "label", "age"))


@pytest.fixture(scope="module")
def run(noisy: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "noisy"
    words = typed("run", noisy, model=tiny, out=out, bf16=False, num_train_epochs=2, training_dynamics=True)
    assert guarded(command, [*words, "--slice-by", "age"]) == 0
    return RunFolder(out)


def test_a_run_says_where_and_why_it_is_wrong(run: RunFolder) -> None:
    told: dict[str, Any] = json.loads(run.diagnosis.read_text("utf-8"))
    card = json.loads(run.scorecard.read_text("utf-8"))
    mistakes = rows_of(run.mistakes)
    assert len(mistakes) == told["mistakes"] == card["mistakes"] == sum(pair["mistakes"] for pair in told["pairs"])
    age = next(column for column in told["slices"]["columns"] if column["column"] == "age")
    assert sum(one["n"] for one in age["slices"]) == card["n"]
    texts = {one["id"]: one for one in pq.read_table(run.rows).to_pylist()}
    train = {one["id"] for one in pq.read_table(run.splits).to_pylist() if one["split"] == "train"}
    for row in mistakes:
        assert {row["nearest_1_id"], row["nearest_2_id"], row["nearest_3_id"]} <= train
        assert row["nearest_1_label"] == texts[row["nearest_1_id"]]["label"]
        assert sum(float(value) for name, value in row.items() if name.startswith("probability ")) == pytest.approx(
            1, abs=1e-4
        )


def test_training_notes_how_texts_are_learnt(run: RunFolder) -> None:
    found = Dynamics.from_arrow(pq.read_table(run.dynamics))
    parts = pq.read_table(run.splits).to_pylist()
    assert sorted(found.ids) == sorted(one["id"] for one in parts if one["split"] == "train")
    assert found.epochs == 2
    told = json.loads(run.history.read_text("utf-8"))["dynamics"]
    assert told["easy"] + told["ambiguous"] + told["hard"] == len(found)
    assert run.done("train")


def test_wrong_labels_are_found_reviewed_and_corrected(
    run: RunFolder, noisy: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(command, ["label-errors", str(run.path), "--by", "words"]) == 0
    assert "are suspected to be wrong" in capsys.readouterr().out
    found = rows_of(run.review)
    truth = dict(labelled_rows(90))
    wrong = [row for row in found if row["label"] != truth[row["text"]]]
    assert len(wrong) >= 4
    assert len(wrong) >= 0.7 * len(found)
    assert {row["split"] for row in found} <= {"train", "validation"}
    assert all(
        row["correct_label"] == "" and row["training_confidence"] != "" for row in found if row["split"] == "train"
    )
    assert run.finished
    assert "labels of" in run.report.read_text("utf-8")
    with pytest.raises(RunRefused, match="would be overwritten"):
        label_errors(run.path, by="words", output=noisy)
    reviewed = tmp_path / "reviewed.csv"
    for row in found:
        row["correct_label"] = truth[row["text"]]
    with reviewed.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    with pytest.raises(RunRefused, match="holds corrections"):
        label_errors(run.path, by="words", output=reviewed)
    again = RunFolder(tmp_path / "again")
    words = typed("train", noisy, model=tiny, out=again.path, bf16=False, max_steps=1)
    assert guarded(command, [*words, "--corrections", str(reviewed)]) == 0
    audit = json.loads(again.audit.read_text("utf-8"))
    assert audit["corrections"]["changed"] == len(wrong)
    assert audit["corrections"]["confirmed"] == len(found) - len(wrong)
    assert pq.read_table(again.splits).to_pylist() == pq.read_table(run.splits).to_pylist()
    labels = {one["id"]: one["label"] for one in pq.read_table(again.rows).to_pylist()}
    assert all(labels[row["id"]] == truth[row["text"]] for row in found)
    assert any(source["role"] == "corrections" for source in again.read_manifest()["sources"])


def test_test_texts_are_looked_at_only_where_asked(run: RunFolder, tmp_path: Path) -> None:
    openings = run.read_manifest()["test_openings"]
    found = label_errors(run.path, by="frozen", folds=3, output=tmp_path / "a.csv").found
    assert (set(found.splits), run.read_manifest()["test_openings"]) == ({"train", "validation"}, openings)
    opened = label_errors(run.path, by="words", with_test=True, output=tmp_path / "b.csv").found
    assert (opened.splits["test"], run.read_manifest()["test_openings"]) == (18, openings + 1)
    with pytest.raises(SettingsProblem, match="no fine-tuned probabilities"):
        label_errors(run.path, by="trained", output=tmp_path / "c.csv")
