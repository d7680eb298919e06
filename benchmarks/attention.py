"""Fused attention beside attention computed step by step, in bfloat16 training on a processor: seconds a batch.

Run it as ``python benchmarks/attention.py``. Both are measured in turn, in one process; medians of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from classifine.model.hub import resolve
from classifine.model.torch_backend import quiet


def seconds(model: Any, texts: int, tokens: int) -> float:
    """Time one forward and backward pass."""
    inputs = {
        "input_ids": torch.randint(1000, 20_000, (texts, tokens)),
        "attention_mask": torch.ones((texts, tokens), dtype=torch.long),
        "labels": torch.zeros(texts, dtype=torch.long),
    }
    # half of the texts are padded, as in training
    inputs["attention_mask"][: texts // 2, tokens * 3 // 4 :] = 0
    started = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(**inputs).loss
    loss.backward()
    return time.perf_counter() - started


def main() -> None:
    """Print one line a length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    with quiet():
        # without dropout, as minilm is trained by default
        model = AutoModelForSequenceClassification.from_pretrained(
            resolve("minilm").folder, num_labels=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        ).train()
    for tokens in (16, 32, 48, 64, 96, 128, 256):
        taken: dict[str, list[float]] = {"sdpa": [], "eager": []}
        for _ in range(chosen.rounds + 1):
            for name, measured in taken.items():
                model.set_attn_implementation(name)
                measured.append(seconds(model, 32, tokens))
        fused, stepwise = (statistics.median(measured[1:]) for measured in taken.values())
        print(
            f"32 x {tokens:3} tokens: fused {fused:.3f} s, step by step {stepwise:.3f} s, ratio {fused / stepwise:.2f}"
        )


if __name__ == "__main__":
    main()
