"""Training speed beside Hugging Face's Trainer: texts a second, ratios, and the share of the machine's rate.

Run it with CLASSIFINE_DATA naming the folder of benchmark data, on a machine that does nothing else::

    CLASSIFINE_DATA=... python benchmarks/training.py                    # MiniLM, short texts
    CLASSIFINE_DATA=... python benchmarks/training.py --model bert-base  # random weights of that size
    CLASSIFINE_DATA=... python benchmarks/training.py --tokens 120       # edos texts joined up to 120 tokens and more

All train in turn on the same rows for one epoch, in one process; medians of the rounds' ratios. The notebook: the stock
Trainer, padding to the longest of each batch, batch 32, float32, rows in random order. Grouped: the same with rows
grouped by length. The expert: grouped, and bfloat16. Padded to 512: batch 16, every text filled up, fewer rows, once.
With ``--memory`` each runs in a process of its own, which tells its peak.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from classifine.data.rows.reading import read_labelled
from classifine.labels import LabelSpace
from classifine.model.hub import resolve
from classifine.model.torch_backend import quiet
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training.finetune import finetune

SEED = 42
RATE = 2e-4


class Bench:
    """The rows, the base model, and one method a contender; each gives the seconds of one epoch."""

    def __init__(self, model: Path, table: LabelledTexts, *, cuda: bool) -> None:
        self.model = model
        self.table = table
        self.space = LabelSpace.of(table.labels)
        self.cuda = cuda
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.tokens = [len(ids) for ids in self.tokenizer(list(table.texts), truncation=True)["input_ids"]]

    def ours(self, **settings: Any) -> float:
        """Train as `classifine run` does; validation is a handful of texts whose time is not counted."""
        base = resolve(str(self.model))
        chosen = Settings(seed=SEED).with_names(
            {"model": str(self.model), "num_train_epochs": 1, "learning_rate": RATE, **settings}
        )
        few = self.table.take(range(32))
        with tempfile.TemporaryDirectory() as folder:
            told = finetune(self.table, few, self.space, base, chosen, scratch=Path(folder) / "scratch").history
        return len(self.table) / float(told["examples_per_second"])

    def stock(self, *, bf16: bool, grouped: bool, rows: int | None = None, to: int | None = None) -> float:
        """Train with the stock Trainer."""
        set_seed(SEED)
        table = self.table.take(range(rows)) if rows else self.table
        with quiet():
            model = AutoModelForSequenceClassification.from_pretrained(self.model, num_labels=len(self.space))
        padding: Any = {"padding": "max_length", "max_length": to} if to else {}
        encoded = self.tokenizer(list(table.texts), truncation=True, **padding)
        ids = self.space.ids(table.labels)
        dataset = [
            {"input_ids": a, "attention_mask": b, "labels": int(c)}
            for a, b, c in zip(encoded["input_ids"], encoded["attention_mask"], ids, strict=True)
        ]
        with tempfile.TemporaryDirectory() as out, quiet():
            arguments = TrainingArguments(
                output_dir=out,
                per_device_train_batch_size=16 if to else 32,
                learning_rate=RATE,
                num_train_epochs=1,
                weight_decay=0.01,
                warmup_steps=0.1,
                bf16=bf16,
                train_sampling_strategy="group_by_length" if grouped else "random",
                logging_strategy="epoch",
                save_strategy="no",
                report_to="none",
                use_cpu=not self.cuda,
                disable_tqdm=True,
                seed=SEED,
            )
            trainer = Trainer(
                model=model,
                args=arguments,
                train_dataset=dataset,
                data_collator=DataCollatorWithPadding(self.tokenizer),
            )
            trainer.remove_callback(PrinterCallback)
            started = time.perf_counter()
            trainer.train()
            return (time.perf_counter() - started) * len(self.table) / len(table)

    def gigaflops(self) -> float:
        """Count the operations of one epoch over real tokens: dense layers and attention, forward and backward."""
        config = AutoConfig.from_pretrained(self.model)
        width, layers = config.hidden_size, config.num_hidden_layers
        dense = 2 * (4 * width * width + 2 * width * config.intermediate_size) * layers
        return float(sum(3 * n * (dense + 4 * n * width * layers) for n in self.tokens)) / 1e9


def matrix_rate(width: int, dtype: torch.dtype) -> float:
    """Measure the machine's rate of matrix products of a BERT block, in GFLOP/s."""
    rows, taken = 2048, []
    a, b = torch.randn(rows, width).to(dtype), torch.randn(width, 4 * width).to(dtype)
    for _ in range(30):
        started = time.perf_counter()
        a @ b
        taken.append(time.perf_counter() - started)
    return 2 * rows * width * 4 * width / statistics.median(taken) / 1e9


