"""Takes a passage that can be scored without some of its words and gives how much each word counts.

Leave-one-out, LIME, Kernel SHAP and permutation Shapley values, all over predict_proba, all with a seed.
Does not know what becomes of the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from classifine.explanation.linear import FloatVector, ridge, summing
from classifine.explanation.masking import Masked, Target
from classifine.labels import BoolMatrix, IntVector

# Width of LIME's kernel over cosine distances times 100, as in Ribeiro's package.
KERNEL_WIDTH = 25.0
# The package penalises by 1, which shrinks what few samples, or a short text whose rows hardly count, tell.
LIME_PENALTY = 1e-4
# How many words have to be the same before a ranking counts as settled.
TOP = 5
_LIME_SAMPLES, _SHAP_SAMPLES, _PERMUTATIONS = 1000, 512, 12
_STEP = 128


@dataclass(frozen=True)
class Effects:
    """How much each word counts.

    Attributes
    ----------
    values
        Shape [n_words]; above 0 for what speaks for the label.
    samples
        Perturbed texts the values rest on, equal ones counted again.
    r2
        How well a linear model describes what the scorer says of them, where one was fitted.
    stability
        Of the words that count most, the share on which two halves of the samples agree; none without chance.
    notes
        What a reader has to know of them.
    """

    values: FloatVector
    samples: int
    r2: float | None = None
    stability: float | None = None
    notes: tuple[str, ...] = ()


def leave_one_out(masked: Masked, target: Target, *, samples: int | None = None, seed: int = 42) -> Effects:
    """Give what the number loses when one word alone is taken away; nothing in it is chance.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained.
    samples, seed
        Without effect; each word is taken away once.
    """
    n = len(masked.passage)
    values = target.of(masked.rows(np.vstack([np.ones(n, bool), ~np.eye(n, dtype=bool)])))
    return Effects(values[0] - values[1:], n + 1)


def lime(masked: Masked, target: Target, *, samples: int | None = None, seed: int = 42) -> Effects:
    """Give the coefficients of LIME's linear model around the text.

    Random numbers of random words are taken away; rows count by a kernel over the cosine distance to the text, and a
    ridge regression is fitted. Ribeiro, Singh and Guestrin 2016, "Why should I trust you?", KDD; with the kernel of
    their package, but hardly a penalty, and with each occurrence of a word by itself.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained.
    samples
        How many; without a number, until two halves of them rank the same words first, at most 1,000.
    seed
        Where draws start.
    """
    n, rng = len(masked.passage), np.random.default_rng(seed)

    def more(wanted: int, first: bool) -> BoolMatrix:
        kept = np.ones((wanted, n), dtype=bool)
        for row, gone in enumerate(rng.integers(1, n + 1, size=wanted)):
            kept[row, rng.choice(n, gone, replace=False)] = False
        if first:
            kept[0] = True
        return kept

    def fit(kept: BoolMatrix, values: FloatVector) -> tuple[FloatVector, float]:
        return ridge(kept, values, kernel(kept), penalty=LIME_PENALTY)

    return _sampled(masked, target, more, fit, samples, _LIME_SAMPLES)


def kernel(kept: BoolMatrix, width: float = KERNEL_WIDTH) -> FloatVector:
    """Say how much each row counts: exp(-d²/width²)^½ of its cosine distance d, times 100, to the row of all words."""
    cosine = np.sqrt(kept.mean(axis=1))
    found: FloatVector = np.sqrt(np.exp(-((100 * (1 - cosine)) ** 2) / width**2))
    return found


def kernel_shap(masked: Masked, target: Target, *, samples: int | None = None, seed: int = 42) -> Effects:
    """Give Shapley values estimated by a weighted regression over sets of words, each with its complement.

    Lundberg and Lee 2017, "A unified approach to interpreting model predictions", NeurIPS; paired as in Covert and Lee
    2021, AISTATS. The smallest and largest sets are all taken where there is room; where there is room for all sets,
    the values are exact. They add up to what all words change together.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained.
    samples
        How many; without a number, until two halves of them rank the same words first, at most 512.
    seed
        Where draws start.
    """
    n, rng = len(masked.passage), np.random.default_rng(seed)
    most = samples or _SHAP_SAMPLES
    ends = target.of(masked.rows(np.array([[False] * n, [True] * n])))
    if n == 1:
        return Effects(np.array([ends[1] - ends[0]]), 2, 1.0)
    share = _shares(n)
    whole = _whole_sizes(n, most)
    sets = [one for size in whole for one in combinations(range(n), size)]
    fixed = np.zeros((len(sets), n), dtype=bool)
    for row, chosen in enumerate(sets):
        fixed[row, list(chosen)] = True
    counted = np.array([share[len(one)] / comb(n, len(one)) for one in sets])
    sizes = np.array([size for size in range(1, n) if size not in whole], dtype=np.int64)
    of_sizes = np.array([share[size] for size in sizes])
    of_sampled = float(of_sizes.sum())

    def more(wanted: int, first: bool) -> BoolMatrix:
        half = max(1, wanted // 2)
        kept = np.zeros((half, n), dtype=bool)
        for row, size in enumerate(rng.choice(sizes, half, p=of_sizes / of_sampled)):
            kept[row, rng.choice(n, size, replace=False)] = True
        return np.stack([kept, ~kept], axis=1).reshape(-1, n)

    known = target.of(masked.rows(fixed)) if sets else np.zeros(0)

    def fit(kept: BoolMatrix, values: FloatVector) -> tuple[FloatVector, float]:
        weights = np.concatenate([counted, np.full(len(kept), of_sampled / max(1, len(kept)))])
        rows, told = np.vstack([fixed, kept]), np.concatenate([known, values])
        return summing(rows, told, weights, empty=float(ends[0]), full=float(ends[1]))

    if not len(sizes):
        values, r2 = fit(np.zeros((0, n), dtype=bool), np.zeros(0))
        return Effects(values, len(sets) + 2, r2)
    room = max(2, most - len(sets) - 2)
    found = _sampled(masked, target, more, fit, room if samples else None, room, together=2)
    return Effects(found.values, found.samples + len(sets) + 2, found.r2, found.stability)


def _shares(n: int) -> dict[int, float]:
    """Give the weight of all sets of each size together, in the Shapley kernel; they add up to 1."""
    raw = {size: 1 / (size * (n - size)) for size in range(1, n)}
    total = sum(raw.values())
    return {size: weight / total for size, weight in raw.items()}


def _whole_sizes(n: int, samples: int) -> set[int]:
    """Give the sizes of which every set is looked at: from both ends inwards, while half of the room is left."""
    found: set[int] = set()
    left = samples - 2
    for size in range(1, n // 2 + 1):
        pair = {size, n - size}
        sets = sum(comb(n, one) for one in pair)
        rest = 2**n - 2 - sum(comb(n, one) for one in found | pair)
        if sets > (left if rest == 0 else left // 2):
            break
        found |= pair
        left -= sets
    return found


def shapley(masked: Masked, target: Target, *, samples: int | None = None, seed: int = 42) -> Effects:
    """Give Shapley values as means over random orders in which words are added, each order also backwards.

    Castro, Gómez and Tejada 2009; backwards, too, as in Mitchell et al. 2022, JMLR. They add up to what all words
    change together, exactly.

    Parameters
    ----------
    masked, target
        The passage, and the number that is explained.
    samples
        How many texts, an order with its reverse taking twice as many as there are words; without a number, until two
        halves of the orders rank the same words first, at most 12 orders and their reverses.
    seed
        Where draws start.
    """
    n, rng = len(masked.passage), np.random.default_rng(seed)
    most = _PERMUTATIONS if samples is None else max(1, samples // (2 * n))
    gains: list[FloatVector] = []
    last: frozenset[int] = frozenset()
    for number in range(1, most + 1):
        order = rng.permutation(n)
        gains.append((_gains(masked, target, order) + _gains(masked, target, order[::-1])) / 2)
        if samples is None and number >= 4 and number % 2 == 0:
            now = _top(np.mean(gains, axis=0))
            if now == last and _agreement(np.mean(gains[::2], axis=0), np.mean(gains[1::2], axis=0)) == 1:
                break
            last = now
    halves = _agreement(np.mean(gains[::2], axis=0), np.mean(gains[1::2], axis=0)) if len(gains) > 1 else None
    return Effects(np.mean(gains, axis=0), len(gains) * 2 * n, None, halves if n > 1 else None)


def _gains(masked: Masked, target: Target, order: IntVector) -> FloatVector:
    """Give what each word changes when words are added in an order."""
    n = len(order)
    kept = np.zeros((n + 1, n), dtype=bool)
    for row, place in enumerate(order, 1):
        kept[row:, place] = True
    found = np.empty(n)
    found[order] = np.diff(target.of(masked.rows(kept)))
    return found


def _sampled(
    masked: Masked,
    target: Target,
    more: Callable[[int, bool], BoolMatrix],
    fit: Callable[[BoolMatrix, FloatVector], tuple[FloatVector, float]],
    samples: int | None,
    most: int,
    together: int = 1,
) -> Effects:
    """Draw samples, all at once where their number is given, else until halves of them agree; fit a model to them."""
    kept = np.zeros((0, len(masked.passage)), dtype=bool)
    values = np.zeros(0)
    last: frozenset[int] = frozenset()
    while len(kept) < (samples or most):
        wanted = samples or min(_STEP, most - len(kept))
        drawn = more(wanted, len(kept) == 0)
        kept, values = np.vstack([kept, drawn]), np.concatenate([values, target.of(masked.rows(drawn))])
        coefficients, r2 = fit(kept, values)
        # samples that belong together stay in the same half
        first = np.arange(len(kept)) // together % 2 == 0
        agreed = _agreement(fit(kept[first], values[first])[0], fit(kept[~first], values[~first])[0])
        now = _top(coefficients)
        if samples or (agreed == 1 and now == last):
            break
        last = now
    return Effects(coefficients, len(kept), r2, agreed)


def _top(values: FloatVector) -> frozenset[int]:
    return frozenset(np.argsort(-np.abs(values), kind="stable")[:TOP].tolist())


def _agreement(one: FloatVector, two: FloatVector) -> float:
    """Give the share of the words that count most on which two rankings agree."""
    return len(_top(one) & _top(two)) / max(1, min(TOP, len(one)))
