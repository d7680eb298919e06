"""Takes labels from one place and texts from another and gives the rows that have both, and the count of the others.

Nothing is lost in silence: each row of labels without a text is left out by name. Does not know what labels mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from classifine.data.rows.accounting import FileRead, SetAside, by_reason
from classifine.data.rows.gathering import ON, SLICE_BY, Gathered, gather
from classifine.errors import ColumnProblem, RowsProblem, count, some
from classifine.settings import DataSettings

NO_TEXT = "no text for this id"
LOUD = 0.01

_SHOWN = 10
_FROM_EITHER = ("group", "time", "split", "text-pair")


@dataclass(frozen=True)
class Join:
    """How many rows of labels found a text, and how many texts found a label.

    Attributes
    ----------
    on
        The column by which they were joined.
    labels, texts
        Where the labels and the texts come from.
    labels_in, labels_kept
        Rows of labels that were joined, and those of them that have a text.
    lost_ids
        The first ids that have labels and no text, each once.
    texts_in, texts_used
        Rows of texts, and those of them that have a label.
    unused_ids
        The first ids that have a text and no label.
    alike
        Of the lost ids, how many would have a text if case, white space around them, leading zeros and a ``.0`` at
        the end did not count.
    alike_ids
        The first such pair: the id beside the labels, and that beside the texts.
    detected
        What was settled about the files of texts.
    rejected
        Rows of texts in quarantine.
    """

    on: str
    labels: str
    texts: str
    labels_in: int
    labels_kept: int
    lost_ids: tuple[str, ...]
    texts_in: int
    texts_used: int
    unused_ids: tuple[str, ...]
    alike: int = 0
    alike_ids: tuple[str, str] | None = None
    detected: tuple[FileRead, ...] = ()
    rejected: tuple[SetAside, ...] = ()

    @property
    def loud(self) -> bool:
        """Whether more than one row of labels in a hundred was lost."""
        return self.labels_in - self.labels_kept > LOUD * self.labels_in

    def told(self) -> str:
        """Say it in a sentence or two."""
        lost, unused = self.labels_in - self.labels_kept, self.texts_in - self.texts_used
        said = f"{self.labels_kept:,} of {count(self.labels_in, 'row')} of labels found a text by {self.on!r}"
        if lost:
            said += f"; {lost:,} ({lost / self.labels_in:.1%}) found none and are left out"
            said += f" (first ids: {some([repr(name) for name in self.lost_ids], limit=3)})"
        said += f"; {unused:,} of {count(self.texts_in, 'text')} have no label" if unused else ""
        return f"{said}. {self.alike_told()}" if self.alike_ids else said

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "on": self.on,
            "labels": self.labels,
            "texts": self.texts,
            "labels_in": self.labels_in,
            "labels_kept": self.labels_kept,
            "labels_lost": self.labels_in - self.labels_kept,
            "lost_ids": list(self.lost_ids),
            "texts_in": self.texts_in,
            "texts_used": self.texts_used,
            "texts_unused": self.texts_in - self.texts_used,
            "unused_ids": list(self.unused_ids),
            "alike": self.alike,
            "alike_ids": list(self.alike_ids) if self.alike_ids else None,
            "detected": [file.to_dict() for file in self.detected],
            "rejected": [part.to_dict() for part in by_reason((row.reason, row.row) for row in self.rejected)],
            "loud": self.loud,
            "told": self.told(),
        }

    def alike_told(self) -> str:
        """Say how many lost ids are nearly ids of texts; nothing where none is."""
        if self.alike_ids is None:
            return ""
        one, other = self.alike_ids
        return (
            f"{count(self.alike, 'lost id differs', 'lost ids differ')} from one of a text only in case, white space, "
            f"leading zeros or a .0 at the end, as {one!r} and {other!r}: write them alike"
        )


def join_texts(
    labels: Any, texts: Any, settings: DataSettings, roles: Mapping[str, str], on: str
) -> tuple[Gathered, Join]:
    """Join labels and texts by a column that both have; each row of labels takes the text of its id.

    Group, time and split may stand on either side; where both have them, the side of the labels counts.

    Parameters
    ----------
    labels, texts
        Sources as :func:`gather` knows them.
    settings
        Encoding, delimiter and what becomes of bad rows, of both.
    roles
        The column that plays each role.
    on
        The column by which they are joined.

    Raises
    ------
    ColumnProblem
        A column is absent from where it should stand.
    RowsProblem
        An id has two texts, or no row of labels has a text.
    """
    beside_labels = {role: name for role, name in roles.items() if role != "text"}
    either = (*_FROM_EITHER, *(role for role in roles if role.startswith(SLICE_BY)))
    left = gather(labels, settings, {**beside_labels, ON: on}, either=either)
    missing = {role: name for role, name in roles.items() if role not in left.names and role != "text"}
    right = gather(texts, settings, {"text": roles["text"], ON: on, **missing}, either=tuple(missing))
    nowhere = [name for role, name in missing.items() if role not in right.names]
    if nowhere:
        raise ColumnProblem(
            f"there is no column {some([repr(name) for name in nowhere])}",
            where=f"{left.where}, and {right.where}",
            cure="check its name, or leave it out",
        )
    places = _places(right, on)
    found = [places.get(name) for name in left.cells[ON]]
    lost = {position: NO_TEXT for position, place in enumerate(found) if place is None}
    taken = [place for place in found if place is not None]
    told = _join(left, right, list(lost), set(taken), on)
    if not taken:
        raise _nothing(told, left, right)
    kept = left.leave_out(lost)
    cells = {role: cells for role, cells in kept.cells.items() if role != ON}
    cells |= {role: [right.cells[role][place] for place in taken] for role in right.cells if role != ON}
    names = {role: roles.get(role, name) for role, name in {**right.names, **left.names}.items() if role != ON}
    repairs = left.repairs + right.repairs
    return replace(kept, names=names, cells=cells, repairs=repairs), told


def _places(right: Gathered, on: str) -> dict[str, int]:
    """Find the place of each id among the texts; blank ids belong to nobody."""
    ids = right.cells[ON]
    places: dict[str, int] = {}
    again: dict[str, list[int]] = {}
    for place, name in enumerate(ids):
        if places.setdefault(name, place) != place and name and not name.isspace():
            again.setdefault(name, [right.rows[places[name]]]).append(right.rows[place])
    if again:
        raise RowsProblem(
            f"{count(len(again), 'id stands', 'ids stand')} beside more than one text",
            where=f"{right.where}, column {on!r}",
            found=some([f"{name!r} in rows {right.places(rows)}" for name, rows in again.items()]),
            expected="one text per id",
            cure="delete the rows that are too many, or join by another column with --id",
        )
    return {name: place for name, place in places.items() if name and not name.isspace()}


def _join(left: Gathered, right: Gathered, lost: Sequence[int], used: set[int], on: str) -> Join:
    ids = list(dict.fromkeys(left.cells[ON][position] for position in lost))
    unused = [name for place, name in enumerate(right.cells[ON]) if place not in used]
    near = {_plain(name): name for name in reversed(right.cells[ON])}
    alike = [(name, near[_plain(name)]) for name in ids if _plain(name) and _plain(name) in near]
    return Join(
        on=on,
        labels=left.where,
        texts=right.where,
        labels_in=len(left.rows),
        labels_kept=len(left.rows) - len(lost),
        lost_ids=tuple(ids[:_SHOWN]),
        texts_in=len(right.rows),
        texts_used=len(used),
        unused_ids=tuple(unused[:_SHOWN]),
        alike=len(alike),
        alike_ids=alike[0] if alike else None,
        detected=right.files,
        rejected=right.rejected,
    )


def _plain(name: str) -> str:
    return name.strip().casefold().removesuffix(".0").lstrip("0")


def _nothing(told: Join, left: Gathered, right: Gathered) -> RowsProblem:
    return RowsProblem(
        f"no row of labels has a text: no id of {told.on!r} stands on both sides",
        where=f"{left.where}, and {right.where}",
        found=f"{some([repr(name) for name in told.lost_ids], limit=3)} beside the labels, "
        f"{some([repr(name) for name in told.unused_ids], limit=3)} beside the texts",
        cure=told.alike_told() or "join by another column with --id",
    )
