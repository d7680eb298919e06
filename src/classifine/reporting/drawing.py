"""Takes places in pixels, words and values and gives the parts that pictures are made of, as escaped markup.

Does not know what is drawn.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup

from classifine.reporting.wording import cut, visible


def svg(
    body: Markup, size: tuple[int, int], title: str, words: str = "", *, style: str = "chart", fixed: bool = False
) -> Markup:
    """Frame a picture; its title and words are told to those who do not see it."""
    measure = Markup(' width="{}" height="{}"').format(*size) if fixed else Markup("")
    about = Markup("<desc>{}</desc>").format(visible(words)) if words else Markup("")
    frame = Markup(
        '<svg class="{}" viewBox="0 0 {} {}"{} role="img" aria-label="{name}"><title>{name}</title>{}{}</svg>'
    )
    return frame.format(style, *size, measure, about, body, name=visible(title))


def text(x: float, y: float, words: str, style: str, *, title: str | None = None, more: Markup | None = None) -> Markup:
    """Write words at a place; ``title`` is the whole of them where they are cut."""
    tip = Markup("<title>{}</title>").format(visible(title)) if title is not None and title != words else Markup("")
    return Markup('<text class="{}" x="{}" y="{}"{}>{}{}</text>').format(
        style, px(x), px(y), more or Markup(""), tip, words
    )


def rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Draw a line of the grid."""
    return Markup('<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*map(px, (x1, y1, x2, y2)))


def polyline(points: Sequence[tuple[float, float]], style: str) -> Markup:
    """Draw a line through points, with a dot at each."""
    dots = Markup("").join(Markup('<circle cx="{}" cy="{}" r="2.5"/>').format(px(x), px(y)) for x, y in points)
    path = " ".join(f"{px(x)},{px(y)}" for x, y in points)
    return Markup('<g class="{}"><polyline points="{}"/>{}</g>').format(style, path, dots)


def round_ticks(low: float, high: float) -> list[float]:
    """Give about five round numbers that enclose both ends."""
    reach = max(high - low, abs(high) * 1e-6, 1e-9)
    power = 10.0 ** math.floor(math.log10(reach / 4))
    step = next(power * round_ for round_ in (1.0, 2.0, 2.5, 5.0, 10.0) if power * round_ >= reach / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, max(last, first + 1) + 1)]


def width_of(words: str) -> float:
    """Guess how wide a name is at 12 pixels: East Asian letters and capitals take more room."""
    wide = {"W": 12.5, "F": 12.5}
    return sum(
        wide.get(unicodedata.east_asian_width(one), 9.5 if one.isupper() or one in "mw%@" else 7) for one in words
    )


def fitting(words: str, room: float) -> str:
    """Cut a name so that it is not wider than there is room."""
    limit = min(len(words), int(room))  # no letter is narrower than a pixel
    while limit > 1 and width_of(cut(words, limit)) > room:
        limit -= 1
    return cut(words, limit)


def px(value: float) -> str:
    """Write a place in pixels, no longer than needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
