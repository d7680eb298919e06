"""Takes judgements by name and gives them as numbers: who gave which label to which item how often, in a fixed order.

Neither the order of rows nor that of names can be seen afterwards. Does not know texts, rules or measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from classifine.data.ordering import natural_order
from classifine.labels import IntVector

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """How often each item got each label; an entry per item and label that occur together, ordered by both.

    Attributes
    ----------
    item, label, count
        The entries.
    starts
        Where each item's entries begin, and the number of all, shape [n_items + 1].
    """

    item: IntVector
    label: IntVector
    count: IntVector
    starts: IntVector

    @cached_property
    def totals(self) -> IntVector:
        """The judgements of each item, shape [n_items]."""
        totals: IntVector = np.add.reduceat(self.count, self.starts[:-1])
        return totals

    @cached_property
    def leading(self) -> IntVector:
        """The entries whose label is the item's most frequent, or one of several."""
        most = np.maximum.reduceat(self.count, self.starts[:-1])
        return np.flatnonzero(self.count == most[self.item])

    def entry_of(self, item: IntVector, label: IntVector, n_labels: int) -> IntVector:
        """Give the place of the entry of each of these items and labels, which must occur together."""
        return np.searchsorted(self.item * n_labels + self.label, item * n_labels + label).astype(np.int64)


@dataclass(frozen=True)
class Votes:
    """Judgements as numbers; an entry per item, annotator and label that occur together, ordered by these.

    Attributes
    ----------
    items, annotators, labels
        The names, in natural order (``p9`` before ``p10``), labels as text sorts.
    item, annotator, label
        The entries: positions of names.
    count
        How often this annotator gave this label to this item.
    """

    items: tuple[str, ...]
    annotators: tuple[str, ...]
    labels: tuple[str, ...]
    item: IntVector
    annotator: IntVector
    label: IntVector
    count: IntVector

    @classmethod
    def of(cls, ids: Sequence[str], annotators: Sequence[str], labels: Sequence[str]) -> Votes:
        """Count judgements that are given as equally long columns.

        Examples
        --------
        >>> votes = Votes.of(["7", "7", "7"], ["B", "A", "B"], ["yes", "no", "yes"])
        >>> votes.annotators, votes.annotator, votes.count
        (('A', 'B'), array([0, 1]), array([1, 2]))
        """
        names = [_naturally(ids), _naturally(annotators), tuple(sorted(set(labels)))]
        item, annotator, label = (_codes(n, column) for n, column in zip(names, (ids, annotators, labels), strict=True))
        order = np.lexsort((label, annotator, item))
        item, annotator, label = item[order], annotator[order], label[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(item) != 0) | (np.diff(annotator) != 0) | (np.diff(label) != 0)
        first = np.flatnonzero(new)
        count = np.diff(np.append(first, len(order)))
        return cls(names[0], names[1], names[2], item[first], annotator[first], label[first], count)

    @cached_property
    def tally(self) -> Tally:
        """How often each item got each label."""
        n_labels = len(self.labels)
        pairs, inverse = np.unique(self.item * n_labels + self.label, return_inverse=True)
        count = np.bincount(inverse, weights=self.count, minlength=len(pairs)).astype(np.int64)
        item, label = np.divmod(pairs, n_labels)
        return Tally(item, label, count, np.searchsorted(item, np.arange(len(self.items) + 1)).astype(np.int64))

    @property
    def n_pairs(self) -> int:
        """How many pairs of item and annotator there are; further judgements of a pair are repeated."""
        same = (np.diff(self.item) == 0) & (np.diff(self.annotator) == 0)
        return len(self.item) - int(same.sum())

    def undecided(self) -> IntVector:
        """Give the entries of annotators who gave the same item more than one label."""
        same = (np.diff(self.item) == 0) & (np.diff(self.annotator) == 0)
        touched = np.zeros(len(self.item), dtype=bool)
        touched[1:] |= same
        touched[:-1] |= same
        return np.flatnonzero(touched)

    def once(self) -> Votes:
        """Count an annotator's repeated judgements of an item as one: what was said most often, or none if undecided.

        An item that has no judgement then is not among the items.
        """
        order = np.lexsort((-self.count, self.annotator, self.item))
        item, annotator, count = self.item[order], self.annotator[order], self.count[order]
        again = (np.diff(item) == 0) & (np.diff(annotator) == 0)
        first = np.append(True, ~again)[: len(order)]
        torn = np.append(again & (np.diff(count) == 0), False)[: len(order)]
        kept = np.sort(order[first & ~torn])
        present, item = np.unique(self.item[kept], return_inverse=True)
        return replace(
            self,
            items=tuple(self.items[place] for place in present),
            item=item.astype(np.int64),
            annotator=self.annotator[kept],
            label=self.label[kept],
            count=np.ones(len(kept), dtype=np.int64),
        )


def _naturally(names: Sequence[str]) -> tuple[str, ...]:
    unique = list(set(names))
    return tuple(unique[place] for place in natural_order(unique))


def _codes(names: tuple[str, ...], column: Sequence[str]) -> IntVector:
    index = {name: place for place, name in enumerate(names)}
    return np.fromiter(map(index.__getitem__, column), dtype=np.int64, count=len(column))
