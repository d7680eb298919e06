"""The verb ``predict``: label the rows of a file, or one text."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.argument("file", type=PATH, required=False)
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Where to: .csv, .tsv, .parquet or .jsonl.")
@click.option("--one", metavar="TEXT", help="Label this text instead of a file.")
@click.option("--pair", metavar="TEXT", help="The second text of --one, for a classifier of pairs.")
@click.option("--text", metavar="COLUMN", help="Column that holds the text.  [default: the one of the run]")
@click.option("--text-pair", metavar="COLUMN", help="Column that holds the second text.  [default: the one of the run]")
@click.option("--target-accuracy", type=float, metavar="SHARE", help="Leave to people what would be right less often.")
@click.option("--review-queue", type=PATH, metavar="FILE", help="The rows left to people, with suggestions.")
@click.option("--prefix", default="", metavar="WORD", help="Put before the added columns' names.")
@click.option("--encoding", metavar="NAME", help="Encoding of a text file, such as cp1252.")
@click.option("--delimiter", metavar="CHARACTER", help="Delimiter of a CSV file.")
def predict(
    run: Path,
    file: Path | None,
    output: Path | None,
    one: str | None,
    pair: str | None,
    text: str | None,
    text_pair: str | None,
    target_accuracy: float | None,
    review_queue: Path | None,
    prefix: str,
    encoding: str | None,
    delimiter: str | None,
) -> None:
    """Label each row of FILE with the classifier of RUN, or one text with --one.

    The output has the rows and columns of FILE in the same order, and the columns predicted_label, confidence,
    one p_<label> for each label, and status. A blank text keeps its row, with the status blank. Where a text may have
    several labels, they stand in predicted_label with the separator of the training data between them. Where labels
    stand in a hierarchy, level_1, level_1_confidence and so on hold the codes above the predicted label.

    With --target-accuracy 0.95, rows whose confidence is too low for 95 % of the labels to be right have the status
    review; the validation texts of RUN say how low that is. --review-queue writes them to a file for people, with the
    most probable labels.
    """
    from classifine.errors import UsageError, count
    from classifine.verbs import predict as predict_texts
    from classifine.verbs import predict_file

    if one is not None and file is None and output is None:
        _print_one(predict_texts(run, [one], pairs=None if pair is None else [pair]))
        return
    if one is not None or pair is not None or file is None or output is None:
        raise UsageError(
            "say what to predict",
            expected='classifine predict RUN FILE -o OUT.csv, or classifine predict RUN --one "a text"',
        )
    result = predict_file(
        run,
        file,
        output,
        text=text,
        pair=text_pair,
        prefix=prefix,
        encoding=encoding,
        delimiter=delimiter,
        target_accuracy=target_accuracy,
        review_queue=review_queue,
    )
    blank = f", {result.blank:,} of them blank" if result.blank else ""
    console.say("predict", f"{count(result.rows, 'row')}{blank} → {result.path}")
    for label, number in result.labels.items():
        console.say("", f"{label}: {number:,}")
    if target_accuracy is not None or review_queue is not None:
        console.say(
            "review", f"{count(result.review, 'row')} for people" + (f" → {review_queue}" if review_queue else "")
        )
    if result.unlabelled:
        console.say("", f"no label: {result.unlabelled:,}")


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
