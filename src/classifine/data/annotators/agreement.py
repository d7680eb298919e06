"""Takes each item's votes and gives how far the annotators agree, in the field's measures, each with its interval.

Does not know texts, ties or what becomes of the votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifine.data.annotators.alpha import Kinds, Scale, places
from classifine.data.annotators.people import AnnotatorAgreement, PairAgreement, by_annotator, by_pair
from classifine.data.annotators.resampling import RESAMPLES, Coefficient, bootstrap, undefined
from classifine.data.annotators.votes import Votes
from classifine.data.ordering import lot
from classifine.errors import count

_NO_PAIR = "no item has two judgements"
_NO_DIFFERENCE = "all judgements are the same label, so nothing could have differed"
_LABEL_ALONE = "all or none of the judgements that can be compared are this label, so nothing could have differed"


@dataclass(frozen=True)
class Agreement:
    """How far all annotators agree.

    Attributes
    ----------
    percent
        Mean, over items with two or more judgements, of the share of pairs that agree.
    alpha
        Krippendorff's alpha, ``1 - observed / expected disagreement``.
    fleiss
        Fleiss' kappa; undefined unless every item has the same number of judgements.
    scale
        What labels are to alpha: names, ranks or numbers.
    by_label
        Alpha of each label against all others taken together, a label that is common first.
    by_annotator
        One line an annotator, ordered by name.
    pairs
        Cohen's kappa of two annotators, those with the most items in common first; at most 300.
    n_pairs
        How many pairs have at least 10 items in common.
    """

    percent: Coefficient
    alpha: Coefficient
    fleiss: Coefficient
    scale: Scale
    by_label: dict[str, Coefficient]
    by_annotator: tuple[AnnotatorAgreement, ...]
    pairs: tuple[PairAgreement, ...]
    n_pairs: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; ``agreement`` and ``alpha`` are the bare values, ``measures`` have their intervals."""
        return {
            "agreement": self.percent.value,
            "alpha": self.alpha.value,
            "scale": self.scale,
            "measures": {
                "percent": self.percent.to_dict(),
                "alpha": self.alpha.to_dict(),
                "fleiss": self.fleiss.to_dict(),
            },
            "by_label": [{"label": label, **alpha.to_dict()} for label, alpha in self.by_label.items()],
            "by_annotator": [line.to_dict() for line in self.by_annotator],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "n_pairs": self.n_pairs,
        }


def agreement(
    items: Sequence[Mapping[str, str]],
    *,
    scale: Scale = "nominal",
    order: Sequence[str] = (),
    seed: int,
    resamples: int = RESAMPLES,
) -> Agreement:
    """Measure agreement.

    Parameters
    ----------
    items
        For each item, the label by annotator.
    scale
        What labels are to alpha: ``nominal`` (names), ``ordinal`` (ranks, see ``order``) or ``interval`` (numbers).
    order
        All labels from the lowest to the highest; for ``ordinal``.
    seed, resamples
        For the bootstrap over items.

    Raises
    ------
    SettingsProblem
        A label has no place in the order, or is no number.

    Examples
    --------
    >>> found = agreement([{"A": "yes", "B": "yes"}, {"A": "no", "B": "no"}, {"A": "no", "B": "yes"}], seed=0)
    >>> round(found.percent.value, 3), round(found.alpha.value, 3), found.alpha.note
    (0.667, 0.444, '3 items: too few for an interval')
    """
    judged = [(str(place), *said) for place, item in enumerate(items) for said in item.items()]
    ids, annotators, labels = zip(*judged, strict=True) if judged else ((), (), ())
    return agreement_of(Votes.of(ids, annotators, labels), scale=scale, order=order, seed=seed, resamples=resamples)


def agreement_of(
    votes: Votes, *, scale: Scale = "nominal", order: Sequence[str] = (), seed: int, resamples: int = RESAMPLES
) -> Agreement:
    """Measure agreement of counted votes; an annotator's repeated judgements of an item are one.

    Parameters
    ----------
    votes
        The judgements.
    scale, order, seed, resamples
        As in :func:`agreement`.

    Notes
    -----
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability. Fleiss (1971), Measuring nominal scale agreement
    among many raters, Psychological Bulletin 76:378-382. Intervals: BCa of 1,000 resamples of items.
    """
    standing = places(votes.labels, scale, order)
    votes = votes.once()
    if not len(votes.item):
        nothing = undefined(0, _NO_PAIR)
        return Agreement(nothing, nothing, nothing, scale, {}, (), (), 0)
    kinds = Kinds.of(votes.tally, len(votes.labels))
    pairs, n_pairs = by_pair(votes, seed=seed, resamples=resamples)
    lines = by_annotator(votes, seed=seed, resamples=resamples)
    if not len(kinds.multiplicity):
        nothing = undefined(0, _NO_PAIR)
        return Agreement(nothing, nothing, nothing, scale, {}, lines, pairs, n_pairs)
    percent, fleiss, alpha, *of_labels = bootstrap(
        kinds.multiplicity,
        kinds.measures(scale, standing),
        why=_NO_DIFFERENCE,
        seed=lot(seed, "agreement"),
        resamples=resamples,
    )
    return Agreement(
        percent=percent,
        alpha=alpha,
        fleiss=_fleiss(votes, fleiss),
        scale=scale,
        by_label=_by_label(votes, of_labels),
        by_annotator=lines,
        pairs=pairs,
        n_pairs=n_pairs,
    )


def _fleiss(votes: Votes, found: Coefficient) -> Coefficient:
    totals = votes.tally.totals
    least, most = int(totals.min()), int(totals.max())
    if least == most:
        return found
    return undefined(
        len(totals),
        f"items have between {least} and {count(most, 'judgement')}; Fleiss' kappa needs the same number on every item",
    )


def _by_label(votes: Votes, found: Sequence[Coefficient]) -> dict[str, Coefficient]:
    given = np.bincount(votes.label, minlength=len(votes.labels))
    by_label = {}
    for place in np.argsort(-given, kind="stable"):
        alpha = found[place]
        by_label[votes.labels[place]] = undefined(alpha.items, _LABEL_ALONE) if alpha.value is None else alpha
    return by_label
