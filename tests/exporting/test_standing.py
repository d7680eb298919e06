"""The scorecard says what computed it and how other engines agree, whichever came first, export or evaluation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from classifine import evaluate, export
from classifine.exporting import parity
from classifine.runs import RunFolder


def card_of(run: Path) -> Any:
    return json.loads((run / "scorecard.json").read_text("utf-8"))


def test_export_and_evaluation_in_either_order(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from classifine.journey import record, report_stage

    monkeypatch.setitem(parity.LEAST_AGREEMENT, "bf16", 0.9)
    path = Path(shutil.copytree(trained, tmp_path / "run"))
    run = RunFolder(path)
    told = evaluate(path).to_dict()
    assert (told["engine"], told["engines"]) == ("torch fp32", [])
    record(run, "report", lambda: report_stage(run))
    before = run.report.read_text("utf-8")
    assert export(path).kept == ("fp32", "bf16")
    card = card_of(path)
    assert [row["name"] for row in card["engines"]] == [
        f"{runtime} {precision}" for precision in ("fp32", "bf16") for runtime in ("OpenVINO", "ONNX Runtime")
    ]
    for row in card["engines"]:
        assert row["validation"]["n"] == 18
        assert row["test"] == {"agreement": pytest.approx(1.0, abs=0.12), "n": 18}
    assert card["engines"][0]["test"]["agreement"] == 1.0
    assert {key: card[key] for key in ("scores", "verdict")} == {
        key: json.loads(json.dumps(told[key])) for key in ("scores", "verdict")
    }
    assert run.finished
    assert "Exported engines: the scores are those of torch fp32" in run.report.read_text("utf-8")
    assert "Exported engines" not in before
    assert run.read_manifest()["test_openings"] == 1
    again = json.loads(json.dumps(evaluate(path).to_dict()))
    assert again["engines"] == card["engines"]


def test_an_export_of_a_run_that_is_not_evaluated_leaves_it_so(trained: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(trained, tmp_path / "run"))
    export(path, ["fp32"])
    assert not (path / "scorecard.json").exists()
    assert not RunFolder(path).done("evaluate")
