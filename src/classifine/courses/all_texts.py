"""Takes a training that chose its epoch and gives one on training and validation texts, for as many updates.

What then has no texts left to be fitted on (calibration, thresholds) is fitted on texts that were held out of further
trainings, where that is wanted. Does not know the test texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from transformers import TrainerCallback

from classifine import durable
from classifine.data.splits.folds import cut_into_folds
from classifine.errors import count
from classifine.evaluation.calibration import probabilities_of
from classifine.labels import FloatMatrix, LabelSpace, decide
from classifine.model.classifier import Classifier
from classifine.model.hub import ResolvedModel
from classifine.settings import Settings
from classifine.tables import OK, OUT_OF_FOLD, LabelledTexts, Predictions
from classifine.training.calibrating import fitted_to, with_calibration
from classifine.training.checkpoints import Checkpoints, Scratch, Tell, below
from classifine.training.choices import total_steps
from classifine.training.finetune import FineTuned, check_settings, finetune
from classifine.training.trackers import Ending


@dataclass(frozen=True)
class AllTexts:
    """Trainings on training and validation texts, as long as one that chose its epoch on the validation texts.

    Parameters
    ----------
    first
        That training, calibrated.
    train, validation, space, base
        What it saw.
    settings
        What it was trained with; ``retrain_folds`` says how many further trainings hold out texts.
    scratch
        A folder that is gone afterwards, or the checkpoints of a run.
    tell
        Called with a plain sentence.
    """

    first: FineTuned
    train: LabelledTexts
    validation: LabelledTexts
    space: LabelSpace
    base: ResolvedModel
    settings: Settings
    scratch: Scratch
    tell: Tell

    def run(self) -> FineTuned:
        """Train on all texts, and before that without each fold of them; raises as a training does."""
        both = LabelledTexts.joined([self.train, self.validation])
        told: dict[str, Any] = {"texts": len(both), "updates": self._updates}
        logits, folds = None, self.settings.training.retrain_folds or 0
        if folds:
            logits = self._held_out(both, folds)
            told["folds"] = folds
        self.tell(
            f"once more on the {count(len(both), 'training and validation text')}, {count(self._updates, 'update')}"
        )
        again = self._trained(both, "all-texts")
        told["seconds"] = again.history["seconds"]
        history = self.first.history | {"retrained": told}
        if logits is not None:
            bare = Classifier(again.classifier.backend, self.space)
            classifier = fitted_to(bare, logits, both, self.settings.training)
            return FineTuned(classifier, history, held_out=_predictions(classifier, logits, both))
        # the validation texts have been trained on now, so that their probabilities are too good to fit anything
        classifier = Classifier(again.classifier.backend, self.first.classifier.space)
        if self.first.classifier.calibration is not None:
            classifier = with_calibration(classifier, self.first.classifier.calibration, self.validation)
        return FineTuned(classifier, history)

    def _held_out(self, both: LabelledTexts, folds: int) -> FloatMatrix:
        """Give the logits of each text by a training that has not seen it."""
        cut = cut_into_folds(both, folds, self.settings, separator=self.space.separator)
        found = np.full((len(both), len(self.space)), np.nan)
        for place, fold in enumerate(cut, start=1):
            name = f"out-of-fold-{place}"
            logits = self._kept(name)
            if logits is None:
                self.tell(f"without fold {place} of {folds}, whose texts are new to it then")
                held = both.take(fold.test.tolist())
                backend = self._trained(both.take(fold.train.tolist()), name).classifier.backend
                logits = backend.logits(backend.encode(held.texts))
                self._keep(name, logits)
            found[fold.test] = logits
        return found

    def _trained(self, texts: LabelledTexts, name: str) -> FineTuned:
        settings = self._settings
        own = below(self.scratch, name)
        return finetune(
            texts,
            self.validation,
            self.space,
            self.base,
            settings,
            scratch=own,
            watchers=[StopAt(self._updates), Ending()],
        )

    @property
    def _updates(self) -> int:
        return int(self.first.history["best"]["step"])

    @property
    def _settings(self) -> Settings:
        """Give the settings of the first training with its plan of updates, which the schedule follows."""
        chosen, _ = check_settings(self.train, self.space, self.base, self.settings)
        planned = total_steps(chosen, len(self.train))
        training = replace(self.settings.training, time_budget=None, num_train_epochs=None, max_steps=planned)
        settings = replace(self.settings, training=training)
        settings = settings.with_names({"long_texts": self.first.history["long_texts"]["way"]})
        return replace(settings, seed=self.first.history["seed"])

    def _kept(self, name: str) -> FloatMatrix | None:
        if not isinstance(self.scratch, Checkpoints):
            return None
        try:
            rows = json.loads((self.scratch.folder / f"{name}.json").read_text("utf-8"))["logits"]
        except (OSError, ValueError, KeyError):
            return None
        return np.array(rows, dtype=np.float64)

    def _keep(self, name: str, logits: FloatMatrix) -> None:
        if isinstance(self.scratch, Checkpoints):
            durable.write_json(self.scratch.folder / f"{name}.json", {"logits": logits.tolist()})
            durable.remove(self.scratch.below(name).folder)


def _predictions(classifier: Classifier, logits: FloatMatrix, both: LabelledTexts) -> Predictions:
    """Give what trainings that had not seen these texts said about them, calibrated."""
    space, known = classifier.space, classifier.calibration
    meant = logits if known is None else known.logits(logits)
    probabilities = probabilities_of(meant, several=space.separator is not None)
    return Predictions(
        ids=both.ids,
        texts=both.texts,
        truth=both.labels,
        predicted=tuple(decide(probabilities, space)),
        probabilities=probabilities,
        status=(OK,) * len(both),
        space=space,
        split=OUT_OF_FOLD,
    )


class StopAt(TrainerCallback):
    """Stops after so many updates and evaluates nothing; the schedule is that of the whole plan."""

    def __init__(self, updates: int) -> None:
        self.updates = updates

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop when it is time."""
        control.should_evaluate = False
        if state.global_step >= self.updates:
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate nothing."""
        control.should_evaluate = False
