"""Takes settings and several seeds and gives the classifier in the middle, with how far the seeds lie apart.

Each seed's classifier lies in a folder of its own as soon as it is trained, and is not trained again; the median one
goes on, never the best; test texts choose nothing. Does not know what else a run or a search does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.courses.course import Course
from classifine.data.labelled import Say
from classifine.errors import DiscError, count
from classifine.evaluation.seeds import SeedsApart, median_place, optimism, over_seeds
from classifine.evaluation.selection import comparable
from classifine.evaluation.validation import METRICS
from classifine.labels import LabelSpace
from classifine.model.classifier import Classifier, predictions_of
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Predictions, Splits
from classifine.training.checkpoints import Checkpoints, Scratch, Tell, below
from classifine.training.finetune import FineTuned
from classifine.training.machine import device_name

# Texts on which a kept folder must give the same probabilities as the classifier in memory.
_PROBES = 8
_MODEL, _HISTORY = "model", "history.json"
# Beside the weights: the tokenizer and, for a moment, what is being written.
_FURTHER, _MARGIN = 20_000_000, 1.2


@dataclass(frozen=True)
class Shelf:
    """Where classifiers lie that may or may not become the run's.

    Parameters
    ----------
    folder
        Their own.
    probe
        Texts with which a saved folder is proven.
    """

    folder: Path
    probe: Sequence[str] = ()

    def require_room(self, weights: int, copies: int, *, for_what: str, holds: str) -> None:
        """Refuse a disc that could not hold so many classifiers of so many bytes.

        Raises
        ------
        DiscError
            How much is free and how much it takes is said.
        """
        durable.make_folder(self.folder)
        needed = (copies * weights + _FURTHER) * _MARGIN
        free = durable.free_bytes(self.folder)
        if free < needed:
            raise DiscError(
                f"there is too little space for {for_what}",
                where=str(self.folder),
                found=f"{free / 1e6:,.0f} MB free",
                expected=f"{needed / 1e6:,.0f} MB: {holds}",
                cure="free some space, then type the same command again",
            )

    def keep(self, name: str, result: FineTuned, about: dict[str, Any]) -> None:
        """Put a classifier under a name; what lay there goes when it is whole."""
        durable.make_folder(self.folder)
        with durable.staging(self.folder / name) as staged:
            result.classifier.save(staged / _MODEL, probe=self.probe[:_PROBES])
            durable.write_json(staged / _HISTORY, {"about": about, "history": result.history})

    def found(self, name: str, **about: Any) -> FineTuned | None:
        """Give the classifier of this name, where what is known about it is this."""
        try:
            told = json.loads((self.folder / name / _HISTORY).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if any(told["about"].get(key) != value for key, value in about.items()):
            return None
        return FineTuned(Classifier.load(self.folder / name / _MODEL), told["history"])


def origin_of(settings: Settings) -> str:
    """Digest what a training's result depends on, beside its texts."""
    told = settings.to_dict()
    told.pop("tune", None)
    told.pop("evaluation", None)
    told["training"] = {name: value for name, value in told["training"].items() if name not in _OF_REPETITION}
    return durable.fingerprint(told)


_OF_REPETITION = ("seeds", "folds", "repeats")


def seeds_from(first: int, number: int) -> list[int]:
    """Give so many seeds; those between them are for trainings that come to nothing and are done once more.

    Examples
    --------
    >>> seeds_from(42, 3)
    [42, 44, 46]
    """
    return [(first + 2 * place) % 2**32 for place in range(number)]


@dataclass(frozen=True)
class Repeated:
    """The median one of several trainings.

    Attributes
    ----------
    result
        The classifier and its history.
    told
        Plain JSON: the seeds, the value of each, the kept one, and the spread on the validation texts.
    """

    result: FineTuned
    told: dict[str, Any]


