"""Fused attention beside attention computed step by step, in bfloat16 training on a processor: seconds a batch.

Run it as ``python benchmarks/attention.py``. Of the stock forward pass and of the one on real tokens, both are measured
in turn, in one process; medians of the rounds. A quarter of the places are padding in half of the texts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from classifine.model import unpadded
from classifine.model.hub import resolve
from classifine.model.torch_backend import quiet

TEXTS = 32
LENGTHS = (16, 32, 64, 96, 128, 160, 192, 256, 384)


def stock(model: Any, tokens: int, *, fused: bool) -> Callable[[], float]:
    """Give one forward and backward pass of the stock model under autocast."""
    inputs = {
        "input_ids": torch.randint(1000, 20_000, (TEXTS, tokens)),
        "attention_mask": torch.ones((TEXTS, tokens), dtype=torch.long),
        "labels": torch.zeros(TEXTS, dtype=torch.long),
    }
    inputs["attention_mask"][: TEXTS // 2, tokens * 3 // 4 :] = 0

    def seconds() -> float:
        model.set_attn_implementation("sdpa" if fused else "eager")
        started = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(**inputs).loss
        loss.backward()
        return time.perf_counter() - started

    return seconds


def real(model: Any, tokens: int, *, fused: bool) -> Callable[[], float]:
    """Give one forward and backward pass on real tokens."""
    forward = unpadded.Unpadded.of(model, torch.bfloat16)
    assert forward is not None
    lengths = torch.full((TEXTS,), tokens)
    lengths[: TEXTS // 2] = tokens * 3 // 4
    ids = torch.randint(1000, 20_000, (int(lengths.sum()),))

    def seconds() -> float:
        unpadded._SHORT = 0 if fused else 10**9
        started = time.perf_counter()
        forward(ids, lengths).sum().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - started

    return seconds


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
    for tokens in LENGTHS:
        told = []
        for name, work in (("stock", stock), ("real tokens", real)):
            passes = {fused: work(model, tokens, fused=fused) for fused in (True, False)}
            taken = [{fused: once() for fused, once in passes.items()} for _ in range(chosen.rounds + 1)][1:]
            ratio = statistics.median(each[True] / each[False] for each in taken)
            told.append(
                f"{name}: step by step {statistics.median(each[False] for each in taken):.3f} s, ratio {ratio:.2f}"
            )
            model.zero_grad()
        print(f"{TEXTS} x {tokens:3} tokens, fused / step by step. {'; '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
