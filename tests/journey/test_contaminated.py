"""Test texts that training or validation has seen: refused; or, when that is allowed, stamped on every score."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.journey.samples import Command, Rows, labelled_rows, write_csv

from classifine.runs import RunFolder

QUICK = ("--set", "num_train_epochs=1", "--set", "learning_rate=5e-3", "--set", "bf16=false")


def _files(folder: Path, header: tuple[str, str] = ("text", "label"), **parts: Rows) -> list[str]:
    words: list[str] = []
    for part, rows in parts.items():
        words += [f"--{part}", str(write_csv(folder / f"{part}.csv", rows, header))]
    return words


@pytest.fixture
def seen(tmp_path: Path) -> list[str]:
    """Six of the twelve test texts stand in the training file, too."""
    rows = labelled_rows(72)
    return _files(tmp_path, train=rows[:48], validation=rows[48:60], test=rows[60:66] + rows[:6])


def _figures(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value] if "method" in value else [figure for part in value.values() for figure in _figures(part)]
    return [figure for part in value for figure in _figures(part)] if isinstance(value, list) else []


def test_the_tutorials_double_split_is_refused_with_its_278_rows(command: Command, tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    rows = [
        (f"Beitrag Nummer {n} {'ruft auf' if n % 5 == 0 else 'erzählt'} {n * 7919 % 1389}", str(n % 5 == 0))
        for n in range(1388)
    ]
    stratify = [label for _, label in rows]
    _, test = train_test_split(rows, test_size=0.2, random_state=5460, stratify=stratify)
    # the tutorial divides the whole table a second time
    train, validation = train_test_split(rows, test_size=0.25, random_state=5460, stratify=stratify)
    assert (len(train), len(validation), len(test)) == (1041, 347, 278)
    words = _files(tmp_path, ("Text", "Call"), train=train, validation=validation, test=test)
    out = tmp_path / "run"
    code, _, err = command("run", *words, "--text", "Text", "--label", "Call", "--near-duplicates", 1, "--out", out)
    assert code == 1
    assert "278 of 278 test rows share" in err
    assert "identical text 278" in err
    assert "--allow-contaminated" in err
    assert not out.exists()


def test_the_official_conversations_are_refused_with_their_143_texts(command: Command, tmp_path: Path) -> None:
    folder = os.environ.get("CLASSIFINE_DATA")
    if folder is None:
        pytest.skip("CLASSIFINE_DATA does not name the benchmark data")
    abuse = Path(folder) / "convabuse"
    words = ["--train", abuse / "train.csv", "--validation", abuse / "val.csv", "--test", abuse / "test.csv"]
    code, _, err = command("run", *words, "--out", tmp_path / "run")
    assert code == 1
    assert "test against train, of 822 rows: identical text 143" in err


def test_what_is_allowed_is_stamped_on_the_screen_in_json_and_in_the_report(
    command: Command, tiny: Path, seen: list[str], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    code, out, err = command("run", *seen, *QUICK, "--model", tiny, "--out", run.path, "--allow-contaminated")
    assert code == 0, err
    assert "Contaminated: 6 of 12 test rows stand in training or validation, too (identical text 6)" in out
    assert "On the 6 clean rows, macro-F1 is" in " ".join(out.split())
    card = json.loads(run.scorecard.read_text("utf-8"))
    figures = _figures(card["scores"])
    assert figures
    assert all(figure["contaminated"] and "clean" in figure for figure in figures)
    assert card["scores"]["model"]["accuracy"]["clean"]["n"] == 6
    assert run.report.read_text("utf-8").count("contaminated") > 10
    assert json.loads(run.audit.read_text("utf-8"))["contamination"]["seen"] == 6


def test_evaluate_looks_again(command: Command, tiny: Path, seen: list[str], tmp_path: Path) -> None:
    from classifine import evaluate, read, train
    from classifine.errors import Contaminated
    from classifine.labels import LabelSpace
    from classifine.tables import Splits

    tables = [read(path) for path in seen[1::2]]
    splits = Splits(tables[0], tables[1], tables[2], LabelSpace.of(tables[0].labels))
    folder = tmp_path / "run"
    train(splits, model=str(tiny), out=folder, num_train_epochs=1, learning_rate=5e-3, bf16=False)
    with pytest.raises(Contaminated, match="6 of 12 test rows"):
        evaluate(folder)
    code, _, err = command("evaluate", folder)
    assert (code, "6 of 12 test rows" in err) == (1, True)
    code, out, _ = command("evaluate", folder, "--allow-contaminated")
    assert (code, "Contaminated" in out) == (0, True)


def test_python_looks_too(tiny: Path, tmp_path: Path) -> None:
    from classifine import evaluate, read, split, train
    from classifine.errors import Contaminated, SettingsProblem

    texts, labels = zip(*labelled_rows(60), strict=True)
    splits = split(read((list(texts), list(labels))))
    leaking = replace(splits, test=splits.train)
    classifier = train(splits, model=str(tiny), num_train_epochs=1, learning_rate=5e-3, bf16=False)
    assert evaluate(classifier, splits).to_dict()["seen"] is None
    with pytest.raises(Contaminated, match="36 of 36 test rows"):
        evaluate(classifier, leaking)
    assert evaluate(classifier, leaking, allow_contaminated=True).verdict.startswith("Contaminated")
    given = read({"text": [*texts, *texts[:6]], "label": [*labels, *labels[:6]], "part": ["train"] * 60 + ["test"] * 6},
                 split="part")  # fmt: skip
    with pytest.raises(Contaminated, match="6 of 6 test rows"):
        split(given)
    assert len(split(given, allow_contaminated=True).test) == 6
    with pytest.raises(SettingsProblem, match="'author'"):
        read((["a"], ["b"]), author="nobody")
    with pytest.raises(SettingsProblem, match="has been read and divided already"):
        train(splits, model=str(tiny), test_size=0.5)


def test_a_text_that_is_nearly_seen_is_a_warning_with_the_clean_score(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    rows = labelled_rows(72)
    near = (rows[0][0].upper(), rows[0][1])
    words = _files(tmp_path, train=rows[:48], validation=rows[48:60], test=[*rows[60:], near])
    run = RunFolder(tmp_path / "run")
    code, out, err = command("run", *words, *QUICK, "--model", tiny, "--out", run.path)
    assert code == 0, err
    assert "identical after normalising" in " ".join(out.split())
    card = json.loads(run.scorecard.read_text("utf-8"))
    assert not card["verdict"].startswith("Contaminated")
    assert card["scores"]["model"]["accuracy"]["clean"]["n"] == 12
    assert "contaminated" not in card["scores"]["model"]["accuracy"]


def test_a_file_cannot_be_contaminated_by_its_own_division(command: Command, tiny: Path, tmp_path: Path) -> None:
    rows = labelled_rows(60)
    data = write_csv(tmp_path / "data.csv", rows + rows[:20])
    run = RunFolder(tmp_path / "run")
    code, _, err = command("run", data, *QUICK, "--model", tiny, "--out", run.path)
    assert code == 0, err
    assert json.loads(run.scorecard.read_text("utf-8"))["seen"] is None
