"""Takes the Trainer's signals and says when to evaluate, which evaluation is the best one, and when to stop.

Of two evaluations with an equal metric the one with the smaller loss is better. Does not know how texts are scored.
"""

from __future__ import annotations

import math
from typing import Any

from transformers import EarlyStoppingCallback, Trainer, TrainerCallback


class Evaluations(TrainerCallback):
    """Evaluates several times an epoch, the last time at its end.

    Parameters
    ----------
    per_epoch
        How many; where an epoch has fewer updates, after each.
    """

    def __init__(self, per_epoch: int) -> None:
        self.per_epoch = per_epoch
        self.updates = 1

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count the updates of an epoch."""
        self.updates = max(1, math.ceil(len(kwargs["train_dataloader"]) / args.gradient_accumulation_steps))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for an evaluation where one is due; those at the end of an epoch and of training are asked for anyway."""
        done = state.global_step % self.updates
        if done in within_epoch(self.updates, self.per_epoch) and state.global_step < state.max_steps:
            control.should_log = control.should_evaluate = control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Do not evaluate the same weights twice when training stops within an epoch."""
        if state.global_step in (entry["step"] for entry in state.log_history if "eval_log_loss" in entry):
            control.should_evaluate = False


def within_epoch(updates: int, per_epoch: int) -> set[int]:
    """Give the updates after which to evaluate within an epoch, evenly spaced; its end is not among them.

    Examples
    --------
    >>> sorted(within_epoch(10, 3))
    [3, 7]
    """
    return {round(part * updates / per_epoch) for part in range(1, per_epoch)} - {0, updates}


class BestTrainer(Trainer):
    """Hugging Face's Trainer in which the loss decides between evaluations of an equal metric."""

    state: Any

    def _determine_best_metric(self, metrics: Any, trial: Any) -> bool:
        better = super()._determine_best_metric(metrics=metrics, trial=trial)
        if not better and breaks_tie(metrics, self.args, self.state):
            self.state.best_global_step = self.state.global_step
            return True
        return better


class Patience(EarlyStoppingCallback):
    """Stops when so many evaluations in a row were no better.

    Of an equal metric a smaller loss is better, so that a training that has not begun to tell labels apart goes on; but
    not where the metric is perfect, since it could go on for ever.
    """

    def check_metric_value(self, args: Any, state: Any, control: Any, metric_value: Any) -> None:
        """Count an evaluation that was no better."""
        latest = state.log_history[-1] if state.log_history else {}
        perfect = args.greater_is_better and metric_value >= 1
        if state.best_metric is not None and not perfect and breaks_tie(latest, args, state):
            self.early_stopping_patience_counter = 0
        else:
            super().check_metric_value(args, state, control, metric_value)  # type: ignore[no-untyped-call]


def breaks_tie(metrics: Any, args: Any, state: Any) -> bool:
    """Tell whether an evaluation has the metric of the best one so far, and a smaller loss."""
    loss, metric = metrics.get("eval_log_loss"), metrics.get(f"eval_{args.metric_for_best_model}")
    if loss is None or metric is None or metric != state.best_metric:
        return False
    best = [
        entry for entry in state.log_history if entry["step"] == state.best_global_step and "eval_log_loss" in entry
    ]
    return bool(best) and loss < best[0]["eval_log_loss"]
