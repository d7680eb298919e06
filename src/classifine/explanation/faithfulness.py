"""Takes a ranking of words and gives how much taking the first ones away, or keeping only them, changes the answer.

Beside it stand random orders of the same words: a ranking that is no better is none. Does not know how it was made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import numpy as np

from classifine.explanation.linear import FloatVector
from classifine.explanation.masking import Masked, Target

# Shares of the words that are taken away, or kept alone; the measures are means over them.
SHARES = (0.1, 0.3, 0.5)
ORDERS = 6
# What a word has to move to be worth naming: a percentage point of probability, or a tenth of log-odds.
_NEGLIGIBLE = {"probability": 0.01, "log-odds": 0.1}
# Below this, the linear model says little of what the scorer does.
_LEAST_R2 = 0.2
_LEAST_STABILITY = 0.4
# Differences that are rounding only.
_EQUAL = 1e-9


@dataclass(frozen=True)
class Faithfulness:
    """How true a ranking is to the scorer, after DeYoung et al. 2020 ("ERASER", ACL), over shares of words.

    Attributes
    ----------
    comprehensiveness
        What the explained number loses when the first words are taken away; the more, the better.
    sufficiency
        What it loses when only they are kept; the less, the better.
    random_comprehensiveness, random_sufficiency
        The same for random orders, their mean.
    outdone
        By how many of the random orders the ranking is outdone, in comprehensiveness less sufficiency.
    orders
        How many random orders there were.
    """

    comprehensiveness: float
    sufficiency: float
    random_comprehensiveness: float
    random_sufficiency: float
    outdone: int
    orders: int

    @property
    def gain(self) -> float:
        """What the ranking is better by than random orders, both measures together."""
        random = self.random_comprehensiveness - self.random_sufficiency
        return self.comprehensiveness - self.sufficiency - random

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


def faithfulness(
    masked: Masked,
    target: Target,
    values: FloatVector,
    *,
    seed: int = 42,
    orders: int = ORDERS,
    shares: tuple[float, ...] = SHARES,
) -> Faithfulness:
    """Measure a ranking against random orders.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained.
    values
        How much each word speaks for it, shape [n_words].
    seed, orders
        Where draws start, and how many random orders there are.
    shares
        Of the words.
    """
    n = len(values)
    rng = np.random.default_rng([seed, 1])
    rankings = np.stack([np.argsort(-values, kind="stable"), *(rng.permutation(n) for _ in range(orders))])
    taken = sorted({min(n, max(1, ceil(share * n))) for share in shares})
    # [ranking, share, kept or taken away, word]
    kept = np.zeros((len(rankings), len(taken), 2, n), dtype=bool)
    for row, ranking in enumerate(rankings):
        for column, size in enumerate(taken):
            kept[row, column, 0, ranking[size:]] = True
            kept[row, column, 1, ranking[:size]] = True
    whole = float(target.of(masked.rows(np.ones((1, n), dtype=bool)))[0])
    lost = whole - target.of(masked.rows(kept.reshape(-1, n))).reshape(len(rankings), len(taken), 2).mean(axis=1)
    gain = lost[:, 0] - lost[:, 1]
    random = lost[1:].mean(axis=0) if orders else np.zeros(2)
    return Faithfulness(
        float(lost[0, 0]),
        float(lost[0, 1]),
        float(random[0]),
        float(random[1]),
        int((gain[1:] > gain[0] + _EQUAL).sum()),
        orders,
    )


def refusal(
    values: FloatVector,
    found: Faithfulness | None,
    *,
    scale: str,
    joint: float,
    r2: float | None = None,
    stability: float | None = None,
    further: str | None = None,
) -> str | None:
    """Say why words should not be ranked by these values, or nothing where they may be.

    Parameters
    ----------
    values
        How much each word counts, shape [n_words].
    found
        How faithful that is; none where there are too few words to ask.
    scale
        What the values are differences of.
    joint
        What all words change together.
    r2, stability
        How well a linear model fits, and on which share of first words two halves of the samples agree.
    further
        A method that may tell more.
    """
    if len(values) == 0:
        return "there is no word in it"
    least = _NEGLIGIBLE[scale]
    if float(np.abs(values).max()) < least:
        points = f"{least:.2f}" if scale == "probability" else f"{least:.1f} log-odds"
        together = f", though all together change it by {joint:+.2f}" if abs(joint) >= 5 * least else ""
        advice = f"; the method {further} may tell more" if together and further else ""
        return f"no word moves it by {points} or more{together}{advice}"
    if len(values) == 1:
        return None
    if r2 is not None and r2 < _LEAST_R2:
        return f"effects of single words do not add up to what the classifier does (R² {r2:.2f})"
    if stability is not None and len(values) > 2 and stability < _LEAST_STABILITY:
        return f"two halves of the samples agree on {stability:.0%} of the first words only; take more samples"
    if found is not None and len(values) > 3 and found.orders and (found.outdone or found.gain <= _EQUAL):
        lost = f"{max(found.outdone, 1)} of {found.orders} random orders"
        return f"taking away its first words, or keeping only them, tells no more of the answer than {lost}"
    return None
