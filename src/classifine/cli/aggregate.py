"""The verb ``aggregate``: turn many annotators' judgements into one label a text."""

from __future__ import annotations

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
    settings_of,
    settings_options,
    texts_option,
)

if TYPE_CHECKING:
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
    _require_target(output, [*data, *(options[name] for name in ("texts", "decisions") if options[name] is not None)])
    decisions = read_decisions(options["decisions"]) if options["decisions"] is not None else None
    if settings.data.annotator is None and not settings.data.annotator_columns:
        raise UsageError(
            "judgements need annotators",
            cure="name their column with --annotator, or each annotator's column with --annotator-columns",
        )
    _require_columns(settings, further_label, decided=decisions is not None)
    for column in (settings.data.label, *further_label):
        chosen = settings.with_names({"label": column})
        target = output if not further_label else output.with_name(f"{output.stem}.{column}{output.suffix}")
        found = labelled(list(data), chosen, texts=options["texts"], decisions=decisions, say=console.say)
        _write(found, target)


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


def _require_target(output: Path, sources: list[Any]) -> None:
    """Refuse to write over what is read, or CSV under the name of another format."""
    from classifine.errors import UsageError

    if output.suffix.lower() != ".csv":
        raise UsageError(f"{output} does not end in .csv, but CSV is what is written", cure="choose a name as gold.csv")
    if output.resolve() in [Path(source).resolve() for source in sources]:
        raise UsageError(f"{output} is read and would be overwritten", cure="choose another name with -o")


def _write(found: Labelled, target: Path) -> None:
    from classifine import durable
    from classifine.data.annotators.aggregation import write_ties
    from classifine.data.annotators.sheets import refuse_to_lose, write_labels
    from classifine.data.rows.accounting import write_rejected
    from classifine.errors import count, some

    assert found.aggregation is not None
    told = found.aggregation
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
    ties = target.with_name(f"{target.stem}.ties.csv")
    if told.ties:
        refuse_to_lose(ties, told.ties)
    write_labels(target, told, dict(zip(found.reading.table.ids, found.reading.table.texts, strict=True)))
    made = [target]
    if told.ties:
        made.append(ties)
        write_ties(ties, told.ties)
    if found.reading.quarantine:
        made.append(target.with_name(f"{target.stem}.rejected.csv"))
        write_rejected(made[-1], found.reading.quarantine)
    made.append(target.with_name(f"{target.stem}.json"))
    durable.write_json(made[-1], {**found.to_dict(), "annotation": told.to_dict()})
    console.say("files", ", ".join(map(str, made)))
    undecided = [tie for tie in told.ties if tie.label is None]
    if undecided and told.tie_rule == "review":
        console.say("next", f'fill in the label in "{made[1]}" and type the command again with --decisions "{made[1]}"')


def _alpha(agreement: dict[str, Any]) -> str:
    if agreement["alpha"] is None:
        return "Krippendorff's alpha is undefined"
    return f"Krippendorff's alpha {agreement['alpha']:.3f}; {agreement['agreement']:.1%} of the pairs agree"
