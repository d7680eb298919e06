"""The verb ``predict``: label the rows of files, or one text."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.argument("files", type=PATH, nargs=-1)
@click.option(
    "-o", "--output", type=PATH, metavar="FILE", help="Where to: .csv, .tsv, .jsonl (.gz, .zst), .parquet, .xlsx, -."
)
@click.option("--one", metavar="TEXT", help="Label this text instead of a file.")
@click.option("--pair", "second", metavar="TEXT", help="The second text of --one, for a classifier of pairs.")
@click.option("--text", metavar="COLUMN", help="Column that holds the text.  [default: the one of the run]")
@click.option(
    "--text-pair", "pair", metavar="COLUMN", help="Column that holds the second text.  [default: the one of the run]"
)
@click.option(
    "--probabilities", default="all", show_default=True, metavar="all|none|top-K", help="Which ones to write."
)
@click.option("--label-sets", type=float, metavar="SHARE", help="Sets of labels that hold the true one so often.")
@click.option("--target-accuracy", type=float, metavar="SHARE", help="Leave to people what would be right less often.")
@click.option("--review-queue", type=PATH, metavar="FILE", help="The rows left to people, with suggestions.")
@click.option("--prefix", default="", metavar="WORD", help="Put before the added columns' names.")
@click.option("--excel-safe", is_flag=True, help="Keep spreadsheets from reading cells of a CSV as formulas.")
@click.option("--encoding", metavar="NAME", help="Encoding of a text file, such as cp1252.")
@click.option("--delimiter", metavar="CHARACTER", help="Delimiter of a CSV file.")
@click.option(
    "--on-bad-row",
    type=click.Choice(["error", "quarantine"]),
    default="error",
    show_default=True,
    help="Stop at rows that cannot be read, or keep their place.",
)
@click.option("--shard", metavar="I/N", help="This is process I, from 0, of N that write one output together.")
@click.option("--merge", is_flag=True, help="Only put together what such processes have done.")
@click.option("--shard-rows", type=int, metavar="N", help="Rows after which the work is safe.  [default: 16384]")
@click.option("--engine", default="auto", show_default=True, metavar="NAME", help="torch, or what `export` has made.")
@click.option("--threads", type=int, metavar="N", help="Threads to compute with.  [default: all it may use]")
@click.option("--ray", metavar="ADDRESS", help="Let the nodes of a Ray cluster score; local: those of this machine.")
@click.option("--overwrite", is_flag=True, help="Replace an output that is from other input, model or settings.")
def predict(
    run: Path,
    files: tuple[Path, ...],
    output: Path | None,
    one: str | None,
    second: str | None,
    shard: str | None,
    **options: Any,
) -> None:
    """Label each row of FILES with the classifier of RUN, or one text with --one.

    The output has the rows and columns of FILES in the same order, and the columns predicted_label, confidence,
    one p_<label> for each label, and status. A blank text keeps its row, with the status blank. Where a text may have
    several labels, they stand in predicted_label with the separator of the training data between them. Where labels
    stand in a hierarchy, level_1, level_1_confidence and so on hold the codes above the predicted label.

    FILES have the same columns: .csv, .tsv, .parquet, .jsonl, .json or .xlsx, packed or not; or a quoted pattern such
    as 'posts/*.csv'; or - for standard input. With -o - the output is CSV on standard output.

    What is done is kept in OUTPUT.parts: after a kill, a full disc or Ctrl-C, the same command goes on, and the output
    is the one that an undisturbed run gives. Another input, model or setting is refused, saying what differs.

    With --target-accuracy 0.95, rows whose confidence is too low for 95 % of the labels to be right have the status
    review; the validation texts of RUN say how low that is. --review-queue writes them to a file for people, with the
    most probable labels. --label-sets 0.9 adds sets that hold the true label in 90 % of the rows.
    """
    from classifine.doors.predicted import predict as predict_texts
    from classifine.errors import UsageError

    if one is not None and not files and output is None:
        _print_one(predict_texts(run, [one], pairs=None if second is None else [second], engine=options["engine"]))
        return
    if one is not None or second is not None or not files or output is None:
        raise UsageError(
            "say what to predict",
            expected='classifine predict RUN FILE -o OUT.csv, or classifine predict RUN --one "a text"',
        )
    if shard is not None:
        from classifine.prediction.asked import Part

        options["part"] = Part.named(shard)
    _predict_files(run, files, output, options)


def _predict_files(run: Path, files: tuple[Path, ...], output: Path, options: dict[str, Any]) -> None:
    from classifine.doors.predicted import predict_file
    from classifine.errors import count

    streamed = str(output) == "-"

    def say(stage: str, message: str) -> None:
        console.say(stage, message, err=streamed)

    try:
        result = predict_file(run, files, output, tell=lambda line: say("predict", line), **options)
    except BrokenPipeError:
        # whoever reads our output has seen enough; Python would complain once more when it closes the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    named = [(result.blank, "blank"), (result.unreadable, "unreadable")]
    apart = "".join(f", {number:,} of them {word}" for number, word in named if number)
    where = "" if streamed else f" → {result.path}"
    say("predict", f"{count(result.rows, 'row')}{apart}{where}")
    if result.nothing_to_do:
        say("", "the file is there already, from the same input, model and settings: nothing is left to do")
    if result.unreadable and not streamed:
        say("", f"the rows that could not be read → {result.path}.unreadable.csv")
    for label, number in result.labels.items():
        say("", f"{label}: {number:,}")
    if options["target_accuracy"] is not None or options["review_queue"] is not None:
        queue = options["review_queue"]
        say("review", f"{count(result.review, 'row')} for people" + (f" → {queue}" if queue else ""))
    if result.unlabelled:
        say("", f"no label: {result.unlabelled:,}")


def _print_one(predictions: object) -> None:
    from classifine.tables import OK, Predictions

    assert isinstance(predictions, Predictions)
    if predictions.status[0] != OK:
        console.tell("the text is blank: there is nothing to label")
        return
    ranked = sorted(zip(predictions.probabilities[0], predictions.space.names, strict=True), key=lambda pair: -pair[0])
    for level in () if predictions.space.hierarchy is None else predictions.space.hierarchy.upper:
        (code,), (sum_of_labels,) = predictions.at_level(level)
        console.tell(f"  {sum_of_labels:6.1%}  {code}  (level {level})")
    several = predictions.space.separator is not None
    given = predictions.space.several(predictions.predicted[0] or "") if several else ()
    for probability, name in ranked[: max(10, len(given))]:
        console.tell(f"  {probability:6.1%}  {name}{'  ✓ given' if name in given else ''}")
    if several and not given:
        console.tell("  no label is given: none reaches its threshold")
