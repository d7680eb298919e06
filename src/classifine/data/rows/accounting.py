"""Takes rows that were not used and gives the account of them: left out, set aside, or read otherwise than they stand.

Each row that came in is in exactly one place, and whoever reads the account can find it in its file.
Does not know how files are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifine import durable

BLANK_LINE = "blank line"


@dataclass(frozen=True)
class LeftOut:
    """Rows that were not used, and why.

    Attributes
    ----------
    reason
        ``blank text``, ``blank label``, ``blank id``, ``blank annotator``, ``blank line``, ``no judgement``,
        ``no text for this id``, ``label not kept`` or ``label with fewer than N rows``.
    rows
        Their numbers; those of blank lines are lines of the file.
    """

    reason: str
    rows: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"reason": self.reason, "count": len(self.rows), "rows": list(self.rows)}


@dataclass(frozen=True)
class SetAside:
    """A row that cannot be used as it stands and was put into quarantine.

    Attributes
    ----------
    file
        Where it stands.
    row
        Its number; several files are counted through.
    row_in_file
        Its number in its own file; the first data row is 1.
    line
        The line on which it begins, or none where only the row is known.
    reason
        What is wrong with it.
    content
        What stands there.
    """

    file: str
    row: int
    row_in_file: int
    line: int | None
    reason: str
    content: str


@dataclass(frozen=True)
class FileRead:
    """A file that was read, and what was settled about it.

    Attributes
    ----------
    file
        Its path.
    rows
        How many rows came in from it, blank lines not counted.
    stated
        Format, compression, encoding, delimiter and what they were settled by, as plain JSON.
    """

    file: str
    rows: int
    stated: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"file": self.file, "rows": self.rows, **self.stated}


def by_reason(reasons: Iterable[tuple[str, int]]) -> tuple[LeftOut, ...]:
    """Gather reasons and rows: one entry a reason, reasons sorted, rows in the order they come in.

    Examples
    --------
    >>> by_reason([("blank text", 4), ("blank label", 2), ("blank text", 9)])
    (LeftOut(reason='blank label', rows=(2,)), LeftOut(reason='blank text', rows=(4, 9)))
    """
    found: dict[str, list[int]] = {}
    for reason, row in reasons:
        found.setdefault(reason, []).append(row)
    return tuple(LeftOut(reason, tuple(found[reason])) for reason in sorted(found))


def write_rejected(path: Path, rejected: Sequence[SetAside]) -> None:
    """Write the rows in quarantine as CSV: file, row in that file, line, reason and content, in this order.

    What is no Unicode, in a file's name or a row, is written as escapes.

    Raises
    ------
    DiscError, UsageError
        The file cannot be written.
    """
    rows = (
        {
            "file": _written(row.file),
            "row": row.row_in_file,
            "line": "" if row.line is None else row.line,
            "reason": row.reason,
            "content": _written(row.content),
        }
        for row in rejected
    )
    durable.write_csv(path, ["file", "row", "line", "reason", "content"], rows)


def _written(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
