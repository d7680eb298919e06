"""Takes data files and gives splits with everything that was found on the way: the journey's first stage.

Reads, aggregates, audits and divides; writes nothing. Does not know models or the run folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.data.aggregation import Aggregation, Tie, aggregate
from classifine.data.auditing import Finding, audit, audit_dict, audit_splits, raise_on_fail
from classifine.data.files import require_file
from classifine.data.reading import Reading, read_judgements, read_labelled
from classifine.data.splitting import split, split_given
from classifine.errors import UsageError, count
from classifine.runs import Source
from classifine.settings import Settings
from classifine.tables import Judgements, LabelledTexts, Splits

Say = Callable[[str, str], None]


def silent(stage: str, message: str) -> None:
    """Say nothing; what a caller from Python gets unless it asks."""


@dataclass(frozen=True)
class DataFiles:
    """Where the labelled texts come from: one file to be divided, or a file for each part.

    Attributes
    ----------
    data
        One file that is divided into train, validation and test.
    train, validation, test
        Own files instead; what is missing is cut from train.
    """

    data: Path | None = None
    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None

    def sources(self) -> list[Source]:
        """List the files with their digests.

        Raises
        ------
        UsageError
            Neither or both ways are used.
        FileMissing
            One of them is not there.
        """
        if (self.data is None) == (self.train is None):
            raise UsageError(
                "name either one data file or a training file",
                expected="classifine run DATA, or classifine run --train FILE [--validation FILE] [--test FILE]",
            )
        if self.data is not None and (self.validation or self.test):
            raise UsageError(
                "a file to be divided and own validation or test files exclude each other",
                cure=f"say: --train {self.data} instead of {self.data}",
            )
        named = [("data", self.data), ("train", self.train), ("validation", self.validation), ("test", self.test)]
        return [Source(role, str(path), _digest(path)) for role, path in named if path is not None]


@dataclass(frozen=True)
class Prepared:
    """The data stage's result: splits, and everything that was found on the way."""

    splits: Splits
    audit: dict[str, Any]
    judgements: tuple[Judgements, ...] = ()
    ties: tuple[Tie, ...] = ()


def prepare(files: DataFiles, settings: Settings, *, say: Say = silent) -> Prepared:
    """Read, aggregate, audit and divide; nothing is written.

    Raises
    ------
    DataError, UsageError
        The files, columns or labels are not usable.
    """
    first = files.data or files.train
    assert first is not None
    reading, judgements, aggregation = read_one(first, settings, say=say)
    given = sum(path is not None for path in (files.validation, files.test))
    findings = audit(reading.table, left_out=reading.left_out, parts=3 - given)
    say("audit", _counted(findings))
    raise_on_fail(findings)
    validation = read_one(files.validation, settings, say=say) if files.validation else None
    test = read_one(files.test, settings, say=say) if files.test else None
    tables = [part[0].table if part else None for part in (validation, test)]
    splits = _divided(reading.table, tables[0], tables[1], settings, given=files.train is not None)
    others = [part for part in (validation, test) if part is not None]
    told = _summed([reading, *(part[0] for part in others)])
    ties = [tie for found in (aggregation, *(part[2] for part in others)) if found for tie in found.ties]
    judged = [table for table in (judgements, *(part[1] for part in others)) if table is not None]
    findings += audit_splits(splits)
    say("split", ", ".join(f"{len(table):,} {name}" for name, table in splits.items()) + " texts")
    annotation = {**aggregation.to_dict(), "ties": len(ties)} if aggregation else None
    return Prepared(splits, audit_dict(told, findings, splits, annotation), tuple(judged), tuple(ties))


def audit_of_splits(splits: Splits) -> dict[str, Any]:
    """Audit splits that did not come from files."""
    whole = LabelledTexts.joined([table for _, table in splits.items()])
    findings = audit(whole, parts=1) + audit_splits(splits)
    return audit_dict(Reading(whole, len(whole), ()).to_dict(), findings, splits, None)


def read_one(
    source: Any, settings: Settings, *, say: Say = silent
) -> tuple[Reading[LabelledTexts], Judgements | None, Aggregation | None]:
    """Read labelled texts; judgements are aggregated to one label an item."""
    where = source if isinstance(source, Path) else "the data"
    if settings.data.annotator is None:
        labelled = read_labelled(source, settings.data)
        say("read", f"{count(len(labelled.table), 'labelled text')} of {count(labelled.rows_in, 'row')} from {where}")
        return labelled, None, None
    judged = read_judgements(source, settings.data)
    found = aggregate(judged.table, ties=settings.data.ties, seed=settings.seed)
    say(
        "read",
        f"{count(found.judgements, 'judgement')} of {count(found.items, 'text')} by "
        f"{count(found.annotators, 'annotator')} from {where}; majority labels, {count(len(found.ties), 'tie')} "
        + ("dropped" if settings.data.ties == "drop" else "drawn"),
    )
    return Reading(found.labelled, judged.rows_in, judged.left_out), judged.table, found


def _counted(findings: Sequence[Finding]) -> str:
    levels = [finding.level for finding in findings]
    told = f"{levels.count('good')} checks good, {count(levels.count('warn'), 'warning')}"
    warned = "; ".join(finding.message for finding in findings if finding.level == "warn")
    return f"{told}: {warned}" if warned else told


def _divided(
    first: LabelledTexts,
    validation: LabelledTexts | None,
    test: LabelledTexts | None,
    settings: Settings,
    *,
    given: bool,
) -> Splits:
    data = settings.data
    if not given:
        return split(
            first,
            validation_size=data.validation_size,
            test_size=data.test_size,
            seed=settings.seed,
            positive=data.positive,
        )
    return split_given(
        first,
        validation,
        test,
        validation_size=data.validation_size,
        test_size=data.test_size,
        seed=settings.seed,
        positive=data.positive,
    )


def _summed(readings: Sequence[Reading[LabelledTexts]]) -> dict[str, Any]:
    """Add up what several files brought."""
    told = [reading.to_dict() for reading in readings]
    return {
        "rows_in": sum(one["rows_in"] for one in told),
        "rows_used": sum(one["rows_used"] for one in told),
        "left_out": [left_out for one in told for left_out in one["left_out"]],
    }


def _digest(path: Path) -> str:
    require_file(path)
    return durable.sha256(path)
