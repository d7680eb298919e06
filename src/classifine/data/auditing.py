"""Takes labelled texts and gives findings, good, warn or fail, each with row numbers and what to do.

Does not know files, models or how splits are made.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from classifine.data.duplicates import groups_of, normalise
from classifine.data.reading import LeftOut
from classifine.errors import LabelsProblem, count, some
from classifine.labels import tally
from classifine.tables import LabelledTexts, Splits

Level = Literal["good", "warn", "fail"]

_SHOWN = 5
_FEW_ROWS = 50
_FEW_OF_A_LABEL = 8
_OWN_NAME_SHARE = 0.2
_OWN_NAME_RATIO = 2
_WORD = re.compile(r"[^\W_]+")


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


def audit(table: LabelledTexts, *, left_out: Sequence[LeftOut] = (), parts: int = 3) -> tuple[Finding, ...]:
    """Check labels and texts; every check gives one finding.

    Parameters
    ----------
    table
        The labelled texts in use.
    left_out
        Rows of the file that are not.
    parts
        Into how many splits the table will be divided; every label must stand in each of them.
    """
    if not len(table):
        return (Finding("labels", "fail", "there is no labelled text", cure="check the file and its columns"),)
    texts = groups_of(table.texts)
    groups = list(texts.values())
    different = Counter(label for group in groups for label in {table.labels[position] for position in group})
    return (
        _label_count(table),
        _too_rare(table, different, parts),
        _few(table, different, parts),
        _size(table),
        _balance(table),
        _twins(table),
        _repeated(table, groups),
        _contradictory(table, groups),
        _own_names(table),
        _left_out(left_out),
    )


def audit_splits(splits: Splits) -> tuple[Finding, ...]:
    """Check that no text of the test rows is seen in training or validation, and no validation text in training."""
    train = {normalise(text) for text in splits.train.texts}
    validation = {normalise(text) for text in splits.validation.texts}
    return (
        _seen("test", splits.test, train | validation, "training or validation"),
        _seen("validation", splits.validation, train, "training"),
    )


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
        finding.message + (f", rows {some(finding.rows, limit=_SHOWN)}" if finding.rows else "") for finding in failed
    ]
    raise LabelsProblem(
        "\n".join(["the labels cannot be learnt:", *(f"  - {line}" for line in told)]),
        cure="\n            ".join(finding.cure for finding in failed),
    )


def audit_dict(
    reading: Mapping[str, Any], findings: Sequence[Finding], splits: Splits, annotation: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Give what audit.json holds.

    Parameters
    ----------
    reading
        ``rows_in``, ``rows_used`` and ``left_out``, as a reading's ``to_dict`` gives them.
    findings
        What the checks found.
    splits
        For the labels of each part and the length of the texts.
    annotation
        How judgements became labels, as an aggregation's ``to_dict`` gives it, or none.
    """
    import numpy as np

    tables = [table for _, table in splits.items()]
    words = np.array([len(text.split()) for table in tables for text in table.texts])
    return {
        **reading,
        "findings": [finding.to_dict() for finding in findings],
        "labels": tally([label for table in tables for label in table.labels]),
        "splits": {name: tally(table.labels) for name, table in splits.items()},
        "words": {
            "mean": round(float(words.mean()), 1),
            "median": float(np.median(words)),
            "p95": float(np.percentile(words, 95)),
            "max": int(words.max()),
        },
        "annotation": None if annotation is None else dict(annotation),
    }


def _of_rows(check: str, level: Level, message: str, rows: Sequence[int], cure: str) -> Finding:
    return Finding(check, level, message, len(rows), tuple(sorted(rows)[:_SHOWN]), cure)


def _rows_of(table: LabelledTexts, labels: Collection[str]) -> list[int]:
    return [row for row, label in zip(table.rows, table.labels, strict=True) if label in labels]


def _label_count(table: LabelledTexts) -> Finding:
    labels = sorted(set(table.labels))
    if len(labels) > 1:
        return Finding("labels", "good", f"{len(labels):,} labels", len(labels))
    cure = "check which column holds the labels; a classifier needs two of them"
    return Finding("labels", "fail", f"all {count(len(table), 'row')} have the label {labels[0]!r}", 1, cure=cure)


def _too_rare(table: LabelledTexts, different: Mapping[str, int], parts: int) -> Finding:
    check = "labels to divide"
    rare = {label: number for label, number in sorted(different.items()) if number < parts}
    if not rare:
        return Finding(check, "good", f"each label has at least {count(parts, 'different text')}")
    message = f"{count(len(rare), 'label has', 'labels have')} fewer than {parts} different texts: {_numbers(rare)}"
    rows = _rows_of(table, rare)
    return _of_rows(check, "fail", message, rows, "add rows of these labels, merge them with others, or remove them")


def _few(table: LabelledTexts, different: Mapping[str, int], parts: int) -> Finding:
    check = "rows of each label"
    few = {label: number for label, number in sorted(different.items()) if parts <= number < _FEW_OF_A_LABEL}
    if not few:
        return Finding(check, "good", f"no label that can be divided has fewer than {_FEW_OF_A_LABEL} different texts")
    message = f"{count(len(few), 'label has', 'labels have')} fewer than {_FEW_OF_A_LABEL} different texts"
    cure = "add rows of these labels, or expect little of them: their scores rest on one or two test rows"
    return _of_rows(check, "warn", f"{message}: {_numbers(few)}", _rows_of(table, few), cure)


def _size(table: LabelledTexts) -> Finding:
    if len(table) >= _FEW_ROWS:
        return Finding("size", "good", f"{len(table):,} labelled texts", len(table))
    cure = "label more texts; a few hundred are the least for fine-tuning"
    return Finding("size", "warn", f"only {count(len(table), 'labelled text')}", len(table), cure=cure)


