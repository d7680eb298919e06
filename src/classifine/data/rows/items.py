"""Takes gathered cells and gives the columns of labelled texts or judgements, once they are sound.

Blank cells, ids that name two rows, items that contradict themselves and words for splits are settled here.
Does not know files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from classifine.data.files.cells import is_blank
from classifine.data.rows.accounting import LeftOut, by_reason
from classifine.data.rows.gathering import ANNOTATOR_COLUMN, SLICE_BY, SPLIT, Gathered
from classifine.errors import RowsProblem, count, some
from classifine.settings import DataSettings

NO_JUDGEMENT = "no judgement"
DOUBLED = "duplicate id"
TOO_MANY_BLANK = 0.05

_NEEDED = ("text", "text-pair", "label", "id", "annotator")
_OF_ITEMS = ("group", "time", SPLIT)
_PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development", "eval", "evaluation"),
    "test": ("test", "testing"),
}
_PART_OF = {word: part for part, words in _PARTS.items() for word in words}


def without_blanks(found: Gathered, settings: DataSettings) -> Gathered:
    """Leave out the rows in which a needed cell is blank; in quarantine they are set aside.

    Where the settings say so, a text with a blank label has none, and stays.

    Raises
    ------
    RowsProblem
        Five rows in a hundred are blank, or no row is left.
    """
    reasons: dict[int, str] = {}
    for role in _NEEDED if settings.blank_labels == "missing" else [role for role in _NEEDED if role != "label"]:
        for position in _blank(found.cells.get(role, ())):
            reasons.setdefault(position, f"blank {role}")
    quarantine = settings.on_bad_row == "quarantine"
    total = len(found.rows)
    if reasons and (len(reasons) == total or (len(reasons) / total >= TOO_MANY_BLANK and not quarantine)):
        listed = by_reason((reasons[p], found.rows[p]) for p in sorted(reasons))
        _refuse_blanks(found, listed, len(reasons), several=settings.multi_label)
    left = found.set_aside(reasons) if quarantine else found.leave_out(reasons)
    return _without_judgement(left)


def one_row_per_id(found: Gathered, settings: DataSettings) -> Gathered:
    """Check that an id names one row only; in quarantine, all but its first row are set aside.

    Raises
    ------
    RowsProblem
        An id names two rows.
    """
    ids = found.cells["id"]
    if len(set(ids)) == len(ids):
        return found
    rows: dict[str, list[int]] = {}
    again: dict[int, str] = {}
    for position, (name, row) in enumerate(zip(ids, found.rows, strict=True)):
        named = rows.setdefault(name, [])
        named.append(row)
        if len(named) > 1:
            again[position] = DOUBLED
    if settings.on_bad_row == "quarantine":
        return found.set_aside(again)
    shared = [f"{name!r} in rows {found.places(named)}" for name, named in rows.items() if len(named) > 1]
    wide = bool(_annotator_columns(found))
    raise RowsProblem(
        f"{count(len(shared), 'id names', 'ids name')} more than one row",
        where=f"{found.where}, column {found.names['id']!r}",
        found=some(shared),
        expected="one row per id",
        cure="name another column with --id"
        if wide
        else "name another column with --id, or, if each row is one judgement, add --annotator COLUMN",
    )


def one_text_per_id(found: Gathered) -> None:
    """Check that all rows of an item have one text, and one group, time and split where these are given.

    Raises
    ------
    RowsProblem
        They have not.
    """
    ids = found.cells["id"]
    items = len(set(ids))
    for role in ("text", *_OF_ITEMS, *(role for role in found.cells if role.startswith(SLICE_BY))):
        if role in found.cells and len(set(zip(ids, found.cells[role], strict=True))) > items:
            _refuse_clashes(found, role)


def parts_of(found: Gathered) -> Gathered:
    """Read the words for the splits, and say which of them were read as another.

    Raises
    ------
    RowsProblem
        A cell says something else than train, validation or test.
    """
    if SPLIT not in found.cells:
        return found
    cells = found.cells[SPLIT]
    counts = Counter(cells)
    known = {word: part for word in counts if (part := _PART_OF.get(word.strip().casefold())) is not None}
    strange = [word for word in counts if word not in known]
    if strange:
        first = {word: cells.index(word) for word in strange}
        listed = [
            f"{word!r} in {count(counts[word], 'row')}, first {found.places([found.rows[first[word]]])}"
            for word in sorted(strange, key=first.__getitem__)
        ]
        raise RowsProblem(
            f"{found.names[SPLIT]!r} says something else than train, validation or test",
            where=found.where,
            found=some(listed),
            expected="; ".join(f"{part} (or {', '.join(words[1:])})" for part, words in _PARTS.items()),
            cure="correct those cells, delete those rows, or leave --split out",
        )
    repairs = tuple(
        f"{word!r} in {found.names[SPLIT]!r} is read as {part} ({count(counts[word], 'row')})"
        for word, part in known.items()
        if word != part
    )
    told = {**found.cells, SPLIT: list(map(known.__getitem__, cells))}
    return replace(found, cells=told, repairs=found.repairs + repairs)


def one_row_per_judgement(found: Gathered) -> tuple[Gathered, int]:
    """Turn one column per annotator into one row per judgement, and count the cells without one."""
    columns = _annotator_columns(found)
    names = list(columns.values())
    # Cell by cell along the rows: the position of a cell tells its row and its annotator.
    flat = list(chain.from_iterable(zip(*(found.cells[role] for role in columns), strict=True)))
    judged = [position for position, label in enumerate(flat) if not is_blank(label)]
    rows = [position // len(names) for position in judged]
    cells: dict[str, Sequence[str]] = {
        role: [column[row] for row in rows] for role, column in found.cells.items() if role not in columns
    }
    cells["annotator"] = [names[position % len(names)] for position in judged]
    cells["label"] = [flat[position] for position in judged]
    none = set(names) - set(cells["annotator"])
    repairs = tuple(
        f"the column {name!r} holds no judgement; if it holds formulas, save the file in Excel once, so that it holds "
        "their values, too"
        for name in names
        if name in none
    )
    there = replace(found, cells=cells, rows=[found.rows[row] for row in rows], repairs=found.repairs + repairs)
    return there, len(flat) - len(judged)


def _without_judgement(found: Gathered) -> Gathered:
    columns = _annotator_columns(found)
    if not columns:
        return found
    none = set(range(len(found.rows)))
    for role in columns:
        none &= set(_blank(found.cells[role]))
    if len(none) == len(found.rows):
        raise RowsProblem(
            "no row has a judgement",
            where=found.where,
            found=f"blank cells only in {some([repr(name) for name in columns.values()])}",
            cure="name the columns that hold the annotators' labels with --annotator-columns",
        )
    return found.leave_out(dict.fromkeys(none, NO_JUDGEMENT))


def _annotator_columns(found: Gathered) -> dict[str, str]:
    return {role: name for role, name in found.names.items() if role.startswith(ANNOTATOR_COLUMN)}


def _blank(cells: Sequence[str]) -> list[int]:
    if "" not in cells and not any(map(str.isspace, cells)):
        return []
    return [position for position, cell in enumerate(cells) if is_blank(cell)]


def _refuse_blanks(found: Gathered, listed: Sequence[LeftOut], blank: int, *, several: bool) -> None:
    none = "; if a blank label says that a text has none of the labels: --blank-labels none" if several else ""
    names = {f"blank {role}": name for role, name in found.names.items()}
    raise RowsProblem(
        f"{blank:,} of {count(len(found.rows), 'row')} {'is' if blank == 1 else 'are'} blank where a value is needed",
        where=found.where,
        found="; ".join(
            f"{part.reason} (column {names[part.reason]!r}) in {count(len(part.rows), 'row')}: "
            f"{found.places(part.rows)}"
            for part in listed
        ),
        cure=f"fill or delete those rows; fewer than {TOO_MANY_BLANK:.0%} would be left out and listed{none}",
    )


def _refuse_clashes(found: Gathered, role: str) -> None:
    first: dict[str, tuple[str, int]] = {}
    clashes: dict[str, tuple[int, int]] = {}
    for name, cell, row in zip(found.cells["id"], found.cells[role], found.rows, strict=True):
        other, other_row = first.setdefault(name, (cell, row))
        if other != cell:
            clashes.setdefault(name, (other_row, row))
    noun = {"text": "texts", "group": "groups", "time": "times", SPLIT: "splits"}.get(role, "values")
    option = f"--slice-by {found.names[role]}" if role.startswith(SLICE_BY) else f"--{role}"
    cures = {
        "text": "make the texts of one item equal, or name another column with --id; if a spreadsheet changed the ids "
        "(12345678901 into 1,2E+10), take them from the original file"
    }
    raise RowsProblem(
        f"{count(len(clashes), 'id stands', 'ids stand')} beside different {noun}",
        where=f"{found.where}, columns {found.names['id']!r} and {found.names[role]!r}",
        found=some(
            [
                f"{name!r} in rows {found.places([one])} and {found.places([two])}"
                for name, (one, two) in clashes.items()
            ]
        ),
        expected=f"one {noun[:-1]} per id",
        cure=cures.get(role, f"make the {noun} of one item equal, or leave {option} out"),
    )
