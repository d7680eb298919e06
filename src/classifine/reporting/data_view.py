"""Takes nothing and gives the shape of what the page's data section shows: how rows were read, checked and divided.

Values are as they are stored; a property only picks among them. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from classifine.reporting.annotation_view import Annotation
from classifine.reporting.measures import FEW_LABELS


@dataclass(frozen=True)
class LeftOut:
    """Rows that were not used, and why; ``rows`` are the first of the ``count``."""

    reason: str
    count: int
    rows: tuple[int | str, ...]


@dataclass(frozen=True)
class FileRead:
    """A file and how it was read; what nobody stated is ``None``."""

    file: str
    rows: int | None
    format: str | None
    compression: str | None
    encoding: str | None
    encoding_by: str | None
    confidence: float | None
    delimiter: str | None
    delimiter_by: str | None

    @property
    def guessed(self) -> bool:
        """Whether the encoding is a guess, which may be wrong."""
        return self.encoding_by == "guessed"


@dataclass(frozen=True)
class Join:
    """How many rows of labels found a text in another file.

    Attributes
    ----------
    loud
        Whether so many were lost that nobody may overlook it.
    told
        All of it in words.
    files, rejected
        How the files of texts were read, and which of their rows were set aside.
    """

    on: str
    labels_in: int
    labels_kept: int
    labels_lost: int
    lost_ids: tuple[str, ...]
    texts_in: int
    texts_used: int
    texts_unused: int
    unused_ids: tuple[str, ...]
    loud: bool
    told: str
    files: tuple[FileRead, ...]
    rejected: tuple[LeftOut, ...]


@dataclass(frozen=True)
class LabelChange:
    """What a step made of a label; ``becomes`` is ``None`` where the label is not used any more."""

    step: str
    label: str
    becomes: str | None
    rows: int


@dataclass(frozen=True)
class Finding:
    """One check of the audit."""

    check: str
    level: str
    message: str
    count: int | None
    rows: tuple[int | str, ...]
    cure: str | None


@dataclass(frozen=True)
class Furthest:
    """Where a label's rows are furthest from the share that a part should have of them."""

    label: str
    part: str
    wanted: float
    reached: float


@dataclass(frozen=True)
class Division:
    """How the splits came about.

    Attributes
    ----------
    rows, wanted, shares
        By part, in the order train, validation, test; given parts have no share.
    units, largest_unit
        How many units of rows that stay together were dealt, and the rows of the largest.
    rare
        Rows of each label that has too few units for every part.
    dropped, moved
        Rows that were left out with these, and rows that stand in an earlier part than their time says.
    """

    method: str
    cut: tuple[str, ...]
    rows: Mapping[str, int]
    wanted: Mapping[str, float]
    shares: Mapping[str, float]
    units: int
    largest_unit: int
    rare_rule: str
    rare: Mapping[str, int]
    dropped: LeftOut
    moved: LeftOut
    furthest: Furthest | None
    absent: Mapping[str, tuple[str, ...]]
    told_apart: bool


@dataclass(frozen=True)
class Shared:
    """What one part shares with another: its rows by kind."""

    part: str
    against: str
    rows: int
    kinds: Mapping[str, LeftOut]


@dataclass(frozen=True)
class Contamination:
    """What the test rows share with the others; ``refused`` where this was too much and was allowed all the same."""

    test_rows: int
    clean: int
    seen: int
    share: float
    threshold: float
    shared: tuple[Shared, ...]
    refused: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds, in the order in which they are stored."""
        return tuple(dict.fromkeys(kind for one in self.shared for kind in one.kinds))

    @property
    def some(self) -> bool:
        """Whether any part shares a row with another."""
        return any(found.count for one in self.shared for found in one.kinds.values())


@dataclass(frozen=True)
class Audit:
    """What the data stage found; ``splits`` in the order train, validation, test.

    Attributes
    ----------
    texts
        How many labelled texts the rows gave, or ``None`` in a run that did not store it.
    left_out, rejected
        With ``rows_used`` they add up to ``rows_in``, where ``texts`` is stored.
    findings
        What failed first, then the warnings.
    """

    rows_in: int
    rows_used: int
    texts: int | None
    left_out: tuple[LeftOut, ...]
    rejected: tuple[LeftOut, ...]
    files: tuple[FileRead, ...]
    repairs: tuple[str, ...]
    joins: tuple[Join, ...]
    label_changes: tuple[LabelChange, ...]
    findings: tuple[Finding, ...]
    labels: Mapping[str, int]
    splits: Mapping[str, Mapping[str, int]]
    words: Mapping[str, float]
    annotation: Annotation | None
    division: Division | None
    contamination: Contamination | None

    @property
    def many(self) -> bool:
        """Whether the labels are too many for roomy pictures."""
        return len(self.labels) > FEW_LABELS

    @property
    def good(self) -> tuple[Finding, ...]:
        """The checks that found nothing to mend."""
        return tuple(finding for finding in self.findings if finding.level == "good")

    @property
    def pressing(self) -> tuple[Finding, ...]:
        """The checks that failed or warn."""
        return tuple(finding for finding in self.findings if finding.level != "good")
