"""A tokenizer without transformers reads texts as one with it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_models import tiny_model
from transformers import AutoTokenizer

from classifine.errors import ModelUnavailable
from classifine.model.fast_tokenizer import FastTokenizer
from classifine.model.pairing import encode_pairs
from classifine.model.tokens import encode
from classifine.model.windows import HEAD, LongTexts
from classifine.pairs import joined

TEXTS = [
    "she is brilliant",
    "",
    "straße \ud83d",
    "the coffee tastes good " * 40,
    "é ☕ 测试 " * 9,
    "[PAD] <pad> </s>",
    "a" * 5000,
]
FAMILIES = ("bert", "roberta", "xlm-r", "camembert", "mpnet")
WAYS = (HEAD, LongTexts("head+tail"), LongTexts("windows", stride=3, max_windows=4))


@pytest.mark.parametrize("family", FAMILIES)
def test_token_ids_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    theirs: Any = AutoTokenizer.from_pretrained(tiny_model(tmp_path, family, ["a", "b"]))
    ours: Any = FastTokenizer.read(tmp_path / "tokenizer.json")
    for long in WAYS:
        found, expected = (encode(one, TEXTS, max_length=24, long=long) for one in (ours, theirs))
        assert [[*one] for one in found.ids] == [[*one] for one in expected.ids]
        assert found.cut == expected.cut > 0
    pairs = [joined(one.replace("\ud83d", ""), two) for one, two in zip(TEXTS, reversed(TEXTS), strict=True)]
    found, expected = (encode_pairs(one, pairs, max_length=24, types=True) for one in (ours, theirs))
    assert [[*one] for one in found.ids] == [[*one] for one in expected.ids]
    assert [[*one] for one in found.types or ()] == [[*one] for one in expected.types or ()]
    assert found.types


def test_texts_may_be_cut_on_the_left(tmp_path: Path) -> None:
    theirs: Any = AutoTokenizer.from_pretrained(tiny_model(tmp_path, "bert"), truncation_side="left")
    ours = FastTokenizer.read(tmp_path / "tokenizer.json", cut_side="left")
    text = "the coffee tastes good no yes one two three"
    assert (
        ours([text], truncation=True, max_length=6)["input_ids"]
        == theirs([text], truncation=True, max_length=6)["input_ids"]
    )


def test_threads_do_not_meet_each_others_lengths(tmp_path: Path) -> None:
    tokenizer = FastTokenizer.read(tiny_model(tmp_path, "bert") / "tokenizer.json")
    wrong: list[int] = []

    def cut(length: int) -> None:
        for _ in range(60):
            found = tokenizer(["the coffee tastes good " * 20], truncation=True, max_length=length)
            wrong.extend(len(ids) for ids in found["input_ids"] if len(ids) != length)

    workers = [threading.Thread(target=cut, args=(length,)) for length in (5, 9, 17, 33)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


@pytest.mark.parametrize("content", [None, "", "{}", "no json", '{"version": "1.0"}'])
def test_what_is_no_tokenizer_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content, "utf-8")
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json cannot be read"):
        FastTokenizer.read(tmp_path / "tokenizer.json")
