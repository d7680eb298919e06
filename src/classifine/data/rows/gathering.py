"""Takes files, a data set of a hub or a table in memory and gives the columns in use, each cell as text.

Each row keeps its number, and whatever does not go on is in the account. Does not know what the columns mean.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from types import NoneType
from typing import Any

from classifine.data.files.cells import as_json, as_text, is_blank, not_unicode
from classifine.data.files.table_file import TableFile, require_column
from classifine.data.rows.accounting import BLANK_LINE, FileRead, LeftOut, SetAside, by_reason
from classifine.data.rows.memory import in_memory
from classifine.data.rows.remote import Fetched, address_of, fetch
from classifine.errors import ColumnProblem, RowsProblem, UsageError, some, unknown_name
from classifine.settings import DataSettings

SPLIT = "split"
ON = "on"
ANNOTATOR_COLUMN = "annotator column: "
SLICE_BY = "slice by: "

_BLOCK = 65_536
_SHOWN = 5


@dataclass(frozen=True)
class Gathered:
    """The columns in use.

    Attributes
    ----------
    where
        What the source is called in messages.
    names
        The column that plays each role.
    cells
        The cells of each role, as text; an empty cell is the empty text.
    rows
        The number of each row.
    files
        The files that were read, in order; none for a table in memory.
    left_out, rejected
        Rows that came in and do not go on.
    blank_lines
        Lines between rows that hold nothing.
    repairs
        What was read otherwise than it stands, a sentence each.
    """

    where: str
    names: Mapping[str, str]
    cells: Mapping[str, Sequence[str]]
    rows: Sequence[int]
    files: tuple[FileRead, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    rejected: tuple[SetAside, ...] = ()
    blank_lines: tuple[LeftOut, ...] = ()
    repairs: tuple[str, ...] = ()

    @property
    def rows_in(self) -> int:
        """All rows that came in, blank lines included."""
        listed = sum(len(part.rows) for part in (*self.left_out, *self.blank_lines))
        return len(self.rows) + len(self.rejected) + listed

    def places(self, rows: Sequence[int]) -> str:
        """List the first rows, with their files where there are several.

        Examples
        --------
        >>> Gathered("a.csv", {}, {}, ()).places([3, 8])
        '3, 8'
        """
        if len(self.files) < 2:
            return some(rows)
        shown = [self._place(row) for row in rows[:_SHOWN]]
        return ", ".join(shown) + (f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else "")

    def leave_out(self, reasons: Mapping[int, str]) -> Gathered:
        """Leave out the rows at these positions, for these reasons."""
        listed = by_reason((reasons[position], self.rows[position]) for position in sorted(reasons))
        return replace(self._without(reasons), left_out=self.left_out + listed)

    def set_aside(self, reasons: Mapping[int, str]) -> Gathered:
        """Put the rows at these positions into quarantine, for these reasons."""
        aside = []
        for position in sorted(reasons):
            file, own = self.file_of(self.rows[position])
            content = as_json({name: self.cells[role][position] for role, name in self.names.items()})
            aside.append(SetAside(file, self.rows[position], own, None, reasons[position], content))
        return replace(self._without(reasons), rejected=self.rejected + tuple(aside))

    def file_of(self, row: int) -> tuple[str, int]:
        """Find the file in which a row stands, and its number there."""
        for file in self.files:
            if row <= file.rows:
                return file.file, row
            row -= file.rows
        return self.where, row

    def _without(self, positions: Mapping[int, Any]) -> Gathered:
        if not positions:
            return self
        kept = [True] * len(self.rows)
        for position in positions:
            kept[position] = False
        cells = {role: list(compress(column, kept)) for role, column in self.cells.items()}
        return replace(self, cells=cells, rows=list(compress(self.rows, kept)))

    def _place(self, row: int) -> str:
        file, own = self.file_of(row)
        return f"{own} of {file}"


def gather(
    source: Any,
    settings: DataSettings,
    roles: Mapping[str, str],
    *,
    either: Collection[str] = (),
    differing: Collection[str] = ("text", "id"),
) -> Gathered:
    """Collect the cells of the columns in use, whole.

    Parameters
    ----------
    source
        A path, several paths, ``hf://datasets/…``, or a table in memory as :func:`in_memory` knows them.
    settings
        Encoding, delimiter and what becomes of bad rows.
    roles
        The column that plays each role.
    either
        Roles that are left out where there is no such column.
    differing
        Roles whose cells rarely repeat; the cells of all others are kept once.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it cannot be read; where is said.
    ColumnProblem
        A column is absent or doubled, or files differ in their columns.
    RowsProblem
        A cell holds a list, or there are no rows.
    """
    paths = local_files(source)
    if paths is not None:
        return _of_files(paths, settings, roles, either, differing)
    table = in_memory(source, settings)
    found = _present(table.names, roles, either, table.where)
    cells: dict[str, Sequence[str]] = {}
    pool = _Pool()
    for role, name in found.items():
        column = table.column(name)
        whole: list[str] = []
        for start in range(0, len(column), _BLOCK):
            block = column[start : start + _BLOCK]
            whole += _as_texts(block, range(start + 1, start + len(block) + 1), name, table.where)
        cells[role] = whole if role in differing else pool.same(whole)
    if table.parts is not None and SPLIT not in roles:
        found, cells[SPLIT] = {**found, SPLIT: "the names of the splits"}, list(table.parts)
    rows = range(1, len(cells[next(iter(found))]) + 1)
    if not rows:
        raise RowsProblem(f"{table.where} has no rows", cure="give it some")
    repairs = [repair for name in found.values() if name in table.names and (repair := table.repair(name))]
    return Gathered(table.where, found, cells, rows, repairs=tuple(repairs))


class _Pool(dict[str, str]):
    """Equal texts, each kept once."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text

    def same(self, texts: Sequence[str]) -> list[str]:
        return list(map(self.__getitem__, texts))


