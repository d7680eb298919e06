"""The Python of the how-to on own files, run as it stands but for a tiny base model and one epoch."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from tests.journey.samples import unlike
from tests.tiny_models import tiny_model

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "own-files.md"
TOPICS = {"sports": "the team won the match on friday", "money": "the bank raised its rate again"}


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    base = str(tiny_model(tmp_path / "base", "bert"))
    with Path("posts.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = [(unlike(text, i), topic) for i in range(30) for topic, text in TOPICS.items()]
        csv.writer(stream).writerows([("text", "topic"), *rows])
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for block in blocks:
        quick = block.replace("num_train_epochs=4", f"num_train_epochs=1, model={base!r}")
        exec(quick.replace("TextClassifier()", f"TextClassifier({base!r}, num_train_epochs=1)"), names)
    assert len(names["texts"]) == 60
    assert Path("runs/posts/report.html").is_file()
    assert Path("my-classifier/model.safetensors").is_file()
    assert len([line for line in blocks[0].splitlines() if line]) <= 8
    told = capsys.readouterr().out
    assert "baseline" in told
    assert "'label': " in told
