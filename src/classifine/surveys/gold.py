"""Takes a sheet of gold labels and the predictions beside it and checks what must hold before anything is estimated.

Labels, probabilities of being drawn, enough rows. Does not know what is estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from classifine.errors import LabelsProblem, RowsProblem, count, did_you_mean, some, unknown_name
from classifine.estimation.intervals import FloatVector
from classifine.labels import several_labels
from classifine.surveys.sheets import Asked, Sheet

FEWEST_GOLD = 30


def truth_of(known: Sheet, asked: Asked) -> list[str]:
    """Give the cell of true labels of each gold row.

    Raises
    ------
    ColumnProblem, RowsProblem
        There is no such column, or cells are blank.
    """
    if asked.blank_labels == "none" and asked.label in known.columns:
        return [cell or "" for cell in known.columns[asked.label]]
    return known.needed(asked.label, "label")


def labels_of(
    texts: Sheet, predicted: Sequence[str | None], truth: Sequence[str], known: Sheet, asked: Asked
) -> tuple[tuple[str, ...], list[str]]:
    """Give the label names, and the columns of their probabilities, if there are any.

    Raises
    ------
    LabelsProblem
        A gold label, or one that is asked about, is unknown to the classifier.
    """
    given = {name for cell in set(predicted) if cell for name in several_labels(cell, asked.separator)}
    suffixes = {name.removeprefix(asked.prefix): name for name in texts.columns if name.startswith(asked.prefix)}
    suffixes.pop("", None)
    whole = bool(suffixes) and given <= suffixes.keys()
    names = tuple(sorted(given | suffixes.keys() if whole else given))
    strange: dict[str, list[int]] = {}
    for row, cell in zip(known.rows, truth, strict=True):
        for name in several_labels(cell, asked.separator):
            if name and name not in names:
                strange.setdefault(name, []).append(row)
    if strange:
        told = [
            f"{name!r} ({count(len(rows), 'row')}: {some(rows, limit=3)})"
            + (f", did you mean {guess!r}?" if (guess := did_you_mean(name, names)) else "")
            for name, rows in strange.items()
        ]
        raise LabelsProblem(
            f"{count(len(strange), 'gold label is', 'gold labels are')} unknown to the classifier",
            where=f"{known.where}, column {asked.label!r}",
            found="; ".join(told[:10]),
            expected=some(names, limit=20),
            cure="spell labels as the classifier does; where a text may have several: --label-separator",
        )
    for name in asked.of:
        if name not in names:
            raise LabelsProblem(
                f"label {name!r} is unknown to the classifier", cure=unknown_name(name, names, noun="labels")
            )
    columns = [suffixes[name] for name in names] if whole else []
    for column in columns:
        _refuse_outside(texts.numbers(column), texts, column, low=0.0)
    return names, columns


def _refuse_outside(values: FloatVector, sheet: Sheet, column: str, *, low: float, above: bool = False) -> None:
    wrong = np.flatnonzero((values < low) | (values > 1) | ((values <= low) & above))
    if len(wrong):
        raise RowsProblem(
            f"{count(len(wrong), 'cell')} of the column {column!r} {'is' if len(wrong) == 1 else 'are'} no probability",
            where=f"{sheet.where}, rows {some([sheet.rows[place] for place in wrong[:6]])}",
            found=some([f"{values[place]:g}" for place in wrong[:6]]),
            expected="above 0, at most 1: nobody can be in a sample whose probability was 0" if above else "0 to 1",
            cure="give the probability with which each row was drawn" if above else "write probabilities, not percent",
        )


def told_probabilities(known: Sheet, asked: Asked) -> FloatVector | None:
    """Give the probability of being drawn of each gold row; none where it is not told.

    Raises
    ------
    ColumnProblem, RowsProblem
        There is no such column, or a cell is blank or no probability.
    """
    if asked.probability is None:
        return None
    known.needed(asked.probability, "probability")
    values = known.numbers(asked.probability)
    _refuse_outside(values, known, asked.probability, low=0.0, above=True)
    return values


def refuse_few(rows: int, truth: Sequence[str], asked: Asked) -> None:
    """Refuse gold rows that are too few, or of one label only.

    Raises
    ------
    RowsProblem, LabelsProblem
        They are.
    """
    if rows < FEWEST_GOLD:
        raise RowsProblem(
            f"{count(rows, 'gold row')} cannot carry an interval",
            expected=f"at least {FEWEST_GOLD}",
            cure="label more; `classifine estimate plan` says how many are needed and draws them",
        )
    counts = Counter(truth)
    if len(counts) == 1:
        only = next(iter(counts))
        raise LabelsProblem(
            f"all {rows} gold rows have the label {only!r}, so that nothing can be learnt about mistakes",
            cure="label more rows; `classifine estimate plan` draws those from which most can be learnt",
        )


def stratum_probabilities(
    strata: Sequence[str | None], gold: Sequence[int], column: str
) -> tuple[FloatVector, FloatVector]:
    """Give the share of each stratum that has gold, for each gold row; and the stratum of each row as a number.

    Raises
    ------
    RowsProblem
        A stratum has no gold row, or a row no stratum.
    """
    cells = ["(blank)" if cell is None or not cell.strip() else cell for cell in strata]
    names = sorted(set(cells))
    place = {name: at for at, name in enumerate(names)}
    of = np.fromiter((place[cell] for cell in cells), np.int64, len(cells))
    all_rows = np.bincount(of, minlength=len(names))
    drawn = np.bincount(of[np.asarray(gold, dtype=np.int64)], minlength=len(names))
    empty = [f"{name!r} ({count(int(all_rows[at]), 'text')})" for name, at in place.items() if not drawn[at]]
    if empty:
        raise RowsProblem(
            f"{count(len(empty), 'stratum has', 'strata have')} no gold row: their texts had no chance of being drawn",
            where=f"column {column!r}",
            found=some(empty),
            cure="label some rows of each, drawn at random, or join small strata; a review queue alone says nothing of "
            "the texts outside it",
        )
    share = drawn / all_rows
    return share[of[np.asarray(gold, dtype=np.int64)]], of.astype(np.float64)
