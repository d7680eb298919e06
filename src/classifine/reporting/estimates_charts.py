"""Takes what estimates.json says and gives its pictures: a forest of values, and the trend of periods with its band.

Values are scaled to pixels and nothing else. Does not know the page around the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from classifine.reporting.drawing import fitting, px, round_ticks, rule, svg, text
from classifine.reporting.wording import plain, score, visible

_SHOWN = (
    *("what", "headline", "lines", "answers", "differences", "paragraph", "cautions", "notes", "assumption"),
    *("by", "period", "sampled", "confidence", "simultaneous", "method", "texts", "gold"),
)
MOST_IN_PICTURE = 60  # more are a table
_WIDTH, _ROW = 480, 40
_LEFT, _TOP, _BOTTOM = 52.0, 14.0, 232.0
_RIGHT = _WIDTH - 14.0
_APART = 58  # pixels between two periods below the axis


def estimates_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what estimates.json says, once it is seen to say what a page shows.

    Raises
    ------
    KeyError
        It does not.
    """
    for name in _SHOWN:
        told[name]
    return told


def pictures_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the estimates: a forest of all, unless they are too many; of periods, the trend of each label."""
    answers = [one for one in told["answers"] if one["corrected"]["value"] is not None]
    if told["what"] == "regression":
        answers = [one for one in answers if one["label"] != "(intercept)"]
    differences = [one for one in told["differences"] if one["corrected"]["value"] is not None]
    trends = {}
    if told["period"] is not None and " and " not in (told["by"] or ""):
        for label in dict.fromkeys(one["label"] for one in answers):
            own = [one for one in told["answers"] if one["label"] == label and one["group"] is not None]
            if sum(one["corrected"]["low"] is not None for one in own) > 1:
                trends[label] = trend(label, own)
    return {
        "forest": forest_of("Estimates", answers) if 0 < len(answers) <= MOST_IN_PICTURE else None,
        "differences": forest_of("Differences", differences, nought=True)
        if 0 < len(differences) <= MOST_IN_PICTURE
        else None,
        "trends": trends,
    }


def forest_of(name: str, answers: Sequence[Mapping[str, Any]], *, nought: bool = False) -> Markup:
    """Draw each answer three ways on one scale: corrected with its interval, gold only, uncorrected as a hollow dot."""
    figures = [one[way] for one in answers for way in ("corrected", "gold_only", "uncorrected")]
    values = [figure["value"] for figure in figures if figure["value"] is not None]
    ends = [end for one in answers for end in (one["corrected"]["low"], one["corrected"]["high"]) if end is not None]
    signed = nought or any(value < 0 for value in values)
    ticks = round_ticks(min([*values, *ends, *([0.0] if signed else [])]), max([*values, *ends]))
    left, right = 8.0, _WIDTH - 8.0
    bottom = 6.0 + _ROW * len(answers)

    def across(value: float) -> float:
        inside = min(max(value, ticks[0]), ticks[-1])
        return left + (right - left) * (inside - ticks[0]) / (ticks[-1] - ticks[0])

    parts = [rule(across(tick), 6.0, across(tick), bottom) for tick in ticks]
    if signed and ticks[0] <= 0 <= ticks[-1]:
        parts.append(
            Markup('<line class="nought" x1="{x}" y1="6" x2="{x}" y2="{}"/>').format(px(bottom), x=px(across(0.0)))
        )
    parts += [_drawn(one, 6.0 + _ROW * place, across, right) for place, one in enumerate(answers)]
    for tick in ticks:
        side = "tick" if tick == ticks[0] else "tick end" if tick == ticks[-1] else "tick middle"
        parts.append(text(across(tick), bottom + 13, plain(tick).replace("-", "−"), side))
    words = "; ".join(map(_told, answers))
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 22), name, words, style="chart wide")


def name_of(one: Mapping[str, Any]) -> str:
    """Give what an answer is called: its label, its group, and what is subtracted."""
    group = "" if one["group"] is None else f" · {one['group']}"
    return f"{one['label']}{group}" + (f" − {one['minus']}" if one["minus"] is not None else "")


def _drawn(one: Mapping[str, Any], top: float, across: Callable[[float], float], right: float) -> Markup:
    parts = [
        text(8, top + 13, fitting(visible(name_of(one)), right - 80), "name"),
        text(right, top + 13, score(one["corrected"]["value"]), "value end"),
        _interval(one["gold_only"], top + 31, across, ""),
        _interval(one["corrected"], top + 24, across, "lead"),
    ]
    if one["uncorrected"]["value"] is not None:
        place = px(across(one["uncorrected"]["value"]))
        parts.append(Markup('<circle class="hollow" cx="{}" cy="{}" r="4"/>').format(place, px(top + 24)))
    return Markup("<g><title>{}</title>{}</g>").format(visible(_told(one)), Markup("").join(parts))


def _interval(figure: Mapping[str, Any], y: float, across: Callable[[float], float], style: str) -> Markup:
    if figure["value"] is None:
        return Markup("")
    line = Markup("")
    if figure["low"] is not None:
        line = Markup('<line class="interval" x1="{}" y1="{y}" x2="{}" y2="{y}"/>').format(
            px(across(figure["low"])), px(across(figure["high"])), y=px(y)
        )
    radius = "4" if style else "2.5"
    return Markup('<g class="{}">{}<circle class="dot" cx="{}" cy="{}" r="{}"/></g>').format(
        style, line, px(across(figure["value"])), px(y), radius
    )


def _told(one: Mapping[str, Any]) -> str:
    figure = one["corrected"]
    ends = "no interval" if figure["low"] is None else f"{score(figure['low'])} to {score(figure['high'])}"
    naive = one["uncorrected"]["value"]
    return f"{name_of(one)}: corrected {score(figure['value'])} ({ends}), uncorrected {score(naive)}"


def trend(label: str, answers: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the corrected values of one label over its periods with their band, and the uncorrected ones, dashed."""
    known = [place for place, one in enumerate(answers) if one["corrected"]["low"] is not None]
    figures = [answers[place]["corrected"] for place in known]
    naive = [
        (place, one["uncorrected"]["value"])
        for place, one in enumerate(answers)
        if one["uncorrected"]["value"] is not None
    ]
    low = min([figure["low"] for figure in figures] + [value for _, value in naive])
    high = max([figure["high"] for figure in figures] + [value for _, value in naive])
    ticks = round_ticks(low, high)

    def across(place: int) -> float:
        return _LEFT + (_RIGHT - _LEFT) * place / max(len(answers) - 1, 1)

    def down(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * (value - ticks[0]) / (ticks[-1] - ticks[0])

    def path(points: Sequence[tuple[int, float]]) -> str:
        return " ".join(f"{px(across(place))},{px(down(value))}" for place, value in points)

    parts = [
        rule(_LEFT, down(tick), _RIGHT, down(tick)) + text(_LEFT - 8, down(tick) + 4, plain(tick), "tick end")
        for tick in ticks
    ]
    edge = [(place, figure["high"]) for place, figure in zip(known, figures, strict=True)]
    edge += [(place, figure["low"]) for place, figure in zip(reversed(known), reversed(figures), strict=True)]
    middle = [(place, figure["value"]) for place, figure in zip(known, figures, strict=True)]
    parts.append(Markup('<g class="second"><polyline points="{}"/></g>').format(path(naive)))
    parts.append(
        Markup('<g class="first"><polygon class="band" points="{}"/><polyline points="{}"/>{}</g>').format(
            path(edge), path(middle), Markup("").join(_dot(answers[p], across(p), down(v)) for p, v in middle)
        )
    )
    shown: list[int] = []
    for place in range(len(answers)):
        if all(abs(across(place) - across(other)) >= _APART for other in shown):
            shown.append(place)
    for place in shown:
        side = "tick end" if place == len(answers) - 1 else "tick middle" if place else "tick"
        parts.append(text(across(place), _BOTTOM + 18, fitting(visible(str(answers[place]["group"])), 90), side))
    words = "; ".join(map(_told, answers))
    return svg(Markup("").join(parts), (_WIDTH, int(_BOTTOM) + 28), f"{label} over time", words, style="chart wide")


def _dot(one: Mapping[str, Any], x: float, y: float) -> Markup:
    return Markup('<circle cx="{}" cy="{}" r="3"><title>{}</title></circle>').format(px(x), px(y), visible(_told(one)))
