"""Takes predictions of test and validation texts and says whether the probabilities can be trusted, and what for.

Calibration before and after, risk against coverage, a threshold for a wanted accuracy, and sets of labels. Whatever is
chosen comes from validation texts; test texts are only measured. Does not know models or files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifine.evaluation.abstention import RiskCoverage, Target, measured, risk_coverage, target_of
from classifine.evaluation.calibration import Calibration
from classifine.evaluation.conformal import PredictionSets, Way, fit_sets, measured_sets
from classifine.evaluation.reliability import Calibrated, before_and_after
from classifine.tables import OK, OUT_OF_FOLD, Predictions

TRAINED_ON = "the validation texts were trained on in the end, so that nothing can be expected from them"
TOO_FEW_FOR_SETS = "too few validation texts: 1 / error - 1 are needed"
HELD_OUT = "texts held out of further trainings"
SEVERAL_LABELS = "made for texts with one label each"

_WAYS: tuple[Way, ...] = ("marginal", "by_label")


@dataclass(frozen=True)
class Trust:
    """What the probabilities of a classifier are good for.

    Attributes
    ----------
    calibrated
        How far they mean what they say, before and after calibration.
    abstaining
        What is gained when unsure texts are left to people.
    target
        What it takes to be right as often as wanted; none where validation texts cannot tell.
    sets
        Sets of labels that hold the true one as often as asked for; empty where there are none.
    notes
        Why there is no target, or are no sets.
    fitted_on
        The texts that all of this was chosen by.
    """

    calibrated: Calibrated
    abstaining: RiskCoverage
    target: Target | None
    sets: tuple[PredictionSets, ...]
    notes: dict[str, str]
    fitted_on: str = "validation texts"

    @property
    def sentence(self) -> str:
        """Say the most important in a sentence or two."""
        known, after, before = self.calibrated.calibration, self.calibrated.after, self.calibrated.before
        error = after.figures["ece"]
        if known.method == "none":
            told = f"Probabilities are not calibrated: {known.note}. They are off by {error.value:.3f} on average"
        else:
            told = (
                f"Probabilities, calibrated on {known.n:,} {self.fitted_on}, are off by {error.value:.3f} on average "
                f"({before.figures['ece'].value:.3f} before)"
            )
        told += f"; {after.by_chance:.3f} would be chance alone."
        if self.target is not None and self.target.threshold is not None and self.target.measured:
            coverage, accuracy = (self.target.measured[name] for name in ("coverage", "accuracy"))
            left = 100 - 100 * coverage.value
            told += (
                f" To be right in {100 * self.target.accuracy:g} %, {left:.0f} % of the texts are left to people; "
                f"of the other test texts, {100 * accuracy.value:.1f} % were right."
            )
        return told

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "sentence": self.sentence,
            "fitted_on": self.fitted_on,
            "calibrated": self.calibrated.to_dict(),
            "abstaining": self.abstaining.to_dict(),
            "target": None if self.target is None else self.target.to_dict(),
            "sets": [one.to_dict() for one in self.sets],
            "notes": self.notes,
        }


def trust(
    test: Predictions,
    validation: Predictions | None,
    calibration: Calibration,
    *,
    target_accuracy: float = 0.95,
    set_error: float = 0.1,
    unknown: str = TRAINED_ON,
) -> Trust | None:
    """Say what the probabilities of a classifier are good for; none where some are unknown.

    Parameters
    ----------
    test
        Predictions with truth, calibrated.
    validation
        The same of validation texts; none where there are none, or the classifier was trained on them.
    calibration
        What the probabilities went through.
    target_accuracy
        How often the texts that are labelled should be right.
    set_error
        How often a set of labels may miss the true one.
    unknown
        Why there are no validation texts.

    Raises
    ------
    LabelsProblem, RowsProblem
        A true label is unknown, or no row can be scored.
    """
    rows = enumerate(zip(test.truth, test.status, strict=True))
    known = [row for row, (truth, status) in rows if truth is not None and status == OK]
    if not known or not np.isfinite(test.probabilities[known]).all():
        return None
    notes = {}
    target, sets = None, []
    if validation is None:
        notes = {"target": unknown, "sets": unknown}
    else:
        target = measured(target_of(validation, target_accuracy), test)
        if target.note is not None:
            notes["target"] = target.note
        if test.space.separator is not None:
            notes["sets"] = SEVERAL_LABELS
        else:
            found = [fit_sets(validation, error=set_error, way=way) for way in _WAYS]
            sets = [measured_sets(one, test) for one in found if one is not None]
            if not sets:
                notes["sets"] = TOO_FEW_FOR_SETS
    held_out = validation is not None and validation.split == OUT_OF_FOLD
    told = Trust(before_and_after(test, calibration), risk_coverage(test), target, tuple(sets), notes)
    return replace(told, fitted_on=HELD_OUT) if held_out else told
