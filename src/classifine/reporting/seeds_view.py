"""Takes what a run stored about several seeds, or folds, and gives the shape of what the page shows of them.

Values are as they are stored. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OfSeed:
    """One training: its value on the validation texts, and on the test texts where they were opened."""

    seed: int
    validation: float
    test: float | None
    kept: bool


@dataclass(frozen=True)
class Apart:
    """Mean, standard deviation and extremes of the trainings on some texts, with the interval where there is one."""

    texts: str
    metric: str
    mean: float
    sd: float
    least: float
    most: float
    low: float | None
    high: float | None
    n: int
    method: str
    note: str | None


@dataclass(frozen=True)
class Seeds:
    """How far trainings with several seeds lie apart.

    Attributes
    ----------
    metric
        Which says which one is in the middle.
    rows
        Each training.
    validation
        On the validation texts; ``values`` of the metric that can be told of decided labels.
    test
        On the test texts; none before they were opened.
    on_all
        Whether the kept one has then been trained on training and validation texts.
    contaminated
        Whether the test scores must carry that word.
    """

    metric: str
    rows: tuple[OfSeed, ...]
    validation: Apart
    test: Apart | None
    optimism: float
    on_all: bool
    contaminated: bool


@dataclass(frozen=True)
class Folds:
    """What a cross-validation showed; ``told`` is what was stored of it."""

    apart: Apart
    told: Mapping[str, Any]


def folds_of(told: Mapping[str, Any]) -> Folds:
    """Read what training stored of a cross-validation."""
    return Folds(_apart("folds", told), {name: told[name] for name in ("k", "repeats", "sentence", "values")})


def seeds_of(told: Mapping[str, Any], scored: Mapping[str, Any] | None) -> Seeds:
    """Read what training stored and, where the test texts were opened, the scorecard."""
    tested = scored["values"] if scored is not None else [None] * len(told["seeds"])
    return Seeds(
        metric=told["metric"],
        rows=tuple(
            OfSeed(seed, value, test, seed == told["seed"])
            for seed, value, test in zip(told["seeds"], told["values"], tested, strict=True)
        ),
        validation=_apart("validation", told["spread"]),
        test=None if scored is None else _apart("test", scored),
        optimism=told["optimism"] if scored is None else scored["optimism"],
        on_all=told["on_all"],
        contaminated=scored is not None and scored.get("contaminated", False),
    )


def _apart(texts: str, spread: Mapping[str, Any]) -> Apart:
    names = ("metric", "mean", "sd", "least", "most", "low", "high", "n", "method")
    return Apart(texts, **{name: spread[name] for name in names}, note=spread.get("note"))
