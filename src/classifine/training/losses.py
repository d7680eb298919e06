"""Takes logits and targets and gives the loss of a batch as a sum, with the weight it must be divided by.

Sum and weight are apart so that batches added up before an update count as one batch. Does not know models or steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from classifine.errors import SettingsProblem, unknown_name
from classifine.labels import LabelSpace, tally
from classifine.settings import TrainingSettings

# The target, and the share of each label, of a row that only fills a batch up and counts nothing.
NO_LABEL = -100


@dataclass(frozen=True)
class Criterion:
    """What training makes small: cross-entropy against one label a text, or against shares of all labels.

    Attributes
    ----------
    weights
        Weight of each label, shape [n_labels].
    smoothing
        Share of the truth spread over all labels.
    focal_gamma
        How much less a label counts that the model already gives: by (1 - p) to this power. 0: not at all.
    adjustment
        Added to the logits while training, shape [n_labels]; see :func:`logit_adjustment`.

    Notes
    -----
    Focal loss: Lin et al. 2017, "Focal loss for dense object detection", ICCV; here over all labels that are a share
    of the truth. With ``focal_gamma`` 0 it is torch's weighted, smoothed cross-entropy.
    """

    weights: torch.Tensor
    smoothing: float = 0.0
    focal_gamma: float = 0.0
    adjustment: torch.Tensor | None = None

    def to(self, device: torch.device) -> Criterion:
        """Give the same on a device."""
        adjustment = None if self.adjustment is None else self.adjustment.to(device)
        return replace(self, weights=self.weights.to(device), adjustment=adjustment)

    def summed(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Sum the loss of a batch; divided by :meth:`weight` it is the weighted mean.

        Parameters
        ----------
        logits
            Shape [n, n_labels].
        targets
            Label ids, shape [n], or each label's share of the truth, shape [n, n_labels].
        """
        known = counted(targets)
        logits, targets = logits[known].float(), targets[known]
        if self.adjustment is not None:
            logits = logits + self.adjustment
        if not self.focal_gamma:
            return torch.nn.functional.cross_entropy(
                logits, targets, weight=self.weights, label_smoothing=self.smoothing, reduction="sum"
            )
        shares = _as_shares(targets, logits.shape[1])
        smoothed = (1 - self.smoothing) * shares + self.smoothing / logits.shape[1]
        log = torch.log_softmax(logits, dim=1)
        # 1 - p by expm1: exact where p is near 1, so that the power has a gradient
        missing = (-torch.expm1(log)).clamp(min=torch.finfo(log.dtype).tiny)
        return -(self.weights * smoothed * missing**self.focal_gamma * log).sum()

    def weight(self, targets: torch.Tensor) -> torch.Tensor:
        """Sum the weights of the labels of a batch; a label that is a share of the truth weighs its share."""
        weights, targets = self.weights.to(targets.device), targets[counted(targets)]
        return (targets @ weights).sum() if targets.is_floating_point() else weights[targets].sum()


class BinaryCriterion(Criterion):
    """The same where a text may have several labels: each label is a question of its own, answered by yes or no."""

    def summed(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Sum the loss of a batch; targets are 0, 1 or the share of annotators who gave a label."""
        known = counted(targets)
        return summed_binary_loss(logits[known], targets[known], self.weights, self.smoothing)

    def weight(self, targets: torch.Tensor) -> torch.Tensor:
        """Sum the weights of the questions of a batch."""
        return summed_binary_weight(targets[counted(targets)], self.weights)


def criterion(
    chosen: TrainingSettings, weights: torch.Tensor, targets: torch.Tensor, *, several: bool = False
) -> Criterion:
    """Give the loss that was chosen.

    Parameters
    ----------
    chosen
        The settings of training.
    weights
        Weight of each label, shape [n_labels].
    targets
        The training rows' label ids, shape [n], or shares, shape [n, n_labels].
    several
        Whether a text may have several labels.
    """
    if several:
        return BinaryCriterion(weights, chosen.label_smoothing_factor)
    tau = chosen.logit_adjustment
    return Criterion(
        weights=weights,
        smoothing=chosen.label_smoothing_factor,
        focal_gamma=chosen.focal_gamma if chosen.loss == "focal" else 0.0,
        adjustment=logit_adjustment(tau, targets, len(weights)) if tau else None,
    )


def class_weights(
    choice: str | Mapping[str, float], space: LabelSpace, labels: Sequence[str], *, cap: float | None = None
) -> torch.Tensor:
    """Give the weight of each label in the loss, shape [n_labels].

    Parameters
    ----------
    choice
        ``none``: all 1. ``balanced``: n / (number of labels × rows of the label), as scikit-learn has it, over the
        labels that occur; one that does not, as when the data is divided by time, weighs 1.
        ``sqrt``: the square root of that. A table of label = weight: the named ones so, all others 1.
    space, labels
        The label space and the labels of the training rows.
    cap
        The most a label may weigh under ``balanced`` and ``sqrt``.

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
    if choice in ("balanced", "sqrt"):
        counts = tally(labels)
        even = len(labels) / len(counts)
        balanced = torch.tensor([even / counts[name] if name in counts else 1.0 for name in space.names])
        return (balanced if choice == "balanced" else balanced.sqrt()).clamp(max=float("inf") if cap is None else cap)
    raise SettingsProblem(
        f"class_weights = {choice!r} is not known", expected='"none", "balanced", "sqrt", or a table of label = weight'
    )


def logit_adjustment(tau: float, targets: torch.Tensor, n_labels: int) -> torch.Tensor:
    """Give tau times the log of each label's share of the training rows, shape [n_labels].

    Added to the logits while training and left out afterwards, it makes the classifier's own logits those of data in
    which every label is equally frequent (with tau 1). A label of less than one row counts as one row.

    Parameters
    ----------
    tau
        How much of the correction; 1 is the whole one.
    targets
        The training rows' label ids, shape [n], or shares, shape [n, n_labels].
    n_labels
        How many labels there are.

    Notes
    -----
    Menon et al. 2021, "Long-tail learning via logit adjustment", ICLR, equation 10.
    """
    rows = _as_shares(targets, n_labels).double().sum(0).clamp(min=1.0)
    return (tau * torch.log(rows / rows.sum())).float()


def counted(targets: torch.Tensor) -> torch.Tensor:
    """Tell the rows of a batch that count from those that only fill it up, shape [n]."""
    return targets[:, 0] >= 0 if targets.ndim == 2 else targets >= 0


def _as_shares(targets: torch.Tensor, n_labels: int) -> torch.Tensor:
    return targets if targets.ndim == 2 else torch.nn.functional.one_hot(targets, n_labels).float()


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
