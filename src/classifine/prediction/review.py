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
from classifine.evaluation.conformal import PredictionSets, fit_sets
from classifine.evaluation.trust import SEVERAL_LABELS, TOO_FEW_FOR_SETS, TRAINED_ON
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

    def __init__(self, sink: Sink, added: Sequence[str]) -> None:
        self._sink, self._added = sink, added

    def write(self, block: Block, columns: Sequence[Sequence[Any]], status: Sequence[str], file: str | None) -> None:
        """Append those of a block.

        Parameters
        ----------
        block
            The rows.
        columns
            Label, confidence and suggestions of each.
        status
            Says which of them.
        file
            Where they are from, if that is to stand before the row's number.
        """
        places = [place for place, word in enumerate(status) if word == REVIEW]
        if not places:
            return
        cells = {name: [column[place] for place in places] for name, column in block.columns.items()}
        arrow = None if block.arrow is None else block.arrow.take(places)
        rows = [block.rows[place] for place in places]
        part = Block(rows[0], cells, arrow, rows, block.texts)
        numbers = [str(row) if file is None else f"{file}:{row}" for row in rows]
        further = [[column[place] for place in places] for column in columns]
        self._sink.write(part, dict(zip(self._added, [numbers, *further], strict=True)))


@contextmanager
def open_queue(
    review: Review | None, *, names: Sequence[str], suggestions: Sequence[str], schema: Any = None, **how: Any
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
    added = ["row", "predicted_label", "confidence", *suggestions]
    texts = [name for name in added if name != "confidence" and not name.endswith("_probability")]
    with open_sink(review.queue, names=names, added=added, texts=texts, schema=schema, **how) as sink:
        yield Queue(sink, added)


def review_of(run: Path | str, accuracy: float, queue: Path | None = None) -> tuple[Review, Target]:
    """Find the threshold for a wanted accuracy in the predictions that a run keeps for its validation texts.

    Raises
    ------
    UsageError
        The folder is no evaluated run, its validation texts were trained on, or no threshold reaches the accuracy.
    FileMissing, RunRefused
        There is no run in the folder, or one of another version.
    """
    if not 0 < accuracy <= 1:
        raise UsageError(f"an accuracy of {accuracy:g} cannot be reached", expected="a share above 0, at most 1: 0.95")
    validation = _validation(run, "threshold")
    target = target_of(validation, accuracy)
    if target.threshold is None:
        raise UsageError(
            f"an accuracy of {accuracy:g} cannot be promised for any part of the texts: {target.note}",
            cure="ask for a lower one, or look at the risk–coverage curve in the report",
        )
    return Review(target.threshold, queue), target


def sets_of_run(run: Path | str, share: float) -> PredictionSets:
    """Make the rule for sets of labels that hold the true one in a share of the rows, from a run's validation texts.

    Raises
    ------
    UsageError
        The folder is no evaluated run, its validation texts were trained on or too few, or a text has several labels.
    FileMissing, RunRefused
        There is no run in the folder, or one of another version.
    """
    if not 0 < share < 1:
        raise UsageError(f"sets cannot hold the true label in a share of {share:g}", expected="a share such as 0.9")
    validation = _validation(run, "sets of labels")
    if validation.space.separator is not None:
        raise UsageError(f"sets of labels are {SEVERAL_LABELS}", cure="leave --label-sets out")
    found = fit_sets(validation, error=1 - share)
    if found is None:
        raise UsageError(
            f"sets that hold the true label in {share:g} of the rows cannot be promised: {TOO_FEW_FOR_SETS}",
            found=f"{len(validation):,} validation texts",
            cure="ask for a lower share",
        )
    return found


def _validation(run: Path | str, wanted: str) -> Predictions:
    """Give a run's predictions of its validation texts, where they can say something."""
    import pyarrow.parquet as pq

    found = RunFolder.existing(run)
    path = found.predictions / "validation.parquet"
    if not found.done("evaluate") or not path.is_file():
        raise UsageError(
            f"{run} does not say yet how its validation texts were labelled, so that no {wanted} can be found",
            cure=f"evaluate it first: classifine evaluate {run}",
        )
    validation = Predictions.from_arrow(pq.read_table(path))
    if validation.split != "validation" and found.out_of_fold.is_file():
        validation = Predictions.from_arrow(pq.read_table(found.out_of_fold))
    elif validation.split != "validation":
        raise UsageError(
            f"no {wanted} can be found: {TRAINED_ON}", cure="train without retrain_on_all, or with retrain_folds=5"
        )
    return validation
