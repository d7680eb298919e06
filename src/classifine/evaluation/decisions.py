"""Takes probabilities of validation texts and their labels and gives the rule for labels that a metric likes best.

Of two labels, the threshold of one; of more, how far rare labels are favoured, one number for all of them, so that
little can be learned by heart. Does not know models, or where the texts come from; they must not be the test texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from classifine.errors import SettingsProblem
from classifine.evaluation.metrics import IntMatrix, Margins, agreement_metrics, averaged_metrics, label_metrics
from classifine.labels import FloatMatrix, IntVector, LabelSpace
from classifine.resampling import FEWEST

Decision = Literal["argmax", "f1", "macro_f1", "balanced_accuracy", "mcc"]

FEW_TEXTS = 20  # of the rarer label: with fewer, the threshold is drawn towards one half
# How far rare labels may be favoured: not, wholly, and half as much again.
_POWERS = np.linspace(0, 1.5, 61)


def decided_for(space: LabelSpace, probabilities: FloatMatrix, truth: IntVector, decision: Decision) -> LabelSpace:
    """Give the label space with weights that make a metric largest on these texts.

    Parameters
    ----------
    space
        Of texts with one label each.
    probabilities
        Shape [n, n_labels].
    truth
        Label ids, shape [n].
    decision
        The metric; ``argmax`` leaves the most probable label to win.

    Raises
    ------
    SettingsProblem
        The F1 of one label is asked for, and it is not said which, or there are more than two.

    Notes
    -----
    Of more than two labels, each probability is divided by a power of its label's share, as in the logit adjustment of
    Menon et al. 2021 ("Long-tail learning via logit adjustment", ICLR), after training; the power is chosen, and 0,
    the most probable label, is among the choices. With fewer than 10 texts nothing is chosen.
    """
    refuse_idle(space, decision)
    if decision == "argmax" or len(truth) < FEWEST:
        return space
    if len(space) == 2:
        return replace(space, weights=_of_two(space, probabilities, truth, decision))
    shares = (np.bincount(truth, minlength=len(space)) + 0.5) / (len(truth) + 0.5 * len(space))
    values = [_value(space, (probabilities * shares**-power).argmax(axis=1), truth, decision) for power in _POWERS]
    power = _POWERS[int(np.argmax(np.round(values, 12)))]  # of equal ones the smallest
    weights = (shares.max() / shares) ** power
    return space if power == 0 else replace(space, weights=tuple(weights.tolist()))


def refuse_idle(space: LabelSpace, decision: Decision) -> None:
    """Refuse a metric that these labels do not have.

    Raises
    ------
    SettingsProblem
        See :func:`decided_for`; or a text may have several labels, which have thresholds of their own.
    """
    if decision == "argmax":
        return
    if space.separator is not None:
        raise SettingsProblem(
            f"decision = {decision!r} is for texts with one label each",
            cure="leave it out: where a text may have several labels, each has a threshold fitted for its F1 anyway",
        )
    if decision == "f1" and (len(space) != 2 or space.positive is None):
        raise SettingsProblem(
            "decision = 'f1' means the F1 of the positive label of two",
            found=f"{len(space)} labels" if len(space) != 2 else "no positive label",
            cure="name it with --positive LABEL" if len(space) == 2 else "ask for macro_f1",
        )


def _of_two(space: LabelSpace, probabilities: FloatMatrix, truth: IntVector, decision: Decision) -> tuple[float, float]:
    """Weigh one of two labels so that it is given from the best threshold on."""
    counts = np.bincount(truth, minlength=2)
    asked = int(counts.argmin()) if space.positive is None else space.id_of(space.positive)
    scores, has = probabilities[:, asked], truth == asked
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(has[order])
    given = np.arange(1, len(ranked) + 1)
    # the margins of giving the label to the first texts, for each number of them, none included
    hits, given = np.append(0, hits), np.append(0, given)
    texts, rows = int(has.sum()), len(truth)
    right = np.stack([hits, rows - texts - given + hits], axis=1)
    predicted = np.stack([given, rows - given], axis=1)
    support = np.broadcast_to(np.array([texts, rows - texts]), right.shape)
    values = np.round(_of_margins(Margins(right, support, predicted), decision), 12)
    ends = np.append(ranked[:-1] != ranked[1:], True)
    values[1:][~ends] = -np.inf  # equal probabilities are given the label all or none
    best = np.flatnonzero(values == values.max())
    between = np.concatenate([[1.0], ranked, [0.0]])
    candidates = (between[best] + between[best + 1]) / 2
    threshold = float(candidates[np.abs(candidates - 0.5).argmin()])  # of equal ones the nearest to one half
    trust = min(1.0, int(counts.min()) / FEW_TEXTS)
    kept = min(max(threshold, 1e-9), 1 - 1e-9)
    weight = float(np.exp(trust * np.log((1 - kept) / kept)))
    return (weight, 1.0) if asked == 0 else (1.0, weight)


def _value(space: LabelSpace, given: npt.NDArray[np.int64], truth: IntVector, decision: Decision) -> float:
    labels = len(space)
    cells: IntMatrix = np.bincount(truth * labels + given, minlength=labels * labels).reshape(labels, labels)
    return float(_of_margins(Margins.of(cells), decision))


def _of_margins(margins: Margins, decision: Decision) -> npt.NDArray[np.float64]:
    if decision == "f1":  # the label in question stands first
        first: npt.NDArray[np.float64] = label_metrics(margins)[2][..., 0]
        return first
    return (averaged_metrics(margins) | agreement_metrics(margins))[decision]
