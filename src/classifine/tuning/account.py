"""Takes a study that has ended and gives what trials.json holds: every trial, the way to the best, its worth.

All numbers that the report shows of a search are computed here and stored. Does not know how trials are done.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from classifine.evaluation.seeds import expected_best
from classifine.evaluation.selection import Selection, comparable, selection
from classifine.labels import LabelSpace
from classifine.settings import TuneSettings
from classifine.tuning.objective import BEST, DECIDED, PARTS, SECONDS, Objective, unpacked
from classifine.tuning.study import REASON, Search, best_of

FORMAT = 1
# With fewer trials, importances change from search to search.
_FEW_TRIALS = 30
_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_PAST = 3


def account(search: Search, objective: Objective, *, why: str, url: str) -> dict[str, Any]:
    """Tell a search as plain JSON.

    Parameters
    ----------
    search, objective
        The study, and what its trials were.
    why
        Why it ended.
    url
        Where its database is, as it may be shown.
    """
    places, tune = search.places(), search.tune
    trials = [_row(number, one) for number, one in enumerate(places, 1) if one.state.is_finished()]
    best = best_of(places, higher=objective.higher)
    metric = objective.settings.training.metric_for_best_model
    counted = Counter(row["state"] for row in trials)
    return {
        "format": FORMAT,
        "study": {"name": search.study.study_name, "storage": url},
        "metric": metric,
        "higher": objective.higher,
        "rated_by": objective.rated_by,
        "rated_times": len(objective.parts),
        "rows": {name: len(getattr(objective.material, name)) for name in ("train", "validation")},
        "sampler": tune.sampler,
        "asked": search.goal,
        "ended": why,
        "done": len(trials),
        "counts": {state: counted.get(state, 0) for state in _STATES.values()},
        "interrupted": len(search.study.get_trials(deepcopy=False)) - len(places),
        "space": objective.space.to_dict(),
        "default": next((row["trial"] for row in trials if _same(row["settings"], objective.space.default)), None),
        "best": None if best is None else next(row["trial"] for row in trials if row["number"] == best.number),
        "trials": trials,
        "history": _history(trials, higher=objective.higher),
        "importance": importance(search),
        **worth(places, objective, best),
    }


def _row(place: int, one: FrozenTrial) -> dict[str, Any]:
    row: dict[str, Any] = {
        "trial": place,
        "number": one.number,
        "state": _STATES[one.state],
        "value": one.value if one.state == TrialState.COMPLETE else one.user_attrs.get(BEST, {}).get("value"),
        "settings": dict(one.params),
        "best": one.user_attrs.get(BEST),
        "parts": one.user_attrs.get(PARTS),
        "seconds": one.user_attrs.get(SECONDS),
        "evaluations": [[step, value] for step, value in sorted(one.intermediate_values.items())],
    }
    return row if REASON not in one.user_attrs else {**row, "reason": one.user_attrs[REASON]}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(one[name] == value for name, value in other.items())


def _history(trials: Sequence[Mapping[str, Any]], *, higher: bool) -> list[dict[str, Any]]:
    """Give the best value after each trial; only whole trials count."""
    best, found = None, []
    for row in trials:
        if row["state"] == "complete" and (best is None or (row["value"] > best if higher else row["value"] < best)):
            best = row["value"]
        found.append({"trial": row["trial"], "value": row["value"], "state": row["state"], "best": best})
    return found


def importance(search: Search) -> dict[str, Any]:
    """Say how much each setting decided between good trials and all: PED-ANOVA.

    Notes
    -----
    Watanabe, Bansal and Hutter (2023), "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
    subspaces", IJCAI; the implementation is Optuna's.
    """
    whole = [one for one in search.study.get_trials(deepcopy=False) if one.state == TrialState.COMPLETE]
    told: dict[str, Any] = {"method": "PED-ANOVA", "trials": len(whole), "shares": None}
    if len(whole) < 4 or len({one.value for one in whole}) < 2:
        return {**told, "note": "too few trials that differ"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        try:
            found = optuna.importance.get_param_importances(search.study, evaluator=evaluator)
        except (ValueError, RuntimeError) as error:
            return {**told, "note": str(error).splitlines()[0]}
    shares = {name: float(value) for name, value in found.items() if math.isfinite(value)}
    if not shares or not any(shares.values()):
        return {**told, "note": "the good trials differ from the others in no setting"}
    told["shares"] = shares
    return told if len(whole) >= _FEW_TRIALS else {**told, "note": f"unstable with fewer than {_FEW_TRIALS} trials"}


def worth(places: Sequence[FrozenTrial], objective: Objective, best: FrozenTrial | None) -> dict[str, Any]:
    """Say what the winner is worth: its margin over the default, and what luck gives the best of so many."""
    found = chosen_among(places, objective, best)
    spread = _spread(places, objective)
    trials = sum(one.state == TrialState.COMPLETE for one in places)
    told: dict[str, Any] = {"margin": None if found is None else found.to_dict(), "repeats": spread}
    if spread is not None and trials > 1:
        spread["optimism"] = expected_best(trials) * spread["sd_of_mean"]
    return told


def _spread(places: Sequence[FrozenTrial], objective: Objective) -> dict[str, Any] | None:
    """Say how far folds or seeds of one trial lie apart, pooled over trials."""
    parts = [one.user_attrs[PARTS] for one in places if one.state == TrialState.COMPLETE and PARTS in one.user_attrs]
    several = np.array([one for one in parts if len(one) == len(objective.parts) > 1])
    if not len(several):
        return None
    # what all trials share in a fold is no reason to prefer one of them
    moved = several - several.mean(axis=0, keepdims=True) if len(several) > 1 else several
    pooled = math.sqrt(float(moved.var(axis=1, ddof=1).mean()) * (len(several) / max(1, len(several) - 1)))
    return {
        "of": objective.rated_by,
        "times": several.shape[1],
        "sd": float(np.sqrt(several.var(axis=1, ddof=1).mean())),
        "sd_of_mean": pooled / math.sqrt(several.shape[1]),
    }


def chosen_among(
    places: Sequence[FrozenTrial], objective: Objective, best: FrozenTrial | None, reference: FrozenTrial | None = None
) -> Selection | None:
    """Compare the best trial with the default's, as one of all; none where their decisions were not kept."""
    known = [one for one in places if one.state == TrialState.COMPLETE and DECIDED in one.user_attrs]
    default = objective.space.default
    reference = reference or next((one for one in known if _same(one.params, default)), None)
    if best is None or reference is None or len(known) < 2 or best.number == reference.number:
        return None
    numbers = [one.number for one in known]
    if best.number not in numbers or reference.number not in numbers:
        return None
    space: LabelSpace = objective.material.space
    return selection(
        objective.truth,
        [unpacked(one.user_attrs[DECIDED], objective.truth.shape) for one in known],
        winner=numbers.index(best.number),
        reference=numbers.index(reference.number),
        metric=comparable(objective.settings.training.metric_for_best_model, space),
        positive=None if space.positive is None else space.id_of(space.positive),
        seed=objective.settings.seed,
    )


def in_noise(search: Search, objective: Objective) -> str | None:
    """Say that a third of the trials brought no more than chance among the rows, where that is so."""
    tune: TuneSettings = search.tune
    done = search.finished()
    window = max(8, tune.trials // _PAST)
    if not tune.stop_in_noise or tune.sampler == "grid" or len(done) < 10 + window:
        return None
    before, now = (best_of(trials, higher=objective.higher) for trials in (done[:-window], done))
    if before is None or now is None:
        return None
    if before.number == now.number:
        return f"the last {window} trials were no better"
    found = chosen_among([before, now], objective, now, reference=before)
    if found is None or found.shown:
        return None
    return f"what the last {window} trials gained is within chance"
