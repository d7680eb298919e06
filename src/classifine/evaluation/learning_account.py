"""Takes the trainings of a learning curve and the curves through them and gives what is told of them, as plain JSON.

All that page and terminal show is computed here. Does not know texts, models or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifine.errors import count
from classifine.evaluation.learning_curve import LearningCurve
from classifine.evaluation.validation import spelled

AHEAD = 2  # times the largest size; what a forecast is told of

_CHOSEN_BY = {
    "finetuned": "the epoch of each training",
    "frozen": "how strongly weights are held back",
}


def account(
    curves: Mapping[str, LearningCurve | None],
    done: Mapping[str, Sequence[Mapping[str, Any]]],
    titles: Mapping[str, str],
    *,
    metric: str,
    gain: float,
    sizes: Sequence[int],
    seeds: Sequence[int],
    texts: Mapping[str, int],
    time_budget: str | None = None,
) -> dict[str, Any]:
    """Tell everything about the learning curves of some classifiers, the one that answers first.

    Parameters
    ----------
    curves
        The fitted curve of each classifier, or none where too few sizes were trained.
    done
        The trainings of each: ``size``, ``texts``, ``seed``, ``scores``, ``seconds`` and ``notes``.
    titles
        What people call each.
    metric, gain
        What is scored, and the gain that is asked about.
    sizes, seeds
        What was planned.
    texts
        How many training and validation texts there are: ``train``, ``validation``.
    time_budget
        The time that each training of the run may take, if it is limited.
    """
    classifiers = [
        _of_one(name, curve, done[name], titles[name], metric, gain, len(sizes) * len(seeds))
        for name, curve in curves.items()
    ]
    return {
        "finished": all(len(done[name]) == len(sizes) * len(seeds) for name in curves),
        "metric": metric,
        "gain": gain,
        "sizes": list(sizes),
        "seeds": list(seeds),
        "scored_on": "validation",
        "texts": dict(texts),
        "classifiers": classifiers,
        "cautions": [
            *_missed(classifiers, metric, gain),
            *_cautions(done, titles, sizes, texts["train"], time_budget),
        ],
    }


def _of_one(
    name: str,
    curve: LearningCurve | None,
    done: Sequence[Mapping[str, Any]],
    title: str,
    metric: str,
    gain: float,
    planned: int,
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "classifier": name,
        "title": title,
        "planned": planned,
        "trained": len(done),
        "seconds": round(sum(one["seconds"] for one in done), 1),
        "means": _means(done, metric),
        "points": [{"texts": one["texts"], "seed": one["seed"], "score": one["scores"][metric]} for one in done],
        "curve": None,
        "at_all": None,
        "ahead": None,
        "rise": None,
    }
    if curve is None:
        points = "1 point" if round(100 * gain, 6) == 1 else f"{100 * gain:g} points"
        sentence = (
            f"How many more labels would bring {points} more cannot be said: "
            f"there was time for {count(len(told['means']), 'size')} only."
        )
        return told | {"more_labels": dict.fromkeys(("needed", "low", "high")) | {"gain": gain, "sentence": sentence}}
    fitted = curve.to_dict()
    more = curve.more_labels(gain).to_dict()
    return told | {
        "curve": {part: fitted[part] for part in ("ceiling", "gap", "rate", "rises", "line")},
        "at_all": curve.at(curve.largest).to_dict(),
        "ahead": curve.at(AHEAD * curve.largest).to_dict(),
        "rise": curve.rise(AHEAD * curve.largest).to_dict(),
        "more_labels": more,
    }


def _means(done: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Give mean, lowest and highest score of each size that was trained."""
    told = []
    for size in sorted({one["size"] for one in done}):
        these = [one for one in done if one["size"] == size]
        scores = [one["scores"][metric] for one in these]
        texts = round(float(np.mean([one["texts"] for one in these])))
        mean = float(np.mean(scores))
        row = {"size": size, "texts": texts, "mean": mean, "low": min(scores), "high": max(scores), "n": len(these)}
        told.append(row)
    return told


def _missed(classifiers: Sequence[Mapping[str, Any]], metric: str, gain: float) -> list[str]:
    """Warn of curves that do not go through the scores at the largest size: then the scores follow another law."""
    told = []
    for one in classifiers:
        if one["curve"] is None:
            continue
        largest = one["means"][-1]
        missed = largest["mean"] - one["at_all"]["value"]
        if abs(missed) > gain:
            told.append(
                f"{one['title']}: at the largest size, {spelled(metric)} lies {abs(missed):.3f} "
                f"{'above' if missed > 0 else 'below'} the curve, which is no good guide then. Without the smallest "
                "sizes (--sizes) it may fit."
            )
    return told


def _cautions(
    done: Mapping[str, Sequence[Mapping[str, Any]]],
    titles: Mapping[str, str],
    sizes: Sequence[int],
    train: int,
    time_budget: str | None,
) -> list[str]:
    told = []
    chosen = [words for name, words in _CHOSEN_BY.items() if name in done]
    if chosen:
        told.append(
            f"The same validation texts chose {' and '.join(chosen)}, so that scores are a little too good; "
            "what more texts bring is less touched by that."
        )
    told.append(
        "More labels are meant to be more texts of the same kind, labelled by the same people. "
        "The intervals contain what other subsets, seeds and validation texts would change."
    )
    if sizes[-1] < train:
        told.append(f"The largest size is {sizes[-1]:,} of {train:,} training texts; more labels count from there.")
    if time_budget is not None and "finetuned" in done:
        told.append(f"Each training had the run's time_budget, {time_budget}; in it, more texts get fewer epochs.")
    notes = Counter((name, note) for name, trained in done.items() for one in trained for note in one["notes"])
    told += [
        f"{titles[name]}, {n} of {count(len(done[name]), 'training')}: {note}." for (name, note), n in notes.items()
    ]
    return told


def answer(told: Mapping[str, Any]) -> list[str]:
    """Say in words what an account comes to: the answer, where the curve stands, and where it leads.

    Parameters
    ----------
    told
        What :func:`account` gives.
    """
    first = told["classifiers"][0]
    lines = [first["more_labels"]["sentence"]]
    if first["curve"] is not None:
        metric, here, rise = spelled(told["metric"]), first["at_all"], first["rise"]
        line = f"{first['title']}: {metric} {here['value']:.3f} on the curve at {here['size']:,} training texts"
        if first["curve"]["rises"]:
            interval = f"95 % interval {rise['low']:+.3f} to {rise['high']:+.3f}"
            line += f"; with {rise['size']:,}, {rise['value']:+.3f} is to be expected ({interval})"
        lines.append(f"{line}.")
    lines += [f"{other['title']}: {other['more_labels']['sentence']}" for other in told["classifiers"][1:]]
    return lines
