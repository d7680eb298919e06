"""Takes what a user says of a prediction and gives it as one thing: how rows are read, what is added, who does what.

Does not know how any of it is done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from classifine.data.files.bad_rows import OnBadRow
from classifine.errors import UsageError
from classifine.evaluation.conformal import PredictionSets
from classifine.prediction.review import Review

SHARD_ROWS = 16_384
# A shard has fewer rows where its probabilities would take much memory.
_NUMBERS = 4_000_000
_FEWEST = 256
_PIECE = 2048
_PART = re.compile(r"([0-9]+)/([0-9]+)")


@dataclass(frozen=True)
class Options:
    """How rows are read and written, and what is added to them.

    Attributes
    ----------
    text, pair
        The columns that hold the text and, for a classifier of pairs, the second one.
    prefix
        Put before the names of the added columns, where they would clash with the file's own.
    encoding, delimiter
        Of a text file; without one, what the file itself shows.
    on_bad_row
        ``error``: a row that cannot be read stops everything before it begins, and all of them are named.
        ``quarantine``: it keeps its place with empty cells and the status ``unreadable``, and stands as it was in a
        file beside the output.
    probabilities
        ``all``: a column ``p_<label>`` for each label; ``none``; or ``top-3``: the three most probable labels.
    excel_safe
        Put an apostrophe before cells of CSV and TSV that a spreadsheet would take for a formula.
    review
        Which rows people should look at; their status is ``review``, and they may go to a file of their own.
    sets
        The rule for a set of labels, which becomes the column ``label_set``.
    shard_rows
        After so many rows, the work is safe; equal texts among them are scored once.
    """

    text: str = "text"
    pair: str | None = None
    prefix: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    on_bad_row: OnBadRow = "error"
    probabilities: str = "all"
    excel_safe: bool = False
    review: Review | None = None
    sets: PredictionSets | None = None
    shard_rows: int = SHARD_ROWS

    def __post_init__(self) -> None:
        if self.shard_rows < 1:
            raise UsageError(f"a shard cannot have {self.shard_rows} rows", expected="1 or more")

    def rows(self, labels: int) -> int:
        """Give the rows of a shard of probabilities for so many labels."""
        return min(self.shard_rows, max(_FEWEST, _NUMBERS // max(1, labels)))

    def piece(self, labels: int) -> int:
        """Give the rows that are read at a time."""
        return min(_PIECE, self.rows(labels))

    def to_dict(self, labels: int) -> dict[str, Any]:
        """Give plain JSON: all that decides what the output says."""
        apart = ("review", "sets", "shard_rows")
        told = {name.replace("_", " "): value for name, value in vars(self).items() if name not in apart}
        queue = None if self.review is None else self.review.queue
        return {
            **told,
            "review below": None if self.review is None else self.review.threshold,
            "review queue": None if queue is None else queue.name,
            "label sets": None if self.sets is None else list(self.sets.thresholds),
            "shard rows": self.rows(labels),
            "piece": self.piece(labels),
        }


@dataclass(frozen=True)
class Part:
    """Which of several processes this is that write one output together.

    Attributes
    ----------
    number
        Its number, from 0. It says where this process begins; it goes on with what others leave.
    of
        How many there are.

    Examples
    --------
    >>> Part.named("3/8")
    Part(number=3, of=8)
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            last = f"{max(self.of, 1) - 1}/{max(self.of, 1)}"
            raise UsageError(
                f"there is no shard {self.number} of {self.of}",
                expected=f"--shard 0/{max(self.of, 1)} to --shard {last}",
                cure="count from 0, as the tasks of sbatch --array=0-7 do",
            )

    @classmethod
    def named(cls, words: str) -> Part:
        """Read ``i/n``.

        Raises
        ------
        UsageError
            It is not of this form, or there is no such part.
        """
        found = _PART.fullmatch(words.strip())
        if found is None:
            raise UsageError(f"{words!r} names no shard", expected="i/n with i from 0 to n-1, such as 0/8")
        return cls(int(found[1]), int(found[2]))
