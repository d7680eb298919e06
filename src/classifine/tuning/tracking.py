"""Takes the trackers that are switched on and gives each trial a run of its own there, together as one search.

MLflow nests them in a run of the search, W&B groups them, TensorBoard gets a folder for each. What a user has set in
the environment stays. Does not know what is reported.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from classifine.training.trackers import reporting_below, trackers_of


@contextlib.contextmanager
def search_reported(folder: Path, arguments: Mapping[str, Any], name: str) -> Iterator[None]:
    """Let the trials of a search report below a run folder, as parts of one.

    Parameters
    ----------
    folder
        Of the run.
    arguments
        Among which ``report_to`` may be.
    name
        What the search is called.
    """
    named = trackers_of(arguments)
    further = {"WANDB_RUN_GROUP": name} if "wandb" in named else {}
    if "mlflow" in named:
        further["MLFLOW_NESTED_RUN"] = "TRUE"
    with reporting_below(folder, arguments), _environment(further), contextlib.ExitStack() as stack:
        if "mlflow" in named:
            mlflow = importlib.import_module("mlflow")
            mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI"))
            stack.enter_context(mlflow.start_run(run_name=name))
        yield


@contextlib.contextmanager
def trial_reported(number: int, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the arguments under which a trial reports as itself; without trackers, they are as they were."""
    named = trackers_of(arguments)
    if not named:
        yield dict(arguments)
        return
    logs, name = os.environ.get("TENSORBOARD_LOGGING_DIR"), f"trial {number}"
    own = {"TENSORBOARD_LOGGING_DIR": str(Path(logs) / name)} if logs is not None and "tensorboard" in named else {}
    with _environment(own, over=True):
        yield {**arguments, "run_name": name}


@contextlib.contextmanager
def _environment(added: Mapping[str, str], *, over: bool = False) -> Iterator[None]:
    """Set variables, those that are set already only where asked to; they are then as they were."""
    wanted = {name: value for name, value in added.items() if over or name not in os.environ}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
