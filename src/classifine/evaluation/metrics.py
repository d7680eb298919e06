"""Takes truth, decided labels and probabilities and gives metrics as plain numbers.

Zero divisions count 0. Macro averages run over every label that occurs in truth or predictions of the rows at hand.
Does not know intervals, models or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import RowsProblem
from classifine.labels import FloatMatrix, IntVector
from classifine.tables import OK, Predictions

IntMatrix = npt.NDArray[np.int64]
FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ScorableRows:
    """The rows of some predictions that have both a true label and a prediction.

    Attributes
    ----------
    positions
        Where each row stands in the predictions, shape [n].
    truth, predicted
        Label ids, shape [n].
    probabilities
        Shape [n, n_labels].
    excluded
        How many rows had no true label or no prediction.
    """

    positions: IntVector
    truth: IntVector
    predicted: IntVector
    probabilities: FloatMatrix
    excluded: int

    def __len__(self) -> int:
        return len(self.positions)


def scorable(predictions: Predictions) -> ScorableRows:
    """Keep the rows that can be scored and count the others.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row can be scored.
    """
    kept = scorable_cells(predictions)
    positions = np.array([i for i, _, _ in kept], dtype=np.int64)
    return ScorableRows(
        positions=positions,
        truth=predictions.space.ids(t for _, t, _ in kept),
        predicted=predictions.space.ids(p for _, _, p in kept),
        probabilities=predictions.probabilities[positions],
        excluded=len(predictions) - len(kept),
    )


def scorable_cells(predictions: Predictions) -> list[tuple[int, str, str]]:
    """Give place, true cell and predicted cell of the rows that can be scored.

    Raises
    ------
    RowsProblem
        There is none.
    """
    columns = zip(predictions.truth, predictions.predicted, predictions.status, strict=True)
    kept = [(i, t, p) for i, (t, p, s) in enumerate(columns) if t is not None and p is not None and s == OK]
    if not kept:
        raise RowsProblem(
            "there is nothing to score: no row has both a true label and a prediction",
            where=f"the predictions for {predictions.split}",
            found=f"{len(predictions):,} rows, {sum(t is not None for t in predictions.truth):,} with a true label",
            cure="name the column that holds the true label, and check that it is filled in",
        )
    return kept


@dataclass(frozen=True)
class Margins:
    """What all confusion-derived metrics are made of; any leading axes, the last one runs over labels.

    Attributes
    ----------
    hits
        Rows of the label that were predicted to have it.
    support
        Rows of the label.
    predicted
        Rows predicted to have the label.
    """

    hits: npt.NDArray[Any]
    support: npt.NDArray[Any]
    predicted: npt.NDArray[Any]

    @classmethod
    def of(cls, confusion: IntMatrix) -> Margins:
        """Sum up a confusion matrix [n_labels, n_labels], rows truth, columns predicted."""
        return cls(np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0))


def confusion_matrix(truth: IntVector, predicted: IntVector, n_labels: int) -> IntMatrix:
    """Count the rows of each pair; rows are truth, columns are predicted, both in id order."""
    cells = np.bincount(truth * n_labels + predicted, minlength=n_labels * n_labels)
    return cells.reshape(n_labels, n_labels).astype(np.int64)


def cells_of_rows(rows: ScorableRows, cells: Sequence[npt.NDArray[Any]], n_labels: int) -> IntVector:
    """Say in which of the cells, pairs of truth and predicted, each row is; shape [n]."""
    place = np.zeros(n_labels * n_labels, dtype=np.int64)
    place[cells[0] * n_labels + cells[1]] = np.arange(len(cells[0]))
    found: IntVector = place[rows.truth * n_labels + rows.predicted]
    return found


def label_metrics(margins: Margins) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix]:
    """Give precision, recall and F1 of each label, in the shape of the margins."""
    precision = ratio(margins.hits, margins.predicted)
    recall = ratio(margins.hits, margins.support)
    return precision, recall, ratio(2 * margins.hits, margins.predicted + margins.support)


def averaged_metrics(margins: Margins) -> dict[str, npt.NDArray[np.float64]]:
    """Give the averages over labels; the axis of labels is gone.

    When each text has one label, accuracy, micro precision, micro recall, micro F1 and weighted recall are one number,
    and are given under each of these names. When it may have several, that one is no accuracy but micro recall.
    """
    hits, support, predicted = (m.sum(axis=-1) for m in (margins.hits, margins.support, margins.predicted))
    recall = ratio(hits, support)
    told = {"accuracy": recall}
    occurs = (margins.support + margins.predicted) > 0
    micro = {"precision": ratio(hits, predicted), "recall": recall, "f1": ratio(2 * hits, support + predicted)}
    for name, values in zip(("precision", "recall", "f1"), label_metrics(margins), strict=True):
        told[f"macro_{name}"] = ratio(values.sum(axis=-1), occurs.sum(axis=-1))
        told[f"micro_{name}"] = micro[name]
        told[f"weighted_{name}"] = ratio((values * margins.support).sum(axis=-1), support)
    told["weighted_recall"] = recall
    return told


def agreement_metrics(margins: Margins) -> dict[str, npt.NDArray[np.float64]]:
    """Give what looks at agreement beyond a frequent label, where each text has one; the axis of labels is gone.

    ``balanced_accuracy`` is the mean recall of the labels that rows have, ``mcc`` Matthews' correlation coefficient
    (Gorodkin 2004, of any number of labels), ``cohen_kappa`` Cohen's kappa of truth and prediction,
    ``krippendorff_alpha`` Krippendorff's alpha of the two, which takes what is frequent from both together.
    """
    rows = margins.support.sum(axis=-1).astype(np.float64)
    right = margins.hits.sum(axis=-1)
    recall = ratio(ratio(margins.hits, margins.support).sum(axis=-1), (margins.support > 0).sum(axis=-1))
    expected = (margins.support.astype(np.float64) * margins.predicted).sum(axis=-1)
    spread = [rows**2 - (part.astype(np.float64) ** 2).sum(axis=-1) for part in (margins.support, margins.predicted)]
    return {
        "balanced_accuracy": recall,
        "mcc": ratio(right * rows - expected, np.sqrt(spread[0] * spread[1])),
        "cohen_kappa": ratio(right * rows - expected, rows**2 - expected),
        "krippendorff_alpha": _alpha(margins, rows, right),
    }


def _alpha(margins: Margins, rows: npt.NDArray[np.float64], right: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Give nominal alpha of two coders, truth and prediction: 1 - observed / expected disagreement; 0 without any."""
    both = (margins.support + margins.predicted).astype(np.float64)
    pairs = 2 * rows * (2 * rows - 1)
    apart = pairs - (both * (both - 1)).sum(axis=-1)
    alpha: npt.NDArray[np.float64] = np.where(apart > 0, 1 - ratio((rows - right) * pairs, rows * apart), 0.0)
    return alpha


