"""Takes the trials of a search and gives pictures of them: the way to the best, parallel coordinates, importances.

Values are scaled to pixels and nothing else. Does not know the run folder or the page around a picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from classifine.reporting.drawing import fitting, polyline, px, round_ticks, rule, svg, text
from classifine.reporting.search_view import Axis, Search, Tried
from classifine.reporting.wording import metric, plain, score, visible

_WIDTH, _LEFT, _TOP, _BOTTOM = 360, 46.0, 16.0, 196.0
_AXIS = 112  # between two axes of parallel coordinates


def pictures_of(search: Search) -> dict[str, Markup | None]:
    """Draw all there is to draw."""
    return {
        "history": history(search),
        "parallel": parallel(search),
        "importance": None if search.shares is None else importance(search.shares),
    }


def history(search: Search) -> Markup:
    """Draw each trial's value, and the best so far as a line of steps."""
    points = [(one.trial, one.value, one.state) for one in search.trials if one.value is not None]
    right = _WIDTH - 12.0
    ticks = round_ticks(min((y for _, y, _ in points), default=0.0), max((y for _, y, _ in points), default=1.0))
    last = max(2, len(search.trials))

    def across(trial: float) -> float:
        return _LEFT + (right - _LEFT) * (trial - 1) / (last - 1)

    def down(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = [
        rule(_LEFT, down(tick), right, down(tick)) + text(_LEFT - 8, down(tick) + 4, plain(tick), "tick end")
        for tick in ticks
    ]
    every = math.ceil(last / 8)
    parts += [text(across(x), _BOTTOM + 18, str(x), "tick middle") for x in range(1, last + 1, every)]
    parts.append(text((_LEFT + right) / 2, _BOTTOM + 36, "trial", "axis middle"))
    steps: list[tuple[float, float]] = []
    for trial, best in search.best_so_far:
        if best is not None:
            steps += [(across(trial), steps[-1][1])] if steps else []
            steps.append((across(trial), down(best)))
    path = " ".join(f"{px(x)},{px(y)}" for x, y in steps)
    parts.append(Markup('<g class="validation"><polyline points="{}"/></g>').format(path))
    for trial, value, state in points:
        parts.append(
            Markup('<circle class="trial {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
                state,
                px(across(trial)),
                px(down(value)),
                5 if trial == search.best else 3,
                visible(f"trial {trial}: {plain(value)} ({state})"),
            )
        )
    words = f"The best is trial {search.best}. The values stand in the table below."
    return svg(Markup("").join(parts), (_WIDTH, int(_BOTTOM) + 42), "Value of each trial", words)


def parallel(search: Search) -> Markup:
    """Draw each whole trial as a line over the settings to its value; the best one is emphasised."""
    whole = [one for one in search.trials if one.value is not None and one.state == "complete"]
    values = [float(one.value or 0) for one in whole]
    ends = Axis(search.metric, (), min(values, default=0.0), max(values, default=1.0), log=False)
    axes = [*search.axes, ends]
    parts = []
    for place, axis in enumerate(axes):
        x = _across(place)
        parts.append(rule(x, _TOP + 14, x, _BOTTOM))
        name = metric(axis.name) if axis is ends else axis.name
        parts.append(text(x, _TOP, fitting(name, _AXIS - 6), "tick middle", title=name))
        for label, height in [(score(axis.low), 0.0), (score(axis.high), 1.0)] if axis is ends else _labels(axis):
            parts.append(text(x + 5, _height(height) + 4, label, "tick start"))
    for one in sorted(whole, key=lambda one: (one.trial == search.best, one.trial)):
        line = [(_across(place), _height(share)) for place, share in enumerate(_shares(one, axes, ends))]
        parts.append(polyline(line, "chosen-line" if one.trial == search.best else "faint-line"))
    size = (int(_across(len(axes) - 1)) + 70, int(_BOTTOM) + 14)
    words = f"The emphasised line is trial {search.best}. All values stand in the table below."
    return svg(Markup("").join(parts), size, "Settings and value of each trial", words, style="parallel", fixed=True)


def importance(shares: Mapping[str, float]) -> Markup:
    """Draw how much each setting decided, the largest first."""
    rows = sorted(shares.items(), key=lambda pair: -pair[1])
    room, right = 150.0, _WIDTH - 48.0
    parts = []
    for place, (name, share) in enumerate(rows):
        y = 14.0 + 26 * place
        parts.append(text(room - 8, y + 4, fitting(name, room - 12), "tick end", title=name))
        parts.append(
            Markup('<rect class="share" x="{}" y="{}" width="{}" height="12"/>').format(
                px(room), px(y - 6), px(max(1.0, (right - room) * share))
            )
        )
        parts.append(text(room + max(1.0, (right - room) * share) + 6, y + 4, f"{share:.2f}", "tick start"))
    words = ", ".join(f"{name} {share:.2f}" for name, share in rows)
    return svg(Markup("").join(parts), (_WIDTH, 26 * len(rows) + 8), "Importance of each setting", words)


def _across(place: int) -> float:
    return 50.0 + _AXIS * place


def _height(share: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP - 14) * share


def _shares(one: Tried, axes: Sequence[Axis], ends: Axis) -> list[float]:
    """Give the place of each of a trial's values on its axis, from 0 to 1."""
    return [_share(one.value if axis is ends else one.settings[axis.name], axis) for axis in axes]


def _share(value: Any, axis: Axis) -> float:
    if axis.choices:
        return axis.choices.index(value) / max(1, len(axis.choices) - 1) if len(axis.choices) > 1 else 0.5
    low, high, here = (math.log(one) if axis.log else float(one) for one in (axis.low, axis.high, value))
    return (here - low) / (high - low) if high > low else 0.5


def _labels(axis: Axis) -> list[tuple[str, float]]:
    """Give the values written beside an axis, with their places."""
    if axis.choices:
        shown = [(one, _share(one, axis)) for one in axis.choices]
        return [(fitting(plain(one) if isinstance(one, float) else str(one), 50), share) for one, share in shown]
    return [(plain(axis.low), 0.0), (plain(axis.high), 1.0)]
