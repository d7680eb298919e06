"""Takes a file of texts and a classifier and gives the same rows, in the same order, with their labels.

Rows stream through in blocks; the output appears under its name when the last row is written.
Does not know how the classifier scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifine.data.files.cells import is_blank, texts_of
from classifine.data.files.table_file import Block, TableFile, require_column
from classifine.errors import UsageError
from classifine.model.classifier import Classifier, Scorer, predictions_of
from classifine.pairs import joined
from classifine.prediction.review import REVIEW, Review, open_queue
from classifine.prediction.sinks import check_output, open_sink
from classifine.progress import bar
from classifine.tables import BLANK, OK, Predictions

_BLOCK = 4096


@dataclass(frozen=True)
class BulkResult:
    """What a bulk prediction wrote.

    Attributes
    ----------
    path
        The file.
    rows
        Rows in, and rows out.
    blank
        Rows whose text was blank; they have a status and no label.
    labels
        How often each label was predicted; where a text may have several, they add up to more than the rows.
    unlabelled
        Rows that were given no label, where a text may have several or none.
    review
        Rows that people should look at, where an accuracy was asked for.
    """

    path: Path
    rows: int
    blank: int
    labels: dict[str, int]
    unlabelled: int = 0
    review: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        counts = {"rows": self.rows, "blank": self.blank, "unlabelled": self.unlabelled, "review": self.review}
        return {"path": str(self.path), **counts, "labels": self.labels}


def predict_file(
    scorer: Scorer,
    source: Path,
    output: Path,
    *,
    text: str = "text",
    pair: str | None = None,
    prefix: str = "",
    encoding: str | None = None,
    delimiter: str | None = None,
    review: Review | None = None,
) -> BulkResult:
    """Label every row of a file.

    Parameters
    ----------
    scorer
        The classifier.
    source, output
        Files; the output's ending (.csv, .tsv, .parquet, .jsonl) decides its format.
    text
        The column that holds the text.
    pair
        The column that holds the second text, for a classifier of pairs.
    prefix
        Put before the names of the added columns, where they would clash with the file's own.
    encoding, delimiter
        Of a text file; without one, what the file itself shows.
    review
        Which rows people should look at; their status is ``review``, and they may go to a file of their own.

    Raises
    ------
    FileMissing, FileUnreadable, ColumnProblem, UsageError
        The input cannot be read or the output cannot be written as asked; nothing is left half-written.
    DiscError
        The disc refuses.
    """
    check_output(source, output)
    queue = None if review is None else review.queue
    if queue is not None:
        check_output(source, queue)
        if queue.resolve() == output.resolve():
            raise UsageError("the review queue would replace the predictions", cure="name another file")
    if pair is not None and isinstance(scorer, Classifier) and not scorer.backend.pairs:
        raise UsageError("this classifier reads single texts, not pairs", cure="leave the second column out")
    table = TableFile(source, encoding=encoding, delimiter=delimiter)
    for column, role in ((text, "text"), (pair, "text-pair")):
        if column is not None:
            require_column(table.names, column, role=role, where=str(source))
    added = added_names(scorer, prefix)
    seen: Counter[str] = Counter()
    rows = blank = unlabelled = unsure = 0
    texts = [prefix + name for name in level_names(scorer)[::2]]
    size = len(scorer.space)
    with (
        open_sink(output, names=table.names, added=added, texts=texts, schema=table.schema) as sink,
        open_queue(review, names=table.names, labels=size, schema=table.schema) as people,
    ):
        total = table.count()
        progress = bar("predicting", total=total, unit="rows")
        for block in table.blocks(_BLOCK):
            labelled = _labelled(scorer, block, text, pair, where=str(source))
            statuses = labelled.status if review is None else review.statuses(labelled)
            sink.write(block, dict(zip(added, [*_columns(labelled), statuses], strict=True)))
            if people is not None:
                people.write(block, labelled)
            cells = [cell for cell in labelled.predicted if cell is not None]
            seen.update(name for cell in cells for name in scorer.space.several(cell))
            unlabelled += cells.count("")
            rows += len(block)
            blank += statuses.count(BLANK)
            unsure += statuses.count(REVIEW)
            progress.update(len(block))
        progress.close()
    return BulkResult(output, rows, blank, dict(sorted(seen.items())), unlabelled, unsure)


def added_names(scorer: Scorer, prefix: str = "") -> list[str]:
    """Name the columns a prediction adds, in order."""
    by_label = (f"p_{name}" for name in scorer.space.names)
    names = ["predicted_label", "confidence", *level_names(scorer), *by_label, "status"]
    return [prefix + name for name in names]


def level_names(scorer: Scorer) -> list[str]:
    """Name the columns of the levels above the labels: for each, its code and how probable that is."""
    hierarchy = scorer.space.hierarchy
    upper = () if hierarchy is None else hierarchy.upper
    return [name for level in upper for name in (f"level_{level}", f"level_{level}_confidence")]


def _labelled(scorer: Scorer, block: Block, text: str, pair: str | None, *, where: str) -> Predictions:
    cells = texts_of(block.columns[text], column=text, first_row=block.first_row, where=where)
    if pair is not None:
        seconds = texts_of(block.columns[pair], column=pair, first_row=block.first_row, where=where)
        both = zip(cells, seconds, strict=True)
        cells = [None if is_blank(one) or is_blank(two) else joined(str(one), str(two)) for one, two in both]
    return predictions_of(scorer, [cell or "" for cell in cells], split="file")


def _columns(predictions: Predictions) -> list[Sequence[Any]]:
    given = np.array([status == OK for status in predictions.status], dtype=bool)
    matrix = predictions.probabilities
    by_label = [[float(p) if ok else None for p, ok in zip(column, given, strict=True)] for column in matrix.T]
    hierarchy = predictions.space.hierarchy
    upper = () if hierarchy is None else hierarchy.upper
    levels = [column for level in upper for column in predictions.at_level(level)]
    return [predictions.predicted, predictions.confidence, *levels, *by_label]
