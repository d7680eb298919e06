from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import texts_about, tuned, weights_of

ONE_STEP: dict[str, Any] = {"optim": "sgd", "max_grad_norm": 0.0, "weight_decay": 0.0, "warmup_steps": 0.0}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weighted": {"class_weights": {"yes": 5.0}, "label_smoothing_factor": 0.1},
    "smoothed": {"label_smoothing_factor": 0.1},
    "soft": {"aggregation": "soft", "class_weights": "sqrt"},
    "focal": {"loss": "focal", "class_weights": "balanced"},
    "adjusted": {"logit_adjustment": 1.0},
    "focal, soft, smoothed": {"loss": "focal", "aggregation": "soft", "label_smoothing_factor": 0.1},
    "drawn at random, stock forward": {"train_sampling_strategy": "random", "sampling": "balanced", "unpadded": False},
}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("exact") / "base", "bert")


@pytest.fixture(scope="module")
def start(bert: Path) -> torch.Tensor:
    return weights_of(tuned(bert, **{**ONE_STEP, "learning_rate": 1e-30}))


@pytest.mark.parametrize("kind", KINDS)
def test_accumulation_changes_neither_gradient_nor_loss(kind: str, bert: Path, start: torch.Tensor) -> None:
    # 21 rows of which "so" is the rarest: the last update is smaller, and its batches are of unequal size
    train = texts_about(24).take([i for i in range(24) if i not in (5, 8, 11)])
    votes = tuple({label: 0.75, "yes" if label == "no" else "no": 0.25} for label in train.labels)
    train = replace(train, soft=votes)
    cuts = ((16, 1), (8, 2), (4, 4), (2, 8))
    common = {**ONE_STEP, "learning_rate": 0.1, **KINDS[kind]}
    whole, *others = [
        tuned(bert, train, per_device_train_batch_size=size, gradient_accumulation_steps=steps, **common)
        for size, steps in cuts
    ]
    moved = weights_of(whole) - start
    assert float(moved.norm()) > 1e-3
    for other in others:
        assert float((weights_of(other) - start - moved).norm() / moved.norm()) <= 1e-5
        expected = whole.history["epochs"][0]["train_loss"]
        assert other.history["epochs"][0]["train_loss"] == pytest.approx(expected, rel=1e-5)
