"""An exported model, opened alone: few shapes, threads as asked, long texts and pairs as the run reads them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny_models import tiny_model

from classifine.errors import ModelUnavailable, PackageMissing
from classifine.exporting.blueprint import blueprint_of
from classifine.exporting.graph import INPUTS, TYPES, build
from classifine.model import onnx_backend
from classifine.model.onnx_backend import CARD, Exported, OnnxBackend, Runtime, can_run
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import HEAD, LongTexts
from classifine.pairs import joined

RUNTIMES: tuple[Runtime, ...] = ("openvino", "onnxruntime")
TEXTS = ["she is brilliant", "no", "the coffee tastes good " * 30, "vote on sunday", "é " * 400, *["yes"] * 40]


def exported(folder: Path, family: str, *, pairs: bool = False, long: LongTexts = HEAD) -> tuple[TorchBackend, Path]:
    """Write a tiny model and what an export of it holds."""
    torch = TorchBackend.load(tiny_model(folder, family, ["a", "b", "c"]))
    torch.long, torch.pairs, torch.max_length = long, pairs, 32
    blueprint = blueprint_of(torch.model)
    types = pairs and blueprint.types is not None and len(blueprint.types) > 1
    (folder / "model.onnx").write_bytes(build(blueprint, types=types).SerializeToString())
    from classifine.durable import sha256

    card = {
        "format": 1,
        "inputs": [*INPUTS, *([TYPES] if types else [])],
        "labels": 3,
        "max_length": 32,
        "pad_id": torch.model.config.pad_token_id,
        "cut_side": "right",
        "pairs": pairs,
        "several": False,
        "long_texts": long.to_dict(),
        "files": {"fp32": {"file": "model.onnx", "sha256": sha256(folder / "model.onnx")}},
        "measured": [],
    }
    (folder / CARD).write_text(json.dumps(card), "utf-8")
    return torch, folder


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("family", ["roberta"])
@pytest.mark.parametrize("long", [HEAD, LongTexts("head+tail"), LongTexts("windows", stride=4, max_windows=3)])
def test_texts_of_any_length_score_as_with_torch(
    family: str, long: LongTexts, runtime: Runtime, tmp_path: Path
) -> None:
    torch, folder = exported(tmp_path, family, long=long)
    backend = OnnxBackend.load(folder, "fp32", runtime, threads=1)
    expected = torch.probabilities(torch.encode(TEXTS))
    assert np.abs(backend.probabilities(backend.encode(TEXTS)) - expected).max() <= 1e-5
    assert backend.encode(TEXTS).cut == torch.encode(TEXTS).cut > 0


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("family", ["bert", "xlm-r"])
def test_pairs_score_as_with_torch(family: str, runtime: Runtime, tmp_path: Path) -> None:
    torch, folder = exported(tmp_path, family, pairs=True)
    backend = OnnxBackend.load(folder, "fp32", runtime, threads=1)
    pairs = [joined(one, two) for one, two in zip(TEXTS, reversed(TEXTS), strict=True)]
    expected = torch.probabilities(torch.encode(pairs))
    assert np.abs(backend.probabilities(backend.encode(pairs)) - expected).max() <= 1e-5


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_several_labels_have_a_probability_each(runtime: Runtime, tmp_path: Path) -> None:
    torch, folder = exported(tmp_path, "distilbert")
    torch.model.config.problem_type = "multi_label_classification"
    card = json.loads((folder / CARD).read_text("utf-8"))
    (folder / CARD).write_text(json.dumps({**card, "several": True}), "utf-8")
    backend = OnnxBackend.load(folder, "fp32", runtime, threads=1)
    found = backend.probabilities(backend.encode(TEXTS))
    assert np.abs(found - torch.probabilities(torch.encode(TEXTS))).max() <= 1e-5
    assert (np.abs(found.sum(axis=1) - 1) > 0.01).any()


def test_batches_come_in_few_shapes_and_not_much_larger_than_they_are(tmp_path: Path) -> None:
    _, folder = exported(tmp_path, "bert")
    shapes: list[tuple[int, ...]] = []

    def compute(batch: Any) -> Any:
        shapes.append(batch["input_ids"].shape)
        return np.zeros((len(batch["input_ids"]), 3), np.float32)

    told = OnnxBackend.load(folder, "fp32", "onnxruntime", threads=1)
    backend = OnnxBackend(told.exported, told.tokenizer, compute, even=True)
    lots = np.random.default_rng(0)
    real = 0
    for _ in range(25):
        texts = [" ".join(["yes"] * int(length)) for length in lots.integers(1, 40, size=int(lots.integers(1, 300)))]
        encoded = backend.encode(texts)
        real += int(encoded.lengths.sum())
        assert backend.logits(encoded).shape == (len(texts), 3)
    assert len(set(shapes)) <= 8 * 9  # lengths of 4, 8 … 32 and rows of 1, 2, 4 … 512
    assert {length % 4 for _, length in shapes} == {0}
    assert max(rows * length for rows, length in shapes) <= 2048
    assert sum(rows * length for rows, length in shapes) < 1.7 * real
    shapes.clear()
    backend.logits(backend.encode(["yes"]))
    assert shapes == [(1, 4)]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_threads_may_score_at_once(runtime: Runtime, tmp_path: Path) -> None:
    _, folder = exported(tmp_path, "bert")
    backend = OnnxBackend.load(folder, "fp32", runtime, threads=1)
    expected = backend.probabilities(backend.encode(TEXTS))
    found: list[Any] = []

    def score() -> None:
        for _ in range(5):
            found.append(backend.probabilities(backend.encode(TEXTS)))

    workers = [threading.Thread(target=score) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 20
    assert all((each == expected).all() for each in found)


def test_the_number_of_threads_reaches_the_runtimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime
    import openvino

    _, folder = exported(tmp_path, "bert")
    monkeypatch.setattr(onnx_backend, "cores", lambda: 3)
    asked: list[Any] = []
    real = onnxruntime.InferenceSession

    def opened(content: bytes, options: Any, **more: Any) -> Any:
        asked.append(options)
        return real(content, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    OnnxBackend.load(folder, "fp32", "onnxruntime")
    OnnxBackend.load(folder, "fp32", "onnxruntime", threads=2)
    assert [options.intra_op_num_threads for options in asked] == [3, 2]
    assert not any(options.enable_cpu_mem_arena for options in asked)
    compiled: list[Any] = []
    compile_model = openvino.Core.compile_model

    def compiling(self: Any, model: Any, device: str, settings: dict[str, Any]) -> Any:
        compiled.append(settings)
        return compile_model(self, model, device, settings)

    monkeypatch.setattr(openvino.Core, "compile_model", compiling)
    OnnxBackend.load(folder, "fp32", "openvino", threads=2)
    assert compiled[0]["INFERENCE_NUM_THREADS"] == 2
    assert compiled[0]["INFERENCE_PRECISION_HINT"] == "f32"


def test_what_is_not_as_it_was_exported_is_refused(tmp_path: Path) -> None:
    _, folder = exported(tmp_path, "bert")
    with pytest.raises(ModelUnavailable, match="holds no int8 model"):
        OnnxBackend.load(folder, "int8", "onnxruntime")
    content = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelUnavailable, match="not there as it was exported"):
        OnnxBackend.load(folder, "fp32", "onnxruntime")
    card = json.loads((folder / CARD).read_text("utf-8"))
    outside = {**card, "files": {"fp32": {"file": "../model.onnx", "sha256": card["files"]["fp32"]["sha256"]}}}
    for told in (outside,):
        (folder / CARD).write_text(json.dumps(told), "utf-8")
        with pytest.raises(ModelUnavailable, match="not there as it was exported"):
            OnnxBackend.load(folder, "fp32", "onnxruntime")
    for broken in ("", "[]", "{}", json.dumps({**card, "format": 99}), json.dumps({**card, "long_texts": 1})):
        (folder / CARD).write_text(broken, "utf-8")
        with pytest.raises(ModelUnavailable, match="holds no exported model that can be read"):
            Exported.read(folder)


def test_a_runtime_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = exported(tmp_path, "bert")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(PackageMissing, match=r"pip install 'classifine\[onnx\]'"):
        OnnxBackend.load(folder, "fp32", "onnxruntime")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert can_run("fp32", "openvino") == "the package openvino is not installed"


def test_bfloat16_needs_a_processor_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_backend, "_computes_bfloat16", lambda: False)
    assert can_run("bf16", "openvino") == "this processor has no instructions for bfloat16"
    assert can_run("bf16", "onnxruntime") is None
    assert can_run("fp32", "openvino") is None
