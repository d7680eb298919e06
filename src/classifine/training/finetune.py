"""Takes training and validation texts and a base model and gives a fine-tuned classifier with its history.

Hugging Face's Trainer is the loop; what is ours is the loss over accumulated batches, the order of batches, and an
evaluation that keeps each text beside its label, in the precision of the training. Does not know the test split.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PrinterCallback, TrainerCallback, TrainingArguments, set_seed

from classifine import durable
from classifine.errors import SettingsProblem
from classifine.evaluation.decisions import refuse_idle
from classifine.evaluation.ordinal import ranks_of
from classifine.evaluation.thresholds import fitted
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier
from classifine.model.hub import ResolvedModel
from classifine.model.tokens import Encoded, length_of, pad_id_of
from classifine.model.torch_backend import TorchBackend, family_and_limit, quiet
from classifine.runs import versions
from classifine.settings import Settings, TrainingSettings
from classifine.tables import LabelledTexts, Predictions
from classifine.training import ranks
from classifine.training.adapters import merged, with_adapters
from classifine.training.batching import Collator, EncodedRows
from classifine.training.checkpoints import Checkpoints, Origin, Scratch
from classifine.training.choices import check_arguments, resolve, training_arguments
from classifine.training.dynamics import Noting
from classifine.training.evaluating import Evaluations, Patience
from classifine.training.heads import begin_at_shares, begin_fitted
from classifine.training.layers import layer_problems, prepare_layers
from classifine.training.long_texts import Readings, counted, way_of
from classifine.training.losses import class_weights, criterion
from classifine.training.machine import device_name
from classifine.training.stepping import full_memory_told, is_full
from classifine.training.targets import targets
from classifine.training.timing import check_time
from classifine.training.trackers import check_trackers
from classifine.training.trainer import FineTuningTrainer
from classifine.training.watching import Watch

# With these, a refusal by Hugging Face is no choice of the user's.
_PLAIN = (TrainingSettings().optim, TrainingSettings().lr_scheduler_type)


@dataclass(frozen=True)
class FineTuned:
    """A classifier and how it came about.

    Attributes
    ----------
    classifier
        The weights of the best epoch.
    history
        Plain JSON: a row per epoch, the best one, speed, device, and every setting as it was used.
    held_out
        Of a classifier that was trained on all texts: what trainings that had not seen them said about them.
    """

    classifier: Classifier
    history: dict[str, Any]
    held_out: Predictions | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the history as plain JSON."""
        return self.history


def check_settings(
    train: LabelledTexts, space: LabelSpace, base: ResolvedModel, settings: Settings
) -> tuple[TrainingSettings, torch.Tensor]:
    """Settle the training settings and the class weights, and refuse what cannot work, before anything is computed.

    Raises
    ------
    SettingsProblem
        The settings cannot work for this data.
    ModelUnavailable
        transformers does not know the base model's family.
    """
    check_arguments(settings.training)
    refuse_idle(space, settings.training.decision)
    check_time(settings)
    check_trackers(settings.training.arguments)
    family, limit = family_and_limit(base.folder)
    way_of(settings.model, "windows", _max_length(settings, limit))
    chosen = resolve(
        settings.training,
        base=base.base,
        rows=len(train),
        space=space,
        model_type=family,
        order=settings.data.label_order,
        further=layer_problems(settings.training, base.folder),
    )
    training_arguments(chosen, folder=str(base.folder), seed=settings.seed)
    targets(train.take(range(min(1, len(train)))), space, soft=_soft(settings))
    given = [name for cell in train.labels for name in space.several(cell)]
    return chosen, class_weights(chosen.class_weights, space, given, cap=chosen.class_weight_cap)


