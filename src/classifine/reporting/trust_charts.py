"""Takes what is stored about probabilities and gives two pictures: the reliability diagram, and risk against coverage.

Values are scaled to pixels and nothing else. Does not know the run folder or the page around a picture.
"""

from __future__ import annotations

from markupsafe import Markup

from classifine.reporting.drawing import px, round_ticks, rule, svg, text
from classifine.reporting.trust_view import Bin, Side, Trust
from classifine.reporting.wording import percent, plain, score

_WIDTH, _LEFT, _TOP, _BOTTOM = 360, 46.0, 14.0, 254.0
_RIGHT = _WIDTH - 14.0
_COUNTS = 44.0  # the height of the bars that show how many answers there are


def pictures_of(trust: Trust) -> dict[str, Markup]:
    """Draw both."""
    before = None if trust.calibration["method"] == "none" else trust.before
    return {"reliability": reliability(before, trust.after), "coverage": coverage(trust)}


def reliability(before: Side | None, after: Side) -> Markup:
    """Draw how often answers are right against how probable they were said to be; on the diagonal, both agree.

    Below, how many answers there are of each probability.
    """
    ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
    parts = [rule(_LEFT, _down(tick), _RIGHT, _down(tick)) for tick in ticks]
    parts += [text(_LEFT - 8, _down(tick) + 4, plain(tick), "tick end") for tick in ticks]
    parts.append(
        Markup('<line class="best" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            *map(px, (_across(0), _down(0), _across(1), _down(1)))
        )
    )
    parts.append(text(_LEFT + 4, _TOP - 3, "share right", "axis"))
    parts += [_dot(one, "earlier") for one in (() if before is None else before.diagram)]
    parts += [_dot(one, "now") for one in after.diagram]
    floor = _BOTTOM + 14 + _COUNTS
    most = max((one.n for one in after.diagram), default=1)
    for one in after.diagram:
        height = max(1.0, _COUNTS * one.n / most)
        parts.append(
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                *map(px, (_across(one.low) + 1, floor - height, _across(one.high) - _across(one.low) - 2, height)),
                _told(one),
            )
        )
    parts.append(rule(_LEFT, floor, _RIGHT, floor))
    parts.append(text(_LEFT - 8, floor - _COUNTS + 8, plain(most), "tick end"))
    parts.append(text(_LEFT - 8, floor + 4, "0", "tick end"))
    parts += [text(_across(tick), floor + 17, plain(tick), "tick middle") for tick in ticks]
    parts.append(text((_LEFT + _RIGHT) / 2, floor + 34, "probability; the bars count answers", "axis middle"))
    words = "; ".join(_told(one) for one in after.diagram)
    return svg(Markup("").join(parts), (_WIDTH, int(floor) + 40), "Reliability diagram", words)


def coverage(trust: Trust) -> Markup:
    """Draw the share of mistakes among the surest texts against how many of them are labelled."""
    ticks = round_ticks(0.0, max((risk for _, risk in trust.curve), default=0.0))

    def down(risk: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * risk / ticks[-1]

    parts = [
        rule(_LEFT, down(tick), _RIGHT, down(tick)) + text(_LEFT - 8, down(tick) + 4, plain(tick), "tick end")
        for tick in ticks
    ]
    parts += [text(_across(x), _BOTTOM + 17, plain(x), "tick middle") for x in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts.append(text(_LEFT + 4, _TOP - 3, "share of mistakes", "axis"))
    parts.append(text((_LEFT + _RIGHT) / 2, _BOTTOM + 34, "share of texts labelled, the surest first", "axis middle"))
    target = trust.target
    if target is not None and "coverage" in target.measured:
        share = target.measured["coverage"].value
        x, side = _across(share), "end" if share > 0.5 else "start"
        parts.append(
            Markup('<line class="best" x1="{x}" y1="{}" x2="{x}" y2="{}"/>').format(px(_TOP), px(_BOTTOM), x=px(x))
        )
        words = f"{percent(target.accuracy)} wanted"
        parts.append(text(x + (-5 if side == "end" else 5), _TOP + 12, words, f"tick strong {side}"))
    path = " ".join(f"{px(_across(x))},{px(down(y))}" for x, y in trust.curve)
    parts.append(Markup('<g class="validation"><polyline points="{}"/></g>').format(path))
    words = f"Mistakes among all texts: {score(trust.curve[-1][1])}. " if trust.curve else ""
    words += "; ".join(f"{score(figure.value)} right of the surest {at}" for at, figure in trust.accuracy_at.items())
    return svg(Markup("").join(parts), (_WIDTH, int(_BOTTOM) + 40), "Risk against coverage", words)


def _across(share: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * share


def _down(share: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * share


def _dot(one: Bin, style: str) -> Markup:
    x, right = px(_across(one.confidence)), one.right
    line = Markup("")
    if style == "now" and right.low is not None and right.high is not None:
        line = Markup('<line class="interval" x1="{x}" y1="{}" x2="{x}" y2="{}"/>').format(
            px(_down(right.low)), px(_down(right.high)), x=x
        )
    dot = Markup('<circle class="dot" cx="{}" cy="{}" r="{}"/>').format(
        x, px(_down(right.value)), "4" if style == "now" else "3.5"
    )
    lead = "lead" if style == "now" else style
    return Markup('<g class="{}"><title>{}</title>{}{}</g>').format(lead, _told(one), line, dot)


def _told(one: Bin) -> str:
    return f"said {score(one.confidence)}, right {score(one.right.value)}, {one.n:,} answers"
