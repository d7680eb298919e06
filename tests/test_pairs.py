from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer

import classifine
from classifine.cli.main import classifine as command
from classifine.errors import RowsProblem, SettingsProblem, UsageError
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.tokens import pack, pad, pad_id_of
from classifine.model.torch_backend import TorchBackend
from classifine.model.unpadded import Unpadded
from classifine.pairs import MARK, all_pairs, joined, parted
from classifine.training.batching import Collator, EncodedRows, collate_unpadded

SPACE = LabelSpace(("contradiction", "entailment", "neutral"))
FIRST = ["the bank raised its rate", "she is brilliant", "vote on sunday because every voice counts " * 4, "no"]
SECOND = ["rates rose", "men are not better " * 9, "please sign the petition today " * 3, "yes"]
PAIRS = list(map(joined, FIRST, SECOND))


def made(folder: Path, family: str = "bert", max_length: int = 32) -> Classifier:
    backend = TorchBackend.load(tiny_model(folder, family), space=SPACE)
    backend.max_length, backend.pairs = max_length, True
    return Classifier(backend, SPACE)


@given(st.text().filter(lambda text: MARK not in text), st.text().filter(lambda text: MARK not in text))
def test_what_was_put_together_comes_apart_as_it_was(text: str, second: str) -> None:
    assert parted(joined(text, second)) == (text, second)
    assert all_pairs([joined(text, second)])
    assert not all_pairs([joined(text, second), text])
    assert not all_pairs([])


@pytest.mark.parametrize("family", FAMILIES)
def test_pairs_are_tokenised_and_cut_as_the_tokenizer_does(family: str, tmp_path: Path) -> None:
    classifier, tokenizer = made(tmp_path, family), tiny_tokenizer(family)
    encoded = classifier.backend.encode(PAIRS)
    theirs: Any = tokenizer(FIRST, SECOND, truncation=True, max_length=32)
    assert [ids.tolist() for ids in encoded.ids] == theirs["input_ids"]
    assert encoded.cut == sum(len(ids) > 32 for ids in tokenizer(FIRST, SECOND)["input_ids"])
    if family in ("bert", "electra"):
        assert encoded.types is not None
        assert [kinds.tolist() for kinds in encoded.types] == theirs["token_type_ids"]
        assert {1} < set(np.concatenate(list(encoded.types)).tolist())
    else:
        assert encoded.types is None


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_the_stock_model_and_of_the_pair_alone(family: str, tmp_path: Path) -> None:
    classifier = made(tmp_path / "base", family)
    # raises when transformers' pipeline of text and text_pair differs by more than 1e-6
    classifier.save(tmp_path / "model", probe=PAIRS)
    again = Classifier.load(tmp_path / "model")
    assert again.backend.pairs
    together = again.predict(FIRST, pairs=SECOND).probabilities
    assert np.abs(together - classifier.predict_proba(PAIRS)).max() <= 1e-6
    assert np.abs(together - np.vstack([again.predict_proba([pair]) for pair in PAIRS])).max() <= 1e-5
    swapped = again.predict(SECOND, pairs=FIRST).probabilities
    assert np.abs(together - swapped).max() > 1e-4


@pytest.mark.parametrize("family", ["bert", "electra"])
def test_real_tokens_only_gives_the_same_logits_and_gradients_of_token_types(family: str, tmp_path: Path) -> None:
    classifier = made(tmp_path, family)
    model: Any = classifier.backend.model.eval()
    rows = EncodedRows(classifier.backend.encode(PAIRS), np.array([0, 1, 2, 0]))
    batch = [rows[place] for place in range(4)]
    padded, packed = Collator(pad_id_of(classifier.backend.tokenizer))(batch), collate_unpadded(batch)
    unpadded = Unpadded.of(model)
    assert unpadded is not None
    found, gradients = [], []
    for forward, inputs in ((lambda **given: model(**given).logits, padded), (unpadded, packed)):
        logits = forward(**{name: tensor for name, tensor in inputs.items() if name != "labels"})
        model.zero_grad()
        torch.autograd.backward(logits.square().sum())
        found.append(logits.detach())
        gradients.append(getattr(model, family).embeddings.token_type_embeddings.weight.grad.clone())
    assert float((found[0] - found[1]).abs().max()) <= 1e-5
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) <= 1e-4
    assert bool((gradients[0][1] != 0).any())


