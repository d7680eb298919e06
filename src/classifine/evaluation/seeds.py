"""Takes predictions of runs that differ by their seed and gives mean, spread, interval, median run and ensemble.

In short, for callers (``runs`` are :class:`~classifine.tables.Predictions` for the same rows, one a seed; the order of
the runs decides what the places mean)::

    over_seeds(runs, metric="macro_f1", *, order=()) -> Spread   # .mean .sd .least .most .low .high .values .median
    over_folds(values, *, training_rows, test_rows, metric) -> Spread   # scores of folds, also repeated ones
    median_place(values, *, higher=True) -> int                  # which run is kept; never the best
    ensemble(runs, *, space=None) -> Predictions                 # mean of the probabilities, decided as ever
    expected_best(n) -> float                                    # standard deviations; 5 → 1.16, 20 → 1.87
    optimism(n, sd) -> float                                     # by how much the best of n flatters itself

The repeats of a cross-validation, joined to one prediction a row each, are such runs, too.
Does not know models, training or files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifine.errors import count, unknown_name
from classifine.evaluation.intervals import TOO_FEW
from classifine.evaluation.matching import SameRows, same_rows
from classifine.evaluation.validation import METRICS, OF_POSITIVE, spelled
from classifine.labels import FloatMatrix, LabelSpace, decide
from classifine.resampling import CONFIDENCE, FEWEST, Z, leaving_out
from classifine.tables import OK, Predictions

ONE_RUN = "of one run alone: how scores vary with the seed is not known"
ROWS_AND_SEEDS = "test rows and seeds (Obuchowski-Rockette)"
FOLDS = "corrected resampled t (Nadeau-Bengio)"


@dataclass(frozen=True)
class Spread:
    """One metric of several runs.

    Attributes
    ----------
    metric
        What was measured.
    values
        Of each run, in the order given.
    mean, sd, least, most
        Of the values; ``sd`` is 0 for a single run.
    low, high
        The 95 % interval of the mean: where it would lie with other test rows and other seeds. None where there
        cannot be one, and ``note`` says why.
    sd_of_rows
        The part of the mean's standard error that comes from the test rows; none where it is not known.
    sd_of_seeds
        The part that comes from the seeds.
    n
        How many test rows each value rests on.
    method
        How the interval was computed.
    median
        The place of the run to keep: the one in the middle; of an even number, the lower of the two.
    optimism
        By how much the best of so many runs is expected to lie above their mean through chance alone.
    note
        What the interval lacks.
    """

    metric: str
    values: tuple[float, ...]
    low: float | None
    high: float | None
    sd_of_rows: float | None
    sd_of_seeds: float
    n: int
    method: str
    median: int
    note: str | None = None

    @property
    def mean(self) -> float:
        """The mean of the runs."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float:
        """How far runs lie from their mean."""
        return _sd(self.values)

    @property
    def least(self) -> float:
        """The lowest of the runs."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The highest of the runs."""
        return max(self.values)

    @property
    def optimism(self) -> float:
        """By how much the best of so many runs is expected to lie above their mean through chance alone."""
        return optimism(len(self.values), self.sd)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``note`` only where there is one."""
        told = {
            "metric": self.metric,
            "values": list(self.values),
            **{name: getattr(self, name) for name in ("mean", "sd", "least", "most", "low", "high")},
            **{name: getattr(self, name) for name in ("sd_of_rows", "sd_of_seeds", "n", "method", "median")},
            "optimism": self.optimism,
        }
        return told if self.note is None else {**told, "note": self.note}


@dataclass(frozen=True)
class SeedsApart:
    """How far trainings with other seeds lie apart on test rows.

    Attributes
    ----------
    spread
        Of their scores.
    seeds
        In the same order.
    kept
        The seed of the classifier that was kept.
    on_all
        Whether that one has then been trained on training and validation texts, the others not.
    """

    spread: Spread
    seeds: tuple[int, ...]
    kept: int
    on_all: bool = False

    @property
    def sentence(self) -> str:
        """Say what they show."""
        of, n = self.spread, len(self.seeds)
        interval = (
            f"no interval: {of.note}"
            if of.low is None or of.high is None
            else f"95 % interval {of.low:.3f} to {of.high:.3f}, for other test texts and other seeds"
        )
        return (
            f"Over {count(n, 'seed')}{', trained on the training texts alone' if self.on_all else ''}: "
            f"{spelled(of.metric)} {of.mean:.3f} on average ({interval}), standard deviation {of.sd:.3f}, from "
            f"{of.least:.3f} to {of.most:.3f}. The classifier of seed {self.kept}, in the middle on the validation "
            f"texts, was kept; the best of {n} would lead the mean by about {of.optimism:.3f} through chance alone."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        facts = {"seeds": list(self.seeds), "kept": self.kept, "on_all": self.on_all, "sentence": self.sentence}
        return facts | self.spread.to_dict()


def over_seeds(runs: Sequence[Predictions], metric: str = "macro_f1", *, order: Sequence[str] = ()) -> Spread:
    """Score runs of one setting on the same test rows and join what rows and seeds add to the uncertainty.

    Parameters
    ----------
    runs
        Predictions for the same rows, one for each seed.
    metric
        A metric that decided labels yield, as in :func:`classifine.evaluation.comparison.compare`.
    order
        The labels from the lowest to the highest, for ``quadratic_weighted_kappa``.

    Raises
    ------
    LabelsProblem, RowsProblem
        The labels, rows or true labels differ.
    ValueError
        There is no run, or no such metric.

    Notes
    -----
    Every run is scored on every row, so runs and rows are crossed, as readers and cases are in radiology. With s² the
    variance of the R scores and c the mean covariance of two runs' scores over samples of test rows (by jackknife)::

        variance of the mean = max(c, 0) + s²/R,   degrees of freedom = (R - 1) (variance / (s²/R))²

    Obuchowski and Rockette (1995), Communications in Statistics - Simulation 24:285; degrees of freedom after Hillis
    (2007), Statistics in Medicine 26:596. The rows' part is a covariance, not a variance, because what one run's own
    mistakes add is in s² already. Given the training rows: what other training rows would change is not in it.
    """
    if not runs:
        raise ValueError("there is no run to score")
    matched = same_rows(runs, names=[f"run {place + 1}" for place in range(len(runs))], order=order)
    columns = [_left_out(matched, place, metric) for place in range(len(runs))]
    values = tuple(value for value, _ in columns)
    n, n_runs = len(matched), len(runs)
    left_out = np.stack([column for _, column in columns], axis=1)
    deviations = left_out - left_out.mean(axis=0)
    covariances = (n - 1) / n * deviations.T @ deviations
    of_seeds = _sd(values) ** 2 / n_runs
    between = (covariances.sum() - np.trace(covariances)) / (n_runs * (n_runs - 1)) if n_runs > 1 else covariances[0, 0]
    of_rows = max(float(between), 0.0)
    low, high = _ends(float(np.mean(values)), of_rows + of_seeds, of_seeds, n_runs - 1, metric)
    known = n >= FEWEST
    return Spread(
        metric=metric,
        values=values,
        low=low if known else None,
        high=high if known else None,
        sd_of_rows=math.sqrt(of_rows),
        sd_of_seeds=math.sqrt(of_seeds),
        n=n,
        method=ROWS_AND_SEEDS,
        median=median_place(values),
        note=TOO_FEW if not known else ONE_RUN if n_runs == 1 else None,
    )


def over_folds(values: Sequence[float], *, training_rows: float, test_rows: float, metric: str = "macro_f1") -> Spread:
    """Join the scores of the folds of a cross-validation, also of a repeated one.

    Parameters
    ----------
    values
        The score of each fold; at least two.
    training_rows, test_rows
        How many rows a fold trains on and is scored on, on average.
    metric
        What was measured.

    Raises
    ------
    ValueError
        There are fewer than two folds.

    Notes
    -----
    Folds share training rows, so that their scores vary less than those of fresh data would; the variance of the mean
    of J folds is taken as ``(1/J + test rows / training rows) s²``, with J - 1 degrees of freedom.
    Nadeau and Bengio (2003), Machine Learning 52:239; for repeated folds Bouckaert and Frank (2004), PAKDD.

    Examples
    --------
    >>> found = over_folds([0.70, 0.74, 0.72, 0.76, 0.68], training_rows=800, test_rows=200)
    >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
    (0.72, 0.661, 0.779)
    """
    if len(values) < 2:
        raise ValueError("one fold has no spread: at least two are needed")
    scores = tuple(float(value) for value in values)
    spread = _sd(scores)
    variance = (1 / len(scores) + test_rows / training_rows) * spread**2
    low, high = _ends(float(np.mean(scores)), variance, variance, len(scores) - 1, metric)
    return Spread(
        metric=metric,
        values=scores,
        low=low,
        high=high,
        sd_of_rows=None,
        sd_of_seeds=math.sqrt(variance),
        n=round(test_rows),
        method=FOLDS,
        median=median_place(scores),
    )


def median_place(values: Sequence[float], *, higher: bool = True) -> int:
    """Give the place of the value in the middle; of an even number the worse of the two, of equal ones the first.

    Parameters
    ----------
    values
        One for each run.
    higher
        Whether a higher value is a better one.

    Examples
    --------
    >>> median_place([0.7, 0.9, 0.8]), median_place([0.7, 0.9, 0.8, 0.6])
    (2, 0)
    """
    ranked = sorted(range(len(values)), key=lambda place: (values[place] if higher else -values[place], place))
    return ranked[(len(ranked) - 1) // 2]


def ensemble(
    runs: Sequence[Predictions], *, space: LabelSpace | None = None, classifier: str = "ensemble"
) -> Predictions:
    """Average the probabilities of several runs row by row, and decide as one classifier would.

    Parameters
    ----------
    runs
        Predictions for the same rows, in any order; the first one's order is kept.
    space
        The label space that decides, with thresholds fitted to the ensemble where a text may have several labels;
        without one, thresholds are the means of the runs' own.
    classifier
        What to call it.

    Raises
    ------
    ValueError
        There is no run, or the runs do not have the same rows and labels.
    """
    if not runs:
        raise ValueError("there is no run to average")
    first = runs[0]
    matrices = [_probabilities_in_order(first, each) for each in runs]
    probabilities: FloatMatrix = np.mean(matrices, axis=0)
    known = np.array([state == OK for state in first.status])
    deciding = space or replace(first.space, thresholds=_mean_thresholds(runs))
    given = iter(decide(probabilities[known], deciding))
    return replace(
        first,
        probabilities=probabilities,
        predicted=tuple(next(given) if ok else None for ok in known),
        space=deciding,
        classifier=classifier,
    )


def expected_best(n: int) -> float:
    """Give how many standard deviations the best of n equally good runs is expected to lie above their mean.

    Notes
    -----
    The expected largest of n normal values: the integral of ``1 - F(x)^n`` above 0 minus that of ``F(x)^n`` below.

    Examples
    --------
    >>> round(expected_best(5), 2), round(expected_best(20), 2)
    (1.16, 1.87)
    """
    from scipy.special import ndtr

    x = np.linspace(0.0, 12.0, 24_001)
    return max(0.0, float(np.trapezoid(1 - ndtr(x) ** n - ndtr(-x) ** n, x)))


def optimism(n: int, sd: float) -> float:
    """Give by how much the best of n runs is expected to flatter itself, if all are equally good and vary by ``sd``."""
    return expected_best(n) * sd


def _left_out(matched: SameRows, place: int, metric: str) -> tuple[float, FloatMatrix]:
    """Give a run's score and, for each row, the score without it, shape [n]."""
    counted = matched.counted(place)
    told = counted.averages[0](counted.counts[None, :])
    if metric not in told:
        raise ValueError(f"no metric {metric!r}: {unknown_name(metric, list(told), noun='metrics')}")
    parts = leaving_out(counted.counts, len(counted.counts))
    of_cells = np.concatenate([counted.averages[0](part)[metric] for part in parts])
    without: FloatMatrix = of_cells[counted.of_row]
    return float(told[metric][0]), without


