"""Takes what is known about judgements and gives whole sentences on what could be done better with them.

Does not know how labels were chosen or texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifine.data.annotators.agreement import Agreement
from classifine.data.annotators.choosing import Rules
from classifine.data.annotators.votes import Votes
from classifine.errors import count, did_you_mean, some

LOW_ALPHA = 0.667  # Krippendorff's lowest for tentative conclusions
ENOUGH_JUDGEMENTS = 3


def advice(rules: Rules, votes: Votes, agreement: Agreement, *, n_ties: int) -> tuple[str, ...]:
    """Say what could be done better.

    References
    ----------
    Krippendorff (2004), Content Analysis, ch. 11: alpha of .800 to rely on, .667 for tentative conclusions.
    Uma et al. (2021), Learning from disagreement, JAIR 72:1385-1470, on training with soft labels.
    """
    alpha, median = agreement.alpha.value, float(np.median(votes.tally.totals))
    notes = []
    if rules.method != "soft" and alpha is not None and alpha < LOW_ALPHA and median >= ENOUGH_JUDGEMENTS:
        notes.append(
            f"alpha is {alpha:.2f} with {median:g} judgements of the typical item: where the labels are a matter of "
            "judgement, train on the annotators' shares (--aggregation soft) instead of on the majority alone"
        )
    if rules.method == "soft" and rules.ties == "drop" and n_ties:
        notes.append(
            f"{count(n_ties, 'item that ties is', 'items that tie are')} left out, although shares could be "
            "trained on; --ties random or --ties posterior keeps them"
        )
    if people := _twins(votes.annotators):
        notes.append(
            f"annotators whose names differ only in case or space count as different people: {some(people)}; "
            "write each name in one way"
        )
    if twins := _twins(votes.labels):
        notes.append(
            f"labels that differ only in case or space count as different, which makes ties and lowers alpha: "
            f"{some(twins)}; write them the same, or name them in a file for --merge-labels"
        )
    strange = [label for label in rules.priority if label not in votes.labels]
    if rules.ties == "priority" and strange:
        guess = did_you_mean(strange[0], votes.labels)
        notes.append(
            f"the priority names {some([repr(label) for label in strange])}, which no annotator gave"
            + (f"; did you mean {guess!r}?" if guess else "")
        )
    return tuple(notes)


def _twins(names: Sequence[str]) -> list[str]:
    """Find names that differ only in case or space."""
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(" ".join(name.split()).casefold(), []).append(name)
    return [" and ".join(map(repr, sorted(alike))) for alike in forms.values() if len(alike) > 1]
