"""Takes splits and the labels a person corrected and gives the same splits with these labels: no text changes its part.

Does not know how the splits were made.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifine.data.rows.corrections import Corrected, Correction, correct
from classifine.labels import LabelSpace
from classifine.tables import Splits


def corrected_splits(
    splits: Splits, corrections: Sequence[Correction], *, file: str, separator: str | None
) -> tuple[Splits, Corrected | None]:
    """Give splits their corrected labels, and what became of them; a label that no text has any more is gone.

    Raises
    ------
    RowsProblem, LabelsProblem
        A correction does not fit these texts or labels.
    """
    if not corrections:
        return splits, None
    fixed, told = correct(dict(splits.items()), corrections, file=file, separator=separator)
    cells = (cell for table in fixed.values() for cell in table.labels)
    return Splits(**fixed, space=LabelSpace.of(cells, positive=splits.space.positive, separator=separator)), told
