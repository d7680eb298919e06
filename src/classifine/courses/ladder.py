"""Takes the training and validation splits and gives the rungs that a fine-tuned classifier has to climb past.

The cheapest first: majority label, TF-IDF with logistic regression, the base model as it is with logistic regression,
and, where it is asked for, SetFit.
They are fitted and scored on the validation texts before training begins, so that one sees what there is to beat.
Does not know the test texts or run folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.courses.baseline import Baseline, fit_baselines
from classifine.courses.contrastive import FEW, require_setfit, tune_on_pairs
from classifine.courses.frozen import FrozenEncoder, FrozenLogistic
from classifine.evaluation.validation import validation_metrics
from classifine.labels import FloatMatrix, LabelSpace, tally
from classifine.model.hub import ResolvedModel
from classifine.settings import Settings
from classifine.tables import LabelledTexts

SCORES = "baselines.json"
# The rungs that stand on the base model: as it is, and tuned on pairs of texts.
FROZEN, SETFIT = "frozen", "setfit"


def check_rungs(settings: Settings) -> None:
    """Refuse rungs that cannot be fitted here.

    Raises
    ------
    PackageMissing
        SetFit is wanted, and the package setfit is not installed.
    """
    if settings.training.setfit_baseline:
        require_setfit()


@dataclass(frozen=True)
class Rung:
    """A simple classifier and how well it does on the validation texts.

    Attributes
    ----------
    name
        What its predictions go by: ``majority``, ``tfidf``, ``frozen`` …
    title
        What people call it.
    macro_f1
        On the validation texts, fitted on the training texts.
    """

    name: str
    title: str
    macro_f1: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.title}: macro-F1 {self.macro_f1:.3f} on the validation texts"


@dataclass(frozen=True)
class Ladder:
    """Where the rungs are kept: their scores, and the weights of the one that is dear to fit again.

    Parameters
    ----------
    folder
        The rungs' own.
    """

    folder: Path

    def climb(
        self,
        train: LabelledTexts,
        validation: LabelledTexts,
        space: LabelSpace,
        base: ResolvedModel,
        settings: Settings,
    ) -> Iterator[Rung]:
        """Fit one rung after the other and give each as soon as it is scored; what was kept is not fitted again.

        Parameters
        ----------
        train, validation
            Labelled texts that share no item.
        space
            Their label space.
        base
            The base model.
        settings
            Seed, tokens read of a text, and whether the base model is wanted as a rung.

        Raises
        ------
        PackageMissing
            As :func:`check_rungs`, before anything is fitted.
        """
        check_rungs(settings)
        parts = [[*table.ids, *table.texts, *table.labels] for table in (train, validation)]
        origin = durable.fingerprint([*parts, base.source, settings.to_dict()])
        kept = self._kept(origin)
        if kept is not None:
            yield from kept
            return
        durable.remove(self.folder)
        rungs = []
        for rung in self._climbed(train, validation, space, base, settings):
            rungs.append(rung)
            yield rung
        durable.write_json(self.folder / SCORES, {"origin": origin, "baselines": [rung.to_dict() for rung in rungs]})

    def of_base(self, space: LabelSpace, base: ResolvedModel, settings: Settings) -> dict[str, FrozenLogistic]:
        """Give the rungs that stand on the base model, as they were fitted; those that were not are missing."""
        return {
            name: FrozenLogistic.load(file, space, self._encoder_of(name, base, settings))
            for name in _wanted(settings)
            if (file := self._weights_of(name)).is_file()
        }

    def _kept(self, origin: str) -> list[Rung] | None:
        try:
            value = json.loads((self.folder / SCORES).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return [Rung(**one) for one in value["baselines"]] if value.get("origin") == origin else None

    def _climbed(
        self,
        train: LabelledTexts,
        validation: LabelledTexts,
        space: LabelSpace,
        base: ResolvedModel,
        settings: Settings,
    ) -> Iterator[Rung]:
        for name, baseline in fit_baselines(train, space, settings.seed, validation=validation).items():
            yield _scored(name, baseline, baseline.predict_proba(validation.texts), validation)
        if len(set(train.labels)) < 2:
            return
        for name in _wanted(settings):
            if name == SETFIT:
                length = _encoder(base, settings).backend.max_length
                target = self.folder / SETFIT
                tune_on_pairs(base.folder, train, space, seed=settings.seed, max_length=length, target=target)
            encoder = self._encoder_of(name, base, settings)
            fitted, probabilities = FrozenLogistic.fit(train, validation, space, encoder, seed=settings.seed)
            fitted.save(self._weights_of(name))
            yield _scored(name, fitted, probabilities, validation)

    def _encoder_of(self, name: str, base: ResolvedModel, settings: Settings) -> FrozenEncoder:
        if name == FROZEN:
            return _encoder(base, settings)
        tuned = replace(base, folder=self.folder / name, title=base.title)
        return _encoder(tuned, settings, how="SetFit")

    def _weights_of(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def advice(train: LabelledTexts, space: LabelSpace, settings: Settings) -> str | None:
    """Say that SetFit is worth a try, where most labels have few texts and it is not asked for."""
    if space.separator is not None or settings.training.setfit_baseline:
        return None
    middle = float(np.median([*tally(train.labels).values()]))
    if middle >= FEW:
        return None
    return (
        f"half of the labels have {middle:g} training texts or fewer; with so few, SetFit often does better than "
        "fine-tuning: --set setfit_baseline=true sets it beside"
    )


def _wanted(settings: Settings) -> list[str]:
    training = settings.training
    asked = {FROZEN: training.frozen_baseline, SETFIT: training.setfit_baseline}
    return [name for name, does in asked.items() if does]


def _scored(name: str, baseline: Baseline, probabilities: FloatMatrix, validation: LabelledTexts) -> Rung:
    space = baseline.space
    truth = space.ids(validation.labels) if space.separator is None else space.indicator(validation.labels)
    title = f"{baseline.title} ({baseline.reason})" if baseline.reason else baseline.title
    return Rung(name, title, validation_metrics(probabilities, truth, space)["macro_f1"])


def _encoder(base: ResolvedModel, settings: Settings, *, how: str = "frozen") -> FrozenEncoder:
    return FrozenEncoder(base.folder, title=f"{how} {base.title}", max_length=settings.model.max_length)
