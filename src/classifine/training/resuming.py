"""Takes Hugging Face's Trainer and gives one that goes on where it was stopped, to the same bits.

Beside weights, optimizer, schedule and random states it keeps the best weights, the loss since the last log and the
seconds spent. A signal to stop is put off until the state is saved. Of several processes, the first one saves, all at
the same step. Does not know losses, batches or run folders.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState

from classifine import durable
from classifine.errors import RunRefused, some
from classifine.training import ranks
from classifine.training.checkpoints import MANIFEST, Checkpoints

# The names are Hugging Face's, whose own loaders read the first four.
OPTIMIZER, SCHEDULER, SCALER, RANDOM = "optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth"
RANDOM_OF = "rng_state_{}.pth"
STATE, WEIGHTS, BEST, PROGRESS = "trainer_state.json", "model.safetensors", "best.safetensors", "progress.json"


class ResumableTrainer(Trainer):
    """Hugging Face's Trainer with the best weights in memory and checkpoints that are whole or not there."""

    model: Any
    optimizer: Any
    lr_scheduler: Any
    state: Any
    checkpoints: Checkpoints | None = None
    # whether checkpoints are kept, by the first of several processes
    saves = False
    evaluation_seconds = 0.0
    # into how many parts a batch is cut since memory was full
    pieces = 1

    def finish(self, checkpoints: Checkpoints | None) -> None:
        """Train to the end, from the newest checkpoint if there is one, and take the best weights."""
        self.checkpoints = checkpoints
        self.best: dict[str, torch.Tensor] | None = None
        self.stops = Stops()
        self._evaluated = 0
        self._before: dict[str, Any] = {}
        self._started = time.perf_counter()
        self.saves = ranks.shared(checkpoints is not None)
        if not self.saves:
            self.train()
        else:
            self.add_callback(Saving(self))
            found = ranks.decided(self._newest)
            _seen_by_all(found)
            with self.stops:
                self.train(resume_from_checkpoint=None if found is None else str(found))
            # one that came with the last update, after which nothing is saved
            self.stops.let_through()
        if self.best is not None:
            self.model.load_state_dict(self.best)

    @property
    def seconds(self) -> float:
        """How long training has taken so far, earlier sessions included."""
        return float(self._before.get("seconds", 0.0)) + time.perf_counter() - self._started

    def _determine_best_metric(self, metrics: Any, trial: Any) -> bool:
        """Keep the weights in memory when they are the best so far."""
        self._evaluated = self.state.global_step
        better = super()._determine_best_metric(metrics=metrics, trial=trial)
        if better:
            self._keep_as_best()
        return better

    def _keep_as_best(self) -> None:
        weights = self.model.state_dict()
        if self.best is None:
            self.best = {name: tensor.detach().to("cpu", copy=True) for name, tensor in weights.items()}
        else:
            for name, tensor in weights.items():
                self.best[name].copy_(tensor.detach())

    # ---------------------------------------------------------------- saving

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save when it is worth it; then let a signal through that was put off."""
        if not self.saves:
            return
        asked, due = self.wishes(evaluated=self._evaluated == self.state.global_step)
        if asked or due:
            everywhere = ranks.gathered({RANDOM: _random_states(), "loss": self._tr_loss.item()})
            if self.checkpoints is not None:
                write = partial(self._write, everywhere=everywhere)
                self.checkpoints.save(self.state.global_step, size=self._size(), write=write)
            # nobody leaves before it is written
            ranks.shared(None)
        if asked:
            self.stops.asked = asked
            self.stops.let_through()

    def wishes(self, *, evaluated: bool) -> tuple[int, bool]:
        """Give the signal that any of the processes got, 0 without one, and whether a checkpoint is due."""
        due = self.checkpoints is not None and self.checkpoints.due(evaluated=evaluated)
        asked, wanted = ranks.largest(self.stops.asked or 0, int(due))
        return asked, bool(wanted)

    def _size(self) -> int:
        weights = _bytes_of(self.model.state_dict())
        best = 0 if self._is_best else weights
        return weights + best + _bytes_of(self.optimizer.state_dict())

    @property
    def _is_best(self) -> bool:
        return self.state.best_global_step in (None, self.state.global_step)

    def _write(self, folder: Path, everywhere: Sequence[dict[str, Any]]) -> None:
        save_model(self.model, str(folder / WEIGHTS))
        if not self._is_best and self.best is not None:
            save_file(self.best, str(folder / BEST))
        states = {
            OPTIMIZER: self.optimizer.state_dict(),
            SCHEDULER: self.lr_scheduler.state_dict(),
            **{name: one[RANDOM] for name, one in zip(self._random_files(), everywhere, strict=True)},
        }
        if scaler := getattr(self.accelerator, "scaler", None):
            states[SCALER] = scaler.state_dict()
        for name, state in states.items():
            durable.write_by(folder / name, partial(torch.save, state))
        self.state.stateful_callbacks = {type(one).__name__: one.state() for one in self._with_state()}
        # not by its own method, which sorts the names: the history shows them in the order they were logged
        durable.write_text(folder / STATE, json.dumps(asdict(self.state), indent=2))
        progress = {
            "losses": [one["loss"] for one in everywhere],
            "logged_step": self._globalstep_last_logged,
            "seconds": self.seconds,
            "evaluation_seconds": self.evaluation_seconds,
            "pieces": self.pieces,
        }
        durable.write_json(folder / PROGRESS, progress)

    def _with_state(self) -> list[Any]:
        return [one for one in [*self.callback_handler.callbacks, self.control] if isinstance(one, ExportableState)]

    def _random_files(self) -> list[str]:
        processes = self.args.world_size
        return [RANDOM] if processes == 1 else [RANDOM_OF.format(place) for place in range(processes)]

    # ---------------------------------------------------------------- going on

    def _newest(self) -> Path | None:
        found = None if self.checkpoints is None else self.checkpoints.newest(self._lacks)
        return None if found is None else found.absolute()

    def _lacks(self, folder: Path) -> str | None:
        """Say what a checkpoint would need for this training to go on as if nothing had happened."""
        needed = [WEIGHTS, OPTIMIZER, SCHEDULER, *self._random_files(), STATE, PROGRESS]
        needed += [SCALER] if getattr(self.accelerator, "scaler", None) else []
        absent = [name for name in needed if not (folder / name).is_file()]
        if absent:
            return f"without {', '.join(absent)}"
        state = _read(folder / STATE)
        if state["best_global_step"] not in (None, state["global_step"]) and not (folder / BEST).is_file():
            return f"without {BEST}"
        stateless = [
            name
            for name in (type(one).__name__ for one in self._with_state())
            if name not in state["stateful_callbacks"]
        ]
        return f"without the state of {', '.join(stateless)}" if stateless else None

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Read the weights and the best ones."""
        folder = Path(resume_from_checkpoint)
        load_model(self.model, str(folder / WEIGHTS))
        if (folder / BEST).is_file():
            self.best = load_file(folder / BEST)
        elif _read(folder / STATE)["best_global_step"] is not None:
            self._keep_as_best()

    def _init_training_state(
        self, max_steps: Any, steps_in_epoch: Any, epochs: Any, resume_from_checkpoint: Any, trial: Any
    ) -> Any:
        """Remember what the Trainer would forget."""
        self._resumed: dict[str, Any] | None = None
        found = super()._init_training_state(max_steps, steps_in_epoch, epochs, resume_from_checkpoint, trial)
        if resume_from_checkpoint is not None:
            self._before = self._resumed = _read(Path(resume_from_checkpoint) / PROGRESS)
            # it was to stop there; the Trainer would do one step more
            self._resumed["over"] = self.control.should_training_stop
            self.evaluation_seconds = self._resumed["evaluation_seconds"]
            self.pieces = self._resumed["pieces"]
        return found

    def _run_epoch(self, *args: Any, **named: Any) -> None:
        """Run an epoch; the first one after a checkpoint begins with the loss that was not logged yet."""
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            self._tr_loss.fill_(resumed["losses"][self.args.process_index])
            self._globalstep_last_logged = resumed["logged_step"]
            if resumed["over"]:
                self.control.should_training_stop = True
                return
        super()._run_epoch(*args, **named)  # type: ignore[no-untyped-call]


