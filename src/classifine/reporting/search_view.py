"""Takes trials.json of a run and gives what the page shows of a search: its trials, its winner and what that is worth.

Values are as they are stored. Does not know HTML, charts or how a number came about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifine.reporting.measures import Measure


@dataclass(frozen=True)
class Tried:
    """A trial: its settings by name, and its value where it has one."""

    trial: int
    state: str
    value: float | None
    settings: Mapping[str, Any]
    epoch: float | None
    seconds: float | None
    reason: str | None


@dataclass(frozen=True)
class Axis:
    """A setting that was searched: a list of values, or a range."""

    name: str
    choices: tuple[Any, ...]
    low: float
    high: float
    log: bool


@dataclass(frozen=True)
class Search:
    """A search as the page shows it.

    Attributes
    ----------
    best, default
        The trials of these roles.
    best_so_far
        The best value after each trial.
    shares
        Of each setting, how much it decided; none where that cannot be said, and ``shares_note`` says why.
    margin
        The winner's margin over the default; ``shown`` says whether it is more than chance, ``optimism`` what chance
        alone gives the best of so many.
    repeats
        How far folds or seeds of a trial lie apart, where there are several.
    seeds
        The winner's value with each seed it was trained with in the end.
    """

    metric: str
    higher: bool
    rated_by: str
    rated_times: int
    asked: int
    ended: str
    counts: Mapping[str, int]
    interrupted: int
    sampler: str
    best: int
    default: int | None
    trials: tuple[Tried, ...]
    axes: tuple[Axis, ...]
    best_so_far: tuple[tuple[int, float | None], ...]
    shares: Mapping[str, float] | None
    shares_note: str | None
    margin: Measure | None
    shown: bool
    optimism: float | None
    repeats: Mapping[str, Any] | None
    how: str
    seeds: Mapping[int, float]
    kept_seed: int

    @property
    def winner(self) -> Tried:
        """The best trial."""
        return next(one for one in self.trials if one.trial == self.best)


def search_of(told: dict[str, Any]) -> Search:
    """Read what a search stored."""
    margin, finish, importance = told["margin"], told["finish"], told["importance"]
    return Search(
        **{name: told[name] for name in ("metric", "higher", "rated_by", "rated_times", "asked", "ended", "counts")},
        **{name: told[name] for name in ("interrupted", "sampler", "best", "default", "repeats")},
        trials=tuple(_tried(row) for row in told["trials"]),
        axes=tuple(_axis(one) for one in told["space"]),
        best_so_far=tuple((row["trial"], row["best"]) for row in told["history"]),
        shares=importance["shares"],
        shares_note=importance.get("note"),
        margin=None
        if margin is None
        else Measure(margin["difference"], margin["low"], margin["high"], margin["n"], margin.get("note")),
        shown=margin is not None and margin["shown"],
        optimism=None if margin is None else margin["optimism"],
        how=finish["how"],
        seeds=dict(zip(finish.get("seeds", ()), finish.get("values", ()), strict=True)),
        kept_seed=finish["seed"],
    )


def _tried(row: Mapping[str, Any]) -> Tried:
    facts = {name: row[name] for name in ("trial", "state", "value", "settings", "seconds")}
    return Tried(**facts, epoch=None if row["best"] is None else row["best"]["epoch"], reason=row.get("reason"))


def _axis(one: Mapping[str, Any]) -> Axis:
    facts = {name: one.get(name, 0.0) for name in ("low", "high")}
    return Axis(one["name"], tuple(one.get("choices", ())), **facts, log=one.get("log", False))
