"""Takes pairs of texts and gives token ids as the tokenizer writes pairs, with token types for models that have them.

Where a pair is longer than the model reads, the longer text is cut, token by token (Hugging Face's ``longest_first``).
Does not know how a model computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from classifine.model.tokens import CHARACTERS_PER_TOKEN, Encoded, TokenIds, encodable
from classifine.pairs import parted
from classifine.progress import bar

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK = 512


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[str], *, max_length: int, types: bool, what: str | None = None
) -> Encoded:
    """Tokenise pairs.

    Parameters
    ----------
    tokenizer
        A fast tokenizer.
    pairs
        Two texts each, as :func:`classifine.pairs.joined` puts them together.
    max_length
        Tokens of both texts together, special tokens included.
    types
        Whether the model tells the two texts apart by token types, too.
    what
        A word for the progress bar; without one there is none.
    """
    ids: list[TokenIds] = []
    kinds: list[TokenIds] = []
    cut = 0
    most = max_length * CHARACTERS_PER_TOKEN
    progress = bar(what, total=len(pairs), unit="pairs") if what else None
    for start in range(0, len(pairs), _CHUNK):
        both = [parted(encodable(pair)) for pair in pairs[start : start + _CHUNK]]
        found = _tokens(tokenizer, [(one[:most], two[:most]) for one, two in both], None, types)
        for place, (one, two) in enumerate(both):
            if len(found[place][0]) > max_length or max(len(one), len(two)) > most:
                short = len(found[place][0]) <= max_length  # many characters and few tokens: all are read
                whole = _tokens(tokenizer, [(one, two)], None, types)[0] if short else found[place]
                cut += len(whole[0]) > max_length
                text = (one, two) if short else (one[:most], two[:most])
                found[place] = _tokens(tokenizer, [text], max_length, types)[0]
        ids.append(TokenIds.of([one for one, _ in found]))
        kinds.append(TokenIds.of([kind for _, kind in found]))
        if progress is not None:
            progress.update(len(both))
    if progress is not None:
        progress.close()
    return Encoded(TokenIds.joined(ids), cut, types=TokenIds.joined(kinds) if types else None)


def _tokens(
    tokenizer: PreTrainedTokenizerBase, both: Sequence[tuple[str, str]], max_length: int | None, types: bool
) -> list[tuple[list[int], list[int]]]:
    encoded: Any = tokenizer(
        [one for one, _ in both],
        [two for _, two in both],
        truncation="longest_first" if max_length is not None else False,
        max_length=max_length,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=types,
        verbose=False,
    )
    kinds = encoded["token_type_ids"] if types else [[] for _ in both]
    return list(zip(encoded["input_ids"], kinds, strict=True))
