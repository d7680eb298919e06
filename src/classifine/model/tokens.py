"""Takes texts and gives token ids, each text cut to what the model reads or read in windows, every cut counted.

Also counts tokens for the audit, and says which texts share a batch: sorted by length, so that little is padding.
Does not know labels or how a model computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifine.errors import ModelUnavailable
from classifine.model.hub import resolve
from classifine.model.windows import HEAD, LongTexts
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


class TokenIds(Sequence[npt.NDArray[np.int32]]):
    """Vectors of token ids of different lengths, kept in one array.

    That is less than the texts themselves take, which is why nothing is put on disc.

    Parameters
    ----------
    ids
        Token ids of all vectors, one after the other.
    lengths
        Of each vector, shape [n].
    """

    def __init__(self, ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int64]) -> None:
        self.lengths = lengths
        self._ids = ids
        self._ends = np.cumsum(lengths)

    @classmethod
    def of(cls, vectors: Iterable[Sequence[int]]) -> TokenIds:
        """Put vectors together."""
        listed = list(vectors)
        lengths = np.fromiter(map(len, listed), np.int64, len(listed))
        return cls(np.fromiter(chain.from_iterable(listed), np.int32, int(lengths.sum())), lengths)

    @classmethod
    def joined(cls, parts: Sequence[TokenIds]) -> TokenIds:
        """Put parts one after the other."""
        if not parts:
            return cls(np.zeros(0, np.int32), np.zeros(0, np.int64))
        return cls(np.concatenate([part._ids for part in parts]), np.concatenate([part.lengths for part in parts]))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        number = range(len(self))[place]  # raises beyond the end, which ends iteration
        end = int(self._ends[number])
        return self._ids[end - int(self.lengths[number]) : end]


@dataclass(frozen=True)
class Encoded:
    """Token ids of texts, special tokens included.

    Attributes
    ----------
    ids
        One int32 vector per window, at most ``max_length`` long, the windows of a text one after the other. A text is
        one window unless long texts are read in several.
    cut
        Of how many texts something is not read.
    windows
        How many windows each text has, shape [n]; none where each has one.
    types
        Of pairs, the type of each token, as ``ids``, for models that have such types.
    """

    ids: Sequence[npt.NDArray[np.int32]]
    cut: int
    windows: npt.NDArray[np.int64] | None = None
    types: Sequence[npt.NDArray[np.int32]] | None = None

    def __len__(self) -> int:
        return len(self.ids) if self.windows is None else len(self.windows)

    def of_text(self, text: int) -> Sequence[npt.NDArray[np.int32]]:
        """Give the windows of one text."""
        first = int(self._firsts[text])
        return [self.ids[place] for place in range(first, first + self._counts[text])]

    def take(self, texts: Sequence[int] | npt.NDArray[np.int64]) -> Encoded:
        """Give some of the texts, in the order asked for; what is cut is not counted again."""
        spans = [(int(self._firsts[text]), int(self._counts[text])) for text in texts]
        places = [first + place for first, windows in spans for place in range(windows)]
        return Encoded(
            [self.ids[place] for place in places],
            0,
            None if self.windows is None else self.windows[np.asarray(texts)],
            None if self.types is None else [self.types[place] for place in places],
        )

    @cached_property
    def window_lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each window."""
        return self.ids.lengths if isinstance(self.ids, TokenIds) else np.array([*map(len, self.ids)], np.int64)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each text, in all its windows, shape [n]."""
        if self.windows is None:
            return self.window_lengths
        return np.add.reduceat(self.window_lengths, self._firsts) if len(self) else self.windows

    @cached_property
    def _counts(self) -> npt.NDArray[np.int64]:
        return np.ones(len(self.ids), np.int64) if self.windows is None else self.windows

    @cached_property
    def _firsts(self) -> npt.NDArray[np.int64]:
        return np.cumsum(self._counts) - self._counts


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
            chunk = [encodable(text) for text in texts[start : start + _CHUNK]]
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
    limit = found.base.max_length if found.base else DEFAULT_MAX_LENGTH
    return TokenCounter(found.folder, settings.max_length or length_of(limit), name=found.name)


def length_of(limit: int) -> int:
    """Give the tokens read of a text where nothing else is said, by a model that can read so many."""
    return min(limit, DEFAULT_MAX_LENGTH)


def encode(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    max_length: int,
    long: LongTexts = HEAD,
    what: str | None = None,
) -> Encoded:
    """Tokenise texts as the model wants them, in pieces of at most ``max_length`` tokens.

    Parameters
    ----------
    tokenizer
        A fast tokenizer.
    texts
        The texts; a lone surrogate becomes U+FFFD, since no tokenizer takes it.
    max_length
        Tokens read at once, special tokens included.
    long
        How texts are read that are longer than that.
    what
        A word for the progress bar; without one there is none.
    """
    parts: list[TokenIds] = []
    windows: list[int] = []
    cut = 0
    reach = long.reach(max_length)
    special = _special(tokenizer) if long.way != "head" else (0, 0)
    size = max(1, _CHUNK * max_length // reach)
    progress = bar(what, total=len(texts), unit="texts") if what else None
    for start in range(0, len(texts), size):
        chunk = [encodable(text) for text in texts[start : start + size]]
        pieces: list[list[int]] = []
        for text, ids in zip(chunk, _ids(tokenizer, [t[: _characters(reach)] for t in chunk], None), strict=True):
            if len(ids) > max_length or len(text) > _characters(reach):
                read, was_cut = _fitted(tokenizer, text, ids, max_length, long, special)
            else:
                read, was_cut = [ids], False
            pieces += read
            windows.append(len(read))
            cut += was_cut
        parts.append(TokenIds.of(pieces))
        if progress is not None:
            progress.update(len(chunk))
    if progress is not None:
        progress.close()
    return Encoded(TokenIds.joined(parts), cut, np.array(windows, np.int64) if max(windows, default=1) > 1 else None)


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


def pad(
    ids: Sequence[npt.NDArray[np.int32]], pad_id: int, types: Sequence[npt.NDArray[np.int32]] | None = None
) -> dict[str, torch.Tensor]:
    """Lay token ids side by side: ``input_ids``, ``attention_mask`` and, of pairs, ``token_type_ids``, [n, longest]."""
    import torch

    longest = max((len(one) for one in ids), default=0)
    tokens = np.full((len(ids), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(ids), longest), dtype=np.int64)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = one
        mask[row, : len(one)] = 1
    kinds = {} if types is None else {"token_type_ids": pad(types, 0)["input_ids"]}
    return {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask), **kinds}


def pack(
    ids: Sequence[npt.NDArray[np.int32]], types: Sequence[npt.NDArray[np.int32]] | None = None
) -> dict[str, torch.Tensor]:
    """Lay token ids one after the other: ``input_ids`` [n_tokens], types of pairs, ``lengths`` of the texts [n]."""
    import torch

    tokens = np.concatenate(ids).astype(np.int64)
    kinds = {} if types is None else {"token_type_ids": torch.from_numpy(np.concatenate(types).astype(np.int64))}
    return {"input_ids": torch.from_numpy(tokens), "lengths": torch.tensor([len(one) for one in ids]), **kinds}


def pad_id_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """Give the padding token's id; a tokenizer without one pads with 0, which the mask hides."""
    found: Any = tokenizer.pad_token_id
    return int(found) if found is not None else 0


