"""Takes labelled texts and gives findings, good, warn or fail, each with row numbers and what to do.

Does not know files, models or how splits are made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.data.audit import giveaways, label_checks, repeats, text_checks
from classifine.data.audit.drift import drift
from classifine.data.audit.findings import Finding, of_rows, raise_on_fail
from classifine.data.audit.languages import languages
from classifine.data.audit.material import Material
from classifine.data.likeness.duplicates import NormalForms, normalise
from classifine.data.rows.accounting import LeftOut
from classifine.errors import count
from classifine.labels import LabelSpace, tally
from classifine.tables import LabelledTexts, Splits

__all__ = ["Finding", "audit", "audit_dict", "audit_drift", "audit_splits", "raise_on_fail"]


def audit(
    table: LabelledTexts,
    *,
    left_out: Sequence[LeftOut] = (),
    rejected: Sequence[LeftOut] = (),
    parts: int = 3,
    rare: label_checks.RareRule = "train",
    space: LabelSpace | None = None,
    forms: NormalForms | None = None,
    clusters: npt.NDArray[np.int64] | None = None,
    count_tokens: text_checks.Counter | None = None,
    labels_only: bool = False,
) -> tuple[Finding, ...]:
    """Check labels and texts; every check gives one finding.

    Parameters
    ----------
    table
        The labelled texts in use.
    left_out, rejected
        Rows of the file that are not: left out by rule, or rejected by the reader.
    parts
        Into how many splits the table will be divided; every label must stand in each of them.
    rare
        What becomes of labels that cannot: they stay in training, are dropped, or refused.
    space
        The label space, where a text may have several labels; each then counts by itself.
    forms
        The normal forms of the texts, where they are known.
    clusters
        Near-duplicates, as ``clusters_of`` numbers them; found here if not given.
    count_tokens
        Counts tokens as the base model does; without it nothing is said about texts that the model would cut.
    labels_only
        Check nothing but labels and the account of the rows, which is what decides whether texts can be divided.
    """
    if not len(table):
        return (Finding("labels", "fail", "there is no labelled text", cure="check the file and its columns"),)
    material = Material.of(table, space.separator if space else None, forms)
    if not material.names:
        return (Finding("labels", "fail", "no text has a label", cure="check the column of the labels"),)
    labels = (
        label_checks.label_count(material),
        label_checks.too_rare(material, parts, rare),
        label_checks.few(material, parts),
        label_checks.size(material),
        label_checks.balance(material),
        label_checks.twins(material),
    )
    rows = (label_checks.rows_left_out(left_out), label_checks.rows_rejected(rejected))
    return labels + (() if labels_only else _texts(material, clusters, count_tokens)) + rows


def _texts(
    material: Material, clusters: npt.NDArray[np.int64] | None, count_tokens: text_checks.Counter | None
) -> tuple[Finding, ...]:
    similar = material.forms.clusters() if clusters is None else clusters
    return (
        text_checks.without_words(material),
        repeats.repeated(material),
        repeats.nearly_repeated(material, similar),
        repeats.contradictory(material),
        giveaways.own_names(material),
        giveaways.phrases(material),
        giveaways.length(material),
        *([text_checks.cut(material, count_tokens)] if count_tokens else []),
        languages(material, count_tokens),
        text_checks.damage(material),
        text_checks.personal_data(material),
    )


def audit_splits(splits: Splits) -> tuple[Finding, ...]:
    """Check that no text of the test rows is seen in training or validation, and no validation text in training."""
    train = {normalise(text) for text in set(splits.train.texts)}
    validation = {normalise(text) for text in set(splits.validation.texts)}
    return (
        _seen("test", splits.test, train | validation, "training or validation"),
        _seen("validation", splits.validation, train, "training"),
    )


def audit_drift(splits: Splits) -> tuple[Finding, ...]:
    """Check whether splits that came divided differ in what they speak of."""
    train, validation, test = ([normalise(text) for text in table.texts] for _, table in splits.items())
    return drift("test", test, "train", train), drift("validation", validation, "train", train)


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


def _seen(name: str, table: LabelledTexts, seen: Collection[str], where: str) -> Finding:
    check = f"{name} texts unseen"
    again = {text for text in set(table.texts) if normalise(text) in seen}
    rows = [row for text, row in zip(table.texts, table.rows, strict=True) if text in again]
    if not rows:
        return Finding(check, "good", f"no {name} text stands in {where}")
    message = (
        f"{len(rows):,} of {count(len(table), f'{name} text')} {'stands' if len(rows) == 1 else 'stand'} in {where} too"
    )
    return of_rows(check, "warn", message, rows, f"remove these rows from {where}: scores on seen texts are too good")
