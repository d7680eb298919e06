"""Takes a file or a frame and gives some of its columns as text, each row with its number; says which column is what.

Does not know predictions or gold labels by more than the names of their columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from classifine.data.files.cells import is_blank, texts_of
from classifine.data.files.table_file import TableFile, require_column
from classifine.data.rows.memory import in_memory
from classifine.errors import RowsProblem, UsageError, count, some
from classifine.estimation.answers import Sampled
from classifine.estimation.intervals import FloatVector
from classifine.settings import DataSettings
from classifine.tables import Predictions

Period = Literal["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True)
class Asked:
    """Which column is what, and how the gold rows came about.

    Attributes
    ----------
    sampled
        How the gold rows were drawn.
    id
        The column, in both files, that names a row.
    label
        The column of the gold file that holds the true label.
    predicted, prefix
        The column of predicted labels, and what the names of the columns of probabilities begin with.
    separator
        What stands between the labels of a text that may have several, in both files.
    of
        The labels asked about; all if none is named.
    by, time, period
        The column of groups; the column of dates and how they are put together.
    probability
        The column of the gold file that says how probable it was that a row is drawn.
    strata
        The column of the predictions within whose values gold rows were drawn at random.
    cluster
        The column whose equal rows belong together: author, thread.
    text
        The column that holds the text, in the predictions.
    cross_fitted
        The gold rows' predictions stand in the gold file, by classifiers that were not trained on them.
    run
        The run whose classifier predicted, so that gold rows it was trained on are found.
    blank_labels
        ``missing``, or ``none`` where a blank label says that a text has none of several labels.
    remarks
        What else to keep in mind, in sentences.
    encoding, delimiter
        Of text files.
    """

    sampled: Sampled
    id: str = "id"
    label: str = "label"
    predicted: str = "predicted_label"
    prefix: str = "p_"
    separator: str | None = None
    of: tuple[str, ...] = ()
    by: str | None = None
    time: str | None = None
    period: Period | None = None
    probability: str | None = None
    strata: str | None = None
    cluster: str | None = None
    text: str = "text"
    cross_fitted: bool = False
    run: Path | None = None
    blank_labels: Literal["missing", "none"] = "missing"
    remarks: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True)
class Sheet:
    """Some columns of a source, every cell text or none.

    Attributes
    ----------
    where
        What it is called in messages.
    names
        All columns it has.
    columns
        Those that were read.
    rows
        The number of each row in its file.
    """

    where: str
    names: tuple[str, ...]
    columns: dict[str, list[str | None]]
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def needed(self, name: str, role: str) -> list[str]:
        """Give a column in which no cell may be blank.

        Raises
        ------
        ColumnProblem, RowsProblem
            There is no such column, or cells of it are blank.
        """
        require_column(self.names, name, role=role, where=self.where)
        cells = self.columns[name]
        blank = [row for row, cell in zip(self.rows, cells, strict=True) if is_blank(cell)]
        if blank:
            raise RowsProblem(
                f"{count(len(blank), 'row has', 'rows have')} no {role}",
                where=f"{self.where}, column {name!r}, rows {some(blank)}",
                cure=_BLANK_CURES.get(role, "fill in the cells; a row must not vanish from a sample silently"),
            )
        return [str(cell) for cell in cells]

    def numbers(self, name: str) -> FloatVector:
        """Give a column as numbers, NaN where a cell is blank.

        Raises
        ------
        RowsProblem
            A cell that is no number.
        """
        cells = self.columns[name]
        try:
            return np.array(cells, dtype=np.float64)
        except (TypeError, ValueError):
            pass
        found = np.full(len(cells), np.nan)
        wrong = []
        for place, cell in enumerate(cells):
            if cell is None or is_blank(cell):
                continue
            try:
                found[place] = float(cell)
            except ValueError:
                wrong.append(place)
        if wrong:
            first = cells[wrong[0]]
            raise RowsProblem(
                f"{count(len(wrong), 'cell')} of the column {name!r} {'is' if len(wrong) == 1 else 'are'} no number",
                where=f"{self.where}, rows {some([self.rows[place] for place in wrong])}",
                found=repr(first),
                cure="write numbers with a point: 0.25",
            )
        return found


_BLANK_CURES = {
    "label": "label them, for a sample without its hard rows is no random sample any more; where a blank label says "
    "that a text has none of several labels: --blank-labels none",
    "group": "give these rows a group of their own, such as (none), so that no text vanishes from the count",
    "time": "fill in the times, or leave --period out",
}


def sheet_of(source: Any, wanted: Sequence[str], prefix: str | None, asked: Asked, *, what: str) -> Sheet:
    """Read the columns that are wanted, as far as they are there, and those whose names begin with the prefix.

    Parameters
    ----------
    source
        A path, a frame, a mapping of columns, or predictions.
    wanted
        Names of columns.
    prefix
        Of further ones.
    asked
        How text files are read.
    what
        What the source is called where it has no path.

    Raises
    ------
    ClassifineError
        The source cannot be read.
    """
    if isinstance(source, Predictions):
        source = source.to_arrow()
    if isinstance(source, str | Path):
        return _of_file(Path(source), wanted, prefix, asked)
    held = in_memory(source, DataSettings())
    where = f"{held.where} of {what}"
    names = [name for name in dict.fromkeys(held.names) if _is_wanted(name, wanted, prefix)]
    columns = {name: texts_of(held.column(name), column=name, first_row=1, where=where) for name in names}
    length = len(held.column(held.names[0])) if held.names else 0
    return Sheet(where, held.names, columns, range(1, length + 1))


def _is_wanted(name: str, wanted: Sequence[str], prefix: str | None) -> bool:
    return name in wanted or (prefix is not None and name.startswith(prefix))


def _of_file(path: Path, wanted: Sequence[str], prefix: str | None, asked: Asked) -> Sheet:
    text_file = path.suffix.lower() not in (".parquet", ".xlsx", ".jsonl", ".ndjson", ".json")
    table = TableFile(path, encoding=asked.encoding, delimiter=asked.delimiter if text_file else None)
    names = [name for name in dict.fromkeys(table.names) if _is_wanted(name, wanted, prefix)]
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    rows: list[int] = []
    for block in table.blocks(65_536):
        for name in names:
            if name not in block.columns:
                require_column(table.names, name, role=name, where=str(path))
            columns[name] += texts_of(block.columns[name], column=name, first_row=block.first_row, where=str(path))
        rows += block.rows
    return Sheet(str(path), table.names, columns, rows)


def refuse_mixture(asked: Asked) -> None:
    """Check that what is said of the design fits together.

    Raises
    ------
    UsageError
        It does not.
    """
    told = [name for name, given in (("--probability", asked.probability), ("--strata", asked.strata)) if given]
    if asked.sampled == "known" and len(told) != 1:
        raise UsageError(
            "of gold rows with known probabilities, say where these stand",
            found=", ".join(told) or "neither --probability nor --strata",
            expected="--probability COLUMN of the gold file, or --strata COLUMN of the predictions",
        )
    if asked.sampled != "known" and told:
        raise UsageError(
            f"{' and '.join(told)} and --sampled {asked.sampled} contradict each other",
            cure="--sampled known, if the probability of each gold row is known",
        )
    if (asked.period is None) != (asked.time is None):
        raise UsageError("--period and --time go together", expected="--time COLUMN --period month, for instance")
