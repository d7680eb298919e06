"""Takes predictions from standard input, one JSON object a line, and does each in a process forked from this one.

Forked, because the imports cost seconds; from a process of its own, because pytest's has threads. What it answers is
how the process ended. The classifier costs nothing but is as exact as a real one: equal texts, equal bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifine.labels import FloatMatrix, LabelSpace

ROOT = Path(__file__).parents[2]


class Digests:
    """Says what the digest of a text says; takes its time, and may send its own process a signal at its n-th call."""

    space = LabelSpace(("no", "yes"))

    def __init__(self, seconds: float = 0.0, ends: Sequence[int] = (0, 0)) -> None:
        self.seconds = seconds
        self.seen: list[str] = []
        self._signal, self._calls = ends

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        self.seen += texts
        self._calls -= 1
        if self._calls == 0:
            os.kill(os.getpid(), self._signal)
        time.sleep(self.seconds)
        share = np.array([hashlib.sha256(text.encode()).digest()[0] / 255 for text in texts])
        return np.column_stack([1 - share, share])


class Forks:
    """Starts predictions and waits for their ends."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.prediction.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def predict(self, *orders: dict[str, Any]) -> list[dict[str, Any]]:
        """Predict, all at the same time; give each one's exit code (minus the signal) and what it said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(orders), file=self.process.stdin, flush=True)
        answers: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        return answers

    def close(self) -> None:
        self.process.communicate(timeout=60)


def serve() -> None:
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    from filelock import FileLock  # noqa: F401

    for line in sys.stdin:
        children = [started(order) for order in json.loads(line)]
        answers = [ended(*child) for child in children]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


def started(order: dict[str, Any]) -> tuple[dict[str, Any], int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.close(reader)
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            code = work(order)
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    return order, child, reader


def ended(order: dict[str, Any], child: int, reader: int) -> dict[str, Any]:
    if "kill_after" in order:
        time.sleep(order["kill_after"])
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader) as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "said": said}


def work(order: dict[str, Any]) -> int:
    """Predict as the command line does, with a classifier that is there at once."""
    import click

    from classifine.cli.console import guarded
    from classifine.prediction.asked import Part
    from classifine.prediction.bulk import predict_file

    if "failpoint" in order:
        os.environ["CLASSIFINE_FAILPOINT"] = order["failpoint"]
    if "limit" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], resource.RLIM_INFINITY))
    options = {"shard_rows": 100, "model": {"sha256": "a"}, **order.get("options", {})}
    if "part" in order:
        options["part"] = Part.named(order["part"])

    @click.command()
    def predict() -> None:
        scorer = Digests(order.get("seconds", 0.0), order.get("ends", (0, 0)))
        result = predict_file(scorer, order["source"], Path(order["out"]), tell=click.echo, **options)
        click.echo(json.dumps(result.to_dict()))

    return guarded(predict, [])


if __name__ == "__main__":
    serve()
