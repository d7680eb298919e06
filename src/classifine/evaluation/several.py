"""Takes which labels texts have and were given, and probabilities, and gives metrics of texts with several labels.

A text without labels that is given none is right, and counts 1 in the averages over texts.
Does not know intervals, models or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.evaluation.metrics import (
    FloatVector,
    IntMatrix,
    Margins,
    averaged_metrics,
    ratio,
    scorable_cells,
)
from classifine.labels import BoolMatrix, FloatMatrix, IntVector
from classifine.tables import Predictions

Averages = Callable[[IntMatrix], dict[str, npt.NDArray[np.float64]]]


@dataclass(frozen=True)
class ScorableSets:
    """The rows of some predictions that have both true labels and predicted ones, be it none.

    Attributes
    ----------
    positions
        Where each row stands in the predictions, shape [n].
    truth, given
        Which labels each row has and was given, shape [n, n_labels].
    probabilities
        Shape [n, n_labels].
    excluded
        How many rows had no truth or no prediction.
    """

    positions: IntVector
    truth: BoolMatrix
    given: BoolMatrix
    probabilities: FloatMatrix
    excluded: int

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each row was given exactly its labels, shape [n]."""
        wholly: npt.NDArray[np.bool_] = (self.truth == self.given).all(axis=1)
        return wholly


def scorable_sets(predictions: Predictions) -> ScorableSets:
    """Keep the rows that can be scored and count the others.

    Raises
    ------
    LabelsProblem
        A true label is not in the label space.
    RowsProblem
        No row can be scored.
    """
    kept = scorable_cells(predictions)
    positions = np.array([place for place, _, _ in kept], dtype=np.int64)
    return ScorableSets(
        positions=positions,
        truth=predictions.space.indicator([truth for _, truth, _ in kept]),
        given=predictions.space.indicator([given for _, _, given in kept]),
        probabilities=predictions.probabilities[positions],
        excluded=len(predictions) - len(kept),
    )


def margins_of_sets(truth: BoolMatrix, given: BoolMatrix) -> Margins:
    """Sum up which labels rows have and were given, shape [n, n_labels] each."""
    return Margins((truth & given).sum(axis=0), truth.sum(axis=0), given.sum(axis=0))


def row_metrics(truth: BoolMatrix, given: BoolMatrix) -> dict[str, FloatVector]:
    """Give what is averaged over texts, shape [n] each, by name.

    ``samples_precision``, ``samples_recall`` and ``samples_f1`` of the labels of a text, ``hamming_loss``, the share of
    all labels that are wrongly there or not there, and ``subset_accuracy``, whether all of them are right.
    """
    hits, has, said = (truth & given).sum(axis=1), truth.sum(axis=1), given.sum(axis=1)
    nothing = (has + said) == 0
    parts = {"precision": ratio(hits, said), "recall": ratio(hits, has), "f1": ratio(2 * hits, has + said)}
    told = {f"samples_{name}": np.where(nothing, 1.0, values) for name, values in parts.items()}
    wrong = truth != given
    return told | {"hamming_loss": wrong.mean(axis=1), "subset_accuracy": (~wrong.any(axis=1)).astype(np.float64)}


def row_log_loss(probabilities: FloatMatrix, truth: BoolMatrix) -> FloatVector:
    """Give each row's log-loss in nats, the mean over its labels; probabilities are kept one epsilon from 0 and 1."""
    epsilon = np.finfo(np.float64).eps
    of_truth = np.clip(np.where(truth, probabilities, 1 - probabilities), epsilon, 1 - epsilon)
    losses: FloatVector = -np.log(of_truth).mean(axis=1)
    return losses


def row_brier(probabilities: FloatMatrix, truth: BoolMatrix) -> FloatVector:
    """Give each row's Brier score: the mean over labels of the squared distance of the probability from 1 or 0."""
    scores: FloatVector = ((probabilities - truth) ** 2).mean(axis=1)
    return scores


