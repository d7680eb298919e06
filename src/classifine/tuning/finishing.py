"""Takes the trials' classifiers as they come about and gives the one that the run keeps.

Only the best one so far lies on the disc. In the end it is kept, or its settings are trained with several seeds, of
which the median one is kept, never the best. Does not know how settings were searched or the test texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from classifine.courses.course import Course
from classifine.courses.repeated import Shelf, origin_of, repeated, seeds_from
from classifine.errors import count
from classifine.settings import Settings
from classifine.training.calibrating import calibrated
from classifine.training.checkpoints import Checkpoints
from classifine.training.deciding import deciding
from classifine.training.finetune import FineTuned
from classifine.tuning.objective import Material

_BEST = "best"
_FOLDS = 5


class Kept(Shelf):
    """Where classifiers of a search lie until it is over."""

    def require_room_for_search(self, weights: int) -> None:
        """Refuse a disc that could not hold the best classifier and another one; raises as ``require_room`` does."""
        self.require_room(weights, 2, for_what="a search", holds="the best classifier and, for a moment, another one")

    def keep_best(self, number: int, result: FineTuned, origin: str) -> None:
        """Keep a trial's classifier as the best one so far."""
        self.keep(_BEST, result, {"trial": number, "origin": origin})

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


def on_all(winner: Settings) -> Settings:
    """Give the settings of the training that ends a search on training and validation texts."""
    folds = winner.training.retrain_folds
    folds = _FOLDS if folds is None else folds
    return replace(winner, training=replace(winner.training, retrain_on_all=True, retrain_folds=folds))


def finish(material: Material, winner: Settings, kept: Kept, checkpoints: Checkpoints) -> Finished:
    """Give the classifier that a search ends with.

    Parameters
    ----------
    material
        What the search saw.
    winner
        The settings that won; ``tune.finish`` and ``tune.finish_seeds`` say what is done with them.
    kept
        Where the best trial's classifier may lie; where it does not, it is trained again.
    checkpoints
        For trainings that are done here, each in a folder below; what is done is said as they say things.

    Raises
    ------
    ClassifineError
        As a training does.
    """
    how, tell = winner.tune.finish, checkpoints.tell

    def trained(settings: Settings, name: str) -> FineTuned:
        found, own = material, checkpoints.below(name)
        return Course(found.train, found.validation, found.space, found.base, settings, scratch=own).run()

    first = kept.best(origin_of(winner))
    if first is None:
        tell("training once more with the settings that won")
        first = trained(winner, "winner")
        kept.keep_best(-1, first, origin_of(winner))
    first = calibrated(first, material.validation, winner.training)
    first = deciding(first, material.validation, winner.training)
    if how == "keep":
        return Finished(first, {"how": how, "seed": winner.seed})
    seeds = seeds_from(winner.seed, winner.tune.finish_seeds)
    tell(f"the winner's settings with {count(len(seeds), 'seed')}")
    found = material
    done = repeated(
        winner, found.validation, found.space, seeds=seeds, trained=trained, shelf=kept, tell=tell, first=first
    )
    result, told = done.result, {"how": how, **done.told}
    if how == "retrain-all":
        result = trained(replace(on_all(winner), seed=told["seed"]), "all")
    return Finished(result, told)
