"""Takes what audit.json says of annotators and gives the page's view of it.

Values are picked and put in order, never computed; what an older run did not store stays away. Does not know HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifine.reporting.annotation_view import Annotation, AnnotatorLine, Difference, Pair
from classifine.reporting.measures import Measure

SHOWN_DIFFERENCES = 20

_COUNTS = {
    "annotators": "annotators",
    "judgements": "judgements",
    "items": "items",
    "unanimous": "unanimous",
    "judged_once": "judged once",
    "repeated": "repeated",
    "ties": "ties",
}


def annotation_of(told: Mapping[str, Any]) -> Annotation:
    """Read the ``annotation`` of audit.json."""
    measures = told.get("measures") or {}
    compared = told.get("compared") or ()
    right = (told.get("estimate") or {}).get("right") or {}
    by_label = [(line["label"], _measure(line)) for line in told.get("by_label") or ()]
    lines = [_annotator(line, right) for line in told["by_annotator"]]
    return Annotation(
        counts={words: told[name] for name, words in _COUNTS.items() if told.get(name) is not None},
        method=told.get("method"),
        tie_rule=told["tie_rule"],
        scale=told.get("scale"),
        percent=_of_all(measures.get("percent"), told.get("agreement"), told),
        alpha=_of_all(measures.get("alpha"), told.get("alpha"), told),
        fleiss=_of_all(measures.get("fleiss"), None, told),
        by_label=tuple(sorted(by_label, key=lambda pair: (*_rank(pair[1]), pair[0]))),
        by_annotator=tuple(sorted(lines, key=lambda line: (*_rank(line.with_majority), line.annotator))),
        pairs=tuple(_pair(pair) for pair in told.get("pairs") or ()),
        n_pairs=told.get("n_pairs", 0),
        touched=told.get("touched") or {},
        differing=told.get("differing", 0),
        differences=tuple(
            Difference(one["id"], one["votes"], one["labels"])
            for one in (told.get("differences") or ())[:SHOWN_DIFFERENCES]
        ),
        methods=tuple(name for name in (compared[0] if compared else ()) if name != "label"),
        compared=tuple(
            (line["label"], {name: number for name, number in line.items() if name != "label"}) for line in compared
        ),
        warnings=tuple(told.get("warnings") or ()),
        notes=tuple(told.get("notes") or ()),
    )


def _measure(told: Mapping[str, Any]) -> Measure:
    return Measure(told["value"], told["low"], told["high"], told["items"], told.get("note"))


def _of_all(stored: Mapping[str, Any] | None, bare: float | None, told: Mapping[str, Any]) -> Measure | None:
    """Give a measure with its interval, or the bare value of a run that stored no more."""
    if stored is not None:
        return _measure(stored)
    return None if bare is None else Measure(bare, None, None, told["items"], None)


def _annotator(line: Mapping[str, Any], right: Mapping[str, float]) -> AnnotatorLine:
    name, kappa = line["annotator"], line.get("kappa")
    share = Measure(line["with_majority"], line.get("low"), line.get("high"), line["compared"], line.get("note"))
    return AnnotatorLine(name, line["judgements"], share, None if kappa is None else _measure(kappa), right.get(name))


def _pair(pair: Mapping[str, Any]) -> Pair:
    one, other = pair["annotators"]
    return Pair((one, other), pair["items"], _measure(pair["percent"]), _measure(pair["kappa"]))


def _rank(measure: Measure) -> tuple[bool, float]:
    """Put the lowest first and what is undefined last."""
    return measure.value is None, measure.value or 0.0
