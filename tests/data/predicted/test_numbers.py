from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.data.predicted import numbers
from classifine.data.predicted.numbers import numbers_of, sums_wrong


@given(st.lists(st.floats(0, 1), min_size=1))
def test_written_numbers_come_back(values: list[float]) -> None:
    read, wrong = numbers_of([repr(value) for value in values])
    assert not wrong
    assert read.tolist() == values


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("12%", numbers.PERCENT),
        ("12,5 %", numbers.PERCENT),
        ("0,125", numbers.COMMA),
        ("1,25e-3", numbers.COMMA),
        ("", numbers.BLANK),
        (None, numbers.BLANK),
        (math.nan, numbers.BLANK),
        ("nan", numbers.BLANK),
        ("high", numbers.NO_NUMBER),
        ("1.5", numbers.OUTSIDE),
        ("-0.1", numbers.OUTSIDE),
        ("inf", numbers.OUTSIDE),
        (87, numbers.OUTSIDE),
    ],
)
def test_what_is_no_probability_is_said(cell: object, reason: str) -> None:
    values, wrong = numbers_of(["0.5", cell, 0.25])
    assert wrong == {1: reason}
    assert values[[0, 2]].tolist() == [0.5, 0.25]


def test_sums_may_be_off_by_rounding_only() -> None:
    assert not sums_wrong(np.array([[0.33, 0.33, 0.33], [0.2, 0.3, 0.5]])).any()
    assert sums_wrong(np.array([[0.3, 0.3, 0.3], [0.9, 0.9, 0.0]])).all()
    tenths = np.full((1, 77), 0.01)  # 77 labels of 1/77 each, rounded to two decimals, do not sum to anything
    assert sums_wrong(tenths).all()
