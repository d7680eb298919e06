"""The verb ``estimate plan``: how many gold rows are needed, and which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command("plan")
@click.option("--predictions", type=PATH, required=True, metavar="FILE", help="A row for every text: id, p_<label>.")
@click.option("--of", "of", required=True, metavar="LABEL", help="The label whose share is asked about.")
@click.option("--pilot", type=PATH, metavar="FILE", help="Gold rows drawn at random before: id, label.")
@click.option("--width", type=float, metavar="SHARE", help="How wide the interval may be: 0.04 is ±2 points.")
@click.option("--rows", type=int, metavar="N", help="How many rows to draw, instead of --width.")
@click.option("--id", "id", metavar="COLUMN", help="Names a row in both files.  [default: id]")
@click.option("--label", metavar="COLUMN", help="Column of the true label.  [default: label]")
@click.option("--text", metavar="COLUMN", help="The text, for those who label.  [default: text]")
@click.option("--prefix", metavar="WORD", help="Before the label in columns of probabilities.  [default: p_]")
@click.option("--run", type=PATH, metavar="RUN", help="The run that predicted, so that rows it learnt from are found.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the interval.")
@click.option("--seed", type=int, default=42, show_default=True, help="Where draws start.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="The sample to label (.csv).")
def plan(**options: Any) -> None:
    """Say how many gold rows a share takes, and draw those from which most is learnt.

    Texts whose label is uncertain are drawn more often, each with a probability that is known and written down. Label
    the sample, then: classifine estimate --gold SAMPLE --sampled known --probability probability.
    """
    from classifine.doors.planned import plan_sample

    out: Path | None = options.pop("output")
    predictions = options.pop("predictions")
    found = plan_sample(predictions, out, **{name: value for name, value in options.items() if value is not None})
    for line in found.lines:
        console.tell(line)
    if out is not None:
        console.tell()
        console.say("sample", f"{out}: fill in the column {options.get('label') or 'label'!r}")
        words = (
            f"classifine estimate --predictions {predictions} --gold {out} --sampled known --probability probability"
        )
        console.say("then", words)
