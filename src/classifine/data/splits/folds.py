"""Takes labelled texts and gives folds for cross-validation, with the guarantees that splits have.

What hangs together never stands on both sides, and the order of rows does not matter. Does not know what is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine import durable
from classifine.data.likeness.duplicates import clusters_of
from classifine.data.ordering import lot
from classifine.data.splits.dealing import deal
from classifine.data.splits.units import text_keys, units_of
from classifine.errors import LabelsProblem, SettingsProblem, count
from classifine.settings import Settings
from classifine.tables import LabelledTexts


@dataclass(frozen=True, eq=False)
class Fold:
    """One division into training and test rows.

    Attributes
    ----------
    repeat, number
        Which repeat and which fold of it, from 1.
    train, test
        Positions of the rows, rising.
    """

    repeat: int
    number: int
    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; the training rows are all the others."""
        return {"repeat": self.repeat, "number": self.number, "test": self.test.tolist()}


def folds(
    table: LabelledTexts,
    k: int,
    *,
    repeats: int = 1,
    seed: int,
    separator: str | None = None,
    clusters: Sequence[int] | npt.NDArray[np.int64] | None = None,
) -> list[Fold]:
    """Divide a table into ``k`` folds, ``repeats`` times; each fold is the test rows once in every repeat.

    Rows that hang together (equal texts, one cluster, one group) come to one fold. Each label that stands in at least
    ``k`` units stands in every fold, with its share of the rows; a rarer one stands in as many folds as it has units.

    Parameters
    ----------
    table
        Labelled texts; ``groups`` are honoured, ``times`` and ``parts`` have no say.
    k, repeats
        Folds in a repeat, and repeats.
    seed
        Another seed, other folds.
    separator
        What stands between several labels of a text, or none where each text has one.
    clusters
        One number per row; rows of one cluster stay together.

    Raises
    ------
    SettingsProblem
        Fewer than two folds or no repeat.
    LabelsProblem
        There are fewer units than folds.

    Examples
    --------
    >>> names = tuple(f"t{i}" for i in range(6))
    >>> table = LabelledTexts(names, names, ("yes", "no") * 3, tuple(range(1, 7)))
    >>> [len(fold.test) for fold in folds(table, 3, seed=0)]
    [2, 2, 2]
    """
    if k < 2 or repeats < 1:
        raise SettingsProblem(
            "these are no folds", found=f"k = {k}, repeats = {repeats}", expected="at least 2 folds and 1 repeat"
        )
    units = units_of(text_keys(table.texts), table.labels, groups=table.groups, clusters=clusters, separator=separator)
    if len(units) < k:
        what = "different text" if table.groups is None else "group of texts that must stay together"
        plural = None if table.groups is None else "groups of texts that must stay together"
        raise LabelsProblem(
            f"{count(len(units), what, plural)} cannot be divided into {k} folds",
            cure="use fewer folds, or add texts" if table.groups is None else "use fewer folds or a finer group column",
        )
    made = []
    for repeat in range(1, repeats + 1):
        fold_of_row = deal(units, [1 / k] * k, seed=lot(seed, f"repeat {repeat}"))[units.of_row]
        for number in range(k):
            here = fold_of_row == number
            made.append(Fold(repeat, number + 1, np.flatnonzero(~here), np.flatnonzero(here)))
    return made


def cut_into_folds(
    table: LabelledTexts,
    k: int,
    settings: Settings,
    *,
    separator: str | None,
    repeats: int = 1,
    seed: int | None = None,
) -> list[Fold]:
    """Divide texts into folds as splits are divided: labels keep their shares, what hangs together stays together."""
    clusters = clusters_of(table.texts, threshold=settings.data.near_duplicates)
    start = settings.seed if seed is None else seed
    return folds(table, k, repeats=repeats, seed=start, separator=separator, clusters=clusters)


def write_folds(path: Path, table: LabelledTexts, cut: Sequence[Fold]) -> None:
    """Write the fold of every row in each repeat as CSV: id, row, ``repeat 1``, ``repeat 2`` and so on.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    numbers: dict[str, npt.NDArray[np.int64]] = {}
    for fold in cut:
        numbers.setdefault(f"repeat {fold.repeat}", np.zeros(len(table), np.int64))[fold.test] = fold.number
    names = ["id", "row", *numbers]
    columns = (table.ids, table.rows, *(column.tolist() for column in numbers.values()))
    durable.write_csv(path, names, (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)))
