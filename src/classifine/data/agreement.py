"""Takes each item's votes and gives how far the annotators agree, in the field's measures.

Does not know texts, ties or what becomes of the votes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Votes = Mapping[str, str]


@dataclass(frozen=True)
class AnnotatorAgreement:
    """How far one annotator agrees with the others.

    Attributes
    ----------
    annotator
        The name.
    judgements
        Items the annotator judged.
    compared
        Those on which the others have a majority; an item nobody else judged, or on which the others tie, has none.
    with_majority
        Share of the compared items on which the annotator says what the majority of the others says, or ``None``.
    """

    annotator: str
    judgements: int
    compared: int
    with_majority: float | None


@dataclass(frozen=True)
class Agreement:
    """How far all annotators agree.

    Attributes
    ----------
    percent
        Share of agreeing pairs, as :func:`percent_agreement` says.
    alpha
        As :func:`krippendorff_alpha` says.
    by_annotator
        One line an annotator, ordered by name.
    """

    percent: float | None
    alpha: float | None
    by_annotator: tuple[AnnotatorAgreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "agreement": self.percent,
            "alpha": self.alpha,
            "by_annotator": [asdict(line) for line in self.by_annotator],
        }


def agreement(items: Sequence[Votes]) -> Agreement:
    """Measure agreement.

    Parameters
    ----------
    items
        For each item, the label by annotator.
    """
    units = [Counter(item.values()) for item in items]
    return Agreement(percent_agreement(units), krippendorff_alpha(units), by_annotator(items))


def percent_agreement(units: Iterable[Mapping[str, int]]) -> float | None:
    """Give the mean, over items with two or more judgements, of the share of pairs that agree.

    Parameters
    ----------
    units
        For each item, the number of judgements by label.

    Examples
    --------
    >>> percent_agreement([{"yes": 2}, {"yes": 2, "no": 1}, {"no": 1}])
    0.6666666666666666
    """
    shares = []
    for votes in units:
        n = sum(votes.values())
        if n > 1:
            shares.append(sum(number * (number - 1) for number in votes.values()) / (n * (n - 1)))
    return math.fsum(shares) / len(shares) if shares else None


def krippendorff_alpha(units: Iterable[Mapping[str, int]]) -> float | None:
    """Give Krippendorff's alpha for nominal labels, ``1 - observed / expected disagreement``.

    An item with one judgement says nothing about agreement and is left out. Where no item has two, or where all
    judgements are the same label, nothing could have differed: alpha is undefined, which is ``None``, never 0 or 1.

    Parameters
    ----------
    units
        For each item, the number of judgements by label.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    Examples
    --------
    >>> krippendorff_alpha([{"a": 2}, {"b": 2}])
    1.0
    >>> krippendorff_alpha([{"a": 2}, {"a": 2}]) is None
    True
    """
    totals: Counter[str] = Counter()
    observed = []
    for votes in units:
        n = sum(votes.values())
        if n > 1:
            totals.update(votes)
            observed.append(_differing_pairs(votes) / (n - 1))
    expected = _differing_pairs(totals)
    return 1 - (sum(totals.values()) - 1) * math.fsum(observed) / expected if expected else None


def by_annotator(items: Iterable[Votes]) -> tuple[AnnotatorAgreement, ...]:
    """Compare each annotator with the majority of the others, item by item."""
    judged: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for item in items:
        votes = Counter(item.values())
        for annotator, label in item.items():
            judged[annotator] += 1
            votes[label] -= 1
            most = max(votes.values())
            majority = [name for name, number in votes.items() if number == most > 0]
            votes[label] += 1
            if len(majority) == 1:
                compared[annotator] += 1
                same[annotator] += label == majority[0]
    return tuple(
        AnnotatorAgreement(name, judged[name], compared[name], same[name] / compared[name] if compared[name] else None)
        for name in sorted(judged)
    )


def _differing_pairs(votes: Mapping[str, int]) -> int:
    return sum(votes.values()) ** 2 - sum(number * number for number in votes.values())
