"""Takes files or frames of predictions and of gold labels and gives one corpus: predictions of all rows, gold of some.

Rows are matched by id, and every one is used or the reason is said. Does not know what is estimated from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifine.data.files.table_file import require_column
from classifine.errors import ColumnProblem, RowsProblem, count, some
from classifine.estimation.intervals import FloatVector
from classifine.labels import IntVector
from classifine.surveys.gold import labels_of, refuse_few, told_probabilities, truth_of
from classifine.surveys.sheets import Asked, Sheet, sheet_of
from classifine.tables import BLANK


@dataclass(frozen=True)
class Corpus:
    """Rows with predictions, and which of them have gold.

    Attributes
    ----------
    labels
        Names of the labels.
    predicted
        The cell of predicted labels of each row, shape [m].
    probabilities
        Of each label, shape [m, k], or none.
    gold
        Places of the gold rows, shape [n].
    truth
        The cell of true labels of each gold row.
    inside
        Which rows are spoken of, shape [m].
    columns
        Further columns, by name: cells of all rows.
    ids
        The name of each row.
    probability
        Of being drawn, of each gold row, or none.
    notes
        What became of rows.
    numbers
        The number of each row in its file.
    names
        All columns of the predictions, also those that were not read.
    """

    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    probabilities: np.ndarray[Any, np.dtype[np.float64]] | None
    gold: IntVector
    truth: tuple[str, ...]
    inside: np.ndarray[Any, np.dtype[np.bool_]]
    columns: Mapping[str, Sequence[str | None]]
    ids: tuple[str, ...]
    probability: FloatVector | None
    notes: tuple[str, ...]
    numbers: Sequence[int] = ()
    names: tuple[str, ...] = ()


def read_corpus(predictions: Any, gold: Any, asked: Asked, *, further: Sequence[str] = ()) -> Corpus:
    """Match gold labels with predictions.

    Parameters
    ----------
    predictions
        A file or frame with a row for every text spoken of: id, predicted label, probabilities.
    gold
        A file or frame with a row for every text labelled by hand: id and label. Rows of other texts must bring
        their own predictions.
    asked
        Which column is what.
    further
        Columns of the predictions that are read, too, where they are there.

    Raises
    ------
    ClassifineError
        Files cannot be read, columns are missing, ids are doubled or do not meet, or labels are not known.
    """
    extra = [name for name in (asked.by, asked.time, asked.strata, asked.cluster) if name is not None]
    common = [asked.id, asked.predicted, "status", asked.text, *extra, *further]
    texts = sheet_of(predictions, common, asked.prefix, asked, what="predictions")
    known = sheet_of(gold, [*common, asked.label, asked.probability or ""], asked.prefix, asked, what="gold rows")
    for role, name in (("id", asked.id), ("predicted label", asked.predicted)):
        require_column(texts.names, name, role=role, where=texts.where)
    for name in extra:
        require_column(texts.names, name, role="group" if name == asked.by else "column", where=texts.where)
    extra += [name for name in further if name in texts.columns]
    ids, gold_ids = _unique(texts, asked), _unique(known, asked)
    at = {one: place for place, one in enumerate(ids)}
    places = np.array([at.get(one, -1) for one in gold_ids], dtype=np.int64)
    own = asked.cross_fitted or bool((places < 0).all() and asked.predicted in known.names)
    _refuse_apart(places, gold_ids, texts, known, own=own, asked=asked)
    if own:
        texts, places, ids = _with_own(texts, known, places, asked, extra, ids)
    return _matched(texts, known, places, ids, asked, extra, len(at))


def _unique(sheet: Sheet, asked: Asked) -> list[str]:
    ids = sheet.needed(asked.id, "id")
    if len(set(ids)) == len(ids):
        return ids
    first: dict[str, int] = {}
    doubled = [
        f"{one!r} (rows {first[one]} and {row})"
        for row, one in zip(sheet.rows, ids, strict=True)
        if first.setdefault(one, row) != row
    ]
    raise RowsProblem(
        f"{count(len(doubled), 'id stands', 'ids stand')} more than once, so that rows cannot be matched",
        where=f"{sheet.where}, column {asked.id!r}",
        found=some(doubled),
        cure="keep one row of each, or name the column of another id with --id",
    )


def _refuse_apart(
    places: IntVector, gold_ids: Sequence[str], texts: Sheet, known: Sheet, *, own: bool, asked: Asked
) -> None:
    if own:
        require_column(known.names, asked.predicted, role="predicted label", where=known.where)
        return
    missing = [gold_ids[place] for place in np.flatnonzero(places < 0).tolist()]
    if not missing:
        return
    all_of_them = len(missing) == len(places)
    raise RowsProblem(
        "no gold row is among the predictions: their ids do not meet"
        if all_of_them
        else f"{count(len(missing), 'gold row is', 'gold rows are')} not among the predictions",
        where=f"column {asked.id!r} of {known.where} and {texts.where}",
        found=some([repr(one) for one in missing])
        + (f"; the predictions have {some([repr(one) for one in texts.columns[asked.id][:3]])}" if all_of_them else ""),
        cure="check that both files name rows by the same id (--id COLUMN); gold rows of other texts need their own "
        f"predictions beside them, in a column {asked.predicted!r}",
    )


def _with_own(
    texts: Sheet, known: Sheet, places: IntVector, asked: Asked, extra: Sequence[str], ids: list[str]
) -> tuple[Sheet, IntVector, list[str]]:
    """Let gold rows speak with the predictions in their own file: replaced where they are in the corpus, else added."""
    for name in extra:
        require_column(known.names, name, role="column", where=known.where)
    probabilities = [name for name in texts.columns if name.startswith(asked.prefix)]
    lacking = [name for name in probabilities if name not in known.columns]
    if lacking:
        raise ColumnProblem(
            "the gold rows do not have the columns of probabilities that the predictions have",
            where=known.where,
            found=f"without {some([repr(name) for name in lacking])}",
            cure="write both files with the same classifier, or leave the columns out of both",
        )
    outside = np.flatnonzero(places < 0).tolist()
    columns = {name: list(cells) for name, cells in texts.columns.items()}
    for name, cells in columns.items():
        theirs = known.columns.get(name) or [None] * len(known)
        if name == asked.predicted or name.startswith(asked.prefix) or name == "status":
            for row, place in enumerate(places):
                if place >= 0 and name in known.columns:
                    cells[place] = theirs[row]
        cells += [theirs[row] for row in outside]
    at = places.copy()
    at[outside] = len(texts) + np.arange(len(outside))
    rows = [*texts.rows, *(known.rows[row] for row in outside)]
    gold_ids = known.columns[asked.id]
    return replace(texts, columns=columns, rows=rows), at, [*ids, *(str(gold_ids[row]) for row in outside)]


def _matched(
    texts: Sheet, known: Sheet, places: IntVector, ids: list[str], asked: Asked, extra: Sequence[str], spoken_of: int
) -> Corpus:
    notes = []
    predicted = texts.columns[asked.predicted]
    status = texts.columns.get("status") or [None] * len(texts)
    # where a text may have several labels, a blank cell may say that it was given none
    blank = np.array(
        [
            one == BLANK or (cell is None and asked.separator is None)
            for one, cell in zip(status, predicted, strict=True)
        ],
        dtype=bool,
    )
    truth = truth_of(known, asked)
    labels, columns = labels_of(texts, predicted, truth, known, asked)
    inside = np.arange(len(texts)) < spoken_of
    lost = int((blank & inside).sum())
    if lost:
        notes.append(f"{count(lost, 'text')} without a prediction (blank) {'is' if lost == 1 else 'are'} not spoken of")
    keep = ~blank
    kept_gold = keep[places]
    if not kept_gold.all():
        n = int((~kept_gold).sum())
        notes.append(f"{count(n, 'gold row')} of texts without a prediction {'is' if n == 1 else 'are'} not used")
    new_place = np.cumsum(keep) - 1
    rows = np.flatnonzero(keep).tolist()
    probability = told_probabilities(known, asked)
    refuse_few(int(kept_gold.sum()), [cell for cell, used in zip(truth, kept_gold, strict=True) if used], asked)
    gold_rows = np.flatnonzero(kept_gold).tolist()
    matrix = None if not columns else np.column_stack([texts.numbers(name) for name in columns])[keep]
    held = {name: [texts.columns[name][row] for row in rows] for name in {*extra, asked.text} if name in texts.columns}
    return Corpus(
        labels=labels,
        predicted=tuple(str(predicted[row] or "") for row in rows),
        probabilities=matrix,
        gold=new_place[places[kept_gold]].astype(np.int64),
        truth=tuple(truth[row] for row in gold_rows),
        inside=inside[keep],
        columns=held,
        ids=tuple(ids[row] for row in rows),
        probability=None if probability is None else probability[kept_gold],
        notes=tuple(notes),
        numbers=[texts.rows[row] for row in rows],
        names=texts.names,
    )
