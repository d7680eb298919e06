from __future__ import annotations

import re

from classifine.reporting.forest import ForestLine, forest


def dots(picture: str) -> list[float]:
    return [float(x) for x in re.findall(r'<circle class="dot" cx="([\d.]+)"', picture)]


def noughts(picture: str) -> set[float]:
    return {float(x) for x in re.findall(r'<line class="nought" x1="([\d.]+)"', picture)}


def test_differences_lie_on_their_side_of_nought() -> None:
    lines = [
        ForestLine("a", "b", 0.04, 0.01, 0.07, shown=True),
        ForestLine("a", "c", -0.02, -0.05, 0.01, shown=False),
        ForestLine("b", "c", 0.0, None, None, shown=False, note="every resample gives this value"),
    ]
    picture = str(forest("Differences in macro-F1", lines))
    (nought,) = noughts(picture)
    above, below, on = dots(picture)
    assert below < nought < above
    assert on == nought
    assert picture.count('class="interval"') == 2
    assert picture.count('<g class="lead">') == 1
    assert "a minus b: +0.040 (95 % interval +0.010 to +0.070), shown" in picture
    assert "b minus c: +0.000 (no interval: every resample gives this value), not shown" in picture


def test_the_scale_always_holds_nought_and_every_end() -> None:
    picture = str(forest("Differences", [ForestLine("a", "b", 0.4, 0.3, 0.5, shown=True)]))
    (nought,) = noughts(picture)
    ends = [float(x) for x in re.search(r'class="interval" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"', picture).groups()]  # type: ignore[union-attr]
    assert 8 == nought < min(ends) < max(ends) <= 352
    none = str(forest("Differences", [ForestLine("a", "b", 0.0, None, None, shown=False)]))
    assert len(dots(none)) == 1


def test_long_and_hostile_names() -> None:
    line = ForestLine("<b>" + "x" * 80, "y\u202e" * 40, 0.1, 0.0, 0.2, shown=False)
    picture = str(forest("<i>", [line]))
    assert "<b>" not in picture
    assert "<i>" not in picture
    assert "\u202e" not in picture
    assert "…" in picture
