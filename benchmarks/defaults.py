"""The study behind the defaults for small encoders: one factor at a time from a base, scores and seconds.

Run it with CLASSIFINE_DATA naming the folder of benchmark data::

    CLASSIFINE_DATA=... python benchmarks/defaults.py --results results.jsonl

Each run is a line of the results file, written when it ends; the same command goes on where it was stopped. MiniLM,
2,000 training rows of each data set, three seeds; the best epoch by validation, scored on up to 1,000 rows of the
official test file. goemotions takes part with the rows that have one label. A level's difference is the mean over data
sets and seeds of its macro-F1 minus that of the base with the same rows and seed; its interval is Student's. Time is
the processor's, training and reading the base model's texts, so that other work on the machine matters little. Several
processes may share the work, each with data sets and a results file of its own; ``--results A B`` prints all of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from classifine.evaluation.scores import score
from classifine.journey import finetuned
from classifine.model.classifier import predictions_of
from classifine.settings import Settings
from official import official

BASE: dict[str, Any] = {
    "learning_rate": 2e-4,
    "num_train_epochs": 5,
    "dropout": 0.0,
    "fitted_head": True,
    "evaluations_per_epoch": 1,
    "early_stopping_patience": 0,
}
LEVELS: dict[str, dict[str, Any]] = {
    "base": {},
    "head drawn": {"fitted_head": False},
    "dropout 0.1": {"dropout": 0.1},
    "learning rate 1e-4": {"learning_rate": 1e-4},
    "3 epochs": {"num_train_epochs": 3},
    "learning rate 4e-4": {"learning_rate": 4e-4},
    "8 epochs": {"num_train_epochs": 8},
}
# So many levels are done with all seeds before the others begin.
FIRST = 5
DATA = ("edos", "banking77", "germeval2018", "goemotions")
ROWS, TEST_ROWS = 2000, 1000


def planned(seeds: int, sets: list[str]) -> Iterator[tuple[str, str, int]]:
    """Give level, data set and seed of each run; whole rounds first, so that a stopped study is balanced."""
    order = list(LEVELS)
    for levels in (order[:FIRST], order[FIRST:]):
        for seed in range(1, seeds + 1):
            for data in sets:
                for level in levels:
                    yield level, data, seed


def run(level: str, data: str, seed: int, threads: int | None) -> dict[str, Any]:
    """Train once and score the test rows."""
    splits = official(data, ROWS, seed, test_rows=TEST_ROWS)
    settings = Settings(seed=seed).with_names({**BASE, **LEVELS[level], "threads": threads})
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = finetuned(splits, settings, scratch=Path(folder) / "scratch")
    seconds = time.process_time() - started
    test = splits.test
    found = predictions_of(result.classifier, test.texts, ids=test.ids, truth=test.labels, split="test")
    return {
        "level": level,
        "data": data,
        "seed": seed,
        "macro_f1": score(found).to_dict()["macro_f1"]["value"],
        "accuracy": score(found).to_dict()["accuracy"]["value"],
        "best_epoch": result.history["best"]["epoch"],
        "seconds": round(seconds, 1),
    }


def told(results: list[dict[str, Any]]) -> None:
    """Print a line a level: the difference to the base over all pairs, and its parts."""
    found = {(one["level"], one["data"], one["seed"]): one for one in results}
    for level in LEVELS:
        pairs = [
            (found[key], found["base", *key[1:]]) for key in found if key[0] == level and ("base", *key[1:]) in found
        ]
        if not pairs:
            continue
        apart = [one["macro_f1"] - base["macro_f1"] for one, base in pairs]
        parts = []
        for data in DATA:
            scores = [one["macro_f1"] for one, _ in pairs if one["data"] == data]
            parts.append(f"{data} {statistics.mean(scores):.3f}" if scores else f"{data} -")
        ratio = statistics.median(one["seconds"] / base["seconds"] for one, base in pairs)
        line = f"{level:<20} {statistics.mean(apart):+.4f}"
        if len(apart) > 1 and any(apart):
            half = float(student.ppf(0.975, len(apart) - 1)) * statistics.stdev(apart) / len(apart) ** 0.5
            line += f" ±{half:.4f}"
        print(f"{line}  n {len(apart):2}  time {ratio:.2f}  {'  '.join(parts)}", flush=True)


def main() -> None:
    """Do what is left of the study, then print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--results", type=Path, nargs="+", required=True, help="files with a line of JSON a run; the first one grows"
    )
    parser.add_argument("--data", nargs="+", default=list(DATA), choices=DATA)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--minutes", type=float, default=180, help="no run begins later than this")
    chosen = parser.parse_args()
    files = [file for file in chosen.results if file.exists()]
    results = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    done = {(one["level"], one["data"], one["seed"]) for one in results}
    started = time.monotonic()
    for level, data, seed in planned(chosen.seeds, chosen.data):
        if (level, data, seed) in done or time.monotonic() - started > 60 * chosen.minutes:
            continue
        results.append(run(level, data, seed, chosen.threads))
        with chosen.results[0].open("a") as stream:
            stream.write(json.dumps(results[-1]) + "\n")
        print(results[-1], flush=True)
    told(results)


if __name__ == "__main__":
    main()
