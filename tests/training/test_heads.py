from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from tests.tiny_models import FAMILIES, tiny_model
from tests.training.test_exactness import KINDS, ONE_STEP
from tests.training.test_finetune import texts_about, tuned

from classifine.labels import LabelSpace
from classifine.model.tokens import Encoded
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import LongTexts
from classifine.training.heads import _DECAY, begin_at_shares, begin_fitted, last_layer
from classifine.training.losses import BinaryCriterion, Criterion

SPACE = LabelSpace(("often", "rare", "never"), separator="|")
TARGETS = np.array([[1.0, 0.0, 0.0]] * 75 + [[0.0, 1.0, 0.0]] + [[0.0, 0.0, 0.0]] * 23)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_begins_at_the_shares_of_the_labels(family: str, tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / "base", family), space=SPACE)
    texts = ["the bank raised its rate", "please sign the petition"]
    before = backend.probabilities(backend.encode(texts))
    begin_at_shares(backend.model, TARGETS)
    after = backend.probabilities(backend.encode(texts))
    odds = np.log(after / (1 - after)) - np.log(before / (1 - before))
    shares = np.array([75.5, 1.5, 0.5]) / 100
    np.testing.assert_allclose(odds, np.tile(np.log(shares / (1 - shares)), (2, 1)), atol=1e-4)


# ---------------------------------------------------------------- fitted on the base model


def features(backend: TorchBackend, texts: list[str]) -> npt.NDArray[Any]:
    """What the last layer sees, by the stock class and one text at a time."""
    seen: list[Any] = []
    model = backend.model
    layer = last_layer(model, model.config.num_labels)
    assert layer is not None
    hook = layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().numpy().copy()))
    model.eval()
    for text in texts:
        model(**backend.tokenizer(text, return_tensors="pt"))
    hook.remove()
    return np.concatenate(seen)


def logits(backend: TorchBackend, texts: list[str]) -> npt.NDArray[Any]:
    with torch.no_grad():
        return np.concatenate([backend.model(**backend.tokenizer(t, return_tensors="pt")).logits for t in texts])


def sklearn_logits(seen: npt.NDArray[Any], ids: Any) -> npt.NDArray[Any]:
    """Logistic regression with the same penalty: scikit-learn's C divides it by the number of rows."""
    standard = (seen - seen.mean(0)) / np.maximum(seen.std(0), 1e-6)
    strength = 1 / (_DECAY * len(seen))
    fit = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(standard, ids)
    return np.asarray(fit.decision_function(standard))


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "deberta"])
def test_a_fitted_head_is_logistic_regression_on_what_it_sees(tmp_path: Path, family: str) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / family, family), space=LabelSpace(("a", "b", "c")))
    ids = np.array([0, 1, 2] * 20)
    texts = [f"{('bank', 'women', 'vote')[ids[i]]} {i} the {'one two three'[: i % 12]}" for i in range(60)]
    begin_fitted(backend, backend.encode(texts), torch.from_numpy(ids), Criterion(torch.ones(3)), torch.float32)
    found = logits(backend, texts)
    expected = sklearn_logits(features(backend, texts), ids)
    np.testing.assert_allclose(
        found - found.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=0.01
    )


def test_with_several_labels_each_is_a_regression_of_its_own(tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / "bert", "bert"), space=SPACE)
    given = np.stack([np.arange(60) % 2 == 0, np.arange(60) % 5 == 0, np.arange(60) % 3 == 0], axis=1)
    texts = [f"{'bank' if a else 'women'} {'vote' if b else 'film'} {i}" for i, (a, b, _) in enumerate(given)]
    loss = BinaryCriterion(torch.ones(3))
    begin_fitted(backend, backend.encode(texts), torch.from_numpy(given).float(), loss, torch.float32)
    # the mean over labels makes each label's penalty count as many times as there are labels
    seen, rows = features(backend, texts), len(texts)
    standard = (seen - seen.mean(0)) / np.maximum(seen.std(0), 1e-6)
    for label in range(3):
        strength = 1 / (3 * _DECAY * rows)
        fit = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(standard, given[:, label])
        np.testing.assert_allclose(logits(backend, texts)[:, label], fit.decision_function(standard), atol=0.01)


def test_of_a_text_in_windows_the_head_is_fitted_on_the_mean(tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / "bert", "bert"), space=LabelSpace(("a", "b")))
    backend.max_length, backend.long = 8, LongTexts("windows", stride=0)
    layer = last_layer(backend.model, 2)
    assert layer is not None
    short, long = "bank women vote", "bank women vote film music she he it one two"
    encoded = backend.encode([short, long])
    found = backend.inputs_of(layer, encoded)
    alone = backend.inputs_of(layer, Encoded(encoded.ids, 0))
    torch.testing.assert_close(found, torch.stack([alone[0], alone[1:].mean(0)]))
    torch.testing.assert_close(backend.inputs_of(layer, encoded.take([1])), found[1:])


def test_the_rest_of_the_model_stays_as_it_is_and_no_random_number_is_drawn(tmp_path: Path) -> None:
    backend = TorchBackend.load(tiny_model(tmp_path / "bert", "bert"), space=LabelSpace(("a", "b")))
    before = {name: tensor.clone() for name, tensor in backend.model.state_dict().items()}
    torch.manual_seed(3)
    begin_fitted(
        backend,
        backend.encode(["bank", "women"] * 4),
        torch.tensor([0, 1] * 4),
        Criterion(torch.ones(2)),
        torch.bfloat16,
    )
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert drawn == torch.rand(1)
    changed = {name for name, tensor in backend.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_loss_is_smaller_from_the_start(kind: str, tmp_path: Path) -> None:
    train = texts_about(24)
    votes = tuple({label: 0.75, "yes" if label == "no" else "no": 0.25} for label in train.labels)
    common = {**ONE_STEP, "learning_rate": 1e-30, **KINDS[kind]}
    bert = tiny_model(tmp_path / "base", "bert")
    drawn, fitted = (
        tuned(bert, replace(train, soft=votes), fitted_head=head, **common).history["epochs"][0]["train_loss"]
        for head in (False, True)
    )
    assert fitted < 0.95 * drawn