def _fitted(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    found: list[int],
    max_length: int,
    long: LongTexts,
    special: tuple[int, int],
) -> tuple[list[list[int]], bool]:
    """Give the pieces of a text that may be too long, and whether something of it is not read.

    Parameters
    ----------
    found
        The tokens of its first characters.
    special
        Tokens that open and close what is read.
    """
    found, characters = _enough(tokenizer, text, found, long.reach(max_length))
    if len(found) <= max_length:
        return [found], False
    if long.way == "head":
        return [_ids(tokenizer, [text[:characters]], max_length)[0]], True
    before, after = special
    if long.way == "head+tail" and characters < len(text):
        backwards = _ids(tokenizer, [text[-characters:]], None)[0]
        end, _ = _enough(tokenizer, text, backwards, max_length, from_end=True)
        found = found[: max_length - after] + end[before:]
    return long.pieces(found, max_length, before=before, after=after)


def _enough(
    tokenizer: PreTrainedTokenizerBase, text: str, found: list[int], tokens: int, *, from_end: bool = False
) -> tuple[list[int], int]:
    """Where the first characters, or the last, give too few tokens, read more; say how many characters that took."""
    characters = _characters(tokens)
    while len(found) <= tokens and characters < len(text):
        characters *= 8
        found = _ids(tokenizer, [text[-characters:] if from_end else text[:characters]], None)[0]
    return found, characters


def _characters(tokens: int) -> int:
    return tokens * CHARACTERS_PER_TOKEN


def _special(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Count the special tokens before and after a text's own."""
    mask: list[int] = tokenizer("a", return_special_tokens_mask=True, verbose=False)["special_tokens_mask"]
    return mask.index(0), mask[::-1].index(0)


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


def encodable(text: str) -> str:
    """Give a text that every tokenizer takes: half a character of UTF-16 becomes U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
