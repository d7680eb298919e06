"""Texts with several labels from file to report: every door gives the same labels, every number comes from one file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.journey.samples import Command, unlike, write_csv

import classifine

WORDS = {"joy": "what a happy day", "anger": "this makes me furious", "fear": "such a dark and scary night"}
SETTINGS = ("--multi-label", "--label-separator", "|", "--set", "bf16=false", "--set", "dropout=0")
QUICK = ("--set", "num_train_epochs=6", "--set", "learning_rate=0.01", "--set", "per_device_train_batch_size=8")


def rows_of(n: int) -> list[tuple[str, str]]:
    """Texts whose labels their words give away: one, two or all of three, in no particular order."""
    names, rows = list(WORDS), []
    for number in range(n):
        has = [name for place, name in enumerate(names) if (number % 7 + 1) >> place & 1]
        rows.append((unlike(" ".join(WORDS[name] for name in has), number, words=3), "|".join(has[:: (-1) ** number])))
    return rows


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("several") / "feelings.csv", rows_of(140))


@pytest.fixture
def run(sample: Path, tiny: Path, command: Command, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    code, out, err = command("run", sample, "--model", tiny, "--out", folder, *SETTINGS, *QUICK)
    assert (code, err) == (0, "")
    assert "macro-F1" in out
    return folder


def test_several_labels_from_file_to_report(run: Path, sample: Path, command: Command, tmp_path: Path) -> None:
    card = json.loads((run / "scorecard.json").read_text("utf-8"))
    assert card["scores"]["model"]["macro_f1"]["value"] > 0.8
    assert set(card["scores"]) == {"model", "shares", "tfidf", "frozen"}
    with (run / "mistakes.csv").open(encoding="utf-8", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == card["mistakes"]
    config = json.loads((run / "model" / "config.json").read_text("utf-8"))
    assert (config["problem_type"], config["label_separator"]) == ("multi_label_classification", "|")
    assert config["label_thresholds"] == [row["threshold"] for row in card["scores"]["model"]["per_label"]]
    page = (run / "report.html").read_text("utf-8")
    assert "subset accuracy" in page
    assert "What is taken for what" not in page

    texts = [text for text, _ in rows_of(20)]
    loaded = classifine.load(run)
    predictions = loaded.predict(texts)
    code, out, _ = command("predict", run, sample, "-o", tmp_path / "out.csv")
    assert code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert tuple(row["predicted_label"] for row in written[:20]) == predictions.predicted
    assert [float(row["p_joy"]) for row in written[:20]] == pytest.approx(
        predictions.probabilities[:, loaded.space.id_of("joy")].tolist(), abs=1e-6
    )
    code, out, _ = command("predict", run, "--one", texts[2])
    given = [line.split()[1] for line in out.splitlines() if "✓" in line]
    assert sorted(given) == sorted(loaded.space.several(predictions.predicted[2] or ""))


def test_the_verbs_do_the_same_from_python(sample: Path, tiny: Path, tmp_path: Path) -> None:
    texts = classifine.read(sample, multi_label=True, label_separator="|")
    splits = classifine.split(texts, separator="|", seed=1)
    folder = tmp_path / "run"
    classifier = classifine.train(
        splits,
        model=str(tiny),
        out=folder,
        seed=1,
        bf16=False,
        num_train_epochs=4,
        learning_rate=0.01,
        per_device_train_batch_size=8,
    )
    assert classifier.space.separator == "|"
    assert classifier.space.thresholds is not None
    in_memory = classifine.evaluate(classifier, splits)
    stored = classifine.evaluate(folder)
    assert stored.scores["model"].averages["macro_f1"].value == in_memory.scores["model"].averages["macro_f1"].value
    assert stored.macro_f1 > 0.5