def ranking_precision(probabilities: FloatMatrix, truth: BoolMatrix) -> FloatVector:
    """Give each row's label ranking average precision: for each of its labels, the share of true ones down to it.

    Labels of equal probability count all. A row with no label, or with all of them, has 1, as in scikit-learn.

    Notes
    -----
    Tsoumakas, Katakis and Vlahavas (2010), "Mining multi-label data".
    """
    n = truth.sum(axis=1)
    precision: FloatVector = np.where(n == 0, 1.0, ratio(_true_down_to_each(probabilities, truth).sum(axis=1), n))
    return precision


def macro_average_precision(probabilities: FloatMatrix, truth: BoolMatrix) -> float:
    """Give the mean average precision of the labels that occur: how well texts are ranked, whatever the thresholds."""
    occurs = truth.any(axis=0)
    if not occurs.any():
        return 0.0
    by_label, has = probabilities[:, occurs].T, truth[:, occurs].T
    return float((_true_down_to_each(by_label, has).sum(axis=1) / has.sum(axis=1)).mean())


@dataclass(frozen=True)
class Patterns:
    """Rows that are alike, counted: each pattern is a cell that the bootstrap draws.

    Attributes
    ----------
    truth, given
        The labels of each pattern, shape [n_cells, n_labels]; ``given`` by each of the classifiers compared.
    counts
        How many rows have it, shape [n_cells].
    """

    truth: BoolMatrix
    given: tuple[BoolMatrix, ...]
    counts: IntVector

    @classmethod
    def of(cls, truth: BoolMatrix, *given: BoolMatrix) -> Patterns:
        """Count the rows with the same labels, shape [n, n_labels] each."""
        both = np.hstack([truth, *given])
        packed = np.ascontiguousarray(np.packbits(both, axis=1))
        _, first, counts = np.unique(packed, axis=0, return_index=True, return_counts=True)
        return cls(truth[first], tuple(each[first] for each in given), counts.astype(np.int64))

    def averages(self, place: int = 0) -> Averages:
        """Give the function that turns counts [r, n_cells] into averages, shape [r] each, by name.

        Parameters
        ----------
        place
            Which of the classifiers is meant.
        """
        from scipy.sparse import csr_array

        given = self.given[place]
        tables: list[Any] = [csr_array(each.astype(np.float64)) for each in (self.truth & given, self.truth, given)]
        of_rows = row_metrics(self.truth, given)
        values = np.stack(list(of_rows.values()), axis=1)

        def averages(counts: IntMatrix) -> dict[str, npt.NDArray[np.float64]]:
            drawn = counts.astype(np.float64)
            margins = Margins(*((table.T @ drawn.T).T for table in tables))
            means = (drawn @ values) / drawn.sum(axis=1, keepdims=True)
            return averages_of(margins, dict(zip(of_rows, means.T, strict=True)))

        return averages


def averages_of(margins: Margins, means: dict[str, npt.NDArray[np.float64]]) -> dict[str, npt.NDArray[np.float64]]:
    """Give all averages by name, from margins [r, n_labels] and the means of :func:`row_metrics`, shape [r] each."""
    told = averaged_metrics(margins)
    del told["accuracy"]  # of several labels a text, that is micro recall
    return told | means


def _true_down_to_each(scores: FloatMatrix, truth: BoolMatrix) -> FloatMatrix:
    """Rank each row by falling scores and give, where what is ranked is true, the share of true down to it, else 0."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked, has = np.take_along_axis(scores, order, axis=1), np.take_along_axis(truth, order, axis=1)
    ends = np.full(scores.shape, scores.shape[1] - 1)
    ends[:, :-1] = np.where(ranked[:, :-1] != ranked[:, 1:], np.arange(scores.shape[1] - 1), ends[:, :-1])
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]  # place of the last of equal scores
    shares: FloatMatrix = np.take_along_axis(np.cumsum(has, axis=1), last, axis=1) / (last + 1) * has
    return shares
