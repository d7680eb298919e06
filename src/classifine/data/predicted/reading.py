"""Takes a file of predictions, of whatever tool, and gives them as predictions of ours: truth, labels, probabilities.

Every row is used, or set aside with its reason; else all that is wrong is said at once. Does not know scores or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from classifine.data.files.bad_rows import OnBadRow
from classifine.data.files.cells import as_json, is_blank
from classifine.data.files.table_file import TableFile
from classifine.data.predicted.columns import Columns, found_columns, labels_as_columns, require_answers
from classifine.data.predicted.faults import (
    BLANK_ID,
    BLANK_LABEL,
    BLANK_TRUTH,
    DOUBLED,
    UNKNOWN_LABEL,
    UNKNOWN_TRUTH,
    Faults,
)
from classifine.data.predicted.fetching import Cells, blocks, cells_of
from classifine.data.predicted.numbers import NO_SUM, OUTSIDE, numbers_of, sums_wrong
from classifine.data.rows.accounting import SetAside
from classifine.errors import LabelsProblem, SettingsProblem, count, some
from classifine.labels import FloatMatrix, LabelSpace, decide, several_labels
from classifine.tables import OK, Predictions

UnknownLabels = Literal["error", "keep"]
NO_ANSWER = "(no answer)"


@dataclass(frozen=True)
class Wanted:
    """How a file of predictions is to be read.

    Attributes
    ----------
    columns
        Those that were named; the others are guessed.
    separator
        What stands between the labels of a text that may have several.
    positive
        The label that precision, recall and F1 of a binary task speak of, and ``probability`` where there is one.
    space
        The labels of another file that this one goes with; none where it stands alone.
    unknown_labels
        ``keep`` takes predicted labels that no row truly has, and missing ones, as wrong answers.
    on_bad_row
        ``quarantine`` sets rows that cannot be used aside.
    encoding, delimiter
        Of a text file.
    """

    columns: Columns = field(default_factory=Columns)
    separator: str | None = None
    positive: str | None = None
    space: LabelSpace | None = None
    unknown_labels: UnknownLabels = "error"
    on_bad_row: OnBadRow = "error"
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class Foreign:
    """Predictions that were read, and what became of the rows.

    Attributes
    ----------
    predictions
        The rows that can be scored; probabilities are NaN where the file has none.
    columns
        Which column was what.
    rows_in
        How many rows the file has.
    rejected
        The rows that were set aside.
    notes
        What whoever reads the scores should know.
    """

    predictions: Predictions
    columns: Columns
    rows_in: int
    rejected: tuple[SetAside, ...]
    notes: tuple[str, ...]


def read_predictions(path: Path, wanted: Wanted, *, split: str = "test", classifier: str = "model") -> Foreign:
    """Read a file of predictions.

    Parameters
    ----------
    path
        CSV, TSV, Parquet, JSON Lines, JSON or Excel, packed or not.
    wanted
        How it is to be read.
    split, classifier
        What to call the rows and who predicted.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it is not what its ending says.
    ColumnProblem
        A column is not there, or cannot be guessed.
    RowsProblem, LabelsProblem
        Rows cannot be scored; every reason is said, with row numbers.
    """
    file = TableFile(path, encoding=wanted.encoding, delimiter=wanted.delimiter, on_bad_row=wanted.on_bad_row)
    where = str(path)
    columns = found_columns(file.names, wanted.columns, where=where)
    if not columns.numbers:
        labels = _labels_in(file, columns, wanted.separator)
        columns = labels_as_columns(file.names, columns, labels)
    require_answers(file.names, columns, where=where)
    cells = cells_of(file, columns)
    faults = Faults()
    read = _Reading(cells, columns, wanted, faults, where)
    space = read.space()
    matrix = read.matrix(space)
    read.check_ids()
    if wanted.on_bad_row == "error" or len(faults.places) == len(cells.rows):
        faults.refuse(where=where, rows=cells.rows, known=read.known)
    predicted, notes = read.decided(matrix, space)
    kept = [place for place in range(len(cells.rows)) if place not in faults.places]
    found = Predictions(
        ids=read.ids,
        texts=read.column(columns.text),
        truth=tuple(read.truth),
        predicted=predicted,
        probabilities=matrix,
        status=(OK,) * len(cells.rows),
        space=space,
        split=split,
        classifier=classifier,
        groups=None if columns.group is None else read.column(columns.group),
    )
    whole = len(kept) == len(found)
    rejected = _set_aside(path, cells, columns, faults)
    return Foreign(
        found if whole else found.take(kept), columns, len(cells.rows) + len(cells.rejected), rejected, tuple(notes)
    )


class _Reading:
    """The columns of a file on their way to predictions; what is wrong goes to the faults."""

    def __init__(self, cells: Cells, columns: Columns, wanted: Wanted, faults: Faults, where: str) -> None:
        self._cells, self._columns, self._wanted, self._faults, self._where = cells, columns, wanted, faults, where
        self._n = len(cells.rows)
        self.truth = self._labels(columns.truth, BLANK_TRUTH, keep=False)
        keep = wanted.unknown_labels == "keep"
        self.given = None if columns.predicted is None else self._labels(columns.predicted, BLANK_LABEL, keep=keep)
        self.known: set[str] = set()

    @property
    def ids(self) -> tuple[str, ...]:
        """The rows' names; without a column, their numbers."""
        if self._columns.id is None:
            return tuple(str(row) for row in self._cells.rows)
        return tuple(name or "" for name in self._cells.texts[self._columns.id])

    def column(self, name: str | None) -> tuple[str, ...]:
        """Give a column of text, blank where nothing is."""
        return ("",) * self._n if name is None else tuple(cell or "" for cell in self._cells.texts[name])

    def check_ids(self) -> None:
        """Note ids that are blank or stand twice."""
        if self._columns.id is None:
            return
        seen: set[str] = set()
        for place, name in enumerate(self._cells.texts[self._columns.id]):
            if is_blank(name):
                self._faults.add(place, BLANK_ID, "")
            elif name in seen:
                self._faults.add(place, DOUBLED, repr(name))
            else:
                seen.add(str(name))

    def space(self) -> LabelSpace:
        """Give the labels: those of the other file, of the columns of probabilities, or all that rows truly have."""
        wanted, separator = self._wanted, self._wanted.separator
        truly = _names(self.truth, separator)
        named = {label for _, label in self._columns.probabilities}
        if wanted.space is not None:
            self.known = set(wanted.space.names)
        else:
            self.known = named or truly
        keep = wanted.unknown_labels == "keep"
        given = _names(self.given or (), separator)
        if self._columns.probability is not None:
            self.known |= given
        self._note_unknown(self.truth, truly - self.known, UNKNOWN_TRUTH)
        if not keep:
            self._note_unknown(self.given or (), given - self.known, UNKNOWN_LABEL)
        else:
            self.known |= given
        if wanted.space is not None:
            return wanted.space
        if len(self.known) < 2:
            raise LabelsProblem(
                "there is one label only, so that nothing can be told apart",
                where=self._where,
                found=some(sorted(self.known)),
                cure="check the column of truth, and --label-separator where a row may have several labels",
            )
        return LabelSpace(tuple(sorted(self.known)), wanted.positive, separator)

    def matrix(self, space: LabelSpace) -> FloatMatrix:
        """Give the probabilities, shape [n, n_labels], rows that sum to 1; NaN where the file has none."""
        columns, numbers = self._columns, self._cells.numbers
        if not columns.numbers:
            return np.full((self._n, len(space)), np.nan)
        matrix = np.zeros((self._n, len(space)))
        if columns.probability is not None:
            if space.positive is None or len(space) != 2:
                raise SettingsProblem(
                    f"{columns.probability!r} holds one probability a row, and it is not plain of which label",
                    where=self._where,
                    found=f"the labels {some(space.names)}",
                    cure="name one of two labels: --positive LABEL" if len(space) == 2 else "give each label a column",
                )
            values = self._read(columns.probability, numbers)
            matrix[:, space.id_of(space.positive)] = values
            matrix[:, 1 - space.id_of(space.positive)] = 1 - values
            return matrix
        # a wrong answer that is kept has no column, and no probability
        answers = _names(self.given or (), space.separator) if self._wanted.unknown_labels == "keep" else set()
        named = {label for _, label in columns.probabilities} | (answers - _names(self.truth, space.separator))
        absent = [name for name in space.names if name not in named]
        if absent:
            raise LabelsProblem(
                f"{count(len(absent), 'label has', 'labels have')} no column of probabilities",
                where=self._where,
                found=some(absent),
                cure="give every label its column",
            )
        for column, label in columns.probabilities:
            if label in space.names:
                matrix[:, space.id_of(label)] = self._read(column, numbers)
        if space.separator is None:
            off = np.flatnonzero(sums_wrong(matrix))
            for place in off[[place not in self._faults.places for place in off.tolist()]].tolist():
                self._faults.add(place, NO_SUM, f"{matrix[place].sum():.4g}")
            sums = matrix.sum(axis=1, keepdims=True)
            np.divide(matrix, sums, out=matrix, where=sums > 0)
        return matrix

    def decided(self, matrix: FloatMatrix, space: LabelSpace) -> tuple[tuple[str | None, ...], list[str]]:
        """Give the labels, decided here where the file has none; and what should be known of them."""
        if self.given is None:
            return decide(matrix, space), []
        notes = []
        if self._columns.numbers and space.separator is None:
            likeliest = decide(matrix, space)
            told = enumerate(zip(self.given, likeliest, strict=True))
            other = sum(a != b for place, (a, b) in told if place not in self._faults.places)
            if other:
                rows = count(other, "row")
                notes.append(f"In {rows} the label given is not the most probable one; labels are scored as given.")
        return tuple(self.given), notes

    def _labels(self, column: str | None, reason: str, *, keep: bool) -> list[str]:
        assert column is not None
        cells = self._cells.texts[column]
        blank = [place for place, cell in enumerate(cells) if is_blank(cell)]
        if self._wanted.separator is not None:  # a text may have none of several labels
            return [cell or "" for cell in cells]
        if not keep:
            self._faults.extend(blank, reason, "")
        named = [(cell or "").strip() for cell in cells]
        for place in blank:
            named[place] = NO_ANSWER if keep else ""
        return named

    def _note_unknown(self, cells: Sequence[str], unknown: set[str], reason: str) -> None:
        unknown.discard("")
        if not unknown:
            return
        for place, cell in enumerate(cells):
            for name in several_labels(cell, self._wanted.separator):
                if name in unknown:
                    self._faults.add(place, reason, name)

    def _read(self, column: str, numbers: dict[str, Any]) -> FloatMatrix:
        values, wrong = numbers_of(numbers[column])
        for place, reason in wrong.items():
            shown = f"{values[place]:g}" if reason == OUTSIDE else str(numbers[column][place])
            self._faults.add(place, reason, f"{column} = {shown}")
        return values


def _names(cells: Sequence[str], separator: str | None) -> set[str]:
    names = {name for cell in set(cells) for name in several_labels(cell, separator)}
    return names - {""}


def _labels_in(file: TableFile, columns: Columns, separator: str | None) -> set[str]:
    """Give the labels that stand in the column of truth."""
    assert columns.truth is not None
    found: set[str] = set()
    for block in blocks(file, (columns.truth,), ()):
        found |= {cell.strip() for cell in block.texts[columns.truth] if cell}
    return _names(sorted(found), separator)


def _set_aside(path: Path, cells: Cells, columns: Columns, faults: Faults) -> tuple[SetAside, ...]:
    """Give the rows that are not used, as a file of them lists them."""
    found = [SetAside(str(path), one.row, one.row, one.line, one.reason, one.content) for one in cells.rejected]
    for place, reason in sorted(faults.places.items()):
        row = cells.rows[place]
        content = {name: column[place] for name, column in cells.texts.items()}
        content |= {name: str(cells.numbers[name][place]) for name in columns.numbers}
        found.append(SetAside(str(path), row, row, None, reason, as_json(content)))
    return tuple(sorted(found, key=lambda one: one.row))
