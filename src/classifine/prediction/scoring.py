"""Takes the texts of some rows and gives the columns that a prediction adds to them, each different text scored once.

What becomes of a row depends on the rows given with it only, so that the same rows give the same bits again.
Does not know files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from classifine.errors import UsageError
from classifine.evaluation.conformal import PredictionSets, sets_of
from classifine.model.classifier import Scorer, free_separator, predictions_of
from classifine.prediction.review import REVIEW, SUGGESTIONS, Review
from classifine.tables import BLANK, Predictions

if TYPE_CHECKING:
    import pyarrow as pa

UNREADABLE = "unreadable"
_TOP = re.compile(r"top-([1-9][0-9]*)")


@dataclass
class Tally:
    """What became of some rows.

    Attributes
    ----------
    rows
        All of them.
    blank, unreadable, review
        Those with such a status.
    unlabelled
        Those without a label although they were scored, where a text may have several or none.
    distinct
        Texts that were scored; each different one is, once within a shard.
    labels
        How often each label was predicted.
    """

    rows: int = 0
    blank: int = 0
    unreadable: int = 0
    review: int = 0
    unlabelled: int = 0
    distinct: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        labels = Counter(self.labels)
        labels.update(other.labels)
        mine, theirs = asdict(self), asdict(other)
        counts = {name: mine[name] + theirs[name] for name in mine if name != "labels"}
        return Tally(**counts, labels=dict(sorted(labels.items())))


@dataclass(frozen=True)
class Scored:
    """The added columns of some rows, in their order, and what became of them."""

    columns: dict[str, list[Any]]
    tally: Tally


@dataclass(frozen=True)
class Added:
    """Which columns a prediction adds.

    Attributes
    ----------
    space
        The labels.
    prefix
        Put before each name.
    probabilities
        ``all``: one column a label; ``none``; or ``top-3``: the three most probable labels of each row.
    review
        From which confidence on nobody needs to look; with a queue, there are columns for it, too.
    sets
        The rule for a set of labels, which becomes a column.
    """

    space: Any
    prefix: str = ""
    probabilities: str = "all"
    review: Review | None = None
    sets: PredictionSets | None = None

    def __post_init__(self) -> None:
        if self.probabilities not in ("all", "none") and not _TOP.fullmatch(self.probabilities):
            raise UsageError(
                f"{self.probabilities!r} does not say which probabilities to write",
                expected="all, none, or top-K such as top-3",
            )

    @cached_property
    def top(self) -> int:
        """How many of the most probable labels are written; 0 without such columns."""
        found = _TOP.fullmatch(self.probabilities)
        return 0 if found is None else min(int(found[1]), len(self.space))

    @cached_property
    def names(self) -> list[str]:
        """The columns, in order."""
        names = ["predicted_label", "confidence"]
        upper = () if self.space.hierarchy is None else self.space.hierarchy.upper
        names += [name for level in upper for name in (f"level_{level}", f"level_{level}_confidence")]
        names += [name for rank in range(1, self.top + 1) for name in (f"top_{rank}", f"top_{rank}_probability")]
        if self.sets is not None:
            names.append("label_set")
        if self.probabilities == "all":
            names += [f"p_{name}" for name in self.space.names]
        return [self.prefix + name for name in (*names, "status")]

    @cached_property
    def texts(self) -> list[str]:
        """Those of them that are text."""
        upper = () if self.space.hierarchy is None else self.space.hierarchy.upper
        plain = ["predicted_label", "status", *(f"level_{level}" for level in upper)]
        plain += [f"top_{rank}" for rank in range(1, self.top + 1)]
        plain += ["label_set"] if self.sets is not None else []
        return [self.prefix + name for name in plain]

    @cached_property
    def suggestions(self) -> list[str]:
        """The further columns of the queue for people."""
        if self.review is None or self.review.queue is None:
            return []
        ranks = range(1, min(len(self.space), SUGGESTIONS) + 1)
        return [name for rank in ranks for name in (f"suggestion_{rank}", f"suggestion_{rank}_probability")]

    def table(self, scored: Scored) -> pa.Table:
        """Give the columns as Arrow keeps them, by place: names of the queue may be those of the others, too."""
        import pyarrow as pa

        plain = {*self.texts}
        kinds = [pa.string() if name in plain else pa.float64() for name in self.names]
        kinds += [pa.float64() if name.endswith("_probability") else pa.string() for name in self.suggestions]
        arrays = [pa.array(cells, kind) for cells, kind in zip(scored.columns.values(), kinds, strict=True)]
        return pa.table(arrays, names=[str(place) for place in range(len(arrays))])

    def columns(self, table: pa.Table) -> dict[str, list[Any]]:
        """Read what :meth:`table` gave; the names of the queue's columns begin with a space."""
        names = [*self.names, *(f" {name}" for name in self.suggestions)]
        return {name: column.to_pylist() for name, column in zip(names, table.columns, strict=True)}


