"""Takes predictions of two or more classifiers for the same rows and says which is shown to be better than which.

Every pair has its difference with a paired interval and a p value corrected for the number of pairs. A difference
counts as shown only where both agree; so where all are equally good, anything is shown in at most 5 of 100 contests.
Does not know files, runs or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from classifine.errors import SettingsProblem, UsageError, unknown_name
from classifine.evaluation.contest_wording import cautions, grounds, headline
from classifine.evaluation.intervals import RESAMPLES, Figure, bootstrap, share
from classifine.evaluation.matching import KAPPA, SameRows, same_rows
from classifine.evaluation.metrics import IntMatrix
from classifine.evaluation.significance import exchange_p, mcnemar, mcnemar_mid_p
from classifine.evaluation.validation import METRICS
from classifine.labels import FloatMatrix
from classifine.resampling import holm
from classifine.tables import Predictions

Against = Literal["all", "first"]
MCNEMAR, EXCHANGE = "exact McNemar", "exchange of answers"
LEVEL = 0.05

_RIGHT = ("accuracy", "subset_accuracy")


@dataclass(frozen=True)
class Difference:
    """One metric of two classifiers.

    Attributes
    ----------
    metric
        What is compared.
    value
        The first one's value minus the second one's.
    low, high
        The 95 % interval of the difference; none where there cannot be one, and ``note`` says why.
    p
        Two-sided.
    corrected_p
        The same corrected by Holm for the number of pairs.
    method
        Where p comes from.
    note
        Why there is no interval.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    p: float
    corrected_p: float
    method: str
    note: str | None = None

    @property
    def ahead(self) -> int:
        """Give 1 where the first is shown to be better, -1 where the second is, and 0 where nothing is shown."""
        if self.low is None or self.high is None or self.corrected_p >= LEVEL or self.low <= 0 <= self.high:
            return 0
        return 1 if (self.low > 0) == (METRICS.get(self.metric) != "lower") else -1

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        names = ("metric", "value", "low", "high", "p", "corrected_p", "method", "ahead")
        told = {name: getattr(self, name) for name in names}
        return told if self.note is None else {**told, "note": self.note}


@dataclass(frozen=True)
class Pair:
    """Two classifiers on the same rows.

    Attributes
    ----------
    first, second
        Their names.
    differences
        By metric.
    only_first, only_second
        How many rows one of them alone gets right; of several labels, all of them.
    mcnemar_p, mcnemar_mid_p, mcnemar_corrected_p
        Exact McNemar test of these two counts, its mid-p, and p corrected by Holm.
    """

    first: str
    second: str
    differences: Mapping[str, Difference]
    only_first: int
    only_second: int
    mcnemar_p: float
    mcnemar_mid_p: float
    mcnemar_corrected_p: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        names = ("only_first", "only_second", "mcnemar_p", "mcnemar_mid_p", "mcnemar_corrected_p")
        return {
            "first": self.first,
            "second": self.second,
            "differences": {name: difference.to_dict() for name, difference in self.differences.items()},
            **{name: getattr(self, name) for name in names},
        }


