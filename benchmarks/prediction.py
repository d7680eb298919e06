"""Prediction speed of every engine of a run beside Hugging Face's ways: rows a second, ratios, memory, agreement.

Run it on an exported run (classifine export RUN --precision fp32 --precision bf16 --precision int8), on a machine that
does nothing else::

    python benchmarks/prediction.py RUN --data test.csv [--rows 1500] [--rounds 5] [--threads 2] [--only auto trainer]

Each contender works in a process of its own, which tells its peak of memory and keeps its threads to itself; only one
works at a time, in turn, so that whatever else the machine does meets all alike. Figures are medians over the rounds;
"× pipeline(list)" is the median of the rounds' ratios. Texts are tokenised each time. Agreement is with the labels of
transformers' own forward. The share is of the float32 matrix product measured in the same turns.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Labels = list[str]
PIPELINE, STOCK = "pipeline(list)", "pipeline(batch_size=32), sorted"
TRAINER, FORWARD = "Trainer.predict (batch 8)", "torch, transformers' forward, buckets"
TORCH, TORCH16 = "torch fp32, real tokens", "torch bf16, real tokens"
LIMIT = "matrix product"
EXPORTED = tuple(
    f"{runtime}-{precision}" for precision in ("fp32", "bf16", "int8") for runtime in ("onnxruntime", "openvino")
)
# Of the matrix product, in a round.
_PRODUCTS = 20
PAIRED = "two processes of one thread, "


def contender(name: str, run: Path, threads: int) -> Callable[[list[str]], Labels]:
    """Open what a contender works with; it is given texts and gives labels."""
    if name in EXPORTED:
        from classifine.model.engines import open_engine

        opened = open_engine(run, name, threads=threads)
        return lambda texts: [str(label) for label in opened.predict(texts).predicted]
    import torch

    torch.set_num_threads(threads)
    if name == LIMIT:
        left, right = torch.randn(2048, 384), torch.randn(384, 1536)

        def multiply(texts: list[str]) -> Labels:
            for _ in range(_PRODUCTS):
                left @ right
            return []

        return multiply
    if name in (TORCH, TORCH16, FORWARD):
        return _torch(name, run)
    return _of_transformers(name, run)


def _torch(name: str, run: Path) -> Callable[[list[str]], Labels]:
    import torch

    from classifine.model.classifier import Classifier
    from classifine.model.unpadded import Unpadded

    opened = Classifier.load(run)
    names = np.array(opened.space.names)
    unpadded = Unpadded.of(opened.backend.model, torch.bfloat16 if name == TORCH16 else torch.float32)

    def forward(texts: list[str]) -> Labels:
        backend = opened.backend
        encoded = backend.encode(texts)
        if name != FORWARD:
            return list(names[backend.logits(encoded, unpadded=unpadded).argmax(axis=1)])
        return list(names[_padded(backend, encoded).argmax(axis=1)])

    return forward


def _padded(backend: Any, encoded: Any) -> Any:
    """Score as transformers does, in the same batches."""
    import torch

    from classifine.model.tokens import batches, pad, pad_id_of

    found = np.zeros((len(encoded.ids), backend.model.config.num_labels))
    with torch.inference_mode():
        for group in batches(encoded.window_lengths, tokens=4096, texts=256):
            inputs = pad([encoded.ids[place] for place in group], pad_id_of(backend.tokenizer))
            found[group] = backend.model(**inputs).logits.numpy()
    return found


def _of_transformers(name: str, run: Path) -> Callable[[list[str]], Labels]:
    import transformers as hugging_face

    transformers: Any = hugging_face
    transformers.logging.set_verbosity_error()
    folder = str(run / "model")
    if name == TRAINER:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        model: Any = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        arguments = transformers.TrainingArguments(
            output_dir="unused", report_to="none", use_cpu=True, disable_tqdm=True, save_strategy="no"
        )
        trainer: Any = transformers.Trainer(
            model=model, args=arguments, data_collator=transformers.DataCollatorWithPadding(tokenizer)
        )

        def predict(texts: list[str]) -> Labels:
            encoded = tokenizer(texts, truncation=True)["input_ids"]
            logits = trainer.predict([{"input_ids": ids} for ids in encoded]).predictions
            return [model.config.id2label[int(place)] for place in logits.argmax(axis=1)]

        return predict
    pipe: Any = transformers.pipeline("text-classification", model=folder, device="cpu")
    if name == PIPELINE:
        return lambda texts: [one["label"] for one in pipe(texts, truncation=True)]

    def in_order(texts: list[str]) -> Labels:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found = pipe([texts[place] for place in order], truncation=True, batch_size=32)
        labels = [""] * len(texts)
        for place, one in zip(order, found, strict=True):
            labels[place] = one["label"]
        return labels

    return in_order


def work(name: str, run: Path, threads: int) -> None:
    """Be a contender: a line with texts comes in, a line with seconds, labels and memory goes out."""
    started = time.perf_counter()
    label = contender(name, run, threads)
    opened = time.perf_counter() - started
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        texts = json.loads(line)
        started = time.perf_counter()
        labels = label(texts)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answers.write(json.dumps({"seconds": seconds, "labels": labels, "peak": peak, "opened": opened}) + "\n")
        answers.flush()


class Worker:
    """A contender in processes of its own."""

    def __init__(self, name: str, run: Path, threads: int) -> None:
        self.name = name
        self.seconds: list[float] = []
        self.told: list[dict[str, Any]] = []
        paired = name.startswith(PAIRED)
        words = [sys.executable, __file__, str(run), "--work", name.removeprefix(PAIRED)]
        words += ["--threads", str(1 if paired else threads)]
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false" if paired else "true"}
        environment.pop("OMP_NUM_THREADS", None)
        self._processes = [
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
            for _ in range(2 if paired else 1)
        ]

    def round(self, texts: list[str], *, counts: bool) -> Labels:
        """Label texts, divided evenly among the processes, and remember how long that took."""
        number = len(self._processes)
        started = time.perf_counter()
        for part, process in enumerate(self._processes):
            assert process.stdin is not None
            process.stdin.write(json.dumps(texts[part::number]) + "\n")
            process.stdin.flush()
        told = [json.loads(process.stdout.readline()) for process in self._processes if process.stdout is not None]
        whole = time.perf_counter() - started
        if counts:
            self.seconds.append(whole if number > 1 else told[0]["seconds"])
        self.told = told
        labels: Labels = [""] * (len(texts) if told[0]["labels"] else 0)
        for part, one in enumerate(told):
            if labels:
                labels[part::number] = one["labels"]
        return labels

    def close(self) -> None:
        """Let the processes end."""
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
            process.wait()


def gigaflops(run: Path, texts: Sequence[str]) -> float:
    """Count the operations of one forward pass over real tokens: dense layers and attention."""
    from classifine.model.fast_tokenizer import FastTokenizer

    config = json.loads((run / "model" / "config.json").read_text("utf-8"))
    width, layers = (
        config.get("hidden_size", config.get("dim")),
        config.get("num_hidden_layers", config.get("n_layers")),
    )
    lengths = [len(ids) for ids in FastTokenizer.read(run / "model" / "tokenizer.json")(list(texts))["input_ids"]]
    return float(sum(length * layers * (24 * width**2 + 4 * length * width) for length in lengths)) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, help="a CSV file with the column text")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        work(given.work, given.run, given.threads)
        return
    from classifine.model.cores import cores
    from classifine.model.engines import choices, exported_folder

    threads = given.threads or cores()
    folder = exported_folder(given.run)
    held = {f"{one.runtime}-{one.precision}" for one in (choices(folder) if folder else ())}
    names = [PIPELINE, STOCK, TRAINER, FORWARD, TORCH, TORCH16, *(name for name in EXPORTED if name in held)]
    names += [PAIRED + name for name in EXPORTED if name in held and threads > 1 and name.startswith("openvino")]
    names = [name for name in names if not given.only or any(word in name for word in given.only)] + [LIMIT]
    with given.data.open(newline="", encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    texts = [texts[place] for place in np.unique(np.linspace(0, len(texts) - 1, given.rows).astype(int))]
    workers = {name: Worker(name, given.run, threads) for name in names}
    labels = {name: worker.round(texts, counts=False) for name, worker in workers.items()}  # to warm up
    for _ in range(given.rounds):
        for worker in workers.values():
            worker.round(texts, counts=True)
    tell(workers, labels, given.run, texts, threads)
    for worker in workers.values():
        worker.close()


def tell(workers: dict[str, Worker], labels: dict[str, Labels], run: Path, texts: list[str], threads: int) -> None:
    """Print the table."""
    limit = _PRODUCTS * 2 * 2048 * 384 * 1536 / 1e9 / statistics.median(workers[LIMIT].seconds)
    needed = gigaflops(run, texts)
    truth = labels.get(FORWARD) or labels.get(PIPELINE) or next(iter(labels.values()))
    base = workers[PIPELINE].seconds if PIPELINE in workers else None
    print(f"{len(texts):,} texts, {threads} threads; float32 matrix product {limit:.0f} GFLOP/s")
    print(f"{'':52}{'rows/s':>8}{'× pipe':>8}{'GFLOP/s':>9}{'share':>7}{'agree':>8}{'peak MB':>9}{'opened s':>10}")
    for name, worker in workers.items():
        if name == LIMIT:
            continue
        median = statistics.median(worker.seconds)
        ratio = statistics.median(b / w for b, w in zip(base, worker.seconds, strict=True)) if base else float("nan")
        same = float(np.mean([a == b for a, b in zip(labels[name], truth, strict=True)]))
        peak, opened = sum(one["peak"] for one in worker.told), max(one["opened"] for one in worker.told)
        print(
            f"{name:52}{len(texts) / median:8.0f}{ratio:8.1f}{needed / median:9.0f}{needed / median / limit:7.0%}"
            f"{same:8.3f}{peak:9.0f}{opened:10.2f}"
        )


if __name__ == "__main__":
    main()
