"""Takes what went wrong and gives one message that says what, where and what to do.

The tree; every error we raise on purpose is one of these, and carries the exit code of the command line::

    ClassifineError
    ├── UsageError            2   wrong option, setting, path or column
    │   ├── FileMissing           no such file or folder
    │   ├── ColumnProblem         a named column is absent, doubled or clashes
    │   ├── SettingsProblem       one or more settings are wrong; all are named at once
    │   ├── ModelUnavailable      a base model or classifier folder cannot be used
    │   └── PackageMissing        an optional package is needed
    ├── DataError             1   the data failed a check
    │   ├── FileUnreadable        encoding, quoting, ragged rows, not the format it says
    │   ├── RowsProblem           blank texts or labels, doubled ids
    │   ├── LabelsProblem         too few labels, too few rows of one
    │   └── Contaminated          test rows stand in training or validation, too
    ├── TrainingFailed        1   training diverged
    ├── NotTheSame            1   an exported model does not agree with its run
    ├── RunRefused            73  the run folder is locked, finished differently or foreign
    └── DiscError             74  could not be written

Does not know files, models or the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class ClassifineError(Exception):
    """Something a user can mend: what was found, what was expected, where, and the cure.

    Parameters
    ----------
    what
        One sentence that says what is wrong.
    where
        File, rows and column, as far as they are known.
    found, expected
        What stood there and what should have.
    cure
        What to do about it.
    """

    exit_code = 70

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        cure: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.cure = cure
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [("where", self.where), ("found", self.found), ("expected", self.expected), ("cure", self.cure)]
        lines = [f"  {name + ':':<10}{value}" for name, value in parts if value]
        return "\n".join([self.what, *lines])

    @property
    def sentence(self) -> str:
        """What is wrong and what was found, in one line."""
        return f"{self.what} ({self.found})" if self.found else self.what


class UsageError(ClassifineError):
    """The command or call is wrong; the data may be fine."""

    exit_code = 2


class FileMissing(UsageError):
    """No such file or folder."""


class ColumnProblem(UsageError):
    """A named column is absent, doubled, or clashes with one we add."""


class SettingsProblem(UsageError):
    """One or more settings are wrong."""


class ModelUnavailable(UsageError):
    """A base model or a saved classifier cannot be used."""


class PackageMissing(UsageError):
    """An optional package is needed for what was asked."""


class DataError(ClassifineError):
    """The data failed a check."""

    exit_code = 1


class FileUnreadable(DataError):
    """The bytes are not what the file's format promises."""


class RowsProblem(DataError):
    """Some rows cannot be used as they are."""


class LabelsProblem(DataError):
    """The labels as a whole cannot be learnt."""


class Contaminated(DataError):
    """Test rows, or their groups, stand in training or validation, too."""


class TrainingFailed(ClassifineError):
    """Training came to nothing, for instance because the loss is not a number."""

    exit_code = 1


class NotTheSame(ClassifineError):
    """What was exported does not compute what the run computes."""

    exit_code = 1


class RunRefused(ClassifineError):
    """The run folder belongs to something else: locked, changed, or foreign."""

    exit_code = 73


class DiscError(ClassifineError):
    """The disc refused a write."""

    exit_code = 74


def did_you_mean(wanted: str, known: Iterable[str]) -> str | None:
    """Name the known word nearest to the wanted one, or none when nothing is near.

    Examples
    --------
    >>> did_you_mean("lable", ["text", "label"])
    'label'
    """
    names = list(known)
    lowered = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(wanted.casefold(), list(lowered), n=1, cutoff=0.6)
    if near:
        return lowered[near[0]]
    part = [name for name in names if wanted and wanted.casefold() in name.casefold()]
    return part[0] if len(part) == 1 else None


def unknown_name(wanted: str, known: Sequence[str], *, noun: str) -> str:
    """Give the cure for an unknown name: the likely one first, then what there is."""
    guess = did_you_mean(wanted, known)
    listed = some(known, limit=20)
    return f"did you mean {guess!r}? The {noun} are: {listed}" if guess else f"the {noun} are: {listed}"


def some(items: Sequence[object], *, limit: int = 5) -> str:
    """List the first items and count the rest.

    Examples
    --------
    >>> some([2, 5, 9], limit=2)
    '2, 5 and 1 more'
    """
    shown = ", ".join(str(item) for item in items[:limit])
    rest = len(items) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
