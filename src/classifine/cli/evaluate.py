"""The verb ``evaluate``: open the test split of a run and score the classifier beside its baselines."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
def evaluate(run: Path) -> None:
    """Score the classifier of RUN on its test texts; each opening of the test texts is counted."""
    from classifine.verbs import evaluate as evaluate_run

    card = evaluate_run(run, say=console.say)
    console.tell(card.verdict)
    for caution in card.cautions:
        console.tell(f"  mind: {caution}")
    console.say("scores", str(run / "scorecard.json"))
    console.say("report", f"classifine report {run}")
