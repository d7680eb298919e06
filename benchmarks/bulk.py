"""Predicts a long file and prints rows per second and memory, from its first tenth to its last.

The file is edos, repeated, with a running number, so that no text stands twice. Without --run, a stand-in scores that
costs next to nothing, and what is measured is everything around the model.
`python benchmarks/bulk.py [--rows 1000000] [--run RUN] [--engine auto] [--format csv]`
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifine.labels import FloatMatrix, LabelSpace
from classifine.model.classifier import Scorer
from classifine.prediction.bulk import predict_file

EDOS = Path(os.environ.get("CLASSIFINE_DATA", "data")) / "edos" / "train.csv"
MOST_MEMORY = 1.5 * 2**30


class StandIn:
    """Looks at each text and says something."""

    space = LabelSpace(("no", "yes"))

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Score them."""
        share = np.array([len(text) % 101 / 100 for text in texts])
        return np.column_stack([1 - share, share])


class Watched:
    """Another scorer, with a look at clock and memory at each call."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.space = scorer.space
        self.looks = [(0, time.perf_counter(), memory())]

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Score them, and look."""
        found = self._scorer.predict_proba(texts)
        self.looks.append((self.looks[-1][0] + len(texts), time.perf_counter(), memory()))
        return found


def memory() -> int:
    """Give the bytes this process has in memory."""
    with Path("/proc/self/statm").open(encoding="ascii") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize()


def write_rows(path: Path, rows: int) -> None:
    """Write edos, repeated, each text with its number before it."""
    with EDOS.open(encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["n", "text"])
        writer.writerows([n, f"{n} {text}"] for n, text in zip(range(rows), itertools.cycle(texts), strict=False))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--run", type=Path)
    asked.add_argument("--engine", default="auto")
    asked.add_argument("--format", default="csv", choices=["csv", "parquet", "jsonl", "csv.gz"])
    asked.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.child is None:
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder) / "rows.csv", given.rows)
            # a process of its own, so that the peak is that of the prediction
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--child", folder], check=True)
        return
    if given.run is None:
        scorer: Scorer = StandIn()
    else:
        from classifine.model.engines import open_engine

        opened = open_engine(given.run, given.engine)
        print(f"engine: {opened.engine.name}; {opened.engine.why}")
        scorer = opened
    watched = Watched(scorer)
    began = time.perf_counter()
    result = predict_file(watched, given.child / "rows.csv", given.child / f"out.{given.format}", model={"engine": "x"})
    seconds = time.perf_counter() - began
    print(f"{'texts':>12} {'rows/s':>10} {'MiB':>8}")
    looks = watched.looks
    for tenth in range(10):
        first, last = (min(len(looks) - 1, round(len(looks) * k / 10)) for k in (tenth, tenth + 1))
        (texts, start, _), (more, end, size) = looks[first], looks[last]
        if end > start:
            print(f"{more:>12,} {(more - texts) / (end - start):>10,.0f} {size / 2**20:>8,.0f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{result.rows:,} rows in {seconds:,.1f} s: {result.rows / seconds:,.0f} rows/s from the first read to the end"
    )
    verdict = "under" if peak < MOST_MEMORY else "OVER"
    print(f"peak memory {peak / 2**20:,.0f} MiB, {verdict} {MOST_MEMORY / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
