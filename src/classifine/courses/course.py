"""Takes texts, a base model and settings and gives a fine-tuned classifier, by as many trainings as that takes.

Before the training proper, a measurement where time is limited; after it, another one with another seed where it came
to nothing, and one on all texts where that is wanted. What was decided is kept, so that a course that was stopped goes
on as it was. Does not know the test texts or how a training works inside.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.courses.all_texts import AllTexts
from classifine.courses.budget import MOST_UPDATES, Pace, Plan, plan
from classifine.courses.rescue import LEAST_UPDATES, failure_of
from classifine.errors import TrainingFailed
from classifine.labels import LabelSpace
from classifine.model.hub import ResolvedModel
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training import ranks
from classifine.training.calibrating import calibrated
from classifine.training.checkpoints import Checkpoints, Scratch, below
from classifine.training.deciding import deciding, with_rule
from classifine.training.finetune import FineTuned, check_settings, finetune
from classifine.training.machine import threads_set
from classifine.training.timing import seconds_of
from classifine.training.trackers import Ending, reporting_below
from classifine.training.watching import Diverged

_NOTES = "course.json"
_MEASURED_VALIDATION = 256


class FailedTwice(TrainingFailed):
    """A training came to nothing with two seeds."""


class Course:
    """One classifier's way from a base model, over one training or several.

    Parameters
    ----------
    train, validation
        Labelled texts that share no item.
    space
        Their label space.
    base
        The base model.
    settings
        What the user chose.
    scratch
        A folder that is gone afterwards, or the checkpoints of a run.
    """

    def __init__(
        self,
        train: LabelledTexts,
        validation: LabelledTexts,
        space: LabelSpace,
        base: ResolvedModel,
        settings: Settings,
        *,
        scratch: Scratch,
    ) -> None:
        self.train, self.validation, self.space, self.base = train, validation, space, base
        self.settings, self.scratch = settings, scratch
        self.started = time.monotonic()

    def run(self) -> FineTuned:
        """Do all that the settings ask for.

        Raises
        ------
        ClassifineError
            As :func:`classifine.training.finetune.finetune`; and where time is too short, or two trainings failed.
        """
        training = self.settings.training
        with threads_set(training.threads), reporting_below(self._home(), training.arguments):
            further: dict[str, Any] = {}
            if training.time_budget is not None:
                further["time_budget"] = self._planned().to_dict()
                epochs = further["time_budget"]["epochs"]
                self.settings = _with(self.settings, num_train_epochs=epochs)
            result = deciding(calibrated(self._rescued(), self.validation, training), self.validation, training)
            if training.retrain_on_all:
                first = result
                result = AllTexts(
                    first, self.train, self.validation, self.space, self.base, self.settings, self.scratch, self._tell
                ).run()
                result = replace(result, classifier=with_rule(result.classifier, first.classifier.space))
            return replace(result, history=result.history | further)

    # ---------------------------------------------------------------- time

    def _planned(self) -> Plan:
        kept = self._notes().get("plan")
        if kept is not None:
            return Plan(**kept)
        found = self._measured()
        self._note(plan=found.to_dict())
        self._tell(str(found))
        return found

    def _measured(self) -> Plan:
        """Do some updates on texts drawn at random and say how many epochs fit."""
        asked = str(self.settings.training.time_budget)
        budget = seconds_of(asked)
        chosen, _ = check_settings(self.train, self.space, self.base, self.settings)
        update = chosen.per_device_train_batch_size * chosen.gradient_accumulation_steps
        rng = np.random.default_rng(self.settings.seed)
        texts, others = (
            table.take(rng.permutation(len(table))[:most].tolist())
            for table, most in ((self.train, update * MOST_UPDATES), (self.validation, _MEASURED_VALIDATION))
        )
        pace = Pace(budget)
        measuring = _with(
            self.settings,
            time_budget=None,
            num_train_epochs=None,
            max_steps=max(1, min(MOST_UPDATES, len(texts) // update)),
            evaluations_per_epoch=1,
            early_stopping_patience=0,
            warmup_steps=0.0,
            # each update then costs about the same
            train_sampling_strategy="random",
            arguments={**self.settings.training.arguments, "report_to": "none"},
        )
        with tempfile.TemporaryDirectory(prefix="classifine-") as folder:
            away = Path(folder) / "measuring"
            finetune(texts, others, self.space, self.base, measuring, scratch=away, watchers=[pace])
        evaluating = pace.evaluation / max(1, len(others)) * len(self.validation)
        epoch = pace.seconds_per_update * math.ceil(len(self.train) / update)
        epoch += evaluating * (chosen.evaluations_per_epoch or 1)
        left = budget - (time.monotonic() - self.started)
        return plan(asked, left=left, epoch_seconds=epoch, most=chosen.num_train_epochs or 1.0)

    # ---------------------------------------------------------------- another seed

    def _rescued(self) -> FineTuned:
        """Train, and once more with another seed where that came to nothing."""
        failed = self._notes().get("failed")
        if failed is None:
            result, what = self._tried(self.settings, self.scratch)
            if result is not None and (what is None or not self._worth_another(result.history)):
                return result if what is None else _warned(result, f"{what}; a classifier like this is of no use")
            failed = {"seed": self.settings.seed, "what": what}
            self._note(failed=failed)
        seed = (self.settings.seed + 1) % 2**32
        self._tell(f"training with seed {failed['seed']} came to nothing: {failed['what']}; once more with seed {seed}")
        result, what = self._tried(replace(self.settings, seed=seed), below(self.scratch, "another-seed"))
        seeds = f"seeds {failed['seed']} and {seed}"
        if result is None:
            raise FailedTwice(
                f"training failed twice, with {seeds}: {what}",
                found=f"first: {failed['what']}",
                cure="into another folder, with a lower rate: --out OTHER --set learning_rate=1e-5 --set bf16=false",
            )
        result = replace(result, history=result.history | {"restarted": failed | {"again": seed}})
        if what is not None:
            return _warned(
                result, f"training came to nothing twice, with {seeds}: {what}; this classifier is of no use"
            )
        return result

    def _tried(self, settings: Settings, scratch: Scratch) -> tuple[FineTuned | None, str | None]:
        """Train and give the result, and why it is of no use."""
        try:
            result = finetune(
                self.train, self.validation, self.space, self.base, settings, scratch=scratch, watchers=[Ending()]
            )
        except Diverged as error:
            return None, error.what + (f"; {error.where}" if error.where else "")
        return result, failure_of(result.history, self.validation.labels, self.space)

    def _worth_another(self, history: Mapping[str, Any]) -> bool:
        budget = self.settings.training.time_budget
        if budget is not None and time.monotonic() - self.started + history["seconds"] > seconds_of(budget):
            return False
        return bool(history["epochs"][-1]["step"] >= LEAST_UPDATES)

    # ---------------------------------------------------------------- what was decided

    def _home(self) -> Path:
        """Give the folder of the run; without one, the one that commands are typed in."""
        return self.scratch.folder.parent if isinstance(self.scratch, Checkpoints) else Path.cwd()

    def _tell(self, line: str) -> None:
        if isinstance(self.scratch, Checkpoints):
            self.scratch.tell(line)

    def _notes(self) -> dict[str, Any]:
        """Give what was decided before; of several processes, the first one knows."""
        return ranks.shared(self._kept())

    def _kept(self) -> dict[str, Any]:
        if isinstance(self.scratch, Path):
            return {}
        try:
            found: dict[str, Any] = json.loads((self.scratch.folder / _NOTES).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def _note(self, **decided: Any) -> None:
        if isinstance(self.scratch, Checkpoints):
            durable.make_folder(self.scratch.folder)
            durable.write_json(self.scratch.folder / _NOTES, {**self._kept(), **decided})


def _with(settings: Settings, **training: Any) -> Settings:
    return replace(settings, training=replace(settings.training, **training))


def _warned(result: FineTuned, line: str) -> FineTuned:
    return replace(result, history=result.history | {"warnings": [*result.history.get("warnings", []), line]})
