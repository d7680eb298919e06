"""Takes words with effects and the passages people marked in the same text and gives how far both agree.

The agreement of the people with each other stands beside it as the ceiling. Does not know classifiers or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from classifine.explanation.attribution import Word
from classifine.explanation.linear import FloatVector
from classifine.labels import BoolMatrix

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Agreement:
    """How far a ranking agrees with what people marked in one text, and they with each other.

    Attributes
    ----------
    average_precision
        Of the ranking, the words that at least half of the people marked being the right ones (DeYoung et al. 2020).
    f1
        Of as many first words as people marked on average.
    chance
        The share of words marked, which is the average precision of a random order.
    people_f1
        The mean F1 of one person against the majority of the others; none with fewer than two people.
    """

    average_precision: float
    f1: float
    chance: float
    people_f1: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


def agreement(words: Sequence[Word], marked: Sequence[Spans]) -> Agreement | None:
    """Compare a ranking with the passages of each person; none where nobody, or everybody everywhere, marked a word.

    Parameters
    ----------
    words
        The words of the text with their effects.
    marked
        Of each person, beginnings and ends of passages, as Python counts characters.

    Examples
    --------
    >>> words = [Word("so", 0, 2, "word", 0.0), Word("mean", 3, 7, "word", 0.4), Word("man", 8, 11, "word", 0.1)]
    >>> found = agreement(words, [[(3, 7)], [(3, 11)]])
    >>> found.average_precision, round(found.people_f1, 2)
    (1.0, 0.67)
    """
    if not words or not marked:
        return None
    chosen = np.array([[_touches(word, spans) for word in words] for spans in marked], dtype=bool)
    most = chosen.mean(axis=0) >= 0.5
    if not most.any() or most.all():
        return None
    effects = np.array([word.effect for word in words])
    order = np.argsort(-effects, kind="stable")
    size = max(1, round(float(chosen.sum(axis=1).mean())))
    first = np.zeros(len(words), dtype=bool)
    first[order[:size]] = True
    return Agreement(_average_precision(effects, most), _f1(first, most), float(most.mean()), _people(chosen))


def _touches(word: Word, spans: Spans) -> bool:
    return any(word.start < end and start < word.end for start, end in spans)


def _average_precision(effects: FloatVector, right: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(right, effects))


def _f1(found: np.ndarray[Any, np.dtype[np.bool_]], right: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    together = int(found.sum() + right.sum())
    return 2 * int((found & right).sum()) / together if together else 0.0


def _people(chosen: BoolMatrix) -> float | None:
    if len(chosen) < 2:
        return None
    scores = []
    for person in range(len(chosen)):
        others = np.delete(chosen, person, axis=0).mean(axis=0) >= 0.5
        if chosen[person].any() or others.any():
            scores.append(_f1(chosen[person], others))
    return float(np.mean(scores)) if scores else None
