"""Takes data files and gives splits with everything that was found on the way: the journey's first stage.

Reads, joins, names labels, aggregates, audits and divides; writes nothing. Does not know models or the run folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from classifine.data.annotators.aggregation import Tie
from classifine.data.annotators.sheets import read_decisions
from classifine.data.audit.auditing import Finding, audit, audit_dict, audit_drift, audit_splits, raise_on_fail
from classifine.data.audit.findings import Level
from classifine.data.audit.text_checks import Counter
from classifine.data.labelled import (
    Labelled,
    Say,
    account_of,
    annotation_of,
    labelled,
    left_out_of,
    named_by_role,
    rejected_of,
    silent,
)
from classifine.data.likeness.duplicates import clusters_of, normal_forms
from classifine.data.rows.accounting import LeftOut, SetAside
from classifine.data.rows.corrections import Corrected, Correction, provisional, read_corrections
from classifine.data.rows.labelling import separator_of
from classifine.data.rows.reading import Reading
from classifine.data.splits.contamination import Contamination, contamination
from classifine.data.splits.correcting import corrected_splits
from classifine.data.splits.folds import Fold
from classifine.data.splits.folds import folds as cut_folds
from classifine.data.splits.levels import with_levels
from classifine.data.splits.notes import SplitNotes
from classifine.data.splits.splitting import Division, divide
from classifine.errors import LabelsProblem, RowsProblem, SettingsProblem, count, some
from classifine.labels import LabelSpace
from classifine.settings import DataSettings, Settings
from classifine.sources import DataFiles
from classifine.tables import Judgements, LabelledTexts, Splits

TOO_RARE = "label with too few different texts"


@dataclass(frozen=True)
class Prepared:
    """The data stage's result: splits, and everything that was found on the way."""

    splits: Splits
    audit: dict[str, Any]
    notes: SplitNotes | None = None
    judgements: tuple[Judgements, ...] = ()
    ties: tuple[Tie, ...] = ()
    rejected: tuple[SetAside, ...] = ()


@dataclass(frozen=True)
class Checked:
    """Texts that were checked and, where no check failed, divided.

    Attributes
    ----------
    findings
        What the checks found.
    division
        The splits and how they came about, or none where a check failed.
    shared
        What the test rows share with the others, where the data came divided.
    corrected
        What became of a person's corrections, where there are some.
    """

    findings: tuple[Finding, ...]
    division: Division | None = None
    shared: Contamination | None = None
    corrected: Corrected | None = None

    def require(self, data: DataSettings) -> Division:
        """Give the division.

        Raises
        ------
        Contaminated
            The test texts were seen in training or validation, and that is not allowed.
        LabelsProblem
            A check failed.
        """
        if self.shared is not None and not data.allow_contaminated:
            self.shared.refuse(data.max_contaminated)
        if self.division is None:
            raise_on_fail(self.findings)
        assert self.division is not None
        return self.division


@dataclass(frozen=True)
class Examined:
    """Files that were read and whose texts were checked.

    Attributes
    ----------
    found
        The labelled texts of each file: ``first`` is divided, ``validation`` and ``test`` are taken as they are.
    checked
        What became of them.
    """

    found: Mapping[str, Labelled]
    checked: Checked

    def to_dict(self) -> dict[str, Any]:
        """Give what audit.json holds; every row that came in is used, left out by reason, or rejected."""
        division, parts = self.checked.division, list(self.found.values())
        nothing = self.found["first"].table.take(())
        whole = Splits(LabelledTexts.joined([part.table for part in parts]), nothing, nothing, LabelSpace(()))
        splits = division.splits if division else whole
        told = audit_dict(account_of(self.found), self.checked.findings, splits, annotation_of(parts))
        dropped = self._dropped()
        if dropped:
            told["left_out"] += [part.to_dict() for part in dropped]
            told["rows_used"] -= sum(len(part.rows) for part in dropped)
            told["texts"] = sum(len(table) for _, table in splits.items())
        return {
            **told,
            "splits": told["splits"] if division else {},
            "division": division.notes.to_dict() if division else None,
            "contamination": None if self.checked.shared is None else self.checked.shared.to_dict(),
            **({} if self.checked.corrected is None else {"corrections": self.checked.corrected.to_dict()}),
        }

    def _dropped(self) -> list[LeftOut]:
        """List the rows of texts that were read and stand in no part, because their label is too rare."""
        division = self.checked.division
        if division is None or not division.notes.dropped:
            return []
        divided = {name for _, table in division.splits.items() for name in table.ids}
        told_apart = division.notes.told_apart
        left_out = []
        for role, part in self.found.items():
            before = f"{'train' if role == 'first' else role}:" if told_apart else ""
            lost = [name for name in part.table.ids if before + name not in divided]
            rows = part.rows_of([(TOO_RARE, name) for name in lost])
            left_out += [replace(one, reason=named_by_role(one.reason, role)) for one in rows]
        return left_out