def local_files(source: Any) -> list[Path] | None:
    """Give the files that a source names, those of a hub fetched; or none for a table in memory.

    Raises
    ------
    UsageError, FileMissing
        A file is named twice; or a hub's data set cannot be had, as :func:`fetch` says.
    """
    if isinstance(source, Fetched):
        return list(source.paths)
    if isinstance(source, str | Path):
        address = address_of(source)
        return [Path(source)] if address is None else list(fetch(address))
    if isinstance(source, list | tuple) and source and all(isinstance(one, str | Path | Fetched) for one in source):
        paths = [path for one in source for path in local_files(one) or ()]
        twice = [str(path) for path in dict.fromkeys(paths) if paths.count(path) > 1]
        if twice:
            raise UsageError(f"a file is named twice: {some(twice)}", cure="name each file once")
        return paths
    return None


def _of_files(
    paths: Sequence[Path],
    settings: DataSettings,
    roles: Mapping[str, str],
    either: Collection[str],
    differing: Collection[str],
) -> Gathered:
    files = [
        TableFile(
            path,
            encoding=settings.encoding,
            delimiter=settings.delimiter,
            on_bad_row=settings.on_bad_row,
            longest_cell=settings.longest_cell,
        )
        for path in paths
    ]
    found = _present(files[0].names, roles, either, str(files[0].path))
    for file in files[1:]:
        _require_same_columns(files[0], file)
        _present(file.names, roles, either, str(file.path))
    cells: dict[str, list[str]] = {role: [] for role in found}
    rows: list[int] = []
    pool = _Pool()
    read: list[FileRead] = []
    rejected: list[SetAside] = []
    blank_lines = []
    before = 0
    for file in files:
        place, used = str(file.path), len(rows)
        for block in file.blocks(_BLOCK):
            rows += [row + before for row in block.rows] if before else block.rows
            for role, name in found.items():
                texts = block.columns[name] if block.texts else _as_texts(block.columns[name], block.rows, name, place)
                cells[role] += texts if role in differing else pool.same(texts)
        aside = [SetAside(place, bad.row + before, bad.row, bad.line, bad.reason, bad.content) for bad in file.rejected]
        rejected += aside
        read.append(FileRead(place, len(rows) - used + len(aside), file.detected.to_dict()))
        before += read[-1].rows
        if file.blank_lines:
            reason = BLANK_LINE if len(files) == 1 else f"{BLANK_LINE} of {place}"
            blank_lines.append(LeftOut(reason, file.blank_lines))
    where = str(paths[0]) if len(paths) == 1 else f"{paths[0]} to {paths[-1]} ({len(paths)} files)"
    return Gathered(where, found, cells, rows, tuple(read), rejected=tuple(rejected), blank_lines=tuple(blank_lines))