def _ends(mean: float, variance: float, of_seeds: float, freedom: int, metric: str) -> tuple[float, float]:
    """Give the interval, as far as the metric reaches."""
    from scipy.special import stdtrit

    if of_seeds > 0:
        effective = freedom * (variance / of_seeds) ** 2
        reach = float(stdtrit(effective, (1 + CONFIDENCE) / 2))
    else:
        reach = Z
    spread = reach * math.sqrt(variance)
    if metric not in OF_POSITIVE and METRICS.get(metric) != "higher":
        return mean - spread, mean + spread
    least = -1.0 if metric == "quadratic_weighted_kappa" else 0.0
    return max(mean - spread, least), min(mean + spread, 1.0)


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _probabilities_in_order(first: Predictions, each: Predictions) -> FloatMatrix:
    """Give one run's probabilities with rows and labels in the order of the first."""
    place_of = {id_: place for place, id_ in enumerate(each.ids)}
    if set(place_of) != set(first.ids) or set(each.space.names) != set(first.space.names):
        raise ValueError("runs that are averaged must have the same rows and labels")
    rows = [place_of[id_] for id_ in first.ids]
    if tuple(each.status[row] for row in rows) != first.status:
        raise ValueError("runs that are averaged must have predicted the same rows")
    ordered: FloatMatrix = each.probabilities[rows][:, [each.space.id_of(name) for name in first.space.names]]
    return ordered


def _mean_thresholds(runs: Sequence[Predictions]) -> tuple[float, ...] | None:
    names = runs[0].space.names
    told = [dict(zip(each.space.names, each.space.thresholds or (), strict=False)) for each in runs]
    if not all(told):
        return None
    return tuple(float(np.mean([thresholds[name] for thresholds in told])) for name in names)
