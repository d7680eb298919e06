from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_models import tiny_model
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

from classifine.errors import ModelUnavailable, UsageError
from classifine.model.masked import fill_mask


def with_head(folder: Path, family: str) -> Path:
    """Give a tiny encoder a head that fills gaps; its weights are random, and its own."""
    tiny_model(folder, family)
    torch.manual_seed(3)
    model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(folder))  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_the_most_probable_words_are_those_of_the_model(tmp_path: Path, family: str) -> None:
    folder = with_head(tmp_path, family)
    found = fill_mask(folder, "the [MASK] raised its rate", top=3)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    ids = tokenizer(f"the {tokenizer.mask_token} raised its rate", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = torch.softmax(model(ids).logits[0, int((ids[0] == tokenizer.mask_token_id).nonzero()[0])], -1)
    best = expected.topk(3)
    assert [one.probability for one in found] == pytest.approx(best.values.tolist(), abs=1e-6)
    assert [one.word for one in found] == [str(tokenizer.decode([token])).strip() for token in best.indices.tolist()]
    assert found[0].text == f"the {found[0].word} raised its rate"


def test_an_encoder_without_a_head_is_refused_and_a_classifier_too(tmp_path: Path) -> None:
    for folder in (tiny_model(tmp_path / "bare", "bert"), tiny_model(tmp_path / "tuned", "bert", ["no", "yes"])):
        with pytest.raises(ModelUnavailable, match="no head that fills gaps") as caught:
            fill_mask(folder, "the [MASK] raised its rate")
        assert "bert-base-cased" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [("no gap", "no gap"), ("[MASK] and [MASK]", "2 gaps"), ("", "no gap"), ("[MASK]" + " a" * 600, "tokens")],
)
def test_a_text_needs_exactly_one_gap(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fill_mask(with_head(tmp_path, "bert"), text)
