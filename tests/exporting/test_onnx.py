"""An export is a folder that stands alone, proven on the run's validation rows, or it is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from classifine.errors import FileMissing, ModelUnavailable, NotTheSame, PackageMissing, SettingsProblem
from classifine.exporting import parity
from classifine.exporting.graph import build
from classifine.exporting.onnx import export_onnx
from classifine.model.classifier import Classifier
from classifine.model.engines import open_engine
from classifine.model.fast_tokenizer import FastTokenizer
from classifine.model.onnx_backend import OnnxBackend

TEXTS = ["the bank buys a rival", "growing of wheat and barley", "nothing to say here", "nothing " * 200]


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture(scope="session")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run with an export of fp32 and bf16; nobody writes into it."""
    run = Path(shutil.copytree(trained, tmp_path_factory.mktemp("exported") / "run"))
    with pytest.MonkeyPatch.context() as patch:
        # a tiny model is less sure than those that people train, and eighteen rows are few
        patch.setitem(parity.LEAST_AGREEMENT, "bf16", 0.9)
        export_onnx(run)
    return run


def card_of(run: Path) -> Any:
    return json.loads((run / "model" / "onnx" / "onnx.json").read_text("utf-8"))


def test_the_folder_stands_alone_and_loads_in_plain_onnxruntime(exported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exported / "model" / "onnx", tmp_path / "alone"))
    names = {"model.onnx", "model_bf16.onnx", "onnx.json", "config.json", "tokenizer.json", "calibration.json"}
    assert {file.name for file in folder.iterdir()} == names
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    ids = FastTokenizer.read(folder / "tokenizer.json")(TEXTS[0])["input_ids"]
    given = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)}
    (logits,) = session.run(["logits"], given)
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()
    expected = Classifier.load(exported).predict_proba(TEXTS[:1])[0]
    assert np.abs(probabilities - expected).max() <= 1e-5
    assert list(json.loads((folder / "config.json").read_text("utf-8"))["id2label"].values()) == sorted(
        Classifier.load(exported).space.names
    )
    assert np.abs(open_engine(folder, "fp32").predict_proba(TEXTS[:1])[0] - expected).max() <= 1e-5


def test_what_was_measured_is_stored(exported: Path) -> None:
    card = card_of(exported)
    assert {(each["precision"], each["runtime"]) for each in card["measured"]} == {
        (precision, runtime) for precision in ("fp32", "bf16") for runtime in ("openvino", "onnxruntime")
    }
    for each in card["measured"]:
        assert each["n"] == 18  # a fifth of ninety rows
        assert each["met"]
        assert each["rows_per_second"] > 0
        assert each["agreement"] >= (1.0 if each["precision"] == "fp32" else 0.9)
    exact = [each["largest_difference"] for each in card["measured"] if each["precision"] == "fp32"]
    assert max(exact) <= 1e-4
    manifest = json.loads((exported / "manifest.json").read_text("utf-8"))
    assert card["source"] == manifest["stages"]["train"]["files"]["model/model.safetensors"]


def test_an_export_leaves_the_run_as_it_was(exported: Path) -> None:
    from classifine.runs import RunFolder

    assert RunFolder(exported).done("data")
    assert RunFolder(exported).done("train")
    assert not (exported / "scorecard.json").exists()
    assert json.loads((exported / "manifest.json").read_text("utf-8"))["test_openings"] == 0


@pytest.mark.parametrize("engine", ["openvino-fp32", "onnxruntime-fp32", "fp32", "auto", "openvino-bf16"])
def test_every_engine_labels_alike(exported: Path, engine: str) -> None:
    expected = Classifier.load(exported).predict(TEXTS)
    found = open_engine(exported, engine)
    given = found.predict([*TEXTS, ""])
    assert given.predicted == (*expected.predicted, None)
    assert given.space == expected.space
    assert np.abs(given.probabilities[:4] - expected.probabilities).max() <= (
        0.05 if "bf16" in engine or engine == "auto" else 1e-5
    )
    assert found.predict_proba([]).shape == (0, 3)
    raw = found.predict_proba(TEXTS, calibrated=False)
    assert np.abs(raw - Classifier.load(exported).predict_proba(TEXTS, calibrated=False)).max() <= 0.05
    assert found.engine.name.split()[-1] in ("fp32", "bf16")
    assert "18 validation texts" in found.engine.why


