from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.model.catalogue import find
from classifine.settings import TrainingSettings
from classifine.training.choices import check_arguments, resolve, total_steps, training_arguments

SPACE = LabelSpace(("no", "yes"))
PLAIN = TrainingSettings(bf16=False)


def settled(chosen: TrainingSettings = PLAIN, *, rows: int = 1000, model: str = "minilm") -> TrainingSettings:
    return resolve(chosen, base=find(model), rows=rows, space=SPACE, model_type="bert")


def test_what_is_left_open_follows_the_base_model_and_the_rows() -> None:
    gbert = find("gbert-base")
    assert gbert is not None
    assert settled(model="gbert-base").learning_rate == gbert.learning_rate
    epochs = [settled(rows=rows).num_train_epochs for rows in (100, 700, 1500, 3000, 10_000)]
    assert epochs == sorted(epochs, key=lambda n: -(n or 0))
    assert settled(replace(PLAIN, learning_rate=1e-6, num_train_epochs=2.0)).learning_rate == 1e-6


def test_steps_are_those_of_the_trainer() -> None:
    chosen = replace(PLAIN, per_device_train_batch_size=8, gradient_accumulation_steps=2, num_train_epochs=3.0)
    # 21 rows: three batches, two updates an epoch
    assert total_steps(chosen, 21) == 6


def test_each_problem_is_named_at_once() -> None:
    chosen = replace(PLAIN, warmup_steps=5000.0, metric_for_best_model="makro_f1", fp16=True)
    with pytest.raises(SettingsProblem) as caught:
        settled(chosen)
    for word in ("warmup_steps", "makro_f1", "macro_f1", "fp16"):
        assert word in str(caught.value)


def test_deberta_never_trains_in_float16() -> None:
    with pytest.raises(SettingsProblem, match="DeBERTa"):
        resolve(replace(PLAIN, fp16=True), base=None, rows=100, space=SPACE, model_type="deberta-v2")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluation_strategy", "there is no setting"),
        ("output_dir", "--out"),
        ("eval_strategy", "evaluations_per_epoch"),
        ("eval_steps", "evaluations_per_epoch"),
        ("warmup_ratio", "warmup_steps below 1"),
        ("group_by_length", "train_sampling_strategy"),
        ("x", "x"),
    ],
)
def test_arguments_nobody_has_or_that_are_ours_are_refused(name: str, words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        check_arguments(replace(PLAIN, arguments={name: 1}))


def test_further_arguments_reach_the_trainer(tmp_path_factory: pytest.TempPathFactory) -> None:
    chosen = settled(replace(PLAIN, arguments={"adam_beta2": 0.98}))
    check_arguments(chosen)
    arguments = training_arguments(chosen, folder=str(tmp_path_factory.mktemp("out")), seed=5)
    assert (arguments.adam_beta2, arguments.seed, arguments.report_to) == (0.98, 5, [])


def test_patience_counts_the_evaluations_of_three_epochs() -> None:
    few, many = settled(rows=1999), settled(rows=2000)
    assert (few.evaluations_per_epoch, few.early_stopping_patience) == (3, 9)
    assert (many.evaluations_per_epoch, many.early_stopping_patience) == (1, 3)
    asked = settled(replace(PLAIN, evaluations_per_epoch=5, early_stopping_patience=0))
    assert (asked.evaluations_per_epoch, asked.early_stopping_patience) == (5, 0)


def test_a_number_of_updates_says_how_many_epochs(tmp_path: Path) -> None:
    chosen = settled(replace(PLAIN, max_steps=30, per_device_train_batch_size=8), rows=80)
    assert chosen.num_train_epochs == 3.0
    assert total_steps(chosen, 80) == 30
    assert training_arguments(chosen, folder=str(tmp_path), seed=1).max_steps == 30
    with pytest.raises(SettingsProblem, match="give one of them"):
        settled(replace(PLAIN, max_steps=30, num_train_epochs=2.0))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"class_weights": "sqrt", "sampling": "balanced"}, "do it twice"),
        ({"class_weights": "balanced", "logit_adjustment": 1.0}, "do it twice"),
        ({"focal_gamma": 1.0}, 'loss = "focal" only'),
        ({"class_weight_cap": 3.0}, "balanced"),
        ({"lora_alpha": 4}, "lora_r only"),
        ({"metric_for_best_model": "quadratic_weighted_kappa"}, "label_order"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        settled(replace(PLAIN, **chosen))


@pytest.mark.parametrize("chosen", [{"loss": "focal"}, {"logit_adjustment": 0.5}, {"sampling": "balanced"}])
def test_what_is_for_one_label_a_text_is_refused_for_several(chosen: dict[str, Any]) -> None:
    space = LabelSpace(("a", "b"), separator="|")
    with pytest.raises(SettingsProblem, match="one label each"):
        resolve(replace(PLAIN, **chosen), base=None, rows=100, space=space, model_type="bert")


def test_compiling_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    with pytest.raises(SettingsProblem, match="compiler"):
        settled(replace(PLAIN, arguments={"torch_compile": True}))


def test_names_everybody_knows_are_taken_without_a_complaint(tmp_path: Path) -> None:
    chosen = settled(replace(PLAIN, arguments={"gradient_checkpointing": True, "logging_steps": 5}))
    check_arguments(chosen)
    arguments = training_arguments(chosen, folder=str(tmp_path), seed=1)
    assert arguments.activation_checkpointing
    assert (arguments.logging_strategy, arguments.logging_steps) == ("steps", 5)


def test_minilms_head_is_fitted_where_labels_are_many() -> None:
    def fitted(labels: int, name: str | None = "minilm", **settings: Any) -> bool | None:
        space = LabelSpace(tuple(f"l{i:02}" for i in range(labels)))
        chosen = replace(TrainingSettings(), **settings)
        return resolve(chosen, base=find(name) if name else None, rows=500, space=space, model_type="bert").fitted_head

    assert fitted(10)
    assert not fitted(9)
    assert not fitted(10, None)
    assert not fitted(10, fitted_head=False)
    assert fitted(2, None, fitted_head=True)
