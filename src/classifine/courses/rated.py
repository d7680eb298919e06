"""Takes some training texts and the name of a way to classify and gives how well it then does on validation texts.

The validation texts choose what a training always chooses by them: the epoch, how strongly weights are held back,
thresholds. Does not know the test texts, or why only some training texts are given.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from classifine.courses.baseline import fit_baselines
from classifine.courses.course import Course
from classifine.courses.frozen import Features, FrozenEncoder, FrozenLogistic
from classifine.evaluation.ordinal import ranks_of
from classifine.evaluation.redrawing import Truth
from classifine.labels import FloatMatrix, LabelSpace
from classifine.model.hub import ResolvedModel
from classifine.settings import Settings
from classifine.tables import LabelledTexts

TFIDF, FROZEN, FINETUNED = "tfidf", "frozen", "finetuned"
CLASSIFIERS = (TFIDF, FROZEN, FINETUNED)
"""The cheapest first."""


@dataclass(frozen=True)
class Rated:
    """One training and what came of it.

    Attributes
    ----------
    scores
        On the validation texts, by metric; those of which more is better.
    decided
        What was decided about each validation text, as :meth:`classifine.evaluation.redrawing.Truth.unpacked` reads it.
    seconds
        What it took.
    notes
        What a reader should know about it.
    """

    scores: dict[str, float]
    decided: str
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "scores": self.scores,
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
            "decided": self.decided,
        }


class Rater:
    """Trains on what it is given, and scores on the same validation texts each time.

    Parameters
    ----------
    validation
        Labelled texts that share no item with any training text.
    space
        The label space.
    base
        The base model.
    settings
        What the user chose; with another seed for each training, and never on the validation texts.
    scratch
        A folder for fine-tuning, gone after each.
    """

    def __init__(
        self, validation: LabelledTexts, space: LabelSpace, base: ResolvedModel, settings: Settings, *, scratch: Path
    ) -> None:
        self.validation, self.space, self.base, self.scratch = validation, space, base, scratch
        quietly = {**settings.training.arguments, "report_to": "none"}
        training = replace(settings.training, retrain_on_all=False, arguments=quietly)
        self.settings = replace(settings, training=training)

    def rate(self, name: str, train: LabelledTexts, seed: int) -> Rated:
        """Train one of :data:`CLASSIFIERS` and score it.

        Raises
        ------
        ClassifineError
            It cannot be trained; why is said.
        """
        started = time.perf_counter()
        notes: Sequence[str | None] = ()
        if name != TFIDF and len(set(train.labels)) < 2:
            shares = next(iter(fit_baselines(train, self.space, seed).values()))
            probabilities, notes = (
                shares.predict_proba(self.validation.texts),
                ["the training texts all have one label"],
            )
        elif name == FINETUNED:
            probabilities, notes = self._finetuned(train, seed)
        elif name == FROZEN:
            fitted, probabilities = FrozenLogistic.fit(train, self.validation, self.space, self._encoder, seed=seed)
            notes = [fitted.reason]
        else:
            words = fit_baselines(train, self.space, seed, validation=self.validation)[TFIDF]
            probabilities, notes = words.predict_proba(self.validation.texts), [words.reason]
        given = self.truth.decided(probabilities)
        seconds = time.perf_counter() - started
        told = tuple(note for note in notes if note)
        return Rated(self.truth.scores(given), self.truth.packed(given), seconds, told)

    def title(self, name: str) -> str:
        """Give what people call a way to classify."""
        titles = {
            TFIDF: "TF-IDF + logistic regression",
            FROZEN: f"frozen {self.base.title} + logistic regression",
            FINETUNED: f"fine-tuned {self.base.title}",
        }
        return titles[name]

    def _finetuned(self, train: LabelledTexts, seed: int) -> tuple[FloatMatrix, Sequence[str]]:
        settings = replace(self.settings, seed=seed)
        result = Course(train, self.validation, self.space, self.base, settings, scratch=self.scratch).run()
        return result.classifier.predict_proba(self.validation.texts), result.history.get("warnings", ())

    @cached_property
    def truth(self) -> Truth:
        """The validation texts' labels, and how decisions about them are scored."""
        ranks = ranks_of(self.space, self.settings.data.label_order)
        return Truth.of(self.validation.labels, self.space, ranks)

    @cached_property
    def _encoder(self) -> FrozenEncoder:
        return _Remembering(self.base.folder, title=self.title(FROZEN), max_length=self.settings.model.max_length)


class _Remembering(FrozenEncoder):
    """A base model as it is, that reads each text once however often it is asked."""

    def __init__(self, folder: Path, *, title: str, max_length: int | None = None) -> None:
        super().__init__(folder, title=title, max_length=max_length)
        self._known: dict[str, Features] = {}

    def embed(self, texts: Sequence[str], *, what: str | None = None) -> Features:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known |= zip(new, super().embed(new), strict=True)
        return np.stack([self._known[text] for text in texts])
