"""Takes a database and does studies of stand-in trials in processes forked from this one, some of which are killed.

Forked, because the imports cost seconds; from a process of its own, because pytest's has threads. Does not know texts,
models or pytest.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import IO

from optuna.trial import Trial

from classifine.settings import TuneSettings
from classifine.tuning import study
from classifine.tuning.space import Dimension, Space
from classifine.tuning.study import Search, Unusable

SPACE = Space(
    (
        Dimension("learning_rate", 3e-5, low=1e-5, high=1e-4, log=True),
        Dimension("per_device_train_batch_size", 16, choices=(8, 16, 32)),
    )
)


def search(database: str, trials: int, *, alone: bool = True, **tune: object) -> Search:
    """Open a study of the stand-in's space."""
    settings = TuneSettings(trials=trials, **tune)  # type: ignore[arg-type]
    return Search(database, "stand-in", settings, SPACE, seed=1, higher=True, steps="evaluations", alone=alone)


def quality(trial: Trial) -> float:
    """Give a value that depends on the settings only; one batch size never works."""
    chosen = SPACE.suggest(trial)
    if chosen["per_device_train_batch_size"] == 8:
        raise Unusable("batches of 8 do not work here")
    return 1 - abs(float(chosen["learning_rate"]) - 5e-5) * 1e4


def forked(url: str, trials: int, seconds: float, *, alone: bool) -> tuple[int, IO[str]]:
    """Work on the study in a process forked from this one; give it and what it says."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 70
        try:

            def slowly(trial: Trial) -> float:
                value = quality(trial)
                os.write(writer, f"{trial.number}\n".encode())
                time.sleep(seconds)
                return value

            found = search(url, trials, alone=alone)
            found.run(slowly, enough=lambda running: None, tell=lambda line: None)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    return child, os.fdopen(reader)


def killed_after(child: int, said: IO[str], trials: int) -> None:
    """Kill a process when so many trials of it have begun."""
    for _ in range(trials):
        if not said.readline():
            raise RuntimeError("it ended early")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main() -> None:
    work, url = sys.argv[1:3]
    if work == "kills":
        for begun in (1, 3, 2):
            killed_after(*forked(url, 8, 0.1, alone=True), begun)
        return
    study.HEARTBEAT, study.GRACE = 1, 2
    dying, said = forked(url, 5, 600, alone=False)
    said.readline()
    living, heard = forked(url, 5, 0.02, alone=False)
    heard.readline()
    os.kill(dying, signal.SIGKILL)
    os.waitpid(dying, 0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(living, 0)[1]))


if __name__ == "__main__":
    main()
