"""The journey beside the notebook: macro-F1 and time of classifine and of a stock Trainer on the same rows.

Run it with CLASSIFINE_DATA naming the folder of benchmark data::

    CLASSIFINE_DATA=... python benchmarks/journey.py --data edos --rows 3000 --seeds 1 2 3

The notebook's recipe: Hugging Face's Trainer, padding to the longest of each batch, batch 32, float32, rows in random
order, evaluation after each epoch, the last epoch's weights; learning rate, epochs and seed are the contender's, unless
``--notebook`` names others. Both read the same training, validation and test rows; time is tokenising, training and
predicting the test rows. Several seeds are pooled: the difference is the mean over them, its interval a paired
bootstrap of the test rows, the same rows of each seed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine.courses.baseline import TfidfLogistic
from classifine.evaluation.scores import score
from classifine.journey import finetuned
from classifine.labels import FloatMatrix, decide
from classifine.model.classifier import predictions_of
from classifine.settings import Settings, parse_assignments
from classifine.tables import LabelledTexts, Predictions, Splits
from official import official


def contender(splits: Splits, settings: Settings) -> FloatMatrix:
    """Fine-tune and predict as `classifine run` does."""
    with tempfile.TemporaryDirectory() as folder:
        result = finetuned(splits, settings, scratch=Path(folder) / "checkpoints")
    told = result.history
    epochs = f"{len(told['epochs'])} epochs, best {told['best']['epoch']:g}"
    print(f"  classifine: {epochs}, {told['examples_per_second']} texts/s in {told['precision']}", flush=True)
    settings_used.update(told["training"])
    return result.classifier.predict_proba(splits.test.texts)


settings_used: dict[str, Any] = {}
notebook_settings: dict[str, Any] = {}


def notebook(splits: Splits, settings: Settings) -> FloatMatrix:
    """Fine-tune and predict as the notebook does, on the stock Trainer."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    from classifine.model.hub import resolve
    from classifine.model.torch_backend import quiet

    folder = resolve(settings.model.model).folder
    set_seed(settings.seed)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(splits.space))

    def rows(table: LabelledTexts) -> list[dict[str, Any]]:
        encoded = tokenizer(list(table.texts), truncation=True, max_length=512)
        ids = splits.space.ids(table.labels)
        return [
            {
                "input_ids": encoded["input_ids"][i],
                "attention_mask": encoded["attention_mask"][i],
                "labels": int(ids[i]),
            }
            for i in range(len(table))
        ]

    with tempfile.TemporaryDirectory() as out, quiet():
        arguments = TrainingArguments(
            output_dir=out,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=32,
            learning_rate=notebook_settings["learning_rate"],
            num_train_epochs=notebook_settings["num_train_epochs"],
            weight_decay=0.01,
            warmup_steps=0.1,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            seed=settings.seed,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=rows(splits.train),
            eval_dataset=rows(splits.validation),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        logits = np.asarray(trainer.predict(rows(splits.test)).predictions)  # type: ignore[arg-type]
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)


def predicted(splits: Splits, probabilities: FloatMatrix, name: str) -> Predictions:
    """Put probabilities beside the test rows."""
    test = splits.test
    return Predictions(
        ids=test.ids,
        texts=test.texts,
        truth=test.labels,
        predicted=decide(probabilities, splits.space),
        probabilities=probabilities,
        status=("ok",) * len(test),
        space=splits.space,
        split="test",
        classifier=name,
    )


def timed(work: Callable[[], FloatMatrix]) -> tuple[FloatMatrix, float]:
    """Give a result and the seconds it took."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


@dataclass(frozen=True)
class Pair:
    """What both made of the test rows, and the seconds both took."""

    ours: Predictions
    theirs: Predictions
    seconds: tuple[float, float]


def one_seed(data: str, rows: int, seed: int, settings: Settings, theirs: dict[str, Any]) -> Pair:
    """Train both once, print a line each, and give their predictions and times."""
    splits = official(data, rows or sys.maxsize, seed)
    sizes = ", ".join(f"{len(table):,} {name}" for name, table in splits.items())
    print(f"{data}: {sizes}, {len(splits.space)} labels, seed {seed}", flush=True)
    settings = replace(settings, seed=seed)
    ours, our_seconds = timed(lambda: contender(splits, settings))
    notebook_settings.update({name: settings_used[name] for name in ("learning_rate", "num_train_epochs")} | theirs)
    print(f"  notebook: {notebook_settings}", flush=True)
    stock, their_seconds = timed(lambda: notebook(splits, settings))
    pair = Pair(predicted(splits, ours, "model"), predicted(splits, stock, "notebook"), (our_seconds, their_seconds))
    floor = TfidfLogistic.fit(splits.train, splits.space, seed)
    simple = predictions_of(
        floor, splits.test.texts, ids=splits.test.ids, truth=splits.test.labels, split="test", classifier="tfidf"
    )
    for name, predictions, seconds in (
        ("classifine", pair.ours, f"{our_seconds:7.1f} s"),
        ("notebook", pair.theirs, f"{their_seconds:7.1f} s"),
        ("TF-IDF + LR", simple, ""),
    ):
        scores = score(predictions).to_dict()
        values = "  ".join(f"{metric} {scores[metric]['value']:.4f}" for metric in ("macro_f1", "accuracy"))
        print(f"  {name:<12} {values}  {seconds}", flush=True)
    return pair


def pooled(pairs: list[Pair], draws: int = 2000) -> tuple[float, float, float]:
    """Give the mean difference in macro-F1 over seeds, and its 95 % interval by a paired bootstrap of the test rows."""
    space = pairs[0].ours.space
    ids = [
        (
            space.ids(map(str, p.ours.truth)),
            space.ids(map(str, p.ours.predicted)),
            space.ids(map(str, p.theirs.predicted)),
        )
        for p in pairs
    ]
    rows = len(ids[0][0])
    rng = np.random.default_rng(0)

    def difference(weights: Any) -> float:
        return float(np.mean([macro_f1(t, a, weights) - macro_f1(t, b, weights) for t, a, b in ids]))

    def macro_f1(truth: Any, given: Any, weights: Any) -> float:
        cells = np.bincount(truth * len(space) + given, weights, len(space) ** 2).reshape(len(space), -1)
        total = cells.sum(0) + cells.sum(1)
        return float(np.mean((2 * cells.diagonal() / np.maximum(total, 1))[cells.sum(1) > 0]))

    drawn = [difference(np.bincount(rng.integers(0, rows, rows), minlength=rows)) for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return difference(np.ones(rows)), float(low), float(high)


def main() -> None:
    """Print one line per contender and seed, the paired difference and the ratio of times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="edos", choices=["edos", "banking77", "germeval2018"])
    parser.add_argument("--rows", type=int, default=3000, help="training rows, drawn by label; 0: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a training setting")
    parser.add_argument("--notebook", action="append", default=[], metavar="NAME=VALUE", help="the notebook's own")
    chosen = parser.parse_args()
    settings = Settings().with_names(parse_assignments(chosen.set))
    theirs = {name: float(value) for name, value in (one.split("=") for one in chosen.notebook)}
    pairs = [one_seed(chosen.data, chosen.rows, seed, settings, theirs) for seed in chosen.seeds]
    found, low, high = pooled(pairs)
    print(f"macro-F1 difference {found:+.4f} (95 % {low:+.4f} to {high:+.4f}), {len(pairs)} seeds")
    ratios = [ours / stock for ours, stock in (pair.seconds for pair in pairs)]
    print(f"time: classifine / notebook = {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
