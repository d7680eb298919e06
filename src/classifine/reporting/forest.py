"""Takes differences between pairs of classifiers and draws them below each other around 0, with their intervals.

Does not know how a difference came about or what is concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from classifine.reporting.drawing import px, round_ticks, rule, svg, text, width_of
from classifine.reporting.wording import cut, plain, signed, visible

_WIDTH = 560  # the picture is as wide as the text beside it
_ROW = 44
_MOST_LETTERS = 60


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
    left, right, top = 8.0, _WIDTH - 8.0, 26.0
    ends = [end for line in lines for end in (line.value, line.low, line.high) if end is not None]
    ticks = round_ticks(min([*ends, 0.0]), max([*ends, 0.0]))
    bottom = top + _ROW * len(lines)

    def across(value: float) -> float:
        return left + (right - left) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    parts = []
    for tick in ticks:
        x = across(tick)
        side = "tick" if tick == ticks[0] else "tick end" if tick == ticks[-1] else "tick middle"
        label = ("+" if tick > 0 else "") + plain(tick).replace("-", "−")
        parts += [rule(x, top - 4, x, bottom), text(x, top - 10, label, side)]
    parts.append(
        Markup('<line class="nought" x1="{x}" y1="{}" x2="{x}" y2="{}"/>').format(
            px(top - 4), px(bottom), x=px(across(0.0))
        )
    )
    for place, line in enumerate(lines):
        parts.append(_drawn(line, top + _ROW * place, across, right))
    words = "; ".join(_told(line) for line in lines)
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 4), name, words, style="chart forest")


def _drawn(line: ForestLine, top: float, across: Callable[[float], float], right: float) -> Markup:
    y = top + 31
    interval = Markup("")
    if line.low is not None and line.high is not None:
        interval = Markup('<line class="interval" x1="{}" y1="{y}" x2="{}" y2="{y}"/>').format(
            px(across(line.low)), px(across(line.high)), y=px(y)
        )
    value = signed(line.value)
    return Markup('<g class="{}"><title>{}</title>{}{}{}{}<circle class="dot" cx="{}" cy="{}" r="4"/></g>').format(
        "lead" if line.shown else "",
        _told(line),
        _paper(8.0, top + 4, _pair(line)),
        _paper(right, top + 4, value, end=True),
        text(8.0, top + 16, _pair(line), "name"),
        text(right, top + 16, value, "value end") + interval,
        px(across(line.value)),
        px(y),
    )


def _paper(x: float, y: float, words: str, *, end: bool = False) -> Markup:
    """Keep the lines of the grid out of the words."""
    wide = width_of(words) + 6
    return Markup('<rect class="paper" x="{}" y="{}" width="{}" height="17"/>').format(
        px(x - wide + 2 if end else x - 2), px(y), px(wide)
    )


def _pair(line: ForestLine) -> str:
    each = _MOST_LETTERS // 2
    return f"{cut(visible(line.first), each)} − {cut(visible(line.second), each)}"


def _told(line: ForestLine) -> str:
    if line.low is None or line.high is None:
        interval = f"no interval: {line.note}" if line.note else "no interval"
    else:
        interval = f"95 % interval {signed(line.low)} to {signed(line.high)}"
    told = "shown" if line.shown else "not shown"
    return f"{visible(line.first)} minus {visible(line.second)}: {signed(line.value)} ({interval}), {told}"
