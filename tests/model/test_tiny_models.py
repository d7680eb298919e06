"""Takes the tiny models and proves they load offline as what their family really is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer


@pytest.mark.parametrize("family", FAMILIES)
def test_loads_as_a_classifier_and_keeps_its_tokens(family: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    texts = ["The bank raised its rate, again!", "über Straßen wählen", ""]
    folder = tiny_model(tmp_path / family, family)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**encoded).logits
    assert tokenizer.is_fast
    assert tokenizer(texts)["input_ids"] == tiny_tokenizer(family)(texts)["input_ids"]
    assert logits.shape == (3, 3)
    assert torch.isfinite(logits).all()
    assert int(encoded["input_ids"].max()) < model.config.vocab_size


def test_same_arguments_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = tiny_model(tmp_path / "a", "bert", ["no", "yes"]), tiny_model(tmp_path / "b", "bert", ["no", "yes"])
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        assert (first / file).read_bytes() == (second / file).read_bytes()
