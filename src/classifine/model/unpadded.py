"""Takes token ids of a batch and a BERT-like classifier of transformers and gives its logits, computed on real tokens.

The parameters are the model's own and the function is the same; what is left out is work without effect: padding, and
all of the last layer but the classifier token. Optionally computes in bfloat16 from the float32 weights.
Does not know texts, labels or training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from classifine.model.anatomy import Anatomy, Layer, anatomy_of
from classifine.model.windows import pooled

# Up to so many tokens, attention is computed step by step; beyond, that costs more memory than time.
_SHORT = 160
_HIDDEN = -1e9
# So many shapes of matrix products from a number of tokens to its double.
_SHAPES = 8


class Layout:
    """Where the tokens of a batch stand: texts one after the other, and the padded places attention needs.

    Parameters
    ----------
    lengths
        Tokens of each text, shape [n].
    types
        The type of each token, shape [n_tokens]; without them, all are of the first type.
    """

    def __init__(self, lengths: Tensor, types: Tensor | None = None) -> None:
        self.lengths = lengths
        self.types = types
        self.texts = len(lengths)
        self.longest = int(lengths.max())
        self.starts = torch.cumsum(lengths, 0) - lengths
        self.tokens = int(lengths.sum())
        self.extra = _rounded(self.tokens) - self.tokens
        self.even = bool((lengths == self.longest).all())
        if self.even:
            return
        places = torch.arange(self.longest)[None, :]
        real = places < lengths[:, None]
        self._padded = (self.starts[:, None] + torch.minimum(places, lengths[:, None] - 1)).flatten()
        self._real = real.flatten().nonzero().squeeze(1)
        self._rounded = functional.pad(self._real, (0, self.extra))
        self._pads = (~real).flatten().nonzero().squeeze(1)
        self._masks: dict[torch.dtype, Tensor] = {
            torch.float32: torch.zeros(real.shape).masked_fill_(~real, _HIDDEN)[:, None, None, :]
        }

    def positions(self) -> Tensor:
        """Give each token's place in its text, shape [n_tokens]."""
        places = torch.arange(self.longest).expand(self.texts, -1).flatten()
        return places if self.even else places[self._real]

    def by_head(self, tokens: Tensor, heads: int, *, parts: int) -> tuple[Tensor, ...]:
        """Lay parts side by side, [n_tokens, parts * width], out as one [n, heads, longest, width / heads] each."""
        padded = tokens[: self.tokens] if self.even else _apply(_Pad, tokens, self._padded, self._real)
        return padded.view(self.texts, self.longest, parts, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def by_token(self, heads: Tensor) -> Tensor:
        """Undo :meth:`by_head` of one part."""
        padded = heads.transpose(1, 2).reshape(self.texts * self.longest, -1)
        if self.even:
            return self.rounded(padded)
        return _apply(_Unpad, padded, self._rounded, self._padded, self._pads)

    def rounded(self, tokens: Tensor) -> Tensor:
        """Add rows to [n_tokens, width] that nothing looks at, so that fewer shapes have to be prepared for."""
        return functional.pad(tokens, (0, 0, 0, self.extra)) if self.extra else tokens

    def mask(self, dtype: torch.dtype) -> Tensor | None:
        """Give what is added to the scores of padded places, shape [n, 1, 1, longest]; none where there is none."""
        if self.even:
            return None
        if dtype not in self._masks:
            self._masks[dtype] = self._masks[torch.float32].to(dtype)
        return self._masks[dtype]


def _rounded(tokens: int) -> int:
    """Round a number of tokens up, so that there are at most so many different ones from a number to its double.

    Each shape of a matrix product costs time and memory when it is first seen, and is kept.
    """
    step = max(1, (1 << tokens.bit_length() - 1) // _SHAPES)
    return -(-tokens // step) * step


def _apply(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    result: Tensor = function.apply(*arguments)  # type: ignore[no-untyped-call]
    return result


class _Pad(torch.autograd.Function):
    """Repeat each text's last token up to the longest text; attention gives the repeated ones no gradient."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, padded: Tensor, real: Tensor) -> Tensor:
        ctx.real, ctx.extra = real, len(tokens) - len(real)
        return tokens.index_select(0, padded)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        found = gradients[0].index_select(0, ctx.real)
        return functional.pad(found, (0, 0, 0, ctx.extra)), None, None


class _Unpad(torch.autograd.Function):
    """Take the real tokens; what was repeated gets the gradient 0."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, real: Tensor, padded: Tensor, pads: Tensor) -> Tensor:
        ctx.padded, ctx.pads = padded, pads
        return tokens.index_select(0, real)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return gradients[0].index_select(0, ctx.padded).index_fill_(0, ctx.pads, 0), None, None, None


class Unpadded:
    """The forward pass of a classifier over real tokens.

    Parameters
    ----------
    model
        A sequence classifier of transformers.
    anatomy
        Where its parts are, see :func:`classifine.model.anatomy.anatomy_of`.
    dtype
        What the encoder computes in; the head computes in float32.
    """

    def __init__(self, model: Any, anatomy: Anatomy, dtype: torch.dtype = torch.float32) -> None:
        self.model = model
        self.anatomy = anatomy
        self.dtype = dtype
        # stands in for the lookup of word embeddings while an optimizer of rows trains them
        self.lookup: Callable[[Tensor], Tensor] | None = None

    @classmethod
    def of(cls, model: Any, dtype: torch.dtype = torch.float32) -> Unpadded | None:
        """Give the forward pass of a model whose family is known, else none."""
        anatomy = anatomy_of(model)
        return None if anatomy is None else cls(model, anatomy, dtype)

    def __call__(self, input_ids: Tensor, lengths: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Give the logits, float32.

        Parameters
        ----------
        input_ids
            Token ids of all texts, one after the other, shape [n_tokens].
        lengths
            Tokens of each text, shape [n].
        token_type_ids
            The type of each token, shape [n_tokens]; without them, all are of the first type.

        Returns
        -------
        Tensor
            Shape [n, n_labels].
        """
        with torch.autocast("cpu", enabled=False):
            return self.anatomy.head(self._last(input_ids, Layout(lengths, token_type_ids), only_first=True))

    def pooled(self, input_ids: Tensor, lengths: Tensor) -> Tensor:
        """Give the mean of the last hidden states over the tokens of each text, float32, shape [n, width]."""
        with torch.autocast("cpu", enabled=False):
            hidden = self._last(input_ids, Layout(lengths), only_first=False)
            return pooled(hidden, lengths)

    def _last(self, input_ids: Tensor, layout: Layout, *, only_first: bool) -> Tensor:
        """Give the last hidden states, float32: of each text's first token, or of all tokens."""
        hidden = layout.rounded(self._embedded(input_ids, layout).to(self.dtype))
        bias = self.anatomy.bias(layout.longest) if self.anatomy.bias else None
        last = len(self.anatomy.layers) - 1
        for number, layer in enumerate(self.anatomy.layers):
            hidden = self._layer(layer, hidden, layout, bias, only_first=only_first and number == last)
        return (hidden if only_first else hidden[: layout.tokens]).float()

    def _embedded(self, ids: Tensor, layout: Layout) -> Tensor:
        part = self.anatomy
        training = self.model.training and self.lookup is not None
        words = self.lookup(ids) if training and self.lookup else part.words(ids)
        hidden = words + part.positions(part.place(ids, layout))
        if part.types is not None:
            hidden = hidden + (part.types.weight[0] if layout.types is None else part.types(layout.types))
        hidden = self._dropped(part.norm(hidden), part.hidden_dropout)
        return hidden if part.project is None else part.project(hidden)

    def _layer(self, layer: Layer, hidden: Tensor, layout: Layout, bias: Tensor | None, *, only_first: bool) -> Tensor:
        part = self.anatomy
        if only_first:  # the head looks at the first token only
            key, value = layout.by_head(self._linear(hidden, layer.key, layer.value), part.heads, parts=2)
            hidden = hidden[layout.starts]
            query = self._linear(hidden, layer.query).view(layout.texts, 1, part.heads, -1).transpose(1, 2)
            bias = None if bias is None else bias[:, :, :1]
        else:
            query, key, value = layout.by_head(
                self._linear(hidden, layer.query, layer.key, layer.value), part.heads, parts=3
            )
        mixed = self._attention(query, key, value, layout.mask(self.dtype), bias)
        tokens = mixed.reshape(layout.texts, -1) if only_first else layout.by_token(mixed)
        out = self._dropped(self._linear(tokens, layer.out), part.hidden_dropout)
        hidden = self._norm(layer.after_attention, out + hidden)
        grown = part.activation(self._linear(hidden, layer.up))
        out = self._dropped(self._linear(grown, layer.down), part.hidden_dropout)
        return self._norm(layer.after_feed_forward, out + hidden)

    def _attention(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, bias: Tensor | None) -> Tensor:
        if bias is not None:
            bias = bias.to(self.dtype)
            mask = bias if mask is None else mask + bias
        dropout = self.anatomy.attention_dropout if self.model.training else 0.0
        if key.shape[2] > _SHORT:
            return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        scores = torch.matmul(query * key.shape[-1] ** -0.5, key.transpose(-1, -2))
        if mask is not None:
            scores = scores + mask
        shares = self._dropped(torch.softmax(scores, -1), self.anatomy.attention_dropout)
        return torch.matmul(shares, value)

    def _linear(self, hidden: Tensor, *modules: nn.Linear) -> Tensor:
        """Apply one linear layer, or several side by side."""
        weight, bias = (
            (modules[0].weight, modules[0].bias)
            if len(modules) == 1
            else (torch.cat([one.weight for one in modules]), torch.cat([one.bias for one in modules]))
        )
        return functional.linear(hidden, weight.to(self.dtype), bias.to(self.dtype))

    def _norm(self, module: nn.LayerNorm, hidden: Tensor) -> Tensor:
        return functional.layer_norm(
            hidden, module.normalized_shape, module.weight.to(self.dtype), module.bias.to(self.dtype), module.eps
        )

    def _dropped(self, hidden: Tensor, share: float) -> Tensor:
        return _apply(Dropout, hidden, share) if self.model.training and share > 0 else hidden


class Dropout(torch.autograd.Function):
    """Dropout that draws four 16-bit numbers at a time; the share is met to within 1/65,536."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, share: float) -> Tensor:
        """Set a share of the values to 0 and scale the rest."""
        threshold = round(share * 65_536)
        numbers = hidden.numel()
        drawn = torch.empty((numbers + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        kept = drawn.view(torch.int16)[:numbers].view(hidden.shape) >= threshold - 32_768
        mask = kept.to(hidden.dtype).mul_(65_536 / (65_536 - threshold))
        ctx.save_for_backward(mask)
        return hidden * mask

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Let through the gradient of what was kept."""
        (mask,) = ctx.saved_tensors
        return gradients[0] * mask, None
