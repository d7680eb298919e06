"""Takes data files, splits or a run folder and gives a run whose training settings were searched for.

The run's usual data stage, then the search on training and validation texts, then evaluation and report as ever.
Does not know how trials are chosen or done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine import durable, journey
from classifine.data.labelled import Say, silent
from classifine.data.splits.levels import settings_of
from classifine.data.splits.stored import learnable
from classifine.errors import SettingsProblem, TrainingFailed, UsageError
from classifine.preparation import Prepared, audit_of_splits
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.sources import DataFiles
from classifine.tables import Splits

if TYPE_CHECKING:
    from optuna.study import Study

    from classifine.model.classifier import Classifier
    from classifine.tuning.objective import Material, Objective
    from classifine.tuning.study import Search

# Of a search, what may change while its trials stay what they are.
_NO_MATTER = ("trials", "search_time", "stop_in_noise", "finish", "finish_seeds", "storage")


@dataclass(frozen=True)
class Tuned:
    """A finished search.

    Attributes
    ----------
    run
        The run folder, whose settings and model are now the winner's.
    study
        Optuna's study, with every trial.
    account
        What trials.json holds.
    """

    run: Path
    study: Study
    account: Mapping[str, Any]

    @property
    def settings(self) -> Settings:
        """The settings that won, which are the run's now."""
        return Settings.from_dict(RunFolder(self.run).read_manifest()["settings"])

    @property
    def classifier(self) -> Classifier:
        """The run's classifier."""
        from classifine.model.classifier import Classifier

        return Classifier.load(RunFolder(self.run).model)

    def to_dict(self) -> dict[str, Any]:
        """Give what trials.json holds."""
        return dict(self.account)


def tune(
    data: Splits | Path | str,
    *,
    out: Path | str | None = None,
    trials: int | None = None,
    say: Say = silent,
    **settings: Any,
) -> Tuned:
    """Search for training settings on the training and validation texts; the test texts stay unseen.

    Parameters
    ----------
    data
        What :func:`split` gives; or a run folder, whose settings and model become the winner's.
    out
        With splits, the run folder.
    trials
        How many trainings with other settings, the default ones among them; 20 if nothing is said.
    say
        Called with a stage and a plain sentence.
    **settings
        Any setting of a search (``sampler``, ``search_time``, ``finish``, ``space``, ``storage`` and so on) by its
        name; with splits, ``model``, ``seed`` and any training setting, too.

    Raises
    ------
    ClassifineError
        The settings, the base model, the database or the run folder cannot be used; why is said.

    Examples
    --------
    >>> from classifine import read, split, tune
    >>> found = tune(split(read("posts.csv")), out="runs/posts", trials=30)  # doctest: +SKIP
    >>> found.study.best_params  # doctest: +SKIP
    """
    given = settings if trials is None else {"trials": trials, **settings}
    if not isinstance(data, Splits):
        if out is not None:
            raise UsageError("a run folder is tuned in its place", cure="leave out out, or pass splits")
        return tune_again(Path(data), given, upto="train", say=say)
    if out is None:
        raise UsageError("a search needs a folder to keep its trials in", cure='give one: out="runs/NAME"')
    chosen = Settings().with_names({**settings_of(data.space), **given})
    run = RunFolder(out)
    with run.locked():
        run.begin([Source.of_memory(data)], chosen)
        if not run.done("data"):
            prepared = Prepared(data, audit_of_splits(data, chosen.data))
            journey.record(run, "data", lambda: journey.keep_data(run, journey.checked(prepared, chosen)))
        return _searched(run, chosen, upto="train", say=say)


def tune_files(files: DataFiles, settings: Settings, folder: Path, *, say: Say = silent) -> Tuned:
    """Walk from files to the report of a run whose settings were searched for; what is done and verified is skipped.

    Raises
    ------
    ClassifineError
        Whatever stands in the way.
    """
    sources = files.sources()
    run = RunFolder(folder)
    with run.locked():
        run.begin(sources, settings)
        if not run.done("data"):
            journey.record(run, "data", lambda: journey.data_stage(run, files, settings, say=say))
        return _searched(run, settings, upto="report", say=say)


