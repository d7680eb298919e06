"""Takes a training's history and gives a line that says how it went.

Does not know how a training works or what becomes of its classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifine.errors import count


def told(history: Mapping[str, Any]) -> str:
    """Say what was trained, how long it took and how good it is on the validation texts."""
    best = history["best"]
    last = history["epochs"][-1]["epoch"]
    epochs = "1 epoch" if last == 1 else f"{last:.3g} epochs"
    threads = f", {count(history['threads'], 'thread')}" if history["device"] == "cpu" else ""
    processes = history.get("processes", 1)
    times = f"{processes} × " if processes > 1 else ""
    where = f"{times}{history['device']}{threads} ({history['precision']})"
    compared = history["long_texts"].get("compared", ())
    ways = ", ".join(f"{one['way']} {one['value']:.3f}" for one in compared)
    chosen = f"; long texts by {history['long_texts']['way']} ({ways})" if compared else ""
    return (
        f"{history['base_model']['title']}, {epochs} in {history['seconds']:.0f} s on {where}; "
        f"best after epoch {best['epoch']:.3g}: {best['metric']} {best['value']:.3f} on the validation texts{chosen}"
    )


def told_of_seeds(history: Mapping[str, Any]) -> str:
    """Say how far seeds lie apart; nothing where there was one."""
    if (seeds := history.get("seeds")) is None:
        return ""
    values = ", ".join(f"{value:.3f}" for value in seeds["values"])
    return (
        f"{len(seeds['seeds'])} seeds: {seeds['metric']} {seeds['mean']:.3f} on average on the validation texts, "
        f"standard deviation {seeds['sd']:.3f} ({values}); kept: the median one, seed {seeds['seed']}; "
        f"the best would lead by about {seeds['optimism']:.3f} through chance alone"
    )
