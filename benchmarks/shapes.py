"""What shapes of matrix products cost: memory and time with numbers of tokens rounded up or not, and kernels kept.

Run it as ``python benchmarks/shapes.py``. Each is measured in a process of its own: MiniLM in bfloat16, forward and
backward, batches of 32 texts of 8 to 70 tokens, drawn at random from the same seed. Kernels: those of matrix
products that oneDNN keeps for shapes it has seen; 1024 is its own default.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from classifine.model import unpadded
from classifine.model.hub import resolve
from classifine.model.torch_backend import quiet


def measured(batches: int) -> str:
    """Go through the batches; give seconds, peak memory in MiB and the share of tokens that were added."""
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(
            resolve("minilm").folder, num_labels=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        ).train()
    forward = unpadded.Unpadded.of(model, torch.bfloat16)
    assert forward is not None
    rng = np.random.default_rng(0)
    added = total = 0
    started = time.perf_counter()
    for _ in range(batches):
        longest = int(rng.integers(8, 70))
        lengths = torch.from_numpy(rng.integers(max(2, longest - 3), longest + 1, 32))
        ids = torch.from_numpy(rng.integers(1000, 20_000, int(lengths.sum())))
        added += unpadded.Layout(lengths).extra
        total += len(ids)
        forward(ids, lengths).sum().backward()  # type: ignore[no-untyped-call]
        model.zero_grad()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{time.perf_counter() - started:.1f} {peak:.0f} {added / total:.3f}"


def main() -> None:
    """Print one line a way of rounding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--shapes", type=int, help="measure this one here: so many shapes from a number to its double")
    chosen = parser.parse_args()
    if chosen.shapes is not None:
        unpadded._SHAPES = chosen.shapes
        print(measured(chosen.batches))
        return
    for kernels in (1024, 64):
        for name, shapes in (("not rounded", 2**30), ("8 an octave", 8), ("4 an octave", 4)):
            command = [sys.executable, __file__, "--batches", str(chosen.batches), "--shapes", str(shapes)]
            kept = {**os.environ, "ONEDNN_PRIMITIVE_CACHE_CAPACITY": str(kernels)}
            told = subprocess.run(command, check=True, capture_output=True, text=True, env=kept).stdout
            seconds, peak, added = told.split()
            print(
                f"{kernels:>4} kernels kept, {name:<12} {seconds:>6} s  peak {peak:>5} MiB  "
                f"{float(added):.1%} of the tokens added",
                flush=True,
            )


if __name__ == "__main__":
    main()
