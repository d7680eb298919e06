"""Takes a classifier that torch computes and a passage and gives how much each word counts, by integrated gradients.

Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks", ICML. The one file here that imports torch.
Does not know what becomes of the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from classifine.errors import UsageError
from classifine.explanation.linear import FloatVector
from classifine.explanation.masking import Passage, Target
from classifine.explanation.perturbation import Effects
from classifine.pairs import parted

STEPS = 50
_BATCH_TOKENS = 4096
_LEAST = 1e-9
# Beyond this share of what is explained, the steps are too few for the effects to add up.
_INCOMPLETE = 0.05


def integrated_gradients(scorer: Any, passage: Passage, target: Target, *, steps: int = STEPS) -> Effects:
    """Give the integral of the gradient on the way from a text of padding to the text, summed over each word's tokens.

    Where these do not add up, the way begins at the mask token.

    Parameters
    ----------
    scorer
        A classifier with a torch backend.
    passage
        The text, which has to fit into what the model reads at once.
    target
        The number that is explained, of probabilities before a calibration that is not in the weights.
    steps
        Points on the way, the midpoints of as many equal parts.

    Returns
    -------
    Effects
        They add up to what the number changes on the way, but for the error of the sum, which is told.

    Raises
    ------
    UsageError
        The scorer gives no gradients, or the text is read in several windows.
    """
    backend = getattr(scorer, "backend", None)
    if backend is None or not isinstance(getattr(backend, "model", None), torch.nn.Module):
        raise UsageError(
            "integrated gradients need a classifier that torch computes",
            found=type(scorer).__name__,
            cure="choose another method, such as leave-one-out",
        )
    inputs, offsets = _tokens(backend, passage)
    tokenizer, model = backend.tokenizer, backend.model
    was_training = model.training
    model.eval()
    told: list[str] = []
    best: tuple[float, FloatVector] | None = None
    try:
        # where positions are not in the embeddings, a model may take a shadow of a word for the word: then the whole
        # change happens at the first step away from padding, and another beginning is needed
        for name, token in (("padding", tokenizer.pad_token_id), ("the mask token", tokenizer.mask_token_id)):
            if token is None:
                continue
            values, start, end = _integral(backend, inputs, offsets, target, steps, token)
            missed = abs(float(values.sum()) - (end - start))
            if best is None or missed < best[0]:
                best = (missed, values)
                told = [f"gradients on the way from {name} to the text in {steps} steps"]
            if missed <= _INCOMPLETE * max(abs(end - start), 0.1):
                break
    finally:
        model.train(was_training)
    if best is None:
        raise UsageError("the tokenizer knows neither padding nor a mask to begin from", cure="choose another method")
    if best[0] > _INCOMPLETE * max(abs(end - start), 0.1):
        told.append(f"they miss what they should add up to by {best[0]:.3f}")
    effects = _by_word(passage, offsets, best[1])
    if (known := getattr(scorer, "calibration", None)) is not None and not known.folded and known.method != "none":
        told.append("gradients are of the probability before calibration")
    return Effects(effects, steps, notes=tuple(told))


def _tokens(backend: Any, passage: Passage) -> tuple[dict[str, torch.Tensor], list[tuple[int, int] | None]]:
    """Give what the model is given of a text, and which characters each token stands for; special ones for none."""
    texts = parted(passage.text) if passage.pair is not None else (passage.text,)
    encoded = backend.tokenizer(
        *texts,
        truncation="longest_first" if len(texts) == 2 else True,
        max_length=backend.max_length,
        return_offsets_mapping=True,
        verbose=False,
    )
    if len(texts) == 1 and len(backend.encode([passage.text]).ids) > 1:
        raise UsageError(
            "the text is read in several windows, of which no gradient is taken",
            cure="choose another method, such as leave-one-out, or explain a shorter part",
        )
    parts = encoded.sequence_ids(0)
    offsets = [
        None if part is None else (start + part * (passage.pair or 0), end + part * (passage.pair or 0))
        for (start, end), part in zip(encoded["offset_mapping"], parts, strict=True)
    ]
    kept = {
        name: torch.tensor([encoded[name]], device=backend.model.device)
        for name in ("input_ids", "attention_mask", "token_type_ids")
        if name in encoded
    }
    return kept, offsets


def _integral(
    backend: Any,
    inputs: dict[str, torch.Tensor],
    offsets: list[tuple[int, int] | None],
    target: Target,
    steps: int,
    token: int,
) -> tuple[FloatVector, float, float]:
    """Give each token's share, shape [n_tokens], and the number at the start and at the end of the way."""
    ids = inputs["input_ids"]
    others = {name: one for name, one in inputs.items() if name != "input_ids"}
    own = torch.tensor([offset is not None for offset in offsets], device=ids.device)
    empty = torch.where(own, torch.full_like(ids, token), ids)
    look_up = backend.model.get_input_embeddings()
    with torch.no_grad():
        end, start = look_up(ids), look_up(empty)
    way = end - start
    total = torch.zeros_like(way)
    points = (torch.arange(steps, device=ids.device, dtype=way.dtype) + 0.5) / steps
    for some in torch.split(points, max(1, _BATCH_TOKENS // ids.shape[1])):
        between = (start + some[:, None, None] * way).requires_grad_(True)
        (found,) = torch.autograd.grad(_number(backend, between, others, target).sum(), between)
        total += found.sum(0, keepdim=True)
    with torch.no_grad():
        ends = _number(backend, torch.cat([start, end]), others, target)
    shares = (total / steps * way).sum(-1)[0].double().cpu().numpy()
    return shares, float(ends[0]), float(ends[1])


def _number(backend: Any, embedded: torch.Tensor, inputs: dict[str, torch.Tensor], target: Target) -> torch.Tensor:
    """Give the number that is explained of each row of embeddings, as :class:`Target` gives it of probabilities."""
    repeated = {name: one.expand(len(embedded), -1) for name, one in inputs.items()}
    logits = backend.model(inputs_embeds=embedded, **repeated).logits.float()
    rows = torch.sigmoid(logits) if backend.several else torch.softmax(logits, -1)
    if target.scale == "probability":
        return rows[:, target.label] - (0 if target.against is None else rows[:, target.against])
    safe = rows.clamp(_LEAST, 1 - _LEAST)
    other = 1 - safe[:, target.label] if target.against is None else safe[:, target.against]
    return safe[:, target.label].log() - other.log()


def _by_word(passage: Passage, offsets: list[tuple[int, int] | None], values: FloatVector) -> FloatVector:
    """Add up the tokens of each word; a token belongs to the word in which most of it stands, else to the next one."""
    found = np.zeros(len(passage))
    ends = np.array([unit.end for unit in passage.units])
    for offset, value in zip(offsets, values.tolist(), strict=True):
        if offset is not None and len(ends):
            found[min(int(np.searchsorted(ends, (offset[0] + offset[1]) / 2)), len(ends) - 1)] += value
    return found