def row_brier(probabilities: FloatMatrix, truth: IntVector) -> FloatVector:
    """Give each row's Brier score: squared distances of all probabilities from 1 for the truth and 0 else, summed."""
    squares = (probabilities**2).sum(axis=1)
    of_truth = probabilities[np.arange(len(truth)), truth]
    scores: FloatVector = squares - 2 * of_truth + 1
    return scores


def row_log_loss(probabilities: FloatMatrix, truth: IntVector) -> FloatVector:
    """Give each row's log-loss in nats; probabilities are kept one float epsilon away from 0 and 1."""
    epsilon = np.finfo(np.float64).eps
    of_truth = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    losses: FloatVector = -np.log(np.clip(of_truth, epsilon, 1 - epsilon))
    return losses


def top_k_hits(probabilities: FloatMatrix, truth: IntVector, k: int) -> npt.NDArray[np.bool_]:
    """Say of each row whether its true label is among the k most probable ones.

    Of equally probable labels the one first in the label space comes first, as in
    :func:`classifine.labels.decide`; so top-1 accuracy is accuracy.
    """
    of_truth = probabilities[np.arange(len(truth)), truth][:, None]
    earlier = np.arange(probabilities.shape[1])[None, :] < truth[:, None]
    ahead = (probabilities > of_truth) | ((probabilities == of_truth) & earlier)
    hits: npt.NDArray[np.bool_] = ahead.sum(axis=1) < k
    return hits


def ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Divide; by nothing, it is 0."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    ratio: npt.NDArray[np.float64] = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return ratio
