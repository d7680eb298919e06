"""Takes logits and targets and gives the loss of a batch as a sum, with the weight it must be divided by.

Sum and weight are apart so that batches added up before an update count as one batch. Does not know models or steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from classifine.errors import SettingsProblem, unknown_name
from classifine.labels import LabelSpace, tally


def class_weights(choice: str | Mapping[str, float], space: LabelSpace, labels: Sequence[str]) -> torch.Tensor:
    """Give the weight of each label in the loss, shape [n_labels].

    Parameters
    ----------
    choice
        ``none``: all 1. ``balanced``: n / (number of labels × rows of the label), as scikit-learn has it, over the
        labels that occur; one that does not, as when the data is divided by time, weighs 1.
        A table of label = weight: the named ones so, all others 1.
    space, labels
        The label space and the labels of the training rows.

    Raises
    ------
    SettingsProblem
        Another word, an unknown label, or a weight that is not positive.
    """
    if isinstance(choice, Mapping):
        for name, weight in choice.items():
            if name not in space.names:
                raise SettingsProblem(
                    f"class_weights names the label {name!r}, which does not occur in the data",
                    cure=unknown_name(name, space.names, noun="labels"),
                )
            if weight <= 0:
                raise SettingsProblem(f"class_weights of {name!r} is {weight}", expected="a number above 0")
        return torch.tensor([float(choice.get(name, 1.0)) for name in space.names])
    if choice == "none":
        return torch.ones(len(space))
    if choice == "balanced":
        counts = tally(labels)
        even = len(labels) / len(counts)
        return torch.tensor([even / counts[name] if name in counts else 1.0 for name in space.names])
    raise SettingsProblem(
        f"class_weights = {choice!r} is not known", expected='"none", "balanced", or a table of label = weight'
    )


def summed_loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Sum the weighted cross-entropy of a batch; divided by :func:`summed_weight` it is the weighted mean.

    Parameters
    ----------
    logits
        Shape [n, n_labels].
    labels
        Label ids, shape [n], or each label's share of the truth, shape [n, n_labels].
    weights
        Shape [n_labels].
    smoothing
        Share of the truth spread over all labels.
    """
    return torch.nn.functional.cross_entropy(
        logits.float(), labels, weight=weights, label_smoothing=smoothing, reduction="sum"
    )


def summed_weight(labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum the weights of the labels of a batch; a label that is a share of the truth weighs its share."""
    weights = weights.to(labels.device)
    return (labels @ weights).sum() if labels.is_floating_point() else weights[labels].sum()


def summed_binary_loss(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """Sum the weighted binary cross-entropy of a batch whose texts may have several labels, each a question of its own.

    Parameters
    ----------
    logits, labels
        Shape [n, n_labels]; labels are 0, 1 or the share of annotators who gave them.
    weights
        Of each label, shape [n_labels].
    smoothing
        Share of the truth spread over yes and no.
    """
    smooth = labels.float() * (1 - smoothing) + smoothing / 2
    return torch.nn.functional.binary_cross_entropy_with_logits(
        logits.float(), smooth, weight=weights.to(logits.device), reduction="sum"
    )


def summed_binary_weight(labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum the weights of the questions of a batch: every text is asked for every label."""
    return weights.to(labels.device).sum() * len(labels)
