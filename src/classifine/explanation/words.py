"""Takes a text and gives its words with their places: what an explanation may take away one at a time.

Every script counts: marks and joiners stay with their letters, an emoji is one word, an ideograph, too; addresses,
handles and hashtags are kept whole. Does not know tokenizers, models or labels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["word", "number", "punctuation", "emoji", "address", "handle", "hashtag", "phrase"]

# What is one word although other signs stand in it; EDOS and other corpora write [USER] and [URL] for what they hid.
_WHOLE = re.compile(
    r"(?P<address>(?:https?://|www\.)[^\s<>\"'«»“”]+|\[URL\]|<url>|\bHTTPURL\b)"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<handle>@\w+|\[USER\]|<user>)"
    r"|(?P<hashtag>\#\w+)",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?)]}…'\"»”"
_JOINERS = "\u200c\u200d"
_VARIATION = "\ufe0e\ufe0f"
_KEYCAP = "\u20e3"
# Between two letters these belong to the word: don't, l’été, CO2-Steuer, naïve‐bayes, עו״ד.
_INNER_OF_WORDS = "'’-\u2010\u2011\u05f3\u05f4\u00ad"
_INNER_OF_NUMBERS = ".,:'’٫٬"
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
# Scripts written without spaces between words: each group of a letter and its marks is a word of its own.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x309F))
_EMOJI = ((0x1F000, 0x1FAFF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x2300, 0x23FF), (0x2190, 0x21FF))
_FLAGS = (0x1F1E6, 0x1F1FF)
_SKIN = (0x1F3FB, 0x1F3FF)
_TAGS = (0xE0020, 0xE007F)
# The end of a sentence, or of a part of one, in the scripts that have such signs.
_SENTENCE_ENDS = frozenset(".!?…。！？।؟۔")
_CLAUSE_ENDS = _SENTENCE_ENDS | frozenset(",;:،؛，；：、")


@dataclass(frozen=True)
class Unit:
    """A piece of a text that is kept or taken away as a whole.

    Attributes
    ----------
    start, end
        Its characters, as Python counts them.
    kind
        What it is: a word, a number, punctuation, an emoji, an address, a handle, a hashtag, or a phrase of several.
    """

    start: int
    end: int
    kind: Kind


def words(text: str) -> tuple[Unit, ...]:
    """Divide a text into words.

    Parameters
    ----------
    text
        Any text; characters that are neither white space nor unseen belong to exactly one word.

    Examples
    --------
    >>> text = "Klimaschutz-Demo: don't miss it, @anna!! 👩🏽‍🚀"
    >>> [text[unit.start : unit.end] for unit in words(text)]
    ['Klimaschutz-Demo', ':', "don't", 'miss', 'it', ',', '@anna', '!!', '👩🏽\u200d🚀']
    """
    return tuple(_units(text))


def _units(text: str) -> Iterator[Unit]:
    place = 0
    for found in _WHOLE.finditer(text):
        kind = found.lastgroup or "word"
        end = found.end()
        if kind in ("address", "email") and text[found.start()] != "[":
            while end > found.start() + 1 and text[end - 1] in _TRAILING:
                end -= 1
        yield from _plain(text, place, found.start())
        yield Unit(found.start(), end, "address" if kind in ("address", "email") else _kind(kind))
        place = end
    yield from _plain(text, place, len(text))


def _kind(name: str) -> Kind:
    return "handle" if name == "handle" else "hashtag"


def _plain(text: str, start: int, stop: int) -> Iterator[Unit]:
    """Divide what holds no address, handle or hashtag."""
    place = start
    while place < stop:
        sort = _sort(text[place])
        if sort == "space":
            place += 1
            continue
        first = place
        if sort == "emoji" or (_keycap_after(text, place, stop)):
            place = _emoji_end(text, place, stop)
            yield Unit(first, place, "emoji")
        elif sort in ("ideograph", "unspaced"):
            place = _marks_end(text, place + 1, stop)
            yield Unit(first, place, "word")
        elif sort == "word":
            place = _word_end(text, place, stop)
            numeric = all(not text[at].isalpha() for at in range(first, place))
            yield Unit(first, place, "number" if numeric else "word")
        else:
            while place < stop and _sort(text[place]) == "sign":
                place += 1
            yield Unit(first, place, "punctuation")


def _word_end(text: str, place: int, stop: int) -> int:
    """Find where a word ends that is written with letters, digits and what stands between them."""
    while place < stop:
        letter = text[place]
        if _sort(letter) == "word" or letter in _JOINERS:
            place += 1
            continue
        if not 0 < place < stop - 1 or _sort(text[place + 1]) != "word" or _sort(text[place - 1]) != "word":
            return place
        between_numbers = text[place - 1].isdigit() and text[place + 1].isdigit()
        if letter in _INNER_OF_WORDS or (letter in _INNER_OF_NUMBERS and between_numbers):
            place += 1
            continue
        return place
    return place


def _marks_end(text: str, place: int, stop: int) -> int:
    while place < stop and (unicodedata.category(text[place])[0] == "M" or text[place] in _JOINERS + _VARIATION):
        place += 1
    return place


def _keycap_after(text: str, place: int, stop: int) -> bool:
    """Tell whether a digit is drawn on a key, such as 1️⃣."""
    return text[place] in "0123456789#*" and _KEYCAP in text[place + 1 : min(place + 3, stop)]


def _emoji_end(text: str, place: int, stop: int) -> int:
    """Find where one emoji ends: skin tones, joiners, variation signs and the second half of a flag are part of it."""
    flag = _within(text[place], (_FLAGS,))
    place += 1
    if flag and place < stop and _within(text[place], (_FLAGS,)):
        place += 1
    while place < stop:
        letter = text[place]
        if letter in _VARIATION or letter == _KEYCAP or _within(letter, (_SKIN, _TAGS)):
            place += 1
        elif letter == "\u200d" and place + 1 < stop:
            place += 2
        else:
            break
    return place


@lru_cache(maxsize=8192)
def _sort(letter: str) -> str:
    """Say what a character is part of: a word, an ideograph, an emoji, signs, or nothing."""
    category = unicodedata.category(letter)
    if letter.isspace() or category in ("Cc", "Cf", "Zs", "Zl", "Zp"):
        return "space"
    if _within(letter, _IDEOGRAPHS):
        return "ideograph"
    if _within(letter, _UNSPACED) and category[0] in "LM":
        return "unspaced"
    if category[0] in "LNM" or category == "Pc":
        return "word"
    return "emoji" if _within(letter, _EMOJI) and category in ("So", "Sk", "Sm") else "sign"


def _within(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)


def phrases(text: str, units: tuple[Unit, ...], most: int) -> tuple[Unit, ...]:
    """Put words of a long text together until at most so many pieces are left.

    Sentences come first; where they are too many, neighbours are put together, shortest first; where they are few, they
    are divided at commas and into runs of words as long as there is room.

    Parameters
    ----------
    text
        The text.
    units
        Its words.
    most
        How many pieces there may be.
    """
    if len(units) <= most:
        return units
    room = max(1, -(-len(units) // most))
    groups = _divided(text, units, _SENTENCE_ENDS)
    if len(groups) < most:
        finer = _divided(text, units, _CLAUSE_ENDS)
        groups = finer if len(finer) <= most else groups
    if len(groups) < most // 2:
        groups = [part for group in groups for part in _runs(group, room * 2)]
    while len(groups) > most:
        groups = _merged(groups, most)
    return tuple(Unit(group[0].start, group[-1].end, "phrase" if len(group) > 1 else group[0].kind) for group in groups)


def _divided(text: str, units: tuple[Unit, ...], ends: frozenset[str]) -> list[list[Unit]]:
    groups: list[list[Unit]] = [[]]
    for place, unit in enumerate(units):
        broken = place > 0 and "\n" in text[units[place - 1].end : unit.start]
        ended = bool(groups[-1]) and groups[-1][-1].kind == "punctuation" and unit.kind != "punctuation"
        if groups[-1] and (broken or (ended and text[groups[-1][-1].end - 1] in ends)):
            groups.append([])
        groups[-1].append(unit)
    return [group for group in groups if group]


def _runs(group: list[Unit], length: int) -> list[list[Unit]]:
    return [group[start : start + length] for start in range(0, len(group), length)]


def _merged(groups: list[list[Unit]], most: int) -> list[list[Unit]]:
    """Put each group to the one before it while both together are no longer than a fair share."""
    share = -(-sum(len(group) for group in groups) // most)
    found = [groups[0]]
    for left, group in zip(range(len(groups) - 1, 0, -1), groups[1:], strict=True):
        too_many = len(found) + left > most
        if too_many and (len(found[-1]) < share or len(found[-1]) + len(group) <= share):
            found[-1] = found[-1] + group
        else:
            found.append(group)
    return found if len(found) < len(groups) else [a + b for a, b in _in_twos(groups)]


def _in_twos(groups: list[list[Unit]]) -> Iterator[tuple[list[Unit], list[Unit]]]:
    for place in range(0, len(groups), 2):
        yield groups[place], groups[place + 1] if place + 1 < len(groups) else []
