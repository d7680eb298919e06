"""A training that is stopped, politely or not, goes on from its last whole checkpoint and ends in the same bits."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_models import tiny_model
from tests.training.forking import Forks

from classifine import durable
from classifine.durable import FAILPOINTS, sha256
from classifine.training.checkpoints import MANIFEST

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="trainings are forked")


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    started = Forks()
    yield started
    started.close()


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


@pytest.fixture(scope="module")
def whole(forks: Forks, bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, float]:
    """What an uninterrupted training gives, and how long it takes."""
    run = tmp_path_factory.mktemp("whole") / "run"
    answer = forks.train(run, bert)
    assert answer["code"] == 0, answer
    return results(run), answer["seconds"]


def results(run: Path) -> dict[str, Any]:
    """The digests of all that a training makes, the history without its times."""
    history = json.loads((run / "history.json").read_text("utf-8"))
    del history["seconds"], history["examples_per_second"]
    files = {file.name: sha256(file) for file in durable.files_below(run / "model")}
    return {**files, "history": json.dumps(history)}


def finish(forks: Forks, run: Path, bert: Path, expected: Any, **order: Any) -> str:
    """Type the same command again: it ends well, in the same bits, and nothing is left over."""
    answer = forks.train(run, bert, **order)
    assert answer["code"] == 0, answer
    assert results(run) == expected
    assert not list(run.glob("**/.*.partial"))
    assert not (run / "checkpoints").exists()
    return str(answer["said"])


def killed_at_random(forks: Forks, bert: Path, whole: Any, tmp_path: Path, *, times: int, seed: int) -> None:
    expected, seconds = whole
    rng = random.Random(seed)
    kills = runs = 0
    while kills < times:
        run = tmp_path / str(runs)
        runs += 1
        while kills < times:
            answer = forks.train(run, bert, kill_after=rng.uniform(0.2, 1.0) * seconds)
            if answer["code"] == 0:
                break
            assert answer["code"] == -signal.SIGKILL, answer
            kills += 1
        finish(forks, run, bert, expected)


@needs_fork
def test_five_kills_at_random_moments_change_no_bit(forks: Forks, bert: Path, whole: Any, tmp_path: Path) -> None:
    killed_at_random(forks, bert, whole, tmp_path, times=5, seed=1)


@needs_fork
@pytest.mark.kill
@pytest.mark.timeout(3600)
def test_sixty_kills_at_random_moments_change_no_bit(forks: Forks, bert: Path, whole: Any, tmp_path: Path) -> None:
    killed_at_random(forks, bert, whole, tmp_path, times=60, seed=60)


# Each of these is passed a hundred times and more in a training: the kill falls into the data, an early checkpoint,
# one that lets another go, and the saving of the model.
@needs_fork
@pytest.mark.kill
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("point", FAILPOINTS)
def test_a_kill_at_each_named_point_changes_no_bit(
    forks: Forks, bert: Path, whole: Any, tmp_path: Path, point: str
) -> None:
    struck = 0
    for count in (1, 2, 3, 5, 8, 13, 21, 34, 55):
        run = tmp_path / str(count)
        answer = forks.train(run, bert, environment={"CLASSIFINE_FAILPOINT": f"{point}:{count}"})
        assert answer["code"] in (0, -signal.SIGKILL), answer
        struck += answer["code"] != 0
        finish(forks, run, bert, whole[0])
    assert struck >= 4


@needs_fork
@pytest.mark.kill
@pytest.mark.timeout(3600)
def test_a_kill_at_every_step_of_writing_changes_no_bit(forks: Forks, bert: Path, whole: Any, tmp_path: Path) -> None:
    """From the second of three checkpoints to the end of training: a kill at each point that is passed."""
    few = {"settings": {"num_train_epochs": 3}, "between": 1e9}
    assert forks.train(tmp_path / "few", bert, **few)["code"] == 0
    expected = results(tmp_path / "few")
    begun = tmp_path / "begun"
    forks.train(begun, bert, signal=[signal.SIGTERM, 12], **few)
    assert len(list(begun.glob("checkpoints/*"))) == 2
    count, ended = 0, False
    while not ended:
        count += 1
        run = tmp_path / str(count)
        shutil.copytree(begun, run)
        answer = forks.train(run, bert, environment={"CLASSIFINE_FAILPOINT": f"any:{count}"}, **few)
        ended = answer["code"] == 0
        assert ended or answer["code"] == -signal.SIGKILL, answer
        finish(forks, run, bert, expected, **few)
        shutil.rmtree(run)
    assert count > 100


# in the middle of an epoch; and in its last step, whose evaluation must not be skipped
@needs_fork
@pytest.mark.parametrize(
    ("number", "code", "step"),
    [(signal.SIGTERM, 143, 10), pytest.param(signal.SIGINT, 130, 12, marks=pytest.mark.kill)],
)
def test_a_signal_saves_a_checkpoint_and_ends_politely(
    forks: Forks, bert: Path, whole: Any, tmp_path: Path, number: int, code: int, step: int
) -> None:
    run = tmp_path / "run"
    # after the first evaluation, nothing but the signal makes a checkpoint
    answer = forks.train(run, bert, signal=[number, step], share=1e-9, between=1e9)
    assert answer["code"] == code, answer
    assert "same command again" in answer["said"]
    assert sorted(path.name for path in run.glob("checkpoints/*")) == [f"checkpoint-{step}", "checkpoint-6"]
    assert f"going on from step {step}" in finish(forks, run, bert, whole[0])


@needs_fork
def test_a_file_that_may_not_grow_costs_a_checkpoint_and_not_the_training(
    forks: Forks, bert: Path, whole: Any, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    first = forks.train(run, bert, environment={"CLASSIFINE_FAILPOINT": "after-remove:2"})
    assert first["code"] == -signal.SIGKILL
    kept = sorted(path.name for path in run.glob("checkpoints/checkpoint-*"))
    # the weights fit, the optimizer's state does not; so no checkpoint can be written, and then the model can
    weights = (bert / "model.safetensors").stat().st_size
    answer = forks.train(run, bert, limit=weights + 50_000)
    assert answer["code"] == 0, answer
    said = " ".join(answer["said"].split())
    assert said.count("a checkpoint could not be saved") == 1
    assert os.strerror(errno.EFBIG) in said
    assert f"goes on from the checkpoint of step {kept[-1].removeprefix('checkpoint-')}" in said
    assert results(run) == whole[0]


@needs_fork
@pytest.mark.kill
def test_when_not_even_the_model_fits_the_older_checkpoint_serves_the_next_try(
    forks: Forks, bert: Path, whole: Any, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    forks.train(run, bert, environment={"CLASSIFINE_FAILPOINT": "after-remove:2"})
    answer = forks.train(run, bert, limit=100_000)
    assert answer["code"] == 74, answer
    assert os.strerror(errno.EFBIG) in answer["said"]
    assert "going on from step" in finish(forks, run, bert, whole[0])


def two_checkpoints(forks: Forks, bert: Path, run: Path) -> Path:
    """Train until the fifth checkpoint; give the newest that is there."""
    assert forks.train(run, bert, environment={"CLASSIFINE_FAILPOINT": "after-remove:3"})["code"] == -signal.SIGKILL
    found = sorted(run.glob("checkpoints/checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    assert len(found) == 2
    return found[-1]


@needs_fork
@pytest.mark.kill
@pytest.mark.parametrize(
    "missing", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "progress.json", "early stopping"]
)
def test_a_checkpoint_without_a_component_is_not_gone_on_from(
    forks: Forks, bert: Path, whole: Any, tmp_path: Path, missing: str
) -> None:
    """Not even where its manifest agrees with it."""
    newest = two_checkpoints(forks, bert, tmp_path / "run")
    manifest = json.loads((newest / MANIFEST).read_text("utf-8"))
    if missing == "early stopping":
        state = json.loads((newest / "trainer_state.json").read_text("utf-8"))
        del state["stateful_callbacks"]["EarlyStoppingCallback"]
        (newest / "trainer_state.json").write_text(json.dumps(state))
        size, digest = (newest / "trainer_state.json").stat().st_size, sha256(newest / "trainer_state.json")
        manifest["files"]["trainer_state.json"] = {"size": size, "sha256": digest}
    else:
        (newest / missing).unlink()
        del manifest["files"][missing]
    (newest / MANIFEST).write_text(json.dumps(manifest))
    said = " ".join(finish(forks, tmp_path / "run", bert, whole[0]).split())
    assert f"{newest.name} is damaged (without " in said
    assert f"going on from step {int(newest.name.split('-')[1]) - 1}" in said
    assert (tmp_path / "run" / "quarantine" / newest.name).is_dir()


@needs_fork
@pytest.mark.kill
def test_a_base_model_that_changed_in_between_is_refused(forks: Forks, bert: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(bert, base)
    two_checkpoints(forks, base, tmp_path / "run")
    tiny_model(base, "bert", seed=1)
    answer = forks.train(tmp_path / "run", base)
    assert answer["code"] == 73, answer
    assert "base model, model.safetensors: the content changed" in answer["said"]
