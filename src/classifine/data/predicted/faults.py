"""Takes what is wrong with single rows and gives one message that names all of it, or the rows to be set aside.

Does not know what a row means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from classifine.data.predicted import numbers
from classifine.errors import LabelsProblem, RowsProblem, count, did_you_mean, some

BLANK_TRUTH = "blank truth"
BLANK_LABEL = "blank predicted label"
BLANK_ID = "blank id"
DOUBLED = "id that stands twice"
UNKNOWN_TRUTH = "true label without a column of probabilities"
UNKNOWN_LABEL = "unknown predicted label"
SET_ASIDE = "or go on without these rows: --on-bad-row quarantine lists them in a file"

_CURES = {
    BLANK_TRUTH: "every row needs its true label",
    BLANK_LABEL: "an answer that is missing can count as a wrong one: --unknown-labels keep",
    BLANK_ID: "every row needs an id, or leave the column out with another --id COLUMN",
    DOUBLED: "keep one row of each id",
    UNKNOWN_TRUTH: "add its column, or check how the label is spelled",
    UNKNOWN_LABEL: "spell it like the true labels; or count it as a wrong answer: --unknown-labels keep",
    numbers.BLANK: "every label needs its probability in every row; leave the columns out to score the labels alone",
    numbers.PERCENT: "write 0.25, not 25 %",
    numbers.COMMA: "write 0.25, not 0,25",
    numbers.NO_NUMBER: "write plain numbers: 0.25",
    numbers.OUTSIDE: "probabilities lie between 0 and 1; divide percentages by 100, put logits through a softmax",
    numbers.NO_SUM: "where each row has one label, its probabilities sum to 1; where it may have several, "
    "name what separates them: --label-separator WORD",
}
_SHOWN = 5


@dataclass(frozen=True)
class Fault:
    """What is wrong with one row.

    Attributes
    ----------
    place
        Where it stands among the rows that were read, from 0.
    reason
        What is wrong.
    found
        What stands there, with its column.
    """

    place: int
    reason: str
    found: str


@dataclass
class Faults:
    """All that is wrong with the rows of a file; of each reason the first rows are kept in words, all by place."""

    by_reason: dict[str, list[Fault]] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.places)

    def add(self, place: int, reason: str, found: str) -> None:
        """Note that a row cannot be used."""
        self.by_reason.setdefault(reason, []).append(Fault(place, reason, found))
        self.places.setdefault(place, reason)

    def extend(self, places: Iterable[int], reason: str, found: str) -> None:
        """Note that several rows cannot be used, for the same reason."""
        for place in places:
            self.add(place, reason, found)

    def refuse(self, *, where: str, rows: Collection[int], known: Collection[str]) -> None:
        """Say everything that is wrong, at once.

        Parameters
        ----------
        where
            The file.
        rows
            The number of each row in the file, by place.
        known
            The labels, for a guess at what an unknown one should have been.

        Raises
        ------
        RowsProblem, LabelsProblem
            There is anything; labels only where nothing else is wrong.
        """
        if not self:
            return
        numbered = list(rows)
        lines = []
        for reason, faults in self.by_reason.items():
            in_rows = list(dict.fromkeys(numbered[one.place] for one in faults))
            shown = list(dict.fromkeys(one.found for one in faults if one.found))
            lines.append(f"    {count(len(in_rows), 'row')}: {reason}, in rows {some(in_rows, limit=_SHOWN)}")
            if shown:
                lines[-1] += f"; {some([_guessed(one, reason, known) for one in shown], limit=_SHOWN)}"
            if reason in _CURES:
                lines.append(f"        {_CURES[reason]}")
        labels_only = set(self.by_reason) <= {UNKNOWN_TRUTH, UNKNOWN_LABEL}
        problem = LabelsProblem if labels_only else RowsProblem
        raise problem(
            f"{count(len(self.places), 'row')} of {len(numbered):,} cannot be scored",
            where=where,
            found="\n" + "\n".join(lines),
            cure=f"mend the file, {SET_ASIDE}",
        )


def _guessed(found: str, reason: str, known: Collection[str]) -> str:
    if reason not in (UNKNOWN_LABEL, UNKNOWN_TRUTH):
        return found
    guess = did_you_mean(found.strip(".'\" "), sorted(known))
    return f"{found!r} (did you mean {guess!r}?)" if guess else repr(found)
