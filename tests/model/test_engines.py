"""Which engine is opened, and what is said of why."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.tiny_models import tiny_model

from classifine.errors import FileMissing, ModelUnavailable, UsageError
from classifine.model import engines
from classifine.model.engines import open_engine
from classifine.model.onnx_backend import CARD, OnnxBackend


def measured(precision: str, runtime: str, speed: float, **more: Any) -> dict[str, Any]:
    usual = {"agreement": 1.0, "n": 900, "processor": "this one", "met": True, "reason": ""}
    return {"precision": precision, "runtime": runtime, "rows_per_second": speed, **usual, **more}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose export is only its card; opening it stops short of the files."""
    tiny_model(tmp_path / "model", "bert", ["a", "b"])
    folder = tmp_path / "model" / "onnx"
    folder.mkdir()
    (folder / "config.json").write_text((tmp_path / "model" / "config.json").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(engines, "processor", lambda: "this one")
    monkeypatch.setattr(engines, "can_run", lambda precision, runtime: None)
    files = {precision: ("model.onnx", f"digest of {precision}") for precision in ("fp32", "bf16", "int8")}
    opened = SimpleNamespace(several=False, exported=SimpleNamespace(files=files))
    monkeypatch.setattr(OnnxBackend, "load", lambda folder, precision, runtime, threads: opened)
    write(tmp_path, measured("fp32", "onnxruntime", 100.0), measured("bf16", "openvino", 200.0, agreement=0.996))
    return tmp_path


def write(run: Path, *entries: dict[str, Any], **more: Any) -> None:
    card = {"format": 1, "several": False, "source": "abc", "measured": entries, **more}
    (run / "model" / "onnx" / CARD).write_text(json.dumps(card), "utf-8")


def test_auto_takes_the_fastest_of_what_agreed_here_and_says_why(run: Path) -> None:
    found = open_engine(run).engine
    assert (found.name, found.digest) == ("OpenVINO bf16", "digest of bf16")
    assert found.why == (
        "same label as the run on 99.60% of 900 validation texts, the fastest here of OpenVINO bf16, ONNX Runtime fp32"
    )
    assert open_engine(run / "model").engine == open_engine(run / "model" / "onnx").engine == found


def test_auto_never_takes_int8_nor_what_was_refused(run: Path) -> None:
    refused = measured("bf16", "openvino", 300.0, met=False, reason="98.00% of the labels agree")
    write(run, measured("int8", "openvino", 400.0), refused, measured("fp32", "openvino", 100.0))
    assert open_engine(run).engine.name == "OpenVINO fp32"
    assert open_engine(run, "int8").engine.name == "OpenVINO int8"
    with pytest.raises(ModelUnavailable, match=r"98\.00% of the labels agree"):
        open_engine(run, "bf16")


def test_on_another_processor_fp32_is_safe(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "processor", lambda: "another one")
    found = open_engine(run).engine
    assert found.name == "ONNX Runtime fp32"
    assert "measured on another processor" in found.why


def test_where_nothing_can_be_run_torch_is_left(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "can_run", lambda precision, runtime: f"the package {runtime} is not installed")
    found = open_engine(run).engine
    assert found.name == "torch fp32"
    assert "openvino is not installed, the package onnxruntime is not installed; pip install" in found.why
    with pytest.raises(ModelUnavailable, match="openvino is not installed"):
        open_engine(run, "bf16")


def test_an_engine_can_be_named(run: Path) -> None:
    assert open_engine(run, "torch").engine.name == "torch fp32"
    assert open_engine(run, "fp32").engine.name == "ONNX Runtime fp32"
    assert open_engine(run, "openvino-bf16").engine.why.startswith("asked for; same label")
    with pytest.raises(ModelUnavailable, match="openvino-fp32 cannot be used"):
        open_engine(run, "openvino-fp32")
    with pytest.raises(UsageError, match="did you mean 'bf16'"):
        open_engine(run, "bf61")


def test_an_export_of_other_weights_is_not_used(run: Path) -> None:
    manifest = {"stages": {"train": {"files": {"model/model.safetensors": "abc"}}}}
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert open_engine(run).engine.name == "OpenVINO bf16"
    manifest["stages"]["train"]["files"]["model/model.safetensors"] = "other"
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert open_engine(run).engine.name == "torch fp32"
    assert "other weights" in open_engine(run).engine.why
    with pytest.raises(ModelUnavailable, match="other weights"):
        open_engine(run, "fp32")
    (run / "manifest.json").write_text("{}", "utf-8")
    assert "nobody knows" in open_engine(run).engine.why


def test_without_an_export_it_is_torch(tmp_path: Path) -> None:
    tiny_model(tmp_path, "bert", ["a", "b"])
    found = open_engine(tmp_path)
    assert found.engine.name == "torch fp32"
    assert "classifine export" in found.engine.why
    with pytest.raises(ModelUnavailable, match="holds no exported model"):
        open_engine(tmp_path, "bf16")
    with pytest.raises(FileMissing):
        open_engine(tmp_path / "nowhere")


def test_a_card_that_says_nothing_of_measurements_is_refused(run: Path) -> None:
    for entries in ([{"met": True}], 3):
        (run / "model" / "onnx" / CARD).write_text(
            json.dumps({"format": 1, "several": False, "source": "abc", "measured": entries}), "utf-8"
        )
        with pytest.raises(ModelUnavailable, match="does not say what was measured"):
            open_engine(run)
