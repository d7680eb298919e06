from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.reporting.charts import (
    Line,
    bar,
    comparison,
    confusion,
    curves,
    dense_confusion,
    dots,
    least_of,
    told,
    whisker,
)
from classifine.reporting.measures import Figure, Measure

GOOD = Figure(0.75, 0.5, 1.0, 140, "Wilson", None)
FEW = Figure(0.5, None, None, 4, "Wilson", "too few")
FAIR = Measure(0.6, 0.4, 0.8, 90, None)
POOR = Measure(-0.25, -0.5, 0.0, 12, None)
UNDEFINED = Measure(None, None, None, 0, "nothing could have differed")
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


def test_dots_share_one_scale_that_ends_at_one() -> None:
    picture = dots("alpha", [("a", POOR), ("b", FAIR), ("c", UNDEFINED)])
    drawn = _drawn(picture)
    groups = list(drawn.iter("g"))
    assert [next(group.iter("title")).text for group in groups] == [
        "a: -0.250 (95 % interval -0.500 to 0.000), n = 12".replace("-", "−"),
        "b: 0.600 (95 % interval 0.400 to 0.800), n = 90",
        "c: undefined, because nothing could have differed",
    ]
    ticks = {t.text: float(t.get("x", "0")) for t in drawn.iter("text") if t.get("class") == "tick middle"}
    assert list(ticks) == ["−0.5", "0", "0.5", "1"]
    unit = ticks["1"] - ticks["0"]
    assert [float(dot["cx"]) for dot in _numbers(picture, "circle")] == pytest.approx(
        [ticks["0"] - 0.25 * unit, ticks["0"] + 0.6 * unit], abs=0.02
    )
    first = next(line for line in _numbers(picture, "line") if line["class"] == "interval")
    assert (float(first["x1"]), float(first["x2"])) == pytest.approx((ticks["−0.5"], ticks["0"]), abs=0.02)
    assert [t.text for t in groups[2].iter("text")] == ["c", "undefined", "–"]


def test_dots_of_names_without_end() -> None:
    drawn = _drawn(dots("alpha", [("W" * 100_000, FAIR), ("田" * 300, FAIR)]))
    names = [str(t.text) for t in drawn.iter("text") if t.get("class") == "plain"]
    assert all(name.endswith("…") and len(name) < 20 for name in names)


@pytest.mark.parametrize("measure", [UNDEFINED, Measure(1.0, None, None, 40, "no interval"), Measure(1, 1, 1, 9, None)])
def test_dots_of_measures_that_make_no_scale(measure: Measure) -> None:
    for rows in ([], [("a", measure)]):
        picture = dots("alpha", rows)
        assert "nan" not in picture
        assert [dot["cx"] for dot in _numbers(picture, "circle")] in ([], ["308"])


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=6))
def test_dots_stay_within_their_frame(values: list[tuple[float, float, float]]) -> None:
    rows = [("a", Measure(sorted(ends)[1], min(ends), max(ends), 20, None)) for ends in values]
    picture = dots("kappa", rows)
    places = [float(line[end]) for line in _numbers(picture, "line") for end in ("x1", "x2")]
    places += [float(dot["cx"]) for dot in _numbers(picture, "circle")]
    assert 0 <= min(places) <= max(places) <= 308.1


def test_a_scale_begins_below_nought_only_where_something_lies_there() -> None:
    assert least_of([FAIR, UNDEFINED]) == 0.0
    assert least_of([FAIR, POOR]) == -1.0
    assert least_of([]) == 0.0
    assert [dot["cx"] for dot in _numbers(whisker("kappa", POOR, -1.0), "circle")] == ["53.5"]


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
        dots(HOSTILE, [(HOSTILE, FAIR), (HOSTILE, UNDEFINED)]),
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