def test_giant_texts_of_a_pair_are_cut_in_characters_first(tmp_path: Path) -> None:
    backend: Any = made(tmp_path).backend
    giant = joined("vote " * 400_000, "the bank raised " * 100_000)
    short = joined("vote " * 400, "the bank raised " * 100)
    assert backend.encode([giant]).ids[0].tolist() == backend.encode([short]).ids[0].tolist()
    blanks = joined("vote" + " " * 9000 + "today", "no")
    assert backend.encode([blanks]).ids[0].tolist() == backend.tokenizer("vote today", "no")["input_ids"]
    assert backend.encode([blanks]).cut == 0


def test_a_missing_second_text_is_said(tmp_path: Path) -> None:
    classifier = made(tmp_path)
    with pytest.raises(UsageError, match="second text is missing"):
        classifier.predict(FIRST)
    with pytest.raises(UsageError, match="do not match"):
        classifier.predict(FIRST, pairs=SECOND[:2])
    assert classifier.predict(["no", "yes"], pairs=["yes", " "]).status == ("ok", "blank")
    classifier.backend.pairs = False
    with pytest.raises(UsageError, match="single texts"):
        classifier.predict(FIRST, pairs=SECOND)


def rows_of(n: int) -> dict[str, list[str]]:
    words = ("rate", "petition", "weather", "coffee", "market", "friends", "board", "train", "hospital", "school")
    others = ("one", "two", "three", "four", "five", "six", "seven")
    found: dict[str, list[str]] = {"premise": [], "hypothesis": [], "label": []}
    for i in range(n):
        one, two = words[i % 10], words[(i if i % 2 else i + 3) % 10]
        found["premise"].append(f"{one} {others[i % 7]} {words[i // 10 % 10]} {i * 7919}")
        found["hypothesis"].append(f"{two} {others[i // 7 % 7]} {i * 104729}")
        found["label"].append("same" if i % 2 else "other")
    return found


def test_the_pair_is_read_as_one_unit_and_blank_ones_are_left_out() -> None:
    rows = rows_of(40)
    rows["hypothesis"][3] = " "
    table = classifine.read(rows, text="premise", text_pair="hypothesis")
    assert len(table) == 39
    assert parted(table.texts[0]) == (rows["premise"][0], rows["hypothesis"][0])
    rows["premise"][5] += MARK
    with pytest.raises(RowsProblem, match="stands between the two texts"):
        classifine.read(rows, text="premise", text_pair="hypothesis")


def test_a_run_on_pairs_from_file_to_prediction(tmp_path: Path) -> None:
    rows = rows_of(60)
    lines = [json.dumps(dict(zip(rows, cells, strict=True))) for cells in zip(*rows.values(), strict=True)]
    data = tmp_path / "pairs.jsonl"
    data.write_text("\n".join(lines), "utf-8")
    base = tiny_model(tmp_path / "base", "bert")
    run = tmp_path / "run"
    columns = ["--text", "premise", "--text-pair", "hypothesis"]
    told = [*columns, "--model", str(base), "--out", str(run), "--set", "num_train_epochs=1"]

    def do(*words: str) -> str:
        found = CliRunner().invoke(command, list(words))
        assert found.exit_code == 0, found.output
        return found.output

    do("train", str(data), *told)
    classifier = classifine.load(run)
    assert classifier.backend.pairs
    do("predict", str(run), str(data), "-o", str(tmp_path / "out.jsonl"))
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    expected = classifier.predict(rows["premise"], pairs=rows["hypothesis"])
    assert [row["predicted_label"] for row in out] == list(expected.predicted)
    assert "%" in do("predict", str(run), "--one", "rate one", "--pair", "rate two")
    lonely = CliRunner().invoke(command, ["predict", str(run), "--one", "rate one"])
    assert "second text is missing" in f"{lonely.output}{lonely.exception}"


def test_windows_are_for_single_texts(tmp_path: Path) -> None:
    table = classifine.read(rows_of(60), text="premise", text_pair="hypothesis")
    base = str(tiny_model(tmp_path / "base", "bert"))
    with pytest.raises(SettingsProblem, match="reads single texts"):
        classifine.train(classifine.split(table), model=base, long_texts="windows")


def test_padding_of_token_types_is_of_the_first_type() -> None:
    ids = [np.array([5, 6, 7], dtype=np.int32), np.array([8], dtype=np.int32)]
    types = [np.array([0, 1, 1], dtype=np.int32), np.array([1], dtype=np.int32)]
    assert pad(ids, 9, types)["token_type_ids"].tolist() == [[0, 1, 1], [1, 0, 0]]
    assert pack(ids, types)["token_type_ids"].tolist() == [0, 1, 1, 1]
