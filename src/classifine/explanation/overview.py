"""Takes explanations of many texts and gives which words push which label, how sure that is, and what looks spurious.

Does not know how words were weighed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from classifine.errors import count

if TYPE_CHECKING:
    from classifine.explanation.attribution import Explanation, Word

SHOWN = 15
# Texts a word has to stand in before it is more than an anecdote.
_LEAST_TEXTS = 2
_CUES = {
    "handle": "a handle, such as @name",
    "address": "an address on the web",
    "punctuation": "punctuation",
    "number": "a number",
}
# A kind of sign that should decide nothing is worth a warning when it comes first in so many texts.
_CUE_SHARE = 0.1
_LEAST_CUES = 3
_SINGLE_SHARE = 0.5


@dataclass(frozen=True)
class Push:
    """What a word does to a label, over the texts it stands in.

    Attributes
    ----------
    word
        As it is written most often, lower and upper case taken together.
    effect
        The mean over texts.
    low, high
        Its 95 % interval (Student's t over texts); none with a single text.
    texts
        In how many of the explained texts it stands.
    """

    word: str
    effect: float
    low: float | None
    high: float | None
    texts: int


@dataclass(frozen=True)
class Overview:
    """Which words push each label most.

    Attributes
    ----------
    texts, ranked
        How many explanations there are, and of how many the words may be ranked.
    pushes
        By label, the words that move it most; those that stand in several texts where there are such.
    warnings
        What looks as if the classifier went by something other than what the text says.
    """

    texts: int
    ranked: int
    pushes: dict[str, tuple[Push, ...]]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "texts": self.texts,
            "ranked": self.ranked,
            "pushes": {label: [asdict(push) for push in found] for label, found in self.pushes.items()},
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Overview:
        """Read what :meth:`to_dict` gave."""
        pushes = {label: tuple(Push(**push) for push in found) for label, found in value["pushes"].items()}
        return cls(value["texts"], value["ranked"], pushes, tuple(value["warnings"]))


def overview(found: Sequence[Explanation], *, shown: int = SHOWN) -> Overview:
    """Bring explanations together; those whose words must not be ranked only count.

    Parameters
    ----------
    found
        The explanations.
    shown
        Words for each label, at most.
    """
    ranked = [one for one in found if one.ranked]
    by_label: dict[str, list[Explanation]] = defaultdict(list)
    for one in ranked:
        by_label[one.label].append(one)
    pushes = {label: _pushes(those, shown) for label, those in sorted(by_label.items())}
    return Overview(len(found), len(ranked), pushes, tuple(_warnings(ranked)))


def _pushes(found: Sequence[Explanation], shown: int) -> tuple[Push, ...]:
    effects: dict[str, dict[int, float]] = defaultdict(dict)
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for number, one in enumerate(found):
        for word in one.words:
            if word.kind == "phrase":
                continue
            key = unicodedata.normalize("NFC", word.text).casefold()
            effects[key][number] = effects[key].get(number, 0.0) + word.effect
            spelled[key][word.text] += 1
    told = [_push(spelled[key].most_common(1)[0][0], list(texts.values())) for key, texts in effects.items()]
    often = [push for push in told if push.texts >= _LEAST_TEXTS]
    kept = often if len(often) >= _LEAST_TEXTS else told
    return tuple(sorted(kept, key=lambda push: (-abs(push.effect) * sqrt(push.texts), push.word))[:shown])


def _push(word: str, effects: list[float]) -> Push:
    mean, n = float(np.mean(effects)), len(effects)
    if n < 2:
        return Push(word, mean, None, None, n)
    from scipy.stats import t

    half = float(t.ppf(0.975, n - 1) * np.std(effects, ddof=1) / sqrt(n))
    return Push(word, mean, mean - half, mean + half, n)


def _warnings(ranked: Sequence[Explanation]) -> list[str]:
    if not ranked:
        return []
    told = []
    first: list[tuple[str, Word]] = [(one.label, one.top(1)[0]) for one in ranked if one.words]
    for kind, words in _CUES.items():
        cases = [label for label, word in first if word.kind == kind]
        if len(cases) >= max(_LEAST_CUES, _CUE_SHARE * len(ranked)):
            label, times = Counter(cases).most_common(1)[0]
            told.append(
                f"{words} counts most in {len(cases)} of {count(len(ranked), 'text')} ({times} of them for or against "
                f"{label!r}): it says little of what a text means"
            )
    for label in sorted({one.label for one in ranked}):
        words_first = [word.text.casefold() for of, word in first if of == label and word.kind != "phrase"]
        word, times = Counter(words_first).most_common(1)[0] if words_first else ("", 0)
        if times >= max(_LEAST_CUES, _CUE_SHARE * len(ranked)) and times >= len(words_first) / 3:
            told.append(f"the word {word!r} counts most in {times} of {len(words_first)} texts explained for {label!r}")
    singles = [one for one in ranked if one.change is not None and len(one.change.places) == 1 and len(one.words) > 5]
    if len(singles) >= max(_LEAST_CUES, _SINGLE_SHARE * len(ranked)):
        told.append(
            f"in {len(singles)} of {count(len(ranked), 'text')} a single word decides: without it the label is another"
        )
    return told
