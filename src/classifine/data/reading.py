"""Takes a file, a frame or plain columns and gives labelled texts or judgements, every row used or listed.

A cell is either what the file says or an error that says where; labels and texts are text from the start.
Does not know whether the labels can be learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from classifine.data.cells import as_text, is_blank, texts_of
from classifine.data.files import ENDINGS, Block, TableFile, require_column
from classifine.data.memory import columns_of
from classifine.errors import ColumnProblem, RowsProblem, count, some
from classifine.settings import DataSettings
from classifine.tables import Judgements, LabelledTexts

__all__ = [
    "BLANK_LINE",
    "ENDINGS",
    "Block",
    "LeftOut",
    "Reading",
    "TableFile",
    "as_text",
    "is_blank",
    "read_judgements",
    "read_labelled",
    "require_column",
    "texts_of",
]

BLANK_LINE = "blank line"
TOO_MANY_BLANK = 0.05

Table = TypeVar("Table", LabelledTexts, Judgements)


@dataclass(frozen=True)
class LeftOut:
    """Rows that were not used, and why.

    Attributes
    ----------
    reason
        ``blank text``, ``blank label``, ``blank id``, ``blank annotator`` or ``blank line``.
    rows
        Their numbers; those of blank lines are lines of the file.
    """

    reason: str
    rows: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"reason": self.reason, "count": len(self.rows), "rows": list(self.rows)}


@dataclass(frozen=True)
class Reading(Generic[Table]):
    """What was read: the rows in use, how many came in, and which were left out.

    Attributes
    ----------
    table
        The rows in use.
    rows_in
        All rows that came in, blank lines included: those in use and those left out.
    left_out
        Which rows were left out, by reason.
    """

    table: Table
    rows_in: int
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "rows_in": self.rows_in,
            "rows_used": len(self.table),
            "left_out": [left_out.to_dict() for left_out in self.left_out],
        }


def read_labelled(source: Any, settings: DataSettings) -> Reading[LabelledTexts]:
    """Read one labelled text per row.

    Parameters
    ----------
    source
        A path, a pandas or Polars frame, an Arrow table, a mapping of columns, or the pair (texts, labels).
    settings
        Which columns are what; without ``id``, a row is named by its number.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read; where is said.
    ColumnProblem
        A column is absent or doubled.
    RowsProblem
        Five rows in a hundred are blank, no row is left, an id names two rows, or a cell holds a list.

    Examples
    --------
    >>> read_labelled((["Come along!", "It rained.", " "], ["yes", "no", "no"]), DataSettings())
    Traceback (most recent call last):
    classifine.errors.RowsProblem: 1 of 3 rows is blank where a value is needed
    ...
    >>> read_labelled((["Come along!", "It rained."], ["yes", "no"]), DataSettings()).table.ids
    ('1', '2')
    """
    roles = {"text": settings.text, "label": settings.label}
    if settings.id is not None:
        roles["id"] = settings.id
    used = _used(source, settings, roles)
    texts = used.texts
    ids = texts.get("id", tuple(str(row) for row in used.rows))
    doubled = _rows_by(ids, used.rows)
    if len(doubled) < len(ids):
        shared = {name: rows for name, rows in doubled.items() if len(rows) > 1}
        raise RowsProblem(
            f"{count(len(shared), 'id names', 'ids name')} more than one row",
            where=f"{used.where}, column {settings.id!r}",
            found=some([f"{name!r} in rows {some(rows)}" for name, rows in shared.items()]),
            expected="one row per id",
            cure="name another column with --id, or, if each row is one judgement, add --annotator COLUMN",
        )
    table = LabelledTexts(ids=ids, texts=texts["text"], labels=texts["label"], rows=used.rows)
    return Reading(table, used.rows_in, used.left_out)


def read_judgements(source: Any, settings: DataSettings) -> Reading[Judgements]:
    """Read one annotator's label for one text per row.

    Parameters
    ----------
    source
        As in :func:`read_labelled`, except for a pair.
    settings
        Which columns are what; ``id`` and ``annotator`` must be among them.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read; where is said.
    ColumnProblem
        A column is absent, doubled or not named.
    RowsProblem
        Five rows in a hundred are blank, no row is left, an id stands beside two texts, or a cell holds a list.
    """
    if settings.annotator is None:
        raise ColumnProblem("judgements need the column of the annotators", cure="name it: --annotator COLUMN")
    if settings.id is None:
        raise ColumnProblem(
            "judgements need a column that says which of them are of the same item",
            cure=f"name it: --id COLUMN; where equal texts are the same item, --id {settings.text}",
        )
    roles = {"text": settings.text, "label": settings.label, "id": settings.id, "annotator": settings.annotator}
    used = _used(source, settings, roles)
    texts = used.texts
    first: dict[str, tuple[str, int]] = {}
    clashes: dict[str, tuple[int, int]] = {}
    for name, text, row in zip(texts["id"], texts["text"], used.rows, strict=True):
        other, other_row = first.setdefault(name, (text, row))
        if other != text:
            clashes.setdefault(name, (other_row, row))
    if clashes:
        raise RowsProblem(
            f"{count(len(clashes), 'id stands', 'ids stand')} beside different texts",
            where=f"{used.where}, column {settings.id!r}",
            found=some([f"{name!r} in rows {one} and {two}" for name, (one, two) in clashes.items()]),
            expected="one text per id",
            cure="name another column with --id, or make the texts of one item equal",
        )
    table = Judgements(
        ids=texts["id"], texts=texts["text"], annotators=texts["annotator"], labels=texts["label"], rows=used.rows
    )
    return Reading(table, used.rows_in, used.left_out)


@dataclass(frozen=True)
class _Used:
    """The columns in use, by role, without the blank rows."""

    where: str
    texts: Mapping[str, tuple[str, ...]]
    rows: tuple[int, ...]
    rows_in: int
    left_out: tuple[LeftOut, ...]


def _used(source: Any, settings: DataSettings, roles: Mapping[str, str]) -> _Used:
    if roles["label"] == roles["text"] or roles.get("annotator") in (roles["text"], roles["label"]):
        raise ColumnProblem(
            "one column cannot be two things",
            found=", ".join(f"{role}: {column!r}" for role, column in roles.items()),
            cure="name different columns for text, label and annotator",
        )
    where, columns, blank_lines = _gathered(source, settings, roles)
    total = len(columns[roles["text"]])
    _refuse_nested(columns, roles, where)
    left_out: dict[str, list[int]] = {}
    kept = []
    for position in range(total):
        blank = next((role for role, name in roles.items() if is_blank(columns[name][position])), None)
        if blank is None:
            kept.append(position)
        else:
            left_out.setdefault(f"blank {blank}", []).append(position + 1)
    listed = [LeftOut(reason, tuple(rows)) for reason, rows in sorted(left_out.items())]
    blank_rows = total - len(kept)
    if not kept or blank_rows / total >= TOO_MANY_BLANK:
        names = {f"blank {role}": name for role, name in roles.items()}
        raise RowsProblem(
            f"{blank_rows:,} of {count(total, 'row')} {'is' if blank_rows == 1 else 'are'} blank "
            "where a value is needed",
            where=where,
            found="; ".join(
                f"{part.reason} (column {names[part.reason]!r}) in {count(len(part.rows), 'row')}: {some(part.rows)}"
                for part in listed
            ),
            cure=f"fill or delete those rows; fewer than {TOO_MANY_BLANK:.0%} would be left out and listed",
        )
    texts = {}
    for role, name in roles.items():
        cells = texts_of(columns[name], column=name, first_row=1, where=where)
        texts[role] = tuple(cells[position] or "" for position in kept)
    if blank_lines:
        listed.append(LeftOut(BLANK_LINE, tuple(blank_lines)))
    rows = tuple(position + 1 for position in kept)
    return _Used(where, texts, rows, total + len(blank_lines), tuple(listed))


def _gathered(
    source: Any, settings: DataSettings, roles: Mapping[str, str]
) -> tuple[str, dict[str, list[Any]], Sequence[int]]:
    """Collect the cells of the columns in use, whole."""
    if isinstance(source, str | Path):
        file = TableFile(Path(source), encoding=settings.encoding, delimiter=settings.delimiter)
        where = str(file.path)
        _require_columns(file.names, roles, where)
        gathered: dict[str, list[Any]] = {name: [] for name in roles.values()}
        for block in file.blocks():
            for name, whole in gathered.items():
                whole.extend(block.columns[name])
        return where, gathered, file.blank_lines
    where, columns = columns_of(source, settings)
    _require_columns([name for name, _ in columns], roles, where)
    found = dict(columns)
    if not found[roles["text"]]:
        raise RowsProblem(f"{where} has no rows", cure="give it some")
    return where, {name: found[name] for name in roles.values()}, ()


def _require_columns(names: Sequence[str], roles: Mapping[str, str], where: str) -> None:
    problems = []
    for role, wanted in roles.items():
        try:
            require_column(names, wanted, role=role, where=where)
        except ColumnProblem as problem:
            problems.append(problem)
    if len(problems) > 1:
        raise ColumnProblem(
            "; ".join(problem.what for problem in problems),
            where=where,
            cure="\n            ".join(problem.cure or "" for problem in problems),
        )
    if problems:
        raise problems[0]


def _refuse_nested(columns: Mapping[str, list[Any]], roles: Mapping[str, str], where: str) -> None:
    for role, name in roles.items():
        rows = [row for row, cell in enumerate(columns[name], 1) if isinstance(cell, Mapping | list | tuple)]
        if rows:
            raise RowsProblem(
                f"the column {name!r} ({role}) holds lists or objects, not text",
                where=f"{where}, rows {some(rows)}",
                found=(as_text(columns[name][rows[0] - 1]) or "")[:80],
                expected="one text per cell",
                cure="write one value per cell",
            )


def _rows_by(values: Sequence[str], rows: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for value, row in zip(values, rows, strict=True):
        found.setdefault(value, []).append(row)
    return found
