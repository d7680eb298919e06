from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

from classifine.errors import ModelUnavailable
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.tokens import TokenIds, encode
from classifine.model.torch_backend import LONG_TEXTS_KEY, TorchBackend
from classifine.model.windows import HEAD, LongTexts, pooled

WINDOWS = LongTexts("windows", stride=4, max_windows=40)
SHORT = "the bank raised its rate"
LONG = "the bank raised its rate and please sign the petition today " * 9 + "vote on sunday"
TEXTS = [LONG, SHORT, "a", "men are not better drivers than women " * 5]


def made(folder: Path, family: str = "bert", long: LongTexts = WINDOWS) -> Classifier:
    space = LabelSpace.of(("no", "yes", "so"))
    backend = TorchBackend.load(tiny_model(folder, family), space=space)
    backend.max_length, backend.long = 16, long
    return Classifier(backend, space)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_are_those_of_the_tokenizer_but_the_last_one_is_full(family: str) -> None:
    tokenizer: Any = tiny_tokenizer(family)
    encoded = encode(tokenizer, TEXTS, max_length=16, long=WINDOWS)
    for place, text in enumerate(TEXTS):
        theirs = tokenizer(text, truncation=True, max_length=16, stride=4, return_overflowing_tokens=True)["input_ids"]
        ours = [window.tolist() for window in encoded.of_text(place)]
        if isinstance(theirs[0], int):
            theirs = [theirs]
        assert ours[:-1] == theirs[:-1]
        whole = tokenizer(text)["input_ids"]
        assert ours[-1] == (whole if len(whole) <= 16 else [whole[0], *whole[-15:]])
    assert encoded.cut == 0
    assert len(encoded) == len(TEXTS)
    assert encoded.lengths.tolist() == [sum(map(len, encoded.of_text(place))) for place in range(len(TEXTS))]


@pytest.mark.parametrize("family", FAMILIES)
def test_beginning_and_end_stand_between_the_special_tokens(family: str) -> None:
    tokenizer: Any = tiny_tokenizer(family)
    encoded = encode(tokenizer, TEXTS, max_length=18, long=LongTexts("head+tail"))
    for text, ids in zip(TEXTS, encoded.ids, strict=True):
        own = tokenizer(text, add_special_tokens=False)["input_ids"]
        first, last = tokenizer(text)["input_ids"][0], tokenizer(text)["input_ids"][-1]
        kept = own if len(own) <= 16 else own[:4] + own[-12:]
        assert ids.tolist() == [first, *kept, last]
    assert encoded.cut == sum(len(tokenizer(text)["input_ids"]) > 18 for text in TEXTS)


@given(tokens=st.integers(1, 200), room=st.integers(1, 20), share=st.floats(0, 0.9), most=st.integers(1, 30))
def test_each_token_is_read_unless_windows_run_out(tokens: int, room: int, share: float, most: int) -> None:
    stride = int((room - 1) * share)
    ids = [-1, *range(tokens), -2]
    pieces, cut = LongTexts("windows", stride, most).pieces(ids, room + 2, before=1, after=1)
    contents = [piece[1:-1] for piece in pieces]
    assert all((piece[0], piece[-1]) == (-1, -2) for piece in pieces)
    read = sorted({token for content in contents for token in content})
    assert read == list(range(len(read)))
    assert cut == (len(read) < tokens)
    assert len(pieces) <= most
    assert not cut or len(pieces) == most
    if len(pieces) > 1:
        assert {len(content) for content in contents} == {room}
        shared = [len(set(one) & set(two)) for one, two in pairwise(contents)]
        assert set(shared[:-1]) <= {stride}
        assert stride <= shared[-1] < room


def test_windows_beyond_the_most_are_cut_and_counted() -> None:
    tokenizer = tiny_tokenizer("bert")
    whole = encode(tokenizer, TEXTS, max_length=16, long=WINDOWS)
    some = encode(tokenizer, TEXTS, max_length=16, long=LongTexts("windows", stride=4, max_windows=2))
    assert some.windows is not None
    assert some.windows.tolist() == [2, 1, 1, 2]
    assert some.cut == 2
    assert [one.tolist() for one in some.of_text(0)] == [one.tolist() for one in whole.of_text(0)][:2]


