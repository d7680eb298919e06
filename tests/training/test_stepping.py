from __future__ import annotations

import importlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import EXACT, SPACE, TRAIN, VALIDATION, texts_about, tuned, weights_of

from classifine.errors import TrainingFailed
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.training.checkpoints import Checkpoints
from classifine.training.finetune import finetune
from classifine.training.stepping import is_full, parts
from classifine.training.trainer import FineTuningTrainer
from classifine.training.watching import Diverged

# Sums of gradients, not Adam: what is not the same sum would show.
PLAIN = {"optim": "sgd", "max_grad_norm": 0.0, "learning_rate": 0.05, "warmup_steps": 0.0}
ACCELERATOR: Any = importlib.import_module("accelerate").Accelerator
CPU_WORDS = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


def test_a_padded_batch_is_cut_by_rows_and_to_its_longest_window() -> None:
    batch = {
        "input_ids": torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 7], [8, 9, 0, 0]]),
        "attention_mask": torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]]),
        "labels": torch.tensor([0, 1, 2]),
        "windows": torch.tensor([2, 1, 1]),
    }
    first, second = parts(batch, 2)
    assert first["input_ids"].tolist() == [[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 7]]
    assert first["labels"].tolist() == [0, 1]
    assert first["windows"].tolist() == [2, 1]
    assert second["input_ids"].tolist() == [[8, 9]]
    assert second["attention_mask"].tolist() == [[1, 1]]


def test_a_batch_without_padding_is_cut_by_rows() -> None:
    batch = {
        "input_ids": torch.arange(10),
        "lengths": torch.tensor([2, 1, 4, 3]),
        "labels": torch.tensor([[0.5, 0.5], [1, 0], [0, 1]]),
        "windows": torch.tensor([1, 2, 1]),
    }
    cut = parts(batch, 8)
    assert [part["input_ids"].tolist() for part in cut] == [[0, 1], [2, 3, 4, 5, 6], [7, 8, 9]]
    assert [part["lengths"].tolist() for part in cut] == [[2], [1, 4], [3]]
    assert torch.cat([part["labels"] for part in cut]).equal(batch["labels"])


@pytest.mark.parametrize("unpadded", [True, False])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError(CPU_WORDS)])
def test_a_full_memory_halves_the_batches_and_changes_no_update(
    bert: Path, error: Exception, unpadded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {**PLAIN, "unpadded": unpadded, "per_device_train_batch_size": 12}
    wanted = tuned(bert, **settings, gradient_accumulation_steps=2)
    backward, calls = ACCELERATOR.backward, []

    def narrow(self: Any, loss: torch.Tensor, **named: Any) -> None:
        calls.append(1)
        backward(self, loss, **named)
        # in the second batch of the first update, and when it is computed in halves, too; the gradients are spoilt
        if len(calls) in (2, 5):
            raise error

    monkeypatch.setattr(ACCELERATOR, "backward", narrow)
    said: list[str] = []
    kept = Checkpoints(tmp_path / "checkpoints", quarantine=tmp_path / "quarantine", tell=said.append)
    chosen = Settings(seed=7).with_names(
        {**EXACT, "num_train_epochs": 1, "model": str(bert), **settings, "gradient_accumulation_steps": 2}
    )
    found = finetune(TRAIN, VALIDATION, SPACE, resolve(str(bert)), chosen, scratch=kept)
    assert float((weights_of(found) - weights_of(wanted)).norm() / weights_of(wanted).norm()) <= 1e-6
    epochs = [result.history["epochs"][-1]["train_loss"] for result in (found, wanted)]
    assert epochs[0] == pytest.approx(epochs[1], rel=1e-5)
    assert [line.split("computed in ")[1].split(";")[0] for line in said if "memory" in line] == [
        "2 parts, 6 texts at a time",
        "4 parts, 3 texts at a time",
    ]
    # 1 + 1; 2 + 1 (fails at the fifth, the redone first batch being 3 and 4); then 4 + 4 and 2 batches of 4 parts
    assert len(calls) == 2 + 3 + 8 + 8


def test_where_not_one_text_fits_it_says_what_to_do(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: Any, loss: torch.Tensor, **named: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    monkeypatch.setattr(ACCELERATOR, "backward", never)
    with pytest.raises(TrainingFailed, match="however few texts") as raised:
        tuned(bert, per_device_train_batch_size=4)
    assert "max_length" in str(raised.value.cure)


def test_memory_that_is_full_elsewhere_is_told_and_other_errors_are_not(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(message: str) -> Any:
        def optimizer(self: FineTuningTrainer, model: Any = None) -> Any:
            raise RuntimeError(message)

        return optimizer

    monkeypatch.setattr(FineTuningTrainer, "create_optimizer", fails(CPU_WORDS))
    with pytest.raises(TrainingFailed, match="memory is full"):
        tuned(bert)
    monkeypatch.setattr(FineTuningTrainer, "create_optimizer", fails("something else"))
    with pytest.raises(RuntimeError, match="something else"):
        tuned(bert)
    assert not is_full(ValueError("out of memory"))


def test_rows_whose_own_loss_is_no_number_are_named(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = texts_about(24)
    marked = {5, 11}
    loss_of = FineTuningTrainer.compute_loss

    def broken(self: FineTuningTrainer, model: Any, inputs: dict[str, Any], *args: Any, **named: Any) -> Any:
        ids = inputs["input_ids"]
        lengths = inputs["lengths"].tolist()
        rows = [row.tolist() for row in torch.split(ids, lengths)]
        encoded = self.train_dataset.encoded  # type: ignore[union-attr]
        wrong = [encoded.ids[place].tolist() for place in marked]
        loss = loss_of(self, model, inputs, *args, **named)
        return loss * math.nan if any(row in wrong for row in rows) else loss

    monkeypatch.setattr(FineTuningTrainer, "compute_loss", broken)
    with pytest.raises(Diverged, match="nan") as raised:
        tuned(bert, train, per_device_train_batch_size=24)
    assert raised.value.where is not None
    assert sorted(raised.value.where.split(":")[0].removeprefix("rows ").split(", ")) == ["i11", "i5"]


def test_a_broken_model_names_no_rows(bert: Path) -> None:
    with pytest.raises(Diverged, match="loss is") as raised:
        tuned(bert, learning_rate=1e30, optim="sgd", max_grad_norm=0.0, warmup_steps=0.0, num_train_epochs=4)
    assert raised.value.where is None


NARROW = """
import resource, sys
from pathlib import Path
import tests.training.test_finetune as samples
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training.checkpoints import Checkpoints

folder = Path(sys.argv[1])
few = samples.texts_about(384)
train = LabelledTexts(few.ids, tuple(text + " again and again" * 160 for text in few.texts), few.labels, few.rows)
samples.tuned(folder / "base")  # all that is loaded once
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000, resource.RLIM_INFINITY))
chosen = Settings(seed=7).with_names({**samples.EXACT, "num_train_epochs": 1, "per_device_train_batch_size": 384})
kept = Checkpoints(folder / "checkpoints", quarantine=folder / "quarantine", tell=print)
base = resolve(str(folder / "base"))
samples.finetune(train, samples.VALIDATION, samples.SPACE, base, chosen, scratch=kept)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited as Linux does it")
def test_a_process_that_may_use_little_memory_goes_on_with_smaller_batches(bert: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        [sys.executable, "-c", NARROW, str(bert.parent)], capture_output=True, text=True, env=environment, timeout=250
    )
    assert done.returncode == 0, done.stderr
    assert "memory is full: batches of 384 texts are now computed in 2 parts, 192 texts at a time" in done.stdout
