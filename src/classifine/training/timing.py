"""Takes a time as people write it and gives seconds, and refuses a time budget beside settings that decide the same.

Does not know how long a training lasts here.
"""

from __future__ import annotations

import os
import re

from classifine.errors import SettingsProblem
from classifine.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([smh])")


def seconds_of(text: str) -> float:
    """Read a time as people write it.

    Raises
    ------
    SettingsProblem
        It is none.

    Examples
    --------
    >>> seconds_of("90s"), seconds_of("10m"), seconds_of("1h 30m")
    (90.0, 600.0, 5400.0)
    """
    compact = text.strip().lower()
    found = _WRITTEN.findall(compact)
    if not found or _WRITTEN.sub("", compact).strip():
        raise SettingsProblem(
            f"time_budget = {text!r} is no time",
            expected="a number with s, m or h: 90s, 10m, 1h 30m",
            cure="write it so",
        )
    seconds = sum(float(number) * _UNITS[unit] for number, unit in found)
    if seconds <= 0:
        raise SettingsProblem(f"time_budget = {text!r} leaves no time", cure="give more, or leave it out")
    return seconds


def check_time(settings: Settings) -> None:
    """Refuse a budget that is no time, or that stands beside settings which say themselves how long training lasts.

    Raises
    ------
    SettingsProblem
        Which of these it is.
    """
    asked = settings.training.time_budget
    if asked is None:
        return
    seconds_of(asked)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise SettingsProblem(
            "time_budget is for one process: each of several would measure another speed",
            cure="measure with one, then give num_train_epochs",
        )
    others = {"max_steps": settings.training.max_steps is not None, "long_texts": settings.model.long_texts == "auto"}
    if clash := [name for name, given in others.items() if given]:
        raise SettingsProblem(
            f"time_budget and {' and '.join(clash)} cannot be used together",
            found="time_budget decides how many updates there are"
            if clash == ["max_steps"]
            else 'long_texts = "auto" trains several times, for as long as that takes',
            cure=f"leave time_budget out, or set {clash[-1]} otherwise",
        )
