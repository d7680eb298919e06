"""Takes what learning_curve.json says and gives the picture of it: dots, fitted curves, a band, a forecast.

Values are scaled to pixels and nothing else. Does not know the page around the picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from classifine.reporting.drawing import px, round_ticks, rule, svg, text
from classifine.reporting.wording import metric, plain, score, visible

STYLES = ("first", "second", "third")
_WIDTH, _LEFT, _TOP, _BOTTOM = 480, 46.0, 26.0, 250.0
_RIGHT = _WIDTH - 14.0
_APART = 44  # pixels between two numbers below the axis


class _Plane:
    """Where a number of texts and a score lie."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        drawn = told["classifiers"]
        lines = [point for one in drawn if one["curve"] for point in one["curve"]["line"]]
        texts = [row["texts"] for one in drawn for row in one["means"]] + [point["size"] for point in lines]
        self.least, self.most = math.log(min(texts)), math.log(max(*texts, min(texts) + 1))
        values = [point["score"] for one in drawn for point in one["points"]] + [point["value"] for point in lines]
        low, high = min(values), max(values)
        # a band may be wide where little is known; it does not press everything else together
        room = max((high - low) / 4, 0.01)
        band = [point for one in drawn[:1] if one["curve"] for point in one["curve"]["line"]]
        low = max(min([low, *(point["low"] for point in band)]), low - room)
        high = min(max([high, *(point["high"] for point in band)]), high + room, max(1.0, high))
        self.ticks = round_ticks(low, high)

    def across(self, texts: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (math.log(texts) - self.least) / (self.most - self.least)

    def down(self, value: float) -> float:
        inside = min(max(value, self.ticks[0]), self.ticks[-1])
        return _BOTTOM - (_BOTTOM - _TOP) * (inside - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


def learning_curves(told: Mapping[str, Any]) -> Markup:
    """Draw the trainings and curves of all classifiers; the first one's is emphasised and has its band."""
    plane = _Plane(told)
    drawn = list(zip(STYLES, told["classifiers"], strict=False))
    largest = max(row["texts"] for one in told["classifiers"] for row in one["means"])
    parts = [
        rule(_LEFT, plane.down(tick), _RIGHT, plane.down(tick))
        + text(_LEFT - 8, plane.down(tick) + 4, plain(tick), "tick end")
        for tick in plane.ticks
    ]
    parts += _below(plane, told, largest)
    for style, one in reversed(drawn):
        parts.append(Markup('<g class="{}">{}</g>').format(style, _one(plane, one, largest, band=style == STYLES[0])))
    words = "; ".join(_words(one) for _, one in drawn)
    name = f"{metric(told['metric'])} against the number of training texts"
    return svg(Markup("").join(parts), (_WIDTH, int(_BOTTOM) + 42), name, words, style="chart wide")


def _one(plane: _Plane, one: Mapping[str, Any], largest: int, *, band: bool) -> Markup:
    parts = []
    line: Sequence[Mapping[str, Any]] = one["curve"]["line"] if one["curve"] else ()
    if line and band:
        edge = [(point["size"], point["high"]) for point in line]
        edge += [(point["size"], point["low"]) for point in reversed(line)]
        parts.append(Markup('<polygon class="band" points="{}"/>').format(_path(plane, edge)))
    for style, part in (("", [p for p in line if p["size"] <= largest]), ("forecast", _ahead(line, largest))):
        if points := [(point["size"], point["value"]) for point in part]:
            parts.append(Markup('<polyline class="{}" points="{}"/>').format(style, _path(plane, points)))
    for point in one["points"]:
        said = f"{one['title']}, {point['texts']:,} texts, seed {point['seed']}: {score(point['score'])}"
        parts.append(
            Markup('<circle cx="{}" cy="{}" r="3"><title>{}</title></circle>').format(
                px(plane.across(point["texts"])), px(plane.down(point["score"])), visible(said)
            )
        )
    return Markup("").join(parts)


def _ahead(line: Sequence[Mapping[str, Any]], largest: int) -> Sequence[Mapping[str, Any]]:
    """Give the part of a line that begins where the trainings end."""
    before = [place for place, point in enumerate(line) if point["size"] <= largest]
    return line[before[-1] :] if before else line


def _below(plane: _Plane, told: Mapping[str, Any], largest: int) -> list[Markup]:
    """Write numbers of texts below the axis, as many as there is room for, and where the forecast begins."""
    ahead = told["classifiers"][0]["ahead"]
    sizes = sorted({row["texts"] for row in told["classifiers"][0]["means"]}, reverse=True)
    wanted = [largest, *([ahead["size"]] if ahead else []), *sizes]
    shown: list[int] = []
    for size in wanted:
        if all(abs(plane.across(size) - plane.across(other)) >= _APART for other in shown):
            shown.append(size)
    parts = [text(plane.across(size), _BOTTOM + 18, f"{size:,}", "tick middle") for size in shown]
    parts.append(text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, "training texts", "axis middle"))
    x = plane.across(largest)
    parts.append(
        Markup('<line class="best" x1="{x}" y1="{}" x2="{x}" y2="{}"/>').format(px(_TOP - 8), px(_BOTTOM), x=px(x))
    )
    if ahead:
        parts += [text(x - 5, _TOP - 11, "measured", "tick end"), text(x + 5, _TOP - 11, "forecast", "tick start")]
    return parts


def _path(plane: _Plane, points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{px(plane.across(x))},{px(plane.down(y))}" for x, y in points)


def _words(one: Mapping[str, Any]) -> str:
    means = ", ".join(f"{row['texts']:,} texts {score(row['mean'])}" for row in one["means"])
    return f"{one['title']}: {means}"
