from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

from classifine.errors import ModelUnavailable
from classifine.model.tokens import (
    CHARACTERS_PER_TOKEN,
    DEFAULT_MAX_LENGTH,
    TokenCounter,
    batches,
    counter_of,
    encode,
    pad,
)
from classifine.settings import ModelSettings

TEXTS = ["the bank raised its rate", "a", "please sign the petition today " * 40, "Straße 👩‍👩‍👧 wählen"]


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_are_the_tokenizers_own_and_cuts_are_counted(family: str) -> None:
    tokenizer = tiny_tokenizer(family)
    encoded = encode(tokenizer, TEXTS, max_length=16)
    expected = tokenizer(TEXTS, truncation=True, max_length=16)["input_ids"]
    assert [one.tolist() for one in encoded.ids] == expected
    assert encoded.cut == sum(len(one) > 16 for one in tokenizer(TEXTS)["input_ids"])


def test_a_text_of_exactly_the_limit_is_not_cut() -> None:
    tokenizer = tiny_tokenizer("bert")
    tokens = len(tokenizer(TEXTS[0])["input_ids"])
    assert encode(tokenizer, [TEXTS[0]], max_length=tokens).cut == 0
    assert encode(tokenizer, [TEXTS[0]], max_length=tokens - 1).cut == 1


def test_a_giant_text_costs_no_more_than_its_first_characters() -> None:
    tokenizer = tiny_tokenizer("bert")
    short, giant = "vote " * 500, "vote " * 2_000_000
    started = time.process_time()
    encoded = encode(tokenizer, [giant], max_length=128)
    assert time.process_time() - started < 1.0
    assert encoded.cut == 1
    assert encoded.ids[0].tolist() == encode(tokenizer, [short], max_length=128).ids[0].tolist()
    assert len(short) > 128 * CHARACTERS_PER_TOKEN


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    tokenizer = tiny_tokenizer("bert")
    assert encode(tokenizer, ["vote \ud83d"], max_length=16).ids[0].tolist() == tokenizer("vote \ufffd")["input_ids"]


@given(st.lists(st.integers(1, 90), max_size=80), st.integers(1, 200), st.integers(1, 20))
def test_each_text_is_in_one_batch_within_both_budgets(lengths: list[int], tokens: int, texts: int) -> None:
    sizes = np.array(lengths, dtype=np.int64)
    groups = batches(sizes, tokens=tokens, texts=texts)
    assert sorted(int(i) for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) <= texts
        assert len(group) == 1 or len(group) * sizes[group].max() <= tokens


def test_padding_is_masked() -> None:
    padded = pad([np.array([5, 6, 7], dtype=np.int32), np.array([8], dtype=np.int32)], pad_id=1)
    assert padded["input_ids"].tolist() == [[5, 6, 7], [8, 1, 1]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("text", [" " * 9000 + "please vote", ("x" * 130 + " ") * 60 + "please vote today"])
def test_characters_that_make_no_tokens_hide_no_text(text: str) -> None:
    tokenizer = tiny_tokenizer("bert")
    encoded = encode(tokenizer, [text], max_length=64)
    expected = tokenizer([text], truncation=True, max_length=64)["input_ids"]
    assert [one.tolist() for one in encoded.ids] == expected
    assert encoded.cut == (len(tokenizer(text)["input_ids"]) > 64)


@pytest.mark.parametrize("family", FAMILIES)
def test_counted_tokens_are_those_the_model_would_read_uncut(family: str, tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer(family)
    tokenizer.save_pretrained(tmp_path)
    counter = TokenCounter(tmp_path, max_length=16)
    texts = [*TEXTS, "", "vote \ud83d", "word " * 400]
    mended = [text.replace("\ud83d", "\ufffd") for text in texts]
    assert counter(texts) == [len(one) for one in tokenizer(mended)["input_ids"]]
    assert (counter.max_length, counter.name) == (16, tmp_path.name)
    assert max(counter(texts)) > 400


def test_a_giant_text_is_counted_in_pieces(tmp_path: Path) -> None:
    tiny_tokenizer("bert").save_pretrained(tmp_path)
    counter = TokenCounter(tmp_path, max_length=16)
    one, giant = counter(["vote " * 20_000, "vote " * 60_000])
    assert giant - 2 == 3 * (one - 2)


def test_a_folder_without_a_tokenizer_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="the tokenizer of the base model"):
        TokenCounter(tmp_path, max_length=16)


def test_the_counter_of_a_base_model_knows_how_much_of_a_text_is_read(tmp_path: Path) -> None:
    model = str(tiny_model(tmp_path / "bert", "bert"))
    found = [counter_of(ModelSettings(model, max_length)) for max_length in (None, 24)]
    assert [counter.max_length for counter in found if counter] == [DEFAULT_MAX_LENGTH, 24]
    (tmp_path / "bert" / "tokenizer.json").rename(tmp_path / "bert" / "vocab.txt")
    assert counter_of(ModelSettings(model)) is None


def test_counting_loads_neither_torch_nor_transformers() -> None:
    told = "import sys, classifine.model.tokens; print({'torch', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout.strip() == "set()"
