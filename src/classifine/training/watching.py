"""Takes the Trainer's signals and shows progress with rate and time left; a loss that is no number stops the training.

Does not know how the loss came about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

from classifine.errors import TrainingFailed, some
from classifine.progress import bar
from classifine.settings import TrainingSettings


class Diverged(TrainingFailed):
    """The training loss is no number any more."""

    def __init__(self, loss: float, step: int, rows: Sequence[str] = ()) -> None:
        self.step = step
        super().__init__(
            f"the training loss is {loss} after step {step:,}",
            where=f"rows {some(rows)}: their own loss is no number, that of the others is" if rows else None,
            cure="look at these rows, and leave them out or mend them"
            if rows
            else "into another folder, with a lower rate: --out OTHER --set learning_rate=1e-5 --set bf16=false",
        )


class Watch(TrainerCallback):
    """Shows progress in texts with rate and time left, and stops when the loss is not a number."""

    def __init__(self, rows: int, chosen: TrainingSettings) -> None:
        self.rows = rows
        self.total = round(rows * (chosen.num_train_epochs or 0))
        self.bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar where training begins or goes on."""
        self.bar = bar("training", total=self.total, unit="texts")
        self.bar.initial = self.bar.n = self.bar.last_print_n = self._done(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the bar on."""
        self.bar.n = self._done(state)
        self.bar.update(0)

    def _done(self, state: Any) -> int:
        return min(self.total, round((state.epoch or 0) * self.rows))

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Stop where the loss is no number."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            raise Diverged(loss, state.global_step)

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self.bar.close()
