"""Takes a reviewed file of labels and labelled texts and gives the texts with the labels a person corrected.

Every correction is applied or refused; each is told. Does not know why a label was reviewed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine.data.files.cells import as_text, is_blank
from classifine.data.files.table_file import TableFile
from classifine.errors import ColumnProblem, LabelsProblem, RowsProblem, count, some, unknown_name
from classifine.labels import several_labels
from classifine.tables import LabelledTexts

CORRECT = "correct_label"
NO_LABEL = "(none)"  # what a person writes where a text has none of the several labels


@dataclass(frozen=True)
class Correction:
    """What a person says the label of a text is, and the text as that person saw it, if the file tells."""

    id: str
    label: str
    row: int
    text: str | None = None


@dataclass(frozen=True)
class Corrected:
    """What became of the corrections of a file.

    Attributes
    ----------
    file
        Where they stood.
    changes
        Id, part, old and new label of each label that was changed.
    confirmed
        Ids whose label was found right: the correction says what was there.
    """

    file: str
    changes: tuple[tuple[str, str, str, str], ...]
    confirmed: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say it in a sentence."""
        parts = Counter(part for _, part, _, _ in self.changes)
        where = ", ".join(f"{number:,} {part}" for part, number in parts.items())
        told = f"{count(len(self.changes), 'label was', 'labels were')} corrected by {self.file}"
        told += f" ({where})" if where else ""
        if self.confirmed:
            told += f"; {count(len(self.confirmed), 'label was', 'labels were')} confirmed"
        return told

    @property
    def caution(self) -> str | None:
        """Say what corrected test labels do to the scores; nothing where there are none."""
        if not any(part == "test" for _, part, _, _ in self.changes):
            return None
        return (
            "test labels were corrected; where only those were looked at that a classifier doubted, its scores become "
            "too good: have a random sample of the test texts reviewed, too"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "file": self.file,
            "sentence": self.sentence,
            "changed": len(self.changes),
            "confirmed": len(self.confirmed),
            "parts": dict(Counter(part for _, part, _, _ in self.changes)),
            "changes": [dict(zip(("id", "part", "from", "to"), change, strict=True)) for change in self.changes],
        }


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Read a reviewed file: the columns ``id`` and ``correct_label``, and ``text``, by which ids are checked.

    Rows with a blank ``correct_label`` were not reviewed and are passed over.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read.
    ColumnProblem
        One of the two columns is absent.
    RowsProblem
        A row has no id, or an id has two labels.
    """
    file = TableFile(path)
    for column in ("id", CORRECT):
        if file.names.count(column) != 1:
            raise ColumnProblem(
                f"the corrections need one column {column!r}",
                where=str(path),
                expected="the file of `classifine label-errors RUN`, with the right labels filled in",
                cure=unknown_name(column, file.names, noun="columns"),
            )
    found: dict[str, Correction] = {}
    nameless: list[int] = []
    clashes: list[str] = []
    row = 0
    for block in file.blocks():
        texts = block.columns.get("text") or [None] * len(block.columns["id"])
        for name, label, text in zip(block.columns["id"], block.columns[CORRECT], texts, strict=True):
            row += 1
            if is_blank(label):
                continue
            if is_blank(name):
                nameless.append(row)
                continue
            one = Correction(str(as_text(name)), str(as_text(label)).strip(), row, None if text is None else str(text))
            before = found.setdefault(one.id, one)
            if before.label != one.label:
                clashes.append(f"{one.id!r}: {before.label!r} in row {before.row} and {one.label!r} in row {row}")
    if nameless:
        raise RowsProblem(
            f"{count(len(nameless), 'correction has', 'corrections have')} no id",
            where=f"{path}, rows {some(nameless)}",
            cure="bring back the ids from the file as it was written",
        )
    if clashes:
        raise RowsProblem(
            f"{count(len(clashes), 'text is', 'texts are')} corrected in two ways",
            where=str(path),
            found=some(clashes),
            cure="keep one of the rows",
        )
    return tuple(found.values())


def correct(
    tables: Mapping[str, LabelledTexts],
    corrections: Sequence[Correction],
    *,
    file: str,
    separator: str | None = None,
) -> tuple[dict[str, LabelledTexts], Corrected]:
    """Give labelled texts their corrected labels; shares of judgements make way for the label.

    Parameters
    ----------
    tables
        The texts by part; an id stands in one of them.
    corrections
        What a person said.
    file
        Where they stood, for people.
    separator
        What stands between the labels of a text that may have several.

    Raises
    ------
    RowsProblem
        A correction is about a text that is not there, or about another text than the one under its id.
    LabelsProblem
        It names a label that no text has.
    """
    places = {name: (part, row) for part, table in tables.items() for row, name in enumerate(table.ids)}
    known = {
        label for table in tables.values() for cell in set(table.labels) for label in several_labels(cell, separator)
    }
    _refuse(tables, corrections, places, known, file=file, separator=separator)
    labels = {part: list(table.labels) for part, table in tables.items()}
    soft = {part: None if table.soft is None else list(table.soft) for part, table in tables.items()}
    changes, confirmed = [], []
    for one in corrections:
        part, row = places[one.id]
        new = "" if one.label == NO_LABEL and separator is not None else one.label
        old = labels[part][row]
        if set(several_labels(old, separator)) == set(several_labels(new, separator)):
            confirmed.append(one.id)
        else:
            labels[part][row] = new
            changes.append((one.id, part, old, new))
        shares = soft[part]
        if shares is not None:
            shares[row] = dict.fromkeys(several_labels(new, separator), 1.0)
    fixed = {
        part: replace(table, labels=tuple(labels[part]), soft=None if (s := soft[part]) is None else tuple(s))
        for part, table in tables.items()
    }
    return fixed, Corrected(file, tuple(changes), tuple(confirmed))


def provisional(table: LabelledTexts, corrections: Sequence[Correction]) -> LabelledTexts:
    """Give the texts with the corrections that name them, unchecked: for a look at labels before texts are divided."""
    label_of = {one.id: "" if one.label == NO_LABEL else one.label for one in corrections}
    if label_of.keys().isdisjoint(table.ids):
        return table
    labels = tuple(label_of.get(name, label) for name, label in zip(table.ids, table.labels, strict=True))
    return replace(table, labels=labels)


def _refuse(
    tables: Mapping[str, LabelledTexts],
    corrections: Sequence[Correction],
    places: Mapping[str, tuple[str, int]],
    known: set[str],
    *,
    file: str,
    separator: str | None,
) -> None:
    """Refuse corrections that fit these texts or labels not; all of a kind are named at once."""
    absent = [f"{one.id!r} (row {one.row})" for one in corrections if one.id not in places]
    if absent:
        raise RowsProblem(
            f"{count(len(absent), 'correction is', 'corrections are')} about texts that are not in the data",
            where=file,
            found=some(absent),
            cure="check that the corrections belong to this data, with the same --id",
        )
    other = []
    for one in corrections:
        part, row = places[one.id]
        if one.text is not None and _plain(one.text) != _plain(tables[part].texts[row]):
            other.append(f"{one.id!r} (row {one.row})")
    if other:
        raise RowsProblem(
            f"{count(len(other), 'correction is', 'corrections are')} about another text than the one that has its id "
            "now",
            where=file,
            found=some(other),
            expected="the texts that were reviewed, under their ids",
            cure="without --id, rows are named by their numbers: were rows added or sorted? Give them ids, or take the "
            "file that was reviewed",
        )
    strange: dict[str, int] = {}
    for one in corrections:
        names = () if one.label == NO_LABEL and separator is not None else several_labels(one.label, separator)
        strange |= {name: one.row for name in names if name not in known}
    if strange:
        first = next(iter(strange))
        raise LabelsProblem(
            f"{count(len(strange), 'corrected label is', 'corrected labels are')} not among the labels of the data",
            where=file,
            found=some([f"{name!r} (row {row})" for name, row in strange.items()]),
            cure=unknown_name(first, sorted(known), noun="labels"),
        )


def _plain(text: str) -> str:
    """Write a text as spreadsheets leave it: they change white space and line ends."""
    return " ".join(text.split())