def examine(
    files: DataFiles,
    settings: Settings,
    *,
    say: Say = silent,
    count_tokens: Counter | None = None,
    labels_only: bool = False,
) -> Examined:
    """Read, aggregate, audit and, where no check failed, divide; nothing is written.

    Parameters
    ----------
    files, settings
        Where the labelled texts are and what was chosen.
    say
        Called with a stage and a plain sentence.
    count_tokens
        Counts the tokens of texts as the base model reads them, for the share that will be cut.
    labels_only
        Check nothing but what decides whether the texts can be divided.

    Raises
    ------
    DataError, UsageError
        The files, columns or labels are not usable.
    """
    found = _read(files, settings, say)
    checked = check_texts(
        found["first"].table,
        {role: one.table for role, one in found.items() if role != "first"},
        settings,
        left_out=left_out_of(found),
        rejected=rejected_of(found),
        count_tokens=count_tokens,
        labels_only=labels_only,
        corrections=() if files.corrections is None else read_corrections(files.corrections),
        corrected_by=str(files.corrections),
    )
    if checked.corrected is not None:
        say("correct", checked.corrected.sentence)
    if checked.division is not None:
        say("audit", _counted(checked.findings))
        parts = checked.division.splits.items()
        say("split", ", ".join(f"{len(table):,} {name}" for name, table in parts) + " texts")
    return Examined(found, checked)


def check_texts(
    texts: LabelledTexts,
    others: Mapping[str, LabelledTexts],
    settings: Settings,
    *,
    left_out: Sequence[LeftOut] = (),
    rejected: Sequence[LeftOut] = (),
    count_tokens: Counter | None = None,
    labels_only: bool = False,
    corrections: Sequence[Correction] = (),
    corrected_by: str = "corrections",
) -> Checked:
    """Audit labelled texts and, where no check fails, divide them.

    Parameters
    ----------
    texts
        What is divided, or the training texts.
    others
        Parts that are taken as they are: ``validation``, ``test``.
    settings
        What was chosen.
    left_out, rejected
        Rows that came in and are not among the texts.
    count_tokens, labels_only
        As in :func:`examine`.
    corrections, corrected_by
        Labels that a person corrected, and where they stood. Texts are divided by the labels as they were given, so
        that no text changes its part.

    Raises
    ------
    RowsProblem, LabelsProblem, SettingsProblem
        Corrections do not fit the texts, times or parts cannot be read, or settings contradict each other.
    """
    data = settings.data
    separator = separator_of(data)
    forms = normal_forms(texts.texts)
    clusters = forms.clusters(threshold=data.near_duplicates)
    findings = audit(
        provisional(texts, corrections),
        left_out=left_out,
        rejected=rejected,
        parts=3 - len({"validation", "test"} & {*others, *(texts.parts or ())}),
        rare=data.rare_labels,
        space=LabelSpace.of(texts.labels, separator=separator),
        forms=forms,
        clusters=clusters,
        count_tokens=count_tokens,
        labels_only=labels_only,
    )
    del forms  # as large as the texts
    if any(finding.level == "fail" for finding in findings):
        return Checked(findings)
    try:
        division = divide(
            texts,
            others.get("validation"),
            others.get("test"),
            validation_size=data.validation_size,
            test_size=data.test_size,
            seed=settings.seed,
            positive=data.positive,
            separator=separator,
            rare=data.rare_labels,
            clusters=clusters,
        )
        fixed, corrected = corrected_splits(division.splits, corrections, file=corrected_by, separator=separator)
        division = replace(division, splits=with_levels(fixed, data))
    except LabelsProblem as problem:
        return Checked((*findings, Finding("division", "fail", problem.sentence, cure=problem.cure or "")))
    given = bool(others) or texts.parts is not None
    shared = contaminated(division.splits, data, told_apart=division.notes.told_apart) if given else None
    notes = (Finding("division", "warn", one, cure="see `division` in audit.json") for one in division.notes.warnings())
    findings += (*notes, *_of_parts(division.splits, shared, data), *_of_corrections(corrected))
    return Checked(findings, division, shared, corrected)


def prepare(
    files: DataFiles,
    settings: Settings,
    *,
    say: Say = silent,
    count_tokens: Counter | None = None,
    labels_only: bool = False,
) -> Prepared:
    """Give splits that can be trained and scored on; parameters are as for :func:`examine`.

    Raises
    ------
    DataError, UsageError
        The files, columns or labels are not usable, or the test texts were seen in training or validation.
    """
    examined = examine(files, settings, say=say, count_tokens=count_tokens, labels_only=labels_only)
    division = examined.checked.require(settings.data)
    parts = list(examined.found.values())
    return Prepared(
        splits=division.splits,
        audit=examined.to_dict(),
        notes=division.notes,
        judgements=tuple(one.judgements for one in parts if one.judgements is not None),
        ties=tuple(tie for one in parts if one.aggregation for tie in one.aggregation.ties),
        rejected=tuple(chain.from_iterable(one.reading.quarantine for one in parts)),
    )


