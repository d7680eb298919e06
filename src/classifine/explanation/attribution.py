"""Takes what was found about one text and gives the record of it: words, effects, faithfulness, in plain JSON.

Does not know how any of it was computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from classifine.explanation.deciding import Change
from classifine.explanation.faithfulness import Faithfulness

if TYPE_CHECKING:
    from classifine.explanation.overview import Overview

FORMAT = 1
_MADE = ("faithfulness", "change", "notes", "words")


@dataclass(frozen=True)
class Word:
    """A word or phrase of an explained text.

    Attributes
    ----------
    text
        Its characters.
    start, end
        Where it stands in its text, as Python counts characters.
    kind
        ``word``, ``number``, ``punctuation``, ``emoji``, ``address``, ``handle``, ``hashtag`` or ``phrase``.
    effect
        How much it speaks for the label; below 0, against it.
    part
        Of a pair, which text it stands in: 1 or 2.
    """

    text: str
    start: int
    end: int
    kind: str
    effect: float
    part: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        part = {} if self.part == 1 else {"part": self.part}
        return {
            "text": self.text, "start": self.start, "end": self.end, "kind": self.kind, "effect": self.effect, **part
        }  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """Why a classifier gives a text a label, as far as taking words away can show it. It speaks of the classifier only.

    Attributes
    ----------
    text, second
        The text, and the second one of a pair.
    label, against
        The label that is explained, and the one it is contrasted with.
    predicted
        What is predicted of the text.
    probabilities
        Of the labels that matter, by name, the most probable first.
    value, base
        What is explained: the label's probability, its log-odds or its lead over the other; and the same without any
        word.
    words
        All words that are read, in the order of the text.
    method, scale, seed, samples
        How it was made; ``samples`` counts perturbed texts, ``scored`` the different texts that were scored in all.
    reason
        Why the words must not be ranked; none where they may be.
    faithfulness
        How true the ranking is to the classifier; none where the text has too few words.
    r2, stability
        How well a linear model fits, and on which share of the first words two halves of the samples agree.
    change
        The smallest set of words found whose removal changes the label.
    notes
        What else a reader has to know, such as that a part is not read.
    id, truth
        Of a row of a data set.
    """

    text: str
    label: str
    predicted: str
    probabilities: Mapping[str, float]
    value: float
    base: float
    words: tuple[Word, ...]
    method: str
    scale: str
    seed: int
    samples: int
    scored: int
    reason: str | None
    faithfulness: Faithfulness | None
    r2: float | None = None
    stability: float | None = None
    change: Change | None = None
    notes: tuple[str, ...] = ()
    against: str | None = None
    second: str | None = None
    id: str | None = None
    truth: str | None = None

    @property
    def ranked(self) -> bool:
        """Whether the words may be ranked."""
        return self.reason is None

    def top(self, most: int = 5) -> tuple[Word, ...]:
        """Give the words that count most, for or against; none where they must not be ranked."""
        return tuple(sorted(self.words, key=lambda word: -abs(word.effect))[:most]) if self.ranked else ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON; what does not apply is left out."""
        plain = {
            name: getattr(self, name)
            for name in (
                *("id", "text", "second", "truth", "predicted", "label", "against", "value", "base"),
                *("method", "scale", "seed", "samples", "scored", "reason", "r2", "stability"),
            )
        }
        found = {name: value for name, value in plain.items() if value is not None}
        if self.faithfulness is not None:
            found["faithfulness"] = self.faithfulness.to_dict()
        if self.change is not None:
            found["change"] = self.change.to_dict()
        return {
            **found,
            "ranked": self.ranked,
            "probabilities": dict(self.probabilities),
            "notes": list(self.notes),
            "words": [word.to_dict() for word in self.words],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Explanation:
        """Read what :meth:`to_dict` gave."""
        plain = {name: one for name, one in value.items() if name not in (*_MADE, "ranked")}
        return cls(
            **{"reason": None, **plain},
            faithfulness=Faithfulness(**value["faithfulness"]) if "faithfulness" in value else None,
            change=Change.from_dict(value["change"]) if "change" in value else None,
            notes=tuple(value["notes"]),
            words=tuple(Word(**word) for word in value["words"]),
        )

    def to_html(self) -> str:
        """Give the text as a piece of HTML, each word coloured by what it does; nothing in it can run."""
        from classifine.explanation.showing import fragment

        return fragment([self])

    def _repr_html_(self) -> str:
        return self.to_html()


@dataclass(frozen=True)
class Explanations(Sequence[Explanation]):
    """Explanations of several texts, in their order; a notebook shows them as coloured texts.

    Attributes
    ----------
    each
        One for each text and label explained.
    overview
        Which words push which label, over all of them.
    """

    each: tuple[Explanation, ...]
    overview: Overview

    def __len__(self) -> int:
        return len(self.each)

    @overload
    def __getitem__(self, place: int) -> Explanation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Explanation]: ...
    def __getitem__(self, place: int | slice) -> Explanation | Sequence[Explanation]:
        """Give one explanation, or some."""
        return self.each[place]

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.each)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as explanations.json holds it."""
        return {
            "format": FORMAT,
            "explanations": [one.to_dict() for one in self.each],
            "overview": self.overview.to_dict(),
        }

    def to_html(self) -> str:
        """Give all of them as a piece of HTML; nothing in it can run."""
        from classifine.explanation.showing import fragment

        return fragment(self.each, self.overview)

    def to_page(self) -> str:
        """Give a whole page that loads and runs nothing."""
        from classifine.explanation.showing import page

        return page(self.each, self.overview)

    def _repr_html_(self) -> str:
        return self.to_html()
