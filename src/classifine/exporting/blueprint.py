"""Takes a classifier of a family whose parts are known and gives all that computes it as plain numbers.

Does not know ONNX, texts or labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from classifine.errors import ModelUnavailable
from classifine.model.anatomy import anatomy_of

Matrix = npt.NDArray[np.float32]
# The exact GELU and its approximation go by many names.
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}


@dataclass(frozen=True)
class Linear:
    """A linear layer: ``x @ weight + bias``, weight [inputs, outputs]."""

    weight: Matrix
    bias: Matrix


@dataclass(frozen=True)
class Norm:
    """A norm over the last axis."""

    weight: Matrix
    bias: Matrix
    epsilon: float


@dataclass(frozen=True)
class Block:
    """One block: attention and a feed-forward net, each followed by a norm over sum and input."""

    query: Linear
    key: Linear
    value: Linear
    out: Linear
    after_attention: Norm
    up: Linear
    down: Linear
    after_feed_forward: Norm


@dataclass(frozen=True)
class Blueprint:
    """A classifier in numbers.

    Attributes
    ----------
    words, positions, types
        Embeddings, [rows, width]; without token types, none.
    padding
        The padding token's id, where positions count from it on and skip it; else none.
    norm, project
        What follows the embeddings.
    blocks
        The encoder.
    heads
        Heads of attention.
    activation
        Of the feed-forward nets: ``gelu``, ``gelu_tanh``, ``relu``, ``silu`` or ``tanh``.
    dense, dense_activation, classifier
        The head, applied to the first token.
    distances
        What is added to scores of attention by how far a token is to the right, [2 * tokens - 1, heads], or none.
    """

    words: Matrix
    positions: Matrix
    types: Matrix | None
    padding: int | None
    norm: Norm
    project: Linear | None
    blocks: tuple[Block, ...]
    heads: int
    activation: str
    dense: Linear
    dense_activation: str
    classifier: Linear
    distances: Matrix | None


def blueprint_of(model: Any) -> Blueprint:
    """Describe a classifier.

    Raises
    ------
    ModelUnavailable
        Its family, or a part of it, is not one that can be exported.
    """
    part, kind = anatomy_of(model), str(model.config.model_type)
    activation = _ACTIVATIONS.get(str(getattr(model.config, "hidden_act", getattr(model.config, "activation", ""))))
    head = _HEADS.get(type(model).__name__)
    if part is None or head is None or activation is None:
        raise ModelUnavailable(
            f"models of the family {kind!r} cannot be exported to ONNX yet",
            expected="BERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA, DistilBERT or MPNet with plain layers",
            cure="predict with the run itself: it needs no export; or train with another base model",
        )
    dense, dense_activation, classifier = head(model)
    return Blueprint(
        words=_numbers(part.words.weight),
        positions=_numbers(part.positions.weight),
        types=None if part.types is None else _numbers(part.types.weight),
        padding=part.padding,
        norm=_norm(part.norm),
        project=None if part.project is None else _linear(part.project),
        blocks=tuple(
            Block(
                query=_linear(layer.query),
                key=_linear(layer.key),
                value=_linear(layer.value),
                out=_linear(layer.out),
                after_attention=_norm(layer.after_attention),
                up=_linear(layer.up),
                down=_linear(layer.down),
                after_feed_forward=_norm(layer.after_feed_forward),
            )
            for layer in part.layers
        ),
        heads=part.heads,
        activation=activation,
        dense=_linear(dense),
        dense_activation=dense_activation,
        classifier=_linear(classifier),
        distances=None if part.bias is None else _distances(part.bias, len(part.positions.weight)),
    )


def _distances(bias: Any, most: int) -> Matrix:
    """Give what :attr:`Blueprint.distances` holds: the first row of the matrix looks right, the first column left."""
    with torch.no_grad():
        full = bias(most)[0]
    left, right = full[:, :, 0].flip(1), full[:, 0, 1:]
    return _numbers(torch.cat([left, right], dim=1).T)


def _of_bert(model: Any) -> tuple[Any, str, Any]:
    return model.bert.pooler.dense, "tanh", model.classifier


def _of_roberta(model: Any) -> tuple[Any, str, Any]:
    return model.classifier.dense, "tanh", model.classifier.out_proj


def _of_electra(model: Any) -> tuple[Any, str, Any]:
    return model.classifier.dense, "gelu", model.classifier.out_proj


def _of_distilbert(model: Any) -> tuple[Any, str, Any]:
    return model.pre_classifier, "relu", model.classifier


_HEADS = {
    "BertForSequenceClassification": _of_bert,
    "RobertaForSequenceClassification": _of_roberta,
    "XLMRobertaForSequenceClassification": _of_roberta,
    "CamembertForSequenceClassification": _of_roberta,
    "ElectraForSequenceClassification": _of_electra,
    "DistilBertForSequenceClassification": _of_distilbert,
    "MPNetForSequenceClassification": _of_roberta,
}


def _linear(module: Any) -> Linear:
    return Linear(_numbers(module.weight.T), _numbers(module.bias))


def _norm(module: Any) -> Norm:
    return Norm(_numbers(module.weight), _numbers(module.bias), float(module.eps))


def _numbers(tensor: torch.Tensor) -> Matrix:
    found: Matrix = np.ascontiguousarray(tensor.detach().float().cpu().numpy())
    return found
