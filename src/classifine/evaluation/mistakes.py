"""Takes predictions with truth and gives the rows that were predicted wrongly, the most confident first.

Those are the rows to read: either the classifier or the label is plainly wrong. Does not know scores or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.evaluation.metrics import scorable
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
    """

    id: str
    text: str
    true_label: str
    predicted_label: str
    confidence: float
    p_true: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


def mistakes(predictions: Predictions) -> tuple[Mistake, ...]:
    """List the mistakes by falling confidence, equals by id; as many as the confusion matrix has off its diagonal.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row has both a true label and a prediction.
    """
    rows = scorable(predictions)
    names = predictions.space.names
    columns = zip(
        rows.positions.tolist(), rows.truth.tolist(), rows.predicted.tolist(), rows.probabilities, strict=True
    )
    found = [
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
    return tuple(sorted(found, key=lambda mistake: (-mistake.confidence, mistake.id)))


def write_mistakes(path: Path, found: Sequence[Mistake]) -> None:
    """Write the mistakes as CSV (UTF-8, quoted as RFC 4180 says), one row each, header first.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    durable.write_csv(path, [field.name for field in fields(Mistake)], (mistake.to_dict() for mistake in found))
