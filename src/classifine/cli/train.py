"""The verb ``train``: from labelled texts to a saved classifier; the test texts stay unseen."""

from __future__ import annotations

from typing import Any

import click

from classifine.cli import console
from classifine.cli.options import (
    Sectioned,
    files_of,
    folder_of,
    repetition_options,
    settings_of,
    source_options,
    training_options,
)


@click.command(cls=Sectioned)
@source_options
@training_options
@repetition_options
def train(**options: Any) -> None:
    """Divide DATA and train a classifier; the test part is kept for `classifine evaluate`."""
    from classifine.journey import run_journey
    from classifine.runs import RunFolder

    folder, settings = folder_of(options), settings_of(options)
    did = run_journey(files_of(options), settings, folder, upto="train", say=console.say)
    if not did:
        console.tell(f"{folder} holds this classifier already; nothing was done.")
    console.say("model", str(RunFolder(folder).model))
    console.say("evaluate", f"classifine evaluate {folder}")
