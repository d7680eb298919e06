"""Takes a classifier of transformers and says where the parts of its encoder are: one description for a whole family.

BERT, RoBERTa, XLM-R, CamemBERT, ELECTRA, DistilBERT and MPNet are the same blocks under other names.
Does not know how they are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from classifine.model.unpadded import Layout

Head = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Layer:
    """The parts of one block: attention and a feed-forward net, each followed by a norm over sum and input."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear
    after_attention: nn.LayerNorm
    up: nn.Linear
    down: nn.Linear
    after_feed_forward: nn.LayerNorm


@dataclass(frozen=True)
class Anatomy:
    """The parts of a classifier.

    Attributes
    ----------
    words, positions, types
        Embeddings; without token types, all tokens are of the first one.
    place
        Gives the rows of ``positions`` for token ids and their layout.
    norm, project
        What follows the embeddings.
    layers
        The blocks, in order.
    heads
        Heads of attention.
    activation
        Of the feed-forward nets.
    hidden_dropout, attention_dropout
        Shares that are dropped in training.
    head
        Turns the last hidden states of classifier tokens [n, width] into logits.
    bias
        Gives what is added to the scores of attention for so many tokens, shape [1, heads, tokens, tokens].
    padding
        Where ``place`` counts from the padding token's id on: that id.
    """

    words: nn.Embedding
    positions: nn.Embedding
    types: nn.Embedding | None
    place: Callable[[Tensor, Layout], Tensor]
    norm: nn.LayerNorm
    project: nn.Linear | None
    layers: tuple[Layer, ...]
    heads: int
    activation: Callable[[Tensor], Tensor]
    hidden_dropout: float
    attention_dropout: float
    head: Head
    bias: Callable[[int], Tensor] | None = None
    padding: int | None = None


def anatomy_of(model: Any) -> Anatomy | None:
    """Describe a classifier whose family is known and whose parts are the plain ones; else give none.

    Parameters
    ----------
    model
        A sequence classifier of transformers.
    """
    describe = _FAMILIES.get(type(model).__name__)
    if describe is None or getattr(model.config, "is_decoder", False):
        return None
    found = describe(model)
    # adapters and quantised weights are other modules under the same names
    plain = all(type(part) is nn.Linear for layer in found.layers for part in _linears(layer))
    return found if plain and type(found.words) is nn.Embedding else None


def _linears(layer: Layer) -> tuple[nn.Module, ...]:
    return layer.query, layer.key, layer.value, layer.out, layer.up, layer.down


@dataclass(frozen=True)
class _Attention:
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear
    norm: nn.LayerNorm


def _attention_of_bert(block: Any) -> _Attention:
    given, out = block.attention.self, block.attention.output
    return _Attention(given.query, given.key, given.value, out.dense, out.LayerNorm)


def _attention_of_mpnet(block: Any) -> _Attention:
    given = block.attention.attn
    return _Attention(given.q, given.k, given.v, given.o, block.attention.LayerNorm)


def _bert(
    model: Any,
    body: Any,
    head: Head,
    place: Callable[[Tensor, Layout], Tensor],
    attention_of: Callable[[Any], _Attention] = _attention_of_bert,
) -> Anatomy:
    """Describe BERT and what keeps its names."""
    config, embeddings = model.config, body.embeddings
    layers = []
    for block in body.encoder.layer:
        attention = attention_of(block)
        layers.append(
            Layer(
                query=attention.query,
                key=attention.key,
                value=attention.value,
                out=attention.out,
                after_attention=attention.norm,
                up=block.intermediate.dense,
                down=block.output.dense,
                after_feed_forward=block.output.LayerNorm,
            )
        )
    return Anatomy(
        words=embeddings.word_embeddings,
        positions=embeddings.position_embeddings,
        types=getattr(embeddings, "token_type_embeddings", None),
        place=place,
        norm=embeddings.LayerNorm,
        project=getattr(body, "embeddings_project", None),
        layers=tuple(layers),
        heads=config.num_attention_heads,
        activation=body.encoder.layer[0].intermediate.intermediate_act_fn,
        hidden_dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
        head=head,
    )


def _of_bert(model: Any) -> Anatomy:
    def head(hidden: Tensor) -> Tensor:
        pooled = model.bert.pooler(hidden[:, None])
        return model.classifier(model.dropout(pooled))  # type: ignore[no-any-return]

    return _bert(model, model.bert, head, _from_zero)


def _of_roberta(model: Any) -> Anatomy:
    body = model.roberta
    padding = int(body.embeddings.padding_idx)
    found = _bert(model, body, _first_token(model.classifier), partial(_after_padding, padding=padding))
    return replace(found, padding=padding)


def _of_electra(model: Any) -> Anatomy:
    return _bert(model, model.electra, _first_token(model.classifier), _from_zero)


def _of_distilbert(model: Any) -> Anatomy:
    config, body = model.config, model.distilbert

    def head(hidden: Tensor) -> Tensor:
        return model.classifier(model.dropout(torch.relu(model.pre_classifier(hidden))))  # type: ignore[no-any-return]

    return Anatomy(
        words=body.embeddings.word_embeddings,
        positions=body.embeddings.position_embeddings,
        types=None,
        place=_from_zero,
        norm=body.embeddings.LayerNorm,
        project=None,
        layers=tuple(
            Layer(
                query=block.attention.q_lin,
                key=block.attention.k_lin,
                value=block.attention.v_lin,
                out=block.attention.out_lin,
                after_attention=block.sa_layer_norm,
                up=block.ffn.lin1,
                down=block.ffn.lin2,
                after_feed_forward=block.output_layer_norm,
            )
            for block in body.transformer.layer
        ),
        heads=config.n_heads,
        activation=body.transformer.layer[0].ffn.activation,
        hidden_dropout=config.dropout,
        attention_dropout=config.attention_dropout,
        head=head,
    )


def _of_mpnet(model: Any) -> Anatomy:
    body = model.mpnet
    padding = int(body.embeddings.padding_idx)
    place = partial(_after_padding, padding=padding)

    def bias(tokens: int) -> Tensor:
        return body.encoder.compute_position_bias(torch.empty(1, tokens))  # type: ignore[no-any-return]

    found = _bert(model, body, _first_token(model.classifier), place, _attention_of_mpnet)
    return replace(found, bias=bias, padding=padding)


def _first_token(head: nn.Module) -> Head:
    """Give a head that takes whole texts what it wants: texts of one token."""
    return lambda hidden: head(hidden[:, None])


def _from_zero(ids: Tensor, layout: Layout) -> Tensor:
    return layout.positions()


def _after_padding(ids: Tensor, layout: Layout, padding: int) -> Tensor:
    """Count from the padding token's id on; a padding token written in a text counts as in transformers: not at all."""
    real = ids != padding
    if bool(real.all()):
        return layout.positions() + (padding + 1)
    counted = torch.cumsum(real, 0)
    before = (counted - real.long())[layout.starts]
    return (counted - before.repeat_interleave(layout.lengths)) * real + padding


_FAMILIES: dict[str, Callable[[Any], Anatomy]] = {
    "BertForSequenceClassification": _of_bert,
    "RobertaForSequenceClassification": _of_roberta,
    "XLMRobertaForSequenceClassification": _of_roberta,
    "CamembertForSequenceClassification": _of_roberta,
    "ElectraForSequenceClassification": _of_electra,
    "DistilBertForSequenceClassification": _of_distilbert,
    "MPNetForSequenceClassification": _of_mpnet,
}
