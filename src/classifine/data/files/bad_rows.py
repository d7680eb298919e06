"""Takes rows that cannot be used and gives them as a list, or as one error that names them all.

Whether one such row stops everything is the user's choice (``--on-bad-row``).
Does not know how a format is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from classifine.data.files.cells import Number, as_text
from classifine.errors import FileUnreadable, count

OnBadRow = Literal["error", "quarantine"]

EXTRA_CELL = "extra cell"
MISSING_CELL = "missing cell"
OVER_LONG = "over-long cell"
NOT_UNICODE = "not Unicode"
NOT_AN_OBJECT = "not a JSON object"
NOT_JSON = "not sound JSON"

LONGEST_KEPT = 100_000
SET_ASIDE = "or set such rows aside and go on: add --on-bad-row quarantine"

_SHOWN = 5


@dataclass(frozen=True)
class Rejected:
    r"""A row that was set aside.

    Attributes
    ----------
    row
        Its number; the first data row of a file is 1. It keeps the number, so that the rows in use have a gap there.
    line
        The line of the file on which it begins; in Parquet files and JSON arrays the row's number.
    reason
        ``extra cell``, ``missing cell``, ``over-long cell``, ``not Unicode``, ``not a JSON object`` or
        ``not sound JSON``.
    content
        The row as it stands in the file; a byte that is no character as ``\xNN``; the first 100,000 characters.
    """

    row: int
    line: int
    reason: str
    content: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"row": self.row, "line": self.line, "reason": self.reason, "content": self.content}


class BadRows:
    """The rows of one file that cannot be used, in one reading of it.

    Parameters
    ----------
    path
        The file.
    on_bad_row
        ``quarantine`` keeps them all; ``error`` keeps the first of each kind and counts the others.
    """

    def __init__(self, path: Path, on_bad_row: OnBadRow) -> None:
        self.path = path
        self.fatal = on_bad_row == "error"
        self.rejected: list[Rejected] = []
        self._counts: Counter[str] = Counter()
        self._first: FileUnreadable | None = None

    def __bool__(self) -> bool:
        return bool(self._counts)

    @property
    def stops(self) -> bool:
        """Whether the file will end in an error, so that nothing more need be given."""
        return self.fatal and bool(self)

    def add(self, row: int, line: int, reason: str, content: str, error: FileUnreadable) -> None:
        """Note a row; ``error`` is what to say should it be the only one."""
        self._counts[reason] += 1
        self._first = self._first or error
        if not self.fatal or self._counts[reason] <= _SHOWN:
            shown = content[:LONGEST_KEPT].encode("utf-8", "surrogateescape" if _escaped(content) else "surrogatepass")
            self.rejected.append(Rejected(row, line, reason, shown.decode("utf-8", "backslashreplace")))

    def settle(self, *, further: FileUnreadable | None = None) -> None:
        """End the reading.

        Raises
        ------
        FileUnreadable
            There were bad rows and they are to stop it: all kinds, their counts and first rows. Or ``further``,
            the fault of the whole file that was met behind them.
        """
        if not self.stops:
            if further is not None:
                raise further
            return
        assert self._first is not None
        total = self._counts.total()
        cure = f"{self._first.cure}; {SET_ASIDE}" if self._first.cure else SET_ASIDE
        beyond = f"; further on, {further.what}" if further is not None else ""
        if total == 1:
            raise FileUnreadable(
                self._first.what + beyond,
                where=self._first.where,
                found=self._first.found,
                expected=self._first.expected,
                cure=cure,
            )
        if set(self._counts) <= {EXTRA_CELL, MISSING_CELL}:
            what = f"{count(total, 'row')} of {self.path} have too many or too few cells"
            where = _places(self.rejected, total)
        elif len(self._counts) == 1:
            (reason,) = self._counts
            what = f"{count(total, 'row')} of {self.path} cannot be used: {reason}"
            where = _places(self.rejected, total)
        else:
            what = f"{count(total, 'row')} of {self.path} cannot be used"
            where = "; ".join(
                f"{reason}: {_places((one for one in self.rejected if one.reason == reason), number)}"
                for reason, number in self._counts.items()
            )
        raise FileUnreadable(
            what + beyond, where=where, found=self._first.found, expected=self._first.expected, cure=cure
        )


def over_long(path: Path, where: str, length: int, cap: int) -> FileUnreadable:
    """Give the error for a cell that is longer than a cell may be."""
    return FileUnreadable(
        f"a cell of {path} has more than {cap:,} characters",
        where=where,
        found=f"{length:,} characters",
        cure="shorten that cell, or allow longer ones with --longest-cell",
    )


def longest(cells: Iterable[Any]) -> int:
    """Give the length of the longest text among some cells; what is no text has none."""
    return max((len(cell) for cell in cells if isinstance(cell, str)), default=0)


def is_unicode(cell: Any) -> bool:
    """Tell whether a cell, nested or not, can be written as Unicode text."""
    if cell is None or isinstance(cell, Number | int | float):
        return True
    try:
        (as_text(cell) or "").encode("utf-8")
    except UnicodeError:
        return False
    return True


def _escaped(content: str) -> bool:
    """Tell bytes that were carried through as low surrogates from real half pairs."""
    return not any("\ud800" <= character <= "\udc7f" or "\udd00" <= character <= "\udfff" for character in content)


def _places(rows: Iterable[Rejected], total: int) -> str:
    shown = sorted(rows, key=lambda one: one.row)[:_SHOWN]
    places = ", ".join(f"row {one.row} (line {one.line})" for one in shown)
    return places + (f" and {total - len(shown):,} more" if total > len(shown) else "")
