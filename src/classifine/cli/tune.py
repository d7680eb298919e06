"""The verb ``tune``: from labelled texts, or a run, to a run whose training settings were searched for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from classifine.cli import console
from classifine.cli.options import Sectioned, files_of, folder_of, settings_of, source_options, training_options
from classifine.cli.run import summary

# Options of the search, by the setting each of them is.
_SEARCH = {"trials": "trials", "time_budget": "search_time", "sampler": "sampler", "finish": "finish"}
_SEARCH |= {"finish_seeds": "finish_seeds", "storage": "storage"}


@click.command(cls=Sectioned)
@source_options
@training_options
@click.option("--trials", type=int, help="Trainings with other settings.  [default: 20]")
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "gp", "random", "grid"]),
    help="How the next settings are chosen.  [default: tpe]",
)
@click.option(
    "--finish",
    type=click.Choice(["keep", "retrain", "retrain-all"]),
    help="The run's classifier: the best trial's; the median of several seeds; that, and once more on all but the "
    "test texts.  [default: keep]",
)
@click.option("--finish-seeds", type=int, help="Seeds for --finish retrain.  [default: 3]")
@click.option("--storage", metavar="URL", help="Database that several processes share.  [default: trials.db of RUN]")
def tune(**options: Any) -> None:
    """Search for training settings, then evaluate and report as `run` does.

    DATA is as for `run`; or one folder of a run, whose settings and classifier become the winner's. Only training and
    validation texts are looked at. Typed again, the command goes on where it stopped; --time-budget and --trials may
    then be greater. The section [tune] of a settings file says what is searched.
    """
    from classifine.doors.tuned import tune_again, tune_files

    search = {setting: options[name] for name, setting in _SEARCH.items() if options[name] is not None}
    options["time_budget"] = None
    run = _run_of(options)
    if run is not None:
        from classifine.settings import parse_assignments

        found = tune_again(run, {**search, **parse_assignments(options["assignments"])}, say=console.say)
    else:
        settings = settings_of(options).with_names(search)
        found = tune_files(files_of(options), settings, folder_of(options), say=console.say)
    summary(found.run, did=True)
    console.say("trials", f"{found.run / 'trials.json'} ({found.account['done']}, best: {found.account['best']})")


def _run_of(options: dict[str, Any]) -> Path | None:
    """Give the run folder, where one is named instead of data."""
    named = [Path(name) for name in options["data"]]
    if len(named) == 1 and (named[0] / "manifest.json").is_file():
        if options["out"] is not None:
            from classifine.errors import UsageError

            raise UsageError("a run is tuned in its own folder", cure="leave --out out, or name data files")
        return named[0]
    return None
