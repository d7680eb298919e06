"""Takes differences between pairs of classifiers and draws them below each other around 0, with their intervals.

Does not know how a difference came about or what is concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from classifine.reporting.drawing import px, round_ticks, rule, svg, text
from classifine.reporting.wording import cut, plain, signed, visible

_WIDTH = 360  # as the other charts that fill a column
_ROW = 48
_LETTERS = 19  # of each of two names


@dataclass(frozen=True)
class ForestLine:
    """One difference.

    Attributes
    ----------
    first, second
        Whose difference: the first one's value minus the second one's.
    value, low, high
        The difference and its interval, which may be missing.
    shown
        Whether the difference is shown; then it is drawn in the accent colour.
    note
        Why there is no interval.
    """

    first: str
    second: str
    value: float
    low: float | None
    high: float | None
    shown: bool
    note: str | None = None


def forest(name: str, lines: Sequence[ForestLine]) -> Markup:
    """Draw differences as dots with intervals, one below the other on one scale; 0 is a line through all of them.

    Parameters
    ----------
    name
        What the difference is one of.
    lines
        The differences, in the order they are drawn.
    """
    left, right = 8.0, _WIDTH - 8.0
    ends = [end for line in lines for end in (line.value, line.low, line.high) if end is not None]
    ticks = round_ticks(min([*ends, 0.0]), max([*ends, 0.0]))
    bottom = 6.0 + _ROW * len(lines)

    def across(value: float) -> float:
        return left + (right - left) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = []
    for place, line in enumerate(lines):
        top = 6.0 + _ROW * place
        parts += [rule(left, top + 31, right, top + 31), *(_tick(across(tick), top, tick) for tick in ticks)]
        parts.append(_drawn(line, top, across, right))
    for tick in ticks:
        side = "tick" if tick == ticks[0] else "tick end" if tick == ticks[-1] else "tick middle"
        label = ("+" if tick > 0 else "") + plain(tick).replace("-", "−")
        parts.append(text(across(tick), bottom + 13, label, side))
    words = "; ".join(_told(line) for line in lines)
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 22), name, words)


def _tick(x: float, top: float, value: float) -> Markup:
    """Mark a place on a line's scale; that of 0 is longer and darker."""
    if value:
        return rule(x, top + 23, x, top + 39)
    return Markup('<line class="nought" x1="{x}" y1="{}" x2="{x}" y2="{}"/>').format(
        px(top + 21), px(top + 41), x=px(x)
    )


def _drawn(line: ForestLine, top: float, across: Callable[[float], float], right: float) -> Markup:
    y = top + 31
    interval = Markup("")
    if line.low is not None and line.high is not None:
        interval = Markup('<line class="interval" x1="{}" y1="{y}" x2="{}" y2="{y}"/>').format(
            px(across(line.low)), px(across(line.high)), y=px(y)
        )
    return Markup('<g class="{}"><title>{}</title>{}{}{}<circle class="dot" cx="{}" cy="{}" r="4"/></g>').format(
        "lead" if line.shown else "",
        _told(line),
        text(8, top + 14, _pair(line), "name"),
        text(right, top + 14, signed(line.value), "value end"),
        interval,
        px(across(line.value)),
        px(y),
    )


def _pair(line: ForestLine) -> str:
    return f"{cut(visible(line.first), _LETTERS)} − {cut(visible(line.second), _LETTERS)}"


def _told(line: ForestLine) -> str:
    if line.low is None or line.high is None:
        interval = f"no interval: {line.note}" if line.note else "no interval"
    else:
        interval = f"95 % interval {signed(line.low)} to {signed(line.high)}"
    told = "shown" if line.shown else "not shown"
    return f"{visible(line.first)} minus {visible(line.second)}: {signed(line.value)} ({interval}), {told}"
