"""What the graph computes is what transformers computes, for every family that can be exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tests.tiny_models import tiny_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from classifine.errors import ModelUnavailable
from classifine.exporting.blueprint import blueprint_of
from classifine.exporting.graph import Ranges, build, observed

FAMILIES = ("bert", "distilbert", "roberta", "xlm-r", "camembert", "electra", "mpnet")
TEXTS = ("she is brilliant", "vote on sunday because every single voice counts", "no", "the coffee tastes good " * 9)
SECONDS = ("he is not", "yes", "the food was cold and the service was slow", "no")
LABELS = ("a", "b", "c")


def stock(folder: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()


def computed(model: Any, inputs: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return session.run(None, {name: inputs[name].numpy() for name in names})[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_the_logits_of_transformers(family: str, tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, family, LABELS))
    inputs = AutoTokenizer.from_pretrained(tmp_path)(list(TEXTS), padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.numpy()
    blueprint = blueprint_of(model)
    assert np.abs(computed(build(blueprint), inputs) - expected).max() <= 1e-5
    halved = build(blueprint, half=True)
    apart = np.abs(computed(halved, inputs) - expected).max()
    assert 1e-7 < apart < 0.02
    assert halved.ByteSize() < 0.65 * build(blueprint).ByteSize()


@pytest.mark.parametrize("family", ["bert", "electra", "roberta"])
def test_pairs_have_types_where_the_model_has(family: str, tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, family, LABELS))
    blueprint = blueprint_of(model)
    types = blueprint.types is not None and len(blueprint.types) > 1
    inputs = AutoTokenizer.from_pretrained(tmp_path)(list(TEXTS), list(SECONDS), padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.numpy()
    assert types == (family != "roberta")
    assert np.abs(computed(build(blueprint, types=types), inputs) - expected).max() <= 1e-5


def test_a_padding_token_written_in_a_text_counts_as_in_transformers(tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, "roberta", LABELS))
    inputs = AutoTokenizer.from_pretrained(tmp_path)(
        ["no <pad> she is brilliant", "yes"], padding=True, return_tensors="pt"
    )
    assert (inputs["input_ids"][0] == model.config.pad_token_id).any()
    with torch.no_grad():
        expected = model(**inputs).logits.numpy()
    assert np.abs(computed(build(blueprint_of(model)), inputs) - expected).max() <= 1e-5


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "silu"])
def test_other_activations(activation: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path, "bert", LABELS)
    config = (
        (folder / "config.json").read_text("utf-8").replace('"hidden_act": "gelu"', f'"hidden_act": "{activation}"')
    )
    (folder / "config.json").write_text(config, "utf-8")
    model = stock(folder)
    inputs = AutoTokenizer.from_pretrained(tmp_path)(list(TEXTS), padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.numpy()
    assert np.abs(computed(build(blueprint_of(model)), inputs) - expected).max() <= 1e-5


def test_int8_stays_near_where_its_ranges_hold(tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, "bert", LABELS))
    blueprint = blueprint_of(model)
    inputs = AutoTokenizer.from_pretrained(tmp_path)(list(TEXTS), padding=True, return_tensors="pt")
    seen, layers = observed(blueprint)
    session = onnxruntime.InferenceSession(seen.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {name: inputs[name].numpy() for name in ("input_ids", "attention_mask")}
    found = {name: session.run([output], given)[0] for name, output in layers.items()}
    ranges = Ranges({name: (float(each.min()), float(each.max())) for name, each in found.items()})
    expected = computed(build(blueprint), inputs)
    apart = np.abs(computed(build(blueprint, ranges=ranges), inputs) - expected).max()
    assert 1e-6 < apart < 0.1
    kinds = {node.op_type for node in build(blueprint, ranges=ranges).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds


def test_weights_are_rounded_to_the_nearest_bfloat16(tmp_path: Path) -> None:
    from classifine.exporting.graph import _bfloat16

    numbers = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
    expected = torch.from_numpy(numbers).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    assert (_bfloat16(numbers) == expected).all()


@pytest.mark.parametrize("family", ["deberta", "modernbert", "albert"])
def test_other_families_are_refused_by_name(family: str, tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, family, LABELS))
    with pytest.raises(ModelUnavailable, match="cannot be exported"):
        blueprint_of(model)