@dataclass(frozen=True)
class Contest:
    """Two or more classifiers on the same rows.

    Attributes
    ----------
    names
        The classifiers, in the order given.
    split
        Which rows.
    n, excluded
        How many rows were scored, and how many had no true label or no prediction.
    against
        ``all``: every pair is compared; ``first``: each one with the first.
    metrics
        What is compared; the first of them decides.
    scores
        Each classifier's figures, by name and metric.
    pairs
        What was compared.
    cautions
        What to keep in mind when reading the figures.
    """

    names: tuple[str, ...]
    split: str
    n: int
    excluded: int
    against: Against
    metrics: tuple[str, ...]
    scores: Mapping[str, Mapping[str, Figure]]
    pairs: tuple[Pair, ...]
    cautions: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """The pairs (better, worse) that are shown on the metric that decides."""
        told = [(pair, pair.differences[self.metric].ahead) for pair in self.pairs]
        return tuple((p.first, p.second) if ahead > 0 else (p.second, p.first) for p, ahead in told if ahead)

    @property
    def winner(self) -> str | None:
        """The classifier that is shown to be better than every other one, if there is one."""
        beaten = {name: {worse for better, worse in self.shown if better == name} for name in self.names}
        return next((name for name, worse in beaten.items() if len(worse) == len(self.names) - 1), None)

    @property
    def ranked(self) -> tuple[str, ...]:
        """The classifiers by their score, the best first; a rank is no proof."""
        sign = 1 if METRICS.get(self.metric) == "lower" else -1
        return tuple(sorted(self.names, key=lambda name: sign * self.scores[name][self.metric].value))

    @property
    def finding(self) -> str:
        """Say which classifier is shown to be better than which, or that nothing is shown, and on what grounds."""
        return f"{headline(self)}: {grounds(self)}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it is written to comparison.json."""
        return {
            "finding": self.finding,
            "headline": headline(self),
            "grounds": grounds(self),
            "cautions": list(self.cautions),
            "winner": self.winner,
            "names": list(self.names),
            "ranked": list(self.ranked),
            "split": self.split,
            "n": self.n,
            "excluded": self.excluded,
            "against": self.against,
            "metrics": list(self.metrics),
            "scores": {
                name: {metric: figure.to_dict() for metric, figure in figures.items()}
                for name, figures in self.scores.items()
            },
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def contest(
    predictions: Sequence[Predictions],
    *,
    names: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    against: Against = "all",
    order: Sequence[str] = (),
    seed: int = 42,
    resamples: int = RESAMPLES,
) -> Contest:
    """Compare two or more classifiers on the same rows; rows are matched by id.

    Parameters
    ----------
    predictions
        For the same rows, in any order.
    names
        What to call them; without any, their classifiers' names.
    metrics
        What to compare, the one that decides first. Without any, macro-F1 and accuracy; where a text may have several
        labels, subset accuracy; where labels have an order, quadratic-weighted kappa, too.
    against
        ``all`` compares every pair, ``first`` each one with the first: fewer pairs, so less is taken off by Holm.
    order
        The labels from the lowest to the highest, where they have an order.
    seed
        Where draws and tosses start.
    resamples
        How many draws and tosses there are.

    Raises
    ------
    UsageError
        There are fewer than two classifiers, or two of one name.
    SettingsProblem
        There is no such metric for these labels.
    LabelsProblem, RowsProblem
        The label spaces, the rows, their texts or their true labels differ; how is said.

    Notes
    -----
    Intervals are of the paired BCa bootstrap. p is the exact McNemar test's for accuracy and, for other metrics, that
    of approximate randomisation (:func:`classifine.evaluation.significance.exchange_p`); both hold their level with any
    number of rows. Holm corrects for the pairs of each metric; one metric decides, so that no other can be picked.
    """
    called = list(names) if names is not None else [each.classifier for each in predictions]
    if len(predictions) < 2:
        raise UsageError("one classifier has nothing to be compared with", cure="name two or more")
    if len(set(called)) != len(called):
        raise UsageError(f"two classifiers have the same name: {called}", cure="name each of them once")
    matched = same_rows(predictions, names=called, order=order)
    chosen = _chosen(matched, metrics)
    places = list(combinations(range(len(called)), 2))
    draws = _Draws(seed, resamples)
    pairs = [_pair(matched, one, other, chosen, draws) for one, other in places if against == "all" or one == 0]
    return Contest(
        names=tuple(called),
        split=predictions[0].split,
        n=len(matched),
        excluded=matched.excluded,
        against=against,
        metrics=chosen,
        scores={name: _scores(matched, place, chosen, draws) for place, name in enumerate(called)},
        pairs=_corrected(pairs, chosen),
        cautions=cautions(matched),
    )


@dataclass(frozen=True)
class _Draws:
    """Where chance starts, and how often it is asked."""

    seed: int
    resamples: int


def _chosen(matched: SameRows, metrics: Sequence[str]) -> tuple[str, ...]:
    counted = matched.counted(0)
    known = list(counted.averages[0](counted.counts[None, :]))
    if strange := [metric for metric in metrics if metric not in known]:
        without_order = KAPPA in strange and matched.ranks is None
        raise SettingsProblem(
            f"{', '.join(map(repr, strange))} cannot be compared here",
            cure="say the order of the labels, from the lowest to the highest"
            if without_order
            else "; ".join(unknown_name(metric, known, noun="metrics") for metric in strange),
        )
    usual = ("macro_f1", *_RIGHT, KAPPA)
    return tuple(dict.fromkeys(metrics)) or tuple(metric for metric in usual if metric in known)


def _scores(matched: SameRows, place: int, metrics: Sequence[str], draws: _Draws) -> dict[str, Figure]:
    counted = matched.counted(place)

    def values(drawn: IntMatrix) -> FloatMatrix:
        averages = counted.averages[0](drawn)
        return np.stack([averages[metric] for metric in metrics], axis=1)

    figures = bootstrap(counted.counts, values, seed=draws.seed, resamples=draws.resamples)
    right = share(int(matched.right(place).sum()), len(matched))
    return {metric: right if metric in _RIGHT else figure for metric, figure in zip(metrics, figures, strict=True)}


def _pair(matched: SameRows, one: int, other: int, metrics: Sequence[str], draws: _Draws) -> Pair:
    counted, exchanged = matched.counted(one, other), matched.counted(one, other, exchanged=True)

    def differences(drawn: IntMatrix) -> FloatMatrix:
        first, second = (averages(drawn) for averages in exchanged.averages)
        return np.stack([first[metric] - second[metric] for metric in metrics], axis=1)

    def of_rows(drawn: IntMatrix) -> FloatMatrix:
        first, second = (averages(drawn) for averages in counted.averages)
        return np.stack([first[metric] - second[metric] for metric in metrics], axis=1)

    figures = bootstrap(counted.counts, of_rows, seed=draws.seed, resamples=draws.resamples)
    p_values = exchange_p(
        exchanged.counts, exchanged.differing, differences, seed=draws.seed, resamples=draws.resamples
    )
    right, other_right = matched.right(one), matched.right(other)
    only_first, only_second = int((right & ~other_right).sum()), int((~right & other_right).sum())
    exact = mcnemar(only_first, only_second)
    found = {}
    for metric, figure, by_exchange in zip(metrics, figures, p_values.tolist(), strict=True):
        p, method = (exact, MCNEMAR) if metric in _RIGHT else (by_exchange, EXCHANGE)
        found[metric] = Difference(metric, figure.value, figure.low, figure.high, p, p, method, figure.note)
    mid_p = mcnemar_mid_p(only_first, only_second)
    names = matched.names
    return Pair(names[one], names[other], found, only_first, only_second, exact, mid_p, exact)


def _corrected(pairs: Sequence[Pair], metrics: Sequence[str]) -> tuple[Pair, ...]:
    by_metric = {metric: holm([pair.differences[metric].p for pair in pairs]) for metric in metrics}
    of_mcnemar = holm([pair.mcnemar_p for pair in pairs])
    return tuple(
        replace(
            pair,
            differences={
                name: replace(difference, corrected_p=by_metric[name][place])
                for name, difference in pair.differences.items()
            },
            mcnemar_corrected_p=of_mcnemar[place],
        )
        for place, pair in enumerate(pairs)
    )
