"""Takes files, a frame or plain columns and gives labelled texts or judgements, every row used or listed.

A cell is either what the file says or an error that says where; labels and texts are text from the start.
Does not know whether the labels can be learnt.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from classifine.data.rows.accounting import BLANK_LINE, FileRead, LeftOut, SetAside, by_reason, write_rejected
from classifine.data.rows.gathering import ANNOTATOR_COLUMN, SLICE_BY, SPLIT, Gathered, gather
from classifine.data.rows.items import one_row_per_id, one_row_per_judgement, one_text_per_id, parts_of, without_blanks
from classifine.data.rows.joining import Join, join_texts
from classifine.errors import ColumnProblem, RowsProblem, UsageError, count, some
from classifine.pairs import MARK, joined
from classifine.settings import DataSettings
from classifine.tables import Judgements, LabelledTexts

__all__ = [
    "BLANK_LINE",
    "FileRead",
    "Join",
    "LeftOut",
    "Reading",
    "SetAside",
    "read_judgements",
    "read_labelled",
    "write_rejected",
]

Table = TypeVar("Table", LabelledTexts, Judgements)


@dataclass(frozen=True)
class Reading(Generic[Table]):
    """What was read: the rows in use, how many came in, and what became of the others.

    ``rows_in`` is always ``rows_used`` and the rows left out and the rows rejected together.

    Attributes
    ----------
    table
        The rows in use.
    rows_in
        All rows that came in, blank lines included.
    left_out
        Which rows were left out, by reason.
    rejected
        Rows in quarantine.
    detected
        What was settled about each file: encoding, delimiter and what they were settled by.
    repairs
        What was read otherwise than it stands, a sentence each.
    not_judged
        Of a table with one column per annotator: the cells without a judgement, in the rows in use.
    join
        How many rows found a text in the file of texts, where there is one.
    """

    table: Table
    rows_in: int
    left_out: tuple[LeftOut, ...]
    rejected: tuple[SetAside, ...] = ()
    detected: tuple[FileRead, ...] = ()
    repairs: tuple[str, ...] = ()
    not_judged: int = 0
    join: Join | None = None

    @property
    def rows_used(self) -> int:
        """The rows that are in use; one that holds the judgements of several annotators counts once."""
        return len(set(self.table.rows)) if isinstance(self.table, Judgements) else len(self.table)

    @property
    def quarantine(self) -> tuple[SetAside, ...]:
        """The rejected rows of the labels, and those of the texts that stand elsewhere."""
        return self.rejected + (self.join.rejected if self.join else ())

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; what did not occur is left out."""
        rejected = by_reason((row.reason, row.row) for row in self.rejected)
        further = {
            "rejected": [part.to_dict() for part in rejected],
            "detected": [file.to_dict() for file in self.detected],
            "repairs": list(self.repairs),
            "not_judged": self.not_judged,
            "join": self.join.to_dict() if self.join else None,
        }
        return {
            "rows_in": self.rows_in,
            "rows_used": self.rows_used,
            "left_out": [left_out.to_dict() for left_out in self.left_out],
            **{name: value for name, value in further.items() if value},
        }


