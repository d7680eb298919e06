"""Takes texts and gives token ids, each text cut to what the model reads and every cut counted.

Also counts tokens for the audit, and says which texts share a batch: sorted by length, so that little is padding.
Does not know labels or how a model computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifine.errors import ModelUnavailable
from classifine.model.hub import resolve
from classifine.progress import bar
from classifine.settings import ModelSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

# A tokenizer's time and memory grow with the text even when it truncates, so that characters are cut first.
# Twelve characters a token leave ordinary text untouched.
CHARACTERS_PER_TOKEN = 12
# Tokens read of a text where nothing else is said and the model can.
DEFAULT_MAX_LENGTH = 512
_CHUNK = 1024
# Memory for one text's tokens grows with it; one that is longer is counted in pieces of so many characters.
_PIECE = 100_000


@dataclass(frozen=True)
class Encoded:
    """Token ids of texts, special tokens included.

    Attributes
    ----------
    ids
        One int32 vector per text, at most ``max_length`` long.
    cut
        How many texts were longer than that.
    """

    ids: tuple[npt.NDArray[np.int32], ...]
    cut: int

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each text, shape [n]."""
        return np.fromiter((len(one) for one in self.ids), dtype=np.int64, count=len(self.ids))


class TokenCounter:
    """Counts the tokens of texts with a base model's own tokenizer; needs neither torch nor transformers.

    Parameters
    ----------
    folder
        Where the model's ``tokenizer.json`` stands.
    max_length
        Tokens the model reads at once, special tokens included.
    name
        What messages call the model; the folder's name if not given.

    Raises
    ------
    ModelUnavailable
        The folder has no tokenizer that can be read.
    """

    def __init__(self, folder: Path, max_length: int, *, name: str | None = None) -> None:
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_str(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelUnavailable(
                "the tokenizer of the base model cannot be read",
                where=str(file),
                found=str(error),
                expected="the tokenizer.json of a Hugging Face model",
                cure="choose a model whose folder has this file, or save its tokenizer once with transformers",
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._special = int(self._tokenizer.num_special_tokens_to_add(False))
        self.max_length = max_length
        self.name = folder.name if name is None else name

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, special ones included, nothing cut.

        A text of more than 100,000 characters is counted in pieces, so that its count may be off by a token a piece.
        """
        counts: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = [_encodable(text) for text in texts[start : start + _CHUNK]]
            encoded = self._tokenizer.encode_batch_fast([text[:_PIECE] for text in chunk])
            counts += [len(one) for one in encoded]
            for place, text in enumerate(chunk, start):
                for piece in range(_PIECE, len(text), _PIECE):
                    more = self._tokenizer.encode_batch_fast([text[piece : piece + _PIECE]])
                    counts[place] += len(more[0]) - self._special
        return counts


def counter_of(settings: ModelSettings) -> TokenCounter | None:
    """Give what counts tokens as the chosen base model reads them; none where its tokenizer is in an old format.

    Raises
    ------
    ModelUnavailable
        The base model, or its tokenizer, cannot be had.
    """
    found = resolve(settings.model)
    if not (found.folder / "tokenizer.json").is_file():
        return None
    limit = min(found.base.max_length, DEFAULT_MAX_LENGTH) if found.base else DEFAULT_MAX_LENGTH
    return TokenCounter(found.folder, settings.max_length or limit, name=found.name)


def encode(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, max_length: int, what: str | None = None
) -> Encoded:
    """Tokenise texts as the model wants them, each at most ``max_length`` tokens.

    Parameters
    ----------
    tokenizer
        A fast tokenizer.
    texts
        The texts; a lone surrogate becomes U+FFFD, since no tokenizer takes it.
    max_length
        Tokens kept, special tokens included.
    what
        A word for the progress bar; without one there is none.
    """
    ids: list[npt.NDArray[np.int32]] = []
    cut = 0
    progress = bar(what, total=len(texts), unit="texts") if what else None
    for start in range(0, len(texts), _CHUNK):
        chunk = [_encodable(text) for text in texts[start : start + _CHUNK]]
        features = _ids(tokenizer, [text[: max_length * CHARACTERS_PER_TOKEN] for text in chunk], None)
        for i, text in enumerate(chunk):
            features[i], was_cut = _fitted(tokenizer, text, features[i], max_length)
            cut += was_cut
        ids += [np.asarray(one, dtype=np.int32) for one in features]
        if progress is not None:
            progress.update(len(chunk))
    if progress is not None:
        progress.close()
    return Encoded(tuple(ids), cut)


def batches(lengths: npt.NDArray[np.int64], *, tokens: int, texts: int) -> list[npt.NDArray[np.int64]]:
    """Group positions of similar length; a batch holds at most so many texts and so many padded tokens.

    Parameters
    ----------
    lengths
        Tokens of each text, shape [n].
    tokens, texts
        The budgets; a single text beyond the token budget is a batch of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    groups = []
    start = 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        size = min(texts, max(1, tokens // longest))
        groups.append(order[start : start + size])
        start += size
    return groups


def pad(ids: Sequence[npt.NDArray[np.int32]], pad_id: int) -> dict[str, torch.Tensor]:
    """Lay token ids side by side: ``input_ids`` and ``attention_mask``, both [n, longest]."""
    import torch

    longest = max((len(one) for one in ids), default=0)
    tokens = np.full((len(ids), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(ids), longest), dtype=np.int64)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}


def pack(ids: Sequence[npt.NDArray[np.int32]]) -> dict[str, torch.Tensor]:
    """Lay token ids one after the other: ``input_ids`` [n_tokens], and the ``lengths`` of the texts [n]."""
    import torch

    tokens = np.concatenate(ids).astype(np.int64)
    return {"input_ids": torch.from_numpy(tokens), "lengths": torch.tensor([len(one) for one in ids])}


def pad_id_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """Give the padding token's id; a tokenizer without one pads with 0, which the mask hides."""
    found: Any = tokenizer.pad_token_id
    return int(found) if found is not None else 0


def _fitted(tokenizer: PreTrainedTokenizerBase, text: str, found: list[int], max_length: int) -> tuple[list[int], bool]:
    """Cut a text's ids to the maximum; where its first characters give too few tokens, more characters are read."""
    characters = max_length * CHARACTERS_PER_TOKEN
    while len(found) < max_length and characters < len(text):
        characters *= 8
        found = _ids(tokenizer, [text[:characters]], None)[0]
    if len(found) <= max_length and characters >= len(text):
        return found, False
    return _ids(tokenizer, [text[:characters]], max_length)[0], True


def _ids(tokenizer: PreTrainedTokenizerBase, texts: list[str], max_length: int | None) -> list[list[int]]:
    encoded = tokenizer(
        texts,
        truncation=max_length is not None,
        max_length=max_length,
        padding=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    found: list[list[int]] = encoded["input_ids"]
    return list(found)


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
