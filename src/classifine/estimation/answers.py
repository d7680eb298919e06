"""Takes nothing and gives the shape of an answer: uncorrected, gold only and corrected, side by side.

A figure without an interval says why. Does not know how any of them was estimated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Sampled = Literal["random", "known", "convenience"]
What = Literal["share", "mean", "regression"]


@dataclass(frozen=True)
class Figure:
    """One number with what is known of it.

    Attributes
    ----------
    value
        The estimate; none where there cannot be one, and ``note`` says why.
    low, high
        The ends of its interval.
    se
        Standard error.
    rows
        Rows it rests on: texts for an uncorrected one, gold rows for the others.
    effective_rows
        How many gold rows drawn at random would know as much without any predictions.
    p
        Two-sided, for the value 0: of a difference or a coefficient.
    note
        What a reader must know of it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    rows: int = 0
    effective_rows: float | None = None
    p: float | None = None
    note: str | None = None

    @property
    def width(self) -> float | None:
        """How wide the interval is."""
        return None if self.low is None or self.high is None else self.high - self.low


@dataclass(frozen=True)
class Answer:
    """One question answered three ways.

    Attributes
    ----------
    label
        The label whose share, or the term whose coefficient it is; of a mean, what is averaged.
    group
        The group or period it is of; none for all texts.
    minus
        Of a difference: the group that is subtracted.
    texts, gold
        Rows spoken of, and gold rows among or beside them.
    uncorrected
        From the predicted labels as if they were true.
    gold_only
        From the gold rows alone.
    corrected
        The answer.
    narrower
        By what share the corrected interval is narrower than that of the gold rows alone; negative where it is wider.
    off_p
        Two-sided p value for the classifier being right on average about this label; none where that is not known.
    adjusted_p
        Of a difference: p corrected for the number of differences (Holm).
    further
        A second correction under another assumption, by name.
    """

    label: str
    group: str | None
    texts: int
    gold: int
    uncorrected: Figure
    gold_only: Figure
    corrected: Figure
    narrower: float | None = None
    off_p: float | None = None
    minus: str | None = None
    adjusted_p: float | None = None
    further: Mapping[str, Figure] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


def narrower(corrected: Figure, gold_only: Figure) -> float | None:
    """Say by what share one interval is narrower than the other.

    Examples
    --------
    >>> round(narrower(Figure(0.2, 0.17, 0.23), Figure(0.2, 0.16, 0.24)), 2)
    0.25
    """
    one, other = corrected.width, gold_only.width
    return None if one is None or not other else 1 - one / other


@dataclass(frozen=True)
class Estimates:
    """What was estimated, how, and what must be known of it.

    Attributes
    ----------
    what
        ``share``, ``mean`` or ``regression``.
    sampled
        How the gold rows were drawn, as the user said.
    method
        The correction's name.
    target
        ``population`` (texts like these) or ``texts`` (these very texts).
    confidence
        Of each interval, or, where ``simultaneous``, of all together.
    answers, differences
        Each three ways.
    texts, gold
        How many rows.
    by, period
        The column of groups; the length of a period.
    formula, family
        Of a regression.
    assumption
        What must be true for the corrected numbers to be; none where the design alone makes them valid.
    headline, lines
        The answer in words.
    paragraph
        A methods paragraph to paste.
    cautions
        What to keep in mind.
    notes
        What became of rows, and how files were read.
    """

    what: What
    sampled: Sampled
    method: str
    target: str
    confidence: float
    simultaneous: bool
    answers: tuple[Answer, ...]
    differences: tuple[Answer, ...]
    texts: int
    gold: int
    by: str | None = None
    period: str | None = None
    formula: str | None = None
    family: str | None = None
    assumption: str | None = None
    headline: str = ""
    lines: tuple[str, ...] = ()
    paragraph: str = ""
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, label: str, group: str | None = None) -> Answer:
        """Give the answer for one label, of all texts or of a group.

        Raises
        ------
        KeyError
            There is none.
        """
        for answer in self.answers:
            if answer.label == label and answer.group == group:
                return answer
        raise KeyError(f"no answer for {label!r}" + (f" in {group!r}" if group else ""))

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as estimates.json holds it."""
        return asdict(self)
