"""Takes the cells of a column of probabilities and gives them as numbers, with what is wrong with each that is none.

Nothing is mended: a percent sign or a decimal comma is said, as a guess about numbers would change scores silently.
Does not know labels or files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.data.files.cells import as_text, is_blank

BLANK = "blank probability"
PERCENT = "percent sign"
COMMA = "decimal comma"
NO_NUMBER = "no number"
OUTSIDE = "outside 0 to 1"
NO_SUM = "probabilities that do not sum to 1"
# A sum of numbers that were rounded to two decimals is off by no more than this for each label, and never by so much.
_ROUNDED, _AT_MOST = 0.005, 0.05

_PERCENT = re.compile(r"\s*[-+]?[\d.,]+\s*[%٪％]\s*")
_COMMA = re.compile(r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*")

FloatVector = npt.NDArray[np.float64]


def numbers_of(cells: Sequence[Any]) -> tuple[FloatVector, dict[int, str]]:
    """Give cells as numbers, shape [n], NaN where one is none; and what is wrong with these, by place.

    Examples
    --------
    >>> values, wrong = numbers_of(["0.25", "25 %", "0,25", "", "1.2"])
    >>> wrong
    {1: 'percent sign', 2: 'decimal comma', 3: 'blank probability', 4: 'outside 0 to 1'}
    """
    values, wrong = _read(cells)
    strange = np.flatnonzero(~((values >= 0) & (values <= 1)))
    for place in strange.tolist():
        if place not in wrong:
            wrong[place] = BLANK if np.isnan(values[place]) else OUTSIDE
    return values, dict(sorted(wrong.items()))


def sums_wrong(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Say of each row whether its probabilities do not sum to 1, beyond rounding; shape [n, n_labels] to [n]."""
    with np.errstate(invalid="ignore"):
        off: npt.NDArray[np.bool_] = np.abs(values.sum(axis=1) - 1) > min(_AT_MOST, _ROUNDED * values.shape[1]) + 1e-9
    return off


def _read(cells: Sequence[Any]) -> tuple[FloatVector, dict[int, str]]:
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64), {}
    try:
        return np.array(cells, dtype=np.float64), {}
    except (TypeError, ValueError):
        pass
    values, wrong = np.full(len(cells), np.nan), {}
    for place, cell in enumerate(cells):
        if is_blank(cell):
            wrong[place] = BLANK
            continue
        try:
            values[place] = float(cell)
        except (TypeError, ValueError):
            wrong[place] = _fault(as_text(cell) or "")
    return values, wrong


def _fault(cell: str) -> str:
    if _PERCENT.fullmatch(cell):
        return PERCENT
    return COMMA if _COMMA.fullmatch(cell) else NO_NUMBER
