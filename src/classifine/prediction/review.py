"""Takes labelled blocks of rows and gives those that people should look at, with suggestions, as a file of their own.

From which confidence on nobody needs to look follows from the accuracy that is wanted and a run's validation texts.
Does not know how the classifier scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifine.data.files.table_file import Block
from classifine.errors import UsageError
from classifine.evaluation.abstention import Target, target_of, to_review
from classifine.evaluation.trust import TRAINED_ON
from classifine.labels import IntVector
from classifine.prediction.sinks import Sink, open_sink
from classifine.runs import RunFolder
from classifine.tables import Predictions

REVIEW = "review"
SUGGESTIONS = 3


@dataclass(frozen=True)
class Review:
    """Which rows people should look at.

    Attributes
    ----------
    threshold
        Those with a confidence below it.
    queue
        The file they are written to, or none.
    """

    threshold: float
    queue: Path | None = None

    def unsure(self, predictions: Predictions) -> IntVector:
        """Give the places of the rows that people should look at."""
        places: IntVector = np.flatnonzero(to_review(predictions, self.threshold)).astype(np.int64)
        return places

    def statuses(self, predictions: Predictions) -> tuple[str, ...]:
        """Give the status of each row: ``review`` where people should look at it."""
        unsure = set(self.unsure(predictions).tolist())
        return tuple(REVIEW if place in unsure else status for place, status in enumerate(predictions.status))


class Queue:
    """A file of the rows that people should look at, in the order of the input."""

    def __init__(self, sink: Sink, review: Review, added: Sequence[str]) -> None:
        self._sink, self._review, self._added = sink, review, added

    def write(self, block: Block, predictions: Predictions) -> None:
        """Append those of a block."""
        places = self._review.unsure(predictions).tolist()
        if not places:
            return
        columns = {name: [cells[place] for place in places] for name, cells in block.columns.items()}
        arrow = None if block.arrow is None else block.arrow.take(places)
        rows = [block.rows[place] for place in places]
        part = Block(rows[0], columns, arrow, rows, block.texts)
        self._sink.write(part, dict(zip(self._added, _suggested(predictions.take(places), rows), strict=True)))


@contextmanager
def open_queue(
    review: Review | None, *, names: Sequence[str], labels: int, schema: Any = None
) -> Iterator[Queue | None]:
    """Open the file of rows for people; none where none is wanted. It appears when the block ends well.

    Raises
    ------
    UsageError, ColumnProblem, DiscError
        As :func:`classifine.prediction.sinks.open_sink`.
    """
    if review is None or review.queue is None:
        yield None
        return
    added = queue_names(labels)
    texts = [name for name in added if name != "confidence" and not name.endswith("_probability")]
    with open_sink(review.queue, names=names, added=added, texts=texts, schema=schema) as sink:
        yield Queue(sink, review, added)


def queue_names(labels: int) -> list[str]:
    """Name the columns that stand after the input's: row, label and confidence, and the most probable labels."""
    suggested = range(1, min(labels, SUGGESTIONS) + 1)
    further = (name for k in suggested for name in (f"suggestion_{k}", f"suggestion_{k}_probability"))
    return ["row", "predicted_label", "confidence", *further]


def review_of(run: Path | str, accuracy: float, queue: Path | None = None) -> tuple[Review, Target]:
    """Find the threshold for a wanted accuracy in the predictions that a run keeps for its validation texts.

    Raises
    ------
    UsageError
        The folder is no evaluated run, its validation texts were trained on, or no threshold reaches the accuracy.
    FileMissing, RunRefused
        There is no run in the folder, or one of another version.
    """
    import pyarrow.parquet as pq

    if not 0 < accuracy <= 1:
        raise UsageError(f"an accuracy of {accuracy:g} cannot be reached", expected="a share above 0, at most 1: 0.95")
    found = RunFolder.existing(run)
    path = found.predictions / "validation.parquet"
    if not found.done("evaluate") or not path.is_file():
        raise UsageError(
            f"{run} does not say yet how its validation texts were labelled, so that no threshold can be found",
            cure=f"evaluate it first: classifine evaluate {run}",
        )
    validation = Predictions.from_arrow(pq.read_table(path))
    if validation.split != "validation":
        raise UsageError(f"no threshold can be found: {TRAINED_ON}", cure="train without retrain_on_all")
    target = target_of(validation, accuracy)
    if target.threshold is None:
        raise UsageError(
            f"an accuracy of {accuracy:g} cannot be promised for any part of the texts: {target.note}",
            cure="ask for a lower one, or look at the risk–coverage curve in the report",
        )
    return Review(target.threshold, queue), target


def _suggested(predictions: Predictions, rows: Sequence[int]) -> list[Sequence[Any]]:
    names, matrix = predictions.space.names, predictions.probabilities
    order = np.argsort(-matrix, axis=1, kind="stable")[:, :SUGGESTIONS]
    ranked = np.take_along_axis(matrix, order, axis=1)
    further = [
        column
        for place in range(order.shape[1])
        for column in ([names[label] for label in order[:, place]], ranked[:, place].tolist())
    ]
    return [[str(row) for row in rows], predictions.predicted, predictions.confidence, *further]
