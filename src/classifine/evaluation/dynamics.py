"""Takes the logits of training texts, evaluation by evaluation, and says how each text was learnt.

Confidence, variability, correctness and margin over a training tell easy texts, ambiguous ones, and those that are hard
because their label may be wrong. Does not know models or texts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from classifine.labels import FloatMatrix

if TYPE_CHECKING:
    import pyarrow as pa

EASY, AMBIGUOUS, HARD = "easy", "ambiguous", "hard"
_DIGITS = 4


@dataclass(frozen=True)
class Learnt:
    """How one text was learnt.

    Attributes
    ----------
    confidence
        Probability of its label, the mean over the epochs.
    variability
        Standard deviation of that probability.
    correctness
        Share of the epochs in which its label was the most probable one.
    margin
        Its label's logit less the highest other one, the mean over the epochs (area under the margin).
    """

    confidence: float
    variability: float
    correctness: float
    margin: float

    def to_dict(self) -> dict[str, float]:
        """Give plain JSON, four digits each."""
        return {one.name: round(float(getattr(self, one.name)), _DIGITS) for one in fields(self)}


@dataclass(frozen=True, eq=False)
class Dynamics:
    """How the texts of a training were learnt, one row each.

    Attributes
    ----------
    ids
        The texts.
    confidence, variability, correctness, margin
        As in :class:`Learnt`, shape [n].
    epochs
        Over how many epochs.
    """

    ids: tuple[str, ...]
    confidence: FloatMatrix
    variability: FloatMatrix
    correctness: FloatMatrix
    margin: FloatMatrix
    epochs: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def by_id(self) -> dict[str, Learnt]:
        """Each text's own."""
        columns = (self.confidence, self.variability, self.correctness, self.margin)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {name: Learnt(*row) for name, row in zip(self.ids, rows, strict=True)}

    @property
    def regions(self) -> tuple[str, ...]:
        """Where each text lies on the map: of three equal parts, the most variable is ambiguous.

        Of the others, those with a confidence of at least a half are easy, the rest is hard.
        """
        order = np.argsort(-self.variability, kind="stable")
        ambiguous = np.zeros(len(self), dtype=bool)
        ambiguous[order[: len(self) // 3]] = True
        rest = np.where(self.confidence >= 0.5, EASY, HARD)
        return tuple(np.where(ambiguous, AMBIGUOUS, rest).tolist())

    def to_arrow(self) -> pa.Table:
        """Give an Arrow table, one row a text."""
        import pyarrow as pa

        columns: dict[str, Any] = {"id": pa.array(self.ids, pa.string())}
        for name in ("confidence", "variability", "correctness", "margin"):
            columns[name] = pa.array(np.asarray(getattr(self, name), np.float64))
        columns["region"] = pa.array(self.regions, pa.string())
        return pa.table(columns).replace_schema_metadata({"epochs": str(self.epochs)})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Dynamics:
        """Read what :meth:`to_arrow` gave."""
        epochs = int((table.schema.metadata or {})[b"epochs"])
        names = ("confidence", "variability", "correctness", "margin")
        columns = {name: table.column(name).to_numpy() for name in names}
        return cls(tuple(table.column("id").to_pylist()), **columns, epochs=epochs)


def dynamics(
    ids: tuple[str, ...], probabilities: FloatMatrix, margins: FloatMatrix, right: npt.NDArray[np.bool_]
) -> Dynamics:
    """Sum up a training, epoch by epoch.

    Parameters
    ----------
    ids
        The texts.
    probabilities
        Of each text's own label, shape [n_epochs, n].
    margins
        Its logit less the highest other one, shape [n_epochs, n].
    right
        Whether it was the most probable one, shape [n_epochs, n].

    Notes
    -----
    Swayamdipta et al. (2020), "Dataset cartography", EMNLP: confidence, variability, correctness. Pleiss et al. (2020),
    "Identifying mislabeled data using the area under the margin ranking", NeurIPS: the margin.

    Examples
    --------
    >>> found = dynamics(("a",), np.array([[0.2], [0.6]]), np.array([[-1.0], [2.0]]), np.array([[False], [True]]))
    >>> found.by_id["a"].to_dict()
    {'confidence': 0.4, 'variability': 0.2, 'correctness': 0.5, 'margin': 0.5}
    """
    return Dynamics(
        ids,
        confidence=probabilities.mean(axis=0),
        variability=probabilities.std(axis=0),
        correctness=right.mean(axis=0),
        margin=margins.mean(axis=0),
        epochs=len(probabilities),
    )
