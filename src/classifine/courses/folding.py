"""Takes training and validation texts and settings and gives how good trainings are over folds: mean, spread, interval.

Each fold is scored by a training that has seen none of it; what is scored is kept at once and not done again. The
classifiers are not kept. Does not know the test texts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.courses.course import Course
from classifine.courses.repeated import origin_of, seeds_from
from classifine.data.labelled import Say
from classifine.data.splits.folds import Fold, cut_into_folds
from classifine.errors import SettingsProblem
from classifine.evaluation.ordinal import ranks_of
from classifine.evaluation.redrawing import Truth
from classifine.evaluation.seeds import Spread, over_folds
from classifine.evaluation.validation import spelled
from classifine.labels import decide
from classifine.model.hub import ResolvedModel, resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits
from classifine.training.checkpoints import Checkpoints


def check_folds(settings: Settings) -> None:
    """Refuse folds of texts that are divided by time: they would learn from what comes later; and a single fold.

    Raises
    ------
    SettingsProblem
        They are.
    """
    wanted = settings.training
    if wanted.retrain_folds == 1:
        raise SettingsProblem(
            "one fold leaves no texts to train on", found="retrain_folds = 1", expected="0, or 2 to 20"
        )
    if wanted.retrain_folds and not (wanted.retrain_on_all or settings.tune.finish == "retrain-all"):
        raise SettingsProblem(
            "texts are held out only where a training on all texts follows",
            found=f"retrain_folds = {wanted.retrain_folds} without retrain_on_all",
            cure="add --set retrain_on_all=true, or leave out retrain_folds",
        )
    cut = wanted.folds is not None or wanted.retrain_folds
    if cut and settings.data.time is not None:
        raise SettingsProblem(
            "texts that are divided by time have no folds",
            found=f"time = {settings.data.time!r}, folds = {wanted.folds or wanted.retrain_folds}",
            cure="leave out folds; seeds tells what chance in training does",
        )


class CrossValidation:
    """The trainings of a cross-validation: those that were kept, and those to do.

    Parameters
    ----------
    splits
        Of which the training and validation texts are divided anew.
    settings
        What the user chose, the number of folds and repeats among it.
    path
        The file that keeps what each fold scored.
    scratch
        Checkpoints of the run.
    """

    def __init__(self, splits: Splits, settings: Settings, *, path: Path, scratch: Checkpoints) -> None:
        self.space, self.path, self.scratch = splits.space, path, scratch
        self.settings = replace(settings, training=replace(settings.training, retrain_on_all=False))
        self.table = LabelledTexts.joined([splits.train, splits.validation])
        self.parts = max(2, round(len(self.table) / max(1, len(splits.validation))))

    def run(self, say: Say) -> dict[str, Any]:
        """Score every fold that is not scored yet; give plain JSON with all of them and their spread.

        Raises
        ------
        ClassifineError
            A training is not possible; why is said. What was scored before it is kept.
        """
        wanted = self.settings.training
        k, repeats = wanted.folds or 2, wanted.repeats
        cut = cut_into_folds(self.table, k, self.settings, separator=self.space.separator, repeats=repeats)
        base = resolve(self.settings.model.model)
        kept = {entry["key"]: entry for entry in self._kept()}
        done = []
        for fold, seed in zip(cut, seeds_from(self.settings.seed, len(cut)), strict=True):
            key = self._key(fold, seed, base)
            entry = kept.get(key)
            if entry is None:
                entry = {"key": key, **self._scored(fold, seed, base)}
                kept[key] = entry
                durable.write_json(self.path, {"folds": list(kept.values())})
            done.append(entry)
            metric = self._metric(entry)
            where = f"fold {fold.number} of {k}" + (f", repeat {fold.repeat} of {repeats}" if repeats > 1 else "")
            say("folds", f"{where}: {spelled(metric)} {entry['scores'][metric]:.3f}")
        spread = self._spread(cut, done)
        told = {"k": k, "repeats": repeats, "texts": len(self.table), "sentence": sentence(spread, k, repeats)}
        durable.write_json(self.path, {**told, **spread.to_dict(), "folds": done})
        return {**told, **spread.to_dict()}

    def _scored(self, fold: Fold, seed: int, base: ResolvedModel) -> dict[str, Any]:
        """Train without the fold, with a part of the others to choose the epoch by, and score it."""
        started = time.perf_counter()
        learned, held = self.table.take(fold.train.tolist()), self.table.take(fold.test.tolist())
        own = cut_into_folds(learned, self.parts, self.settings, separator=self.space.separator, seed=seed)[0]
        train, validation = learned.take(own.train.tolist()), learned.take(own.test.tolist())
        name = f"fold-{fold.repeat}-{fold.number}"
        scratch = self.scratch.below(name)
        chosen = replace(self.settings, seed=seed)
        result = Course(train, validation, self.space, base, chosen, scratch=scratch).run()
        durable.remove(scratch.folder)
        deciding = result.classifier.space
        decided = decide(result.classifier.predict_proba(held.texts), deciding)
        several = self.space.separator is not None
        given = self.space.indicator(decided).astype(bool) if several else self.space.ids(decided)
        truth = Truth.of(held.labels, self.space, ranks_of(self.space, self.settings.data.label_order))
        return {
            "repeat": fold.repeat,
            "fold": fold.number,
            "seed": seed,
            "rows": {"train": len(train), "validation": len(validation), "scored": len(held)},
            "scores": truth.scores(given),
            "seconds": round(time.perf_counter() - started, 2),
            "warnings": list(result.history.get("warnings", ())),
        }

    def _spread(self, cut: list[Fold], done: list[dict[str, Any]]) -> Spread:
        metric = self._metric(done[0])
        return over_folds(
            [entry["scores"][metric] for entry in done],
            training_rows=float(np.mean([len(fold.train) for fold in cut])),
            test_rows=float(np.mean([len(fold.test) for fold in cut])),
            metric=metric,
        )

    def _metric(self, entry: Mapping[str, Any]) -> str:
        wanted = self.settings.training.metric_for_best_model
        return wanted if wanted in entry["scores"] else "macro_f1"

    def _key(self, fold: Fold, seed: int, base: ResolvedModel) -> str:
        texts = list(self.table.to_dict().values())
        own = origin_of(replace(self.settings, seed=seed))
        return durable.fingerprint([own, base.source, texts, fold.test.tolist(), self.parts])

    def _kept(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads(self.path.read_text("utf-8"))["folds"]
        except (OSError, ValueError, KeyError):
            return []
        return found


def sentence(spread: Spread, k: int, repeats: int) -> str:
    """Say what a cross-validation shows."""
    times = f", {repeats} times" if repeats > 1 else ""
    return (
        f"Over {k} folds of the training and validation texts{times}: {spelled(spread.metric)} {spread.mean:.3f} on "
        f"average (95 % interval {spread.low:.3f} to {spread.high:.3f}, for other training texts, too), standard "
        f"deviation {spread.sd:.3f}, from {spread.least:.3f} to {spread.most:.3f}"
    )
