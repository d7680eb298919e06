"""The verb ``evaluate``: open the test split of a run and score the classifier beside its baselines."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.option("--allow-contaminated", is_flag=True, help="Score also test texts that were seen; every score says so.")
def evaluate(run: Path, allow_contaminated: bool) -> None:
    """Score the classifier of RUN on its test texts; each opening of the test texts is counted."""
    from classifine.verbs import evaluate as evaluate_run

    card = evaluate_run(run, allow_contaminated=allow_contaminated, say=console.say)
    console.tell(card.verdict)
    for detail in card.details:
        console.tell(f"  {detail}")
    for caution in card.cautions:
        console.tell(f"  mind: {caution}")
    console.say("scores", str(run / "scorecard.json"))
    console.say("report", f"classifine report {run}")