def tune_again(folder: Path, changes: Mapping[str, Any], *, upto: str = "report", say: Say = silent) -> Tuned:
    """Search for the settings of a run that is there; its texts stay divided as they are.

    Raises
    ------
    SettingsProblem
        A change is none of a search.
    """
    run = RunFolder.existing(folder)
    with run.locked():
        manifest = run.read_manifest()
        before = Settings.from_dict(manifest.get("asked", manifest["settings"]))
        asked = before.with_names(changes)
        if replace(asked, tune=before.tune) != before:
            others = sorted(name for name in changes if not hasattr(before.tune, name))
            raise SettingsProblem(
                f"{folder} has its settings; of a search in it, these are none: {', '.join(others)}",
                cure="tune the data instead: classifine tune DATA, with all settings",
            )
        return _searched(run, asked, upto=upto, say=say)


def _searched(run: RunFolder, asked: Settings, *, upto: str, say: Say) -> Tuned:
    """Search, finish, and do the stages that follow."""
    from classifine.tuning.study import Search

    if asked.training.time_budget is not None:
        raise SettingsProblem(
            "time_budget limits one training, and trials must have the same length",
            cure="limit the whole search with --time-budget, or [tune] search_time",
        )
    if asked.training.folds is not None:
        raise SettingsProblem(
            "a search has folds of its own",
            found=f"folds = {asked.training.folds}",
            cure='tune the data without it; [tune] rated_by = "folds" and rated_times rate trials by folds',
        )
    if asked.training.seeds > 1:
        raise SettingsProblem(
            "a search has seeds of its own",
            found=f"seeds = {asked.training.seeds}",
            cure='tune the data without it; [tune] finish = "retrain" and finish_seeds train the winner with several',
        )
    material, objective = _prepared(run, asked)
    name = _study_name(asked, material)
    url = asked.tune.storage or f"sqlite:///{run.study.resolve().as_posix()}"
    search = Search(
        url,
        name,
        asked.tune,
        objective.space,
        seed=asked.seed,
        higher=objective.higher,
        steps="evaluations" if len(objective.parts) == 1 else "folds",
        alone=asked.tune.storage is None,
    )
    key = durable.fingerprint([name, asked.to_dict()])
    if not (run.done("train") and _told(run).get("key") == key):
        run.ask(asked)
        journey.record(run, "train", lambda: _search_and_finish(run, asked, search, objective, key=key, say=say))
    settings = Settings.from_dict(run.read_manifest()["settings"])
    durable.remove(run.tuning)
    if upto == "report":
        if not run.done("evaluate"):
            journey.record(run, "evaluate", lambda: journey.evaluate_stage(run, settings, say=say)[1])
        if not run.done("report"):
            journey.record(run, "report", lambda: journey.report_stage(run))
    return Tuned(run.path, search.study, _told(run))


