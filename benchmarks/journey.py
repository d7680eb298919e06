"""The journey beside the notebook: macro-F1 and time of classifine and of a stock Trainer on the same rows.

Run it with CLASSIFINE_DATA naming the folder of benchmark data::

    CLASSIFINE_DATA=... python benchmarks/journey.py --data edos --rows 3000

The notebook's recipe: Hugging Face's Trainer, padding to the longest of each batch, batch 32, float32, rows in random
order, evaluation after each epoch, the last epoch's weights; learning rate, epochs and seed are the contender's.
Both read the same training, validation and test rows; time is tokenising, training and predicting the test rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from classifine.evaluation.comparison import compare
from classifine.evaluation.scores import score
from classifine.journey import finetuned
from classifine.labels import FloatMatrix, decide
from classifine.model.classifier import predictions_of
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Predictions, Splits
from classifine.training.baseline import TfidfLogistic
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
            learning_rate=settings_used["learning_rate"],
            num_train_epochs=settings_used["num_train_epochs"],
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


def main() -> None:
    """Print one line per contender and the paired difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="edos", choices=["edos", "banking77", "germeval2018"])
    parser.add_argument("--rows", type=int, default=3000, help="training rows, drawn by label; 0: all")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a training setting")
    chosen = parser.parse_args()
    from classifine.settings import parse_assignments

    splits = official(chosen.data, chosen.rows or sys.maxsize, chosen.seed)
    settings = Settings(seed=chosen.seed).with_names(parse_assignments(chosen.set))
    sizes = ", ".join(f"{len(table):,} {name}" for name, table in splits.items())
    print(f"{chosen.data}: {sizes}, {len(splits.space)} labels, seed {chosen.seed}", flush=True)
    ours, our_seconds = timed(lambda: contender(splits, settings))
    told = {name: settings_used[name] for name in ("learning_rate", "num_train_epochs")}
    print(f"  both: {told}", flush=True)
    theirs, their_seconds = timed(lambda: notebook(splits, settings))
    model, stock = predicted(splits, ours, "model"), predicted(splits, theirs, "notebook")
    floor = TfidfLogistic.fit(splits.train, splits.space, chosen.seed)
    simple = predictions_of(
        floor, splits.test.texts, ids=splits.test.ids, truth=splits.test.labels, split="test", classifier="tfidf"
    )
    for name, predictions, seconds in (
        ("classifine", model, f"{our_seconds:7.1f} s"),
        ("notebook", stock, f"{their_seconds:7.1f} s"),
        ("TF-IDF + LR", simple, ""),
    ):
        scores = score(predictions).to_dict()
        values = "  ".join(f"{metric} {scores[metric]['value']:.4f}" for metric in ("macro_f1", "accuracy"))
        print(f"  {name:<12} {values}  {seconds}")
    found = compare(model, stock).to_dict()
    print(f"  macro-F1 difference {found['difference']:+.4f} (95 % {found['low']:+.4f} to {found['high']:+.4f})")
    print(f"  time: classifine / notebook = {our_seconds / their_seconds:.2f}")


if __name__ == "__main__":
    main()
