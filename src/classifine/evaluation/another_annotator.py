"""Takes what annotators and a classifier said of the same texts and says whether it is as good as another annotator.

Each annotator is left out in turn and compared with the majority of the others, and so is the classifier, on the very
same texts. Does not know files or how judgements became the true labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.evaluation.clusters import MOST
from classifine.evaluation.intervals import Figure, bootstrap
from classifine.evaluation.metrics import IntMatrix, ratio
from classifine.labels import FloatMatrix


@dataclass(frozen=True)
class Peer:
    """One annotator, left out and compared with the majority of the others; and the classifier on the same texts."""

    annotator: str
    judgements: int
    agrees: float
    classifier: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "annotator": self.annotator,
            "judgements": self.judgements,
            "agrees": self.agrees,
            "classifier": self.classifier,
        }


@dataclass(frozen=True)
class AmongAnnotators:
    """A classifier beside the annotators of the texts it is tested on.

    Attributes
    ----------
    texts, judgements
        Texts with a majority of others, and the judgements compared with one.
    annotator, classifier
        How often a judgement, and the classifier in its place, agrees with the majority of the other annotators.
    difference
        The classifier's share less the annotators'.
    peers
        The same for each annotator, most judgements first.
    alpha
        Krippendorff's alpha of the annotators on all test texts they judged, as plain JSON; none where it is unknown.
    """

    texts: int
    judgements: int
    annotator: Figure
    classifier: Figure
    difference: Figure
    peers: tuple[Peer, ...]
    alpha: Mapping[str, Any] | None = None

    @property
    def finding(self) -> str:
        """Say in words what the difference shows."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return "too few texts to say whether it is as good as another annotator"
        if low > 0:
            return "it agrees with people more than another annotator does"
        if high < 0:
            return "it agrees with people less than another annotator does"
        return "it is not shown to be better or worse than another annotator"

    @property
    def sentence(self) -> str:
        """Say all of it in a sentence."""
        one = self.difference
        interval = "" if one.low is None else f", 95 % interval {100 * one.low:+.1f} to {100 * (one.high or 0):+.1f}"
        return (
            f"An annotator agrees with the majority of the others in {100 * self.annotator.value:.1f} % of "
            f"{self.judgements:,} judgements, the classifier in {100 * self.classifier.value:.1f} % "
            f"({100 * one.value:+.1f} points{interval}): {self.finding}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "sentence": self.sentence,
            "finding": self.finding,
            "texts": self.texts,
            "judgements": self.judgements,
            **{name: getattr(self, name).to_dict() for name in ("annotator", "classifier", "difference")},
            "peers": [peer.to_dict() for peer in self.peers],
            "alpha": None if self.alpha is None else dict(self.alpha),
        }


def among_annotators(
    judgements: Sequence[tuple[str, str, str]],
    predicted: Mapping[str, str],
    *,
    alpha: Mapping[str, Any] | None = None,
    seed: int = 42,
) -> AmongAnnotators | None:
    """Compare a classifier with annotators, each of them left out in turn; none where no text has a majority of others.

    Parameters
    ----------
    judgements
        Text, annotator and label of each; an annotator's first judgement of a text counts.
    predicted
        What the classifier says of each text; others are passed over.
    alpha
        The annotators' own agreement, if it is known.
    seed
        Where draws start. Texts are drawn, since the judgements of a text are not independent.

    Notes
    -----
    Where the others tie, there is no majority, and the judgement is passed over. Calderon, Reichart and Dror 2025, "The
    alternative annotator test", leave annotators out in the same way.

    Examples
    --------
    >>> said = [("1", "A", "yes"), ("1", "B", "yes"), ("1", "C", "no")]
    >>> found = among_annotators(said, {"1": "yes"})
    >>> found.judgements, found.annotator.value, found.classifier.value  # without C, A and B agree; others tie
    (1, 0.0, 1.0)
    """
    by_text: dict[str, dict[str, str]] = {}
    for text, person, label in judgements:
        if text in predicted:
            by_text.setdefault(text, {}).setdefault(person, label)
    rows, compared = [], []
    for text, said in sorted(by_text.items()):
        votes = Counter(said.values())
        for person, label in sorted(said.items()):
            if (major := _majority(votes, label)) is not None:
                compared.append((person, label == major, predicted[text] == major))
                rows.append(text)
    if not rows:
        return None
    hits = np.array([each[1:] for each in compared], dtype=np.float64)
    names, of_row = np.unique(np.array(rows), return_inverse=True)
    # beyond so many, texts are put together at random before they are drawn
    units = np.random.default_rng(seed).permutation(len(names)) % MOST if len(names) > MOST else np.arange(len(names))
    table = np.zeros((int(units.max()) + 1, 3))
    np.add.at(table, units[of_row.reshape(-1)], np.hstack([np.ones((len(hits), 1)), hits]))

    def statistic(drawn: IntMatrix) -> FloatMatrix:
        totals = drawn @ table
        shares = ratio(totals[:, 1:], totals[:, :1])
        return np.hstack([shares, shares[:, 1:] - shares[:, :1]])

    found = bootstrap(np.ones(len(table), dtype=np.int64), statistic, seed=seed)
    annotator, classifier, difference = (
        Figure(one.value, one.low, one.high, len(rows), f"{one.method}, texts drawn", one.note) for one in found
    )
    return AmongAnnotators(len(names), len(rows), annotator, classifier, difference, _peers(compared), alpha)


def _majority(votes: Counter[str], left_out: str) -> str | None:
    """Give the commonest label without one of its votes; none where two are, or nobody is left."""
    others = [(number - (label == left_out), label) for label, number in votes.items()]
    most = max(number for number, _ in others)
    leading = [label for number, label in others if number == most]
    return leading[0] if most and len(leading) == 1 else None


def _peers(compared: Sequence[tuple[str, bool, bool]]) -> tuple[Peer, ...]:
    told: dict[str, list[tuple[bool, bool]]] = {}
    for person, agrees, classifier in compared:
        told.setdefault(person, []).append((agrees, classifier))
    peers = [
        Peer(name, len(each), sum(a for a, _ in each) / len(each), sum(c for _, c in each) / len(each))
        for name, each in told.items()
    ]
    return tuple(sorted(peers, key=lambda peer: (-peer.judgements, peer.annotator)))
