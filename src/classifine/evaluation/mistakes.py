"""Takes predictions with truth and gives the rows that were predicted wrongly, the most striking first.

Those are the rows to read: either the classifier or the label is plainly wrong. Does not know scores or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.evaluation.metrics import scorable
from classifine.evaluation.several import scorable_sets
from classifine.labels import certainty
from classifine.tables import Predictions


@dataclass(frozen=True)
class Mistake:
    """One row whose predicted label is not its true label.

    Attributes
    ----------
    id, text, true_label, predicted_label
        The row.
    confidence
        Probability of the predicted label.
    p_true
        Probability of the true label.
    missed, wrongly_given
        Where a text may have several labels: those it has and was not given, and the other way round. The
        probabilities are then of all labels together: of these and no others.
    """

    id: str
    text: str
    true_label: str
    predicted_label: str
    confidence: float
    p_true: float
    missed: str | None = None
    wrongly_given: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; what only several labels have is there only where a text may have several."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def mistakes(predictions: Predictions) -> tuple[Mistake, ...]:
    """List the mistakes by falling confidence, equals by id; as many as the scores count.

    Where a text may have several labels, a row is a mistake when one of them is missing or wrongly there, and rows come
    first whose true labels the classifier found least likely.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row has both a true label and a prediction.
    """
    if predictions.space.separator is not None:
        return tuple(sorted(_of_sets(predictions), key=lambda mistake: (mistake.p_true, mistake.id)))
    return tuple(sorted(_of_labels(predictions), key=lambda mistake: (-mistake.confidence, mistake.id)))


def _of_labels(predictions: Predictions) -> list[Mistake]:
    rows = scorable(predictions)
    names = predictions.space.names
    columns = zip(
        rows.positions.tolist(), rows.truth.tolist(), rows.predicted.tolist(), rows.probabilities, strict=True
    )
    return [
        Mistake(
            id=predictions.ids[position],
            text=predictions.texts[position],
            true_label=names[truth],
            predicted_label=names[predicted],
            confidence=float(probabilities[predicted]),
            p_true=float(probabilities[truth]),
        )
        for position, truth, predicted, probabilities in columns
        if truth != predicted
    ]


def _of_sets(predictions: Predictions) -> list[Mistake]:
    space, rows = predictions.space, scorable_sets(predictions)
    wrong = np.flatnonzero(~rows.right)
    truth, given, probabilities = rows.truth[wrong], rows.given[wrong], rows.probabilities[wrong]
    columns = zip(
        rows.positions[wrong].tolist(),
        *(space.cells(has) for has in (truth, given, truth & ~given, given & ~truth)),
        certainty(probabilities, given).tolist(),
        certainty(probabilities, truth).tolist(),
        strict=True,
    )
    return [
        Mistake(predictions.ids[at], predictions.texts[at], true, predicted, confidence, p_true, missed, wrongly_given)
        for at, true, predicted, missed, wrongly_given, confidence, p_true in columns
    ]


def write_mistakes(path: Path, found: Sequence[Mistake]) -> None:
    """Write the mistakes as CSV (UTF-8, quoted as RFC 4180 says), one row each, header first.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    several = any(mistake.missed is not None for mistake in found)
    names = [field.name for field in fields(Mistake) if several or field.name not in ("missed", "wrongly_given")]
    durable.write_csv(path, names, (mistake.to_dict() for mistake in found))
