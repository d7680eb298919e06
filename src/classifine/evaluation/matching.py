"""Takes predictions of several classifiers, matches their rows by id, and gives what each of them says about each row.

Where rows, texts, true labels or label spaces differ, everything that differs is said at once.
Does not know files, or what is computed from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import LabelsProblem, RowsProblem, count, some
from classifine.evaluation.clusters import Groups
from classifine.evaluation.intervals import margins_of_cells
from classifine.evaluation.metrics import IntMatrix, averaged_metrics, scorable_cells
from classifine.evaluation.ordinal import kappa_of_cells, ranks_of
from classifine.evaluation.several import Averages, Patterns
from classifine.labels import IntVector, LabelSpace
from classifine.tables import Predictions

KAPPA = "quadratic_weighted_kappa"

_Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class Counted:
    """Rows that are alike, counted; each cell holds one truth and what each classifier in question says to it.

    Attributes
    ----------
    counts
        Rows in each cell, shape [n_cells].
    averages
        For each classifier, what turns counts [r, n_cells] into averages, shape [r] each, by name.
    of_row
        Each row's cell, shape [n].
    differing
        In which cells the classifiers do not all say the same, shape [n_cells], without twins.
    """

    counts: IntVector
    averages: tuple[Averages, ...]
    of_row: IntVector
    differing: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SameRows:
    """What several classifiers say about the same rows.

    Attributes
    ----------
    names
        The classifiers.
    space
        The labels; their ids are the first classifier's.
    ids
        The rows that are scored, in the first classifier's order.
    truth, given
        Label ids, shape [n]; where a text may have several, which it has, shape [n, n_labels]. ``given`` by classifier.
    ranks
        The rank of each label, shape [n_labels]; none where labels have no order.
    excluded
        How many rows have no true label or no prediction.
    groups
        Which group each row belongs to, shape [n]; none where rows stand alone.
    """

    names: tuple[str, ...]
    space: LabelSpace
    ids: tuple[str, ...]
    truth: _Rows
    given: tuple[_Rows, ...]
    ranks: IntVector | None
    excluded: int
    groups: Groups | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def right(self, place: int) -> npt.NDArray[np.bool_]:
        """Say of each row whether this classifier is right; of several labels, about all of them."""
        same = self.truth == self.given[place]
        wholly: npt.NDArray[np.bool_] = same.reshape(len(self), -1).all(axis=1)
        return wholly

    def counted(self, *places: int, exchanged: bool = False) -> Counted:
        """Count the rows that are alike under these classifiers.

        With ``exchanged``, each cell stands there a second time, holding no row, with what two classifiers say
        exchanged; so counts that move from a cell to its twin tell of rows whose answers changed sides.
        """
        given = [self.given[place] for place in places]
        every = np.stack([self.truth, *given], axis=1).reshape(len(self), -1)
        packed = np.packbits(every, axis=1) if self.truth.ndim == 2 else every
        _, first, of_row, counts = np.unique(packed, axis=0, return_index=True, return_inverse=True, return_counts=True)
        truth, told = self.truth[first], [each[first] for each in given]
        alike = [(each == told[0]).reshape(len(first), -1).all(axis=1) for each in told]
        if exchanged:
            truth = np.concatenate([truth, truth])
            told = [np.concatenate([one, other]) for one, other in zip(told, told[::-1], strict=True)]
            counts = np.concatenate([counts, np.zeros_like(counts)])
        counts = counts.astype(np.int64)
        return Counted(
            counts,
            self._averages(truth, told, counts),
            of_row.reshape(-1).astype(np.int64),
            ~np.all(alike, axis=0),
        )

    def _averages(self, truth: _Rows, told: list[_Rows], counts: IntVector) -> tuple[Averages, ...]:
        if self.truth.ndim == 2:
            patterns = Patterns(truth, tuple(told), counts)
            return tuple(patterns.averages(place) for place in range(len(told)))
        return tuple(_averages_of_cells(truth, each, len(self.space), self.ranks) for each in told)


def same_rows(
    predictions: Sequence[Predictions], *, names: Sequence[str] | None = None, order: Sequence[str] = ()
) -> SameRows:
    """Match the rows of several predictions by id.

    Parameters
    ----------
    predictions
        For the same rows, in any order.
    names
        What to call them; without any, their classifiers' names.
    order
        The labels from the lowest to the highest, where they have an order and the label space does not say it.

    Raises
    ------
    LabelsProblem
        The labels differ.
    RowsProblem
        The rows, their texts or their true labels differ, or no row can be scored.
    """
    called = tuple(names if names is not None else (each.classifier for each in predictions))
    first, space = predictions[0], predictions[0].space
    cells = [{each.ids[place]: place for place, _, _ in scorable_cells(each)} for each in predictions]
    for name, each, rows in zip(called[1:], predictions[1:], cells[1:], strict=True):
        _refuse_other_labels((called[0], space), (name, each.space))
        _refuse_other_rows((called[0], first, cells[0]), (name, each, rows))
    ids = tuple(cells[0])
    places = [[rows[id_] for id_ in ids] for rows in cells]

    def read(each: Predictions, column: tuple[str | None, ...], taken: list[int]) -> _Rows:
        told = [column[place] or "" for place in taken]
        if space.separator is None:
            return space.ids(told)
        return each.space.indicator(told)[:, [each.space.id_of(name) for name in space.names]]

    return SameRows(
        names=called,
        space=space,
        ids=ids,
        truth=read(first, first.truth, places[0]),
        given=tuple(read(each, each.predicted, taken) for each, taken in zip(predictions, places, strict=True)),
        ranks=ranks_of(space, order) if order else space.ranks,
        excluded=len(first) - len(ids),
        groups=None if first.groups is None else Groups.of([first.groups[place] for place in places[0]]),
    )


def _averages_of_cells(truth: IntVector, given: IntVector, n_labels: int, ranks: IntVector | None) -> Averages:
    margins = margins_of_cells(truth, given, n_labels)

    def averages(counts: IntMatrix) -> dict[str, npt.NDArray[np.float64]]:
        told = averaged_metrics(margins(counts))
        return told if ranks is None else {**told, KAPPA: kappa_of_cells(ranks[truth], ranks[given], counts)}

    return averages


def _refuse_other_labels(one: tuple[str, LabelSpace], other: tuple[str, LabelSpace]) -> None:
    (name, space), (other_name, other_space) = one, other
    if set(space.names) != set(other_space.names):
        only = [
            f"only in {who}: {some(sorted(set(mine.names) - set(theirs.names)))}"
            for who, mine, theirs in ((name, space, other_space), (other_name, other_space, space))
            if set(mine.names) - set(theirs.names)
        ]
        raise LabelsProblem(
            f"{name} and {other_name} have different labels",
            found="; ".join(only),
            cure="only classifiers that choose between the same labels can be compared",
        )
    if (space.separator is None) != (other_space.separator is None):
        several = name if space.separator is not None else other_name
        raise LabelsProblem(
            f"{name} and {other_name} have different labels: those of {several} may stand several to a text",
            cure="only classifiers of the same task can be compared",
        )


def _refuse_other_rows(
    one: tuple[str, Predictions, dict[str, int]], other: tuple[str, Predictions, dict[str, int]]
) -> None:
    """Refuse rows that are not the same, saying each way in which they differ."""
    (name, mine, rows), (other_name, theirs, other_rows) = one, other
    found: list[str] = []
    other_ids = False
    for who, here, there, whole in ((name, rows, other_rows, theirs), (other_name, other_rows, rows, mine)):
        alone = [id_ for id_ in here if id_ not in there]
        known = set(whole.ids)
        absent = [id_ for id_ in alone if id_ not in known]
        found += _differing(f"scored only by {who}", [id_ for id_ in alone if id_ in known])
        found += _differing(f"only in {who}", absent)
        other_ids = other_ids or bool(absent)
    shared = [(id_, rows[id_], other_rows[id_]) for id_ in rows if id_ in other_rows]
    # predictions of another tool may come without texts
    texts = [id_ for id_, here, there in shared if _differ(mine.texts[here], theirs.texts[there])]
    truths = [
        f"{id_} ({mine.truth[here]!r} and {theirs.truth[there]!r})"
        for id_, here, there in shared
        if set(mine.space.several(mine.truth[here] or "")) != set(theirs.space.several(theirs.truth[there] or ""))
    ]
    found += _differing("with another text", texts) + _differing("with another true label", truths)
    if found:
        alike = set(mine.texts) == set(theirs.texts)
        raise RowsProblem(
            f"{name} and {other_name} were not scored on the same rows",
            where=f"{len(mine):,} and {len(theirs):,} rows",
            found="\n" + "\n".join(f"    {line}" for line in found),
            cure="the texts are the same under other ids: name the column that identifies them, --id COLUMN"
            if other_ids and alike and not texts
            else "give each run the same test rows: --test FILE, or the same data, settings of splits and seed",
        )


def _differ(one: str, other: str) -> bool:
    return one != other and bool(one) and bool(other)


def _differing(what: str, rows: list[str]) -> list[str]:
    return [f"{count(len(rows), 'row')} {what}: {some(rows)}"] if rows else []
