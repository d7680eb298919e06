"""Takes the labels that several methods give the same items and says where they differ.

Does not know how labels were chosen, texts or files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from classifine.data.annotators.votes import Votes
from classifine.labels import IntVector

SHOWN = 100


@dataclass(frozen=True)
class Difference:
    """An item to which not every method gives the majority's label.

    Attributes
    ----------
    id
        The item.
    votes
        Judgements by label.
    labels
        The label by method, ``None`` for none.
    """

    id: str
    votes: dict[str, int]
    labels: dict[str, str | None]


@dataclass(frozen=True)
class Comparison:
    """Where methods differ.

    Attributes
    ----------
    differing
        The items, in natural order.
    counts
        How many items each method gives each label; under ``None``, how many it gives none.
    """

    differing: tuple[Difference, ...]
    counts: dict[str | None, dict[str, int]]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: the number of differing items, the first 100 of them, and the counts by label."""
        return {
            "differing": len(self.differing),
            "differences": [asdict(difference) for difference in self.differing[:SHOWN]],
            "compared": [{"label": label, **numbers} for label, numbers in self.counts.items()],
        }


def compare(votes: Votes, said: Mapping[str, dict[str, int]], methods: Mapping[str, IntVector]) -> Comparison:
    """Compare methods, item by item.

    Parameters
    ----------
    votes
        The judgements.
    said
        Judgements by label, by item.
    methods
        For each method the position of each item's label, -1 for none; the first is what the others are held against.
    """
    columns = np.stack(list(methods.values()), axis=1)
    differing = []
    for place in np.flatnonzero((columns != columns[:, :1]).any(axis=1)):
        labels = [votes.labels[code] if code >= 0 else None for code in columns[place]]
        name = votes.items[place]
        differing.append(Difference(name, said[name], dict(zip(methods, labels, strict=True))))
    counts: dict[str | None, dict[str, int]] = {}
    given = {name: np.bincount(labels + 1, minlength=len(votes.labels) + 1) for name, labels in methods.items()}
    for code, label in [*enumerate(votes.labels, start=1), (0, None)]:
        counts[label] = {name: int(numbers[code]) for name, numbers in given.items()}
    return Comparison(tuple(differing), counts)
