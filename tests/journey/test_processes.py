"""The journey under torchrun: one process leads and talks, a killed one ends the job, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.journey.samples import labelled_rows, write_csv

from classifine.durable import sha256
from classifine.runs import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes as Linux shows them"),
]
SETTINGS = {
    "num_train_epochs": 8,
    "learning_rate": 0.002,
    "dropout": 0.1,
    "bf16": "false",
    "early_stopping_patience": 0,
    "per_device_train_batch_size": 4,
}


def command(data: Path, tiny: Path, out: Path, *more: str) -> list[str]:
    words = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    verb = ["-m", "classifine", "run", str(data), "--model", str(tiny), "--out", str(out)]
    return [*launcher, *verb, *words, *more]


def started(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(words: list[str]) -> tuple[int, str, str]:
    process = started(words)
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def of_rank(launcher: subprocess.Popen[str], rank: int) -> int:
    """Find the process of a rank among the launcher's children."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text("utf-8").split()
    for child in children:
        environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in environment:
            return int(child)
    raise LookupError(rank)


def wait_for_checkpoint(run: RunFolder, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(run.checkpoints.glob("checkpoint-*")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def results(run: RunFolder) -> dict[str, Any]:
    history = json.loads(run.history.read_text("utf-8"))
    scores = json.loads(run.scorecard.read_text("utf-8"))["scores"]
    return {"weights": sha256(run.model / "model.safetensors"), "epochs": history["epochs"], "scores": scores}


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # 93 for validation and for test
    return write_csv(tmp_path_factory.mktemp("posts") / "data.csv", labelled_rows(465))


@pytest.fixture(scope="module")
def whole(posts: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two processes come to that nobody disturbs; each line is said once, each row counted once."""
    run = RunFolder(tmp_path_factory.mktemp("whole") / "run")
    code, out, err = ended(command(posts, tiny, run.path))
    assert code == 0, err
    assert out.count("baseline  majority label") == 1
    assert out.count("  report  ") == 1
    assert "2 × cpu" in out
    assert run.finished
    assert not run.checkpoints.exists()
    assert json.loads(run.scorecard.read_text("utf-8"))["n"] == 93
    history = json.loads(run.history.read_text("utf-8"))
    assert history["processes"] == 2
    assert all(float(row["accuracy"]) * 93 == pytest.approx(round(row["accuracy"] * 93)) for row in history["epochs"])
    code, out, err = ended(command(posts, tiny, run.path))
    assert code == 0, err
    assert out.count("finished already") == 1
    return results(run)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_job_and_the_same_command_goes_on_to_the_same_bits(
    rank: int, posts: Path, tiny: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    process = started(command(posts, tiny, run.path))
    wait_for_checkpoint(run, process)
    os.kill(of_rank(process, rank), signal.SIGKILL)
    since = time.monotonic()
    _, err = process.communicate(timeout=100)
    assert process.returncode != 0
    assert time.monotonic() - since < 40
    assert "fault in classifine" not in err
    code, out, err = ended(command(posts, tiny, run.path))
    assert code == 0, err
    assert "going on from step" in out
    assert results(run) == whole


@pytest.mark.parametrize("whom", ["launcher", "second process"])
def test_a_request_to_end_saves_at_the_same_step_everywhere(
    whom: str, posts: Path, tiny: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    process = started(command(posts, tiny, run.path))
    wait_for_checkpoint(run, process)
    os.kill(process.pid if whom == "launcher" else of_rank(process, 1), signal.SIGTERM)
    _, err = process.communicate(timeout=100)
    assert process.returncode != 0
    assert err.count("same command again") == 1
    assert "fault in classifine" not in err
    assert not list(run.path.glob("**/.*.partial"))
    code, out, err = ended(command(posts, tiny, run.path))
    assert code == 0, err
    assert "going on from step" in out
    assert results(run) == whole


def test_other_processes_than_it_was_begun_with_are_refused(posts: Path, tiny: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    process = started(command(posts, tiny, run.path))
    wait_for_checkpoint(run, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)
    words = command(posts, tiny, run.path)
    alone = [sys.executable, *words[words.index("-m", 2) :]]
    code, _, err = ended(alone)
    assert code == 73, err
    assert "processes: 2 → 1" in err


def test_what_is_wrong_is_said_once_and_ends_the_job(tiny: Path, tmp_path: Path) -> None:
    bad = write_csv(tmp_path / "bad.csv", [("only one text", "yes")])
    since = time.monotonic()
    code, _, err = ended(command(bad, tiny, tmp_path / "run"))
    assert code != 0
    assert err.count("\nerror: ") == 1, err
    assert time.monotonic() - since < 60
    assert not (tmp_path / "run").exists()
