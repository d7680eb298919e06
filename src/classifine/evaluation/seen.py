"""Takes which rows a classifier may have seen before and puts the scores of the other rows beside every score.

Does not know how such rows were found, files or models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifine.errors import count, some

_FIGURE = {"value", "low", "high", "n", "method"}


@dataclass(frozen=True)
class Seen:
    """Test rows that also stand in the training or validation rows.

    Attributes
    ----------
    counts
        How many, by kind, such as ``identical text``.
    clean
        The positions of the rows that are free of every kind.
    n
        How many test rows there are.
    contaminated
        Whether they are so many, or of such a kind, that every score must carry the word.
    """

    counts: Mapping[str, int]
    clean: tuple[int, ...]
    n: int
    contaminated: bool

    @property
    def rows(self) -> int:
        """How many rows are not clean."""
        return self.n - len(self.clean)

    @property
    def sentence(self) -> str:
        """Say what was found."""
        kinds = some([f"{kind} {number:,}" for kind, number in self.counts.items() if number], limit=len(self.counts))
        stand = "stands" if self.rows == 1 else "stand"
        return f"{self.rows:,} of {count(self.n, 'test row')} {stand} in training or validation, too ({kinds})"

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; the positions stay out, as the rows are named elsewhere."""
        return {
            "contaminated": self.contaminated,
            "rows": self.rows,
            "n": self.n,
            "clean": len(self.clean),
            "counts": dict(self.counts),
        }


def beside(told: Any, clean: Any, *, contaminated: bool) -> Any:
    """Put into every figure of scores, as JSON, what it is on the clean rows; and the word, where it must stand.

    Parameters
    ----------
    told, clean
        The same scores of all rows and of the clean ones; ``clean`` is ``None`` where no row is clean.
    contaminated
        Whether every figure must say so.

    Examples
    --------
    >>> figure = {"value": 0.9, "low": None, "high": None, "n": 4, "method": "Wilson"}
    >>> beside({"accuracy": figure}, None, contaminated=True)["accuracy"]["contaminated"]
    True
    """
    if isinstance(told, Mapping):
        if told.keys() >= _FIGURE:
            marked = {**told, "clean": clean}
            return {**marked, "contaminated": True} if contaminated else marked
        others = clean if isinstance(clean, Mapping) else {}
        return {name: beside(value, others.get(name), contaminated=contaminated) for name, value in told.items()}
    if isinstance(told, list):
        values = clean if isinstance(clean, list) else [None] * len(told)
        return [beside(value, other, contaminated=contaminated) for value, other in zip(told, values, strict=True)]
    return told
