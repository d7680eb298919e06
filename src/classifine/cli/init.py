"""The verb ``init``: write a settings file that explains each setting."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("data", type=PATH, required=False)
@click.option("-o", "--output", type=PATH, default=Path("settings.toml"), show_default=True, metavar="FILE")
def init(data: Path | None, output: Path) -> None:
    """Write a commented settings file, with the columns of DATA filled in where they can be told."""
    from classifine import durable
    from classifine.data.files.table_file import TableFile
    from classifine.errors import UsageError
    from classifine.settings import Settings

    if output.exists():
        raise UsageError(f"{output} is there already", cure="name another file with --output, or delete it")
    settings = Settings()
    if data is not None:
        names = TableFile(data).names
        known = ("text", "label", "id", "annotator")
        settings = settings.with_names({role: role for role in known if role in names})
        console.say("columns", ", ".join(names))
        for role in ("text", "label"):
            if role not in names:
                console.say("mind", f"there is no column {role!r}: say in {output} which one holds the {role}")
    durable.write_text(output, settings.to_toml())
    console.say("settings", str(output))
    console.say("next", f"classifine run {data or 'DATA'} --settings {output}")
