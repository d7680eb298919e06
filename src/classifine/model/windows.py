"""Takes the token ids of a text that is longer than the model reads and gives the pieces of it that are read.

Either its beginning, its beginning and its end, or windows that overlap; a text's logits are the mean over its windows.
Does not know tokenizers, labels or training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Way = Literal["head", "head+tail", "windows"]
WAYS: tuple[Way, ...] = ("head", "head+tail", "windows")
# Of the tokens kept by head+tail, the share that is the beginning: 128 of 510, see LongTexts.
HEAD_SHARE = 0.25


@dataclass(frozen=True)
class LongTexts:
    """How texts are read that are longer than the model reads at once.

    Attributes
    ----------
    way
        ``head``: the first tokens. ``head+tail``: the first quarter and the last three quarters of what can be read,
        after Sun et al. 2019 ("How to fine-tune BERT for text classification?", CCL), whose best of several ways kept
        128 and 382 tokens. ``windows``: all tokens, in windows.
    stride
        Tokens that a window shares with the next one; the tokenizers of Hugging Face call it so, too.
    max_windows
        Windows read of a text; what comes after them is cut.

    Examples
    --------
    >>> LongTexts("windows", stride=1, max_windows=9).pieces([0, 1, 2, 3, 4, 5, 6, 9], 5, before=1, after=1)
    ([[0, 1, 2, 3, 9], [0, 3, 4, 5, 9], [0, 4, 5, 6, 9]], False)
    """

    way: Way = "head"
    stride: int = 0
    max_windows: int = 1

    def pieces(self, ids: list[int], max_length: int, *, before: int, after: int) -> tuple[list[list[int]], bool]:
        """Give what is read of one text, and whether something is not.

        Parameters
        ----------
        ids
            All tokens of the text, special ones included.
        max_length
            Tokens read at once, special tokens included.
        before, after
            Special tokens that open and close what is read.
        """
        room = max_length - before - after
        over = len(ids) - max_length
        if over <= 0:
            return [ids], False
        opening, content, closing = ids[:before], ids[before : len(ids) - after], ids[len(ids) - after :]
        if self.way == "head":
            return [opening + content[:room] + closing], True
        if self.way == "head+tail":
            head = round(room * HEAD_SHARE)
            return [opening + content[:head] + content[head - room :] + closing], True
        step = room - self.stride
        read = content[: room + (self.max_windows - 1) * step]
        # the last window is as long as the others, so that each counts for as much text
        starts = [*range(0, len(read) - room, step), len(read) - room]
        return [opening + read[start : start + room] + closing for start in starts], len(read) < len(content)

    def reach(self, max_length: int) -> int:
        """Give how many tokens of a text's beginning are looked at, at most."""
        return max_length * self.max_windows if self.way == "windows" else max_length

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; without windows, only the way."""
        return asdict(self) if self.way == "windows" else {"way": self.way}

    @classmethod
    def from_dict(cls, value: Any) -> LongTexts:
        """Read what :meth:`to_dict` wrote.

        Raises
        ------
        ValueError
            It is something else.
        """
        if not isinstance(value, Mapping) or not value.keys() <= asdict(cls()).keys() or value.get("way") not in WAYS:
            raise ValueError(f"expected a way of reading long texts, found {value!r}")
        found = cls(**value)
        numbers = (found.stride, found.max_windows)
        if not all(type(number) is int for number in numbers) or found.stride < 0 or found.max_windows < 1:
            raise ValueError(f"expected whole numbers of tokens and windows, found {value!r}")
        return found


HEAD = LongTexts()


def pooled(parts: Tensor, counts: Tensor) -> Tensor:
    """Give the mean over the parts of each text, such as the logits of its windows, in at least float32.

    Parameters
    ----------
    parts
        Of all texts, those of a text one after the other, shape [n_parts, width].
    counts
        How many each text has, shape [n].

    Returns
    -------
    Tensor
        Shape [n, width].
    """
    import torch

    kept = parts if parts.dtype == torch.float64 else parts.float()
    owners = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    sums = kept.new_zeros(len(counts), kept.shape[1]).index_add(0, owners, kept)
    return sums / counts[:, None]
