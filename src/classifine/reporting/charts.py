"""Takes stored values and gives SVG pictures of them as escaped markup.

Pure functions; values are scaled to pixels and nothing else. Colours are the page's (classes), so that dark mode and
print need no second picture. Does not know the run folder or the page around a picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from classifine.reporting.drawing import fitting, polyline, px, round_ticks, rule, svg, text, width_of
from classifine.reporting.measures import Figure, Measure
from classifine.reporting.wording import cut, plain, score, visible

_WIDTH = 360  # of a chart that fills a column; on a phone it is shown at about this size, so text stays readable
_ROOM = 120.0  # for the names beside dots
_HIGHEST_START = 0.9  # of a scale that ends at 1, so that perfect agreement has a scale, too
_FAINTEST = 0.12  # a cell of the heat map that holds anything can be seen
_FAINTEST_SMALL = 0.35  # also where it is a few pixels wide and holds no number
_PAPER_ON = 0.78  # from this shade on, dark text on a cell is harder to read than light text


@dataclass(frozen=True)
class Line:
    """A line of a chart: its style class and its points, left to right; a missing value leaves a gap."""

    style: str
    points: tuple[tuple[float, float | None], ...]


def whisker(name: str, figure: Figure | Measure, least: float = 0.0) -> Markup:
    """Draw one figure as a dot with its interval on a line from ``least`` to 1, for a table cell."""
    nought = 4 + 132 * -least / (1 - least)
    body = Markup("").join(rule(x, 2, x, 10) for x in sorted({4.0, nought, 136.0}))
    body = rule(4, 6, 136, 6) + body + _interval(figure, 4.0, 136.0, 6.0, dot=3, least=least)
    return svg(
        body,
        (140, 12),
        told(name, figure),
        style="whisker",
        fixed=True,
    )


def comparison(name: str, rows: Sequence[tuple[str, Figure]], leading: int = 0) -> Markup:
    """Draw one metric of several classifiers, one below the other on the same scale from 0 to 1.

    Parameters
    ----------
    name
        The metric.
    rows
        Title and figure of each classifier.
    leading
        Which of them is drawn in the accent colour.
    """
    left, right, step = 8.0, _WIDTH - 8.0, 48
    bottom = 6.0 + step * len(rows)
    marks = [(left + (right - left) * value, value) for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts = [text(x, bottom + 13, plain(value), "tick middle") for x, value in marks]
    for place, (title, figure) in enumerate(rows):
        top = 6.0 + step * place
        lead = "lead" if place == leading else ""
        parts += [rule(x, top + 23, x, top + 39) for x, _ in marks]
        parts += [
            rule(left, top + 31, right, top + 31),
            Markup('<g class="{}"><title>{}</title>').format(lead, told(title, figure)),
            text(left, top + 14, cut(visible(title), 36), "name"),
            text(right, top + 14, score(figure.value), "value end"),
            _interval(figure, left, right, top + 31),
            Markup("</g>"),
        ]
    words = "; ".join(told(title, figure) for title, figure in rows)
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 22), name, words)


def dots(name: str, rows: Sequence[tuple[str, Measure]]) -> Markup:
    """Draw one measure of many, one below the other in the order given, as dots with intervals on one scale.

    The scale ends at 1 and begins at a round number below all of them, so that near values can be told apart; what is
    undefined has no dot and says so.

    Parameters
    ----------
    name
        The measure.
    rows
        Who or what was measured, and the measure.
    """
    room = min(_ROOM, max(map(width_of, (visible(title) for title, _ in rows)), default=0.0))
    left, right, step, top = room + 14, _WIDTH - 52.0, 22, 22.0
    ends = [end for _, measure in rows for end in (measure.value, measure.low) if end is not None]
    ticks = [tick for tick in round_ticks(min([*ends, _HIGHEST_START] if ends else [0.0]), 1.0) if tick <= 1]
    bottom = top + step * len(rows)
    parts = []
    for tick in ticks:
        x = left + (right - left) * (tick - ticks[0]) / (1 - ticks[0])
        parts += [rule(x, top - 4, x, bottom), text(x, top - 9, plain(tick).replace("-", "−"), "tick middle")]
    for place, (title, measure) in enumerate(rows):
        y = top + step * (place + 0.5)
        parts += [
            Markup('<g class="lead"><title>{}</title>').format(told(title, measure)),
            text(0, y + 4, fitting(visible(title), room), "plain"),
            _interval(measure, left, right, y, least=ticks[0])
            if measure.value is not None
            else text(left + 4, y + 4, "undefined", "tick"),
            text(_WIDTH, y + 4, score(measure.value), "value end"),
            Markup("</g>"),
        ]
    words = "; ".join(told(title, measure) for title, measure in rows)
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 4), name, words)


def least_of(measures: Iterable[Measure]) -> float:
    """Give where a scale for these measures begins: 0, or -1 where one of them is below 0."""
    ends = [end for measure in measures for end in (measure.value, measure.low) if end is not None]
    return -1.0 if min(ends, default=0.0) < 0 else 0.0


def bar(name: str, count: int, most: int) -> Markup:
    """Draw a count as a bar, for a table cell; ``most`` fills it."""
    width = 96.0 * count / most if most else 0.0
    body = Markup('<rect class="track" x="0" y="2" width="96" height="6"/><rect class="bar" y="2" {}/>').format(
        Markup('width="{}" height="6"').format(px(width))
    )
    return svg(body, (96, 10), f"{name}: {count:,}", style="cellbar", fixed=True)


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Markup:
    """Draw a confusion matrix of few labels with a number in each cell; darker is a larger share of the row."""
    roomy = len(labels) <= 3
    wide, high = (84, 60) if roomy else (46, 46)
    rows = [cut(visible(label), 20) for label in labels]
    columns = [cut(visible(label), 11 if roomy else 20) for label in labels]
    left = max(44.0, max(map(width_of, rows)) + 10)
    top = 40.0 if roomy else 28.0 + 0.72 * max(map(width_of, columns))
    right = max(  # slanted names reach beyond their column
        wide * (place + (1.0 if roomy else 0.6)) + (0.0 if roomy else 0.72 * width_of(column))
        for place, column in enumerate(columns)
    )
    parts = [
        text(left, 14, "predicted label →", "axis"),
        text(left - 10, top - 8, "true ↓", "axis end"),
    ]
    for place, (row, column, label) in enumerate(zip(rows, columns, labels, strict=True)):
        x, y = left + (place + 0.5) * wide, top + (place + 0.5) * high
        slant = Markup("") if roomy else Markup(' transform="rotate(-45 {} {})"').format(px(x), px(top - 6))
        parts += [
            text(left - 10, y + 4, row, "name end", title=label),
            text(x, top - 8, column, "name middle" if roomy else "name", title=label, more=slant),
        ]
    for i, counts in enumerate(matrix):
        support = sum(counts)
        for j, count in enumerate(counts):
            shade = _shade(count, support)
            x, y = left + j * wide, top + i * high
            ink = "on" if shade > _PAPER_ON else "off" if count else "tick"
            size = "small" if len(f"{count:,}") > 4 and not roomy else ""
            parts.append(
                Markup('<g><title>{}</title><rect class="{} cell" x="{}" y="{}" {}/>{}</g>').format(
                    _cell(labels[i], labels[j], count),
                    "right" if i == j else "wrong",
                    px(x + 1),
                    px(y + 1),
                    Markup('width="{}" height="{}" fill-opacity="{:.3f}"').format(wide - 2, high - 2, shade),
                    text(x + wide / 2, y + high / 2 + 5, f"{count:,}", f"count middle {ink} {size}".rstrip()),
                )
            )
    size_of_all = (math.ceil(left + max(right, wide * len(labels))) + 2, math.ceil(top + high * len(labels)) + 2)
    words = "; ".join(_cell(labels[i], labels[j], n) for i, row in enumerate(matrix) for j, n in enumerate(row))
    return svg(Markup("").join(parts), size_of_all, "Confusion matrix", words, style="confusion", fixed=True)


def dense_confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Markup:
    """Draw a confusion matrix of many labels without numbers; each filled cell tells its own on hovering."""
    side = 8
    n = len(labels)
    parts = [Markup('<rect class="field" width="{0}" height="{0}"/>').format(n * side)]
    for i, counts in enumerate(matrix):
        support = sum(counts)
        parts += [
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" {}><title>{}</title></rect>').format(
                "right" if i == j else "wrong",
                j * side,
                i * side,
                side,
                side,
                Markup('fill-opacity="{:.2f}"').format(_shade(count, support, _FAINTEST_SMALL)),
                _cell(cut(labels[i], 60), cut(labels[j], 60), count),
            )
            for j, count in enumerate(counts)
            if count
        ]
    words = f"{n} labels; rows are true labels, columns predicted ones. The table beside it lists the largest cells."
    return svg(Markup("").join(parts), (n * side, n * side), "Confusion matrix", words, style="dense")


def curves(name: str, lines: Sequence[Line], best: float, *, from_zero: bool = False) -> Markup:
    """Draw values over epochs as lines, with the chosen epoch marked.

    Parameters
    ----------
    name
        What is drawn.
    lines
        The lines.
    best
        The epoch to mark.
    from_zero
        Whether the scale starts at 0, as for a loss.
    """
    left, right, top, bottom = 46.0, _WIDTH - 12.0, 26.0, 196.0
    epochs = [x for line in lines for x, _ in line.points]
    values = [y for line in lines for _, y in line.points if y is not None]
    first, last = (min(epochs), max(epochs)) if epochs else (0.0, 1.0)
    if first == last:
        first, last = first - 0.5, last + 0.5
    ticks = round_ticks(0.0 if from_zero else min(values, default=0.0), max(values, default=1.0))

    def across(x: float) -> float:
        return left + (right - left) * (x - first) / (last - first)

    def down(y: float) -> float:
        return bottom - (bottom - top) * (y - ticks[0]) / (ticks[-1] - ticks[0])

    parts = [
        Markup('<line class="grid" x1="{}" y1="{y}" x2="{}" y2="{y}"/>{}').format(
            px(left), px(right), text(left - 8, down(tick) + 4, plain(tick), "tick end"), y=px(down(tick))
        )
        for tick in ticks
    ]
    whole = sorted({math.floor(x) for x in epochs if x == math.floor(x)} | {math.ceil(first)})
    every = math.ceil(len(whole) / 8)
    parts += [text(across(x), bottom + 18, f"{x:,}", "tick middle") for x in whole[::every] if first <= x <= last]
    parts.append(text((left + right) / 2, bottom + 36, "epoch", "axis middle"))
    x, chosen = across(best), plain(round(best, 2))
    side = "end" if x > (left + right) / 2 else "start"
    parts.append(
        Markup('<line class="best" x1="{x}" y1="{}" x2="{x}" y2="{}"/>{}').format(
            px(top - 8),
            px(bottom),
            text(x + (-5 if side == "end" else 5), top - 11, f"best: epoch {chosen}", f"tick strong {side}"),
            x=px(x),
        )
    )
    parts += [polyline([(across(x), down(y)) for x, y in line.points if y is not None], line.style) for line in lines]
    words = f"The chosen epoch is {chosen}. The values stand in the table below."
    return svg(Markup("").join(parts), (_WIDTH, int(bottom) + 42), name, words)


def told(name: str, figure: Figure | Measure) -> str:
    """Say a figure in words, as a picture's hidden text does."""
    if figure.value is None:
        return f"{visible(name)}: undefined" + (f", because {figure.note}" if figure.note else "")
    if figure.low is None or figure.high is None:
        interval = f"no interval: {figure.note}" if figure.note else "no interval"
    else:
        interval = f"95 % interval {score(figure.low)} to {score(figure.high)}"
    return f"{visible(name)}: {score(figure.value)} ({interval}), n = {figure.n:,}"


def _interval(
    figure: Figure | Measure, left: float, right: float, y: float, *, dot: int = 4, least: float = 0.0
) -> Markup:
    def across(value: float) -> str:
        return px(left + (right - left) * (min(max(value, least), 1.0) - least) / (1 - least))

    if figure.value is None:
        return Markup("")
    line = Markup("")
    if figure.low is not None and figure.high is not None:
        line = Markup('<line class="interval" x1="{}" y1="{y}" x2="{}" y2="{y}"/>').format(
            across(figure.low), across(figure.high), y=px(y)
        )
    return line + Markup('<circle class="dot" cx="{}" cy="{}" r="{}"/>').format(across(figure.value), px(y), dot)


def _shade(count: int, support: int, faintest: float = _FAINTEST) -> float:
    return faintest + (1 - faintest) * count / support if count else 0.0


def _cell(truth: str, predicted: str, count: int) -> str:
    return f"true {visible(truth)}, predicted {visible(predicted)}: {count:,}"
