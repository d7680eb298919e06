"""Takes a model with a new head and lets the head begin where little is left to unlearn.

With several labels a text, at how frequent the labels are; or, for any task, fitted on what the base model makes of the
texts before anything else is trained. Does not know texts or how training goes on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from classifine.model.tokens import Encoded
from classifine.model.torch_backend import TorchBackend
from classifine.model.unpadded import Unpadded
from classifine.training.losses import Criterion

# More texts than this hardly change so few weights, and they are kept in memory.
MOST_TEXTS = 10_000
# The share of the squared weights in the loss of the head, on inputs of mean 0 and variance 1: large enough that the
# texts are not learnt by heart, which would leave the encoder nothing to learn from them.
_DECAY = 0.01
_ITERATIONS = 100


def last_layer(model: Any, labels: int, *, biased: bool = True) -> nn.Linear | None:
    """Give the linear layer that makes the logits; none where a model ends otherwise, or in one without a bias."""
    found = [
        layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
        and layer.out_features == labels
        and (layer.bias is not None or not biased)
        and not name.startswith(f"{model.base_model_prefix}.")
    ]
    return found[-1] if found else None


def begin_at_shares(model: Any, targets: npt.NDArray[Any]) -> None:
    """Set the bias of the head's last layer so that each label's probability is its share of the training texts.

    A head without a bias there is left as it is.

    Parameters
    ----------
    model
        A sequence classifier of transformers.
    targets
        Of the training texts, shape [n, n_labels].

    Notes
    -----
    Lin et al. 2017, "Focal loss for dense object detection", ICCV, section 4.1. A new head gives every label an even
    chance. To unlearn that, training pushes all logits down through the whole encoder, which then tells no text from
    another.
    """
    rows, labels = targets.shape
    shares = (targets.sum(axis=0) + 0.5) / (rows + 1)
    last = last_layer(model, labels)
    if last is not None:
        with torch.no_grad():
            last.bias.copy_(torch.from_numpy(np.log(shares / (1 - shares))))


def begin_fitted(
    backend: TorchBackend, encoded: Encoded, targets: torch.Tensor, criterion: Criterion, dtype: torch.dtype
) -> None:
    """Fit the head's last layer to the training texts with all else as it is, by the loss that training has.

    Parameters
    ----------
    backend
        The model; a head without a last linear layer is left as it is.
    encoded
        The training texts.
    targets
        Their label ids, shape [n], or shares, float32, shape [n, n_labels].
    criterion
        The loss.
    dtype
        What the encoder computes in, where that can be chosen.

    Notes
    -----
    Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution", ICLR: a head
    that is drawn at random sends the encoder gradients that spoil what it knows.
    """
    layer = last_layer(backend.model, int(backend.model.config.num_labels))
    if layer is None:
        return
    rows = _spread(len(encoded))
    unpadded = Unpadded.of(backend.model, dtype) if backend.model.device.type == "cpu" else None
    seen = backend.inputs_of(layer, encoded.take(rows), unpadded=unpadded).float()
    learned = targets[rows]
    middle, spread = seen.mean(0), seen.std(0, correction=0)
    spread = torch.where(spread < 1e-6, 1.0, spread)
    weight, bias = _minimised((seen - middle) / spread, learned, criterion, layer.bias.detach().cpu().clone())
    weight /= spread
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias - weight @ middle)


def _spread(rows: int) -> npt.NDArray[np.int64]:
    """Choose the texts to fit on: all, or as many as are enough, evenly spread."""
    return np.linspace(0, rows - 1, min(rows, MOST_TEXTS)).round().astype(np.int64)


def _minimised(
    seen: torch.Tensor, targets: torch.Tensor, criterion: Criterion, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    weight = torch.zeros(len(bias), seen.shape[1], requires_grad=True)
    bias.requires_grad_()
    search = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")
    whole = criterion.weight(targets)

    def loss() -> torch.Tensor:
        search.zero_grad()
        value = criterion.summed(seen @ weight.T + bias, targets) / whole + _DECAY / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    search.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