def scored(
    scorer: Scorer, added: Added, texts: Sequence[str | None], unreadable: frozenset[int] | set[int] = frozenset()
) -> Scored:
    """Score the texts of some rows and give what is added to each.

    Equal texts are scored once, the others in order of their length, so that texts of similar length share a batch.

    Parameters
    ----------
    scorer
        The classifier.
    added
        Which columns are wanted.
    texts
        The texts; none where a row has none.
    unreadable
        The places of rows that could not be read.
    """
    different = sorted({text for text in texts if text is not None}, key=lambda text: (len(text), text))
    place = {text: number for number, text in enumerate(different)}
    found = predictions_of(scorer, different, split="file") if different else None
    of_text = {} if found is None else _columns(found, added)
    at = [None if text is None else place[text] for text in texts]
    columns: dict[str, list[Any]] = {
        name: [None if one is None else of_text[name][one] for one in at] if found is not None else [None] * len(at)
        for name in [*added.names, *(f" {name}" for name in added.suggestions)]
    }
    status = columns[added.names[-1]]
    for row, cell in enumerate(status):
        if cell is None:
            status[row] = UNREADABLE if row in unreadable else BLANK
    return Scored(columns, _tally(columns, added, len(different)))


def _columns(found: Predictions, added: Added) -> dict[str, Sequence[Any]]:
    """Give the columns of texts that were scored."""
    matrix, names = found.probabilities, found.space.names
    upper = () if found.space.hierarchy is None else found.space.hierarchy.upper
    columns: list[Sequence[Any]] = [found.predicted, found.confidence]
    columns += [column for level in upper for column in found.at_level(level)]
    most = max(added.top, SUGGESTIONS if added.suggestions else 0)
    order = np.argsort(-matrix, axis=1, kind="stable")[:, :most]
    ranked = np.take_along_axis(matrix, order, axis=1)
    by_rank: list[Sequence[Any]] = []
    for rank in range(order.shape[1]):
        by_rank += [[names[label] for label in order[:, rank]], ranked[:, rank].tolist()]
    columns += by_rank[: 2 * added.top]
    if added.sets is not None:
        columns.append(_sets(found, added.sets))
    if added.probabilities == "all":
        columns += [column.tolist() for column in matrix.T]
    columns.append(found.status if added.review is None else added.review.statuses(found))
    columns += by_rank[: len(added.suggestions)]
    return dict(zip([*added.names, *(f" {name}" for name in added.suggestions)], columns, strict=True))


def _sets(found: Predictions, rule: PredictionSets) -> list[str]:
    """Give the set of each text in one cell, the most probable label first."""
    names, separator = found.space.names, free_separator(found.space.names)
    within = sets_of(found.probabilities, rule)
    order = np.argsort(-found.probabilities, axis=1, kind="stable")
    return [
        separator.join(names[label] for label in ranked if inside[label])
        for ranked, inside in zip(order, within, strict=True)
    ]


def _tally(columns: Mapping[str, Sequence[Any]], added: Added, distinct: int) -> Tally:
    statuses = Counter(columns[added.names[-1]])
    cells = Counter(cell for cell in columns[added.names[0]] if cell is not None)
    labels: Counter[str] = Counter()
    for cell, times in cells.items():
        for name in added.space.several(cell):
            labels[name] += times
    return Tally(
        rows=statuses.total(),
        blank=statuses[BLANK],
        unreadable=statuses[UNREADABLE],
        review=statuses[REVIEW],
        unlabelled=cells[""],
        distinct=distinct,
        labels=dict(sorted(labels.items())),
    )
