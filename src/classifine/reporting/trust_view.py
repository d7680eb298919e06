"""Takes the stored part of a scorecard about probabilities and gives the shape of what the page shows of it.

Values are as they are stored. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifine.reporting.measures import Figure


@dataclass(frozen=True)
class Bin:
    """Answers of about the same probability: their number, its mean, and the share that is right."""

    low: float
    high: float
    n: int
    confidence: float
    right: Figure


@dataclass(frozen=True)
class Side:
    """Probabilities before or after calibration."""

    figures: Mapping[str, Figure]
    by_chance: float
    diagram: tuple[Bin, ...]


@dataclass(frozen=True)
class Target:
    """A threshold for a wanted accuracy: what the validation texts promise and the test texts bring."""

    accuracy: float
    threshold: float | None
    expected: Mapping[str, Figure]
    measured: Mapping[str, Figure]
    note: str | None


@dataclass(frozen=True)
class Sets:
    """One way to make sets of labels, with its promise and what the test texts bring."""

    way: str
    error: float
    n: int
    too_few: tuple[str, ...]
    guarantee: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Trust:
    """Whether the probabilities can be trusted, and what for."""

    sentence: str
    calibration: Mapping[str, Any]
    before: Side
    after: Side
    aurc: Figure
    curve: tuple[tuple[float, float], ...]
    accuracy_at: Mapping[str, Figure]
    target: Target | None
    sets: tuple[Sets, ...]
    notes: Mapping[str, str]
    fitted_on: str


def trust_of(value: Mapping[str, Any]) -> Trust:
    """Read what the scorecard stores."""
    calibrated, abstaining, target = value["calibrated"], value["abstaining"], value["target"]
    return Trust(
        sentence=value["sentence"],
        calibration=calibrated["calibration"],
        before=_side(calibrated["before"]),
        after=_side(calibrated["after"]),
        aurc=_figure(abstaining["aurc"]),
        curve=tuple((float(x), float(y)) for x, y in abstaining["curve"]),
        accuracy_at=_figures(abstaining["accuracy_at"]),
        target=None
        if target is None
        else Target(
            target["accuracy"],
            target["threshold"],
            _figures(target["expected"]),
            _figures(target["measured"]),
            target["note"],
        ),
        sets=tuple(
            Sets(
                one["way"],
                one["error"],
                one["n"],
                tuple(one["too_few"]),
                one["guarantee"],
                _figures({name: one[name] for name in ("coverage", "size", "single", "empty")}),
            )
            for one in value["sets"]
        ),
        notes=value["notes"],
        fitted_on=value["fitted_on"],
    )


def _side(value: Mapping[str, Any]) -> Side:
    bins = (
        Bin(**{name: one[name] for name in ("low", "high", "n", "confidence")}, right=_figure(one["right"]))
        for one in value["diagram"]
    )
    return Side(_figures(value["figures"]), value["by_chance"], tuple(bins))


def _figures(values: Mapping[str, Any]) -> dict[str, Figure]:
    return {name: _figure(value) for name, value in values.items()}


def _figure(value: Mapping[str, Any]) -> Figure:
    given = {name: value[name] for name in ("value", "low", "high", "n", "method")}
    return Figure(**given, note=value.get("note"), contaminated=value.get("contaminated", False))


def bin_rows(trust: Trust) -> list[tuple[Any, ...]]:
    """Give the cells of the reliability diagram, for a file."""
    sides = (
        {"before": trust.before, "after": trust.after} if trust.calibration["method"] != "none" else {"": trust.after}
    )
    return [
        (when, one.low, one.high, one.n, one.confidence, one.right.value, one.right.low, one.right.high)
        for when, side in sides.items()
        for one in side.diagram
    ]
