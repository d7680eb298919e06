"""Takes what the user chose and what they left open and gives every training setting a value.

Open ones follow the base model and the number of training rows; impossible ones are refused before anything runs.
Does not know texts or how training works inside.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import torch
from transformers import TrainingArguments

from classifine.errors import SettingsProblem, unknown_name
from classifine.evaluation.validation import METRICS, OF_POSITIVE, metrics_of
from classifine.labels import LabelSpace
from classifine.model.catalogue import BaseModel
from classifine.settings import TrainingSettings

_SAVING = "a training that is stopped goes on from its last checkpoint"
# What we decide ourselves, with the place where a user says it.
_OWNED = {
    "output_dir": "--out",
    "seed": "seed",
    "data_seed": "seed",
    "eval_strategy": "each epoch is evaluated",
    "save_strategy": _SAVING,
    "save_steps": _SAVING,
    "save_total_limit": _SAVING,
    "save_only_model": _SAVING,
    "restore_callback_states_from_checkpoint": _SAVING,
    "ignore_data_skip": _SAVING,
    "load_best_model_at_end": "the best epoch is kept",
    "greater_is_better": "metric_for_best_model",
    "do_train": "classifine train",
    "do_eval": "classifine evaluate",
    "do_predict": "classifine predict",
    "push_to_hub": "nothing is uploaded",
}
_ROWS_AND_EPOCHS = ((5000, 4.0), (2000, 5.0), (1000, 6.0), (500, 8.0), (0, 15.0))
_DEFAULT_LEARNING_RATE = 3e-5


def resolve(
    chosen: TrainingSettings, *, base: BaseModel | None, rows: int, space: LabelSpace, model_type: str
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

    Raises
    ------
    SettingsProblem
        One or more settings cannot work; all are named.
    """
    epochs = chosen.num_train_epochs or next(e for least, e in _ROWS_AND_EPOCHS if rows >= least)
    bf16 = _fast_bfloat16() if chosen.bf16 == "auto" else chosen.bf16
    settled = replace(
        chosen,
        learning_rate=chosen.learning_rate or (base.learning_rate if base else _DEFAULT_LEARNING_RATE),
        dropout=chosen.dropout if chosen.dropout is not None or base is None else base.dropout,
        num_train_epochs=epochs,
        bf16=bool(bf16) and not chosen.fp16,
    )
    problems = [*_metric_problems(settled, space), *_precision_problems(chosen, model_type)]
    steps = total_steps(settled, rows)
    if settled.warmup_steps >= 1 and settled.warmup_steps >= steps:
        problems.append(
            f"warmup_steps = {settled.warmup_steps:g}: the whole run has {steps} steps, so that the learning rate "
            "would never be reached; give fewer, or a share below 1 such as 0.1"
        )
    if problems:
        raise SettingsProblem("\n".join(["this training cannot work:", *(f"  - {problem}" for problem in problems)]))
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
        elif name not in known:
            own = [f.name for f in fields(TrainingSettings)]
            problems.append(f"there is no setting {name!r}; {unknown_name(name, own + known, noun='settings')}")
    if problems:
        raise SettingsProblem("\n".join(["the settings are not usable:", *(f"  - {problem}" for problem in problems)]))


def total_steps(settings: TrainingSettings, rows: int) -> int:
    """Count the updates of the whole run."""
    batches = math.ceil(rows / settings.per_device_train_batch_size)
    return math.ceil(math.ceil(batches / settings.gradient_accumulation_steps) * (settings.num_train_epochs or 0))


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
    decided: dict[str, Any] = {
        "output_dir": folder,
        "seed": seed,
        "data_seed": seed,
        "eval_strategy": "epoch",
        "logging_strategy": "epoch",
        "logging_nan_inf_filter": False,
        "save_strategy": "epoch",
        "restore_callback_states_from_checkpoint": True,
        "greater_is_better": METRICS[settings.metric_for_best_model] == "higher",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not torch.accelerator.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "remove_unused_columns": False,
    }
    try:
        return TrainingArguments(**{**decided, **named, **settings.arguments})
    except (TypeError, ValueError, ImportError) as error:
        raise SettingsProblem(f"Hugging Face refuses these training settings: {error}") from error


def _metric_problems(settings: TrainingSettings, space: LabelSpace) -> list[str]:
    metric = settings.metric_for_best_model
    if metric not in metrics_of(space):
        return [f"metric_for_best_model = {metric!r}: {unknown_name(metric, metrics_of(space), noun='metrics')}"]
    if metric in OF_POSITIVE and space.positive is None:
        return [f"metric_for_best_model = {metric!r} needs the positive label: add --positive LABEL"]
    return []


def _precision_problems(chosen: TrainingSettings, model_type: str) -> list[str]:
    problems = []
    if chosen.fp16 and chosen.bf16 is True:
        problems.append("bf16 and fp16 exclude each other")
    if chosen.fp16 and model_type in {"deberta", "deberta-v2"}:
        problems.append("fp16 = true: DeBERTa overflows in float16; use bf16 or neither")
    if chosen.fp16 and not torch.cuda.is_available():
        problems.append("fp16 = true needs a GPU; leave it out, bf16 is chosen where the processor is fast at it")
    return problems


def _fast_bfloat16() -> bool:
    """Tell whether this machine multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capability = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capability.get("avx512_bf16") or capability.get("amx_bf16") or capability.get("amx"))
