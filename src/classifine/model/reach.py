"""Takes a classifier and a text and gives which characters of the text the classifier reads.

Where it reads all, it says nothing. Does not know labels or how a model computes.
"""

from __future__ import annotations

from typing import Any

from classifine.model.tokens import CHARACTERS_PER_TOKEN, encodable
from classifine.model.windows import HEAD
from classifine.pairs import parted


def characters_read(scorer: Any, text: str) -> tuple[tuple[int, int], ...] | None:
    """Give from where to where a text is read; none where all of it is, or where the scorer has no tokenizer.

    Parameters
    ----------
    scorer
        A classifier; anything else is taken to read everything.
    text
        The text, or a pair as :func:`classifine.pairs.joined` puts it together.

    Returns
    -------
    tuple or None
        Beginnings and ends, as Python counts characters, in order.
    """
    backend = getattr(scorer, "backend", None)
    tokenizer = getattr(backend, "tokenizer", None)
    if tokenizer is None:
        return None
    most = int(getattr(backend, "max_length", 0))
    if getattr(backend, "pairs", False):
        return _of_pair(tokenizer, text, most)
    long = getattr(backend, "long", HEAD)
    whole = encodable(text)
    reach = most if long.way == "head+tail" else long.reach(most)
    limit = len(whole) if long.way == "head+tail" else reach * CHARACTERS_PER_TOKEN * 8
    encoded = tokenizer(
        whole[:limit], return_offsets_mapping=True, return_special_tokens_mask=True, truncation=False, verbose=False
    )
    offsets, special = encoded["offset_mapping"], encoded["special_tokens_mask"]
    if len(offsets) <= most and len(whole) <= limit:
        return None
    before = special.index(0) if 0 in special else 0
    after = special[::-1].index(0) if 0 in special else 0
    pieces, cut = long.pieces(list(range(len(offsets))), most, before=before, after=after)
    if not cut and len(whole) <= limit:
        return None
    places = sorted({place for piece in pieces for place in piece if not special[place]})
    return _spans([tuple(offsets[place]) for place in places])


def _of_pair(tokenizer: Any, text: str, most: int) -> tuple[tuple[int, int], ...] | None:
    one, two = parted(encodable(text))
    if len(tokenizer(one, two, truncation=False, verbose=False)["input_ids"]) <= most:
        return None
    encoded = tokenizer(
        one, two, return_offsets_mapping=True, truncation="longest_first", max_length=most, verbose=False
    )
    second = len(text) - len(two)
    found = [
        (start + second * part, end + second * part)
        for (start, end), part in zip(encoded["offset_mapping"], encoded.sequence_ids(0), strict=True)
        if part is not None
    ]
    return _spans(sorted(found))


def _spans(offsets: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Put neighbours together: what lies between two tokens that follow each other is read, too."""
    found: list[tuple[int, int]] = []
    for start, end in offsets:
        # white space between two tokens is no gap, and neither is a sign that a tokenizer drops
        if found and start - found[-1][1] <= 2:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
