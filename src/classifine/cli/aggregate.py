"""The verb ``aggregate``: turn many annotators' judgements into one label a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import (
    ANNOTATORS,
    COLUMNS,
    FILES,
    LABELS,
    PATH,
    Sectioned,
    data_options,
    decisions_option,
    files_of,
    refuse_inputs,
    settings_of,
    settings_options,
    texts_option,
)
from classifine.data.beside import Record

if TYPE_CHECKING:
    from classifine.data.annotators.aggregation import Aggregation
    from classifine.data.labelled import Labelled
    from classifine.settings import Settings


@click.command(cls=Sectioned)
@click.argument("data", nargs=-1, required=True)
@texts_option
@decisions_option
@click.option("-o", "--output", type=PATH, required=True, metavar="FILE", help="CSV file for the labels.")
@click.option("--further-label", multiple=True, metavar="COLUMN", help="A further column of labels; repeatable.")
@settings_options
@data_options(COLUMNS, FILES, LABELS, ANNOTATORS)
def aggregate(data: tuple[str, ...], output: Path, further_label: tuple[str, ...], **options: Any) -> None:
    """Turn the judgements in DATA into one label a text: --annotator names their column, --id that of the texts.

    Writes a row a text: label, share of the judgements for it, entropy, whether it tied, what decided, votes and soft
    label; and next to it the ties, and everything that was counted as JSON. With --further-label, each further column
    of labels gets files of its own.
    """
    from classifine.data.annotators.sheets import read_decisions
    from classifine.data.labelled import labelled
    from classifine.errors import UsageError

    settings = settings_of(options)
    if output.suffix.lower() != ".csv":
        raise UsageError(f"{output} does not end in .csv, but CSV is what is written", cure="choose a name as gold.csv")
    decisions = read_decisions(options["decisions"]) if options["decisions"] is not None else None
    if settings.data.annotator is None and not settings.data.annotator_columns:
        raise UsageError(
            "judgements need annotators",
            cure="name their column with --annotator, or each annotator's column with --annotator-columns",
        )
    _require_columns(settings, further_label, decided=decisions is not None)
    columns = (settings.data.label, *further_label)
    written = [_Written.beside(output, column if further_label else None) for column in columns]
    _require_apart(written)
    for files in written:
        files.require({**options, "data": data})
    read = files_of({"data": data, "texts": options["texts"]})
    for column, files in zip(columns, written, strict=True):
        chosen = settings.with_names({"label": column})
        found = labelled(read.first, chosen, texts=read.texts, decisions=decisions, say=console.say)
        _write(found, files)


@dataclass(frozen=True)
class _Written:
    """The files that are written for one column of labels."""

    labels: Path
    ties: Path
    rejected: Path
    json: Path

    @property
    def record(self) -> Record:
        """What lists the others."""
        return Record(self.json, "aggregate")

    @classmethod
    def beside(cls, output: Path, column: str | None) -> _Written:
        """Name them after the file of labels and, where there are several, the column."""
        stem = output.stem if column is None else f"{output.stem}.{column}"
        ends = (output.suffix, ".ties.csv", ".rejected.csv", ".json")
        return cls(*(output.with_name(stem + end) for end in ends))

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that may be written."""
        return self.labels, self.ties, self.rejected, self.json

    def require(self, options: Mapping[str, Any]) -> None:
        """Refuse to write over what is read, or what an earlier command did not write."""
        refuse_inputs([self.labels, self.rejected, self.json], options)
        refuse_inputs([self.ties], {**options, "decisions": None})  # the same ties may be written again
        self.record.refuse_foreign(self.all[:-1], cure="choose another name with -o")


def _require_apart(written: Sequence[_Written]) -> None:
    """Refuse columns whose files would have the same names."""
    from classifine.errors import UsageError, some

    names = [path.name for files in written for path in files.all]
    plain = [name.casefold() for name in names]  # some discs know no capitals
    twice = [name for name in dict.fromkeys(names) if plain.count(name.casefold()) > 1]
    if twice:
        raise UsageError(
            f"files of two columns would have the same name: {some(twice)}",
            cure="type one command for each column, each with a name of its own after -o",
        )


