"""Takes what the user chose and what they left open and gives every training setting a value.

Open ones follow the base model and the number of training rows; impossible ones are refused before anything runs.
Does not know texts or how training works inside.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from transformers import TrainingArguments

from classifine.errors import SettingsProblem, some, unknown_name
from classifine.evaluation.ordinal import ranks_of
from classifine.evaluation.validation import METRICS, OF_POSITIVE, metrics_of
from classifine.labels import LabelSpace
from classifine.model.catalogue import BaseModel
from classifine.settings import TrainingSettings
from classifine.training import ranks
from classifine.training.adapters import require_peft
from classifine.training.machine import device_name

_SAVING = "a training that is stopped goes on from its last checkpoint"
_EVALUATING = "evaluations_per_epoch says how often"
# What we decide ourselves, with the place where a user says it.
_OWNED = {
    "output_dir": "--out",
    "seed": "seed",
    "data_seed": "seed",
    "eval_strategy": _EVALUATING,
    "eval_steps": _EVALUATING,
    "eval_delay": _EVALUATING,
    "eval_on_start": _EVALUATING,
    "save_strategy": _SAVING,
    "save_steps": _SAVING,
    "save_total_limit": _SAVING,
    "save_only_model": _SAVING,
    "restore_callback_states_from_checkpoint": _SAVING,
    "ignore_data_skip": _SAVING,
    "load_best_model_at_end": "the best evaluation's weights are kept",
    "greater_is_better": "metric_for_best_model",
    "do_train": "classifine train",
    "do_eval": "classifine evaluate",
    "do_predict": "classifine predict",
    "push_to_hub": "nothing is uploaded",
}
# What earlier versions of Hugging Face called something, or what is nearly called so.
_RENAMED = {
    "warmup_ratio": "warmup_steps below 1 is a share",
    "evaluation_strategy": _EVALUATING,
    "group_by_length": 'train_sampling_strategy = "group_by_length" or "random"',
    "no_cuda": "use_cpu",
    "lora_rank": "lora_r",
}
# Names that everybody knows, under which Hugging Face still takes a value but complains.
_TODAY = {
    "gradient_checkpointing": "activation_checkpointing",
    "gradient_checkpointing_kwargs": "activation_checkpointing_kwargs",
}
_ROWS_AND_EPOCHS = ((5000, 4.0), (2000, 5.0), (1000, 6.0), (500, 8.0), (0, 15.0))
# Under so many rows an epoch is evaluated several times, since the best moment may lie within one.
_FEW_ROWS, _EVALUATIONS_OF_FEW = 2000, 3
_PATIENCE_EPOCHS = 3
_DEFAULT_LEARNING_RATE = 3e-5
# From so many labels on, a head drawn at random is worth less than one that is fitted first; with two it is worth more.
_MANY_LABELS = 10
# Hu et al. 2022, "LoRA", ICLR, table 9: RoBERTa-base on GLUE.
_LORA_LEARNING_RATE = 4e-4
# These change the forward pass of the family's own class, which must therefore be the one that is used.
_CHANGE_FORWARD = {"neftune_noise_alpha", "use_liger_kernel", "liger_kernel_config"}


def resolve(
    chosen: TrainingSettings,
    *,
    base: BaseModel | None,
    rows: int,
    space: LabelSpace,
    model_type: str,
    order: Sequence[str] = (),
    further: Sequence[str] = (),
) -> TrainingSettings:
    """Give every open setting a value and refuse what cannot work.

    Parameters
    ----------
    chosen
        The user's settings.
    base
        What the catalogue says of the base model, if it is listed.
    rows
        Training rows.
    space
        The label space; a metric of the positive label needs one.
    model_type
        The base model's type in transformers.
    order
        The labels from the lowest to the highest, where they have an order.
    further
        Problems found elsewhere, to be named with the others.

    Raises
    ------
    SettingsProblem
        One or more settings cannot work; all are named.
    PackageMissing
        LoRA is wanted without peft.
    """
    bf16 = _fast_bfloat16(use_cpu=chosen.use_cpu) if chosen.bf16 == "auto" else chosen.bf16
    ours = _DEFAULT_LEARNING_RATE if base is None else base.learning_rate
    evaluations = chosen.evaluations_per_epoch or (_EVALUATIONS_OF_FEW if rows < _FEW_ROWS else 1)
    settled = replace(
        chosen,
        learning_rate=chosen.learning_rate or (ours if chosen.lora_r is None else _LORA_LEARNING_RATE),
        dropout=chosen.dropout if chosen.dropout is not None or base is None else base.dropout,
        fitted_head=_fitted_head(chosen, base, space),
        num_train_epochs=_epochs(chosen, rows),
        bf16=bool(bf16) and not chosen.fp16,
        unpadded=chosen.unpadded and not _CHANGE_FORWARD & chosen.arguments.keys(),
        evaluations_per_epoch=evaluations,
        early_stopping_patience=(
            _PATIENCE_EPOCHS * evaluations if chosen.early_stopping_patience is None else chosen.early_stopping_patience
        ),
    )
    problems = [
        *_metric_problems(settled, space, order),
        *_precision_problems(chosen, model_type),
        *_loss_problems(chosen, space),
        *_layer_problems(chosen),
        *_machine_problems(chosen),
        *further,
    ]
    if chosen.max_steps is not None and chosen.num_train_epochs is not None:
        problems.append("max_steps and num_train_epochs both say how long training lasts; give one of them")
    steps = total_steps(settled, rows)
    if settled.warmup_steps >= 1 and settled.warmup_steps >= steps:
        problems.append(
            f"warmup_steps = {settled.warmup_steps:g}: the whole run has {steps} steps, so that the learning rate "
            "would never be reached; give fewer, or a share below 1 such as 0.1"
        )
    if problems:
        raise SettingsProblem("\n".join(["this training cannot work:", *(f"  - {problem}" for problem in problems)]))
    if chosen.lora_r is not None:
        require_peft()
    return settled


def check_arguments(chosen: TrainingSettings) -> None:
    """Refuse further arguments that Hugging Face does not have or that we decide ourselves.

    Raises
    ------
    SettingsProblem
        One or more names are unknown or ours; all are named.
    """
    known = [f.name for f in fields(TrainingArguments) if f.init]
    problems = []
    for name in chosen.arguments:
        if name in _OWNED:
            problems.append(f"{name} is not yours to set here: {_OWNED[name]}")
        elif name in _RENAMED:
            problems.append(f"there is no setting {name!r}; use {_RENAMED[name]}")
        elif name not in known:
            own = [f.name for f in fields(TrainingSettings)]
            problems.append(f"there is no setting {name!r}; {unknown_name(name, own + known, noun='settings')}")
    if problems:
        raise SettingsProblem("\n".join(["the settings are not usable:", *(f"  - {problem}" for problem in problems)]))


def total_steps(settings: TrainingSettings, rows: int) -> int:
    """Count the updates of the whole run."""
    return settings.max_steps or math.ceil(_updates(settings, rows) * (settings.num_train_epochs or 0))


def _updates(settings: TrainingSettings, rows: int) -> int:
    """Count the updates of an epoch."""
    batches = math.ceil(rows / (settings.per_device_train_batch_size * ranks.number()))
    return math.ceil(batches / settings.gradient_accumulation_steps)


def _fitted_head(chosen: TrainingSettings, base: BaseModel | None, space: LabelSpace) -> bool:
    if chosen.fitted_head is not None:
        return chosen.fitted_head
    return base is not None and base.fitted_head and len(space) >= _MANY_LABELS


def _epochs(chosen: TrainingSettings, rows: int) -> float:
    if chosen.max_steps is not None:
        return chosen.max_steps / _updates(chosen, rows)
    return chosen.num_train_epochs or next(epochs for least, epochs in _ROWS_AND_EPOCHS if rows >= least)


def training_arguments(settings: TrainingSettings, *, folder: str, seed: int) -> TrainingArguments:
    """Build Hugging Face's TrainingArguments: the one place that knows their names.

    Raises
    ------
    SettingsProblem
        Hugging Face refuses a value; its words are given.
    """
    theirs = {f.name for f in fields(TrainingArguments)} - {"label_smoothing_factor"}
    named: dict[str, Any] = {
        f.name: value for f in fields(settings) if f.name in theirs and (value := getattr(settings, f.name)) is not None
    }
    # without it, Hugging Face refuses bf16 on a processor
    named["use_cpu"] = device_name(use_cpu=settings.use_cpu) == "cpu"
    decided: dict[str, Any] = {
        "output_dir": folder,
        "seed": seed,
        "data_seed": seed,
        "eval_strategy": "epoch",
        "logging_strategy": "steps" if "logging_steps" in settings.arguments else "epoch",
        "logging_nan_inf_filter": False,
        "save_strategy": "epoch",
        "restore_callback_states_from_checkpoint": True,
        "greater_is_better": METRICS[settings.metric_for_best_model] == "higher",
        "report_to": "none",
        "project": "classifine",
        "disable_tqdm": True,
        "dataloader_pin_memory": device_name(use_cpu=settings.use_cpu) == "cuda",
        "remove_unused_columns": False,
        # looking for parameters without a gradient costs a pass; in these models each one has one
        "ddp_find_unused_parameters": False if ranks.number() > 1 else None,
    }
    further = {_TODAY.get(name, name): value for name, value in settings.arguments.items()}
    try:
        return TrainingArguments(**{**decided, **named, **further})
    except (TypeError, ValueError, ImportError) as error:
        raise SettingsProblem(f"Hugging Face refuses these training settings: {error}") from error


def _metric_problems(settings: TrainingSettings, space: LabelSpace, order: Sequence[str]) -> list[str]:
    metric = settings.metric_for_best_model
    if metric not in metrics_of(space):
        return [f"metric_for_best_model = {metric!r}: {unknown_name(metric, metrics_of(space), noun='metrics')}"]
    if metric in OF_POSITIVE and space.positive is None:
        return [f"metric_for_best_model = {metric!r} needs the positive label: add --positive LABEL"]
    if metric == "quadratic_weighted_kappa" and ranks_of(space, order) is None:
        absent = [name for name in space.names if name not in order]
        return [f"metric_for_best_model = {metric!r} needs label_order, without gaps; it lacks {some(absent)}"]
    return []


def _loss_problems(chosen: TrainingSettings, space: LabelSpace) -> list[str]:
    corrections = {
        f"class_weights = {chosen.class_weights!r}": chosen.class_weights in ("balanced", "sqrt"),
        f"logit_adjustment = {chosen.logit_adjustment:g}": chosen.logit_adjustment > 0,
        'sampling = "balanced"': chosen.sampling == "balanced",
    }
    used = [name for name, does in corrections.items() if does]
    problems = []
    if len(used) > 1:
        problems.append(f"{' and '.join(used)} each make up for rare labels; together they do it twice: choose one")
    if chosen.focal_gamma != TrainingSettings().focal_gamma and chosen.loss != "focal":
        problems.append('focal_gamma has an effect with loss = "focal" only')
    if chosen.class_weight_cap is not None and chosen.class_weights not in ("balanced", "sqrt"):
        problems.append('class_weight_cap has an effect with class_weights = "balanced" or "sqrt" only')
    if space.separator is not None:
        of_one = {'loss = "focal"': chosen.loss == "focal", **dict(list(corrections.items())[1:])}
        of_one["setfit_baseline = true"] = chosen.setfit_baseline
        problems += [f"{name} is for texts with one label each" for name, does in of_one.items() if does]
    return problems


def _layer_problems(chosen: TrainingSettings) -> list[str]:
    adapters = {
        "lora_alpha": chosen.lora_alpha is not None,
        "lora_dropout": chosen.lora_dropout > 0,
    }
    if chosen.lora_r is None:
        return [f"{name} has an effect with lora_r only" for name, given in adapters.items() if given]
    others = {
        "layerwise_lr_decay": chosen.layerwise_lr_decay < 1,
        "freeze_embeddings": chosen.freeze_embeddings,
        "freeze_layers": chosen.freeze_layers > 0,
        "reinit_layers": chosen.reinit_layers > 0,
    }
    return [f"{name} does not go with lora_r, which freezes the base model" for name, given in others.items() if given]


def _machine_problems(chosen: TrainingSettings) -> list[str]:
    if chosen.setfit_baseline and ranks.number() > 1:
        return ["setfit_baseline = true needs one process; leave it out, or start without torchrun"]
    compiler = os.environ.get("CXX", "").split(" ")[0]
    if (
        chosen.arguments.get("torch_compile")
        and not torch.accelerator.is_available()
        and not any(shutil.which(name) for name in (compiler, "g++", "clang++", "c++", "cl") if name)
    ):
        return ["torch_compile = true needs a C++ compiler (g++ or clang++), and there is none; leave it out"]
    return []


def _precision_problems(chosen: TrainingSettings, model_type: str) -> list[str]:
    problems = []
    if chosen.fp16 and chosen.bf16 is True:
        problems.append("bf16 and fp16 exclude each other")
    if chosen.fp16 and model_type in {"deberta", "deberta-v2"}:
        problems.append("fp16 = true: DeBERTa overflows in float16; use bf16 or neither")
    if chosen.fp16 and device_name(use_cpu=chosen.use_cpu) == "cpu":
        problems.append("fp16 = true needs a GPU; leave it out, bf16 is chosen where the processor is fast at it")
    return problems


def _fast_bfloat16(*, use_cpu: bool) -> bool:
    """Tell whether this machine multiplies bfloat16 faster than float32."""
    if device_name(use_cpu=use_cpu) == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("amx"))
