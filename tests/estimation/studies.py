"""Simulated studies: a corpus with truth, a classifier that errs, and gold rows drawn by one design or another."""

from __future__ import annotations

import numpy as np

from classifine.estimation.intervals import FloatVector
from classifine.estimation.material import Material
from classifine.labels import IntVector

PREVALENCE, SENSITIVITY, SPECIFICITY = 0.2, 0.75, 0.9


def corpus(generator: np.random.Generator, n: int, share: float = PREVALENCE) -> tuple[FloatVector, FloatVector]:
    """Give the truth of each text and what a classifier says of it, both 0 or 1."""
    truth = (generator.random(n) < share).astype(float)
    right = generator.random(n) < np.where(truth == 1, SENSITIVITY, SPECIFICITY)
    return truth, np.where(right, truth, 1 - truth)


def study(generator: np.random.Generator, *, enriched: bool, n: int = 5000, gold: int = 300) -> Material:
    """Give one study: gold rows drawn at random, or three times as likely where the label was predicted."""
    truth, said = corpus(generator, n)
    if enriched:
        weight = np.where(said == 1, 3.0, 1.0)
        probability = weight * gold / weight.sum()
        drawn: IntVector = np.flatnonzero(generator.random(n) < probability)
    else:
        drawn, probability = generator.choice(n, gold, replace=False), np.full(n, gold / n)
    return Material(
        names=("yes",),
        counted=said[:, None],
        working=said[:, None],
        gold=drawn,
        truth=truth[drawn][:, None],
        corpus=np.ones(n, dtype=bool),
        sampled="known" if enriched else "random",
        probability=probability[drawn] if enriched else None,
    )
