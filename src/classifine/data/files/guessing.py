"""Takes bytes that are not UTF-8 and gives the encodings they may be in, each with a confidence.

Each candidate's reading is weighed by how well one language's letters explain it; readings that are the same text
support each other. Does not know files.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from classifine.data.files.alphabets import ALPHABETS, ALWAYS, IDEOGRAPHIC

# Measured: of all wrong first guesses, none came to more than 0.9987 (docs/decisions/0005-csv-engine.md).
CONFIDENT = 0.9999

# In this order where two give the same text: the more widely used first.
CANDIDATES = (
    "cp1252", "iso8859-15", "cp1250", "cp1251", "koi8-r", "koi8-u", "mac-roman", "cp1254", "cp1253", "cp1256",
    "cp1255", "cp1257", "iso8859-2", "iso8859-5", "cp866", "mac-cyrillic", "mac-latin2", "cp850", "cp852", "iso8859-6",
    "iso8859-7", "gb18030", "big5", "cp932", "euc_jp", "cp949",
)  # fmt: skip

_UNEXPLAINED = 14.0
_RARE = 13.0
_IMPOSSIBLE = 20.0
_MARK = 7.0
_SWAPPED = 10.0  # a capital behind a small letter of its word, or no letter at all in it
_LEAST_EXPLAINED = {False: 0.95, True: 0.3}
# Letters of one text depend on each other, and the alphabets are rough: a bit of difference counts as a part of one.
_WORTH = 0.25
_WORDS = 2_000
_LATIN = {language for language, letters in ALPHABETS.items() if letters[0] < "\u0370"}
_BREAK = re.compile(rb"[\x00-\x2f:;<=>?]+")
_WORD = re.compile(r"[^\W\d_]+|[^\x00-\x7f]")


@dataclass(frozen=True)
class Guess:
    """An encoding that the bytes may be in, and how surely (0 to 1)."""

    encoding: str
    confidence: float


@dataclass(frozen=True)
class _Reading:
    encoding: str
    text: str
    bits: float
    sound: bool


def guesses(sample: bytes) -> list[Guess]:
    """Give the encodings a sample may be in, the likeliest first.

    Parameters
    ----------
    sample
        Whole lines that hold more than ASCII.

    Returns
    -------
    list
        At most one encoding per reading, so that Latin-1 is never named beside cp1252. The confidence of the first
        is 0 where even its reading has characters that no one language explains.

    Examples
    --------
    >>> guesses("Die Straße führt über die Brücke, später dann durch ein Wäldchen zurück.".encode("cp1252"))[0].encoding
    'cp1252'
    """
    # Each word counts once; no byte below 0x40 but a digit is part of a longer character in any candidate.
    words = [word for word in dict.fromkeys(_BREAK.split(sample)) if not word.isascii()]
    whole = b"\n".join(words[:_WORDS])
    readings: dict[str, _Reading] = {}
    for encoding in CANDIDATES:
        try:
            text = whole.decode(encoding)
        except UnicodeError:
            continue
        if text not in readings:
            readings[text] = _weighed(encoding, text)
    ranked = sorted(readings.values(), key=lambda reading: reading.bits)
    found = []
    for position, reading in enumerate(ranked):
        rival = ranked[1] if position == 0 and len(ranked) > 1 else ranked[0]
        ahead = (rival.bits - reading.bits) * _WORTH if len(ranked) > 1 else _UNEXPLAINED
        confidence = 1 / (1 + 2 ** -max(-60.0, min(60.0, ahead))) if reading.sound else 0.0
        found.append(Guess(reading.encoding, round(confidence, 6)))
    return found


def _weighed(encoding: str, text: str) -> _Reading:
    """Give the bits it takes to write the beyond-ASCII characters of a text, in the language that takes fewest."""
    found: Counter[tuple[str, bool]] = Counter()
    plain = 0
    for word in _WORD.findall(text):
        if word.isascii():
            continue
        for before, character, after in zip(" " + word[:-1], word, word[1:] + " ", strict=True):
            if character > "\x7f":
                swapped = (before.islower() and character.isupper()) or (character.islower() and after.isupper())
                within = len(word) > 1 and not character.isalpha()  # such as a fraction in the midst of a word
                found[character, swapped or within] += 1
            else:
                plain += 1
    total = found.total()
    capitals = sum(number for (character, _), number in found.items() if character.isupper())
    small = sum(number for (character, _), number in found.items() if character.islower())
    best = (math.inf, False)
    for language in ALPHABETS:
        bits, known = _bits_in(language, found)
        sound = total > 0 and known >= _LEAST_EXPLAINED[language in IDEOGRAPHIC] * total
        if language not in _LATIN and language not in IDEOGRAPHIC:
            bits += plain * _UNEXPLAINED  # two scripts in one word
            # Two encodings of Cyrillic differ by case alone, so that a text in one case cannot be told.
            sound = sound and (capitals + small == 0 or capitals > 0)
        best = min(best, (bits, sound and small >= capitals))
    return _Reading(encoding, text, *best)


def _bits_in(language: str, found: Mapping[tuple[str, bool], int]) -> tuple[float, int]:
    """Give the bits of the characters found, and how many of them the language explains."""
    table = _bits(language)
    bits, known = 0.0, 0
    for (character, swapped), number in found.items():
        cost = table.get(character) or table.get(character.lower())
        if cost is not None:
            bits += number * (cost + _SWAPPED * swapped)
            known += 0 if swapped else number
        elif language in IDEOGRAPHIC and "\u3400" <= character <= "\ud7a3":
            bits += number * _RARE
        else:
            bits += number * (_UNEXPLAINED if character.isprintable() else _IMPOSSIBLE)
    return bits, known


@cache
def _bits(language: str) -> Mapping[str, float]:
    """Give the bits of each character, from its rank: the frequencies of letters fall about as one through the rank."""
    letters = ALPHABETS[language]
    total = sum(1 / (rank + 2) for rank in range(len(letters)))
    table = {letter: math.log2(total * (rank + 2)) for rank, letter in enumerate(letters)}
    table |= dict.fromkeys((mark for mark in ALWAYS if mark not in table), _MARK)
    return table
