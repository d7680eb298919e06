"""Texts with several labels: a question per label, exact over accumulated batches, decided by thresholds of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import tiny_model

from classifine.errors import SettingsProblem
from classifine.evaluation.thresholds import fit_thresholds
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training.finetune import FineTuned, finetune
from classifine.training.losses import summed_binary_loss, summed_binary_weight

WORDS = {"no": "the bank raised its rate", "so": "the weather is lovely", "yes": "please sign the petition today"}


def texts_about(n: int, *, start: int = 0) -> LabelledTexts:
    """Texts with none to three labels, which words give away, of different lengths."""
    places = range(start, start + n)
    has = [[name for place, name in enumerate(WORDS) if i % 8 >> place & 1] for i in places]
    texts = tuple(
        f"{' '.join(WORDS[name] for name in names)} {'again and ' * (i % 5)}{i}"
        for i, names in zip(places, has, strict=True)
    )
    return LabelledTexts(tuple(f"i{i}" for i in places), texts, tuple("|".join(names) for names in has), tuple(places))


TRAIN, VALIDATION = texts_about(48), texts_about(24, start=48)
SPACE = LabelSpace.of(TRAIN.labels, separator="|")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


def tuned(folder: Path, train: LabelledTexts = TRAIN, **settings: Any) -> FineTuned:
    given: dict[str, Any] = {"bf16": False, "dropout": 0.0, "learning_rate": 1e-3, "num_train_epochs": 1}
    given |= {"evaluations_per_epoch": 1, "model": str(folder)}
    chosen = Settings(seed=7).with_names({**given, "multi_label": True, "label_separator": "|", **settings})
    return finetune(train, VALIDATION, SPACE, resolve(str(folder)), chosen, scratch=folder.parent / "scratch")


def weights_of(result: FineTuned) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in result.classifier.backend.model.parameters()])


@pytest.mark.parametrize(
    "settings", [{}, {"class_weights": {"yes": 5.0}, "label_smoothing_factor": 0.1}, {"aggregation": "soft"}]
)
def test_accumulation_changes_neither_gradient_nor_loss(bert: Path, settings: dict[str, Any]) -> None:
    shares = tuple({cell: 0.75, "so": 0.25} if cell != "so" else {"so": 1.0} for cell in TRAIN.labels)
    train = replace(TRAIN, soft=shares).take(range(21))  # the last update is smaller, its batches of unequal size
    common = {**settings, "optim": "sgd", "max_grad_norm": 0.0, "weight_decay": 0.0, "warmup_steps": 0.0}
    results = [
        tuned(
            bert,
            train,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=steps,
            learning_rate=0.1,
            **common,
        )
        for size, steps in ((8, 1), (2, 4))
    ]
    start = weights_of(tuned(bert, train, **common, learning_rate=1e-30))
    whole, cut = (weights_of(result) - start for result in results)
    assert float((cut - whole).norm() / whole.norm()) <= 1e-5
    first, second = (result.history["epochs"][0]["train_loss"] for result in results)
    assert second == pytest.approx(first, rel=1e-5)


def test_the_logged_loss_is_the_mean_over_texts_and_labels(bert: Path) -> None:
    result = tuned(bert, learning_rate=1e-30, per_device_train_batch_size=16)
    probabilities, has = result.classifier.predict_proba(TRAIN.texts), SPACE.indicator(TRAIN.labels)
    expected = -np.log(np.where(has, probabilities, 1 - probabilities)).mean()
    assert result.history["epochs"][0]["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_sum_over_weight_is_torchs_mean_however_the_batch_is_cut() -> None:
    generator = torch.Generator().manual_seed(1)
    logits, labels = torch.randn(9, 3, generator=generator), torch.rand(9, 3, generator=generator).round()
    weights = torch.tensor([0.5, 1.0, 4.0])
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels * 0.9 + 0.05, reduction="none")
    expected = (each * weights).sum() / (weights.sum() * 9)
    parts = [(logits[a:b], labels[a:b]) for a, b in ((0, 4), (4, 9))]
    loss = sum(summed_binary_loss(one, truth, weights, 0.1) for one, truth in parts)
    weight = sum(summed_binary_weight(truth, weights) for _, truth in parts)
    assert float(loss / weight) == pytest.approx(float(expected), rel=1e-6)


def test_it_learns_and_its_thresholds_are_fitted_on_validation(bert: Path, tmp_path: Path) -> None:
    result = tuned(bert, num_train_epochs=12, per_device_train_batch_size=8, learning_rate=5e-3)
    best, space = result.history["best"], result.classifier.space
    assert best["value"] > 0.9
    probabilities = result.classifier.predict_proba(VALIDATION.texts)
    assert space.thresholds == fit_thresholds(probabilities, SPACE.indicator(VALIDATION.labels))

    from sklearn.metrics import f1_score

    predicted = result.classifier.predict(VALIDATION.texts).predicted
    given = SPACE.indicator([cell or "" for cell in predicted])
    truth = SPACE.indicator(VALIDATION.labels)
    # the score that chose the checkpoint is that of the classifier as it decides
    assert f1_score(truth, given, average="macro") == pytest.approx(best["value"])
    result.classifier.save(tmp_path / "model", probe=VALIDATION.texts)
    again = Classifier.load(tmp_path / "model")
    assert again.space == space
    assert again.predict(VALIDATION.texts).predicted == predicted


@pytest.mark.parametrize("metric", ["macro_average_precision", "hamming_loss", "subset_accuracy"])
def test_any_metric_of_several_labels_may_choose_the_checkpoint(bert: Path, metric: str) -> None:
    result = tuned(bert, metric_for_best_model=metric, num_train_epochs=2, per_device_train_batch_size=8)
    values = [row[metric] for row in result.history["epochs"]]
    assert result.history["best"]["value"] == (min(values) if metric == "hamming_loss" else max(values))


def test_a_metric_of_one_label_is_refused(bert: Path) -> None:
    with pytest.raises(SettingsProblem, match="subset_accuracy"):
        tuned(bert, metric_for_best_model="accuracy")
