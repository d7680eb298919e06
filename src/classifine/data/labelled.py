"""Takes one source of texts and labels and gives labelled texts: read, joined, named, merged, aggregated.

Every row that came in is used, left out by reason, or set aside. Does not know audits, splits or models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine.data.annotators.aggregation import Aggregation, aggregate
from classifine.data.rows.accounting import FileRead, LeftOut, by_reason
from classifine.data.rows.labelling import Relabelling, relabel
from classifine.data.rows.reading import Reading, read_judgements, read_labelled
from classifine.data.rows.remote import Fetched
from classifine.errors import SettingsProblem, count
from classifine.labels import several_labels
from classifine.settings import DataSettings, Settings
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
    def rare(self) -> frozenset[str]:
        """The labels that had too few rows, as ``min_rows`` says."""
        changes = [change for one in self.relabelling for change in one.changes]
        return frozenset(change.label for change in changes if change.step == "min_rows")

    def rows_of(self, items: Sequence[tuple[str, str]]) -> tuple[LeftOut, ...]:
        """Give the rows of items, or all their judgements, by reason: pairs of reason and id."""
        if self.judgements is not None:
            return _rows_of(items, self.judgements)
        row_of = dict(zip(self.table.ids, self.table.rows, strict=True))
        return by_reason((reason, row_of[name]) for reason, name in items)

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
            "unnamed_labels": [label for one in self.relabelling for label in one.unnamed],
            "rows_with_fewer_labels": sum(one.lost_labels for one in self.relabelling),
        }


def labelled(
    source: Any,
    settings: Settings,
    *,
    texts: Any = None,
    decisions: Mapping[str, str] | None = None,
    first: Labelled | None = None,
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
    first
        What the training file gave, when this is a file beside it: which labels are rare is decided there.
    partly
        Whether decisions may be about items of other files.
    say
        Called with a stage and a plain sentence.
    """
    data = settings.data
    refuse_idle(data)
    rare = None if first is None else first.rare
    on = data.on if texts is not None else None
    if data.annotator is None and not data.annotator_columns:
        reading = read_labelled(source, data, texts=texts, on=on)
        table, left_out, told = relabel(reading.table, data, rare=rare)
        _say_reading(reading, say)
        say("read", f"{count(len(table), 'labelled text')} of {count(reading.rows_in, 'row')} from {_named(source)}")
        if data.blank_labels == "none":
            none = sum(not several_labels(cell, data.label_separator) for cell in table.labels)
            say("read", f"{count(none, 'text has', 'texts have')} no label: a blank cell says so (blank_labels)")
        return Labelled(table, reading, reading.left_out + left_out, (told,))
    judged = read_judgements(source, data, texts=texts, on=on)
    _say_reading(judged, say)
    # Votes for labels that are not kept still count as votes; which labels are kept is asked of the items.
    named, left_out, before = relabel(judged.table, replace(data, keep_labels=()), rare=rare)
    if decisions is not None and partly:
        own = set(named.ids)
        decisions = {name: label for name, label in decisions.items() if name in own}
    found = aggregated(named, settings, decisions=decisions)
    kept, unkept, after = relabel(found.labelled, replace(data, label_names={}, merge_labels={}), rare=rare)
    found = _without(found, kept, unkept)
    say("read", _told(found, _named(source)))
    lost = [(item.how, item.id) for item in found.by_item if item.label is None]
    return Labelled(kept, judged, judged.left_out + left_out + _rows_of(lost, named), (before, after), found)


