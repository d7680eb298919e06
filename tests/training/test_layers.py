from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model
from tests.training.test_finetune import tuned

from classifine.errors import SettingsProblem
from classifine.settings import TrainingSettings
from classifine.training.layers import blocks_of, depths_of, learning_rates, prepare_layers
from classifine.training.rowwise import RowwiseAdamW
from classifine.training.trainer import FineTuningTrainer

LOW = {"embeddings", "embeddings_project", "embedding_hidden_mapping_in", "rel_embeddings", "relative_attention_bias"}
HIGH = {"classifier", "pre_classifier", "pooler", "head", "final_norm"}


def loaded(folder: Path, family: str) -> Any:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(tiny_model(folder, family, ["no", "yes"]))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("layers") / "base", "bert")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_has_a_bottom_blocks_and_a_top(family: str, tmp_path: Path) -> None:
    model = loaded(tmp_path, family)
    blocks = 1 if family == "albert" else 2
    assert len(blocks_of(model)) == blocks
    depths = depths_of(model)
    assert set(depths.values()) == set(range(blocks + 2))
    for name, depth in depths.items():
        words = set(name.split("."))
        if words & HIGH:
            assert depth == blocks + 1, name
        elif words & LOW:
            assert depth == 0, name
        elif family == "deberta" and name.startswith("deberta.encoder.LayerNorm"):
            assert depth == 0  # it is of the relative positions
        else:
            assert depth in range(1, blocks + 1), name


def test_learning_rates_fall_from_the_head_down(tmp_path: Path) -> None:
    rates = learning_rates(loaded(tmp_path, "bert"), rate=1e-3, decay=0.5)
    assert rates["classifier.weight"] == rates["bert.pooler.dense.weight"] == 1e-3
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 5e-4
    assert rates["bert.encoder.layer.0.attention.self.query.bias"] == 2.5e-4
    assert rates["bert.embeddings.word_embeddings.weight"] == 1.25e-4


@pytest.mark.parametrize(("family", "frozen"), [("mpnet", 2), ("deberta", 1), ("albert", 1)])
def test_frozen_layers_stay_and_others_move(family: str, frozen: int, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "base", family)
    before = tuned(folder, learning_rate=1e-30, per_device_train_batch_size=16).classifier.backend.model
    after = tuned(folder, freeze_layers=frozen, per_device_train_batch_size=16).classifier.backend.model
    depths = depths_of(after)
    moved = dict(after.named_parameters())
    for name, parameter in before.named_parameters():
        assert bool((parameter - moved[name]).abs().max() < 1e-20) is (depths[name] <= frozen), name


def test_embeddings_alone_can_be_frozen(tmp_path: Path) -> None:
    model = loaded(tmp_path, "roberta")
    prepare_layers(model, TrainingSettings(freeze_embeddings=True))
    depths = depths_of(model)
    assert all(parameter.requires_grad is (depths[name] > 0) for name, parameter in model.named_parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_begun_anew_is_drawn_as_transformers_draws_it(family: str, tmp_path: Path) -> None:
    if family == "albert":
        pytest.skip("its layers share their weights")
    model, before = loaded(tmp_path / "a", family), loaded(tmp_path / "b", family)
    with torch.no_grad():
        for block in (*blocks_of(model), *blocks_of(before)):
            for parameter in block.parameters():
                parameter.fill_(9.0)
    torch.manual_seed(1)
    prepare_layers(model, TrainingSettings(reinit_layers=1))
    depths, old = depths_of(model), dict(before.named_parameters())
    for name, parameter in model.named_parameters():
        if depths[name] != 2:
            assert torch.equal(parameter, old[name])
        elif parameter.ndim == 2:
            assert 0.01 < float(parameter.detach().std()) < 0.3, name
            assert abs(float(parameter.detach().mean())) < 0.05
        else:
            expected = 0.0 if name.endswith("bias") else 1.0
            assert parameter.tolist() == [expected] * len(parameter), name


def steps_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[Any, dict[str, float]]:
    """Train for one update by plain steps; give the optimizer and how far each parameter moved."""
    kept: list[Any] = []
    made = FineTuningTrainer.create_optimizer

    def keeping(self: Any, model: Any = None) -> Any:
        kept.append(made(self, model))
        return kept[-1]

    monkeypatch.setattr(FineTuningTrainer, "create_optimizer", keeping)
    once: dict[str, Any] = {"max_steps": 1, "num_train_epochs": None, "warmup_steps": 0.0, "weight_decay": 0.0}
    once |= settings
    before = tuned(folder, **{**once, "learning_rate": 1e-30}).classifier.backend.model
    after = tuned(folder, **once).classifier.backend.model
    old = dict(before.named_parameters())
    return kept[-1], {name: float((p - old[name]).detach().abs().max()) for name, p in after.named_parameters()}


def test_each_layer_moves_by_its_own_rate(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the first step of AdamW is the learning rate, whatever the gradient
    optimizer, moved = steps_of(bert, monkeypatch, layerwise_lr_decay=0.5)
    assert isinstance(optimizer, RowwiseAdamW)
    expected = {
        "classifier.weight": 1e-3,
        "bert.encoder.layer.1.output.dense.weight": 5e-4,
        "bert.encoder.layer.0.output.dense.bias": 2.5e-4,
        "bert.embeddings.word_embeddings.weight": 1.25e-4,
    }
    for name, rate in expected.items():
        assert moved[name] == pytest.approx(rate, rel=0.01), name
    assert [group["lr"] for group in optimizer.param_groups] == sorted(
        (group["lr"] for group in optimizer.param_groups), reverse=True
    )


def test_biases_and_norms_do_not_decay(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ({"layerwise_lr_decay": 0.9}, {}):
        optimizer, _ = steps_of(bert, monkeypatch, **settings, weight_decay=0.3)
        decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        assert set(decays.values()) == {0.0, 0.3}


def test_frozen_embeddings_are_left_to_the_plain_optimizer(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optimizer, moved = steps_of(bert, monkeypatch, freeze_embeddings=True)
    assert type(optimizer) is torch.optim.AdamW
    assert moved["bert.embeddings.word_embeddings.weight"] == 0
    assert moved["bert.encoder.layer.0.output.dense.weight"] > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"freeze_layers": 3}, "freeze_layers = 3: the base model has 2 layers"),
        ({"reinit_layers": 2}, "nothing would be left"),
        ({"freeze_layers": 2, "reinit_layers": 1}, "must learn"),
    ],
)
def test_layers_that_are_not_there_are_refused(bert: Path, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        tuned(bert, **settings)
