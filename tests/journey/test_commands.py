"""Each verb as a user types it, and each mistake: one message, the right exit code, nothing left behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.journey.samples import Command, labelled_rows, write_csv

QUICK = ("--set", "num_train_epochs=1", "--set", "learning_rate=0.005", "--set", "bf16=false")


def test_train_evaluate_report_predict_do_their_part_alone(
    tiny: Path, data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("train", "data.csv", "--model", tiny, *QUICK)
    assert (code, err) == (0, "")
    run = tmp_path / "runs" / "data"
    assert (run / "model" / "model.safetensors").is_file()
    assert not (run / "scorecard.json").exists()
    code, out, _ = command("evaluate", "runs/data")
    assert code == 0
    assert "macro-F1" in out
    assert command("report", "runs/data")[0] == 0
    assert (run / "report.html").is_file()
    command("evaluate", "runs/data")
    assert json.loads((run / "scorecard.json").read_text("utf-8"))["test_openings"] == 2
    code, out, _ = command("predict", "runs/data", "data.csv", "-o", "labelled.csv")
    assert code == 0
    with (tmp_path / "labelled.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["text"], row["label"]) for row in rows] == labelled_rows()
    assert {row["status"] for row in rows} == {"ok"}
    code, out, _ = command("predict", "runs/data", "--one", "the bank buys a rival")
    assert code == 0
    assert "M&A | Investments" in out
    code, out, _ = command("predict", "runs/data", "--one", "  ")
    assert "blank" in out


def test_init_writes_settings_that_run_reads(tiny: Path, data: Path, tmp_path: Path, command: Command) -> None:
    settings = tmp_path / "settings.toml"
    assert command("init", data, "-o", settings)[0] == 0
    assert command("init", data, "-o", settings)[0] == 2
    text = settings.read_text("utf-8").replace('model = "minilm"', f'model = "{tiny}"')
    settings.write_text(text.replace("# num_train_epochs =", "num_train_epochs = 1"), "utf-8")
    code, _, err = command("run", data, "--settings", settings, "--out", tmp_path / "run")
    assert (code, err) == (0, "")


def test_models_lists_the_catalogue(command: Command) -> None:
    code, out, _ = command("models")
    assert code == 0
    assert "minilm" in out.splitlines()[1]
    assert "embedded" in out


def rows_with(**changes: str) -> list[tuple[str, str]]:
    rows = labelled_rows()
    rows[4] = (changes.get("text", rows[4][0]), changes.get("label", rows[4][1]))
    return rows


@pytest.mark.parametrize(
    ("name", "content", "words", "code", "says"),
    [
        ("absent.csv", None, (), 2, ["no file", "absent.csv"]),
        ("d.csv", labelled_rows(), ("--label", "lable"), 2, ["'lable'", "did you mean 'label'"]),
        ("d.csv", [(" ", "x")] * 20 + labelled_rows(20), (), 1, ["blank", "row"]),
        ("d.csv", [(text, "") for text, _ in labelled_rows(60)], (), 1, ["blank", "label"]),
        ("d.csv", [(text, "same") for text, _ in labelled_rows()], (), 1, ["'same'"]),
        ("d.csv", rows_with(label="alone"), ("--rare-labels", "refuse"), 1, ["'alone'", "fewer than 3"]),
        ("d.csv", b"text,label,label\na,b,c\n" * 3, (), 2, ["stands 2 times"]),
        ("d.csv", b"text,label\ngr\xfc\xdfe,a\n" * 3, (), 1, ["cp1252", "--encoding"]),
        ("d.csv", b"text,label\na,b\nc,d,e\n", (), 1, ["row 2", "line 3"]),
        ("d.csv", b"", (), 1, ["empty"]),
        ("d.doc", b"x", (), 2, [".doc"]),
        ("d.csv", labelled_rows(), ("--model", "no/such/folder"), 2, ["no/such/folder"]),
        ("d.csv", labelled_rows(), ("--set", "learning_rte=1"), 2, ["learning_rate"]),
        ("d.csv", labelled_rows(), ("--set", "evaluation_strategy=epoch"), 2, ["evaluation_strategy"]),
        ("d.csv", labelled_rows(), ("--set", "warmup_steps=500"), 2, ["warmup_steps", "steps"]),
        ("d.csv", labelled_rows(), ("--set", "max_length=4000"), 2, ["reads at most 512"]),
        ("d.csv", labelled_rows(), ("--positive", "maybe"), 2, ["'maybe'", "labels are"]),
        ("d.csv", labelled_rows(), ("--test", "t.csv"), 2, ["--train"]),
        ("d.csv", labelled_rows(), ("--tezt", "t.csv"), 2, ["--tezt"]),
        ("d.csv", labelled_rows(), ("--validation-size", "0.5", "--test-size", "0.6"), 2, ["leave one of them empty"]),
    ],
)
def test_a_mistake_gets_one_clear_message_and_leaves_nothing(
    name: str,
    content: bytes | list[tuple[str, str]] | None,
    words: tuple[str, ...],
    code: int,
    says: list[str],
    tiny: Path,
    tmp_path: Path,
    command: Command,
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        write_csv(path, content)
    before = sorted(tmp_path.rglob("*"))
    model = () if "--model" in words else ("--model", str(tiny))
    found, _, err = command("run", path, "--out", tmp_path / "run", *model, *words)
    assert found == code, err
    assert "Traceback" not in err
    for word in says:
        assert word in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_foreign_folder_is_refused(tiny: Path, data: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_text("x")
    code, _, err = command("run", data, "--out", tmp_path / "mine", "--model", tiny)
    assert code == 73
    assert "thesis.docx" in err


def test_predict_says_what_is_missing(tmp_path: Path, data: Path, command: Command) -> None:
    code, _, err = command("predict", tmp_path / "no-run", data, "-o", tmp_path / "out.csv")
    assert code == 2
    assert "no-run" in err
    assert command("predict", tmp_path)[0] == 2
