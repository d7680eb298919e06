"""Takes texts and gives those that are the same once case, links, handles and white space no longer count, or nearly.

Does not know labels' meaning, files or splits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LINK = re.compile(r"\b(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"(?<!\w)@\w+")

# Two texts whose sets of five-character runs overlap so far differ in a word or two.
NEAR = 0.7


@dataclass(frozen=True)
class Overlap:
    """Which texts stand among others; each text is of one kind at most.

    Attributes
    ----------
    identical
        Character for character, shape [n_texts].
    normalised
        Equal once normalised, shape [n_texts].
    near
        Similar, shape [n_texts].
    match
        A position among the others where it stands, or -1, shape [n_texts].
    """

    identical: npt.NDArray[np.bool_]
    normalised: npt.NDArray[np.bool_]
    near: npt.NDArray[np.bool_]
    match: npt.NDArray[np.int64]


@dataclass(frozen=True)
class NormalForms:
    """Texts once normalised.

    Attributes
    ----------
    forms
        The distinct normal forms, sorted.
    place
        For each text the position of its form, shape [n_texts].
    """

    forms: tuple[str, ...]
    place: npt.NDArray[np.int64]

    def clusters(self, *, threshold: float = NEAR) -> npt.NDArray[np.int64]:
        """Give each text a number, as :func:`clusters_of` does."""
        from classifine.data.likeness.linking import components

        return _by_appearance(components(self.forms, threshold=threshold)[self.place])


def normalise(text: str) -> str:
    """Write a text so that the same thing said twice looks the same.

    NFKC, case folded, links as ``<url>``, handles as ``<user>``, white space as single blanks.

    Examples
    --------
    >>> normalise("VOTE  now: https://example.org/a @anna")
    'vote now: <url> <user>'
    """
    folded = (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()
    # most texts have neither, and looking for a sign takes a tenth of the time that a pattern takes
    if "://" in folded or "www." in folded:
        folded = _LINK.sub("<url>", folded)
    if "@" in folded:
        folded = _HANDLE.sub("<user>", folded)
    return " ".join(folded.split())


def normal_forms(texts: Sequence[str]) -> NormalForms:
    """Normalise texts, and say which of them are then equal."""
    known: dict[str, int] = {}
    appeared = np.fromiter((known.setdefault(normalise(text), len(known)) for text in texts), np.int64, len(texts))
    forms = tuple(sorted(known))
    rank = np.empty(len(forms), np.int64)
    rank[np.fromiter((known[form] for form in forms), np.int64, len(forms))] = np.arange(len(forms))
    return NormalForms(forms, rank[appeared])


def clusters_of(texts: Sequence[str], *, threshold: float = NEAR) -> npt.NDArray[np.int64]:
    """Give each text a number; equal and similar texts have the same.

    Texts are normalised. Two are joined when they are then equal, or when the sets of their runs of five characters
    have a Jaccard similarity of at least the threshold; a text of fewer characters is joined to equal ones only.
    Chains join: a and c may share a number because both are similar to b.

    Candidates are found by MinHash in 25 bands of 5 and every one is verified, so that no two texts are joined by
    mistake; of the pairs at the threshold one in a hundred is not found, of more similar ones fewer.

    Parameters
    ----------
    texts
        Any texts.
    threshold
        The similarity from which two texts are joined, above 0 and at most 1.

    Returns
    -------
    clusters
        Numbers from 0 in order of first appearance, shape [n_texts]. Which texts share one does not depend on
        their order.

    Examples
    --------
    >>> clusters_of(["The train was late again today.", "Nice!", "the train was late again today!"]).tolist()
    [0, 1, 0]
    """
    return normal_forms(texts).clusters(threshold=threshold)


def overlap(texts: Sequence[str], others: Sequence[str], *, threshold: float = NEAR) -> Overlap:
    """Find the texts that stand among others: identical, equal once normalised, or similar.

    Parameters
    ----------
    texts
        The texts asked about, say those of a test split.
    others
        Where to look for them, say the training texts.
    threshold
        The similarity from which texts are near-duplicates, as in :func:`clusters_of`.

    Examples
    --------
    >>> found = overlap(["Nice!", "nice!", "new"], ["so", "Nice!"])
    >>> found.identical.tolist(), found.normalised.tolist(), found.match.tolist()
    ([True, False, False], [False, True, False], [1, 1, -1])
    """
    from classifine.data.likeness.linking import nearest_of

    same = _lookup(texts, _first(others))
    asked, known = normal_forms(texts), normal_forms(others)
    first = np.full(len(known.forms), len(others), np.int64)
    np.minimum.at(first, known.place, np.arange(len(others)))
    folded = _lookup(asked.forms, dict(zip(known.forms, first.tolist(), strict=True)))
    similar = np.full(len(asked.forms), -1, np.int64)
    left = np.flatnonzero(folded < 0)
    found = nearest_of([asked.forms[position] for position in left.tolist()], known.forms, threshold=threshold)
    similar[left[found >= 0]] = first[found[found >= 0]]
    place = asked.place
    identical = same >= 0
    normalised = ~identical & (folded[place] >= 0)
    near = ~identical & ~normalised & (similar[place] >= 0)
    match = np.select([identical, normalised, near], [same, folded[place], similar[place]], -1)
    return Overlap(identical, normalised, near, match.astype(np.int64))


def _first(texts: Sequence[str]) -> dict[str, int]:
    """Give the first position of each text."""
    found: dict[str, int] = {}
    for position, text in enumerate(texts):
        found.setdefault(text, position)
    return found


def _lookup(texts: Sequence[str], standing: dict[str, int]) -> npt.NDArray[np.int64]:
    return np.fromiter((standing.get(text, -1) for text in texts), np.int64, len(texts))


def _by_appearance(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Renumber from 0 in order of first appearance."""
    _, first, place = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place]