class Saving(TrainerCallback):
    """Asks for a checkpoint within an epoch when it is time or when somebody asked the training to stop."""

    def __init__(self, trainer: ResumableTrainer) -> None:
        self.trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask; at the end of an epoch its evaluation comes first, and the checkpoint after it."""
        if float(state.epoch).is_integer() or state.global_step >= state.max_steps:
            return
        asked, due = self.trainer.wishes(evaluated=False)
        control.should_save = bool(asked or due)


# ---------------------------------------------------------------- signals


class Stops:
    """Puts signals that ask the process to stop off until the state is saved; the second one counts at once."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        """Listen; only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *anything: object) -> None:
        """Give the signals back to whoever had them."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, frame: Any) -> None:
        again, self.asked = self.asked is not None, number
        if again:
            self.let_through()

    def let_through(self) -> None:
        """Let the process have what was put off."""
        number, self.asked = self.asked, None
        self.__exit__()
        if number is not None:
            signal.raise_signal(number)


# ---------------------------------------------------------------- small things


def _seen_by_all(folder: Path | None) -> None:
    """Refuse a checkpoint that some of the processes cannot read."""
    if folder is None:
        return
    seen = ranks.gathered((folder / MANIFEST).is_file())
    if blind := [place + 1 for place, sees in enumerate(seen) if not sees]:
        raise RunRefused(
            "a training over several machines goes on from a checkpoint only where all of them see it",
            where=str(folder.absolute()),
            found=f"not seen by the processes {some(blind)} of {len(seen)}",
            cure="put the run folder on a disc that the machines share, and copy it there",
        )


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


def _random_states() -> dict[str, Any]:
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.random.get_rng_state()
    return states


def _bytes_of(state: Any) -> int:
    if isinstance(state, torch.Tensor):
        return state.nbytes
    if isinstance(state, Mapping):
        return sum(_bytes_of(value) for value in state.values())
    if isinstance(state, list | tuple):
        return sum(_bytes_of(value) for value in state)
    return 0
