"""Takes labelled texts and gives what every check of the audit asks for: normal forms, and labels as numbers.

A text that has several labels counts under each of them. Does not know what the checks look for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from classifine.data.likeness.duplicates import NormalForms, normal_forms
from classifine.labels import IntVector, several_labels
from classifine.tables import LabelledTexts

_SEED = 19_790_601


@dataclass(frozen=True)
class Material:
    """Labelled texts made ready for checks.

    Attributes
    ----------
    table
        The labelled texts.
    rows
        Their row numbers, shape [n_texts].
    forms
        Their normal forms.
    names
        The label names, sorted.
    owner, label
        One entry for each label of each text: the text's position and the label's place in ``names``.
    cells
        A number for the labels of each text; texts with the same labels, in any order, have the same. Shape [n_texts].
    """

    table: LabelledTexts
    rows: IntVector
    forms: NormalForms
    names: tuple[str, ...]
    owner: IntVector
    label: IntVector
    cells: IntVector

    @classmethod
    def of(cls, table: LabelledTexts, separator: str | None = None, forms: NormalForms | None = None) -> Material:
        """Make a table ready.

        Parameters
        ----------
        table
            At least one labelled text.
        separator
            What stands between the labels of a cell, or none where the whole cell is one label.
        forms
            The normal forms of the texts, where they are known.
        """
        divided = {cell: several_labels(cell, separator) for cell in set(table.labels)}
        names = tuple(sorted({name for several in divided.values() for name in several}))
        place = {name: number for number, name in enumerate(names)}
        ids = {cell: [place[name] for name in several] for cell, several in divided.items()}
        kinds = {several: number for number, several in enumerate(sorted({tuple(sorted(ids[c])) for c in divided}))}
        kind = {cell: kinds[tuple(sorted(ids[cell]))] for cell in divided}
        n = len(table)
        many = np.fromiter((len(ids[cell]) for cell in table.labels), np.int64, n)
        owner = np.repeat(np.arange(n), many)
        label = np.fromiter((number for cell in table.labels for number in ids[cell]), np.int64, len(owner))
        cells = np.fromiter((kind[cell] for cell in table.labels), np.int64, n)
        known = normal_forms(table.texts) if forms is None else forms
        return cls(table, np.array(table.rows, np.int64), known, names, owner, label, cells)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def counts(self) -> IntVector:
        """How many texts have each label, shape [n_labels]."""
        return np.bincount(self.label, minlength=len(self.names)).astype(np.int64)

    @cached_property
    def different(self) -> IntVector:
        """How many different texts have each label, shape [n_labels]."""
        pairs = np.unique(self.label * len(self.forms.forms) + self.forms.place[self.owner])
        return np.bincount(pairs // len(self.forms.forms), minlength=len(self.names)).astype(np.int64)

    def rows_with(self, names: Collection[str]) -> list[int]:
        """List the rows that have one of these labels."""
        wanted = np.isin(self.label, [place for place, name in enumerate(self.names) if name in names])
        return [int(row) for row in self.rows[np.unique(self.owner[wanted])]]

    def share_by_label(self, texts: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Give for each label the share of its texts that are marked, shape [n_labels]."""
        marked = np.bincount(self.label[texts[self.owner]], minlength=len(self.names))
        return marked / np.maximum(self.counts, 1)

    def sample(self, most: int) -> IntVector:
        """Draw so many texts, always the same ones whatever their order; all where there are no more."""
        order = np.argsort(self.rows, kind="stable")
        if len(order) <= most:
            return order
        return np.sort(np.random.default_rng(_SEED).permutation(order)[:most])