def _read(files: DataFiles, settings: Settings, say: Say) -> dict[str, Labelled]:
    """Read the file that is divided and those that are taken as they are, with one file of decisions for all."""
    files.require()
    if settings.data.time is not None and files.validation is not None and files.test is not None:
        raise SettingsProblem(
            "the time of the texts would have no effect: all three parts are given as files",
            cure="leave --time out, or put all texts into one file",
        )
    named = {"first": files.first, "validation": files.validation, "test": files.test}
    sources = {role: source for role, source in named.items() if source is not None}
    decisions = None if files.decisions is None else read_decisions(files.decisions)
    found: dict[str, Labelled] = {}
    for role, source in sources.items():
        found[role] = labelled(
            source,
            settings,
            texts=files.texts,
            decisions=decisions,
            first=found.get("first"),
            partly=len(sources) > 1,
            say=say,
        )
    if decisions:
        _refuse_unknown(decisions, found.values())
    return found


def folds_of(splits: Splits, settings: Settings, *, folds: int, repeats: int) -> tuple[LabelledTexts, list[Fold]]:
    """Divide all rows of splits into folds, with the same rules; give the rows and their folds."""
    table = LabelledTexts.joined([part for _, part in splits.items()])
    clusters = clusters_of(table.texts, threshold=settings.data.near_duplicates)
    separator = splits.space.separator
    return table, cut_folds(table, folds, repeats=repeats, seed=settings.seed, separator=separator, clusters=clusters)


def contaminated(splits: Splits, data: DataSettings, *, told_apart: bool = False) -> Contamination:
    """Find what test rows share with the others; ids that are mere row numbers share nothing."""
    named = any(
        (name.partition(":")[2] if told_apart else name) != str(row)
        for _, table in splits.items()
        for name, row in zip(table.ids, table.rows, strict=True)
    )
    return contamination(splits, threshold=data.near_duplicates, named_ids=named, told_apart=told_apart)


def audit_of_splits(splits: Splits, data: DataSettings) -> dict[str, Any]:
    """Audit splits that did not come from files, and give what audit.json holds."""
    whole = LabelledTexts.joined([table for _, table in splits.items()])
    shared = contaminated(splits, data)
    findings = audit(whole, parts=1, space=splits.space) + _of_parts(splits, shared, data)
    told = audit_dict(Reading(whole, len(whole), ()).to_dict(), findings, splits, None)
    return {**told, "contamination": shared.to_dict()}


def _refuse_unknown(decisions: Mapping[str, str], found: Iterable[Labelled]) -> None:
    """Refuse decisions about items that stand in no file."""
    known = {name for one in found if one.judgements is not None for name in one.judgements.ids}
    unknown = [name for name in decisions if name not in known]
    if unknown:
        raise RowsProblem(
            f"{count(len(unknown), 'decision is', 'decisions are')} about items that are not in the data",
            found=some([repr(name) for name in unknown]),
            cure="check that the decisions belong to these judgements",
        )


def _of_parts(splits: Splits, shared: Contamination | None, data: DataSettings) -> tuple[Finding, ...]:
    """Find what parts that were made elsewhere share and how they differ; of our own, that no test text was seen."""
    if shared is None:
        return audit_splits(splits)
    refused = shared.refused(data.max_contaminated) and not data.allow_contaminated
    level: Level = "fail" if refused else "warn"
    cure = "remove these rows, or read the score of the clean rows, which stands beside every score"
    found = tuple(Finding("contamination", level, sentence, cure=cure) for sentence in shared.warnings())
    clean = Finding("contamination", "good", "no row shares an id, a group or a text with another part")
    return audit_drift(splits) + (found or (clean,))


def _of_corrections(corrected: Corrected | None) -> tuple[Finding, ...]:
    if corrected is None:
        return ()
    caution = corrected.caution
    if caution is None:
        return (Finding("corrections", "good", corrected.sentence),)
    return (Finding("corrections", "warn", f"{corrected.sentence}; {caution}", cure="see `corrections` in audit.json"),)


def _counted(findings: Sequence[Finding]) -> str:
    levels = [finding.level for finding in findings]
    told = f"{levels.count('good')} checks good, {count(levels.count('warn'), 'warning')}"
    warned = "; ".join(finding.message for finding in findings if finding.level == "warn")
    return f"{told}: {warned}" if warned else told
