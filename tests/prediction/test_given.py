"""Texts may come as lists, series, frames, data sets or iterators; each gives the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import datasets  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from classifine.errors import ColumnProblem, UsageError
from classifine.prediction.given import texts_given

TEXTS = ["first", "second", ""]
GIVEN: dict[str, Callable[[], Any]] = {
    "list": lambda: TEXTS,
    "tuple": lambda: tuple(TEXTS),
    "iterator": lambda: iter(TEXTS),
    "generator": lambda: (text for text in TEXTS),
    "NumPy array": lambda: np.array(TEXTS),
    "pandas series": lambda: pd.Series(TEXTS, index=[7, 8, 9]),
    "pandas frame": lambda: pd.DataFrame({"n": [1, 2, 3], "text": TEXTS}),
    "Polars series": lambda: pl.Series(TEXTS),
    "Polars frame": lambda: pl.DataFrame({"text": TEXTS}),
    "Arrow array": lambda: pa.chunked_array([TEXTS]),
    "Arrow table": lambda: pa.table({"text": TEXTS}),
    "mapping": lambda: {"text": TEXTS},
    "rows": lambda: [{"text": text} for text in TEXTS],
    "data set": lambda: datasets.Dataset.from_dict({"text": TEXTS, "n": [1, 2, 3]}),
    "streamed data set": lambda: datasets.Dataset.from_dict({"text": TEXTS}).to_iterable_dataset(),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_all_of_them_hold_the_same_texts(kind: str) -> None:
    assert texts_given(GIVEN[kind]()) == TEXTS


def test_missing_texts_are_missing_and_nothing_is_changed() -> None:
    series = pd.Series(["a", None, pd.NA, float("nan")], dtype=object)
    found = texts_given(series)
    assert found[:3] == ["a", None, None]
    assert found[3] != found[3]
    assert texts_given(pd.Series(["a", pd.NA], dtype="string")) == ["a", None]
    assert texts_given(pd.DataFrame({"words": ["x"]}), column="words") == ["x"]
    assert series.tolist()[0] == "a"


def test_what_holds_no_texts_is_refused() -> None:
    with pytest.raises(UsageError, match="one text"):
        texts_given("text")
    with pytest.raises(UsageError, match="int holds no texts"):
        texts_given(5)
    with pytest.raises(ColumnProblem, match="did you mean 'text'"):
        texts_given(pd.DataFrame({"text": ["x"]}), column="texts")
    with pytest.raises(ColumnProblem, match="did you mean 'txt'"):
        texts_given([{"txt": "x"}])
