"""Leaving unsure texts to people: values by hand, by brute force, and intervals that hold the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.conftest import Draw

from classifine.evaluation.abstention import (
    OUT_OF_REACH,
    TOO_FEW,
    answers,
    measured,
    risk_coverage,
    target_of,
    to_review,
)
from classifine.labels import LabelSpace, decide
from classifine.tables import Predictions


def sure(confidence: Sequence[float], right: Sequence[int]) -> Predictions:
    matrix = np.array([[p, 1 - p] for p in confidence])
    space, n = LabelSpace(("a", "b")), len(right)
    ids, truth = tuple(map(str, range(n))), tuple("a" if one else "b" for one in right)
    return Predictions(ids, ids, truth, decide(matrix, space), matrix, ("ok",) * n, space, "test")


def test_the_area_that_is_published() -> None:
    found = risk_coverage(sure([0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.55, 0.5], [1, 1, 1, 0, 1, 0, 1, 0]))
    assert found.aurc.value == pytest.approx(0.1805, abs=5e-5)
    assert found.aurc.note == "too few"
    assert found.curve[2:5] == ((0.375, 0.0), (0.5, 0.25), (0.625, 0.2))
    assert [one.value for one in found.accuracy_at.values()] == [0.75, 5 / 7, 5 / 8, 5 / 8]
    assert [one.n for one in found.accuracy_at.values()] == [4, 7, 8, 8]


@settings(deadline=None)
@given(st.integers(10, 60), st.integers(0, 2**16), st.integers(2, 40))
def test_neither_order_nor_ties_matter(n: int, seed: int, steps: int) -> None:
    lots = np.random.default_rng(seed)
    confidence = 0.5 + lots.integers(0, steps, n) / (2.5 * steps)
    right = lots.random(n) < confidence
    order = lots.permutation(n)
    made = [sure(list(c), list(r)) for c, r in ((confidence, right), (confidence[order], right[order]))]
    one, other = (risk_coverage(each) for each in made)
    assert one.aurc.value == pytest.approx(other.aurc.value)
    # the mean over all orders of equal ones
    drawn = []
    for _ in range(400):
        shuffled = np.lexsort((lots.random(n), -confidence))
        drawn.append((np.cumsum(~right[shuffled]) / np.arange(1, n + 1)).mean())
    assert one.aurc.value == pytest.approx(np.mean(drawn), abs=5 * np.std(drawn) / 20 + 1e-9)


def test_the_interval_of_the_area_holds_the_truth() -> None:
    lots = np.random.default_rng(5)

    def drawn(n: int) -> Predictions:
        confidence = 0.5 + 0.5 * lots.random(n)
        return sure(list(confidence), list((lots.random(n) < confidence).astype(int)))

    truth = risk_coverage(drawn(200_000)).aurc.value
    found = [risk_coverage(drawn(200)).aurc for _ in range(600)]
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in found if one.low and one.high]) <= 0.975


def test_a_target_is_the_lowest_threshold_that_reaches_it(draw: Draw) -> None:
    validation, test = draw(400, 3, skill=3.0), draw(500, 3, skill=3.0, seed=1)
    target = measured(target_of(validation, 0.95), test)
    assert target.threshold is not None
    assert target.expected["accuracy"].value >= 0.95
    confidence, right = answers(validation)
    for lower in confidence[confidence < target.threshold]:
        assert right[confidence >= lower].mean() < 0.95
    sure_of_test, right_of_test = answers(test)
    covered = sure_of_test >= target.threshold
    assert target.measured["coverage"].value == pytest.approx(covered.mean())
    assert target.measured["accuracy"].value == pytest.approx(right_of_test[covered].mean())
    assert target.measured["accuracy"].low is not None
    assert (to_review(test, target.threshold) == ~covered).all()
    easy = target_of(validation, 0.5)
    assert (easy.threshold, easy.expected["coverage"].value) == (0.0, 1.0)


def test_what_cannot_be_had_is_said() -> None:
    wrong = sure([0.6] * 30, [0] * 30)
    assert target_of(wrong, 0.9).note == OUT_OF_REACH
    assert measured(target_of(wrong, 0.9), wrong).measured == {}
    few = sure([0.9] * 5 + [0.6] * 30, [1] * 5 + [0] * 30)
    assert target_of(few, 0.9).note == TOO_FEW


def test_several_labels_and_blank_texts(draw_several: Draw) -> None:
    predictions = draw_several(120, 3)
    _, right = answers(predictions)
    assert right.mean() == pytest.approx(
        np.mean(
            [
                set(t.split("|")) == set(p.split("|"))
                for t, p in zip(_cells(predictions.truth), _cells(predictions.predicted), strict=True)
            ]
        )
    )
    blank = replace(predictions, status=("blank", *predictions.status[1:]))
    flags = to_review(blank, 2.0)
    assert not flags[0]
    assert flags[1:].all()


def _cells(cells: tuple[str | None, ...]) -> list[str]:
    return [cell or "" for cell in cells]