def _present(names: Sequence[str], roles: Mapping[str, str], either: Collection[str], where: str) -> dict[str, str]:
    """Check that the columns are there, and name all that are not at once."""
    wanted = {role: name for role, name in roles.items() if role not in either or name in names}
    problems = []
    for role, name in wanted.items():
        try:
            _require(names, name, role, where)
        except ColumnProblem as problem:
            problems.append(problem)
    if len(problems) > 1:
        raise ColumnProblem(
            "; ".join(problem.what for problem in problems),
            where=where,
            cure="\n            ".join(dict.fromkeys([*_above(names), *(problem.cure or "" for problem in problems)])),
        )
    if problems:
        raise problems[0]
    return wanted


def _above(names: Sequence[str]) -> list[str]:
    """Say what to do where the first line looks like a title above the names of the columns."""
    if sum(bool(name.strip()) for name in names) > 1:
        return []
    return ["the first line must name the columns; delete titles and notes that stand above it"]


def _require(names: Sequence[str], wanted: str, role: str, where: str) -> None:
    told = {ON: ("ids by which labels and texts are joined", "--id COLUMN")}
    if role.startswith(ANNOTATOR_COLUMN):
        told[role] = ("labels of one annotator", "--annotator-columns COLUMN for each")
    if role.startswith(SLICE_BY):
        told[role] = ("values by which scores are given", "--slice-by COLUMN")
    if role in told and wanted not in names:
        holds, option = told[role]
        raise ColumnProblem(
            f"there is no column {wanted!r}, which should hold the {holds}",
            where=where,
            cure=f"{unknown_name(wanted, names, noun='columns')}. Name it with {option}",
        )
    require_column(names, wanted, role=told[role][0] if role in told else role, where=where)


def _require_same_columns(first: TableFile, other: TableFile) -> None:
    lacking = [name for name in first.names if name not in other.names]
    further = [name for name in other.names if name not in first.names]
    if lacking or further:
        told = [("lacks", lacking), ("has, beyond them,", further)]
        raise ColumnProblem(
            f"{other.path} has other columns than {first.path}",
            where=str(other.path),
            found="; ".join(f"it {verb} {some([repr(name) for name in names])}" for verb, names in told if names),
            expected=f"the columns of the first file: {some([repr(name) for name in first.names], limit=20)}",
            cure="give all files the same columns, or read them one by one",
        )


def _as_texts(cells: list[Any], rows: Sequence[int], name: str, where: str) -> list[str]:
    """Give a column's cells as text, empty ones as empty text; block by block, so that few are looked at one by one."""
    kinds = set(map(type, cells))
    texts: list[str]
    if kinds == {str}:
        texts = cells
    elif kinds <= {str, NoneType}:
        texts = [cell or "" for cell in cells]
    else:
        _refuse_nested(cells, rows, name, where)
        texts = []
        for row, cell in zip(rows, cells, strict=True):
            try:
                texts.append("" if is_blank(cell) else as_text(cell) or "")
            except UnicodeError as error:
                raise not_unicode(f"{where}, row {row}, column {name!r}", error) from None
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        _refuse_half_characters(texts, rows, name, where)
    return texts


def _refuse_half_characters(texts: list[str], rows: Sequence[int], name: str, where: str) -> None:
    for row, text in zip(rows, texts, strict=True):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise not_unicode(f"{where}, row {row}, column {name!r}", error) from None


def _refuse_nested(cells: list[Any], rows: Sequence[int], name: str, where: str) -> None:
    nested = [place for place, cell in enumerate(cells) if isinstance(cell, Mapping | list | tuple)]
    if nested:
        raise RowsProblem(
            f"the column {name!r} holds lists or objects, not text",
            where=f"{where}, rows {some([rows[place] for place in nested])}",
            found=(as_text(cells[nested[0]]) or "")[:80],
            expected="one text per cell",
            cure="write one value per cell; several labels stand in one cell, with a separator between them",
        )
