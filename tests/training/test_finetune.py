from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model

from classifine.errors import SettingsProblem, TrainingFailed
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training.finetune import FineTuned, finetune

EXACT = {"bf16": False, "dropout": 0.0, "learning_rate": 1e-3, "evaluations_per_epoch": 1}


def texts_about(n: int, *, start: int = 0) -> LabelledTexts:
    """Texts whose label a word gives away, of different lengths."""
    words = {"no": "the bank raised its rate", "yes": "please sign the petition today", "so": "the weather is lovely"}
    labels = tuple(("no", "yes", "so")[i % 3] for i in range(start, start + n))
    texts = tuple(f"{words[label]} {'again and ' * (i % 7)}{i}" for i, label in enumerate(labels, start))
    return LabelledTexts(tuple(f"i{i}" for i in range(start, start + n)), texts, labels, tuple(range(start, start + n)))


TRAIN, VALIDATION = texts_about(48), texts_about(15, start=48)
SPACE = LabelSpace.of(TRAIN.labels)


def tuned(folder: Path, train: LabelledTexts = TRAIN, seed: int = 7, **settings: Any) -> FineTuned:
    chosen = Settings(seed=seed).with_names({**EXACT, "num_train_epochs": 1, "model": str(folder), **settings})
    return finetune(train, VALIDATION, SPACE, resolve(str(folder)), chosen, scratch=folder.parent / "scratch")


def weights_of(result: FineTuned) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in result.classifier.backend.model.parameters()])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_trains_and_its_folder_agrees_with_transformers(family: str, tmp_path: Path) -> None:
    result = tuned(tiny_model(tmp_path / "base", family), per_device_train_batch_size=8)
    one_by_one = np.vstack([result.classifier.predict_proba([text]) for text in VALIDATION.texts])
    together = result.classifier.predict_proba(VALIDATION.texts)
    assert np.abs(one_by_one - together).max() <= 1e-5
    # raises when transformers' pipeline differs by more than 1e-6
    result.classifier.save(tmp_path / "model", probe=VALIDATION.texts)
    again = Classifier.load(tmp_path / "model")
    assert again.space.names == SPACE.names
    assert np.abs(again.predict_proba(VALIDATION.texts) - together).max() <= 1e-6
    assert not [file.name for file in (tmp_path / "model").rglob("*") if file.suffix in {".bin", ".pkl", ".pt"}]


def test_the_logged_loss_is_the_mean_over_the_rows(bert: Path) -> None:
    result = tuned(bert, learning_rate=1e-30, per_device_train_batch_size=16)
    probabilities = result.classifier.predict_proba(TRAIN.texts)
    truth = SPACE.ids(TRAIN.labels)
    expected = -np.log(probabilities[np.arange(len(truth)), truth]).mean()
    assert result.history["epochs"][0]["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_seed_decides_every_bit(bert: Path) -> None:
    settings: dict[str, Any] = {"dropout": 0.1, "num_train_epochs": 2, "per_device_train_batch_size": 8}
    assert torch.equal(weights_of(tuned(bert, **settings)), weights_of(tuned(bert, **settings)))
    assert not torch.equal(weights_of(tuned(bert, **settings)), weights_of(tuned(bert, seed=8, **settings)))


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_improves(bert: Path) -> None:
    result = tuned(
        bert, num_train_epochs=60, early_stopping_patience=2, per_device_train_batch_size=8, learning_rate=5e-3
    )
    epochs, best = result.history["epochs"], result.history["best"]
    assert best["value"] == max(row["macro_f1"] for row in epochs)
    kept = [row for row in epochs if row["epoch"] == best["epoch"]]
    predicted = result.classifier.predict(VALIDATION.texts).predicted
    from sklearn.metrics import f1_score

    assert f1_score(VALIDATION.labels, predicted, average="macro") == pytest.approx(kept[0]["macro_f1"])
    assert result.history["stopped_early"]
    equal = [row for row in epochs if row["macro_f1"] == best["value"] == 1.0]
    assert kept[0]["validation_loss"] == min(row["validation_loss"] for row in equal)
    assert len(epochs) == epochs.index(equal[0]) + 1 + 2


def test_it_learns(bert: Path) -> None:
    result = tuned(bert, num_train_epochs=15, per_device_train_batch_size=8, learning_rate=5e-3)
    assert result.history["best"]["value"] > 0.9


def test_weights_stay_float32_under_bfloat16(bert: Path) -> None:
    result = tuned(bert, bf16=True)
    assert result.history["precision"] == "bf16"
    assert {p.dtype for p in result.classifier.backend.model.parameters()} == {torch.float32}
    single = result.classifier.predict_proba(VALIDATION.texts[:1])
    assert np.abs(single - result.classifier.predict_proba(VALIDATION.texts)[:1]).max() <= 1e-6


def test_a_half_precision_checkpoint_trains_in_float32(tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    folder = tiny_model(tmp_path / "base", "bert")
    AutoModelForSequenceClassification.from_pretrained(folder).half().save_pretrained(folder)
    result = tuned(folder)
    assert {p.dtype for p in result.classifier.backend.model.parameters()} == {torch.float32}


def test_long_texts_are_cut_and_counted(bert: Path) -> None:
    long = LabelledTexts(TRAIN.ids, tuple(t + " again" * 300 for t in TRAIN.texts), TRAIN.labels, TRAIN.rows)
    result = tuned(bert, long, max_length=16)
    assert result.history["max_length"] == 16
    assert result.history["truncation"]["train"] == {
        "texts": len(long),
        "cut": len(long),
        "windows": len(long),
    }


def test_nothing_is_left_of_the_checkpoints(bert: Path) -> None:
    tuned(bert)
    assert not (bert.parent / "scratch").exists()


def test_a_loss_that_is_no_number_is_named(bert: Path) -> None:
    with pytest.raises(TrainingFailed, match="loss"):
        tuned(bert, learning_rate=1e30, optim="sgd", max_grad_norm=0.0, warmup_steps=0.0, num_train_epochs=4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"warmup_steps": 500.0}, "the whole run has"),
        ({"metric_for_best_model": "macro_f2"}, "macro_f1"),
        ({"metric_for_best_model": "f1"}, "--positive"),
        ({"lr_scheduler_type": "linearr"}, "linearr"),
        ({"optim": "adamm"}, "adamm"),
        ({"fp16": True}, "GPU"),
        ({"max_length": 4096}, "reads at most 512"),
    ],
)
def test_what_cannot_work_is_refused_before_training(bert: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        tuned(bert, **settings)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"gradient_checkpointing": True}, 6),
        ({"lr_scheduler_type": "cosine", "num_train_epochs": 1.5}, 9),
        ({"max_steps": 7, "num_train_epochs": None}, 7),
        ({"optim": "adafactor", "layerwise_lr_decay": 0.9}, 6),
    ],
)
def test_arguments_of_hugging_face_work(bert: Path, settings: dict[str, Any], steps: int) -> None:
    result = tuned(bert, per_device_train_batch_size=8, **settings)
    assert result.history["epochs"][-1]["step"] == steps
    assert np.isfinite(result.history["epochs"][-1]["train_loss"])
    assert not result.history["stopped_early"]


def test_the_callers_random_states_are_left_alone(bert: Path) -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = random.random(), float(np.random.rand()), float(torch.rand(1))
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    tuned(bert)
    assert (random.random(), float(np.random.rand()), float(torch.rand(1))) == expected
