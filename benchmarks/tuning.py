"""A search for settings beside the plain Trainer's own: seconds and the best validation macro-F1, in one run.

Run it with CLASSIFINE_DATA naming the folder of benchmark data, on a machine that does nothing else::

    CLASSIFINE_DATA=... python benchmarks/tuning.py              # edos, 3,000 training rows, 20 trials each
    CLASSIFINE_DATA=... python benchmarks/tuning.py --smoke      # 2 trials on 128 rows: does it run?

Both search the same space (that of the base model's family) with TPE, the same seed, number of trials, epochs and
validation rows. Ours is `classifine.tune`, simple classifiers and pruning included. The Trainer's is
`Trainer.hyperparameter_search` with Optuna as it comes: padding to the longest of each batch, float32, no pruning,
ranked by the last epoch; nothing is saved, which is kind to it. Its best epoch is told, too, although it does not give
that one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from sklearn.metrics import f1_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from classifine import tune
from classifine.data.rows.reading import read_labelled
from classifine.labels import LabelSpace
from classifine.model.hub import resolve
from classifine.model.torch_backend import family_and_limit, quiet
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits
from classifine.training.finetune import check_settings
from classifine.tuning.space import Space, space_of

SEED = 42


def parts(rows: int, validation: int) -> Splits:
    """Read edos: the first rows of a drawn order of each official part."""
    folder = Path(os.environ["CLASSIFINE_DATA"]) / "edos"
    found: dict[str, LabelledTexts] = {}
    for name, file, most in (("train", "train", rows), ("validation", "val", validation), ("test", "test", 50)):
        table = read_labelled(folder / f"{file}.csv", Settings().with_names({"label": "label"}).data).table
        order = np.random.default_rng(SEED).permutation(len(table))[:most]
        found[name] = table.take(sorted(order.tolist()))
    labels = [label for table in found.values() for label in table.labels]
    return Splits(**found, space=LabelSpace.of(labels))


def ours(splits: Splits, model: str, trials: int, epochs: float) -> dict[str, Any]:
    """Search as a user does."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        found = tune(
            splits,
            out=Path(folder) / "run",
            trials=trials,
            model=model,
            seed=SEED,
            rated_by="validation",
            stop_in_noise=False,
            num_train_epochs=epochs,
            frozen_baseline=False,
        ).account
        seconds = time.perf_counter() - started
    best = next(row for row in found["trials"] if row["trial"] == found["best"])
    return {"seconds": seconds, "best": best["value"], "settings": best["settings"], **found["counts"]}


class Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised texts with their labels, as notebooks hold them."""

    def __init__(self, table: LabelledTexts, space: LabelSpace, tokenizer: Any) -> None:
        self.encoded = tokenizer(list(table.texts), truncation=True, max_length=512)
        self.labels = space.ids(table.labels).tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"input_ids": self.encoded["input_ids"][row], "labels": self.labels[row]}


def theirs(splits: Splits, model: str, trials: int, epochs: float, space: Space) -> dict[str, Any]:
    """Search as Hugging Face's documentation shows it."""
    folder = resolve(model).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    train, validation = (Rows(one, splits.space, tokenizer) for one in (splits.train, splits.validation))
    scores: list[float] = []

    def scored(predicted: Any) -> dict[str, float]:
        value = float(f1_score(predicted.label_ids, predicted.predictions.argmax(axis=1), average="macro"))
        scores.append(value)
        return {"macro_f1": value}

    def initial(trial: Any) -> Any:
        # dropout belongs to the model, not to the Trainer's arguments
        rate = 0.0 if trial is None else trial.params.get("dropout", 0.0)
        return AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=len(splits.space),
            hidden_dropout_prob=rate,
            attention_probs_dropout_prob=rate,
        )

    own = [one for one in space.dimensions if one.name != "dropout"]
    dropout = [one for one in space.dimensions if one.name == "dropout"]

    def chosen(trial: optuna.Trial) -> dict[str, Any]:
        for one in dropout:
            one.suggest(trial)
        return {one.name: one.suggest(trial) for one in own}

    with tempfile.TemporaryDirectory() as out, quiet():
        arguments = TrainingArguments(
            output_dir=out,
            num_train_epochs=epochs,
            per_device_eval_batch_size=64,
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.accelerator.is_available(),
            dataloader_pin_memory=False,
            seed=SEED,
        )
        trainer = Trainer(
            model_init=initial,
            args=arguments,
            train_dataset=train,
            eval_dataset=validation,
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=scored,
        )
        trainer.remove_callback(PrinterCallback)
        started = time.perf_counter()
        best = trainer.hyperparameter_search(
            hp_space=chosen,
            backend="optuna",
            n_trials=trials,
            direction="maximize",
            compute_objective=lambda metrics: metrics["eval_macro_f1"],
            sampler=optuna.samplers.TPESampler(seed=SEED),
        )
        seconds = time.perf_counter() - started
    found: Any = best
    return {"seconds": seconds, "best": found.objective, "best epoch": max(scores), "settings": found.hyperparameters}


def main() -> None:
    """Print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--validation", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=float, default=5.0)
    parser.add_argument("--smoke", action="store_true", help="2 trials, 128 rows, 1 epoch")
    options = parser.parse_args()
    if options.smoke:
        options.rows, options.validation, options.trials, options.epochs = 128, 64, 2, 1.0
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    splits = parts(options.rows, options.validation)
    base = resolve(options.model)
    settings = Settings(seed=SEED).with_names({"model": options.model})
    resolved, _ = check_settings(splits.train, splits.space, base, settings)
    space = space_of(settings, resolved, model_type=family_and_limit(base.folder)[0])
    print(
        f"edos, {len(splits.train):,} training and {len(splits.validation):,} validation rows, {options.model}, "
        f"{options.trials} trials of {options.epochs:g} epochs, {torch.get_num_threads()} threads"
    )
    print("space:", ", ".join(one["name"] for one in map(asdict, space.dimensions)))
    told = {
        "classifine": ours(splits, options.model, options.trials, options.epochs),
        "Trainer": theirs(splits, options.model, options.trials, options.epochs, space),
    }
    for name, found in told.items():
        print(f"{name:<12}{found['seconds']:8.0f} s   macro-F1 {found['best']:.4f}   {found}")
    print(
        f"ratio of seconds {told['classifine']['seconds'] / told['Trainer']['seconds']:.2f}, "
        f"difference of macro-F1 {told['classifine']['best'] - told['Trainer']['best']:+.4f}"
    )


if __name__ == "__main__":
    main()
