from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import VALIDATION, tuned

from classifine.errors import PackageMissing, SettingsProblem
from classifine.model.classifier import Classifier
from classifine.training.adapters import require_peft
from classifine.training.layers import depths_of


@pytest.mark.parametrize("family", ["bert", "distilbert", "modernbert", "deberta"])
def test_adapters_are_merged_into_a_plain_folder(family: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    folder = tiny_model(tmp_path / "base", family)
    result = tuned(folder, lora_r=4, per_device_train_batch_size=8, num_train_epochs=2, learning_rate=1e-2)
    model = result.classifier.backend.model
    before = dict(tuned(folder, learning_rate=1e-30).classifier.backend.model.named_parameters())
    assert [name for name, _ in model.named_parameters()] == list(before)
    depths = depths_of(model)
    for name, parameter in model.named_parameters():
        moved = bool((parameter - before[name]).abs().max() > 1e-6)
        # embeddings and biases stay; the blocks' matrices have the adapters' work in them
        assert moved is (depths[name] == max(depths.values()) or (parameter.ndim == 2 and depths[name] > 0)), name
    change = model.get_parameter(next(n for n, p in model.named_parameters() if depths[n] == 1 and p.ndim == 2))
    assert torch.linalg.matrix_rank(change - before[_name(model, change)], tol=1e-5) <= 4
    together = result.classifier.predict_proba(VALIDATION.texts)
    result.classifier.save(tmp_path / "model", probe=VALIDATION.texts)
    assert np.abs(Classifier.load(tmp_path / "model").predict_proba(VALIDATION.texts) - together).max() <= 1e-6
    assert not list((tmp_path / "model").glob("adapter*"))


def _name(model: torch.nn.Module, wanted: torch.Tensor) -> str:
    return next(name for name, parameter in model.named_parameters() if parameter is wanted)


def test_without_the_package_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PackageMissing, match=r'pip install "classifine\[lora\]"'):
        require_peft()


def test_what_does_not_go_with_adapters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem) as caught:
        tuned(tiny_model(tmp_path / "base", "bert"), lora_r=4, freeze_layers=1, layerwise_lr_decay=0.9)
    for name in ("freeze_layers", "layerwise_lr_decay"):
        assert f"{name} does not go with lora_r" in str(caught.value)
