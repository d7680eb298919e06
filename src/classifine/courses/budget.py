"""Takes the time that fine-tuning may take and gives the number of epochs that fit, from a speed measured here.

A few updates are done beside the training proper, which they leave as it is. Does not know what is trained or how.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import Any

from transformers import TrainerCallback

from classifine.errors import SettingsProblem

# The first updates are slower than those that follow.
_WARM_UP = 2
MOST_UPDATES = 24
# What measuring may take, as a share of the budget and in seconds; and the share of the rest that is planned with.
_MEASURING, _MOST_SECONDS, _PLANNED = 0.05, 15.0, 0.95
# With less than so much of an epoch a classifier is hardly worth its name.
_LEAST = 0.25


@dataclass(frozen=True)
class Plan:
    """What fits into the time.

    Attributes
    ----------
    asked
        The budget as it was written.
    epoch_seconds
        What an epoch takes here, its evaluations included.
    epochs
        How many are done; less than 1 where not even one fits.
    most
        How many would be done without a budget.
    """

    asked: str
    epoch_seconds: float
    epochs: float
    most: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        told = f"time budget {self.asked}: an epoch takes about {_told(self.epoch_seconds)} here"
        if self.epochs == self.most:
            return f"{told}, all {self.epochs:g} epochs fit"
        if self.epochs < 1:
            return f"{told}; only {self.epochs:.0%} of one is done, so that not every training text is read"
        return f"{told}; {self.epochs:g} of {self.most:g} are done"


def plan(asked: str, *, left: float, epoch_seconds: float, most: float) -> Plan:
    """Choose the epochs.

    Parameters
    ----------
    asked
        The budget as it was written.
    left
        Seconds that are left of it.
    epoch_seconds
        What an epoch takes.
    most
        The most epochs: what the user, or the number of rows, says.

    Raises
    ------
    SettingsProblem
        Less than a quarter of an epoch fits.
    """
    fitting = left * _PLANNED / epoch_seconds
    if fitting < min(_LEAST, most):
        raise SettingsProblem(
            f"time_budget = {asked!r} is too little to fine-tune: one epoch takes about {_told(epoch_seconds)} here",
            expected=f"at least {math.ceil(epoch_seconds / 60)}m for one epoch",
            cure="give more time, a smaller base model, or a smaller max_length; what the simple classifiers reach "
            "was said above, and takes no fine-tuning",
        )
    epochs = float(math.floor(fitting)) if fitting >= 1 else math.floor(fitting * 100) / 100
    return Plan(asked, float(f"{epoch_seconds:.3g}"), min(epochs, most), most)


class Pace(TrainerCallback):
    """Measures how long updates and an evaluation take, and stops when it knows enough.

    Parameters
    ----------
    budget
        Seconds of which measuring may take a small share.
    """

    def __init__(self, budget: float) -> None:
        self.limit = min(_MOST_SECONDS, budget * _MEASURING)
        self.marks: list[float] = []
        self.evaluation = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the time; stop when the limit has passed and some updates are measured."""
        self.marks.append(time.perf_counter())
        if len(self.marks) > 2 * _WARM_UP and self.marks[-1] - self.marks[0] > self.limit:
            control.should_training_stop = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note how long the evaluation took."""
        self.evaluation = time.perf_counter() - self.marks[-1]

    @property
    def seconds_per_update(self) -> float:
        """The mean of the updates after the first ones."""
        marks = self.marks[_WARM_UP:] if len(self.marks) > _WARM_UP + 1 else self.marks
        return (marks[-1] - marks[0]) / max(1, len(marks) - 1)


def _told(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.0f} min"
