"""The verb ``models``: list the base models that are known to work."""

from __future__ import annotations

import click

from classifine.cli import console


@click.command()
def models() -> None:
    """List base models with languages, size, longest text, licence and where they come from."""
    from classifine.model.catalogue import render_catalogue

    console.table(render_catalogue())
    console.tell()
    console.tell("Any local folder or owner/name[@revision] of a hub works too: --model FOLDER or --model owner/name")
