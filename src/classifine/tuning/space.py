"""Takes the base model's family and what the user wrote below [tune.space] and gives what a search may vary, and how.

Each dimension is a setting under its own name; the family's default belongs to every space, so that a search can begin
with it. A seed is no dimension: its best value is luck. Does not know studies, texts or how a trial is done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from classifine.errors import SettingsProblem, unknown_name
from classifine.settings import ModelSettings, Settings, TrainingSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

# What is no quality of a training, or what decides how trials are compared; with the reason.
_NOT_SEARCHED = {
    "seed": 'a search would choose the luckiest seed, not the best settings; `finish = "retrain"` shows what seeds do',
    "data_seed": "a search would choose the luckiest seed, not the best settings",
    "model": "give --model, and tune each base model in a run of its own",
    "metric_for_best_model": "trials must be compared by one metric",
    "time_budget": "--time-budget limits the whole search",
    "seeds": '[tune] finish = "retrain" trains the winner with several',
    "folds": "[tune] rated_by and rated_times say how trials are rated",
    "repeats": "[tune] rated_by and rated_times say how trials are rated",
    "retrain_on_all": '[tune] finish = "retrain-all" does that with the winner',
    "retrain_folds": '[tune] finish = "retrain-all" does that with the winner',
    "frozen_baseline": "it does not concern the classifier",
    "use_cpu": "it does not concern the classifier",
    "threads": "it does not concern the classifier",
    "arguments": "name the argument itself",
    "max_steps": "give num_train_epochs",
}
_FACTOR = 4.0
# Of a range, a grid takes so many points.
_GRID_POINTS = 3
Choice = bool | int | float | str
_ONE = (bool, int, float, str)


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched: a range, or a list of values.

    Attributes
    ----------
    name
        The setting.
    choices
        The values, where it is a list.
    low, high, log, whole
        The range, whether it is searched by factors, and whether only whole numbers count.
    default
        The value a search begins with.
    """

    name: str
    default: Choice
    choices: tuple[Choice, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def distribution(self) -> BaseDistribution:
        """Give it as Optuna says it."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def suggest(self, trial: Trial) -> Choice:
        """Let a trial choose a value."""
        if self.choices:
            chosen: Any = trial.suggest_categorical(self.name, self.choices)
            return self.choices[self.choices.index(chosen)]
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def points(self) -> list[Choice]:
        """List the values that a grid has: all of a list; of a range its ends and middle, and the default."""
        if self.choices:
            return list(self.choices)
        low, high = (math.log(end) if self.log else end for end in (self.low, self.high))
        between = [low + (high - low) * place / (_GRID_POINTS - 1) for place in range(_GRID_POINTS)]
        values: list[Any] = [float(f"{math.exp(x) if self.log else x:.6g}") for x in between]
        inside: list[Any] = [min(max(value, self.low), self.high) for value in (*values, self.default)]
        return sorted({round(value) for value in inside} if self.whole else set(inside))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        told: dict[str, Any] = {"name": self.name, "default": self.default}
        if self.choices:
            return {**told, "choices": list(self.choices)}
        return {**told, "low": self.low, "high": self.high, "log": self.log, "whole": self.whole}


@dataclass(frozen=True)
class Space:
    """Everything that is searched."""

    dimensions: tuple[Dimension, ...]

    @property
    def default(self) -> dict[str, Choice]:
        """The values a search begins with, by name."""
        return {one.name: one.default for one in self.dimensions}

    def suggest(self, trial: Trial) -> dict[str, Choice]:
        """Let a trial choose a value of each dimension."""
        return {one.name: one.suggest(trial) for one in self.dimensions}

    def grid(self) -> dict[str, list[Choice]]:
        """List the values of each dimension that a grid has."""
        return {one.name: one.points() for one in self.dimensions}

    def to_dict(self) -> list[dict[str, Any]]:
        """Give plain JSON."""
        return [one.to_dict() for one in self.dimensions]


def space_of(settings: Settings, resolved: TrainingSettings, *, model_type: str) -> Space:
    """Give the space of a search: that of the base model's family, with what the user changed.

    Parameters
    ----------
    settings
        What the user chose; below ``tune.space``, a list of values, a table with ``low`` and ``high`` (and ``log``), or
        ``false`` for a setting that shall not be searched.
    resolved
        The training settings with every open one filled in: where the search begins.
    model_type
        The family, as transformers names it.

    Raises
    ------
    SettingsProblem
        One or more dimensions cannot be searched; all are named.

    Notes
    -----
    The ranges are those in which the families' authors and later studies found their settings: the learning rate by
    factors from a quarter of the family's to four times it; batches of 16 and 32; no, short and usual warm-up.
    """
    wanted = family_space(resolved, model_type)
    problems: list[str] = []
    given = {**vars(settings.model), **vars(resolved)}
    for name, said in settings.tune.space.items():
        if said is False:
            if wanted.pop(name, None) is None:
                problems.append(f"{name} = false: it is not searched anyway")
            continue
        if name in _NOT_SEARCHED:
            problems.append(f"{name} is not searched: {_NOT_SEARCHED[name]}")
            continue
        try:
            wanted[name] = _dimension(name, said, given.get(name, settings.training.arguments.get(name)))
            _try_values(settings, wanted[name])
        except SettingsProblem as problem:
            problems.append(problem.what)
    if not wanted and not problems:
        problems.append("nothing is left to search")
    if problems:
        raise SettingsProblem(
            "\n".join(["[tune.space] cannot be searched:", *(f"  - {problem}" for problem in problems)]),
            expected="name = [values], or name = {low = 1e-5, high = 1e-4, log = true}, or name = false",
        )
    return Space(tuple(wanted.values()))


def family_space(resolved: TrainingSettings, model_type: str) -> dict[str, Dimension]:
    """Give what is searched of a family when the user says nothing."""
    rate = float(resolved.learning_rate or 0)
    warm_ups: Sequence[Choice] = (0.0, 0.06, 0.1)
    decays: Sequence[Choice] = (0.0, 0.01, 0.1)
    if model_type == "modernbert":
        warm_ups, decays = (0.05, 0.1), (1e-5, 1e-3, 0.01)
    elif model_type in ("roberta", "xlm-roberta", "camembert", "deberta-v2"):
        decays = (0.01, 0.1)
    low, high = (float(f"{rate * by:.3g}") for by in (1 / _FACTOR, _FACTOR))
    listed: dict[str, Sequence[Choice]] = {
        "per_device_train_batch_size": (16, 32),
        "warmup_steps": warm_ups,
        "weight_decay": decays,
    }
    if resolved.dropout is not None or model_type in ("bert", "distilbert"):
        listed["dropout"] = (0.0, 0.1)
    found = {"learning_rate": Dimension("learning_rate", rate, low=low, high=high, log=True)}
    for name, choices in listed.items():
        value = getattr(resolved, name)
        default = 0.1 if value is None else value
        found[name] = Dimension(name, default, choices=_with(choices, default))
    return found


def _dimension(name: str, said: Any, default: Any) -> Dimension:
    """Read one line of the user's space."""
    known = [
        f.name for owner in (TrainingSettings, ModelSettings) for f in fields(owner) if f.name not in _NOT_SEARCHED
    ]
    if name in {f.name for f in fields(Settings().data)} | {f.name for f in fields(Settings().tune)}:
        raise SettingsProblem(f"{name} is no setting of a training; {unknown_name(name, known, noun='settings')}")
    if isinstance(said, list | tuple):
        if not said or not all(isinstance(value, _ONE) for value in said):
            raise SettingsProblem(f"{name} = {said!r}: a list of numbers, words or true and false is searched")
        return Dimension(name, _nearest(said, default), choices=tuple(said))
    if not isinstance(said, Mapping) or not {"low", "high"} <= said.keys() or said.keys() - {"low", "high", "log"}:
        raise SettingsProblem(f"{name} = {said!r} is neither a list of values nor a range with low and high")
    low, high, log = said["low"], said["high"], said.get("log", False)
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not isinstance(log, bool) or not low < high or (log and low <= 0):
        raise SettingsProblem(f"{name}: from {low!r} to {high!r}{' by factors' if log else ''} is no range")
    whole = isinstance(low, int) and isinstance(high, int)
    middle: float = math.sqrt(low * high) if log else (low + high) / 2
    start = default if isinstance(default, int | float) and not isinstance(default, bool) else middle
    inside = min(max(start, low), high)
    return Dimension(name, round(inside) if whole else float(inside), low=low, high=high, log=log, whole=whole)


def _try_values(settings: Settings, one: Dimension) -> None:
    """Refuse values that the setting itself does not take."""
    for value in one.points():
        try:
            settings.with_names({one.name: value})
        except SettingsProblem as problem:
            raise SettingsProblem(problem.what.splitlines()[-1].removeprefix("  - ")) from None


def _nearest(choices: Sequence[Choice], value: Any) -> Choice:
    """Give the choice that is nearest to a value; the first one where that cannot be said."""
    numbers: list[Any] = [
        one for one in (*choices, value) if isinstance(one, int | float) and not isinstance(one, bool)
    ]
    if len(numbers) <= len(choices):
        return value if value in choices else choices[0]
    nearest: Choice = min(numbers[:-1], key=lambda one: abs(one - value))
    return nearest


def _with(choices: Sequence[Choice], value: Choice) -> tuple[Choice, ...]:
    """Add a value where it is not among the choices; numbers rise."""
    if value in choices:
        return tuple(choices)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (*choices, value))
    joined: list[Any] = [*choices, value]
    return tuple(sorted(joined) if numbers else joined)


def settled(settings: Settings, values: Mapping[str, Choice]) -> Settings:
    """Give the settings of a trial; where it names epochs, they win over ``max_steps``."""
    chosen = settings.with_names(dict(values))
    if "num_train_epochs" in values:
        chosen = replace(chosen, training=replace(chosen.training, max_steps=None))
    return chosen
