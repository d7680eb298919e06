from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer
from torch import nn
from transformers import AutoModelForSequenceClassification

from classifine.model.anatomy import anatomy_of
from classifine.model.tokens import encode, pack, pad, pad_id_of
from classifine.model.unpadded import Dropout, Unpadded

KNOWN = ("bert", "distilbert", "roberta", "xlm-r", "camembert", "electra", "mpnet")
TEXTS = (
    "she is brilliant",
    "vote on sunday because every single voice counts for our future",
    "the bank",
    "men are not better",
    "no",
    "the coffee tastes good " * 60,  # beyond the length up to which attention is computed step by step
)


def made(folder: Path, family: str, **changes: Any) -> Any:
    tiny_model(folder, family, ["a", "b", "c"])
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, **changes).eval()


def ids_of(family: str, texts: tuple[str, ...] = TEXTS) -> Sequence[Any]:
    return encode(tiny_tokenizer(family), texts, max_length=300).ids


@pytest.mark.parametrize("family", KNOWN)
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:5], TEXTS[:1], ("the bank", "no men")], ids=len)
def test_the_function_is_that_of_transformers(family: str, texts: tuple[str, ...], tmp_path: Path) -> None:
    model, ids = made(tmp_path, family), ids_of(family, texts)
    unpadded = Unpadded.of(model)
    assert unpadded is not None
    stock = model(**pad(ids, pad_id_of(tiny_tokenizer(family)))).logits
    torch.autograd.backward(stock.square().sum())
    wanted = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    found = unpadded(**pack(ids))
    assert float((found - stock).detach().abs().max()) <= 1e-5
    torch.autograd.backward(found.square().sum())
    whole = torch.linalg.vector_norm(torch.cat([gradient.flatten() for gradient in wanted.values()]))
    for name, parameter in model.named_parameters():
        if name in wanted:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            assert float((gradient - wanted[name]).norm() / whole) <= 1e-4, name


@pytest.mark.parametrize("family", KNOWN)
def test_a_padding_token_inside_a_text_counts_as_in_transformers(family: str, tmp_path: Path) -> None:
    model, pad_token = made(tmp_path, family), tiny_tokenizer(family).pad_token
    ids = ids_of(family, (f"{pad_token} men are {pad_token} not better", "the bank"))
    unpadded = Unpadded.of(model)
    assert unpadded is not None
    with torch.no_grad():
        stock = model(**pad(ids, pad_id_of(tiny_tokenizer(family)))).logits
        assert float((unpadded(**pack(ids)) - stock).abs().max()) <= 1e-5


@pytest.mark.parametrize("family", KNOWN)
def test_company_in_a_batch_changes_no_probability(family: str, tmp_path: Path) -> None:
    unpadded = Unpadded.of(made(tmp_path, family))
    assert unpadded is not None
    ids = ids_of(family)
    with torch.no_grad():
        together = torch.softmax(unpadded(**pack(ids)), -1)
        alone = torch.cat([torch.softmax(unpadded(**pack([one])), -1) for one in ids])
    assert float((together - alone).abs().max()) <= 1e-5


def test_bfloat16_computes_from_float32_weights(tmp_path: Path) -> None:
    model = made(tmp_path, "bert")
    half, full = Unpadded.of(model, torch.bfloat16), Unpadded.of(model)
    assert half is not None
    assert full is not None
    ids = pack(ids_of("bert"))
    logits = half(**ids)
    apart = float((logits - full(**ids)).detach().abs().max())
    assert logits.dtype == torch.float32
    assert 0 < apart < 0.05
    torch.autograd.backward(logits.sum())
    assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(KNOWN)))
def test_other_families_are_left_to_transformers(family: str, tmp_path: Path) -> None:
    assert Unpadded.of(made(tmp_path, family)) is None


def test_replaced_parts_are_left_to_transformers(tmp_path: Path) -> None:
    class Adapter(nn.Linear):
        """What peft and quantisers put in the place of a linear layer."""

    model = made(tmp_path, "bert")
    assert anatomy_of(model) is not None
    model.bert.encoder.layer[1].attention.self.value = Adapter(32, 32)
    assert anatomy_of(model) is None


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    values = torch.ones(1001, 1003, requires_grad=True)
    dropped: torch.Tensor = Dropout.apply(values, 0.1)  # type: ignore[no-untyped-call]
    assert float((dropped == 0).float().mean()) == pytest.approx(0.1, abs=0.001)
    assert float(dropped.detach().mean()) == pytest.approx(1, abs=0.002)
    torch.autograd.backward(dropped.sum())
    assert values.grad is not None
    assert torch.equal(values.grad, dropped.detach())
    # neighbours come from one draw of the generator and must not hang together
    pairs = (dropped.flatten()[:-1] == 0) & (dropped.flatten()[1:] == 0)
    assert float(pairs.float().mean()) == pytest.approx(0.01, abs=0.0005)


def test_dropout_is_of_training_alone_and_follows_the_seed(tmp_path: Path) -> None:
    model, ids = made(tmp_path, "bert", hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3), pack(ids_of("bert"))
    unpadded = Unpadded.of(model)
    assert unpadded is not None
    quiet = unpadded(**ids)
    assert torch.equal(quiet, unpadded(**ids))
    model.train()
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(unpadded(**ids))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], quiet)
