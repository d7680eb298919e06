"""Takes a text and gives where it reaches a person: mail addresses, telephone and account numbers, handles, links.

What is found can be replaced by a stand-in, to show the text to others. Does not know files, labels or pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
# Handles that stand for any user are left behind by whoever made the data anonymous.
HANDLE = re.compile(r"(?<![\w@.])@(?!(?:user|username|mention|name)\b)\w{2,}", re.IGNORECASE)

# A telephone number has at least so many digits.
DIGITS = 8
# Eight to fifteen digits, grouped as people write telephone numbers, that begin with + or 0 or stand in brackets.
_PHONE = re.compile(r"(?<![\w.,/+$€£-])(?:\+|00?|\(0?)\d[\d ()/.-]{5,18}\d(?![\w%€$£])")
_DATE = re.compile(r"\(?(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./-]\d{2}[./-]\d{2}|\d{4} ?[/-] ?\d{4})\)?")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")

# To hide, rather than to count: here a miss is worse than a false alarm.
_LINK = re.compile(
    r"\b[a-z][a-z+.-]{1,15}://\S+|\bwww\.\S+|(?<![\w@.-])(?:[\w-]{1,63}\.){1,6}(?:[a-z]{2,12}/\S*"
    r"|(?:com|org|net|info|edu|gov|io|co\.uk)\b(?!@))",
    re.IGNORECASE,
)
_SPELLED_MAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64} ?[(\[{] ?at ?[)\]}] ?[\w-]{1,63}(?: ?(?:\.|[(\[{] ?dot ?[)\]}]) ?[\w-]{1,63}){1,5}",
    re.IGNORECASE,
)
_ANY_HANDLE = re.compile(r"(?<![\w@＠])[@＠]\w[\w.-]*(?:@[\w.-]+)?(?<![.-])|(?<![\w/])/?u/\w[\w-]{2,}")
_WORD = re.compile(r"\w+")
_AMERICAN = re.compile(r"(?<![\w.,/+$€£-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w%€$£])")


def has_phone(text: str) -> bool:
    """Say whether a text seems to hold a telephone number; a date is none."""
    return any(_is_phone(match) for match in _PHONE.finditer(text))


def has_iban(text: str) -> bool:
    """Say whether a text holds an account number whose check digits are right (ISO 13616)."""
    return any(_is_iban(match) for match in _IBAN.finditer(text))


def masked(text: str) -> str:
    """Replace links, mail addresses, handles, account and telephone numbers by stand-ins, to show a text to others.

    Stand-ins are those of :func:`classifine.data.likeness.duplicates.normalise` where it has one. Names of people,
    streets and places are not found: who shares a text must still read it.

    Examples
    --------
    >>> masked("Ask @anna or anna@mail.example, 030 1234567, before https://example.org/x closes")
    'Ask <user> or <email>, <phone>, before <url> closes'
    """
    return "".join(masked_pieces([text])[0])


def masked_pieces(pieces: Sequence[str]) -> tuple[list[str], set[str]]:
    """Do the same to a text that stands in pieces; a handle may stand in several of them.

    Returns
    -------
    pieces
        As many as came in; a stand-in stands in the first piece of what it replaces.
    hidden
        The words that were replaced.

    Examples
    --------
    >>> masked_pieces(["Ask ", "@", "anna", " now"])
    (['Ask ', '<user>', '', ' now'], {'anna'})
    """
    text = "".join(pieces)
    found = _found(text)
    told, start = [], 0
    for piece in pieces:
        end, at, kept = start + len(piece), start, []
        for first, last, stand_in in found:
            if first < end and last > start:
                kept.append(text[at : max(at, first)])
                kept.append(stand_in if first >= start else "")
                at = min(last, end)
        told.append("".join(kept) + text[at:end])
        start = end
    return told, {word for first, last, _ in found for word in _WORD.findall(text[first:last]) if len(word) > 2}


def _found(text: str) -> list[tuple[int, int, str]]:
    """Give from where to where there is what, in order; what is found once is not looked at again."""
    found: list[tuple[int, int, str]] = []
    for pattern, stand_in, is_one in _KINDS:

        def taken(
            match: re.Match[str],
            stand_in: str = stand_in,
            is_one: Callable[[re.Match[str]], bool] | None = is_one,
        ) -> str:
            if is_one is not None and not is_one(match):
                return match[0]
            found.append((*match.span(), stand_in))
            return _TAKEN * len(match[0])

        text = pattern.sub(taken, text)
    return sorted(found)


def _is_phone(match: re.Match[str]) -> bool:
    digits = sum(character.isdigit() for character in match[0])
    return DIGITS <= digits <= 15 and not _DATE.fullmatch(match[0])


def _is_iban(match: re.Match[str]) -> bool:
    """Check the digits: the number, rearranged, is 1 modulo 97."""
    plain = match[0].replace(" ", "")
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


_TAKEN = "\N{REPLACEMENT CHARACTER}"  # neither a letter nor a sign of any pattern
_KINDS: tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str]], bool] | None], ...] = (
    (_SPELLED_MAIL, "<email>", None),
    (_LINK, "<url>", None),
    (_ANY_HANDLE, "<user>", None),
    (MAIL, "<email>", None),
    (_IBAN, "<account>", _is_iban),
    (_PHONE, "<phone>", _is_phone),
    (_AMERICAN, "<phone>", None),
)
