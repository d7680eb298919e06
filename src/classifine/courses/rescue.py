"""Takes the history of a training and says whether it came to nothing, as fine-tuning now and then does.

Such a run has not learned badly but not at all: another seed mostly learns. Does not know models or texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifine.labels import BoolMatrix, LabelSpace

# With fewer updates, what is missing is training and not luck: another seed would not help.
LEAST_UPDATES = 50
# Of the way from a random ranking to a perfect one; with less, a ranking is as good as random.
LEAST_GAIN = 0.05


def failure_of(history: Mapping[str, Any], labels: Sequence[str], space: LabelSpace) -> str | None:
    """Say in what way a training came to nothing; none where it did not.

    Parameters
    ----------
    history
        As :func:`classifine.training.finetune.finetune` gives it: of the best evaluation, ``labels_predicted`` says how
        many labels the validation texts were given, ``validation_loss`` and ``macro_average_precision`` how well it did
        where a text may have several.
    labels
        The labels of the validation texts.
    space
        The label space.

    Notes
    -----
    The signs of Mosbach, Andriushchenko and Klakow 2021 ("On the stability of fine-tuning BERT", ICLR): all texts get
    one label, or the training loss ends no lower than log K, that of guessing among K labels, with no more validation
    texts right than the commonest label has. Where a text may have several labels, as there are thresholds for any
    probabilities, the ranking of the texts counts instead: for the mean label it is hardly better than a random one,
    and the loss on the validation texts is no lower than that of giving all of them the labels' shares.
    """
    if len(set(labels)) < 2:
        return None
    best = next(row for row in history["epochs"] if row["step"] == history["best"]["step"])
    if space.separator is not None:
        return _failure_of_several(best, space.indicator(labels))
    if best.get("labels_predicted") == 1:
        return "all validation texts are given one label"
    losses = [row["train_loss"] for row in history["epochs"] if "train_loss" in row]
    chance, commonest = guessing(history["training"], len(space)), Counter(labels).most_common(1)[0][1] / len(labels)
    if losses and losses[-1] >= chance and best["accuracy"] <= commonest:
        return f"the training loss ends at {losses[-1]:.3f}, and guessing has {chance:.3f}"
    return None


def _failure_of_several(best: Mapping[str, Any], truth: BoolMatrix) -> str | None:
    texts, shares = truth.sum(axis=0), truth.mean(axis=0)
    sure = (shares == 0) | (shares == 1)
    entropies = -(shares * np.log(np.where(sure, 1, shares)) + (1 - shares) * np.log(np.where(sure, 1, 1 - shares)))
    chance = float(np.mean([random_precision(int(has), len(truth)) for has in texts if has]))
    found = best["macro_average_precision"]
    if best["validation_loss"] >= entropies.mean() and found <= chance + LEAST_GAIN * (1 - chance):
        return (
            f"texts are ranked as by chance: mean average precision {found:.3f}, and a random ranking has {chance:.3f}"
        )
    return None


def random_precision(has: int, texts: int) -> float:
    """Give the average precision to expect of a random ranking of texts of which so many have the label.

    Notes
    -----
    Bestgen 2015, "Exact expected average precision of the random baseline for system evaluation", Prague Bulletin of
    Mathematical Linguistics 103.

    Examples
    --------
    >>> random_precision(1, 2), random_precision(3, 3)
    (0.75, 1.0)
    """
    if texts == 1:
        return 1.0
    harmonic = math.fsum(1 / rank for rank in range(1, texts + 1))
    return (harmonic + (has - 1) / (texts - 1) * (texts - harmonic)) / texts


def guessing(training: Mapping[str, Any], labels: int) -> float:
    """Give the loss of a classifier that finds all labels equally probable, under the settings of a training."""
    loss = math.log(labels)
    if training.get("loss") == "focal":
        return float((1 - 1 / labels) ** training["focal_gamma"] * loss)
    return math.inf if training.get("logit_adjustment") else loss
