"""The verb ``report``: draw the page of a run again from what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
def report(run: Path) -> None:
    """Write report.html of RUN from its stored numbers; nothing is computed again."""
    from classifine.verbs import write_report

    console.say("report", str(write_report(run)))
