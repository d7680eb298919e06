"""Takes training texts and numbers of rows and gives nested subsets of about so many rows.

Each subset lies within the next larger one, labels keep their shares, and what hangs together comes as a whole or not
at all. Does not know what is trained on them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifine.data.ordering import lot
from classifine.data.splits.dealing import deal
from classifine.data.splits.units import text_keys, units_of
from classifine.errors import LabelsProblem, SettingsProblem, count, some
from classifine.labels import IntVector
from classifine.tables import LabelledTexts

FEWEST_SIZES = 5
FEWEST_ROWS = 40
_USUAL_SIZES = 6
_REACH = 32  # the largest of the usual sizes, in smallest ones


def usual_sizes(rows: int, labels: int) -> list[int]:
    """Choose six sizes at equal steps of a logarithmic scale, up to all rows.

    Parameters
    ----------
    rows
        Training rows.
    labels
        Labels; the smallest size has room for two rows of each, where that leaves a scale to speak of.

    Raises
    ------
    LabelsProblem
        There are too few rows.

    Examples
    --------
    >>> usual_sizes(3200, 3)
    [100, 200, 400, 800, 1600, 3200]
    """
    if rows < FEWEST_ROWS:
        raise LabelsProblem(
            "there are too few training texts for a learning curve",
            found=count(rows, "training text"),
            expected=f"at least {FEWEST_ROWS}",
            cure="label more texts first",
        )
    least = max(rows / _REACH, min(2 * labels, rows / 8), 8)
    return [round(size) for size in np.geomspace(least, rows, _USUAL_SIZES).tolist()]


def check_sizes(sizes: Sequence[int], rows: int) -> list[int]:
    """Sort the sizes a user names, and refuse what can be no curve.

    Raises
    ------
    SettingsProblem
        There are too few of them, or some are not possible.
    """
    wrong = sorted({size for size in sizes if not 2 <= size <= rows})
    if wrong:
        raise SettingsProblem(
            "a learning curve cannot have these sizes",
            found=some([str(size) for size in wrong]),
            expected=f"numbers from 2 to {rows:,}, the training texts there are",
        )
    if len(set(sizes)) < FEWEST_SIZES:
        raise SettingsProblem(
            f"{count(len(set(sizes)), 'size')} cannot show a curve",
            expected=f"at least {FEWEST_SIZES} different ones",
            cure="leave them out for sizes that double from step to step",
        )
    return sorted(set(sizes))


class Nest:
    """Training texts, and which of them hang together; found once for all subsets.

    Parameters
    ----------
    table
        Labelled texts; ``groups`` are honoured.
    separator
        What stands between several labels of a text, or none where each text has one.
    clusters
        One number per row; rows of one cluster stay together.
    """

    def __init__(
        self,
        table: LabelledTexts,
        *,
        separator: str | None = None,
        clusters: Sequence[int] | npt.NDArray[np.int64] | None = None,
    ) -> None:
        self.table, self.separator = table, separator
        self._keys = text_keys(table.texts)
        self._clusters = None if clusters is None else np.asarray(clusters, np.int64)

    def subsets(self, sizes: Sequence[int], seed: int) -> list[IntVector]:
        """Give the rows of each subset, rising, in the order of the sizes.

        A subset has as many rows as its size says, or as near to it as whole units of rows come.

        Parameters
        ----------
        sizes
            Numbers of rows, rising, at most all.
        seed
            Another seed, other subsets; all rows are all rows with every seed.

        Examples
        --------
        >>> names = tuple(f"t{i}" for i in range(8))
        >>> table = LabelledTexts(names, names, ("yes", "no") * 4, tuple(range(1, 9)))
        >>> small, large = Nest(table).subsets([2, 4], seed=1)
        >>> len(small), len(large), set(small) <= set(large)
        (2, 4, True)
        """
        left = np.arange(len(self.table), dtype=np.int64)
        found = []
        # from the largest to the smallest, each taken from the one before
        for size in reversed(sizes):
            if size < len(left):
                left = left[self._chosen(left, size / len(left), lot(seed, f"size {size}"))]
            found.append(left)
        return found[::-1]

    def _chosen(self, rows: IntVector, share: float, seed: int) -> npt.NDArray[np.bool_]:
        places = rows.tolist()
        groups = self.table.groups
        units = units_of(
            self._keys[rows],
            [self.table.labels[row] for row in places],
            groups=None if groups is None else [groups[row] for row in places],
            clusters=None if self._clusters is None else self._clusters[rows],
            separator=self.separator,
        )
        chosen: npt.NDArray[np.bool_] = (deal(units, [share, 1 - share], seed=seed) == 0)[units.of_row]
        return chosen
