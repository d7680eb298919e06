"""Takes predictions for test texts with all that is known of these texts and says where they are wrong, and why.

Mistakes grouped by pair of labels, slices by every column, the weak spots, and the labels that may be wrong themselves.
Does not know models or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.evaluation.intervals import Figure, bootstrap, margins_of_cells
from classifine.evaluation.label_errors import LabelErrors, label_errors
from classifine.evaluation.metrics import ScorableRows, averaged_metrics, confusion_matrix, scorable
from classifine.evaluation.mistakes import ConfusedPair, Mistake, agreement, confused_pairs
from classifine.evaluation.several import Patterns, ScorableSets, scorable_sets
from classifine.evaluation.slices import Column, Sliced, sliced
from classifine.evaluation.weak_spots import WeakSpots, weak_spots
from classifine.labels import IntVector
from classifine.tables import LabelledTexts, Predictions

LENGTH, AGREEMENT = "words", "annotators"
_RESAMPLES = 1_999  # there are many slices; each has an interval all the same
_MOST_LABELS = 40  # with more labels, few of them occur in a slice, and their macro-F1 says little

Votes = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Diagnosis:
    """Where predictions are wrong, and why.

    Attributes
    ----------
    mistakes
        How many rows were predicted wrongly.
    pairs
        The mistakes by true and predicted label; empty where a text may have several.
    slices
        How good each part of the rows was predicted.
    spots
        The parts that were predicted worst, found by search.
    labels
        Which of these labels may be wrong; none where probabilities are unknown.
    near
        What tells which training texts are near to a mistake; none where nothing does.
    """

    mistakes: int
    pairs: tuple[ConfusedPair, ...]
    slices: Sliced
    spots: WeakSpots
    labels: LabelErrors | None
    near: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it is written to diagnosis.json."""
        return {
            "mistakes": self.mistakes,
            "near": self.near,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "slices": self.slices.to_dict(),
            "weak_spots": self.spots.to_dict(),
            "labels": None if self.labels is None else self.labels.to_dict(),
        }


def diagnose(
    predictions: Predictions,
    found: Sequence[Mistake],
    *,
    table: LabelledTexts | None = None,
    votes: Votes | None = None,
    near: str | None = None,
    seed: int = 42,
) -> Diagnosis:
    """Say where predictions are wrong, and why.

    Parameters
    ----------
    predictions
        With truth.
    found
        Their mistakes, with whatever is known of them.
    table
        The same texts with their further columns, in any order.
    votes
        How many annotators gave which label, by id.
    near
        What told which training texts are near.
    seed
        Where draws start.

    Raises
    ------
    LabelsProblem, RowsProblem
        A true label is unknown, or no row can be scored.
    """
    several = predictions.space.separator is not None
    rows: ScorableRows | ScorableSets = scorable_sets(predictions) if several else scorable(predictions)
    right = rows.right if isinstance(rows, ScorableSets) else rows.truth == rows.predicted
    columns = columns_of(predictions, rows.positions, table=table, votes=votes)
    texts = [predictions.texts[place] for place in rows.positions.tolist()]
    f1 = _f1_of_sets(rows, seed) if isinstance(rows, ScorableSets) else _f1_of_labels(rows, predictions, seed)
    pairs: tuple[ConfusedPair, ...] = ()
    if not isinstance(rows, ScorableSets):
        support = Counter(predictions.space.names[label] for label in rows.truth.tolist())
        pairs = confused_pairs(found, support)
    known = bool(np.isfinite(rows.probabilities).all())
    source = "the classifier, which was not trained on these texts"
    return Diagnosis(
        mistakes=len(found),
        pairs=pairs,
        slices=sliced(columns, right, f1=f1 if len(predictions.space) <= _MOST_LABELS else None),
        spots=weak_spots(columns, texts, right, seed=seed),
        labels=label_errors(predictions, source=source) if known else None,
        near=near,
    )


def columns_of(
    predictions: Predictions, positions: IntVector, *, table: LabelledTexts | None = None, votes: Votes | None = None
) -> tuple[Column, ...]:
    """Give what is known of rows: their own columns, length in words, annotators' agreement, levels of the truth."""
    places = positions.tolist()
    ids = [predictions.ids[place] for place in places]
    columns = []
    if table is not None and table.further is not None:
        further = dict(zip(table.ids, table.further, strict=True))
        for name in dict.fromkeys(name for row in table.further for name in row):
            columns.append(Column(name, tuple(further.get(id_, {}).get(name, "") for id_ in ids)))
    lengths = tuple(str(len(predictions.texts[place].split())) for place in places)
    columns.append(Column(LENGTH, lengths, "length of the text in words, in quarters of the rows"))
    if votes:
        told = "whether all annotators of a text gave the same label"
        agreed = tuple(agreement(votes[id_]) if id_ in votes else "" for id_ in ids)
        columns.append(Column(AGREEMENT, agreed, told, known=False))
    hierarchy = predictions.space.hierarchy
    if hierarchy is not None:
        truth = predictions.space.ids(predictions.truth[place] or "" for place in places)
        for level in range(1, hierarchy.depth):
            codes, members = hierarchy.codes(level), hierarchy.members(level)
            values = tuple(codes[int(members[label])] for label in truth)
            columns.append(Column(f"level {level}", values, "the true code at this level", known=False))
    return tuple(columns)


def _f1_of_labels(rows: ScorableRows, predictions: Predictions, seed: int) -> Callable[[IntVector], Figure]:
    n_labels = len(predictions.space)

    def f1(chosen: IntVector) -> Figure:
        confusion = confusion_matrix(rows.truth[chosen], rows.predicted[chosen], n_labels)
        truth, predicted = np.nonzero(confusion)
        margins = margins_of_cells(truth, predicted, n_labels)
        cells = confusion[truth, predicted]
        return bootstrap(
            cells,
            lambda counts: averaged_metrics(margins(counts))["macro_f1"][:, None],
            seed=seed,
            resamples=_RESAMPLES,
        )[0]

    return f1


def _f1_of_sets(rows: ScorableSets, seed: int) -> Callable[[IntVector], Figure]:
    def f1(chosen: IntVector) -> Figure:
        patterns = Patterns.of(rows.truth[chosen], rows.given[chosen])
        averages = patterns.averages()
        return bootstrap(
            patterns.counts, lambda counts: averages(counts)["macro_f1"][:, None], seed=seed, resamples=_RESAMPLES
        )[0]

    return f1
