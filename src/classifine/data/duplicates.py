"""Takes texts and gives those that are the same once case, links, handles and white space no longer count.

Does not know labels' meaning, files or splits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"(?<!\w)@\w+")


def normalise(text: str) -> str:
    """Write a text so that the same thing said twice looks the same.

    NFKC, case folded, links as ``<url>``, handles as ``<user>``, white space as single blanks.

    Examples
    --------
    >>> normalise("VOTE  now: https://example.org/a @anna")
    'vote now: <url> <user>'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_HANDLE.sub("<user>", _LINK.sub("<url>", folded)).split())


def groups_of(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Group the positions of equal texts under the normalised text, in order of first appearance."""
    found: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        found.setdefault(normalise(text), []).append(position)
    return {text: tuple(group) for text, group in found.items()}


def exact_duplicates(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Group the positions of equal texts, normalised; groups of one are left out."""
    return [group for group in groups_of(texts).values() if len(group) > 1]


def conflicts(texts: Sequence[str], labels: Sequence[str]) -> list[tuple[int, ...]]:
    """Group the positions of equal texts that have different labels."""
    return [group for group in exact_duplicates(texts) if len({labels[position] for position in group}) > 1]
