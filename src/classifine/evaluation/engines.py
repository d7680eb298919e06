"""Takes the labels that a run and engines of its export give the same texts and says how often they are the same.

No truth is looked at. Does not know engines, models or files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifine.errors import count

_OPENING = "Exported engines:"


@dataclass(frozen=True)
class Agreement:
    """In what share of so many texts two engines give the same label or labels."""

    share: float
    n: int

    @classmethod
    def of(cls, one: Sequence[str | None], other: Sequence[str | None]) -> Agreement:
        """Count over the texts that the first one labels."""
        labelled = [(a, b) for a, b in zip(one, other, strict=True) if a is not None]
        return cls(sum(a == b for a, b in labelled) / max(1, len(labelled)), len(labelled))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"agreement": self.share, "n": self.n}


@dataclass(frozen=True)
class Beside:
    """An engine of the export beside the one the scores were computed with.

    Attributes
    ----------
    name
        What to call it before people.
    validation, test
        How often it gives the same label; of the test texts none where it was refused or cannot be run here.
    met, reason
        Whether it may be used, and if not, why.
    rows_per_second
        As measured when it was exported.
    """

    name: str
    validation: Agreement
    test: Agreement | None
    met: bool
    reason: str
    rows_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "name": self.name,
            "validation": self.validation.to_dict(),
            "test": None if self.test is None else self.test.to_dict(),
            "met": self.met,
            "reason": self.reason,
            "rows_per_second": self.rows_per_second,
        }


@dataclass(frozen=True)
class Engines:
    """The engine that scores were computed with, and those of the export beside it."""

    own: str
    others: tuple[Beside, ...] = ()

    @property
    def sentence(self) -> str:
        """Say how the others agree; empty where there are none."""
        told = []
        for one in self.others:
            on_test = "" if one.test is None else f" and {one.test.share:.1%} of {count(one.test.n, 'test text')}"
            verdict = "" if one.met else " (refused)"
            told.append(
                f"{one.name} the same label on {one.validation.share:.1%} of "
                f"{count(one.validation.n, 'validation text')}{on_test}{verdict}"
            )
        return f"{_OPENING} the scores are those of {self.own}; {'; '.join(told)}." if told else ""

    def beside(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """Enter them into a scorecard as it is stored, in the place of those that stood there."""
        details = [detail for detail in card.get("details", ()) if not str(detail).startswith(_OPENING)]
        rows = [one.to_dict() for one in self.others]
        sentence = [self.sentence] if self.others else []
        return {**card, "engine": self.own, "engines": rows, "details": [*details, *sentence]}
