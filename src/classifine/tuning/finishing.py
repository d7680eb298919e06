"""Takes the trials' classifiers as they come about and gives the one that the run keeps.

Only the best one so far lies on the disc. In the end it is kept, or its settings are trained with several seeds, of
which the median one is kept, never the best. Does not know how settings were searched or the test texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.errors import DiscError
from classifine.evaluation.seeds import median_place, over_seeds
from classifine.evaluation.selection import comparable
from classifine.model.classifier import Classifier, predictions_of
from classifine.settings import Settings
from classifine.tables import Predictions
from classifine.training.calibrating import calibrated
from classifine.training.checkpoints import Checkpoints, Tell
from classifine.training.course import Course
from classifine.training.finetune import FineTuned
from classifine.tuning.objective import Material

# Texts on which a kept folder must give the same probabilities as the classifier in memory.
_PROBES = 8
_BEST, _MODEL, _HISTORY = "best", "model", "history.json"
# Beside the weights: the tokenizer, the database and, for a moment, a second classifier.
_COPIES, _FURTHER, _MARGIN = 2, 20_000_000, 1.2


@dataclass(frozen=True)
class Kept:
    """Where classifiers of a search lie until it is over.

    Parameters
    ----------
    folder
        The search's own.
    probe
        Texts with which a saved folder is proven.
    """

    folder: Path
    probe: Sequence[str] = ()

    def require_room(self, weights: int) -> None:
        """Refuse a disc that could not hold the best classifier and another one.

        Raises
        ------
        DiscError
            How much is free and how much it takes is said.
        """
        durable.make_folder(self.folder)
        needed = (_COPIES * weights + _FURTHER) * _MARGIN
        free = durable.free_bytes(self.folder)
        if free < needed:
            raise DiscError(
                "there is too little space for a search",
                where=str(self.folder),
                found=f"{free / 1e6:,.0f} MB free",
                expected=f"{needed / 1e6:,.0f} MB: the best classifier and, for a moment, another one",
                cure="free some space, then type the same command again",
            )

    def keep(self, name: str, result: FineTuned, about: dict[str, Any]) -> None:
        """Put a classifier under a name; what lay there goes when it is whole."""
        with durable.staging(self.folder / name) as staged:
            result.classifier.save(staged / _MODEL, probe=self.probe[:_PROBES])
            durable.write_json(staged / _HISTORY, {"about": about, "history": result.history})

    def keep_best(self, number: int, result: FineTuned, origin: str) -> None:
        """Keep a trial's classifier as the best one so far."""
        self.keep(_BEST, result, {"trial": number, "origin": origin})

    def found(self, name: str, **about: Any) -> FineTuned | None:
        """Give the classifier of this name, where what is known about it is this."""
        try:
            told = json.loads((self.folder / name / _HISTORY).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if any(told["about"].get(key) != value for key, value in about.items()):
            return None
        return FineTuned(Classifier.load(self.folder / name / _MODEL), told["history"])

    def best(self, origin: str) -> FineTuned | None:
        """Give the best trial's classifier, where it came of these settings."""
        return self.found(_BEST, origin=origin)


@dataclass(frozen=True)
class Finished:
    """The run's classifier and how it was chosen among its seeds.

    Attributes
    ----------
    result
        The classifier and its history.
    told
        Plain JSON: what was done, with the spread over seeds where there are several.
    """

    result: FineTuned
    told: dict[str, Any]


def origin_of(settings: Settings) -> str:
    """Digest what a training's result depends on, beside its texts."""
    told = settings.to_dict()
    told.pop("tune", None)
    return durable.fingerprint(told)


def finish(
    material: Material, winner: Settings, kept: Kept, checkpoints: Path, *, higher: bool, quarantine: Path, tell: Tell
) -> Finished:
    """Give the classifier that a search ends with.

    Parameters
    ----------
    material
        What the search saw.
    winner
        The settings that won; ``tune.finish`` and ``tune.finish_seeds`` say what is done with them.
    kept
        Where the best trial's classifier may lie; where it does not, it is trained again.
    checkpoints, quarantine
        For trainings that are done here.
    higher
        Whether a higher value of the metric is better.
    tell
        Called with a plain sentence.

    Raises
    ------
    ClassifineError
        As a training does.
    """
    how = winner.tune.finish

    def trained(settings: Settings, name: str) -> FineTuned:
        scratch = Checkpoints(checkpoints / name, quarantine=quarantine, tell=tell)
        found = material
        return Course(found.train, found.validation, found.space, found.base, settings, scratch=scratch).run()

    first = kept.best(origin_of(winner))
    if first is None:
        tell("training once more with the settings that won")
        first = trained(winner, "winner")
        kept.keep_best(-1, first, origin_of(winner))
    first = calibrated(first, material.validation, winner.training)
    if how == "keep":
        return Finished(first, {"how": how, "seed": winner.seed})
    results = [first]
    seeds = [(winner.seed + place) % 2**32 for place in range(winner.tune.finish_seeds)]
    for place, seed in enumerate(seeds[1:], 2):
        chosen = replace(winner, seed=seed)
        again = kept.found(f"seed-{seed}", origin=origin_of(chosen))
        if again is None:
            tell(f"the winner's settings with seed {seed}, {place} of {len(seeds)}")
            again = trained(chosen, f"seed-{seed}")
            if place < len(seeds):  # the last one need not lie on the disc to be remembered
                kept.keep(f"seed-{seed}", again, {"origin": origin_of(chosen)})
        results.append(again)
    values = [float(one.history["best"]["value"]) for one in results]
    chosen_place = median_place(values, higher=higher)
    metric = comparable(first.history["best"]["metric"], material.space)
    spread = over_seeds([_predicted(one, material) for one in results], metric)
    told = {"how": how, "seed": seeds[chosen_place], "seeds": seeds, "values": values, "spread": spread.to_dict()}
    result = results[chosen_place]
    if how == "retrain-all":
        tell("once more on training and validation texts")
        all_texts = replace(winner, seed=seeds[chosen_place], training=replace(winner.training, retrain_on_all=True))
        result = trained(all_texts, "all")
    return Finished(result, told)


def _predicted(result: FineTuned, material: Material) -> Predictions:
    table = material.validation
    return predictions_of(
        result.classifier, table.texts, ids=table.ids, truth=table.labels, split="validation", classifier="model"
    )
