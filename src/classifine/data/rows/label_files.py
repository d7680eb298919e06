"""Takes a file with labels or with old and new labels, and gives the list or the map that stands in it.

CSV and TSV with a header, JSON or TOML; labels are verbatim text. Does not know which labels the data has.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from classifine.data.files.cells import as_text, is_blank
from classifine.data.files.table_file import TableFile, require_file
from classifine.errors import FileUnreadable, SettingsProblem, count, some

_OLD = ("old", "code", "from", "label", "id")
_NEW = ("new", "name", "to", "label")
_CHILD = ("label", "code", "child")
_DELIMITED = (".csv", ".tsv")
_ENDINGS = (*_DELIMITED, ".json", ".toml")
_MAP = "two columns, with a first line that names them: old,new (or code,name); or JSON or TOML: old = new"

_PARENTS = (
    "two or more columns, with a first line that names them: label,parent (and what stands above); or JSON or TOML"
)


def read_label_map(path: Path) -> dict[str, str]:
    """Read what labels become: for ``label_names`` (code → name) and ``merge_labels`` (old → new).

    A CSV or TSV file has two columns and a first line that names them ``old,new`` or ``code,name``; JSON is one object,
    TOML one table of text.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it is not what its ending says.
    SettingsProblem
        It does not hold such a map, or an old label stands twice or beside nothing.
    """
    require_file(path)
    ending = path.suffix.lower()
    if ending in _DELIMITED:
        pairs = _pairs(path)
    elif ending == ".json":
        pairs = _json(path, dict)
    elif ending == ".toml":
        pairs = list(_toml(path).items())
    else:
        raise _not_a("map", path, f"it ends in {ending!r}", f"a file that ends in {', '.join(_ENDINGS)}")
    strange = [f"{old!r}: {new!r}" for old, new in pairs if not isinstance(new, str)]
    if strange:
        raise _not_a("map", path, some(strange), 'text on both sides, in quotes: "old": "new"')
    blank = [f"{old!r}: {new!r}" for old, new in pairs if is_blank(old) or is_blank(new)]
    if blank:
        raise _not_a("map", path, f"a blank label: {some(blank)}", "an old and a new label in each row")
    _refuse_twice(path, [old for old, _ in pairs])
    return {old: new for old, new, *_ in pairs}


def read_parents(path: Path) -> dict[str, str]:
    """Read which code stands above each label: for ``label_parents``.

    A CSV or TSV file has a label, its parent and, if there are more columns, the parents further up in each row; a
    first line names them ``label,parent,...``. JSON is one object, TOML one table of text: label = parent. Codes
    without a parent, or with a blank one, are at the top.

    Raises
    ------
    FileMissing, FileUnreadable
        There is no such file, or it is not what its ending says.
    SettingsProblem
        It does not hold such a map, or a label has two parents.
    """
    require_file(path)
    ending = path.suffix.lower()
    if ending in _DELIMITED:
        rows = _columns(path, least=2, first=_CHILD, expected=_PARENTS)
    elif ending in (".json", ".toml"):
        rows = [tuple(pair) for pair in (_json(path, dict) if ending == ".json" else _toml(path).items())]
    else:
        raise _not_a("map", path, f"it ends in {ending!r}", f"a file that ends in {', '.join(_ENDINGS)}")
    strange = [f"{label!r}: {parent!r}" for label, parent, *_ in rows if not isinstance(parent, str)]
    if strange:
        raise _not_a("map", path, some(strange), 'text on both sides, in quotes: "label": "parent"')
    blank = [number for number, row in enumerate(rows, 1) if is_blank(row[0])]
    if blank:
        raise _not_a("map", path, f"a blank label, rows {some(blank)}", "a label in each row")
    parents: dict[str, str] = {}
    twice = []
    for number, row in enumerate(rows, 1):
        way = [code for code in row if not is_blank(code)]
        for code, above in zip(way, (*way[1:], ""), strict=True):
            # the last code of a row is at the top, unless another row says what stands above it
            if parents.get(code) and above and parents[code] != above:
                twice.append(f"{code!r} below {parents[code]!r} and, row {number}, below {above!r}")
            parents[code] = above or parents.get(code, "")
    if twice:
        raise _not_a("hierarchy", path, f"two parents: {some(twice)}", "one parent for each label")
    return parents


def read_label_list(words: Sequence[str]) -> tuple[str, ...]:
    """Give labels that were named one by one, or in files.

    A word that names a file ending in .txt (one label a line), .csv or .tsv (one column with a header) or .json (an
    array of text) stands for the labels in it; any other word is a label as it stands, commas included.

    Raises
    ------
    FileUnreadable
        A file is not what its ending says.
    SettingsProblem
        A file holds something else than a list of labels, or a label is named twice.

    Examples
    --------
    >>> read_label_list(["yes, of course", "no"])
    ('yes, of course', 'no')
    """
    labels: list[str] = []
    for word in words:
        labels += _listed(Path(word)) if _is_list(word) else [word]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise SettingsProblem(
            f"{count(len(twice), 'label is', 'labels are')} named twice: {some([repr(t) for t in twice])}",
            cure="name each label once",
        )
    return tuple(labels)


def _is_list(word: str) -> bool:
    named = word.lower().endswith((".txt", *_DELIMITED, ".json")) and "\0" not in word
    return named and Path(word).is_file()


def _listed(path: Path) -> list[str]:
    ending = path.suffix.lower()
    if ending == ".json":
        labels = _json(path, list)
        strange = [repr(label) for label in labels if not isinstance(label, str)]
        if strange:
            raise _not_a("list", path, some(strange), "text in quotes")
    elif ending == ".txt":
        labels = [line for line in _text(path).split("\n") if not is_blank(line)]
    else:
        file = TableFile(path)
        if len(file.names) != 1 or file.names[0].strip().casefold() not in ("label", "labels"):
            found = f"the first line {', '.join(map(repr, file.names))}"
            raise _not_a("list", path, found, "one column that the first line names label, and a label a line")
        labels = [as_text(cell) or "" for block in file.blocks() for cell in block.columns[file.names[0]]]
        labels = [label for label in labels if not is_blank(label)]
    if not labels:
        raise _not_a("list", path, "no label", "one label at least")
    return labels


def _pairs(path: Path) -> list[tuple[str, ...]]:
    """Give the rows of a file of two columns whose first line names them."""
    return _columns(path, least=2, first=_OLD, expected=_MAP, second=_NEW)


def _columns(
    path: Path, *, least: int, first: Sequence[str], expected: str, second: Sequence[str] | None = None
) -> list[tuple[str, ...]]:
    """Give the rows of a file whose first line names its columns; with names for the second, there are just two."""
    try:
        file = TableFile(path)
    except FileUnreadable as problem:
        raise FileUnreadable(
            problem.what,
            where=problem.where,
            found=problem.found,
            cure=f"save {path.name} as UTF-8; in Excel: CSV UTF-8",
        ) from None
    names = [name for name in file.names if name.strip()]  # Excel closes lines with delimiters
    plain = [name.strip().casefold() for name in names]
    # Without a header, the first row would be taken for one and be lost in silence.
    known = len(plain) >= least and plain[0] in first and len(set(plain)) == len(plain)
    if not known or (second is not None and (len(plain) != least or plain[1] not in second)):
        raise _not_a("map", path, f"the first line {some([repr(name) for name in file.names], limit=10)}", expected)
    rows = (row for block in file.blocks() for row in zip(*(block.columns[name] for name in names), strict=True))
    return [tuple(as_text(cell) or "" for cell in row) for row in rows if not all(is_blank(cell) for cell in row)]


def _json(path: Path, kind: type) -> list[Any]:
    """Give the pairs of an object, those with one key twice included, or the items of an array."""
    try:
        value = json.loads(_text(path), object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise _not_a("map" if kind is dict else "list", path, str(error), "sound JSON") from None
    if not isinstance(value, tuple if kind is dict else list):
        expected = 'one object: {"old": "new", …}' if kind is dict else 'an array of text: ["label", …]'
        raise _not_a("map" if kind is dict else "list", path, type(value).__name__, expected)
    return list(value)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise _not_a("map", path, str(error), 'sound TOML: "old" = "new", a line each') from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_a("list", path, f"bytes that are not UTF-8, at {error.start:,}", "UTF-8 text") from None


def _refuse_twice(path: Path, olds: Iterable[str]) -> None:
    twice = [old for old, times in Counter(olds).items() if times > 1]
    if twice:
        raise _not_a("map", path, f"twice: {some([repr(old) for old in twice])}", "each old label once")


def _not_a(kind: str, path: Path, found: str, expected: str) -> SettingsProblem:
    what = f"{path} does not hold a {kind} of labels"
    return SettingsProblem(what, where=str(path), found=found, expected=expected, cure="correct that file")
