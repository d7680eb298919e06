"""Takes predictions by classifiers that had not seen the texts and ranks the labels that may be wrong, with reasons.

A person decides: nothing is dropped or changed here. Does not know models, or how the probabilities came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.errors import count
from classifine.evaluation.confident import suspects, suspects_of_sets
from classifine.evaluation.dynamics import Learnt
from classifine.evaluation.intervals import Figure, share
from classifine.evaluation.metrics import scorable
from classifine.evaluation.mistakes import DISPUTED, Neighbour, agreement, spelled_votes
from classifine.evaluation.several import scorable_sets
from classifine.labels import LabelSpace
from classifine.tables import Predictions

CORRECT = "correct_label"
TOLD = 50  # rows that label_errors.json holds; all of them stand in the review file
ALPHA_OF_HARD = 0.5  # a text is hard to learn where its label's probability was lower than this on average

_COLUMNS = ("id", "text", "split", "label", "suggested_label", CORRECT, "margin", "p_label", "p_suggested", "why")


@dataclass(frozen=True)
class LabelSuspect:
    """A text whose label may be wrong.

    Attributes
    ----------
    id, text, split, label
        The text, where it stands, and its label.
    suggested
        What the label should perhaps be; of several labels, all of them as they should perhaps be.
    p_label, p_suggested
        Out-of-fold probabilities of both; of several labels, of the one that is most in doubt: that it is as given,
        and that it is not.
    margin
        The difference of both, from -1 to 1: the lower, the more suspicious.
    nearest
        The texts nearest to it, with their labels.
    votes
        How many annotators gave which label, where there were any.
    learnt
        How it was learnt in training, where that was kept.
    """

    id: str
    text: str
    split: str
    label: str
    suggested: str
    p_label: float
    p_suggested: float
    margin: float
    nearest: tuple[Neighbour, ...] = ()
    votes: Mapping[str, int] | None = None
    learnt: Learnt | None = None

    @property
    def why(self) -> str:
        """Say what speaks against the label."""
        told = [
            f"a classifier that had not seen it gives its label {self.p_label:.2f}, the other {self.p_suggested:.2f}"
        ]
        if self.nearest:
            of_other = sum(one.label == self.suggested for one in self.nearest)
            have = "has" if of_other == 1 else "have"
            told.append(f"{of_other} of the {len(self.nearest)} nearest texts {have} the suggested label")
            twin = self.nearest[0]
            if twin.similarity > 0.999 and twin.label != self.label:
                told.append(f"the same text has another label ({twin.id})")
        if self.votes is not None and agreement(self.votes) == DISPUTED:
            told.append(f"the annotators disagreed: {spelled_votes(self.votes)}")
        if self.learnt is not None and self.learnt.confidence < ALPHA_OF_HARD:
            told.append(f"hard to learn: probability {self.learnt.confidence:.2f} on average while it was trained on")
        return "; ".join(told)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: a row of the review file, with a column for a person to fill in."""
        told: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "split": self.split,
            "label": self.label,
            "suggested_label": self.suggested,
            CORRECT: "",
            "margin": round(self.margin, 4),
            "p_label": round(self.p_label, 4),
            "p_suggested": round(self.p_suggested, 4),
            "why": self.why,
        }
        if self.votes is not None:
            told["votes"] = spelled_votes(self.votes)
        if self.learnt is not None:
            told |= {f"training_{name}": value for name, value in self.learnt.to_dict().items()}
        for place, one in enumerate(self.nearest, 1):
            told |= {
                f"nearest_{place}_label": one.label,
                f"nearest_{place}_similarity": round(one.similarity, 4),
                f"nearest_{place}_id": one.id,
                f"nearest_{place}_text": one.text,
            }
        return told


