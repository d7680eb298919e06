"""The verb ``split``: divide labelled texts into files for training, validation and testing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import PATH, Sectioned, files_of, refuse_inputs, settings_of, source_options

if TYPE_CHECKING:
    from classifine.tables import Splits


@click.command(cls=Sectioned)
@source_options
@click.option("-o", "--output", type=PATH, required=True, metavar="DIR", help="Folder to write the files to.")
@click.option("--folds", type=click.IntRange(min=2), metavar="K", help="Folds for cross-validation, too.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Of the folds.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier split in DIR.")
def split(output: Path, folds: int | None, repeats: int, overwrite: bool, **options: Any) -> None:
    """Divide DATA into train.csv, validation.csv and test.csv in DIR; what is alike stays together.

    The same data in any order of rows and the same seed give the same files. With --folds, folds.csv names the fold of
    every text in each repeat.
    """
    from classifine.data.annotators.aggregation import write_ties
    from classifine.data.annotators.sheets import refuse_to_lose
    from classifine.data.rows.accounting import write_rejected
    from classifine.data.splits.folds import write_folds
    from classifine.data.splits.storing import FILES, FOLDS, REJECTED, TIES, beside_parts, write_splits
    from classifine.preparation import folds_of, prepare

    ties = output / TIES
    refuse_inputs([output / name for name in FILES if name != TIES], options)
    refuse_inputs([ties], {**options, "decisions": None})  # the same ties may be written again
    settings = settings_of(options)
    prepared = prepare(files_of(options), settings, say=console.say, labels_only=True)
    notes = prepared.notes.to_dict() if prepared.notes else None
    beside: dict[str, Callable[[Path], None]] = {}
    if folds is not None:
        table, cut = folds_of(prepared.splits, settings, folds=folds, repeats=repeats)
        beside[FOLDS] = lambda path: write_folds(path, table, cut)
    if prepared.ties:
        beside[TIES] = lambda path: write_ties(path, prepared.ties)
    if prepared.rejected:
        beside[REJECTED] = lambda path: write_rejected(path, prepared.rejected)
    if TIES in {*beside, *beside_parts(output)}:
        refuse_to_lose(ties, prepared.ties)
    made = write_splits(output, prepared.splits, seed=settings.seed, notes=notes, beside=beside, overwrite=overwrite)
    console.say("files", ", ".join(map(str, made)))
    console.say("next", _next(output, prepared.splits, options))


def _next(output: Path, splits: Splits, options: Mapping[str, Any]) -> str:
    """Give the command that trains on the files, with the columns that protect the division."""
    words = ["classifine", "run"]
    for part, _ in splits.items():
        words += [f"--{part}", f"{output / part}.csv"]
    words += ["--id", "id"]
    if splits.train.groups is not None:
        words += ["--group", "group"]
    if splits.space.positive is not None:
        words += ["--positive", splits.space.positive]
    if splits.space.separator is not None:
        words += ["--multi-label", "--label-separator", splits.space.separator]
    if splits.space.hierarchy is not None:
        for name in ("level_separator", "level_prefixes", "label_parents"):
            given = options.get(name)
            if given:
                told = ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
                words += ["--" + name.replace("_", "-"), told]
    for label in splits.space.order or ():
        words += ["--label-order", label]
    return console.spelled(words)
