"""Takes predictions of validation texts and gives sets of labels that hold the true one as often as is asked for.

The promise is about sets, not about single labels, and rests on new texts being like the validation texts.
Does not know models or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from classifine.evaluation.intervals import Figure, mean, share
from classifine.evaluation.metrics import FloatVector, scorable
from classifine.labels import BoolMatrix, FloatMatrix, IntVector
from classifine.tables import OUT_OF_FOLD, Predictions

Way: TypeAlias = Literal["marginal", "by_label"]


@dataclass(frozen=True)
class PredictionSets:
    """The rule that makes sets of labels, and how it did on test texts.

    Attributes
    ----------
    way
        ``marginal``: over all texts, the set holds the true label as often as asked for; ``by_label``: for the texts
        of each label.
    error
        How often the true label may be missed.
    thresholds
        A label is in the set when its probability is at least this, one of each label. 0, so that the label is in every
        set, where too few validation texts have it to say anything.
    n
        Validation texts the rule is made from.
    too_few
        Labels without enough validation texts.
    coverage, size
        On test texts: how often the true label is in the set, and how many labels a set holds in the mean.
    empty, single
        Shares of test texts whose set is empty, which is to abstain, or holds one label.
    held_out
        Whether the rule is made from texts that were held out of further trainings, not of the classifier's own.
    """

    way: Way
    error: float
    thresholds: tuple[float, ...]
    n: int
    too_few: tuple[str, ...] = ()
    coverage: Figure | None = None
    size: Figure | None = None
    empty: Figure | None = None
    single: Figure | None = None
    held_out: bool = False

    @property
    def guarantee(self) -> str:
        """Say what is promised, and on what it rests."""
        of_whom = "" if self.way == "marginal" else " of each label"
        if self.held_out:
            return (
                f"For new texts{of_whom} like these, the set is meant to hold the true label in "
                f"{100 - 100 * self.error:g} % of the cases. The threshold comes from further trainings that each had "
                "not seen the texts it was made from; for the classifier that was trained on all of them this is no "
                "proven promise, so look at the test texts."
            )
        return (
            f"For new texts{of_whom} like the validation texts, the set holds the true label in at least "
            f"{100 - 100 * self.error:g} % of the cases, in the mean over validation samples like this one. As the "
            "same validation texts chose the epoch and the calibration, take that as nearly so, and look at the test "
            "texts."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        figures = {name: getattr(self, name) for name in ("coverage", "size", "empty", "single")}
        return {
            "way": self.way,
            "error": self.error,
            "thresholds": list(self.thresholds),
            "n": self.n,
            "too_few": list(self.too_few),
            "guarantee": self.guarantee,
            **{name: None if one is None else one.to_dict() for name, one in figures.items()},
        }


def fit_sets(validation: Predictions, *, error: float = 0.1, way: Way = "marginal") -> PredictionSets | None:
    """Make the rule for sets of labels; none where there are too few validation texts, fewer than 1 / error - 1.

    Parameters
    ----------
    validation
        Predictions with truth, each text with one label.
    error
        How often the true label may be missed.
    way
        Over all texts, or for the texts of each label.

    Raises
    ------
    LabelsProblem, RowsProblem
        A true label is unknown, or no row can be scored.

    Notes
    -----
    Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued classifiers with bounded error levels", JASA
    114:223-234 (LAC); by label as in Vovk 2012, "Conditional validity of inductive conformal predictors". With n texts,
    the threshold is the ceil((n + 1)(1 - error))-th largest probability of the true label.
    """
    rows = scorable(validation)
    of_truth = rows.probabilities[np.arange(len(rows)), rows.truth]
    names, held_out = validation.space.names, validation.split == OUT_OF_FOLD
    if way == "marginal":
        threshold = _threshold(of_truth, error)
        if threshold is None:
            return None
        return PredictionSets(way, error, (threshold,) * len(names), len(rows), held_out=held_out)
    found = [_threshold(of_truth[rows.truth == label], error) for label in range(len(names))]
    if all(one is None for one in found):
        return None
    too_few = tuple(name for name, one in zip(names, found, strict=True) if one is None)
    return PredictionSets(way, error, tuple(one or 0.0 for one in found), len(rows), too_few, held_out=held_out)


def sets_of(probabilities: FloatMatrix, sets: PredictionSets) -> BoolMatrix:
    """Say of each text which labels are in its set, shape [n, n_labels]."""
    within: BoolMatrix = probabilities >= np.array(sets.thresholds)
    return within


def measured_sets(sets: PredictionSets, test: Predictions) -> PredictionSets:
    """Put beside the promise what the sets of the test texts are like."""
    rows = scorable(test)
    within = sets_of(rows.probabilities, sets)
    sizes, n = within.sum(axis=1), len(rows)
    return replace(
        sets,
        coverage=share(int(_holds(within, rows.truth).sum()), n),
        size=mean(sizes.astype(np.float64), most=float(within.shape[1])),
        empty=share(int((sizes == 0).sum()), n),
        single=share(int((sizes == 1).sum()), n),
    )


def _holds(within: BoolMatrix, truth: IntVector) -> BoolMatrix:
    held: BoolMatrix = within[np.arange(len(truth)), truth]
    return held


def _threshold(of_truth: FloatVector, error: float) -> float | None:
    """Give the probability that so many of these reach, or none where even all of them are not enough."""
    place = math.ceil(round((len(of_truth) + 1) * (1 - error), 9))
    if place > len(of_truth):
        return None
    return float(np.sort(of_truth)[::-1][place - 1])