def _prepared(run: RunFolder, asked: Settings) -> tuple[Material, Objective]:
    """Gather what a search sees, and what its trials are."""
    from classifine.courses.repeated import origin_of
    from classifine.model.hub import resolve
    from classifine.model.torch_backend import family_and_limit
    from classifine.training.finetune import check_settings
    from classifine.tuning.finishing import Kept
    from classifine.tuning.objective import Material, Objective
    from classifine.tuning.space import settled, space_of
    from classifine.tuning.study import check_sampler

    splits, base = learnable(run, asked), resolve(asked.model.model)
    material = Material(splits.train, splits.validation, splits.space, base)
    resolved, _ = check_settings(material.train, material.space, base, asked)
    space = space_of(asked, resolved, model_type=family_and_limit(base.folder)[0])
    check_sampler(asked.tune, space)
    kept = Kept(run.tuning, material.validation.texts)

    def offer(trial: Any, result: Any) -> None:
        best = [one.value for one in trial.study.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
        value = result.history["best"]["value"]
        if all(value > other if objective.higher else value < other for other in best):
            kept.keep_best(trial.number, result, origin_of(settled(asked, trial.params)))

    objective = Objective(material, asked, space, scratch=run.tuning / "scratch", offer=offer)
    return material, objective


def _search_and_finish(
    run: RunFolder, asked: Settings, search: Search, objective: Objective, *, key: str, say: Say
) -> list[Path]:
    from classifine.courses.ladder import Ladder
    from classifine.training.checkpoints import Checkpoints
    from classifine.training.machine import threads_set
    from classifine.training.timing import seconds_of
    from classifine.tuning.account import account, in_noise
    from classifine.tuning.finishing import Kept, finish, on_all
    from classifine.tuning.space import settled
    from classifine.tuning.study import best_of, without_password
    from classifine.tuning.tracking import search_reported

    material = objective.material
    for rung in Ladder(run.baselines).climb(material.train, material.validation, material.space, material.base, asked):
        say("baseline", str(rung))
    kept = Kept(run.tuning, material.validation.texts)
    kept.require_room_for_search(sum(file.stat().st_size for file in material.base.folder.glob("*.safetensors")))
    limit = None if asked.tune.search_time is None else seconds_of(asked.tune.search_time)

    def enough(running: Search) -> str | None:
        told = running.out_of_time(limit)
        return told or in_noise(running, objective)

    def told(trial: Any) -> float:
        value = objective(trial)
        say("trial", f"{len(search.finished()) + 1}: {value:.4f} with {_words(trial.params)}")
        return value

    say("tune", f"{search.goal} trials, rated by {_rated(objective)}; searched: {', '.join(objective.space.default)}")
    reported = search_reported(run.path, asked.training.arguments, f"search of {run.path.name}")
    with threads_set(asked.training.threads):
        with reported:
            why = search.run(told, enough=enough, tell=lambda line: say("tune", line))
        best = best_of(search.places(), higher=objective.higher)
        if best is None:
            reasons = [one.user_attrs.get("failed_because") for one in search.finished()]
            raise TrainingFailed(
                "no trial came to an end",
                found="; ".join(dict.fromkeys(filter(None, reasons))) or None,
                cure="look at [tune.space]: its values do not suit these texts",
            )
        winner = settled(asked, best.params)
        checkpoints = Checkpoints(run.checkpoints, quarantine=run.quarantine, tell=lambda line: say("tune", line))
        done = finish(material, winner, kept, checkpoints)
    url = run.study.name if asked.tune.storage is None else without_password(asked.tune.storage)
    found = account(search, objective, why=why, url=url) | {"finish": done.told, "key": key}
    done.result.classifier.save(run.model, probe=material.validation.texts[:16])
    kept_out = journey.keep_held_out(run, done.result)
    tuned = {"trial": found["best"], "trials": found["done"], "finish": done.told}
    durable.write_json(run.history, done.result.history | {"tuned": tuned})
    durable.write_json(run.trials, found)
    if asked.tune.finish == "retrain-all":
        winner = on_all(winner)
    run.settle(winner)
    say("tune", _verdict(found))
    return [run.model, run.history, run.baselines, run.trials, *kept_out]


def _rated(objective: Objective) -> str:
    metric = objective.settings.training.metric_for_best_model
    if len(objective.parts) == 1:
        return f"the best epoch's {metric} on the validation texts"
    return f"the mean {metric} of {len(objective.parts)} {objective.rated_by}"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items()
    )


def _verdict(found: Mapping[str, Any]) -> str:
    best = next(row for row in found["trials"] if row["trial"] == found["best"])
    told = f"{found['ended']}; best: trial {found['best']}, {found['metric']} {best['value']:.4f}"
    margin = found["margin"]
    if found["best"] == found["default"]:
        return f"{told}, the default settings"
    if margin is None or margin["low"] is None:
        return told
    shown = "shown to be better than" if margin["shown"] else "not shown to be better than"
    ends = f"95 % {margin['low']:+.4f} to {margin['high']:+.4f}, as the best of {margin['candidates']}"
    return f"{told}; {shown} the default ({margin['difference']:+.4f}, {ends})"


def _study_name(asked: Settings, material: Material) -> str:
    """Name a study by what its trials depend on, so that processes elsewhere find the same one."""
    told = asked.to_dict()
    told["tune"] = {name: value for name, value in told.get("tune", {}).items() if name not in _NO_MATTER}
    told.get("data", {}).clear()
    rows = [[*table.ids, *table.texts, *table.labels] for table in (material.train, material.validation)]
    return f"classifine {durable.fingerprint([told, rows, material.base.source])[:16]}"


def _told(run: RunFolder) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(run.trials.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
