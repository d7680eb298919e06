"""Takes what a check saw and gives a finding: good, warn or fail, with a sentence, row numbers and what to do.

Does not know what is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from classifine.errors import LabelsProblem, some

Level = Literal["good", "warn", "fail"]

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check
        The check's name.
    level
        ``good``: nothing to do. ``warn``: look at it. ``fail``: training on this makes no sense.
    message
        What was found, in a sentence.
    count
        How many rows or labels it concerns.
    rows
        The first row numbers, at most five.
    cure
        What to do; empty where nothing is to be done.
    """

    check: str
    level: Level
    message: str
    count: int = 0
    rows: tuple[int, ...] = ()
    cure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {**asdict(self), "rows": list(self.rows)}


def of_rows(check: str, level: Level, message: str, rows: Iterable[int], cure: str) -> Finding:
    """Give a finding about rows; their number is its count, the first of them are named."""
    numbers = sorted(int(row) for row in rows)
    return Finding(check, level, message, len(numbers), tuple(numbers[:SHOWN]), cure)


def numbers(found: Mapping[str, int]) -> str:
    """List labels with a number each.

    Examples
    --------
    >>> numbers({"yes": 3, "no": 1200})
    "'yes' (3), 'no' (1,200)"
    """
    return some([f"{label!r} ({number:,})" for label, number in found.items()], limit=10)


def raise_on_fail(findings: Sequence[Finding]) -> None:
    """Refuse labels that cannot be learnt.

    Raises
    ------
    LabelsProblem
        One or more findings failed; all are named, each with its rows and what to do.
    """
    failed = [finding for finding in findings if finding.level == "fail"]
    if not failed:
        return
    told = [
        finding.message + (f", rows {some(finding.rows, limit=SHOWN)}" if finding.rows else "") for finding in failed
    ]
    raise LabelsProblem(
        "\n".join(["the labels cannot be learnt:", *(f"  - {line}" for line in told)]),
        cure="\n            ".join(finding.cure for finding in failed),
    )