def _require_columns(settings: Settings, further: tuple[str, ...], *, decided: bool) -> None:
    """Refuse further columns of labels where it is not plain what they would mean."""
    from classifine.errors import UsageError

    if not further:
        return
    if settings.data.annotator_columns:
        raise UsageError(
            "where each annotator has a column, there is no further column of labels",
            cure="leave --further-label out; for another question, name its columns with --annotator-columns",
        )
    if decided:
        raise UsageError(
            "decisions about ties belong to one column of labels",
            cure="leave --further-label out, and type one command for each column",
        )
    if settings.data.label in further or len(set(further)) < len(further):
        raise UsageError("a column of labels is named twice", cure="name each column once")
    strange = [column for column in further if not column.strip(". ") or set(column) & set('/\\:*?"<>|\0')]
    if strange:
        raise UsageError(
            f"the column {strange[0]!r} cannot be part of a file's name",
            cure="aggregate it by a command of its own: --label COLUMN -o FILE",
        )


def _write(found: Labelled, files: _Written) -> None:
    from classifine import durable
    from classifine.data.annotators.aggregation import write_ties
    from classifine.data.annotators.sheets import refuse_to_lose, write_labels
    from classifine.data.rows.accounting import write_rejected

    assert found.aggregation is not None
    told, quarantine = found.aggregation, found.reading.quarantine
    _tell(found, told)
    refuse_to_lose(files.ties, told.ties)
    made = [files.labels]
    made += [files.ties] if told.ties else []
    made += [files.rejected] if quarantine else []
    files.record.remove_left([files.ties, files.rejected], made)
    # first, so that the files beside it are known as ours even when this is interrupted
    account = {**files.record.entries(made), **found.to_dict(), "annotation": told.to_dict()}
    durable.write_json(files.json, account)
    write_labels(files.labels, told, dict(zip(found.reading.table.ids, found.reading.table.texts, strict=True)))
    if told.ties:
        write_ties(files.ties, told.ties)
    if quarantine:
        write_rejected(files.rejected, quarantine)
    console.say("files", ", ".join(map(str, (*made, files.json))))
    if told.tie_rule == "review" and any(tie.label is None for tie in told.ties):
        again = f'fill in the label in "{files.ties}" and type the command again with --decisions "{files.ties}"'
        console.say("next", again)


def _tell(found: Labelled, told: Aggregation) -> None:
    """Say how far the annotators agree, what decided, what is left out and what is doubtful."""
    from classifine.errors import count, some

    agreement = told.agreement.to_dict()
    console.say("agreement", _alpha(agreement))
    console.say("decided", "; ".join(f"{rule} {number:,}" for rule, number in told.touched.items()))
    if found.left_out:
        rows = sum(len(part.rows) for part in found.left_out)
        reasons = ", ".join(f"{part.reason} {len(part.rows):,}" for part in found.left_out)
        console.say("left out", f"{count(rows, 'row')}: {reasons}; the JSON file names {'it' if rows == 1 else 'them'}")
    unnamed = [repr(label) for change in found.relabelling[:1] for label in change.unnamed]
    if unnamed:
        console.say("mind", f"labels for which --label-names has no name stay as they are: {some(unnamed)}")
    differing = len(told.comparison.differing)
    if differing:
        methods = "the majority, the chosen rule and Dawid-Skene"
        console.say("mind", f"{methods} do not give the same label to {count(differing, 'text')}; see the JSON file")
    for sentence in (*told.warnings, *told.notes):
        console.say("mind", sentence)


def _alpha(agreement: dict[str, Any]) -> str:
    if agreement["alpha"] is None:
        return "Krippendorff's alpha is undefined"
    return f"Krippendorff's alpha {agreement['alpha']:.3f}; {agreement['agreement']:.1%} of the pairs agree"
