"""Takes two texts and gives one that holds both, and back.

A pair is one unit to everything that checks, divides, compares or stores texts; only a tokenizer sees its two texts.
Does not know columns, files or models.
"""

from __future__ import annotations

from collections.abc import Iterable

# A printable sign that no text is expected to hold; one that does is refused where pairs are read.
MARK = "\N{SYMBOL FOR RECORD SEPARATOR}"
_BETWEEN = f" {MARK} "


def joined(text: str, second: str) -> str:
    """Give one text that holds both.

    Examples
    --------
    >>> joined("It rains.", "It is dry.")
    'It rains. ␞ It is dry.'
    """
    return text + _BETWEEN + second


def parted(pair: str) -> tuple[str, str]:
    """Give the two texts that :func:`joined` put together; one that is no pair has an empty second text.

    Examples
    --------
    >>> parted("It rains. ␞ It is dry.")
    ('It rains.', 'It is dry.')
    """
    text, _, second = pair.partition(_BETWEEN)
    return text, second


def all_pairs(texts: Iterable[str]) -> bool:
    """Tell whether there is a text and each holds two."""
    found = [_BETWEEN in text for text in texts]
    return bool(found) and all(found)