def test_int8_needs_rows_to_be_measured_on_and_says_so(run: Path) -> None:
    with pytest.raises(NotTheSame, match="at least 500 validation rows, and there are 18"):
        export_onnx(run, ["int8"])
    assert set(card_of(run)["files"]) == {"fp32"}
    assert not (run / "model" / "onnx" / "model_int8.onnx").exists()
    with pytest.raises(ModelUnavailable, match="at least 500"):
        open_engine(run, "int8")


def test_int8_is_kept_where_it_meets_its_bounds_and_never_chosen_by_itself(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "FEWEST_ROWS", 10)
    monkeypatch.setattr(parity, "MOST_F1", 0.5)
    monkeypatch.setitem(parity.LEAST_AGREEMENT, "int8", 0.9)
    made = export_onnx(run, ["int8"])
    assert made.kept == ("fp32", "int8")
    expected = Classifier.load(run).predict(TEXTS).predicted
    for engine in ("int8", "openvino-int8", "onnxruntime-int8"):
        assert open_engine(run, engine).predict(TEXTS).predicted == expected
    assert open_engine(run).engine.name.endswith("fp32")
    # the next export keeps it
    monkeypatch.setitem(parity.LEAST_AGREEMENT, "bf16", 0.9)
    assert export_onnx(run, ["bf16"]).kept == ("fp32", "bf16", "int8")


def test_what_is_not_the_same_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = build

    def elsewhere(blueprint: Any, **options: Any) -> Any:
        bent = replace(blueprint.classifier, bias=blueprint.classifier.bias + np.array([5e-3, 0, 0], np.float32))
        return real(replace(blueprint, classifier=bent), **options)

    monkeypatch.setattr("classifine.exporting.onnx.build", elsewhere)
    with pytest.raises(NotTheSame, match="probabilities differ by"):
        export_onnx(run)
    assert "fp32" not in card_of(run)["files"]


def test_a_tokenizer_that_reads_otherwise_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    real = OnnxBackend.encode
    monkeypatch.setattr(
        OnnxBackend,
        "encode",
        lambda self, texts, **more: real(self, [f"no {text}" for text in texts], **more),
    )
    with pytest.raises(NotTheSame, match="reads texts otherwise"):
        export_onnx(run)
    assert not (run / "model" / "onnx").exists()


def test_slips_are_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsProblem, match="did you mean 'bf16'"):
        export_onnx(run, ["bf61"])
    with pytest.raises(FileMissing, match="there is no run"):
        export_onnx(tmp_path / "nowhere")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(PackageMissing, match=r"classifine\[onnx\]"):
        export_onnx(run)


def test_predicting_with_an_export_loads_neither_torch_nor_transformers(exported: Path) -> None:
    code = (
        "import json, sys\n"
        "from classifine.model.engines import open_engine\n"
        f"found = open_engine({str(exported)!r})\n"
        "print(found.predict(['the bank buys a rival']).predicted[0])\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    label, loaded = done.stdout.splitlines()
    assert label == Classifier.load(exported).predict(TEXTS[:1]).predicted[0]
    heavy = {"torch", "transformers", "accelerate", "sklearn", "scipy", "pandas", "onnx", "datasets"}
    assert set(json.loads(loaded)) & heavy == set()


def test_the_command_loads_neither_torch_nor_transformers(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("text\nthe bank buys a rival\n\ngrowing of wheat and barley\n", "utf-8")
    words = ["predict", str(exported), str(tmp_path / "few.csv"), "-o", str(tmp_path / "out.csv")]
    code = (
        "import json, sys\n"
        "from classifine.cli.console import guarded\n"
        "from classifine.cli.main import classifine\n"
        f"code = guarded(classifine, {words!r})\n"
        "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    status, loaded = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done.stderr
    # pandas is pyarrow's doing, where it is installed
    assert set(loaded) & {"torch", "transformers", "accelerate", "sklearn", "onnx", "datasets"} == set()
    assert "computed by" in done.stdout
    assert (tmp_path / "out.csv").is_file()
