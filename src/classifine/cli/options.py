"""Takes the options several verbs share and gives settings and data files.

Does not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from classifine.preparation import DataFiles
    from classifine.settings import Settings

Verb = TypeVar("Verb", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
_SETTINGS = (
    "text",
    "label",
    "id",
    "annotator",
    "positive",
    "ties",
    "validation_size",
    "test_size",
    "encoding",
    "delimiter",
)
_MORE = ("model", "seed")


def data_options(verb: Verb) -> Verb:
    """Add the options that say where the labelled texts are and which columns are what."""
    options = [
        click.argument("data", required=False, type=PATH),
        click.option("--train", type=PATH, metavar="FILE", help="Own training file, instead of DATA."),
        click.option("--validation", type=PATH, metavar="FILE", help="Own validation file."),
        click.option("--test", type=PATH, metavar="FILE", help="Own test file; never used for validation."),
        click.option("--text", metavar="COLUMN", help="Column that holds the text.  [default: text]"),
        click.option("--label", metavar="COLUMN", help="Column that holds the label.  [default: label]"),
        click.option("--id", metavar="COLUMN", help="Column that names the item.  [default: the row number]"),
        click.option("--annotator", metavar="COLUMN", help="Column of annotators, when each row is one judgement."),
        click.option("--positive", metavar="LABEL", help="The label that a yes-or-no question is about."),
        click.option("--ties", type=click.Choice(["drop", "random"]), help="What becomes of a tie.  [default: drop]"),
        click.option("--validation-size", type=float, metavar="SHARE", help="[default: 0.2]"),
        click.option("--test-size", type=float, metavar="SHARE", help="[default: 0.2]"),
        click.option("--encoding", metavar="NAME", help="Encoding of text files, such as cp1252."),
        click.option("--delimiter", metavar="CHARACTER", help="Delimiter of CSV files."),
    ]
    return _decorated(verb, options)


def training_options(verb: Verb) -> Verb:
    """Add the options that say how to train."""
    options = [
        click.option("--model", metavar="NAME", help="Base model: see `classifine models`.  [default: minilm]"),
        click.option("--seed", type=int, help="Where every random choice starts.  [default: 42]"),
        click.option("--settings", "settings_file", type=PATH, metavar="FILE", help="Settings in TOML."),
        click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting; repeatable."),
        click.option("--out", type=PATH, metavar="RUN", help="The run folder.  [default: runs/<file name>]"),
    ]
    return _decorated(verb, options)


def settings_of(options: dict[str, Any]) -> Settings:
    """Join the settings file, the options and the assignments; the later ones win."""
    from classifine.settings import Settings, parse_assignments, read_settings

    file = options.get("settings_file")
    settings = read_settings(file) if file else Settings()
    given = {name: options[name] for name in (*_SETTINGS, *_MORE) if options.get(name) is not None}
    return settings.with_names({**given, **parse_assignments(options.get("assignments", ()))})


def files_of(options: dict[str, Any]) -> DataFiles:
    """Gather the data files."""
    from classifine.preparation import DataFiles

    return DataFiles(options["data"], options["train"], options["validation"], options["test"])


def folder_of(options: dict[str, Any]) -> Path:
    """Name the run folder: what the user says, or after the data file."""
    if options["out"] is not None:
        return Path(options["out"])
    named = options["data"] or options["train"] or Path("data")
    return Path("runs") / (Path(named).stem.lstrip(".") or "data")


def _decorated(verb: Verb, options: Sequence[Callable[[Verb], Verb]]) -> Verb:
    for option in reversed(options):
        verb = option(verb)
    return verb