def _balance(table: LabelledTexts) -> Finding:
    counts = tally(table.labels)
    name = min(counts, key=lambda label: counts[label])
    message = f"the rarest label, {name!r}, has {counts[name] / len(table):.1%} of the rows"
    # below 5 % of two labels; with more labels each is small, and what counts is a tenth of an even share
    if counts[name] * 10 * len(counts) >= len(table):
        return Finding("balance", "good", message, counts[name])
    cure = "look at its own scores, not only at accuracy; more rows of it help most, class_weights may help"
    return _of_rows("balance", "warn", message, _rows_of(table, {name}), cure)


def _twins(table: LabelledTexts) -> Finding:
    forms: dict[str, list[str]] = {}
    for name in sorted(set(table.labels)):
        forms.setdefault(" ".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    twins = [names for names in forms.values() if len(names) > 1]
    if not twins:
        return Finding("label twins", "good", "no two labels differ in case, space or Unicode form only")
    counts = tally(table.labels)
    told = some([" and ".join(f"{name!r} ({counts[name]:,})" for name in names) for names in twins])
    message = f"labels that differ in case, space or Unicode form only: {told}"
    rarer = {name for names in twins for name in sorted(names, key=lambda name: -counts[name])[1:]}
    return _of_rows(
        "label twins", "warn", message, _rows_of(table, rarer), "if they mean the same, write them the same"
    )


def _repeated(table: LabelledTexts, groups: Sequence[tuple[int, ...]]) -> Finding:
    rows = [row for group in groups for row in sorted(table.rows[position] for position in group)[1:]]
    if not rows:
        return Finding("equal texts", "good", "no text stands twice")
    message = f"{count(len(rows), 'row repeats', 'rows repeat')} the text of another"
    cure = "remove them unless each is a case of its own; equal texts stay in one split"
    return _of_rows("equal texts", "warn", message, rows, cure)


def _contradictory(table: LabelledTexts, groups: Sequence[tuple[int, ...]]) -> Finding:
    check = "equal texts, other labels"
    found = [group for group in groups if len({table.labels[position] for position in group}) > 1]
    if not found:
        return Finding(check, "good", "no text has two labels")
    message = f"{count(len(found), 'text stands', 'texts stand')} under different labels"
    rows = [table.rows[position] for group in found for position in group]
    return _of_rows(check, "warn", message, rows, "decide which label is right, and give each text one")


def _own_names(table: LabelledTexts) -> Finding:
    """Find labels whose name stands in many of their own texts and is at least twice as frequent there as elsewhere."""
    check = "label in its own text"
    own, others = _texts_with_names(table)
    counts = tally(table.labels)
    told, rows = [], []
    for label, found in sorted(own.items()):
        share = len(found) / counts[label]
        elsewhere = others[label] / max(1, len(table) - counts[label])
        if share > _OWN_NAME_SHARE and share > _OWN_NAME_RATIO * elsewhere:
            told.append(f"{label!r} in {share:.0%} of its texts")
            rows += found
    if not told:
        return Finding(check, "good", "no label's name gives its texts away")
    cure = "make sure that the label was not written into the text, by hand or by an export"
    return _of_rows(check, "warn", f"the label's name stands in its own texts: {some(told)}", rows, cure)


def _texts_with_names(table: LabelledTexts) -> tuple[dict[str, list[int]], Counter[str]]:
    """Give, for each label, the rows of its own texts that name it, and the number of other texts that do.

    Labels are looked up by their first word, so that many labels cost no more than few.
    """
    by_first: dict[str, list[tuple[str, str]]] = {}
    for label in set(table.labels):
        if words := _words(label):
            by_first.setdefault(words[0], []).append((label, f" {' '.join(words)} "))
    own: dict[str, list[int]] = {}
    others: Counter[str] = Counter()
    for text, true_label, row in zip(table.texts, table.labels, table.rows, strict=True):
        words = _words(text)
        firsts = by_first.keys() & set(words)
        padded = f" {' '.join(words)} " if firsts else ""
        for label, phrase in (pair for first in firsts for pair in by_first[first]):
            if phrase not in padded:
                continue
            if label == true_label:
                own.setdefault(label, []).append(row)
            else:
                others[label] += 1
    return own, others


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _left_out(left_out: Sequence[LeftOut]) -> Finding:
    total = sum(len(part.rows) for part in left_out)
    if not total:
        return Finding("rows left out", "good", "every row of the data is used")
    reasons = ", ".join(f"{part.reason} {len(part.rows):,}" for part in left_out)
    message = f"{count(total, 'row is', 'rows are')} left out: {reasons}"
    rows = [row for part in left_out for row in part.rows]
    return _of_rows("rows left out", "warn", message, rows, "fill or delete these rows; audit.json lists all of them")


def _seen(name: str, table: LabelledTexts, seen: Collection[str], where: str) -> Finding:
    check = f"{name} texts unseen"
    rows = [row for text, row in zip(table.texts, table.rows, strict=True) if normalise(text) in seen]
    if not rows:
        return Finding(check, "good", f"no {name} text stands in {where}")
    message = (
        f"{len(rows):,} of {count(len(table), f'{name} text')} {'stands' if len(rows) == 1 else 'stand'} in {where} too"
    )
    return _of_rows(check, "warn", message, rows, f"remove these rows from {where}: scores on seen texts are too good")


def _numbers(found: Mapping[str, int]) -> str:
    return some([f"{label!r} ({number:,})" for label, number in found.items()], limit=10)
