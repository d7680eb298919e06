"""Takes a passage and how much its words count and gives the smallest set of words found whose removal changes a label.

Does not know how the words were weighed or how the answer is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from classifine.explanation.linear import FloatVector
from classifine.explanation.masking import Masked, Target
from classifine.labels import BoolMatrix, FloatMatrix, LabelSpace, decide

# Words taken away together, at most: beyond, the rest is another text.
_MOST = 12
_PAIRED = 6


@dataclass(frozen=True)
class Change:
    """Words whose removal changes whether a label is given.

    Attributes
    ----------
    places
        The words, by their number in the text.
    becomes
        What is predicted without them; empty where no label is.
    smallest
        Whether it is shown that no fewer words will do; else, none was found.
    """

    places: tuple[int, ...]
    becomes: str
    smallest: bool

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"words": list(self.places), "becomes": self.becomes, "smallest": self.smallest}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Change:
        """Read what :meth:`to_dict` gave."""
        return cls(tuple(value["words"]), value["becomes"], value["smallest"])


def change(masked: Masked, target: Target, space: LabelSpace, values: FloatVector) -> Change | None:
    """Look for few words without which a label is no longer given, or is given for the first time.

    Every single word is tried, then the first two, three and so on, up to half of the words and twelve; what turns out
    to be needless is put back.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained; its label is the one in question.
    space
        The labels, with the rule by which they are given.
    values
        How much each word speaks for the label, shape [n_words].
    """
    n = len(values)
    if n == 0:
        return None
    name = space.names[target.label]
    given = name in space.several(decide(masked.rows(np.ones((1, n), dtype=bool)), space)[0])

    def changed(kept: BoolMatrix) -> tuple[list[int], FloatMatrix]:
        rows = masked.rows(kept)
        cells = decide(rows, space)
        return [at for at, cell in enumerate(cells) if (name in space.several(cell)) is not given], rows

    def told(places: tuple[int, ...], smallest: bool) -> Change:
        return Change(tuple(sorted(places)), decide(masked.rows(_without(n, [places])), space)[0], smallest)

    hits, rows = changed(_without(n, [(place,) for place in range(n)]))
    if hits:
        numbers = target.of(rows) * (1 if given else -1)
        return told((min(hits, key=lambda at: (numbers[at], at)),), True)
    order = np.argsort(-values if given else values, kind="stable").tolist()
    prefixes = [tuple(order[:size]) for size in range(2, min(_MOST, max(2, n // 2), n) + 1)]
    hits, _ = changed(_without(n, prefixes)) if prefixes else ([], rows)
    if not hits:
        return None
    found = prefixes[hits[0]]
    for place in reversed(found):
        fewer = tuple(one for one in found if one != place)
        if len(fewer) > 1 and changed(_without(n, [fewer]))[0]:
            found = fewer
    if len(found) > 2:
        pairs = list(combinations(order[:_PAIRED], 2))
        hits, _ = changed(_without(n, pairs))
        found = pairs[hits[0]] if hits else found
    return told(found, len(found) == 2)


def _without(n: int, sets: Sequence[tuple[int, ...]]) -> BoolMatrix:
    kept = np.ones((len(sets), n), dtype=bool)
    for row, places in enumerate(sets):
        kept[row, list(places)] = False
    return kept
