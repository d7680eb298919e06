"""Takes what was predicted rightly, columns and texts and finds the parts of the rows that were predicted worst.

A part is one condition or two together: a value of a column, a word. P values are corrected for all that was examined,
so that what is found is no accident of searching. Does not know models or files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.errors import count
from classifine.evaluation.intervals import share
from classifine.evaluation.metrics import FloatVector
from classifine.evaluation.significance import fisher
from classifine.evaluation.slices import ALPHA, BLANK, OTHERS, Column, Right, Slice, spelled, tidied
from classifine.labels import FloatMatrix
from classifine.resampling import holm

SHOWN = 10
WORD = "word"

_FEWEST_ROWS, _LEAST_SHARE = 20, 0.01
_MOST_WORDS, _MOST_FEATURES = 150, 250
_MOST_ROWS = 100_000  # of more, so many are drawn: the worst parts of a million rows show in them
_ALIKE = 0.8  # parts that share this much of their rows (Jaccard) are the same finding
_EXACT = 400  # candidates whose p values are computed exactly: those that lie furthest off

_WORDS = re.compile(r"\w{2,}")


@dataclass(frozen=True)
class WeakSpots:
    """The parts of the rows that were predicted worst.

    Attributes
    ----------
    slices
        The worst first, by p value; parts that are nearly the same rows are told once. They are shown to be worse
        where ``worse`` says so.
    examined
        How many parts were looked at.
    fewest
        How many rows a part had to have.
    rows
        How many rows were looked at.
    """

    slices: tuple[Slice, ...]
    examined: int
    fewest: int
    rows: int

    @property
    def sentence(self) -> str:
        """Say which parts are shown to be worse."""
        looked = f"{count(self.examined, 'part')} of at least {self.fewest} rows {_were(self.examined)} examined"
        worse = [one for one in self.slices if one.worse]
        if not worse:
            return (
                f"{looked}, by one condition and by two; after correction for their number, none is shown to be worse."
            )
        named = "; ".join(
            f"{spelled(one.conditions)} ({one.accuracy.value:.3f} against {one.rest:.3f}, n = {one.n:,})"
            for one in worse[:3]
        )
        return (
            f"{looked}, by one condition and by two; shown to be worse after correction for their number: {named}"
            + (f" and {len(worse) - 3} more" if len(worse) > 3 else "")
            + ". Whatever is picked out as the worst looks a little worse than it is."
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "sentence": self.sentence,
            "examined": self.examined,
            "fewest": self.fewest,
            "rows": self.rows,
            "alpha": ALPHA,
            "method": "Fisher's exact test (one-sided) against all other rows, corrected by Holm within single and "
            "within double conditions, and for there being both",
            "slices": [one.to_dict() for one in self.slices],
        }


def weak_spots(columns: Sequence[Column], texts: Sequence[str], right: Right, *, seed: int = 42) -> WeakSpots:
    """Find the parts of the rows that were predicted worst.

    Conditions are the values of the columns that are known before anybody labels a text, and the 150 words that stand
    in the most texts. A part has at least 20 rows and a hundredth of all, and at most half of them. A part by two
    conditions is told only where it is worse than by each of them alone.

    Parameters
    ----------
    columns
        What is known of each row.
    texts
        Their texts.
    right
        Whether each row was predicted rightly, shape [n].
    seed
        Which rows are looked at where there are more than 100,000.
    """
    n = len(right)
    if n > _MOST_ROWS:
        drawn = np.sort(np.random.default_rng(seed).choice(n, _MOST_ROWS, replace=False)).tolist()
        taken = [Column(one.name, tuple(one.values[row] for row in drawn), one.told, one.known) for one in columns]
        return weak_spots(taken, [texts[row] for row in drawn], right[drawn], seed=seed)
    fewest = max(_FEWEST_ROWS, int(np.ceil(_LEAST_SHARE * n)))
    names, has = _features([one for one in columns if one.known], texts, fewest, n)
    wrong = (~right).astype(np.float32)
    counts, misses = has.T @ has, has.T @ (has * wrong[:, None])
    alone = _candidates(np.diagonal(counts), np.diagonal(misses), right, fewest)
    ones, twos = np.triu_indices(len(names), 1)
    apart = np.array([names[a][0] != names[b][0] or names[a][0] == WORD for a, b in zip(ones, twos, strict=True)], bool)
    ones, twos = ones[apart], twos[apart]
    both = _candidates(counts[ones, twos], misses[ones, twos], right, fewest)
    rates = np.diagonal(misses) / np.maximum(np.diagonal(counts), 1)
    found = [_Part(p, corrected, (names[place],), has[:, place] > 0) for place, p, corrected in alone.worst]
    found += [
        _Part(p, corrected, (names[ones[place]], names[twos[place]]), (has[:, ones[place]] * has[:, twos[place]]) > 0)
        for place, p, corrected in both.worst
        if misses[ones[place], twos[place]] / counts[ones[place], twos[place]]
        > max(rates[ones[place]], rates[twos[place]])
    ]
    return WeakSpots(_told_once(found, right), alone.examined + both.examined, fewest, n)


@dataclass(frozen=True, eq=False)
class _Part:
    p: float
    corrected: float
    conditions: tuple[tuple[str, str], ...]
    rows: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Worst:
    """Places of parts with their p values, the worst first, and how many parts were examined."""

    worst: tuple[tuple[int, float, float], ...]
    examined: int


def _features(
    columns: Sequence[Column], texts: Sequence[str], fewest: int, n: int
) -> tuple[list[tuple[str, str]], npt.NDArray[np.float32]]:
    """Give the conditions, and which rows meet each, shape [n, n_conditions]."""
    names: list[tuple[str, str]] = []
    held: list[npt.NDArray[np.bool_]] = []
    for column in columns:
        cells = np.array(tidied(column).values, dtype=object)
        for value, rows in sorted(Counter(cells.tolist()).items()):
            if fewest <= rows <= n / 2 and value not in (BLANK, OTHERS) and len(names) < _MOST_FEATURES - _MOST_WORDS:
                names.append((column.name, value))
                held.append(cells == value)
    words_of = [set(_WORDS.findall(text.casefold())) for text in texts]
    counts = Counter(word for words in words_of for word in words)
    usual = sorted((word for word in counts if fewest <= counts[word] <= n / 2), key=lambda word: (-counts[word], word))
    for word in usual[:_MOST_WORDS]:
        names.append((WORD, word))
        held.append(np.fromiter((word in words for words in words_of), np.bool_, n))
    has = np.stack(held, axis=1).astype(np.float32) if held else np.zeros((n, 0), np.float32)
    return names, has


def _candidates(counts: FloatMatrix, misses: FloatMatrix, right: Right, fewest: int) -> _Worst:
    """Test the parts that are large enough; p values of those that lie nearest to the rest are taken as 1."""
    n, all_misses = len(right), int((~right).sum())
    large = np.flatnonzero((counts >= fewest) & (counts <= n / 2))
    if not len(large) or not all_misses:
        return _Worst((), len(large))
    expected = counts[large] * all_misses / n
    spread = np.sqrt(np.maximum(expected * (1 - counts[large] / n), 1e-12))
    off: FloatVector = (misses[large] - expected) / spread
    chosen = large[np.argsort(-off, kind="stable")[:_EXACT]]
    tested = [fisher(int(misses[place]), int(counts[place]), all_misses, n, more=True) for place in chosen]
    # twice: for single and for double conditions; the untested ones count in their number
    corrected = holm([*tested, *([1.0] * (len(large) - len(tested)))])[: len(tested)]
    ranked = sorted(zip(chosen.tolist(), tested, corrected, strict=True), key=lambda one: (one[1], one[0]))
    return _Worst(tuple((place, p, min(1.0, 2 * value)) for place, p, value in ranked), len(large))


def _told_once(found: Sequence[_Part], right: Right) -> tuple[Slice, ...]:
    """Take the worst parts, without those that are nearly the same rows as one that was taken."""
    kept: list[_Part] = []
    n, all_right = len(right), int(right.sum())
    for part in sorted(found, key=lambda one: (one.corrected, one.p, len(one.conditions))):
        if len(kept) == SHOWN or (kept and part.corrected >= ALPHA and len(kept) >= SHOWN // 2):
            break
        if all((part.rows & one.rows).sum() < _ALIKE * (part.rows | one.rows).sum() for one in kept):
            kept.append(part)
    slices = []
    for part in kept:
        size, hits = int(part.rows.sum()), int(right[part.rows].sum())
        rest = (all_right - hits) / (n - size)
        slices.append(Slice(part.conditions, size, share(hits, size), rest, part.p, part.corrected))
    return tuple(slices)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