def bert_base(folder: Path) -> Path:
    """Write a model of bert-base's size with random weights, and MiniLM's tokenizer, which is BERT's."""
    torch.manual_seed(0)
    with quiet():
        BertModel(BertConfig()).save_pretrained(folder)
        AutoTokenizer.from_pretrained(resolve("minilm").folder).save_pretrained(folder)
    return folder


def texts(rows: int, tokens: int) -> LabelledTexts:
    """Draw texts of edos; where they shall be longer, join one after the other."""
    table = read_labelled(Path(os.environ["CLASSIFINE_DATA"]) / "edos" / "train.csv", Settings().data).table
    table = table.take(np.random.default_rng(SEED).permutation(len(table)).tolist())
    if not tokens:
        return table.take(range(rows))
    tokenizer = AutoTokenizer.from_pretrained(resolve("minilm").folder)
    joined: list[str] = []
    current = ""
    for text in table.texts:
        current = f"{current} {text}".strip()
        if len(tokenizer(current)["input_ids"]) >= tokens:
            joined.append(current)
            current = ""
        if len(joined) == rows:
            break
    kept = table.take(range(len(joined)))
    return LabelledTexts(kept.ids, tuple(joined), kept.labels, kept.rows)


def main() -> None:
    """Print the rates, the ratios and the share of the machine's rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", choices=["minilm", "bert-base"])
    parser.add_argument("--tokens", type=int, default=0, help="least tokens of a text")
    parser.add_argument("--rows", type=int, default=0, help="texts of an epoch; default 1,280, 320 for bert-base")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--float32", action="store_true", help="as on a processor without bfloat16")
    parser.add_argument("--padded", action="store_true", help="also every text padded to 512, on 64 rows, once")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--memory", action="store_true", help="peak memory instead, one process a contender")
    parser.add_argument("--only", help="one contender, once, and its peak memory")
    chosen = parser.parse_args()
    if "CLASSIFINE_DATA" not in os.environ:
        sys.exit("set CLASSIFINE_DATA to the folder of benchmark data")
    rows = chosen.rows or (320 if chosen.model == "bert-base" or chosen.tokens else 1280)
    bf16 = not chosen.float32
    with tempfile.TemporaryDirectory() as scratch:
        folder = bert_base(Path(scratch) / "base") if chosen.model == "bert-base" else resolve("minilm").folder
        bench = Bench(folder, texts(rows, chosen.tokens), cuda=chosen.device == "cuda")
        contenders: dict[str, Callable[[], float]] = {
            "classifine": lambda: bench.ours(bf16=bf16, dropout=0.0),
            "classifine, dropout 0.1": lambda: bench.ours(bf16=bf16, dropout=0.1),
            "notebook": lambda: bench.stock(bf16=False, grouped=False),
            "grouped": lambda: bench.stock(bf16=False, grouped=True),
            "expert": lambda: bench.stock(bf16=True, grouped=True),
        }
        if chosen.float32:
            del contenders["expert"]
        if chosen.only:
            contenders[chosen.only]()
            print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
            return
        mean = statistics.mean(bench.tokens)
        print(f"{chosen.model}, {rows} texts of {mean:.0f} tokens, {torch.get_num_threads()} threads", flush=True)
        if chosen.memory:
            for name in contenders:
                again = [sys.executable, *sys.argv, "--only", name]
                found = subprocess.run(again, capture_output=True, text=True, check=True)
                print(f"  {name:<26} peak {found.stdout.split(chr(10))[-2]}")
            return
        compared(bench, contenders, chosen.rounds, width=768 if chosen.model == "bert-base" else 384, bf16=bf16)
        if chosen.padded:
            ours, theirs = bench.ours(bf16=bf16), bench.stock(bf16=False, grouped=False, rows=64, to=512)
            print(f"  padded to 512{rows / theirs:21.1f} texts/s; classifine is {theirs / ours:.2f} times as fast")


def compared(bench: Bench, contenders: dict[str, Callable[[], float]], rounds: int, *, width: int, bf16: bool) -> None:
    """Run the contenders in turn and print medians."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    rates: list[float] = []
    for _ in range(rounds):
        rates.append(matrix_rate(width, torch.bfloat16 if bf16 else torch.float32))
        for name, work in contenders.items():
            taken[name].append(work())
    ours = taken["classifine"]
    rows = len(bench.table)
    for name, seconds in taken.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, ours, strict=True))
        print(f"  {name:<26} {rows / statistics.median(seconds):7.1f} texts/s; classifine is {ratio:.2f} times as fast")
    speed = bench.gigaflops() / statistics.median(ours)
    limit = statistics.median(rates)
    print(f"  {speed:.0f} GFLOP/s over real tokens, {speed / limit:.0%} of the {limit:.0f} of matrix products alone")


if __name__ == "__main__":
    main()