def read_labelled(
    source: Any, settings: DataSettings, *, texts: Any = None, on: str | None = None
) -> Reading[LabelledTexts]:
    """Read one labelled text per row.

    Parameters
    ----------
    source
        A path or several, ``hf://datasets/OWNER/NAME``, a pandas or Polars frame, an Arrow table, a Dataset or
        DatasetDict of Hugging Face's, a mapping of columns, a list of mappings, or the pair (texts, labels).
    settings
        Which columns are what; without ``id``, a row is named by its number.
    texts
        Where the texts stand if not beside the labels; any of the sources above.
    on
        The column by which labels and texts are joined, in both; without one, that of the ids.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read; where is said.
    ColumnProblem
        A column is absent or doubled, or files differ in their columns.
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
    roles = {"text": settings.text, "label": settings.label, **_further_roles(settings, on)}
    found, join = _gathered(source, settings, roles, texts, on)
    if "id" in found.cells:
        found = one_row_per_id(found, settings)
    found = parts_of(found)
    table = LabelledTexts(
        ids=_ids(found),
        texts=tuple(found.cells["text"]),
        labels=tuple(found.cells["label"]),
        rows=tuple(found.rows),
        **_of_items(found),
    )
    return Reading(table, **_account(found), join=join)


def read_judgements(
    source: Any, settings: DataSettings, *, texts: Any = None, on: str | None = None
) -> Reading[Judgements]:
    """Read one annotator's label for one text per row, or one item per row with a column per annotator.

    Parameters
    ----------
    source, texts, on
        As in :func:`read_labelled`, except for a pair.
    settings
        Which columns are what; either ``id`` and ``annotator`` are among them, or ``annotator_columns``. In columns,
        a blank cell means that the annotator did not judge the item.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read; where is said.
    ColumnProblem
        A column is absent, doubled or not named, or files differ in their columns.
    RowsProblem
        Five rows in a hundred are blank, no row is left, an id stands beside two texts, groups, times or splits, or
        a cell holds a list.
    """
    wide = bool(settings.annotator_columns)
    roles = _judgement_roles(settings, on)
    found, join = _gathered(source, settings, roles, texts, on, differing=("text", "id") if wide else ())
    if not wide:
        one_text_per_id(found)
    elif "id" in found.cells:
        found = one_row_per_id(found, settings)
    found = parts_of(found)
    account = _account(found)
    if wide:
        found, account["not_judged"] = one_row_per_judgement(found)
        account["repairs"] = found.repairs
    table = Judgements(
        ids=_ids(found),
        texts=tuple(found.cells["text"]),
        annotators=tuple(found.cells["annotator"]),
        labels=tuple(found.cells["label"]),
        rows=tuple(found.rows),
        **_of_items(found),
    )
    return Reading(table, **account, join=join)


def _further_roles(settings: DataSettings, on: str | None) -> dict[str, str]:
    """Name the columns beside text and label; rows that are joined are named by what they are joined by."""
    named = {
        "text-pair": settings.text_pair,
        "id": settings.id or on,
        "group": settings.group,
        "time": settings.time,
        SPLIT: settings.split,
    }
    return {
        **{role: name for role, name in named.items() if name is not None},
        **{SLICE_BY + name: name for name in settings.slice_by},
    }


def _judgement_roles(settings: DataSettings, on: str | None) -> dict[str, str]:
    further = _further_roles(settings, on)
    if settings.annotator is not None and settings.annotator_columns:
        raise ColumnProblem(
            "the annotators stand either in one column or have a column each, not both",
            found=f"annotator: {settings.annotator!r}; annotator_columns: "
            f"{', '.join(map(repr, settings.annotator_columns))}",
            cure="keep --annotator where each row is one judgement, --annotator-columns where each row is one item",
        )
    if settings.annotator_columns:
        return {"text": settings.text, **further, **{ANNOTATOR_COLUMN + c: c for c in settings.annotator_columns}}
    if settings.annotator is None:
        raise ColumnProblem(
            "judgements need the column of the annotators",
            cure="name it: --annotator COLUMN; or, where each annotator has a column, each: --annotator-columns COLUMN",
        )
    if "id" not in further:
        raise ColumnProblem(
            "judgements need a column that says which of them are of the same item",
            cure=f"name it: --id COLUMN; where equal texts are the same item, --id {settings.text}",
        )
    return {"text": settings.text, "label": settings.label, **further, "annotator": settings.annotator}


def _gathered(
    source: Any,
    settings: DataSettings,
    roles: dict[str, str],
    texts: Any,
    on: str | None,
    differing: Collection[str] = ("text", "id"),
) -> tuple[Gathered, Join | None]:
    """Collect the columns in use, joined where texts stand elsewhere, without the rows that lack something."""
    _refuse_shared(roles, settings)
    if texts is None:
        if on is not None:
            raise UsageError("a column to join by needs texts to join", cure="name their file: --texts FILE")
        return _paired(without_blanks(gather(source, settings, roles, differing=differing), settings)), None
    key = on or settings.id
    if key is None:
        raise ColumnProblem("labels and texts need a column by which they are joined", cure="name it: --id COLUMN")
    found, join = join_texts(source, texts, settings, roles, key)
    return _paired(without_blanks(found, settings)), join


def _paired(found: Gathered) -> Gathered:
    """Put each row's two texts together, where there are two: from here on, the pair is the text."""
    if "text-pair" not in found.cells:
        return found
    both = list(zip(found.cells["text"], found.cells["text-pair"], strict=True))
    marked = [row for row, (one, two) in zip(found.rows, both, strict=True) if MARK in one or MARK in two]
    if marked:
        raise RowsProblem(
            f"{count(len(marked), 'row')} hold the sign {MARK}, which stands between the two texts of a pair",
            where=f"{found.where}, rows {some(marked)}",
            cure="replace it by another one",
        )
    cells = {role: column for role, column in found.cells.items() if role != "text-pair"}
    return replace(found, cells=cells | {"text": [joined(one, two) for one, two in both]})


def _refuse_shared(roles: dict[str, str], settings: DataSettings) -> None:
    """Refuse a column that is named for two things; text and id may be one, groups and slices may be anything."""
    apart = {role: name for role, name in roles.items() if role not in ("id", "group")}
    apart = {role: name for role, name in apart.items() if not role.startswith(SLICE_BY)}
    apart |= {role: name for role, name in roles.items() if role == "id" and name != settings.text}
    if len(set(apart.values())) < len(apart) or len(set(settings.annotator_columns)) < len(settings.annotator_columns):
        raise ColumnProblem(
            "one column cannot be two things",
            found=", ".join(f"{role}: {column!r}" for role, column in roles.items()),
            cure="name different columns for text, label, annotator, time and split",
        )


def _ids(found: Gathered) -> tuple[str, ...]:
    return tuple(found.cells["id"]) if "id" in found.cells else tuple(map(str, found.rows))


def _of_items(found: Gathered) -> dict[str, Any]:
    named = {"groups": "group", "times": "time", "parts": SPLIT}
    columns: dict[str, Any] = {name: tuple(found.cells[role]) for name, role in named.items() if role in found.cells}
    further = {role.removeprefix(SLICE_BY): cells for role, cells in found.cells.items() if role.startswith(SLICE_BY)}
    if further:
        columns["further"] = tuple(dict(zip(further, row, strict=True)) for row in zip(*further.values(), strict=True))
    return columns


def _account(found: Gathered) -> dict[str, Any]:
    return {
        "rows_in": found.rows_in,
        "left_out": found.left_out + found.blank_lines,
        "rejected": found.rejected,
        "detected": found.files,
        "repairs": found.repairs,
    }