def finetune(
    train: LabelledTexts,
    validation: LabelledTexts,
    space: LabelSpace,
    base: ResolvedModel,
    settings: Settings,
    *,
    scratch: Scratch,
    watchers: Sequence[TrainerCallback] = (),
    readings: Readings | None = None,
) -> FineTuned:
    """Fine-tune a base model on the training texts; validation texts choose the epoch.

    Parameters
    ----------
    train, validation
        Labelled texts that share no item.
    space
        Their label space.
    base
        The base model's folder and its place in the catalogue.
    settings
        What the user chose; open settings are resolved from the base model and the number of rows.
    scratch
        A folder for Hugging Face's Trainer while training runs, gone afterwards; or the checkpoints of a run, in which
        the state is kept from time to time and from which a training that was stopped goes on.
    watchers
        Further callbacks of the Trainer, called after ours.
    readings
        Texts that earlier trainings have read.

    Raises
    ------
    SettingsProblem
        The settings cannot work for this data.
    ModelUnavailable
        The base model's folder cannot be loaded.
    TrainingFailed
        The loss is not a number, or the device's memory is full.
    RunRefused
        The checkpoints belong to a training on something else.
    DiscError
        There is not even space for the classifier.
    """
    chosen, weights = check_settings(train, space, base, settings)
    kept = scratch if isinstance(scratch, Checkpoints) else None
    with _seeded(settings.seed), _room(scratch) as folder:
        backend = TorchBackend.load(base.folder, space=space, dropout=chosen.dropout)
        backend.max_length = _max_length(settings, backend.max_length)
        attempt = partial(_attempted, space=space, base=base, folder=folder)
        encoded, reading = (readings or Readings()).read(backend, train, validation, settings, attempt, kept)
        learned = targets(train, space, soft=_soft(settings))
        truth = space.ids(validation.labels) if space.separator is None else space.indicator(validation.labels)
        _begin(kept, chosen, settings, space, backend, base, encoded, learned, truth)
        rows = EncodedRows(encoded["train"], learned)
        _prepare_model(backend, chosen, rows, weights)
        arguments = training_arguments(chosen, folder=str(folder), seed=settings.seed)
        callbacks = [Watch(len(train), chosen), *_evaluations(chosen), *watchers]
        trainer = _trainer(backend, arguments, rows, EncodedRows(encoded["validation"], truth), callbacks)
        trainer.ids, trainer.tell = train.ids, None if kept is None else kept.tell
        trainer.wire(backend, encoded["validation"], truth, space, weights, chosen)
        trainer.label_ranks = ranks_of(space, settings.data.label_order)
        if chosen.training_dynamics:
            of_cells = space.ids if space.separator is None else space.indicator
            trainer.add_callback(Noting(trainer, encoded["train"], of_cells(train.labels), folder))
        with quiet(), full_memory_told(), _refusals_told(chosen):
            trainer.finish(kept)
            trainer.use_attention(trainer.fused)
    backend.model = trainer.bare()
    if chosen.lora_r is not None:
        backend.model = merged(backend.model)
    backend.model.eval()
    if space.separator is not None:
        space = fitted(space, backend.probabilities(encoded["validation"]), validation.labels)
    history = _history(trainer, chosen, base, backend, rows=len(train))
    history |= {"truncation": {name: counted(one) for name, one in encoded.items()}, "long_texts": reading}
    return FineTuned(Classifier(backend, space), history)


def _trainer(
    backend: TorchBackend,
    arguments: TrainingArguments,
    rows: EncodedRows,
    held: EncodedRows,
    callbacks: list[TrainerCallback],
) -> FineTuningTrainer:
    trainer = FineTuningTrainer(
        model=backend.model,
        args=arguments,
        train_dataset=rows,
        eval_dataset=held,
        data_collator=Collator(pad_id_of(backend.tokenizer)),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _attempted(
    train: LabelledTexts,
    validation: LabelledTexts,
    settings: Settings,
    *,
    space: LabelSpace,
    base: ResolvedModel,
    folder: Path,
) -> dict[str, Any]:
    """Train beside the training proper, which it leaves as it is, and give the history; no tracker is told."""
    quietly = replace(settings.training, arguments={**settings.training.arguments, "report_to": "none"})
    chosen = replace(settings, training=quietly)
    return finetune(train, validation, space, base, chosen, scratch=folder / "comparison").history


@contextlib.contextmanager
def _refusals_told(chosen: TrainingSettings) -> Iterator[None]:
    """Turn what Hugging Face refuses only when training starts into errors of ours."""
    try:
        yield
    except RuntimeError as error:
        if is_full(error) or not chosen.arguments.get("torch_compile"):
            raise
        raise SettingsProblem(
            f"torch_compile = true failed here: {(str(error).splitlines() or [type(error).__name__])[0]}",
            cure="leave it out, and name another folder with --out",
        ) from error
    except (ValueError, ImportError) as error:
        if not chosen.arguments and (chosen.optim, chosen.lr_scheduler_type) == _PLAIN:
            raise
        raise SettingsProblem(
            f"Hugging Face refuses these training settings: {str(error).splitlines()[0]}",
            found=f"optim = {chosen.optim}, lr_scheduler_type = {chosen.lr_scheduler_type}, {chosen.arguments}",
            cure="choose others, and another folder with --out",
        ) from error


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Start every generator at the seed; the caller's own states come back afterwards."""
    kept = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            set_seed(seed)
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])


def _room(scratch: Scratch) -> contextlib.AbstractContextManager[Path]:
    return contextlib.nullcontext(scratch.folder) if isinstance(scratch, Checkpoints) else durable.scratch(scratch)


def _begin(
    kept: Checkpoints | None,
    chosen: TrainingSettings,
    settings: Settings,
    space: LabelSpace,
    backend: TorchBackend,
    base: ResolvedModel,
    encoded: Mapping[str, Encoded],
    learned: npt.NDArray[Any],
    truth: npt.NDArray[Any],
) -> None:
    """Tell the checkpoints, where there are any, what they are of."""
    if kept is not None:
        used = {**asdict(chosen), "seed": settings.seed, "labels": space.names}
        parts = {"training": (encoded["train"], learned), "validation": (encoded["validation"], truth)}
        kept.begin(_origin(used, backend, base, parts), room=4 * backend.model.num_parameters())


