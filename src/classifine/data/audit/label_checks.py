"""Takes labels with their counts and gives findings: too few, too rare, out of balance, written in two ways.

Does not know what the texts say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from classifine.data.audit.findings import Finding, numbers, of_rows
from classifine.data.audit.material import Material
from classifine.data.rows.accounting import LeftOut
from classifine.errors import count, some

RareRule = Literal["train", "drop", "refuse"]

_BY_RULE = {
    "train": "their rows stay in training, so that no score speaks of them",
    "drop": "their rows are left out",
}
_FEWEST_LABELS = 2
_FEW_ROWS = 50
_FEW_OF_A_LABEL = 8
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def label_count(material: Material) -> Finding:
    """Check that there are two labels."""
    if len(material.names) > 1:
        return Finding("labels", "good", f"{len(material.names):,} labels", len(material.names))
    cure = "check which column holds the labels; a classifier needs two of them"
    message = f"all {count(len(material), 'row')} have the label {material.names[0]!r}"
    return Finding("labels", "fail", message, 1, cure=cure)


def too_rare(material: Material, parts: int, rule: RareRule) -> Finding:
    """Check that every label can stand in every part, and say what the rule does with those that cannot."""
    check = "labels to divide"
    rare = {name: n for name, n in zip(material.names, material.different.tolist(), strict=True) if n < parts}
    if not rare:
        return Finding(check, "good", f"each label has at least {count(parts, 'different text')}")
    message = f"{count(len(rare), 'label has', 'labels have')} fewer than {parts} different texts: {numbers(rare)}"
    cure = "add rows of these labels, merge them with others, or remove them"
    left = len(material.names) - len(rare)
    if rule == "refuse" or left < _FEWEST_LABELS:
        return of_rows(check, "fail", message, material.rows_with(rare), cure)
    return of_rows(check, "warn", f"{message}; {_BY_RULE[rule]}", material.rows_with(rare), cure)


def few(material: Material, parts: int) -> Finding:
    """Check that a label's scores will rest on more than a row or two."""
    check = "rows of each label"
    different = zip(material.names, material.different.tolist(), strict=True)
    found = {name: n for name, n in different if parts <= n < _FEW_OF_A_LABEL}
    if not found:
        return Finding(check, "good", f"no label that can be divided has fewer than {_FEW_OF_A_LABEL} different texts")
    message = f"{count(len(found), 'label has', 'labels have')} fewer than {_FEW_OF_A_LABEL} different texts"
    cure = "add rows of these labels, or expect little of them: their scores rest on one or two test rows"
    return of_rows(check, "warn", f"{message}: {numbers(found)}", material.rows_with(found), cure)


def size(material: Material) -> Finding:
    """Check that there is enough to learn from."""
    if len(material) >= _FEW_ROWS:
        return Finding("size", "good", f"{len(material):,} labelled texts", len(material))
    cure = "label more texts; a few hundred are the least for fine-tuning"
    return Finding("size", "warn", f"only {count(len(material), 'labelled text')}", len(material), cure=cure)


def balance(material: Material) -> Finding:
    """Check that no label is far below an even share."""
    place = int(material.counts.argmin())
    name, number = material.names[place], int(material.counts[place])
    message = f"the rarest label, {name!r}, has {number / len(material):.1%} of the rows"
    # below 5 % of two labels; with more labels each is small, and what counts is a tenth of an even share
    if number * 10 * len(material.names) >= len(material.label):
        return Finding("balance", "good", message, number)
    cure = "look at its own scores, not only at accuracy; more rows of it help most, class_weights may help"
    return of_rows("balance", "warn", message, material.rows_with({name}), cure)


def twins(material: Material) -> Finding:
    """Find labels that look like one label written in two ways."""
    check = "label twins"
    forms: dict[str, list[str]] = {}
    for name in material.names:
        forms.setdefault(_plain(name), []).append(name)
    found = [names for names in forms.values() if len(names) > 1]
    if not found:
        message = "no two labels differ in case, space, Unicode form or the way a number is written only"
        return Finding(check, "good", message)
    counts = dict(zip(material.names, material.counts.tolist(), strict=True))
    told = some([" and ".join(f"{name!r} ({counts[name]:,})" for name in names) for names in found])
    message = f"labels that differ in case, space, Unicode form or the way a number is written only: {told}"
    rarer = {name for names in found for name in sorted(names, key=lambda name: -counts[name])[1:]}
    cure = "if they mean the same, write them the same, or name them in a file for --merge-labels"
    return of_rows(check, "warn", message, material.rows_with(rarer), cure)


def rows_left_out(left_out: Sequence[LeftOut]) -> Finding:
    """Say which rows are not used, and why."""
    total = sum(len(part.rows) for part in left_out)
    if not total:
        return Finding("rows left out", "good", "every row of the data is used")
    reasons = ", ".join(f"{part.reason} {len(part.rows):,}" for part in left_out)
    message = f"{count(total, 'row is', 'rows are')} left out: {reasons}"
    rows = [row for part in left_out for row in part.rows]
    return of_rows(
        "rows left out", "warn", message, rows, "audit.json lists all of them by reason; mend what can be mended"
    )


def rows_rejected(rejected: Sequence[LeftOut]) -> Finding:
    """Say which rows could not be read, and why."""
    total = sum(len(part.rows) for part in rejected)
    if not total:
        return Finding("rows rejected", "good", "every row of the file could be read")
    reasons = ", ".join(f"{part.reason} {len(part.rows):,}" for part in rejected)
    message = f"{count(total, 'row was', 'rows were')} rejected by the reader: {reasons}"
    rows = [row for part in rejected for row in part.rows]
    return of_rows("rows rejected", "warn", message, rows, "mend these rows in the file, or go on without them")


def _plain(name: str) -> str:
    """Write a label so that twins look the same; 1, 1.0 and 1,0 do."""
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    if _NUMBER.fullmatch(folded):
        return format(Decimal(folded.replace(",", ".")).normalize(), "f")
    return folded
