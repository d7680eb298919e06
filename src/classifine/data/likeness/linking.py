"""Takes normal forms of texts and gives which of them are similar: pairs that share a band key, verified one by one.

Does not know what the texts were before they were normalised, nor labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.data.likeness.minhash import BANDS, Positions, Sketches, similar, sketches
from classifine.progress import bar

# In a bucket of up to _WINDOW + 1 texts, each is compared with each. In a larger one (thousands of texts from one
# template) this would be quadratic; there each text is compared with up to _ROUNDS texts that stand for the others,
# and with its neighbours in the alphabet. A pair is missed only where it shares no bucket that is small enough,
# and its two texts are not neighbours, and neither is similar to one that stood for the others. Measured on 100,000
# texts from one template (similarity .4 to .5 with each other) and 5,000 copies with one word changed: all were found.
_WINDOW = 6
_ROUNDS = 4
_ANSWERS = 8


@dataclass(frozen=True)
class _Texts:
    """Normal forms with their sketches."""

    forms: Sequence[str]
    sketches: Sketches
    threshold: float

    def similar(self, left: Positions, other: _Texts, right: Positions) -> npt.NDArray[np.bool_]:
        """Say which pairs are similar: all shingles of those are compared whose sketches allow for it."""
        found = self.sketches.likely(left, other.sketches, right, self.threshold)
        ones = [self.forms[position] for position in left[found].tolist()]
        others = [other.forms[position] for position in right[found].tolist()]
        found[found] = similar(ones, others, threshold=self.threshold)
        return found


def components(forms: Sequence[str], *, threshold: float) -> Positions:
    """Give each text a number; those joined by a chain of similar pairs have the same.

    Parameters
    ----------
    forms
        Distinct normal forms, sorted; the result depends on their set only.
    threshold
        The Jaccard similarity from which two texts are joined.
    """
    number = np.arange(len(forms), dtype=np.int64)
    if len(forms) < 2:
        return number
    with bar("sketches of texts", total=len(forms), unit="texts") as progress:
        texts = _Texts(forms, sketches(forms, progress), threshold)
    with bar("near-duplicates", total=BANDS, unit="rounds") as progress:
        for key in texts.sketches.keys:
            members, buckets = _crowded(key)
            number = _joined_to_one(texts, members, buckets, number)
            number = _joined_to_neighbours(texts, members, buckets, number)
            progress.update(1)
    return number


def nearest_of(forms: Sequence[str], others: Sequence[str], *, threshold: float) -> Positions:
    """Give for each text the position of a similar one among the others, or -1.

    Parameters
    ----------
    forms, others
        Normal forms; distinct among themselves.
    threshold
        The Jaccard similarity from which texts are similar.
    """
    match = np.full(len(forms), -1, np.int64)
    if not len(forms) or not len(others):
        return match
    asked_about, known = (_Texts(texts, sketches(texts), threshold) for texts in (forms, others))
    for own, theirs in zip(asked_about.sketches.keys, known.sketches.keys, strict=True):
        order = np.argsort(theirs, kind="stable")
        ranked = theirs[order]
        open_ = np.flatnonzero(match < 0)
        first = np.searchsorted(ranked, own[open_], side="left")
        many = np.searchsorted(ranked, own[open_], side="right") - first
        for answer in range(min(int(many.max(initial=0)), _ANSWERS)):
            asked = (many > answer) & (match[open_] < 0)
            left, right = open_[asked], order[first[asked] + answer]
            found = asked_about.similar(left, known, right)
            match[left[found]] = right[found]
    return match


def _crowded(key: npt.NDArray[np.uint32]) -> tuple[Positions, Positions]:
    """Give the texts that share their key with another, bucket by bucket, and the number of the bucket of each."""
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    same = ranked[1:] == ranked[:-1]
    shared = np.append(same, False) | np.insert(same, 0, False)
    starts = np.insert(~same, 0, True)[: len(ranked)]
    return order[shared], np.cumsum(starts)[shared]


def _joined_to_one(texts: _Texts, members: Positions, buckets: Positions, number: Positions) -> Positions:
    """Compare the texts of each large bucket with the first, what is left with the first of these, and so on."""
    _, place, sizes = np.unique(buckets, return_inverse=True, return_counts=True)
    left = sizes[place] > _WINDOW + 1
    for _ in range(_ROUNDS):
        members, buckets = members[left], buckets[left]
        if not len(members):
            break
        _, first, place = np.unique(buckets, return_index=True, return_inverse=True)
        stands = members[first][place]
        number = _joined(texts, stands, members, number)
        left = number[members] != number[stands]
    return number


def _joined_to_neighbours(texts: _Texts, members: Positions, buckets: Positions, number: Positions) -> Positions:
    """Compare each text with those that follow it in its bucket."""
    for step in range(1, _WINDOW + 1):
        together = buckets[step:] == buckets[:-step]
        if not together.any():
            break
        number = _joined(texts, members[:-step][together], members[step:][together], number)
    return number


def _joined(texts: _Texts, left: Positions, right: Positions, number: Positions) -> Positions:
    """Verify the pairs that are not joined yet and join the similar ones."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    apart = number[left] != number[right]
    left, right = left[apart], right[apart]
    found = texts.similar(left, texts, right)
    if not found.any():
        return number
    ends = np.concatenate([number[left[found]], number[right[found]]])
    touched, local = np.unique(ends, return_inverse=True)
    half = len(local) // 2
    graph = coo_array((np.ones(half, np.int8), (local[:half], local[half:])), shape=(len(touched), len(touched)))
    _, component = connected_components(graph, directed=False)
    # each joined component goes by the least of its numbers
    least = np.full(int(component.max()) + 1, len(number), np.int64)
    np.minimum.at(least, component, touched)
    renamed = np.arange(len(number), dtype=np.int64)
    renamed[touched] = least[component]
    joined: Positions = renamed[number]
    return joined
