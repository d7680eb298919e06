"""Takes an aggregation and writes it as a spreadsheet of labels; reads a person's decisions about ties back.

Does not know how labels were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.data.annotators.aggregation import Aggregation, Tie, told
from classifine.data.files.cells import as_text, is_blank
from classifine.data.files.table_file import TableFile
from classifine.errors import (
    ColumnProblem,
    DataError,
    FileUnreadable,
    RowsProblem,
    RunRefused,
    UsageError,
    count,
    some,
    unknown_name,
)

MOST_COLUMNS = 30  # labels that get a column of their own
DRAWN = {"random", "priority", "posterior"}  # tie rules whose labels come from the program, not from a person
EXCELS = "cp1252"  # the code page of Excel's CSV in western Europe


def write_labels(path: Path, aggregation: Aggregation, texts: Mapping[str, str]) -> None:
    """Write what became of every item as CSV (UTF-8, quoted as RFC 4180 says), header first.

    The columns are ``id``, ``text``, ``label`` (empty where there is none), ``n`` (judgements), ``share`` (of the
    judgements that gave this label), ``entropy`` (of the shares, in bits), ``tie`` (yes or no), ``how`` (what
    decided), ``votes``, and the soft label: up to 30 labels, a column each, such as ``soft yes``; beyond, one column
    ``soft`` of JSON. The soft label is the shares of the judgements, or by ``dawid-skene`` and ``one-coin`` the
    probability of each label.

    Parameters
    ----------
    path, aggregation
        Where to, and what became of the items.
    texts
        The text of each item.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    labels = list(aggregation.comparison.counts)[:-1]
    wide = len(labels) <= MOST_COLUMNS
    soft = [f"soft {label}" for label in labels] if wide else ["soft"]
    names = ["id", "text", "label", "n", "share", "entropy", "tie", "how", "votes", *soft]
    durable.write_csv(path, names, _rows(aggregation, texts, [str(label) for label in labels] if wide else None))


def read_decisions(path: Path) -> dict[str, str]:
    """Read which label a person decided on for which item: a file with the columns ``id`` and ``label``.

    Items whose label is empty are not decided yet and left out. A file that is not UTF-8 is read in the code page
    of Excel's CSV; ids and labels are compared with the data afterwards, so that a wrong guess cannot pass.

    Raises
    ------
    ColumnProblem
        One of the columns is absent.
    RowsProblem
        An item has two different labels, or a row no id.
    """
    file = _opened(path)
    for column in ("id", "label"):
        if file.names.count(column) != 1:
            raise ColumnProblem(
                f"the decisions need one column {column!r}",
                where=str(path),
                cure=unknown_name(column, file.names, noun="columns"),
            )
    decisions: dict[str, str] = {}
    nameless: list[int] = []
    clashes: list[str] = []
    row = 0
    for block in file.blocks():
        for name, label in zip(block.columns["id"], block.columns["label"], strict=True):
            row += 1
            if is_blank(label):
                continue
            if is_blank(name):
                nameless.append(row)
                continue
            item, decided = str(as_text(name)), str(as_text(label))
            if decisions.setdefault(item, decided) != decided:
                clashes.append(f"{item!r}: {decisions[item]!r} and, in row {row}, {decided!r}")
    if nameless:
        raise RowsProblem(
            f"{count(len(nameless), 'decision has', 'decisions have')} no id", where=f"{path}, row {some(nameless)}"
        )
    if clashes:
        raise RowsProblem(
            f"{count(len(clashes), 'item is', 'items are')} decided in two ways",
            where=str(path),
            found=some(clashes),
            cure="keep one of the rows",
        )
    return decisions


def refuse_to_lose(path: Path, ties: Sequence[Tie]) -> None:
    """Refuse to write ties over a file in which a person decided otherwise.

    Raises
    ------
    RunRefused
        The file holds decisions that are not among these ties.
    """
    if not path.exists():
        return
    kept = {tie.id: tie.label for tie in ties}
    try:
        if {as_text(cell) for block in _opened(path).blocks() for cell in block.columns.get("rule", ())} <= DRAWN:
            return
        lost = [f"{label!r} for {name!r}" for name, label in read_decisions(path).items() if kept.get(name) != label]
    except (DataError, UsageError) as problem:
        lost = [problem.what]
    if lost:
        raise RunRefused(
            f"{path} holds decisions that would be overwritten",
            found=some(lost),
            cure=f'read them with --ties review --decisions "{path}"; or rename that file, or write elsewhere with -o',
        )


def _opened(path: Path) -> TableFile:
    try:
        return TableFile(path)
    except FileUnreadable:
        try:
            return TableFile(path, encoding=EXCELS)
        except (FileUnreadable, UsageError):
            pass
        raise


def _rows(aggregation: Aggregation, texts: Mapping[str, str], columns: list[str] | None) -> Iterator[dict[str, Any]]:
    for item in aggregation.by_item:
        row: dict[str, Any] = {
            "id": item.id,
            "text": texts[item.id],
            "label": item.label or "",
            "n": item.n,
            "share": _number(item.share),
            "entropy": _number(item.entropy),
            "tie": "yes" if item.tie else "no",
            "how": item.how,
            "votes": told(item.votes),
        }
        soft = {label: _number(part) for label, part in item.soft.items()}
        if columns is None:
            row["soft"] = json.dumps({label: float(part) for label, part in soft.items()}, ensure_ascii=False)
        else:
            row |= {f"soft {label}": soft.get(label, "0") for label in columns}
        yield row


def _number(value: float) -> str:
    """Write six digits at most, without an exponent."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
