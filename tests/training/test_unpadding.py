from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import tuned, weights_of

from classifine.training.unpadding import shorten

SETTINGS: dict[str, Any] = {
    "num_train_epochs": 3,
    "per_device_train_batch_size": 8,
    "learning_rate": 1e-3,
    "dropout": 0.0,
    "bf16": False,
    "early_stopping_patience": 0,
}


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "mpnet", "electra", "deberta"])
@pytest.mark.parametrize("optim", ["adamw_torch_fused", "sgd"])
def test_training_ends_where_the_stock_forward_pass_ends(family: str, optim: str, tmp_path: Path) -> None:
    tiny_model(tmp_path, family)
    fast = tuned(tmp_path, optim=optim, gradient_accumulation_steps=2, **SETTINGS)
    stock = tuned(tmp_path, optim=optim, gradient_accumulation_steps=2, unpadded=False, **SETTINGS)
    moved = float((weights_of(stock) - weights_of(tuned(tmp_path, **{**SETTINGS, "learning_rate": 1e-30}))).norm())
    assert float((weights_of(fast) - weights_of(stock)).norm()) <= 2e-3 * moved
    for one, other in zip(fast.history["epochs"], stock.history["epochs"], strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)


def test_gradients_are_shortened_together() -> None:
    gradients = [torch.tensor([3.0]), torch.tensor([[0.0, 4.0]])]
    assert float(shorten(gradients, 1.0)) == pytest.approx(5.0)
    assert torch.cat([one.flatten() for one in gradients]).tolist() == pytest.approx([0.6, 0.0, 0.8])
    assert float(shorten(gradients, float("inf"))) == pytest.approx(1.0)
