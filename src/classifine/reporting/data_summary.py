"""Takes what audit.json holds and gives the page's view of it.

Values are picked and put in order, never computed; what an older run did not store stays away. Does not know HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from classifine.reporting.annotation_summary import annotation_of
from classifine.reporting.data_view import (
    Audit,
    Contamination,
    Division,
    FileRead,
    Finding,
    Furthest,
    Join,
    LabelChange,
    LeftOut,
    Shared,
)

SPLITS = ("train", "validation", "test")
SHOWN_ROWS = 1_000  # of one reason; nobody reads more on a page, and audit.json has them all

_SEVERITY = {"fail": 0, "warn": 1, "good": 2}


def audit_of(told: Mapping[str, Any]) -> Audit:
    """Read audit.json."""
    findings = [
        Finding(f["check"], f["level"], f["message"], f.get("count"), tuple(f.get("rows") or ()), f.get("cure"))
        for f in told["findings"]
    ]
    division, contamination = told.get("division"), told.get("contamination")
    refused = any(finding.check == "contamination" and finding.level == "fail" for finding in findings)
    return Audit(
        rows_in=told["rows_in"],
        rows_used=told["rows_used"],
        texts=told.get("texts"),
        left_out=_left_out(told["left_out"]),
        rejected=_left_out(told.get("rejected")),
        files=_files(told.get("detected")),
        repairs=tuple(told.get("repairs") or ()),
        joins=tuple(_join(join) for join in told.get("joins") or ()),
        label_changes=tuple(
            LabelChange(one["step"], one["label"], one["becomes"], one["rows"])
            for one in told.get("label_changes") or ()
        ),
        findings=tuple(sorted(findings, key=lambda finding: _SEVERITY[finding.level])),
        labels=told["labels"],
        splits=_by_part(told["splits"]),
        words={name: told["words"][name] for name in ("mean", "median", "p95", "max")},
        annotation=None if told["annotation"] is None else annotation_of(told["annotation"]),
        division=None if division is None else _division(division),
        contamination=None if contamination is None else _contamination(contamination, refused=refused),
    )


def _left_out(told: Iterable[Mapping[str, Any]] | None) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(one["reason"], one["count"], tuple(one["rows"][:SHOWN_ROWS])) for one in told or ())


def _numbered(reason: str, rows: Sequence[int]) -> LeftOut:
    return LeftOut(reason, len(rows), tuple(rows[:SHOWN_ROWS]))


def _files(told: Iterable[Mapping[str, Any]] | None) -> tuple[FileRead, ...]:
    names = ("format", "compression", "encoding", "encoding_by", "confidence", "delimiter", "delimiter_by")
    return tuple(
        FileRead(file=one["file"], rows=one.get("rows"), **{name: one.get(name) for name in names})
        for one in told or ()
    )


def _join(told: Mapping[str, Any]) -> Join:
    counts = ("labels_in", "labels_kept", "labels_lost", "texts_in", "texts_used", "texts_unused")
    return Join(
        on=told["on"],
        **{name: told[name] for name in counts},
        lost_ids=tuple(told["lost_ids"]),
        unused_ids=tuple(told["unused_ids"]),
        loud=told["loud"],
        told=told["told"],
        files=_files(told.get("detected")),
        rejected=_left_out(told.get("rejected")),
    )


def _division(told: Mapping[str, Any]) -> Division:
    rare, furthest = told["rare"], told.get("furthest")
    return Division(
        method=told["method"],
        cut=tuple(told["cut"]),
        rows=_by_part(told["rows"]),
        wanted=_by_part(told["wanted"]),
        shares=_by_part(told["shares"]),
        units=told["units"],
        largest_unit=told["largest_unit"],
        rare_rule=rare["rule"],
        rare=rare["labels"],
        dropped=_numbered("dropped", rare["dropped"]),
        moved=_numbered("moved", told["moved"]),
        furthest=None
        if furthest is None
        else Furthest(furthest["label"], furthest["part"], furthest["wanted"], furthest["reached"]),
        absent={part: tuple(names) for part, names in _by_part(told["absent"]).items()},
        told_apart=told.get("told_apart", False),
    )


def _contamination(told: Mapping[str, Any], *, refused: bool) -> Contamination:
    shared = tuple(
        Shared(
            part=one["part"],
            against=one["against"],
            rows=one["rows"],
            kinds={
                kind: LeftOut(kind, found["count"], tuple(found["rows"][:SHOWN_ROWS]))
                for kind, found in one["kinds"].items()
            },
        )
        for one in told["shared"]
    )
    counts = {name: told[name] for name in ("test_rows", "clean", "seen", "share", "threshold")}
    return Contamination(**counts, shared=shared, refused=refused)


def _by_part(told: Mapping[str, Any]) -> dict[str, Any]:
    return {part: told[part] for part in SPLITS if part in told}