def repeated(
    settings: Settings,
    validation: LabelledTexts,
    space: LabelSpace,
    *,
    seeds: Sequence[int],
    trained: Callable[[Settings, str], FineTuned],
    shelf: Shelf,
    tell: Tell,
    first: FineTuned | None = None,
) -> Repeated:
    """Train the same settings with each seed, as far as that is not done, and give the median one.

    Parameters
    ----------
    settings
        All but the seed.
    validation, space
        The texts that say which one is in the middle, and the labels.
    seeds
        At least one.
    trained
        Trains settings; its second argument names a place for checkpoints.
    shelf
        Where each one is kept.
    tell
        Called with a plain sentence.
    first
        The classifier of the first seed, where it is there already.

    Raises
    ------
    ClassifineError
        As a training does.
    """
    metric = settings.training.metric_for_best_model

    def given(place: int) -> FineTuned:
        if place == 0 and first is not None:
            return first
        seed = seeds[place]
        chosen, name = replace(settings, seed=seed), f"seed-{seed}"
        result = shelf.found(name, origin=origin_of(chosen))
        if result is None:
            tell(f"seed {seed}, {place + 1} of {len(seeds)}")
            result = trained(chosen, name)
            shelf.keep(name, result, {"origin": origin_of(chosen)})
        return result

    values, predictions = [], []
    for place, seed in enumerate(seeds):
        result = given(place)
        values.append(float(result.history["best"]["value"]))
        predictions.append(_predicted(result.classifier, validation, f"seed-{seed}", "validation", settings))
        tell(f"seed {seed}: {metric} {values[-1]:.3f} on the validation texts")
        for warning in result.history.get("warnings", ()):
            tell(f"seed {seed}: {warning}")
    middle = median_place(values, higher=METRICS[metric] == "higher")
    spread = over_seeds(predictions, comparable(metric, space), order=space.order or ())
    told = {"seed": seeds[middle], "seeds": list(seeds), "values": values, "metric": metric}
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    told |= {"mean": float(np.mean(values)), "sd": sd, "optimism": optimism(len(values), sd)}
    # by its place on the disc, so that not all of them are in memory
    return Repeated(given(middle), told | {"spread": spread.to_dict()})


def with_seeds(splits: Splits, settings: Settings, *, scratch: Scratch, folder: Path | None = None) -> FineTuned:
    """Fine-tune with as many seeds as the settings say and give the median classifier; its history tells of all.

    Where training on all texts is wanted, too, the seeds are compared without it, and the median one is trained so.

    Parameters
    ----------
    splits
        Of which the training and validation texts are used.
    settings
        What the user chose.
    scratch
        A folder that is gone afterwards, or the checkpoints of a run.
    folder
        Where each seed's classifier is kept; without one, in the scratch folder.

    Raises
    ------
    ClassifineError
        As :class:`classifine.courses.course.Course`; or the disc has no room for so many classifiers.
    """
    base, validation = resolve(settings.model.model), splits.validation
    if folder is None:
        folder = (scratch if isinstance(scratch, Path) else scratch.folder) / "seeds"
    tell = scratch.tell if isinstance(scratch, Checkpoints) else _silent

    def trained(chosen: Settings, name: str) -> FineTuned:
        own = below(scratch, name)
        return Course(splits.train, validation, splits.space, base, chosen, scratch=own).run()

    shelf = Shelf(folder, validation.texts)
    seeds = seeds_from(settings.seed, settings.training.seeds)
    missing = [seed for seed in seeds if not (folder / f"seed-{seed}" / _HISTORY).is_file()]
    weights = sum(file.stat().st_size for file in base.folder.glob("*.safetensors"))
    holds = f"the classifiers of {count(len(missing), 'seed')} and the run's own"
    shelf.require_room(weights, len(missing) + 1, for_what="so many seeds", holds=holds)
    apart = replace(settings, training=replace(settings.training, retrain_on_all=False))
    done = repeated(apart, validation, splits.space, seeds=seeds, trained=trained, shelf=shelf, tell=tell)
    result = done.result
    if settings.training.retrain_on_all:
        result = trained(replace(settings, seed=done.told["seed"]), "all")
    told = done.told | {"on_all": settings.training.retrain_on_all}
    return replace(result, history=result.history | {"seeds": told})


def on_other_seeds(
    folder: Path, history: Path, table: LabelledTexts, settings: Settings, say: Say
) -> tuple[SeedsApart | None, list[Predictions]]:
    """Give how far the seeds lie apart on labelled texts, and what each predicts; nothing where there was one seed.

    Parameters
    ----------
    folder
        Where each seed's classifier is kept.
    history
        The file that tells of them.
    table
        Labelled texts, such as the test texts.
    settings
        Those of the run.
    say
        Is told where a classifier is gone, so that nothing can be said.
    """
    told = json.loads(history.read_text("utf-8")).get("seeds")
    if told is None:
        return None, []
    apart = replace(settings, training=replace(settings.training, retrain_on_all=False))
    shelf, found = Shelf(folder), []
    for seed in told["seeds"]:
        kept = shelf.found(f"seed-{seed}", origin=origin_of(replace(apart, seed=seed)))
        if kept is None:
            say("mind", f"without the spread over seeds: the classifier of seed {seed} is gone from {folder}")
            return None, []
        found.append(_predicted(kept.classifier, table, f"seed-{seed}", "test", settings))
    spread = over_seeds(found, told["spread"]["metric"], order=found[0].space.order or ())
    return SeedsApart(spread, tuple(told["seeds"]), told["seed"], on_all=told["on_all"]), found


def _silent(line: str) -> None:
    """Tell nobody."""


def _predicted(classifier: Classifier, table: LabelledTexts, name: str, split: str, settings: Settings) -> Predictions:
    classifier.backend.model.to(device_name(use_cpu=settings.training.use_cpu))
    return predictions_of(classifier, table.texts, ids=table.ids, truth=table.labels, split=split, classifier=name)
