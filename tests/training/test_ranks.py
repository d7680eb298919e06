"""Two processes do the training that one does: the same gradient and loss, each text counted once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import FAMILIES, tiny_model
from tests.training.ranked import FURTHER, QUICK, trained, weights_of

from classifine.errors import DataError, SettingsProblem
from classifine.training import ranks
from classifine.training.trainer import joined

ROOT = Path(__file__).parents[2]


def torchrun(*words: object, processes: int = 2) -> list[str]:
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}", "--master_port=0", "--standalone"]
    return [sys.executable, *launcher, *map(str, words)]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("ranks") / "base", "bert")


def job(bert: Path, folder: Path, names: Iterable[str]) -> Path:
    words = torchrun("-m", "tests.training.ranked", bert, folder, *names)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def quick(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes make of some cases."""
    return job(bert, tmp_path_factory.mktemp("quick"), QUICK)


@pytest.fixture(scope="module")
def further(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job(bert, tmp_path_factory.mktemp("further"), FURTHER)


@pytest.mark.parametrize("case", QUICK)
def test_two_processes_have_the_gradient_and_the_loss_of_one(
    case: str, quick: Path, bert: Path, tmp_path: Path
) -> None:
    like_one(case, quick, bert, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", FURTHER)
def test_they_have_them_in_other_cases_too(case: str, further: Path, bert: Path, tmp_path: Path) -> None:
    like_one(case, further, bert, tmp_path)


def like_one(case: str, together: Path, bert: Path, folder: Path) -> None:
    alone = trained(case, bert, folder)
    start = weights_of(trained(case, bert, folder, learning_rate=1e-30))
    moved = weights_of(alone) - start
    assert float(moved.norm()) > 1e-3
    first, second = (torch.load(together / f"{case}.{place}.pt") for place in (0, 1))
    assert torch.equal(first, second)
    assert float((first - start - moved).norm() / moved.norm()) <= 1e-5
    one, two, other = alone.history, *(history(together, case, place) for place in (0, 1))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert len(one["epochs"]) == len(two["epochs"]) == 1
    assert two["best"] == other["best"]
    assert two["epochs"] == other["epochs"]
    # the validation texts are 15, 93 or 96, scored by halves
    for name, value in one["epochs"][0].items():
        assert two["epochs"][0][name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.slow
def test_a_failure_is_one_of_all_and_every_process_gets_the_classifier_of_a_run(further: Path) -> None:
    assert len({(further / f"failed.{place}").read_text("utf-8") for place in (0, 1)}) == 1
    assert "training failed twice" in (further / "failed.0").read_text("utf-8")
    assert len({(further / f"kept.{place}").read_text("utf-8") for place in (0, 1)}) == 1
    assert (further / "run" / "model").is_dir()


def history(folder: Path, case: str, place: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{case}.{place}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize(("rows", "processes"), [(93, 2), (96, 2), (7, 3), (1, 2)])
def test_each_row_is_scored_once_and_stands_where_it_belongs(rows: int, processes: int) -> None:
    scores = np.random.default_rng(0).random((rows, 3))
    parts = [np.arange(place, rows, processes) for place in range(processes)]
    assert np.array_equal(joined([(own, scores[own]) for own in parts], rows), scores)
    with pytest.raises(AssertionError):
        joined([(parts[0], scores[parts[0]]), (parts[0], scores[parts[0]])], rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_parameter_has_a_gradient_so_that_nobody_need_look_for_those_without(family: str, tmp_path: Path) -> None:
    from tests.training.test_finetune import SPACE

    from classifine.model.torch_backend import TorchBackend
    from classifine.model.unpadded import Unpadded

    backend = TorchBackend.load(tiny_model(tmp_path / "base", family), space=SPACE)
    batch = {name: torch.tensor(ids) for name, ids in backend.tokenizer(["a good day", "and no"], padding=True).items()}
    torch.autograd.backward(backend.model(**batch).logits.sum())
    assert not [name for name, p in backend.model.named_parameters() if p.requires_grad and p.grad is None]
    unpadded = Unpadded.of(backend.model)
    if unpadded is not None:
        backend.model.zero_grad()
        real = batch["attention_mask"].bool()
        torch.autograd.backward(unpadded(batch["input_ids"][real], real.sum(1)).sum())
        assert not [name for name, p in backend.model.named_parameters() if p.requires_grad and p.grad is None]


def test_a_process_that_is_alone_agrees_with_itself() -> None:
    assert ranks.number() == 1
    with ranks.Together(use_cpu=True) as leads:
        assert leads
        assert ranks.shared(3) == ranks.decided(lambda: 3) == 3
        assert ranks.gathered(3) == [3]
        assert ranks.largest(3, 0) == (3, 0)
        with pytest.raises(DataError):
            ranks.decided(_fails)


def _fails() -> None:
    raise DataError("no")


def test_only_what_torchrun_says_makes_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (ranks.number(), ranks.place()) == (1, 0)
    monkeypatch.setenv("RANK", "2")
    assert (ranks.number(), ranks.place()) == (4, 2)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(SettingsProblem, match="torchrun"), ranks.Together(use_cpu=True):
        pass
