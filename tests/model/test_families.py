"""Every family of base models: what a batch gives is what a text alone gives, whatever the tokenizer calls padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from classifine.errors import ModelUnavailable
from classifine.labels import LabelSpace
from classifine.model.tokens import encode, pad, pad_id_of
from classifine.model.torch_backend import TorchBackend

TEXTS = ("she is brilliant", "vote on sunday because every single voice counts", "no", "the coffee tastes good " * 9)
SPACE = LabelSpace(("a", "b", "c"))


def stock(folder: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_is_masked_with_the_familys_own_id(family: str, tmp_path: Path) -> None:
    model = stock(tiny_model(tmp_path, family, SPACE.names))
    tokenizer: Any = tiny_tokenizer(family)
    ids = encode(tokenizer, TEXTS, max_length=64).ids
    batch = pad(ids, pad_id_of(tokenizer))
    theirs = tokenizer(list(TEXTS), padding=True, truncation=True, max_length=64, return_tensors="pt")
    assert pad_id_of(tokenizer) == model.config.pad_token_id
    assert torch.equal(batch["input_ids"], theirs["input_ids"])
    assert torch.equal(batch["attention_mask"], theirs["attention_mask"])
    with torch.no_grad():
        together = model(**batch).logits
        # with all that the tokenizer gives, token types included
        assert float((model(**theirs).logits - together).abs().max()) <= 1e-5
        alone = torch.cat([model(**pad([one], 0)).logits for one in ids])
    assert float((together - alone).abs().max()) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_the_score_of_a_text_is_that_of_the_stock_model_alone(family: str, tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path, family, SPACE.names))
    model, tokenizer = stock(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        alone = [torch.softmax(model(**tokenizer(text, return_tensors="pt")).logits, -1) for text in TEXTS]
    assert np.abs(backend.probabilities(backend.encode(TEXTS)) - torch.cat(alone).numpy()).max() <= 1e-5


@pytest.mark.parametrize(("family", "cased"), [("bert", False), ("albert", False), ("roberta", True), ("xlm-r", True)])
def test_letters_case_counts_where_the_tokenizer_says_so(family: str, cased: bool, tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path, family, SPACE.names))
    small, large = backend.probabilities(backend.encode(["the bank raised its rate", "The Bank RAISED its rate"]))
    assert (np.abs(small - large).max() > 1e-6) == cased


def without_padding(folder: Path, **kept: str | None) -> Path:
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_model(folder, "modernbert", SPACE.names))
    tokenizer.pad_token = None
    tokenizer.eos_token = kept.get("eos")
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("eos", [None, "[SEP]"])
def test_a_tokenizer_without_a_padding_token_changes_nothing(eos: str | None, tmp_path: Path) -> None:
    expected = TorchBackend.load(tiny_model(tmp_path / "whole", "modernbert", SPACE.names))
    backend = TorchBackend.load(without_padding(tmp_path / "without", eos=eos))
    found = backend.probabilities(backend.encode(TEXTS))
    assert np.abs(found - expected.probabilities(expected.encode(TEXTS))).max() <= 1e-5


def test_a_model_that_looks_for_the_padding_token_is_refused_where_there_is_none(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    tokenizer: Any = AutoTokenizer.from_pretrained(without_padding(tmp_path))
    sizes: dict[str, Any] = {"vocab_size": len(tokenizer), "n_embd": 32, "n_layer": 1, "n_head": 2, "num_labels": 3}
    config: Any = GPT2Config(**sizes, pad_token_id=None)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailable, match="padding"):
        TorchBackend.load(tmp_path)
