from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model, tiny_tokenizer
from tests.training.test_finetune import SPACE, TRAIN, VALIDATION

from classifine.courses import frozen
from classifine.courses.frozen import FrozenEncoder, FrozenLogistic
from classifine.evaluation.thresholds import fitted as with_thresholds
from classifine.evaluation.validation import validation_metrics
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts

TEXTS = ("she is brilliant", "vote on sunday because every single voice counts", "the bank", "no " * 200)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_is_the_mean_of_its_last_hidden_states(family: str, tmp_path: Path) -> None:
    from transformers import AutoModel

    folder = tiny_model(tmp_path / "base", family)
    found = FrozenEncoder(folder, title="tiny", max_length=64).embed(TEXTS)
    stock = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    for text, row in zip(TEXTS, found, strict=True):
        ids = tiny_tokenizer(family)(text, return_tensors="pt", truncation=True, max_length=64)
        with torch.no_grad():
            wanted = stock(**ids).last_hidden_state[0].mean(0).numpy()
        assert np.abs(row - wanted).max() <= 1e-5


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> FrozenEncoder:
    return FrozenEncoder(tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert"), title="tiny")


def test_it_is_scikit_learns_regression_on_standardised_means(encoder: FrozenEncoder) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted, probabilities = FrozenLogistic.fit(TRAIN, VALIDATION, SPACE, encoder, seed=1)
    seen, held = encoder.embed(TRAIN.texts), encoder.embed(VALIDATION.texts)
    scores = {}
    for strength in (0.001, 0.01, 0.1, 1.0):
        regression = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=10_000)
        theirs = make_pipeline(StandardScaler(), regression).fit(seen, TRAIN.labels)
        value = f1_score(VALIDATION.labels, theirs.predict(held), average="macro")
        scores[strength] = value, theirs.predict_proba(held)
    chosen = max(scores.values(), key=lambda one: one[0])
    assert probabilities == pytest.approx(chosen[1], abs=2e-3)
    assert fitted.predict_proba(VALIDATION.texts) == pytest.approx(probabilities, abs=1e-6)
    assert fitted.title == "tiny + logistic regression"


def test_labels_without_a_training_text_have_probability_0_and_two_labels_are_enough(encoder: FrozenEncoder) -> None:
    two = TRAIN.take([row for row, label in enumerate(TRAIN.labels) if label != "no"])
    wide = LabelSpace(("aye", "no", "so", "yes"))
    fitted, probabilities = FrozenLogistic.fit(two, VALIDATION, wide, encoder, seed=1)
    assert (probabilities[:, :2] == 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(VALIDATION)))
    assert fitted.predict_proba([]).shape == (0, 4)


def test_it_comes_back_from_its_file(encoder: FrozenEncoder, tmp_path: Path) -> None:
    fitted, probabilities = FrozenLogistic.fit(TRAIN, VALIDATION, SPACE, encoder, seed=1)
    fitted.save(tmp_path / "frozen.safetensors")
    again = FrozenLogistic.load(tmp_path / "frozen.safetensors", SPACE, encoder)
    assert again.predict_proba(VALIDATION.texts) == pytest.approx(probabilities, abs=1e-12)


def test_of_very_many_texts_a_sample_is_fitted_and_that_is_said(
    encoder: FrozenEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "MOST_TEXTS", 30)
    fitted, probabilities = FrozenLogistic.fit(TRAIN, VALIDATION, SPACE, encoder, seed=1)
    again, _ = FrozenLogistic.fit(TRAIN, VALIDATION, SPACE, encoder, seed=1)
    assert fitted.reason == "fitted on 30 of 48 training texts"
    assert again.predict_proba(VALIDATION.texts).tolist() == fitted.predict_proba(VALIDATION.texts).tolist()
    assert probabilities.shape == (len(VALIDATION), 3)


def test_the_random_states_are_left_alone(encoder: FrozenEncoder) -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    FrozenEncoder(Path(encoder.backend.model.config._name_or_path), title="tiny")
    assert torch.equal(torch.rand(1), expected)


SEVERAL = LabelSpace(("never", "no", "so", "yes"), separator="|")


def of_several(table: LabelledTexts) -> LabelledTexts:
    """The same texts, some of them with a second label, some with none."""
    cells = [
        f"{label}|so" if row % 3 == 0 else "" if row % 11 == 5 else label for row, label in enumerate(table.labels)
    ]
    return replace(table, labels=tuple(cells))


def test_of_several_labels_each_has_a_regression_as_in_scikit_learns_one_versus_rest(
    encoder: FrozenEncoder, tmp_path: Path
) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, validation = of_several(TRAIN), of_several(VALIDATION)
    fitted, probabilities = FrozenLogistic.fit(train, validation, SEVERAL, encoder, seed=1)
    truth = SEVERAL.indicator(validation.labels)
    seen, held = encoder.embed(train.texts), encoder.embed(validation.texts)
    scores = {}
    for strength in (0.001, 0.01, 0.1, 1.0):
        regression = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=10_000)
        theirs = make_pipeline(StandardScaler(), OneVsRestClassifier(regression))
        given = np.zeros((len(held), 4))
        given[:, 1:] = theirs.fit(seen, SEVERAL.indicator(train.labels)[:, 1:]).predict_proba(held)
        scores[strength] = validation_metrics(given, truth, SEVERAL)["macro_f1"], given
    chosen = max(scores.values(), key=lambda one: one[0])
    assert probabilities == pytest.approx(chosen[1], abs=2e-3)
    assert not probabilities[:, 0].any()
    assert fitted.space.thresholds == with_thresholds(SEVERAL, probabilities, validation.labels).thresholds
    fitted.save(tmp_path / "frozen.safetensors")
    again = FrozenLogistic.load(tmp_path / "frozen.safetensors", SEVERAL, encoder)
    assert again.space == fitted.space
    assert again.predict_proba(validation.texts) == pytest.approx(probabilities, abs=1e-6)


def test_a_label_that_all_texts_have_is_sure(encoder: FrozenEncoder) -> None:
    table = replace(TRAIN, labels=tuple("so" if row % 2 else "so|yes" for row in range(len(TRAIN))))
    _, probabilities = FrozenLogistic.fit(table, table, SEVERAL, encoder, seed=1)
    assert (probabilities[:, 2] == 1).all()
    assert (probabilities[:, :2] == 0).all()
