"""How long the full scorecard of a large file of predictions takes, and how much memory.

Makes a Parquet file of predictions (probabilities of 20 labels, a tenth of them rounded, drawn with a seed), scores it
with `classifine evaluate --predictions` in a process of its own, and prints wall time and peak memory.

    python benchmarks/evaluation.py --rows 1000000 --labels 20
    python benchmarks/evaluation.py --rows 100000 --groups 20000
    python benchmarks/evaluation.py --rows 100000 --several
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 100_000
MOST_SECONDS, MOST_GIB = 60.0, 3.0


def made(path: Path, rows: int, labels: int, groups: int, *, several: bool) -> None:
    """Write predictions of rows; labels are unequally frequent, and a group's rows share some of their luck."""
    rng = np.random.default_rng(7)
    names = [f"label {number:02d}" for number in range(labels)]
    shares = 1 / np.arange(1, labels + 1)
    luck = rng.normal(size=max(1, groups))
    writer = None
    for start in range(0, rows, CHUNK):
        n = min(CHUNK, rows - start)
        group = rng.integers(0, groups, size=n) if groups else np.zeros(n, dtype=int)
        skill = 3 + (luck[group] if groups else 0.0)
        logits = 1.5 * rng.normal(size=(n, labels))
        columns: dict[str, object] = {"id": [f"row {start + place}" for place in range(n)]}
        if several:
            has = rng.random((n, labels)) < 0.15
            probabilities = 1 / (1 + np.exp(-(logits + np.asarray(skill).reshape(-1, 1) * (has - 0.5))))
            columns["truth"] = ["|".join(names[label] for label in np.flatnonzero(row)) for row in has]
        else:
            truth = rng.choice(labels, size=n, p=shares / shares.sum())
            logits[np.arange(n), truth] += skill
            probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            columns["truth"] = [names[label] for label in truth]
            columns["predicted"] = [names[label] for label in probabilities.argmax(axis=1)]
        if groups:
            columns["author"] = [f"author {one}" for one in group]
        columns |= {f"p_{name}": probabilities[:, place] for place, name in enumerate(names)}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def main() -> None:
    """Make the file, score it, and say whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--groups", type=int, default=0)
    parser.add_argument("--several", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder for file and scorecard; without one, both are gone after")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        path, out = folder / "predictions.parquet", folder / "out"
        made(path, asked.rows, asked.labels, asked.groups, several=asked.several)
        print(f"{asked.rows:,} rows, {asked.labels} labels, {path.stat().st_size / 2**20:.0f} MiB of Parquet")
        more = ["--label-separator", "|"] if asked.several else []
        more += ["--group", "author"] if asked.groups else []
        command = [sys.executable, "-m", "classifine", "evaluate", "--predictions", str(path), "-o", str(out), *more]
        started = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds, gib = time.perf_counter() - started, usage.ru_maxrss / 2**20
        if status:
            sys.exit("the evaluation failed")
        card = json.loads((out / "scorecard.json").read_text("utf-8"))
        model = card["scores"]["model"]
        figure = model["macro_f1"]
        print(f"macro-F1 {figure['value']:.4f} ({figure['low']:.4f} to {figure['high']:.4f}, {figure['method']})")
        met = seconds < MOST_SECONDS and gib < MOST_GIB
        busy = usage.ru_utime + usage.ru_stime
        print(
            f"{seconds:.1f} s wall ({busy:.1f} s of processor), peak {gib:.2f} GiB: "
            f"{'under' if met else 'NOT under'} {MOST_SECONDS:.0f} s and {MOST_GIB:.0f} GiB"
        )


if __name__ == "__main__":
    main()
