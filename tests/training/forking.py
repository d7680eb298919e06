"""Takes trainings from standard input, one JSON object a line, and does each in a process forked from this one.

Forked, because the imports cost seconds; from a process of its own, because pytest's has threads. What it answers is
how the process ended. These settings stop the training early, two epochs after its best one.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = {
    "bf16": False,
    "dropout": 0.1,
    "learning_rate": 5e-4,
    "num_train_epochs": 9,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "early_stopping_patience": 2,
}


class Forks:
    """Asks for trainings and waits for their ends."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.training.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def train(self, out: Path, model: Path, **order: Any) -> dict[str, Any]:
        """Train into a run folder; give the exit code (minus the signal), the seconds and what was said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"out": str(out), "model": str(model), **order}), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        self.process.communicate(timeout=60)


def serve() -> None:
    import tests.training.test_finetune as samples  # imports all that a training imports

    for line in sys.stdin:
        order = json.loads(line)
        warm(order["model"])
        started = time.monotonic()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.close(reader)
                os.dup2(writer, 1)
                os.dup2(writer, 2)
                code = work(order, samples)
            finally:
                sys.stdout.flush()
                os._exit(code)
        os.close(writer)
        said = killed_when(child, order, reader)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps({"code": code, "seconds": time.monotonic() - started, "said": said}) + "\n")
        sys.stdout.flush()


@cache
def warm(model: str) -> None:
    """Import what is imported late; nothing is trained here, for autograd's threads do not survive a fork."""
    import pandas  # noqa: F401
    from transformers import pipelines  # noqa: F401

    from classifine.labels import LabelSpace
    from classifine.model.torch_backend import TorchBackend

    TorchBackend.load(Path(model), space=LabelSpace.of(["no", "yes"]))


def killed_when(child: int, order: dict[str, Any], reader: int) -> str:
    """Read what a process says until it ends; kill it after some seconds."""
    if "kill_after" in order:
        time.sleep(order["kill_after"])
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader) as stream:
        return stream.read()


def work(order: dict[str, Any], samples: Any) -> int:
    """Train as the command line does, but on texts in memory, and saving after each step."""
    import click

    from classifine import journey
    from classifine.cli.console import guarded, say
    from classifine.preparation import Prepared
    from classifine.runs import RunFolder, Source
    from classifine.settings import Settings
    from classifine.tables import Splits
    from classifine.training.checkpoints import Checkpoints
    from classifine.training.watching import Watch

    for name, value in order.get("environment", {}).items():
        os.environ[name] = value
    if "limit" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], resource.RLIM_INFINITY))
    Checkpoints.share, Checkpoints.seconds = order.get("share", math.inf), order.get("between", 0.0)
    if "signal" in order:
        signalling(Watch, *order["signal"])
    splits = Splits(samples.TRAIN, samples.VALIDATION, samples.texts_about(6, start=70), samples.SPACE)
    settings = Settings(seed=7).with_names({**SETTINGS, "model": order["model"], **order.get("settings", {})})

    @click.command()
    def train() -> None:
        run = RunFolder(order["out"])
        with run.locked():
            run.begin([Source("data", "(memory)", "0" * 64)], settings)
            if not run.done("data"):
                journey.record(run, "data", lambda: journey.keep_data(run, Prepared(splits, {})))
            if not run.done("train"):
                journey.record(run, "train", lambda: journey.train_stage(run, settings, say=say))

    return guarded(train, [])


def signalling(watch: Any, number: int, step: int) -> None:
    """Let the process get a signal in the middle of training."""
    moved = watch.on_step_end

    def on_step_end(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        moved(self, args, state, control, **kwargs)
        if state.global_step == step:
            signal.raise_signal(number)

    watch.on_step_end = on_step_end


if __name__ == "__main__":
    serve()