@dataclass(frozen=True)
class OfLabel:
    """How trustworthy one label is: its rows, and those that are suspected."""

    label: str
    rows: int
    suspected: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class LabelErrors:
    """The labels that may be wrong, the most suspicious first.

    Attributes
    ----------
    rows
        One for each.
    n
        How many labels were looked at.
    by_label
        The same of each label, the worst first.
    pairs
        How often which label is suspected to be which, the most frequent first.
    accuracy
        How often the classifiers that judged agree with the labels.
    source
        Where their probabilities come from.
    """

    rows: tuple[LabelSuspect, ...]
    n: int
    by_label: tuple[OfLabel, ...]
    pairs: tuple[tuple[str, str, int], ...]
    accuracy: Figure
    source: str
    splits: Mapping[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Say how many labels are suspected."""
        share_of = f" ({100 * len(self.rows) / self.n:.1f} %)" if self.n else ""
        are = "is" if len(self.rows) == 1 else "are"
        return (
            f"{count(len(self.rows), 'label')} of {self.n:,}{share_of} {are} suspected to be wrong, by {self.source}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; of the rows, the first fifty."""
        return {
            "sentence": self.sentence,
            "method": "confident learning (Northcutt et al. 2021), ranked by normalised margin",
            "source": self.source,
            "n": self.n,
            "suspected": len(self.rows),
            "splits": dict(self.splits),
            "accuracy": self.accuracy.to_dict(),
            "by_label": [one.to_dict() for one in self.by_label],
            "pairs": [list(pair) for pair in self.pairs],
            "rows": [one.to_dict() for one in self.rows[:TOLD]],
        }


def label_errors(predictions: Predictions, *, source: str, splits: Sequence[str] | None = None) -> LabelErrors:
    """Rank the labels that may be wrong: those that confident learning suspects, where another label is more probable.

    Confident learning alone suspects a label also where it is the most probable one, if another is more probable than
    usual; those suspicions are wrong more often than not (``benchmarks/label_errors.py``).

    Parameters
    ----------
    predictions
        Texts with the labels they were given as truth, and probabilities of classifiers that had not seen them.
    source
        Where these come from, for people.
    splits
        The part each row stands in; without it, that of the predictions.

    Raises
    ------
    LabelsProblem, RowsProblem
        A label is unknown, or no row has a label.
    """
    parts = list(splits) if splits is not None else [predictions.split] * len(predictions)
    found = _of_sets if predictions.space.separator is not None else _of_labels
    rows, by_label, right, positions = found(predictions, parts)
    ranked = tuple(sorted(rows, key=lambda row: (row.margin, row.id)))
    pairs = Counter((row.label, row.suggested) for row in ranked)
    return LabelErrors(
        rows=ranked,
        n=len(positions),
        by_label=tuple(sorted(by_label, key=lambda one: (-one.suspected / max(one.rows, 1), one.label))),
        pairs=tuple((*pair, number) for pair, number in sorted(pairs.items(), key=lambda one: (-one[1], one[0]))),
        accuracy=share(right, len(positions)),
        source=source,
        splits=dict(Counter(parts[position] for position in positions)),
    )


def surrounded(
    found: LabelErrors,
    *,
    nearest: Sequence[tuple[Neighbour, ...]] = (),
    votes: Mapping[str, Mapping[str, int]] | None = None,
    learnt: Mapping[str, Learnt] | None = None,
) -> LabelErrors:
    """Tell of each suspect what is near to it (of the first ones), what annotators said, and how it was learnt."""
    rows = tuple(
        replace(
            row,
            nearest=nearest[place] if place < len(nearest) else (),
            votes=(votes or {}).get(row.id),
            learnt=(learnt or {}).get(row.id),
        )
        for place, row in enumerate(found.rows)
    )
    return replace(found, rows=rows)


def write_review(path: Path, found: LabelErrors) -> None:
    """Write the review file: CSV, the most suspicious label first, with an empty column for the right label.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    rows = [row.to_dict() for row in found.rows]
    names = dict.fromkeys((*_COLUMNS, *(name for row in rows for name in row)))
    durable.write_csv(path, list(names), rows)


def _of_labels(
    predictions: Predictions, parts: Sequence[str]
) -> tuple[list[LabelSuspect], list[OfLabel], int, list[int]]:
    rows, names = scorable(predictions), predictions.space.names
    found = suspects(rows.probabilities, rows.truth)
    suspected = []
    for row in found.ranked[found.margin[found.ranked] < 0].tolist():
        position, suggested = int(rows.positions[row]), int(found.suggested[row])
        p_label, p_suggested = float(found.self_confidence[row]), float(rows.probabilities[row, suggested])
        suspected.append(
            LabelSuspect(
                *(predictions.ids[position], predictions.texts[position], parts[position]),
                *(names[int(rows.truth[row])], names[suggested]),
                *(p_label, p_suggested, float(found.margin[row])),
            )
        )
    of_suspected = Counter(row.label for row in suspected)
    by_label = [OfLabel(name, int(found.support[place]), of_suspected[name]) for place, name in enumerate(names)]
    return suspected, by_label, int((rows.truth == rows.predicted).sum()), rows.positions.tolist()


def _of_sets(
    predictions: Predictions, parts: Sequence[str]
) -> tuple[list[LabelSuspect], list[OfLabel], int, list[int]]:
    rows, space = scorable_sets(predictions), predictions.space
    found = suspects_of_sets(rows.probabilities, rows.truth)
    in_doubt = np.stack([one.suspected & (one.margin < 0) for one in found], axis=1)
    margins = np.where(in_doubt, np.stack([one.margin for one in found], axis=1), np.inf)
    suggested = rows.truth ^ in_doubt
    suspected = []
    for row in np.flatnonzero(in_doubt.any(axis=1)).tolist():
        position, label = int(rows.positions[row]), int(margins[row].argmin())
        p_label = float(found[label].self_confidence[row])
        suspected.append(
            LabelSuspect(
                *(predictions.ids[position], predictions.texts[position], parts[position]),
                *_cells(space, rows.truth[row], suggested[row]),
                *(p_label, 1 - p_label, float(margins[row, label])),
            )
        )
    by_label = [
        OfLabel(name, int(one.support[1]), int(in_doubt[:, place].sum()))
        for place, (name, one) in enumerate(zip(space.names, found, strict=True))
    ]
    return suspected, by_label, int(rows.right.sum()), rows.positions.tolist()


def _cells(space: LabelSpace, truth: Any, suggested: Any) -> tuple[str, str]:
    given, other = space.cells(np.stack([truth, suggested]))
    return given, other
