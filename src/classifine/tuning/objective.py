"""Takes training and validation texts and a trial's settings and gives the trial's value: that of its best epoch.

With few texts the value is a mean over folds or seeds, else a search chases noise. There is no way from here to the
test texts: what is handed over is all there is. Does not know databases, run folders or what becomes of the winner.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from optuna.exceptions import TrialPruned
from optuna.trial import Trial
from transformers import TrainerCallback

from classifine.data.splits.folds import cut_into_folds
from classifine.errors import SettingsProblem
from classifine.evaluation.validation import METRICS
from classifine.labels import LabelSpace, decide
from classifine.model.hub import ResolvedModel
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training.finetune import FineTuned, finetune
from classifine.training.long_texts import Readings
from classifine.training.trackers import Ending
from classifine.training.watching import Diverged
from classifine.tuning.space import Space, settled
from classifine.tuning.study import Unusable
from classifine.tuning.tracking import trial_reported

FEW_ROWS = 2000
# What a trial leaves in the study beside its value.
BEST, PARTS, SECONDS, DECIDED = "best", "parts", "seconds", "decided"
# More than this of a trial's decisions is not kept; the winner's margin is then not told.
_MOST_CHARACTERS = 60_000

Offer = Callable[[Trial, FineTuned], None]


@dataclass(frozen=True)
class Material:
    """All that a search sees.

    Attributes
    ----------
    train, validation
        Labelled texts that share no item.
    space
        Their label space.
    base
        The base model.
    """

    train: LabelledTexts
    validation: LabelledTexts
    space: LabelSpace
    base: ResolvedModel


@dataclass(frozen=True)
class Part:
    """One training of a trial: what it learns, what rates it, and its seed."""

    train: LabelledTexts
    validation: LabelledTexts
    seed: int


class Objective:
    """What a trial does.

    Parameters
    ----------
    material
        All that is seen.
    settings
        What does not change from trial to trial.
    space
        What does.
    scratch
        A folder for a training, gone after each.
    offer
        Is given a trial and its classifier that was trained as the run's own would be, before the trial
        counts as done.
    """

    def __init__(
        self, material: Material, settings: Settings, space: Space, *, scratch: Path, offer: Offer | None = None
    ) -> None:
        self.material, self.settings, self.space = material, settings, space
        self.scratch, self.offer = scratch, offer
        self.readings = Readings()

    @property
    def rated_by(self) -> str:
        """What a trial is rated by: ``validation``, ``folds`` or ``seeds``."""
        wanted = self.settings.tune.rated_by
        if wanted != "auto":
            return wanted
        return "folds" if len(self.material.train) < FEW_ROWS else "validation"

    @property
    def higher(self) -> bool:
        """Whether a higher value is the better one."""
        return METRICS[self.settings.training.metric_for_best_model] == "higher"

    @cached_property
    def parts(self) -> list[Part]:
        """The trainings of a trial; divided once for all trials."""
        found, seed, times = self.material, self.settings.seed, self.settings.tune.rated_times
        if self.rated_by == "validation":
            return [Part(found.train, found.validation, seed)]
        if self.rated_by == "seeds":
            return [Part(found.train, found.validation, (seed + one) % 2**32) for one in range(times)]
        both = LabelledTexts.joined([found.train, found.validation])
        cut = cut_into_folds(both, times, self.settings, separator=found.space.separator)
        return [Part(both.take(one.train.tolist()), both.take(one.test.tolist()), seed) for one in cut]

    @cached_property
    def truth(self) -> npt.NDArray[np.bool_]:
        """The labels of the rows that trials decide about, shape [n, n_labels]."""
        parts = self.parts if self.rated_by == "folds" else self.parts[:1]
        return np.concatenate([_indicator(part.validation.labels, self.material.space) for part in parts])

    def __call__(self, trial: Trial) -> float:
        """Train and give the value.

        Raises
        ------
        Unusable
            The settings cannot work, or the loss is no number.
        optuna.exceptions.TrialPruned
            The trial lags behind the others.
        """
        chosen = settled(self.settings, self.space.suggest(trial))
        with trial_reported(trial.number, chosen.training.arguments) as arguments:
            return self._rated(trial, replace(chosen, training=replace(chosen.training, arguments=arguments)))

    def _rated(self, trial: Trial, chosen: Settings) -> float:
        values: list[float] = []
        decided = []
        seconds = 0.0
        for place, part in enumerate(self.parts):
            watch = Reporting(trial, self.settings.training.metric_for_best_model) if len(self.parts) == 1 else None
            result = self._trained(part, chosen, watch)
            best = result.history["best"]
            values.append(float(best["value"]))
            seconds += result.history["seconds"]
            mean = float(np.mean(values))
            for name, value in ((BEST, {**best, "value": mean}), (PARTS, values), (SECONDS, round(seconds, 2))):
                trial.set_user_attr(name, value)
            if watch is None:
                trial.report(mean if not self._paired else values[-1], place)
            if watch.pruned if watch is not None else place + 1 < len(self.parts) and trial.should_prune():
                raise TrialPruned
            decided.append(_decided(result, part.validation))
        rows = np.concatenate(decided) if self.rated_by == "folds" else decided[0]
        if len(kept := packed(rows)) <= _MOST_CHARACTERS:
            trial.set_user_attr(DECIDED, kept)
        if self.offer is not None and self.rated_by == "validation":
            self.offer(trial, result)
        return float(np.mean(values))

    @property
    def _paired(self) -> bool:
        """Whether the pruner compares fold with fold, not mean with mean."""
        return self.settings.tune.pruner in ("auto", "wilcoxon")

    def _trained(self, part: Part, chosen: Settings, watch: Reporting | None) -> FineTuned:
        found = self.material
        watchers: list[TrainerCallback] = [Ending(), *([] if watch is None else [watch])]
        try:
            return finetune(
                part.train,
                part.validation,
                found.space,
                found.base,
                replace(chosen, seed=part.seed),
                scratch=self.scratch,
                watchers=watchers,
                readings=self.readings,
            )
        except SettingsProblem as problem:
            raise Unusable(problem.what.splitlines()[-1].removeprefix("  - ")) from problem
        except Diverged as problem:
            raise Unusable(problem.what) from problem


class Reporting(TrainerCallback):
    """Tells the study about every evaluation and ends a training that lags behind.

    Parameters
    ----------
    trial
        The trial.
    metric
        What it is rated by.
    """

    def __init__(self, trial: Trial, metric: str) -> None:
        self.trial, self.metric = trial, metric
        self.evaluations = 0
        self.pruned = False

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Report; a training that is about to end anyway is not cut off."""
        self.trial.report(float(kwargs["metrics"][f"eval_{self.metric}"]), self.evaluations)
        self.evaluations += 1
        if state.global_step < state.max_steps and self.trial.should_prune():
            self.pruned = control.should_training_stop = True


def _decided(result: FineTuned, validation: LabelledTexts) -> npt.NDArray[np.bool_]:
    space = result.classifier.space
    return _indicator(decide(result.classifier.predict_proba(validation.texts), space), space)


def _indicator(labels: Sequence[str], space: LabelSpace) -> npt.NDArray[np.bool_]:
    if space.separator is not None:
        return space.indicator(labels).astype(bool)
    found = np.zeros((len(labels), len(space)), dtype=bool)
    found[np.arange(len(labels)), space.ids(labels)] = True
    return found


def packed(rows: npt.NDArray[np.bool_]) -> str:
    """Write decisions as a short text."""
    return base64.b64encode(zlib.compress(np.packbits(rows).tobytes(), 9)).decode()


def unpacked(text: str, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Read what :func:`packed` wrote."""
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8)
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape).astype(bool)
