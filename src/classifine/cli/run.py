"""The verb ``run``: from labelled texts to a report, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from classifine.cli import console
from classifine.cli.options import (
    Sectioned,
    files_of,
    folder_of,
    repetition_options,
    settings_of,
    show_texts_option,
    source_options,
    training_options,
)
from classifine.progress import speaks


@click.command(cls=Sectioned)
@source_options
@training_options
@repetition_options
@show_texts_option("masked")
def run(**options: Any) -> None:
    """Train a classifier on DATA, evaluate it, and write a report.

    DATA is a CSV, TSV, Parquet, JSON Lines, JSON or Excel file with one labelled text a row, or, with --annotator,
    one annotator's judgement a row.
    """
    from classifine.journey import run_journey

    folder, settings = folder_of(options), settings_of(options)
    did = run_journey(files_of(options), settings, folder, say=console.say)
    if speaks():
        summary(folder, did=did)


def summary(folder: Path, *, did: bool) -> None:
    """Print the verdict and where everything is."""
    import json

    from classifine.runs import RunFolder

    found = RunFolder(folder)
    card = json.loads(found.scorecard.read_text("utf-8"))
    console.tell()
    if not did:
        console.tell(f"{folder} is finished already, with the same data and settings; nothing was done.")
    console.tell(card["verdict"])
    for detail in card.get("details", []):
        console.tell(f"  {detail}")
    for caution in card.get("cautions", []):
        console.tell(f"  mind: {caution}")
    console.tell()
    console.say("report", str(found.report))
    console.say("model", f"{found.model} (a Hugging Face folder)")
    console.say("mistakes", f"{found.mistakes} ({card['mistakes']} of {card['n']} test texts)")
    console.say("predict", f"classifine predict {folder} FILE -o OUT.csv")
