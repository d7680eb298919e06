"""Takes predictions with truth and gives the rows that were predicted wrongly, the most striking first.

Those are the rows to read: either the classifier or the label is plainly wrong. Each tells whether its label is
suspected, what the annotators said, and which training texts are nearest. Does not know scores or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.evaluation.confident import suspects, suspects_of_sets
from classifine.evaluation.intervals import Figure, share
from classifine.evaluation.metrics import ScorableRows, scorable
from classifine.evaluation.neighbours import Nearest
from classifine.evaluation.several import ScorableSets, scorable_sets
from classifine.labels import LabelSpace, certainty
from classifine.tables import LabelledTexts, Predictions

NEIGHBOURS = 3
AGREED, DISPUTED, SINGLE = "agreed", "disputed", "one judgement"

_COLUMNS = ("id", "text", "true_label", "predicted_label", "confidence", "p_true")
_OF_SETS = ("missed", "wrongly_given")


@dataclass(frozen=True)
class Neighbour:
    """A training text near a mistake: who it is, what label it has, and the cosine of both."""

    id: str
    label: str
    similarity: float
    text: str


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
    suggested
        What the label should perhaps be, where it is suspected to be wrong (confident learning on these very
        predictions); none where it is not.
    probabilities
        Of every label.
    votes
        How many annotators gave which label; none where labels were not made from judgements.
    nearest
        The training texts that are nearest, the nearest first.
    """

    id: str
    text: str
    true_label: str
    predicted_label: str
    confidence: float
    p_true: float
    missed: str | None = None
    wrongly_given: str | None = None
    suggested: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    votes: Mapping[str, int] | None = None
    nearest: tuple[Neighbour, ...] = ()

    @property
    def agreement(self) -> str | None:
        """Whether the annotators agreed about it."""
        return None if self.votes is None else agreement(self.votes)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, flat, as a row of mistakes.csv; what is not known is left out."""
        told: dict[str, Any] = {name: getattr(self, name) for name in (*_COLUMNS, *_OF_SETS)}
        told["label_suspected"] = "no" if self.suggested is None else "yes"
        told["suggested_label"] = self.suggested
        told["agreement"] = self.agreement
        told["votes"] = None if self.votes is None else spelled_votes(self.votes)
        for place, one in enumerate(self.nearest, 1):
            told |= {
                f"nearest_{place}_label": one.label,
                f"nearest_{place}_similarity": round(one.similarity, 4),
                f"nearest_{place}_id": one.id,
                f"nearest_{place}_text": one.text,
            }
        told |= {f"probability {label}": round(value, 6) for label, value in self.probabilities.items()}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class ConfusedPair:
    """The mistakes of one kind: texts of one label that were given another.

    Attributes
    ----------
    true_label, predicted_label
        The kind.
    mistakes
        How many there are: the cell of the confusion matrix.
    of_label
        Their share of the rows that have the label.
    suspected
        How many of their labels are suspected.
    beside
        How many have a nearest training text with the predicted label: what was learnt there misleads.
    disputed
        How many of them the annotators disputed; none where there were no annotators.
    """

    true_label: str
    predicted_label: str
    mistakes: int
    of_label: Figure
    suspected: int
    beside: int | None
    disputed: int | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {**vars(self), "of_label": self.of_label.to_dict()}


def mistakes(predictions: Predictions) -> tuple[Mistake, ...]:
    """List the mistakes by falling confidence, equals by id; as many as the scores count.

    That is, where each text has one label, everything off the diagonal of the confusion matrix. Where a text may have
    several labels, a row is a mistake when one of them is missing or wrongly there, and rows come first whose true
    labels the classifier found least likely; the labels missed and wrongly given together are the Hamming loss times
    rows times labels.

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


def with_votes(found: Sequence[Mistake], votes: Mapping[str, Mapping[str, int]]) -> tuple[Mistake, ...]:
    """Tell of each mistake how many annotators gave which label, by id."""
    return tuple(replace(mistake, votes=votes.get(mistake.id)) for mistake in found)


def with_nearest(found: Sequence[Mistake], among: LabelledTexts, nearest: Nearest) -> tuple[Mistake, ...]:
    """Tell of the first mistakes which training texts are nearest.

    Parameters
    ----------
    found
        The mistakes.
    among
        The training texts.
    nearest
        Where the nearest of each mistake stand among them; of the first mistakes only, if it is shorter.
    """
    told = []
    for place, mistake in enumerate(found):
        rows: list[Neighbour] = []
        if place < len(nearest):
            pairs = zip(nearest.positions[place].tolist(), nearest.similarities[place].tolist(), strict=True)
            rows = [Neighbour(among.ids[at], among.labels[at], cosine, among.texts[at]) for at, cosine in pairs]
        told.append(replace(mistake, nearest=tuple(rows)))
    return tuple(told)