def refuse_idle(data: DataSettings) -> None:
    """Refuse settings that would have no effect beside the others, since somebody counts on them.

    Raises
    ------
    SettingsProblem
        There are such settings; all are named.
    """
    judged = data.annotator is not None or bool(data.annotator_columns)
    plain = DataSettings()
    idle = [
        (data.expert is not None and data.aggregation != "expert", "expert", 'aggregation = "expert"'),
        (bool(data.priority) and data.ties != "priority", "priority", 'ties = "priority"'),
        (data.aggregation != plain.aggregation and not judged, "aggregation", "annotators"),
        (data.ties != plain.ties and not judged, "ties", "annotators"),
        (data.scale != plain.scale and not judged, "scale", "annotators"),
        (data.blank_labels == "none" and not data.multi_label, "blank_labels", "multi_label"),
        (data.blank_labels == "none" and judged, "blank_labels", "one label cell a text, not with annotators, and"),
    ]
    told = [f"  - {name} has an effect with {needs} only" for wrong, name, needs in idle if wrong]
    if told:
        raise SettingsProblem(
            "\n".join(["some settings would have no effect:", *told]),
            cure="add what they need (annotators are named by --annotator or --annotator-columns), or leave them out",
        )


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
    if isinstance(source, str | Path | Fetched):
        return str(source)
    if isinstance(source, list) and all(isinstance(one, str | Path | Fetched) for one in source):
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


def _without(found: Aggregation, kept: LabelledTexts, unkept: Sequence[LeftOut]) -> Aggregation:
    """Take their labels from the items that are not kept, and say why they have none."""
    reason_of = {row: part.reason for part in unkept for row in part.rows}
    item_of = dict(zip(found.labelled.rows, found.labelled.ids, strict=True))
    gone = {item_of[row]: reason for row, reason in reason_of.items()}
    by_item = tuple(replace(item, label=None, how=gone[item.id]) if item.id in gone else item for item in found.by_item)
    touched = Counter(item.how for item in by_item)
    return replace(found, labelled=kept, by_item=by_item, touched=dict(touched.most_common()))


def annotation_of(found: Sequence[Labelled]) -> dict[str, Any] | None:
    """Give how judgements became labels: of the first file, with the ties of all."""
    aggregations = [one.aggregation for one in found if one.aggregation is not None]
    if not aggregations:
        return None
    return {**aggregations[0].to_dict(), "ties": sum(len(one.ties) for one in aggregations)}


def account_of(found: Mapping[str, Labelled]) -> dict[str, Any]:
    """Add up what several files brought; what is left out or rejected beside the first names its file's role."""
    told = [one.to_dict() for one in found.values()]
    listed = ("detected", "repairs", "label_changes", "unnamed_labels")
    counted = ("rows_in", "rows_used", "texts", "not_judged", "rows_with_fewer_labels")
    return {
        **{name: sum(one.get(name, 0) for one in told) for name in counted},
        "left_out": [part.to_dict() for part in left_out_of(found)],
        "rejected": [part.to_dict() for part in rejected_of(found)],
        **{name: [entry for one in told for entry in one.get(name, ())] for name in listed},
        "joins": [one["join"] for one in told if one.get("join")],
    }


def left_out_of(found: Mapping[str, Labelled]) -> list[LeftOut]:
    """List what was left out of several files, by reason."""
    parts = [(role, part) for role, one in found.items() for part in one.left_out]
    return [replace(part, reason=named_by_role(part.reason, role)) for role, part in parts]


def rejected_of(found: Mapping[str, Labelled]) -> list[LeftOut]:
    """List the rows of several files that could not be read, by reason."""
    sorted_out = {role: by_reason((row.reason, row.row) for row in one.reading.rejected) for role, one in found.items()}
    parts = [(role, part) for role, listed in sorted_out.items() for part in listed]
    return [replace(part, reason=named_by_role(part.reason, role)) for role, part in parts]


def named_by_role(reason: str, role: str) -> str:
    """Say with a reason which file it is about, where that is not the first."""
    return reason if role == "first" else f"{reason} ({role} file)"


def _rows_of(items: Sequence[tuple[str, str]], judgements: Judgements) -> tuple[LeftOut, ...]:
    """Give the rows of all judgements of these items, by reason."""
    reason_of = {name: reason for reason, name in items}
    judged = zip(judgements.ids, judgements.rows, strict=True)
    found = by_reason((reason_of[name], row) for name, row in judged if name in reason_of)
    return tuple(LeftOut(part.reason, tuple(dict.fromkeys(part.rows))) for part in found)
