"""Takes predictions with truth and says what is gained when unsure texts are left to people: risk against coverage.

A threshold for a wanted accuracy comes from validation texts; on test texts it is only measured.
Does not know models or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.evaluation.clusters import Groups, groups_of, proportions
from classifine.evaluation.intervals import Figure
from classifine.evaluation.metrics import FloatVector, scorable
from classifine.evaluation.ranking import between
from classifine.evaluation.several import scorable_sets
from classifine.resampling import FEWEST
from classifine.tables import OK, Predictions

SEED = 42  # where draws of groups start
COVERAGES = (0.5, 0.8, 0.9, 0.95)
# Points of a curve that are kept; more would lie on one another.
_POINTS = 100
OUT_OF_REACH = "no threshold reaches it on the validation texts"
TOO_FEW = f"fewer than {FEWEST} validation texts would be left to say so"

BoolVector = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RiskCoverage:
    """How many mistakes are made when only the surest texts are labelled.

    Attributes
    ----------
    aurc
        The area under the curve: the mean, over all coverages, of the share of mistakes among the texts covered.
    curve
        Coverage and risk, from the surest text to all.
    accuracy_at
        Accuracy of the surest share of the texts, by that share.
    """

    aurc: Figure
    curve: tuple[tuple[float, float], ...]
    accuracy_at: dict[float, Figure]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "aurc": self.aurc.to_dict(),
            "curve": [list(point) for point in self.curve],
            "accuracy_at": {str(coverage): figure.to_dict() for coverage, figure in self.accuracy_at.items()},
        }


@dataclass(frozen=True)
class Target:
    """What it takes to be right as often as wanted.

    Attributes
    ----------
    accuracy
        The wanted one.
    threshold
        Texts whose confidence is at least this are labelled, the others left to people; none where no threshold serves.
    expected
        On validation texts: ``coverage``, the share that is labelled, and ``accuracy`` among these.
    measured
        The same on test texts.
    note
        Why there is no threshold.
    """

    accuracy: float
    threshold: float | None
    expected: dict[str, Figure]
    measured: dict[str, Figure]
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        parts = {"expected": self.expected, "measured": self.measured}
        return {
            "accuracy": self.accuracy,
            "threshold": self.threshold,
            **{part: {name: one.to_dict() for name, one in told.items()} for part, told in parts.items()},
            "note": self.note,
        }


def risk_coverage(predictions: Predictions) -> RiskCoverage:
    """Measure what is gained when unsure texts are left to people.

    Raises
    ------
    LabelsProblem, RowsProblem
        A true label is unknown, or no row can be scored.

    Notes
    -----
    Geifman and El-Yaniv 2017, "Selective classification for deep neural networks", NeurIPS. Where a text may have
    several labels, it is right when all of them are. Texts of equal confidence count as if each of them had their mean
    risk. The interval of the area is that of the infinitesimal jackknife, normal on the log-odds.
    """
    confidence, right, groups = _answers(predictions)
    order = np.argsort(-confidence, kind="stable")
    ranked, n = confidence[order], len(order)
    in_order = None if groups is None else groups.take(order)
    wrong = _alike(ranked, 1 - right[order].astype(np.float64))
    covered = np.arange(1, n + 1)
    risks = np.cumsum(wrong) / covered
    aurc = float(risks.mean())
    # a text counts in the risk of each coverage that includes it
    after = [np.cumsum(part[::-1])[::-1] for part in (1 / covered, risks / covered)]
    pulls = (risks - aurc + wrong * after[0] - after[1]) / n
    shown = np.unique(np.linspace(0, n - 1, min(n, _POINTS)).round().astype(np.int64))
    at = {}
    for coverage in COVERAGES:
        most = int(np.ceil(round(coverage * n, 9)))
        surest = None if groups is None else groups.take(order[:most])
        at[coverage] = proportions({"right": 1 - wrong[:most]}, seed=SEED, groups=surest)["right"]
    error = float(np.sqrt((pulls**2).sum())) if in_order is None else in_order.error(pulls)
    return RiskCoverage(
        aurc=between(aurc, error, n, groups=in_order),
        curve=tuple((float((place + 1) / n), float(risks[place])) for place in shown),
        accuracy_at=at,
    )


def target_of(validation: Predictions, accuracy: float) -> Target:
    """Give the lowest threshold with which the validation texts that are labelled are right as often as wanted.

    Parameters
    ----------
    validation
        Predictions with truth that neither training nor testing has used.
    accuracy
        The wanted one.

    Raises
    ------
    LabelsProblem, RowsProblem
        A true label is unknown, or no row can be scored.
    """
    confidence, right, groups = _answers(validation)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    so_far = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # a threshold takes all of equal confidence, or none
    ends = np.append(ranked[:-1] != ranked[1:], True)
    reached = np.flatnonzero(ends & (so_far >= accuracy - 1e-12))
    if not len(reached):
        return Target(accuracy, None, {}, {}, OUT_OF_REACH)
    last = int(reached[-1])
    if last + 1 < FEWEST:
        return Target(accuracy, None, {}, {}, TOO_FEW)
    # half-way to the next one, so that rounding elsewhere makes no difference; all of them where all may be labelled
    threshold = float((ranked[last] + ranked[last + 1]) / 2) if last + 1 < len(ranked) else 0.0
    return Target(accuracy, threshold, _of_covered(confidence, right, threshold, groups), {})


def measured(target: Target, test: Predictions) -> Target:
    """Put beside what is expected of a threshold what it brings on the test texts."""
    if target.threshold is None:
        return target
    confidence, right, groups = _answers(test)
    found = _of_covered(confidence, right, target.threshold, groups)
    return Target(target.accuracy, target.threshold, target.expected, found, target.note)


def to_review(predictions: Predictions, threshold: float) -> BoolVector:
    """Say of each row whether people should look at it: its confidence is below the threshold, shape [n].

    A blank text has no confidence, and nothing to look at.
    """
    rows = zip(predictions.confidence, predictions.status, strict=True)
    return np.array([status == OK and (sure or 0.0) < threshold for sure, status in rows], dtype=bool)


def answers(predictions: Predictions) -> tuple[FloatVector, BoolVector]:
    """Give the confidence of each scorable row, and whether it is right, shape [n] each."""
    return _answers(predictions)[:2]


def _answers(predictions: Predictions) -> tuple[FloatVector, BoolVector, Groups | None]:
    several = predictions.space.separator is not None
    if several:
        sets = scorable_sets(predictions)
        positions, right = sets.positions, sets.right
    else:
        rows = scorable(predictions)
        positions, right = rows.positions, rows.truth == rows.predicted
    confidence = predictions.confidence
    of_rows = np.array([confidence[place] for place in positions], dtype=np.float64)
    return of_rows, right, groups_of(predictions, positions)


def _of_covered(
    confidence: FloatVector, right: BoolVector, threshold: float, groups: Groups | None
) -> dict[str, Figure]:
    covered = confidence >= threshold
    found = proportions({"coverage": covered}, seed=SEED, groups=groups)
    kept = None if groups is None else groups.take(covered)
    return found | proportions({"accuracy": right[covered]}, seed=SEED, groups=kept)


def _alike(ranked: FloatVector, wrong: FloatVector) -> FloatVector:
    """Give texts of equal confidence the mean of their mistakes, so that their order makes no difference."""
    _, place, sizes = np.unique(-ranked, return_inverse=True, return_counts=True)
    means: FloatVector = (np.bincount(place, weights=wrong) / sizes)[place]
    return means