def confused_pairs(found: Sequence[Mistake], support: Mapping[str, int]) -> tuple[ConfusedPair, ...]:
    """Group the mistakes by true and predicted label, the most frequent pair first.

    Parameters
    ----------
    found
        The mistakes.
    support
        How many rows have each label.
    """
    groups: dict[tuple[str, str], list[Mistake]] = {}
    for mistake in found:
        groups.setdefault((mistake.true_label, mistake.predicted_label), []).append(mistake)
    pairs = []
    for (true, predicted), members in groups.items():
        near = [one for one in members if one.nearest]
        judged = [one for one in members if one.votes is not None]
        pairs.append(
            ConfusedPair(
                true_label=true,
                predicted_label=predicted,
                mistakes=len(members),
                of_label=share(len(members), support[true]),
                suspected=sum(one.suggested is not None for one in members),
                beside=sum(one.nearest[0].label == predicted for one in near) if near else None,
                disputed=sum(one.agreement == DISPUTED for one in judged) if judged else None,
            )
        )
    return tuple(sorted(pairs, key=lambda pair: (-pair.mistakes, pair.true_label, pair.predicted_label)))


def agreement(votes: Mapping[str, int]) -> str:
    """Say whether annotators agreed: all of them, not all, or there was only one.

    Examples
    --------
    >>> agreement({"yes": 3}), agreement({"yes": 2, "no": 1}), agreement({"no": 1})
    ('agreed', 'disputed', 'one judgement')
    """
    given = [number for number in votes.values() if number]
    if len(given) > 1:
        return DISPUTED
    return SINGLE if sum(given) < 2 else AGREED


def spelled_votes(votes: Mapping[str, int]) -> str:
    """Write votes as a reader would, the most frequent label first.

    Examples
    --------
    >>> spelled_votes({"no": 1, "yes": 2})
    'yes 2, no 1'
    """
    ranked = sorted(votes.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{label} {number}" for label, number in ranked if number)


def _of_labels(predictions: Predictions) -> list[Mistake]:
    rows = scorable(predictions)
    names, suggested = predictions.space.names, _suggested(rows)
    wrong = np.flatnonzero(rows.truth != rows.predicted)
    found = []
    for row in wrong.tolist():
        position, truth, predicted = int(rows.positions[row]), int(rows.truth[row]), int(rows.predicted[row])
        probabilities = rows.probabilities[row].tolist()
        known = dict(zip(names, probabilities, strict=True)) if np.isfinite(probabilities).all() else {}
        found.append(
            Mistake(
                id=predictions.ids[position],
                text=predictions.texts[position],
                true_label=names[truth],
                predicted_label=names[predicted],
                confidence=probabilities[predicted],
                p_true=probabilities[truth],
                suggested=None if suggested[row] == truth else names[suggested[row]],
                probabilities=known,
            )
        )
    return found


def _suggested(rows: ScorableRows) -> list[int]:
    """Give what each label should perhaps be: itself, where nothing speaks against it or probabilities are unknown."""
    known = bool(np.isfinite(rows.probabilities).all())
    suggested: list[int] = (suspects(rows.probabilities, rows.truth).suggested if known else rows.truth).tolist()
    return suggested


def _of_sets(predictions: Predictions) -> list[Mistake]:
    space, rows = predictions.space, scorable_sets(predictions)
    wrong = np.flatnonzero(~rows.right)
    truth, given, probabilities = rows.truth[wrong], rows.given[wrong], rows.probabilities[wrong]
    columns = zip(
        rows.positions[wrong].tolist(),
        *(space.cells(has) for has in (truth, given, truth & ~given, given & ~truth)),
        certainty(probabilities, given).tolist(),
        certainty(probabilities, truth).tolist(),
        _suggested_sets(rows, space, wrong.tolist()),
        probabilities.tolist(),
        strict=True,
    )
    return [
        Mistake(
            *(predictions.ids[at], predictions.texts[at], true, predicted, confidence, p_true, missed, wrongly_given),
            suggested=None if suggested == true else suggested,
            probabilities=dict(zip(space.names, of_labels, strict=True)),
        )
        for at, true, predicted, missed, wrongly_given, confidence, p_true, suggested, of_labels in columns
    ]


def _suggested_sets(rows: ScorableSets, space: LabelSpace, wrong: Sequence[int]) -> tuple[str, ...]:
    has = rows.truth
    if np.isfinite(rows.probabilities).all():
        has = np.stack([one.suggested == 1 for one in suspects_of_sets(rows.probabilities, rows.truth)], axis=1)
    return space.cells(has[list(wrong)])


def write_mistakes(path: Path, found: Sequence[Mistake]) -> None:
    """Write the mistakes as CSV (UTF-8, quoted as RFC 4180 says), one row each, header first.

    What is known of none of them has no column.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    names = dict.fromkeys((*_COLUMNS, *_OF_SETS, "label_suspected", "suggested_label", "agreement", "votes"))
    there = set(_COLUMNS)
    for mistake in {_kind(one): one for one in reversed(found)}.values():  # the first of each kind
        there |= (row := mistake.to_dict()).keys()
        names |= dict.fromkeys(row)
    durable.write_csv(path, [name for name in names if name in there], (mistake.to_dict() for mistake in found))


def _kind(mistake: Mistake) -> tuple[object, ...]:
    """Give what decides which columns a mistake fills; a million of them are of a few kinds."""
    known = tuple(getattr(mistake, name) is None for name in (*_COLUMNS, *_OF_SETS, "suggested", "votes", "agreement"))
    return known, len(mistake.nearest), tuple(mistake.probabilities)
