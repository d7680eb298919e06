"""Takes a text, its words and a scorer and gives what the scorer says of the text without some of its words.

Equal texts are scored once, texts of similar length together, and only so many at a time are held.
Does not know which words are to be taken away, or why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from classifine.explanation.words import Unit, phrases, words
from classifine.labels import BoolMatrix, FloatMatrix
from classifine.model.classifier import Scorer
from classifine.pairs import joined, parted

FloatVector = npt.NDArray[np.float64]
Scale = Literal["probability", "log-odds"]
Pieces = Literal["auto", "words", "phrases"]
# Texts handed to the scorer at once; it makes its own batches of them.
_AT_ONCE = 1024
# Words up to which each is looked at by itself; a longer text is explained by its phrases.
MOST_WORDS = 64
# Keeps logarithms of probabilities finite.
_LEAST = 1e-9


@dataclass(frozen=True)
class Passage:
    """A text as far as it is read, divided into what can be taken away.

    Attributes
    ----------
    text
        The whole text; of a pair, both texts as :func:`classifine.pairs.joined` puts them together.
    units
        The words or phrases that are read, in order; what is not read is in no text that is scored, save the whole.
    pair
        Where the second text of a pair begins; none where there is one text.
    """

    text: str
    units: tuple[Unit, ...]
    pair: int | None = None

    @classmethod
    def of(
        cls,
        text: str,
        *,
        pair: bool = False,
        pieces: Pieces = "auto",
        most: int = MOST_WORDS,
        read: Sequence[tuple[int, int]] | None = None,
    ) -> Passage:
        """Divide a text, or both texts of a pair.

        Parameters
        ----------
        text
            The text.
        pair
            Whether it holds two texts.
        pieces
            Words, phrases, or ``auto``: words, and of a text with more than ``most`` of them, phrases.
        most
            How many phrases there are at most.
        read
            From where to where the text is read, several times; without it, all of it.
        """
        one, two = parted(text) if pair else (text, "")
        second = len(text) - len(two) if pair else None
        found = words(one) + tuple(Unit(u.start + (second or 0), u.end + (second or 0), u.kind) for u in words(two))
        if read is not None:
            found = tuple(unit for unit in found if any(start <= unit.start < end for start, end in read))
        if pieces == "words" or (pieces == "auto" and len(found) <= most):
            return cls(text, found, second)
        if pieces == "phrases":
            most = max(2, min(most, -(-len(found) // 4)))
        if second is None:
            return cls(text, phrases(text, found, most), None)
        of_one = tuple(unit for unit in found if unit.start < second)
        of_two = found[len(of_one) :]
        room = max(1, round(most * len(of_one) / max(1, len(found))))
        return cls(text, phrases(text, of_one, room) + phrases(text, of_two, max(1, most - room)), second)

    def __len__(self) -> int:
        return len(self.units)

    def word(self, place: int) -> str:
        """Give the characters of a word."""
        return self.text[self.units[place].start : self.units[place].end]

    def without(self, kept: Sequence[bool] | npt.NDArray[np.bool_]) -> str:
        """Give the text with these words kept and the others taken away, with the white space around them.

        Where all are kept, it is the text as it is.

        Parameters
        ----------
        kept
            Of each word, shape [n_words].
        """
        left = np.flatnonzero(kept)
        if len(left) == len(self.units):
            return self.text
        if self.pair is None:
            return self._joined(left)
        cut = int(np.searchsorted([self.units[place].start for place in left], self.pair))
        return joined(self._joined(left[:cut]), self._joined(left[cut:]))

    def _joined(self, left: npt.NDArray[np.intp]) -> str:
        found = []
        before: int | None = None
        for place in left.tolist():
            if before is not None:
                found.append(self._between(before, place))
            found.append(self.word(place))
            before = place
        return "".join(found)

    def _between(self, before: int, after: int) -> str:
        """Give what stands between two words when those between them are gone: one gap, white space if there is any."""
        gaps = [self.text[self.units[at].end : self.units[at + 1].start] for at in range(before, after)]
        found = next((gap for gap in gaps if gap), "")
        return found if found.isspace() or not any(letter.isalnum() for letter in found) else " "


@dataclass(frozen=True)
class Target:
    """The number that is explained: a label's probability, or how far it lies above another label's.

    Attributes
    ----------
    label, against
        Columns of the label and of the one it is contrasted with.
    scale
        Probabilities, or log-odds; of a contrast, the logarithm of the ratio of both probabilities.
    """

    label: int
    against: int | None = None
    scale: Scale = "probability"

    def of(self, rows: FloatMatrix) -> FloatVector:
        """Give the number of each row of probabilities, shape [n]."""
        found: FloatVector
        if self.scale == "probability":
            found = rows[:, self.label] if self.against is None else rows[:, self.label] - rows[:, self.against]
            return found
        safe = np.clip(rows, _LEAST, 1 - _LEAST)
        other = 1 - safe[:, self.label] if self.against is None else safe[:, self.against]
        found = np.log(safe[:, self.label]) - np.log(other)
        return found


class Masked:
    """Scores a passage without some of its words; what was scored once is remembered.

    Parameters
    ----------
    scorer
        What scores texts.
    passage
        The text and its words.

    Attributes
    ----------
    scored
        How many different texts have been scored.
    """

    def __init__(self, scorer: Scorer, passage: Passage) -> None:
        self.passage = passage
        self.scored = 0
        self._scorer = scorer
        self._known: dict[bytes, FloatVector] = {}

    def rows(self, kept: BoolMatrix) -> FloatMatrix:
        """Give the probabilities of the passage with these words kept.

        Parameters
        ----------
        kept
            Shape [n, n_words].

        Returns
        -------
        FloatMatrix
            Shape [n, n_labels].
        """
        found = np.empty((len(kept), len(self._scorer.space)))
        for start in range(0, len(kept), _AT_ONCE * 4):
            texts = [self.passage.without(row) for row in kept[start : start + _AT_ONCE * 4]]
            keys = [hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=16).digest() for one in texts]
            self._score({key: one for key, one in zip(keys, texts, strict=True) if key not in self._known})
            for row, key in enumerate(keys, start):
                found[row] = self._known[key]
        return found

    def _score(self, new: dict[bytes, str]) -> None:
        ordered = sorted(new.items(), key=lambda item: (len(item[1]), item[0]))
        for start in range(0, len(ordered), _AT_ONCE):
            chunk = ordered[start : start + _AT_ONCE]
            probabilities = self._scorer.predict_proba([text for _, text in chunk])
            for (key, _), row in zip(chunk, probabilities, strict=True):
                self._known[key] = np.array(row, dtype=np.float64)
        self.scored += len(new)
