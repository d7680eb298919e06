"""Takes one source of texts and labels and gives labelled texts: read, joined, named, merged, aggregated.

Every row that came in is used, left out by reason, or set aside. Does not know audits, splits or models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine.data.annotators.aggregation import Aggregation, aggregate
from classifine.data.rows.accounting import FileRead, LeftOut
from classifine.data.rows.labelling import Relabelling, relabel
from classifine.data.rows.reading import Reading, read_judgements, read_labelled
from classifine.errors import count
from classifine.settings import Settings
from classifine.tables import Judgements, LabelledTexts

Say = Callable[[str, str], None]


def silent(stage: str, message: str) -> None:
    """Say nothing; what a caller from Python gets unless it asks."""


@dataclass(frozen=True)
class Labelled:
    """Labelled texts from one place, and what became of its rows, labels and judgements.

    Attributes
    ----------
    table
        One label a text.
    reading
        What was read, before labels were named, merged or left out.
    left_out
        All rows that are not used, by reason.
    relabelling
        What was done to the labels.
    aggregation
        How judgements became labels, or none where each row was a label already.
    """

    table: LabelledTexts
    reading: Reading[LabelledTexts] | Reading[Judgements]
    left_out: tuple[LeftOut, ...]
    relabelling: tuple[Relabelling, ...]
    aggregation: Aggregation | None = None

    @property
    def judgements(self) -> Judgements | None:
        """The judgements as they were read."""
        return self.reading.table if isinstance(self.reading.table, Judgements) else None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: the account of the rows, in which those that came in are used, left out or rejected."""
        further = sum(len(part.rows) for part in self.left_out) - sum(len(part.rows) for part in self.reading.left_out)
        return {
            **self.reading.to_dict(),
            "rows_used": self.reading.rows_used - further,
            "texts": len(self.table),
            "left_out": [part.to_dict() for part in self.left_out],
            "label_changes": [change.to_dict() for one in self.relabelling for change in one.changes],
        }


def labelled(
    source: Any,
    settings: Settings,
    *,
    texts: Any = None,
    decisions: Mapping[str, str] | None = None,
    partly: bool = False,
    say: Say = silent,
) -> Labelled:
    """Read labelled texts; judgements are aggregated to one label an item.

    Parameters
    ----------
    source
        What :func:`read_labelled` reads.
    settings
        What was chosen.
    texts
        Where the texts stand if not beside the labels.
    decisions
        The labels that a person chose for items that tie.
    partly
        Whether decisions may be about items of other files.
    say
        Called with a stage and a plain sentence.
    """
    data = settings.data
    if data.annotator is None and not data.annotator_columns:
        reading = read_labelled(source, data, texts=texts)
        table, left_out, told = relabel(reading.table, data)
        _say_reading(reading, say)
        say("read", f"{count(len(table), 'labelled text')} of {count(reading.rows_in, 'row')} from {_named(source)}")
        return Labelled(table, reading, reading.left_out + left_out, (told,))
    judged = read_judgements(source, data, texts=texts)
    _say_reading(judged, say)
    # Votes for labels that are not kept still count as votes; which labels are kept is asked of the items.
    named, left_out, first = relabel(judged.table, replace(data, keep_labels=()))
    if decisions is not None and partly:
        own = set(named.ids)
        decisions = {name: label for name, label in decisions.items() if name in own}
    found = aggregated(named, settings, decisions=decisions)
    kept, unkept, second = relabel(found.labelled, replace(data, label_names={}, merge_labels={}))
    say("read", _told(found, _named(source)))
    return Labelled(kept, judged, judged.left_out + left_out + _of_judgements(unkept, named), (first, second), found)


def aggregated(
    judgements: Judgements, settings: Settings, *, decisions: Mapping[str, str] | None = None
) -> Aggregation:
    """Aggregate judgements as the settings say."""
    data = settings.data
    return aggregate(
        judgements,
        method=data.aggregation,
        ties=data.ties,
        priority=data.priority,
        expert=data.expert,
        scale=data.scale,
        order=data.label_order,
        decisions=decisions,
        seed=settings.seed,
    )


def _say_reading(reading: Reading[Any], say: Say) -> None:
    """Say what was settled about the files and what was read otherwise than it stands."""
    for file in reading.detected:
        if told := _settled(file):
            say("read", told)
    for repair in reading.repairs:
        say("read", repair)
    if reading.rejected:
        say("read", f"{count(len(reading.rejected), 'row')} set aside: {_reasons(reading)}")
    if reading.join is not None:
        say("join", reading.join.told())


def _settled(file: FileRead) -> str | None:
    """Say how a file was read; nothing where it is as everybody expects, UTF-8 with commas."""
    encoding, delimiter = file.stated.get("encoding"), file.stated.get("delimiter")
    plain = encoding in (None, "utf-8", "utf-8-sig") and delimiter in (None, ",")
    if plain and not file.stated.get("compression"):
        return None
    confidence = f", confidence {file.stated['confidence']:.2f}" if file.stated["encoding_by"] == "guessed" else ""
    found = [f"encoding {encoding} ({file.stated['encoding_by']}{confidence})"] if encoding else []
    found += [f"delimiter {delimiter!r}"] if delimiter else []
    found += [f"packed as {file.stated['compression']}"] if file.stated.get("compression") else []
    return f"{file.file}: {', '.join(found)}"


def _reasons(reading: Reading[Any]) -> str:
    return ", ".join(f"{part['reason']} {part['count']:,}" for part in reading.to_dict()["rejected"])


def _named(source: Any) -> str:
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, list) and all(isinstance(one, str | Path) for one in source):
        return str(source[0]) if len(source) == 1 else f"{len(source)} files"
    return "the data"


def _told(found: Aggregation, where: str) -> str:
    undecided = sum(tie.label is None for tie in found.ties)
    ties = count(len(found.ties), "tie")
    if found.ties:
        ties += f" ({undecided:,} without a label)" if undecided else " (all settled)"
    return (
        f"{count(found.judgements, 'judgement')} of {count(found.items, 'text')} by "
        f"{count(found.annotators, 'annotator')} from {where}; labels by {found.method}, {ties}"
    )


def _of_judgements(left_out: Sequence[LeftOut], judgements: Judgements) -> tuple[LeftOut, ...]:
    """Give, for items that are left out by their first row, the rows of all their judgements."""
    rows_of: dict[str, list[int]] = {}
    for name, row in zip(judgements.ids, judgements.rows, strict=True):
        rows_of.setdefault(name, []).append(row)
    item_of = dict(zip(judgements.rows, judgements.ids, strict=True))
    return tuple(
        LeftOut(part.reason, tuple(sorted({row for one in part.rows for row in rows_of[item_of[one]]})))
        for part in left_out
    )