def test_the_ends_of_a_giant_text_cost_no_more_than_their_characters() -> None:
    tokenizer: Any = tiny_tokenizer("bert")
    giant = "vote " * 1_000_000 + "please sign the petition today"
    started = time.process_time()
    for long in (LongTexts("head+tail"), LongTexts("windows", stride=0, max_windows=3)):
        assert encode(tokenizer, [giant], max_length=128, long=long).cut == 1
    assert time.process_time() - started < 1.0
    found = encode(tokenizer, [giant], max_length=128, long=LongTexts("head+tail")).ids[0].tolist()
    assert found == encode(tokenizer, [giant[-4000:]], max_length=128, long=LongTexts("head+tail")).ids[0].tolist()
    assert tokenizer.decode(found).endswith("please sign the petition today [SEP]")


def test_blanks_at_the_end_hide_no_text() -> None:
    tokenizer: Any = tiny_tokenizer("bert")
    text = LONG + " " * 20_000
    for long in (LongTexts("head+tail"), WINDOWS):
        blank, plain = (encode(tokenizer, [one], max_length=16, long=long) for one in (text, LONG))
        assert [one.tolist() for one in blank.ids] == [one.tolist() for one in plain.ids]


def test_the_mean_is_over_the_windows_of_each_text() -> None:
    logits = torch.randn(6, 3, dtype=torch.float64)
    found = pooled(logits, torch.tensor([1, 3, 2]))
    expected = torch.stack([logits[0], logits[1:4].mean(0), logits[4:].mean(0)])
    assert torch.allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_the_mean_over_windows_and_company_changes_nothing(family: str, tmp_path: Path) -> None:
    classifier = made(tmp_path, family)
    backend: Any = classifier.backend
    expected = []
    for place in range(len(TEXTS)):
        windows = backend.encode(TEXTS).of_text(place)
        with torch.no_grad():
            logits = [backend.model(torch.from_numpy(window.astype(np.int64))[None]).logits for window in windows]
        expected.append(torch.softmax(torch.cat(logits).mean(0), -1).numpy())
    assert np.abs(classifier.predict_proba(TEXTS) - np.vstack(expected)).max() <= 1e-5
    alone = np.vstack([classifier.predict_proba([text]) for text in TEXTS])
    assert np.abs(classifier.predict_proba(TEXTS) - alone).max() <= 1e-5


@pytest.mark.parametrize("long", [WINDOWS, LongTexts("head+tail")], ids=lambda long: long.way)
def test_the_way_is_saved_beside_the_model_and_honoured(long: LongTexts, tmp_path: Path) -> None:
    classifier = made(tmp_path / "base", long=long)
    # only the short ones can be, and are, compared with transformers
    classifier.save(tmp_path / "model", probe=TEXTS)
    again = Classifier.load(tmp_path / "model")
    assert again.backend.long == long
    assert np.abs(again.predict_proba(TEXTS) - classifier.predict_proba(TEXTS)).max() <= 1e-6
    head = made(tmp_path / "base", long=HEAD)
    assert np.abs(head.predict_proba(TEXTS) - classifier.predict_proba(TEXTS)).max() > 1e-4
    again.backend.long = HEAD
    again.save(tmp_path / "other", probe=TEXTS)
    assert LONG_TEXTS_KEY not in json.loads((tmp_path / "other" / "config.json").read_text())


def test_transformers_must_agree_even_where_all_texts_are_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = made(tmp_path / "base")
    assert classifier.backend.within_one_window(TEXTS) == [SHORT, "a"]
    assert classifier.backend.within_one_window([LONG]) == [LONG[:4]]
    monkeypatch.setattr(TorchBackend, "probabilities", lambda self, encoded: np.full((len(encoded), 3), 1 / 3))
    with pytest.raises(RuntimeError, match="differs"):
        classifier.save(tmp_path / "model", probe=[LONG])


def test_a_new_head_reads_as_the_run_says_and_not_as_the_old_one_did(tmp_path: Path) -> None:
    made(tmp_path / "base").save(tmp_path / "model")
    assert TorchBackend.load(tmp_path / "model", space=LabelSpace(("a", "b"))).long == HEAD


@pytest.mark.parametrize(
    "value", ["windows", {"way": "tail"}, {"way": "windows", "stride": "4"}, {"way": "windows", "size": 4}]
)
def test_what_does_not_say_how_is_refused(value: object, tmp_path: Path) -> None:
    made(tmp_path / "base").save(tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), LONG_TEXTS_KEY: value}))
    with pytest.raises(ModelUnavailable, match="how long texts are read"):
        Classifier.load(tmp_path / "model")


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=9))
def test_token_ids_are_those_that_came_in(vectors: list[list[int]]) -> None:
    found = TokenIds.joined([TokenIds.of(vectors[:3]), TokenIds.of(vectors[3:])])
    assert [one.tolist() for one in found] == vectors
    assert [one.tolist() for one in found[1:3]] == vectors[1:3]
    assert found.lengths.tolist() == [len(one) for one in vectors]
