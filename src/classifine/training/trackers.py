"""Takes what ``report_to`` names and lets Hugging Face's Trainer report there, on this machine and without an account.

What a user has set in the environment stays; what they left open points below the run folder. Does not know what is
reported.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    get_available_reporting_integrations,
)

from classifine import durable
from classifine.errors import PackageMissing, SettingsProblem, unknown_name

LOGS = "logs"
# Those that need neither a server nor an account.
_LOCAL = ("tensorboard", "wandb", "mlflow", "trackio")


def trackers_of(arguments: Mapping[str, Any]) -> list[str]:
    """List what is reported to; ``all`` stands for those that are installed and need no account."""
    named = arguments.get("report_to", "none")
    names = [named] if isinstance(named, str) else list(named or ())
    if "all" in names:
        return [name for name in _LOCAL if find_spec(name) is not None]
    return [name for name in names if name != "none"]


def check_trackers(arguments: Mapping[str, Any]) -> None:
    """Refuse, before anything is computed, what does not exist or is not installed.

    Raises
    ------
    SettingsProblem
        Hugging Face's Trainer cannot report there.
    PackageMissing
        A package is not installed; how to install it is said.
    """
    names = trackers_of(arguments)
    known = list(INTEGRATION_TO_CALLBACK)
    if unknown := [name for name in names if name not in known]:
        told = unknown_name(unknown[0], known, noun="trackers")
        raise SettingsProblem(f"report_to = {unknown[0]!r}: Hugging Face's Trainer knows no such tracker; {told}")
    absent = [name for name in names if name in _LOCAL and find_spec(name) is None]
    absent += [name for name in names if name not in (*_LOCAL, *get_available_reporting_integrations())]  # type: ignore[no-untyped-call]
    if absent:
        raise PackageMissing(
            f"report_to = {', '.join(absent)} needs a package that is not installed",
            cure=f"pip install {' '.join(absent)}",
        )


@contextlib.contextmanager
def reporting_below(folder: Path, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Let trackers write below a folder, without a connection; the environment is then as it was.

    Parameters
    ----------
    folder
        Of the run; a folder ``logs`` is made in it by those trackers that are used.
    arguments
        Among which ``report_to`` may be.
    """
    logs = folder.resolve() / LOGS
    theirs = {
        "tensorboard": {"TENSORBOARD_LOGGING_DIR": str(logs / "tensorboard")},
        "wandb": {
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(logs),
            "WANDB_PROJECT": "classifine",
            "WANDB_SILENT": "true",
        },
        "mlflow": _mlflow(logs),
        "trackio": {"TRACKIO_DIR": str(logs / "trackio")},
    }
    wanted = {name: value for tracker in trackers_of(arguments) for name, value in theirs.get(tracker, {}).items()}
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    if wanted:
        durable.make_folder(logs)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _mlflow(logs: Path) -> dict[str, str]:
    if find_spec("sqlalchemy") is not None:
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{(logs / 'mlflow.db').as_posix()}"}
    # mlflow-skinny comes without a database
    return {"MLFLOW_TRACKING_URI": (logs / "mlflow").as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}


class Ending(TrainerCallback):
    """Ends the run of W&B, which Hugging Face leaves open, so that a second training does not go on in it."""

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End it."""
        wandb = sys.modules.get("wandb")
        if "wandb" in args.report_to and wandb is not None and wandb.run is not None:
            wandb.finish()
