"""A run that is stopped, politely or not, goes on when the same command is typed again, and ends in the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journey.samples import labelled_rows, write_csv

from classifine.durable import sha256
from classifine.runs import RunFolder


def command(data: Path, tiny: Path, out: Path) -> list[str]:
    settings = {"num_train_epochs": 40, "learning_rate": 0.002, "bf16": "false", "early_stopping_patience": 0}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "classifine", "run", str(data), "--model", str(tiny), "--out", str(out), *words]


def started(words: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_stage(run: RunFolder, stage: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while stage not in run.read_manifest().get("stages", {}):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def results(run: RunFolder) -> dict[str, object]:
    scores = json.loads(run.scorecard.read_text("utf-8"))["scores"]
    return {"weights": sha256(run.model / "model.safetensors"), "scores": scores, "splits": sha256(run.splits)}


def test_ctrl_c_leaves_nothing_half_written_and_the_run_goes_on(tiny: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", labelled_rows())
    run = RunFolder(tmp_path / "run")
    process = started(command(data, tiny, run.path))
    wait_for_stage(run, "data", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "same command again" in err
    assert "Traceback" not in err
    assert not list(run.path.glob("**/*.partial"))
    again = started(command(data, tiny, run.path))
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "going on with train" in " ".join(out.split())
    assert run.finished
    assert not run.checkpoints.exists()


@pytest.mark.kill
@pytest.mark.timeout(3600)
def test_ten_kills_at_random_moments_change_nothing(tiny: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", labelled_rows())
    whole = RunFolder(tmp_path / "whole")
    process = started(command(data, tiny, whole.path))
    process.communicate(timeout=600)
    assert process.returncode == 0
    expected = results(whole)
    rng = random.Random(10)
    for attempt in range(10):
        run = RunFolder(tmp_path / f"killed-{attempt}")
        process = started(command(data, tiny, run.path))
        time.sleep(rng.uniform(1.0, 12.0))
        process.kill()
        process.communicate()
        again = started(command(data, tiny, run.path))
        _, err = again.communicate(timeout=600)
        assert again.returncode == 0, err
        assert results(run) == expected
        assert not list(run.path.glob("**/*.partial"))
