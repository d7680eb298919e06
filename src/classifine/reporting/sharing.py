"""Takes a text of the data and which texts may be shown, and gives what stands on the page for it.

What reaches a person is found by the room that owns texts. Does not know where on the page a text stands.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from typing import Literal, TypeAlias

from classifine.data.likeness.personal import masked, masked_pieces
from classifine.reporting.explanations_view import Explained, Shown
from classifine.reporting.wording import cut

ShowTexts: TypeAlias = Literal["masked", "full", "none"]

_READ = 20  # times the characters shown are looked at: a stand-in may be much shorter than what it stands for

SAID = {
    "masked": "In the texts on this page, links, mail addresses, handles, account and telephone numbers are replaced "
    "by stand-ins such as <user>. Names of people and places are not found: read them before you pass the page on.",
    "full": "Texts stand on this page as they are in the data, with whatever they say of people: it is not meant to be "
    "passed on.",
    "none": "Texts of the data are left out of this page.",
}


def shown(text: str, how: ShowTexts, limit: int = 300) -> str | None:
    """Give the beginning of a text as it may be shown, or none.

    Examples
    --------
    >>> shown("Ask @anna about it.", "masked"), shown("Ask @anna about it.", "full", 8), shown("Ask", "none")
    ('Ask <user> about it.', 'Ask @an…', None)
    """
    if how == "none":
        return None
    if how == "full":
        return cut(text, limit)
    part = masked(text[: _READ * limit])
    return cut(part + "…" if len(text) > _READ * limit else part, limit)


def veiled(found: Explained, how: ShowTexts) -> Explained:
    """Give explained texts as they may be shown; words that many texts have stay."""
    if how == "full":
        return found
    if how == "none":
        return replace(found, wrong=(), right=())
    wrong, right = tuple(map(_veiled, found.wrong)), tuple(map(_veiled, found.right))
    return replace(found, wrong=wrong, right=right, warnings=tuple(map(masked, found.warnings)))


def _veiled(one: Shown) -> Shown:
    texts, hidden = [], set()
    for pieces in one.texts:
        told, words = masked_pieces([piece.text for piece in pieces])
        hidden |= words
        texts.append(tuple(replace(piece, text=text) for piece, text in zip(pieces, told, strict=True) if text))
    top = tuple((_without(word, hidden), effect) for word, effect in one.top)
    sentences = tuple(
        re.sub("“[^”]*”", lambda quoted: _without(quoted[0], hidden), masked(sentence)) for sentence in one.sentences
    )
    return replace(one, texts=tuple(texts), top=top, sentences=sentences)


def _without(words: str, hidden: Set[str]) -> str:
    """Leave out the words that are hidden in the text they are quoted from."""
    return re.sub(r"\w+", lambda word: "…" if word[0] in hidden else word[0], masked(words))
