"""Takes training texts, sizes and seeds and gives the scores of a training on each nested subset, kept as they come.

A training that was kept before is not done again; what is kept says what it depends on. Does not know the test texts,
or what becomes of the scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from classifine import durable
from classifine.courses.rated import CLASSIFIERS, FINETUNED, FROZEN, TFIDF, Rater
from classifine.data.beside import Record
from classifine.data.labelled import Say, silent
from classifine.data.likeness.duplicates import clusters_of
from classifine.data.splits.nested import Nest
from classifine.errors import count
from classifine.evaluation.validation import spelled
from classifine.runs import RunFolder
from classifine.tables import Splits
from classifine.training.timing import seconds_of

Entry = dict[str, Any]


class Series:
    """The trainings of a learning curve: those that were kept, and those to do.

    Parameters
    ----------
    run, record
        Where they are kept: its ``curve``, of which this is the record.
    splits
        Training texts, of which subsets are trained on, and the label space.
    rater
        Trains and scores.
    metric
        What is told of each training; all metrics are kept.
    """

    def __init__(self, run: RunFolder, record: Record, splits: Splits, rater: Rater, metric: str) -> None:
        self.run, self.record, self.splits, self.rater, self.metric = run, record, splits, rater, metric
        parts = [list(table.to_dict().values()) for table in (splits.train, splits.validation)]
        self._origin = durable.fingerprint([parts, splits.space.to_dict()])
        self.entries: list[Entry] = []
        if record.listed() is not None:
            self.entries = json.loads(run.curve.read_text("utf-8")).get("trainings", [])

    def all_of(
        self,
        classifiers: Sequence[str],
        sizes: Sequence[int],
        seeds: Sequence[int],
        *,
        time_budget: str | None = None,
        say: Say = silent,
    ) -> dict[str, list[Entry]]:
        """Do what is not done, the cheapest classifier first; give what there is of each.

        Parameters
        ----------
        classifiers
            Some of :data:`classifine.courses.rated.CLASSIFIERS`.
        sizes
            Numbers of training texts, rising.
        seeds
            One for each nested row of subsets, and for what is random in training.
        time_budget
            No training begins that would not fit any more; what was kept counts.
        say
            Called with a stage and a plain sentence.

        Raises
        ------
        ClassifineError
            A training is not possible; why is said. What was done before it is kept.
        """
        planned = list(self._planned(classifiers, sizes, seeds))
        kept = {one["key"]: one for one in self.entries}
        before = [kept[one["key"]] for one in planned if one["key"] in kept]
        if before:
            say("continue", f"{len(before)} of {count(len(planned), 'training')} were done before")
        budget = Budget(time_budget, before)
        found: dict[str, list[Entry]] = {name: [] for name in classifiers}
        full: set[str] = set()
        for number, one in enumerate(planned, 1):
            entry = kept.get(one["key"])
            if entry is None and not budget.allows(one):
                # a smaller one of the next seed might fit, but would say less
                full.add(one["classifier"])
            if entry is None and one["classifier"] not in full:
                entry = self._trained(one)
                budget.done.append(entry)
                if one["classifier"] == FINETUNED:
                    say("train", f"{number} of {len(planned)}: {_told(entry, self.metric)}")
            if entry is not None:
                found[one["classifier"]].append(entry)
        left = len(planned) - sum(map(len, found.values()))
        if left:
            say(
                "mind",
                f"{count(left, 'training')} did not fit into {time_budget}; with more, the same command goes on",
            )
        return found

    def _planned(self, classifiers: Sequence[str], sizes: Sequence[int], seeds: Sequence[int]) -> Iterator[Entry]:
        """List all trainings: seed after seed, so that each one that is whole is of use."""
        train, data = self.splits.train, self.rater.settings.data
        clusters = clusters_of(train.texts, threshold=data.near_duplicates)
        nest = Nest(train, separator=self.splits.space.separator, clusters=clusters)
        subsets = {seed: nest.subsets(sizes, seed) for seed in seeds}
        for name in sorted(classifiers, key=CLASSIFIERS.index):
            own = self._depends_on(name)
            for seed in seeds:
                for size, rows in zip(sizes, subsets[seed], strict=True):
                    at = rows.tolist()
                    key = durable.fingerprint([self._origin, name, own, at, seed])
                    yield {"classifier": name, "size": size, "texts": len(at), "seed": seed, "key": key, "at": at}

    def _depends_on(self, name: str) -> list[Any]:
        """List what a training depends on beside texts and seed."""
        told, source = self.rater.settings.to_dict(), self.rater.base.source
        order = list(self.rater.settings.data.label_order)
        return {
            TFIDF: [order],
            FROZEN: [order, source, told["model"]],
            FINETUNED: [order, source, told["model"], told["training"]],
        }[name]

    def _trained(self, one: Mapping[str, Any]) -> Entry:
        """Do one and keep it."""
        rated = self.rater.rate(one["classifier"], self.splits.train.take(one["at"]), one["seed"])
        entry = {name: value for name, value in one.items() if name != "at"} | rated.to_dict()
        self.entries.append(entry)
        told = {**self.record.entries([self.run.curve_page]), "finished": False, "trainings": self.entries}
        durable.write_json(self.run.curve, told)
        return entry


class Budget:
    """How much time is left for trainings, and whether one more would fit.

    Parameters
    ----------
    limit
        Such as ``2h``; none is no limit.
    done
        The trainings so far.
    """

    def __init__(self, limit: str | None, done: list[Entry]) -> None:
        self.limit = None if limit is None else seconds_of(limit)
        self.done = done

    def allows(self, one: Mapping[str, Any]) -> bool:
        """Say whether one is likely to fit, by what those with as many texts or fewer took.

        Of two sizes or more, the time of a larger one follows by a straight line through the two largest: few texts are
        trained on in no time, but the validation texts are read as often as ever.

        Examples
        --------
        >>> done = [{"classifier": "tfidf", "texts": n, "seconds": n / 10 + 5} for n in (100, 200)]
        >>> [Budget("85s", done).allows({"classifier": "tfidf", "texts": texts}) for texts in (400, 401)]
        [True, False]
        """
        if self.limit is None:
            return True
        took: dict[int, list[float]] = {}
        for each in self.done:
            if each["classifier"] == one["classifier"] and each["texts"] <= one["texts"]:
                took.setdefault(each["texts"], []).append(each["seconds"])
        mean = {texts: sum(seconds) / len(seconds) for texts, seconds in took.items()}
        likely = 0.0
        if mean:
            last = max(mean)
            before = max((texts for texts in mean if texts < last), default=None)
            slope = 0.0 if before is None else max(mean[last] - mean[before], 0.0) / (last - before)
            likely = mean[last] + slope * (one["texts"] - last)
        return float(sum(each["seconds"] for each in self.done)) + likely <= self.limit


def _told(entry: Mapping[str, Any], metric: str) -> str:
    score = f"{spelled(metric)} {entry['scores'][metric]:.3f}"
    return f"{count(entry['texts'], 'text')}, seed {entry['seed']}: {score}, {entry['seconds']:.0f} s"
