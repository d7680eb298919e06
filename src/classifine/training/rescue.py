"""Takes the history of a training and says whether it came to nothing, as fine-tuning now and then does.

Such a run has not learned badly but not at all: another seed mostly learns. Does not know models or texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from classifine.labels import LabelSpace

# With fewer updates, what is missing is training and not luck: another seed would not help.
LEAST_UPDATES = 50


def failure_of(history: Mapping[str, Any], labels: Sequence[str], space: LabelSpace) -> str | None:
    """Say in what way a training came to nothing; none where it did not.

    Parameters
    ----------
    history
        As :func:`classifine.training.finetune.finetune` gives it: of the best evaluation, ``labels_predicted`` says how
        many labels the validation texts were given.
    labels
        The labels of the validation texts.
    space
        The label space; of texts that may have several labels nothing is said.

    Notes
    -----
    The signs of Mosbach, Andriushchenko and Klakow 2021 ("On the stability of fine-tuning BERT", ICLR): all texts get
    one label, or the training loss ends no lower than log K, that of guessing among K labels, with no more validation
    texts right than the commonest label has.
    """
    if space.separator is not None or len(set(labels)) < 2:
        return None
    best = next(row for row in history["epochs"] if row["step"] == history["best"]["step"])
    if best.get("labels_predicted") == 1:
        return "all validation texts are given one label"
    losses = [row["train_loss"] for row in history["epochs"] if "train_loss" in row]
    chance, commonest = guessing(history["training"], len(space)), Counter(labels).most_common(1)[0][1] / len(labels)
    if losses and losses[-1] >= chance and best["accuracy"] <= commonest:
        return f"the training loss ends at {losses[-1]:.3f}, and guessing has {chance:.3f}"
    return None


def guessing(training: Mapping[str, Any], labels: int) -> float:
    """Give the loss of a classifier that finds all labels equally probable, under the settings of a training."""
    loss = math.log(labels)
    if training.get("loss") == "focal":
        return float((1 - 1 / labels) ** training["focal_gamma"] * loss)
    return math.inf if training.get("logit_adjustment") else loss
