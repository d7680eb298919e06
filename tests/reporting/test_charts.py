from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.reporting.charts import Line, bar, comparison, confusion, curves, dense_confusion, told, whisker
from classifine.reporting.measures import Figure

GOOD = Figure(0.75, 0.5, 1.0, 140, "Wilson", None)
FEW = Figure(0.5, None, None, 4, "Wilson", "too few")
HOSTILE = "\"><script>alert(1)</script>\u202e'"


def _drawn(picture: str) -> ET.Element:
    """Parse it as XML, stricter than any browser."""
    return ET.fromstring(picture)


def _numbers(picture: str, shape: str) -> list[dict[str, str]]:
    return [dict(found.attrib) for found in _drawn(picture).iter(shape)]


def test_a_figure_in_words() -> None:
    assert told("F1", GOOD) == "F1: 0.750 (95 % interval 0.500 to 1.000), n = 140"
    assert told("F1", FEW) == "F1: 0.500 (no interval: too few), n = 4"


def test_a_whisker_is_to_scale() -> None:
    picture = whisker("F1", GOOD)
    interval = next(line for line in _numbers(picture, "line") if line["class"] == "interval")
    assert (interval["x1"], interval["x2"]) == ("70", "136")
    assert [dot["cx"] for dot in _numbers(picture, "circle")] == ["103"]


def test_no_interval_no_line() -> None:
    assert 'class="interval"' not in whisker("F1", FEW)
    assert "too few" in whisker("F1", FEW)


def test_comparison_draws_each_classifier_and_marks_the_model() -> None:
    picture = comparison("macro-F1", [("model", GOOD), ("baseline", FEW)])
    groups = list(_drawn(picture).iter("g"))
    assert [g.get("class") for g in groups] == ["lead", ""]
    assert [dot["cx"] for dot in _numbers(picture, "circle")] == ["266", "180"]
    assert "0.750" in picture


def test_bars_are_to_scale() -> None:
    assert [rect["width"] for rect in _numbers(bar("no", 25, 100), "rect")] == ["96", "24"]
    assert [rect["width"] for rect in _numbers(bar("no", 0, 0), "rect")] == ["96", "0"]


def test_confusion_shows_every_count_and_shades_by_share_of_the_row() -> None:
    picture = confusion(["no", "yes"], [[90, 10], [0, 1500]])
    cells = _numbers(picture, "rect")
    assert [cell["class"] for cell in cells] == ["right cell", "wrong cell", "wrong cell", "right cell"]
    assert [cell["fill-opacity"] for cell in cells] == ["0.912", "0.208", "0.000", "1.000"]
    counts = [t.text for t in _drawn(picture).iter("text") if "count" in t.get("class", "")]
    assert counts == ["90", "10", "0", "1,500"]
    assert "true no, predicted yes: 10" in picture


def test_labels_that_lean_do_not_leave_the_picture() -> None:
    labels = ["W" * 30, *"abcd", "M" * 30]
    drawn = _drawn(confusion(labels, [[1] * 6] * 6))
    width = float(drawn.get("width", "0"))
    last = [t for t in drawn.iter("text") if t.get("transform")][-1]
    assert float(last.get("x", "0")) + 0.72 * 19 * 9 < width
    assert [t.text for t in last.iter("title")] == ["M" * 30]


def test_dense_confusion_fills_only_cells_that_hold_something() -> None:
    n = 77
    matrix = [[13 if i == j else 0 for j in range(n)] for i in range(n)]
    matrix[3][4] = 2
    picture = dense_confusion([f"label {i}" for i in range(n)], matrix)
    cells = [rect for rect in _numbers(picture, "rect") if rect["class"] != "field"]
    assert len(cells) == n + 1
    assert picture.count('class="wrong"') == 1
    assert "true label 3, predicted label 4: 2" in picture


def test_curves_mark_the_best_epoch_and_skip_gaps() -> None:
    picture = curves(
        "Loss",
        [Line("train", ((1, 0.8), (2, None), (3, 0.2))), Line("validation", ((1, 0.4), (2, 0.4), (3, 0.6)))],
        3,
        from_zero=True,
    )
    lines = [line["points"] for line in _numbers(picture, "polyline")]
    assert lines[0] == "46,26 348,153.5"
    assert len(lines[1].split()) == 3
    best = next(line for line in _numbers(picture, "line") if line["class"] == "best")
    assert best["x1"] == best["x2"] == "348"
    assert "best: epoch 3" in picture


@pytest.mark.parametrize(
    "points", [(), ((1.0, 0.5),), ((1.0, None),), ((1.0, 0.0), (2.0, 0.0)), ((0.5, 1e9), (1.0, -1e-9))]
)
def test_curves_of_odd_histories(points: tuple[tuple[float, float | None], ...]) -> None:
    picture = curves("Loss", [Line("train", points)], 1.0)
    assert "nan" not in picture
    assert _drawn(picture).get("role") == "img"


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(-1e12, 1e12)), min_size=1, max_size=8), st.booleans())
def test_curves_stay_within_their_frame(points: list[tuple[float, float]], from_zero: bool) -> None:
    points = sorted((x, abs(y) if from_zero else y) for x, y in points)
    picture = curves("Loss", [Line("train", tuple(points))], points[0][0], from_zero=from_zero)
    for dot in _numbers(picture, "circle"):
        assert 45.9 <= float(dot["cx"]) <= 348.1
        assert 25.9 <= float(dot["cy"]) <= 196.1


@pytest.mark.parametrize(
    "picture",
    [
        whisker(HOSTILE, GOOD),
        bar(HOSTILE, 1, 2),
        comparison(HOSTILE, [(HOSTILE, GOOD)]),
        confusion([HOSTILE, "no"], [[1, 2], [3, 4]]),
        dense_confusion([HOSTILE, "no"], [[1, 2], [3, 4]]),
        curves(HOSTILE, [Line("train", ((1, 1.0),))], 1),
    ],
)
def test_hostile_names_stay_text(picture: str) -> None:
    tags = {found.tag for found in _drawn(picture).iter()}
    assert tags <= {"svg", "title", "desc", "text", "g", "line", "rect", "circle", "polyline"}
    assert "\u202e" not in picture
    assert "⟨U+202E⟩" in picture
    assert not re.search(r"<script", picture)
    assert next(_drawn(picture).iter("title")).text