def _origin(
    used: dict[str, Any], backend: TorchBackend, base: ResolvedModel, parts: dict[str, tuple[Encoded, npt.NDArray[Any]]]
) -> Origin:
    """Say what the training is made from."""
    used |= {"max_length": backend.max_length, "long_texts": backend.long.to_dict()}
    device = device_name(use_cpu=used["use_cpu"])
    used |= {"processes": ranks.number()}
    machine = {**versions(), "device": device, "threads": torch.get_num_threads()}
    return Origin(used, _contents(base, parts), machine)


def _contents(base: ResolvedModel, parts: dict[str, tuple[Encoded, npt.NDArray[Any]]]) -> dict[str, str]:
    """Digest what training reads: token ids and targets of each part, and the base model's files."""
    found = {}
    for name, (encoded, learned) in parts.items():
        digest = hashlib.sha256(np.ascontiguousarray(learned).tobytes())
        digest.update(encoded.window_lengths.tobytes())
        for ids in encoded.ids:
            digest.update(ids.tobytes())
        found[f"{name} texts and labels"] = digest.hexdigest()
    files = sorted([base.folder / "config.json", *base.folder.glob("*.safetensors")])
    return found | {f"base model, {file.name}": durable.sha256(file) for file in files}


def _soft(settings: Settings) -> bool:
    return settings.data.aggregation == "soft"


def _max_length(settings: Settings, limit: int) -> int:
    wanted = settings.model.max_length
    if wanted is not None and wanted > limit:
        raise SettingsProblem(
            f"max_length = {wanted}: {settings.model.model} reads at most {limit} tokens",
            cure="give a smaller max_length, or a base model that reads longer texts: see `classifine models`",
        )
    return wanted or length_of(limit)


def _prepare_model(backend: TorchBackend, chosen: TrainingSettings, rows: EncodedRows, weights: torch.Tensor) -> None:
    """Make the model what is trained: a head that knows something, layers begun anew or frozen, adapters."""
    if backend.several:
        begin_at_shares(backend.model, rows.labels.numpy())
    prepare_layers(backend.model, chosen)
    if chosen.fitted_head:
        loss = criterion(chosen, weights, rows.labels, several=backend.several)
        begin_fitted(backend, rows.encoded, rows.labels, loss, torch.bfloat16 if chosen.bf16 else torch.float32)
    if chosen.lora_r is not None:
        backend.model = with_adapters(backend.model, chosen)


def _evaluations(chosen: TrainingSettings) -> list[TrainerCallback]:
    patience = chosen.early_stopping_patience
    stopping = [Patience(early_stopping_patience=patience)] if patience else []
    return [Evaluations(chosen.evaluations_per_epoch or 1), *stopping]


def _history(
    trainer: FineTuningTrainer,
    chosen: TrainingSettings,
    base: ResolvedModel,
    backend: TorchBackend,
    *,
    rows: int,
) -> dict[str, Any]:
    epochs: dict[float, dict[str, Any]] = {}
    for entry in trainer.state.log_history:
        row = epochs.setdefault(entry["step"], {"epoch": entry["epoch"], "step": entry["step"]})
        if "loss" in entry:
            row |= {"train_loss": entry["loss"], "learning_rate": entry["learning_rate"]}
        row |= {name.removeprefix("eval_"): value for name, value in entry.items() if name.startswith("eval_")}
    evaluated = [row for row in epochs.values() if "log_loss" in row]
    for row in evaluated:
        row["validation_loss"] = row.pop("log_loss")
    metric = chosen.metric_for_best_model
    shown = "validation_loss" if metric == "log_loss" else metric
    best = [
        {"epoch": row["epoch"], "step": row["step"], "metric": metric, "value": row[shown]}
        for row in evaluated
        if row["step"] == trainer.state.best_global_step
    ]
    seconds = trainer.seconds
    training_seconds = seconds - trainer.evaluation_seconds
    return {
        "epochs": evaluated,
        "best": best[0] if best else None,
        "seed": trainer.args.seed,
        "stopped_early": trainer.state.global_step < trainer.state.max_steps,
        "seconds": round(seconds, 2),
        "examples_per_second": round(rows * float(trainer.state.epoch or 0) / training_seconds, 1),
        "device": "cpu" if trainer.args.device.type == "cpu" else str(trainer.args.device),
        "precision": "bf16" if trainer.args.bf16 else "fp16" if trainer.args.fp16 else "fp32",
        "threads": torch.get_num_threads(),
        "processes": trainer.args.world_size,
        "parameters": backend.model.num_parameters(),
        "base_model": {
            "name": base.name,
            "title": base.title,
            "source": base.source,
            "licence": base.base.licence if base.base else None,
        },
        "training": asdict(chosen),
        "max_length": backend.max_length,
    }
