from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pytest

from classifine.labels import FloatMatrix, LabelSpace, decide
from classifine.tables import Predictions


class Make(Protocol):
    def __call__(
        self,
        truth: Sequence[str | None],
        probabilities: FloatMatrix,
        *,
        classifier: str = ...,
        names: Sequence[str] | None = ...,
        positive: str | None = ...,
        split: str = ...,
    ) -> Predictions: ...


class Draw(Protocol):
    def __call__(
        self, n: int, n_labels: int, *, seed: int = ..., skill: float = ..., classifier: str = ...
    ) -> Predictions: ...


@pytest.fixture
def make() -> Make:
    def build(
        truth: Sequence[str | None],
        probabilities: FloatMatrix,
        *,
        classifier: str = "model",
        names: Sequence[str] | None = None,
        positive: str | None = None,
        split: str = "test",
    ) -> Predictions:
        space = LabelSpace(tuple(names or sorted({label for label in truth if label is not None})), positive)
        ids = tuple(f"r{row}" for row in range(len(truth)))
        return Predictions(
            ids=ids,
            texts=tuple(f"text of {id_}" for id_ in ids),
            truth=tuple(truth),
            predicted=decide(probabilities, space),
            probabilities=probabilities,
            status=("ok",) * len(truth),
            space=space,
            split=split,
            classifier=classifier,
        )

    return build


@pytest.fixture
def draw_several() -> Draw:
    """Random predictions of texts with none to some labels; the truth depends on n and n_labels alone."""

    def build(n: int, n_labels: int, *, seed: int = 0, skill: float = 2.0, classifier: str = "model") -> Predictions:
        thresholds = tuple(0.3 + 0.3 * index / n_labels for index in range(n_labels))
        space = LabelSpace(tuple(f"label{k:02d}" for k in range(n_labels)), separator="|", thresholds=thresholds)
        truth = np.random.default_rng(n * 1000 + n_labels).random((n, n_labels)) < 0.3
        logits = np.random.default_rng(seed).normal(size=(n, n_labels)) + skill * (truth - 0.5)
        probabilities = 1 / (1 + np.exp(-logits))
        return Predictions(
            ids=tuple(f"r{row}" for row in range(n)),
            texts=tuple(f"text {row}" for row in range(n)),
            truth=tuple("|".join(cell.split("|")[::-1]) for cell in space.cells(truth)),
            predicted=decide(probabilities, space),
            probabilities=probabilities,
            status=("ok",) * n,
            space=space,
            split="test",
            classifier=classifier,
        )

    return build


@pytest.fixture
def draw(make: Make) -> Draw:
    """Random predictions; the truth depends on n and n_labels alone, so that two draws can be compared."""

    def build(n: int, n_labels: int, *, seed: int = 0, skill: float = 2.0, classifier: str = "model") -> Predictions:
        names = [f"label{index:02d}" for index in range(n_labels)]
        truth = np.random.default_rng(n * 1000 + n_labels).integers(0, n_labels, size=n)
        logits = np.random.default_rng(seed).normal(size=(n, n_labels))
        logits[np.arange(n), truth] += skill
        odds = np.exp(logits)
        return make(
            [names[index] for index in truth],
            odds / odds.sum(axis=1, keepdims=True),
            names=names,
            classifier=classifier,
        )

    return build
