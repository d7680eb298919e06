"""The verb ``report``: draw the page of a run again from what is stored, or print its methods paragraph."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from classifine.cli import console
from classifine.cli.options import PATH, show_texts_option


@click.command()
@click.argument("run", type=PATH)
@show_texts_option("that of the run, or masked")
@click.option("--methods", is_flag=True, help="Print a methods paragraph to paste, and draw nothing.")
def report(run: Path, show_texts: Literal["masked", "full", "none"] | None, methods: bool) -> None:
    """Write report.html of RUN from its stored numbers; nothing is computed again."""
    from classifine.doors.verbs import methods_paragraph, write_report
    from classifine.errors import UsageError

    if not methods:
        console.say("report", str(write_report(run, show_texts=show_texts)))
        return
    if show_texts is not None:
        raise UsageError("the methods paragraph shows no texts", cure="leave --show-texts or --methods out")
    click.echo(methods_paragraph(run))
