"""Takes texts with labels, groups and clusters and gives the units that no split may tear apart.

A unit is a set of rows that hang together: equal texts, near-duplicates, one group. Numbers of units depend on
their texts only, never on the order of rows. Does not know how many splits there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifine.data.likeness.duplicates import normalise
from classifine.data.ordering import Keys
from classifine.labels import IntVector, several_labels


@dataclass(frozen=True)
class Units:
    """Rows that stay together, and the labels they have.

    Attributes
    ----------
    of_row
        The unit of each row, shape [n_rows].
    keys
        What lots are drawn from, one a unit, rising, shape [n_units].
    rows
        How many rows each unit has, shape [n_units].
    starts
        Where the labels of each unit begin in ``labels`` and ``counts``, shape [n_units + 1].
    labels, counts
        The labels of unit after unit, as places in ``names``, and how many of the unit's rows have each.
    names
        The label names, sorted.
    """

    of_row: IntVector
    keys: Keys
    rows: IntVector
    starts: IntVector
    labels: IntVector
    counts: IntVector
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def with_label(self) -> IntVector:
        """Count the units in which each label stands, shape [n_labels]."""
        return np.bincount(self.labels, minlength=len(self.names)).astype(np.int64)

    def rows_of_labels(self) -> IntVector:
        """Count the rows that have each label, shape [n_labels]."""
        return np.bincount(self.labels, self.counts, minlength=len(self.names)).astype(np.int64)

    def owners(self) -> IntVector:
        """Give the unit of each entry of ``labels``."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def text_keys(texts: Sequence[str]) -> Keys:
    """Give each text a 64-bit number; texts that are equal once normalised have the same.

    A text that stands in many rows is normalised once. Should two different texts ever share a number (one chance in
    ten million among two million texts), they only stay together.
    """
    places: dict[str, int] = {}
    of_row = np.fromiter((places.setdefault(text, len(places)) for text in texts), np.int64, len(texts))
    drawn = bytearray()
    for text in places:
        drawn += hashlib.blake2b(normalise(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.frombuffer(bytes(drawn), np.uint64)[of_row] if places else np.empty(0, np.uint64)


def units_of(
    keys: Keys,
    cells: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    clusters: Sequence[int] | npt.NDArray[np.int64] | None = None,
    separator: str | None = None,
) -> Units:
    """Join rows to units and count the labels of each.

    Parameters
    ----------
    keys
        One a row, as :func:`text_keys` gives them.
    cells
        The label cell of each row.
    groups
        Rows of one group stay together; a blank group is none.
    clusters
        One number a row; rows of one cluster stay together.
    separator
        What stands between the labels of a cell, or none where the whole cell is one label.
    """
    _, of_row = np.unique(keys, return_inverse=True)
    if clusters is not None:
        _, numbers = np.unique(np.asarray(clusters, np.int64), return_inverse=True)
        of_row = _joined(of_row, numbers)
    if groups is not None:
        of_row = _joined(of_row, _group_numbers(groups))
    # numbered by the least key, so that the order of rows cannot show
    least = np.full(int(of_row.max(initial=-1)) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, of_row, keys)
    order = np.argsort(least)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    of_row = place[of_row]
    names, starts, labels, counts = _labels(of_row, len(least), cells, separator)
    rows = np.bincount(of_row, minlength=len(least)).astype(np.int64)
    return Units(of_row, least[order], rows, starts, labels, counts, names)


def _joined(one: IntVector, other: IntVector) -> IntVector:
    """Join rows that hang together through either numbering; a number below 0 joins nothing."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    used = other >= 0
    size = int(one.max(initial=-1)) + 1
    total = size + int(other.max(initial=-1)) + 1
    edges = np.unique(one[used] * total + other[used] + size)
    # scipy refuses indices of 64 bits here
    ends = (edges // total).astype(np.int32), (edges % total).astype(np.int32)
    graph = coo_array((np.ones(len(edges), np.int8), ends), shape=(total, total))
    _, component = connected_components(graph, directed=False)
    _, joined = np.unique(component[one], return_inverse=True)
    return joined.astype(np.int64)


def _group_numbers(groups: Sequence[str]) -> IntVector:
    numbers: dict[str, int] = {}
    return np.fromiter(
        (numbers.setdefault(group, len(numbers)) if group and not group.isspace() else -1 for group in groups),
        np.int64,
        len(groups),
    )


def _labels(
    of_row: IntVector, units: int, cells: Sequence[str], separator: str | None
) -> tuple[tuple[str, ...], IntVector, IntVector, IntVector]:
    """Count the rows of each label in each unit: names, starts, labels and counts."""
    divided = {cell: several_labels(cell, separator) for cell in set(cells)}
    names = tuple(sorted({name for several in divided.values() for name in several}))
    ids = {name: place for place, name in enumerate(names)}
    known = {cell: [ids[name] for name in several] for cell, several in divided.items()}
    if separator is None:
        owners = of_row
        labels = np.fromiter((known[cell][0] for cell in cells), np.int64, len(cells))
    else:
        owners = np.repeat(of_row, np.fromiter((len(known[cell]) for cell in cells), np.int64, len(cells)))
        labels = np.fromiter((label for cell in cells for label in known[cell]), np.int64, len(owners))
    width = max(len(names), 1)
    pairs, counts = np.unique(owners * width + labels, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(units + 1) * width)
    return names, starts.astype(np.int64), pairs % width, counts.astype(np.int64)
