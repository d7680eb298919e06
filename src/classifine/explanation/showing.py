"""Takes explanations and gives what people see of them: a text in coloured pieces, sentences, a fragment of HTML.

Whatever comes from outside is escaped, and nothing in a fragment can run. Does not know terminals or run folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from classifine.errors import count

if TYPE_CHECKING:
    from classifine.explanation.attribution import Explanation, Word
    from classifine.explanation.overview import Overview, Push

# Shades from weak to strong; a word that does less than a tenth of what the strongest does has none.
SHADES = 4
_FAINT = 0.1
# Blue speaks for, orange against: people who are blind to red or green tell them apart, too.
STYLE = Markup("""
.why mark { color: inherit; background: none; border-radius: .2em; padding: .05em .1em; }
.why .for1 { background: rgb(66 133 244 / .14); } .why .for2 { background: rgb(66 133 244 / .28); }
.why .for3 { background: rgb(66 133 244 / .42); } .why .for4 { background: rgb(66 133 244 / .58); font-weight: 600; }
.why .against1 { background: rgb(240 140 30 / .14); } .why .against2 { background: rgb(240 140 30 / .28); }
.why .against3 { background: rgb(240 140 30 / .42); }
.why .against4 { background: rgb(240 140 30 / .58); text-decoration: underline; }
.why .unread { opacity: .5; }
.why blockquote { margin: .4em 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.why .small { font-size: .875em; opacity: .8; margin: .2em 0; }
.why table { border-collapse: collapse; } .why td, .why th { padding: .1em .8em .1em 0; text-align: left; }
""")
_PAGE = Markup("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Explanations · classifine</title>
</head><body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem">
<h1>Explanations</h1>
<p>They tell what the classifier goes by, not whether it is right to.
Blue words speak for the label, orange ones against it.</p>
{}
</body></html>
""")


@dataclass(frozen=True)
class Piece:
    """Some characters of a text, and how they are to be shown.

    Attributes
    ----------
    text
        The characters.
    shade
        From 1 to 4 for what speaks for the label, from -1 to -4 against it, 0 for the rest.
    effect
        The word's effect; none for what is between words.
    read
        Whether the classifier reads it.
    """

    text: str
    shade: int = 0
    effect: float | None = None
    read: bool = True

    @property
    def style(self) -> str:
        """The class of its shade in HTML."""
        return "" if self.shade == 0 else f"{'for' if self.shade > 0 else 'against'}{abs(self.shade)}"


def pieces(text: str, words: Iterable[tuple[int, int, float]], *, ranked: bool) -> tuple[Piece, ...]:
    """Divide a text into coloured pieces; together they are the text.

    Parameters
    ----------
    text
        The text.
    words
        Beginning, end and effect of each word, in order.
    ranked
        Whether the words may be told apart by colour.

    Examples
    --------
    >>> [(piece.text, piece.shade) for piece in pieces("so good", [(0, 2, 0.01), (3, 7, 0.5)], ranked=True)]
    [('so', 0), (' ', 0), ('good', 4)]
    """
    listed = list(words)
    strongest = max((abs(effect) for _, _, effect in listed), default=0.0)
    found, place = [], 0
    for start, end, effect in listed:
        if start > place:
            found.append(_between(text[place:start]))
        found.append(Piece(text[start:end], _shade(effect, strongest) if ranked else 0, effect))
        place = end
    if place < len(text):
        found.append(_between(text[place:]))
    return tuple(found)


def _between(text: str) -> Piece:
    return Piece(text, read=not any(letter.isalnum() for letter in text))


def _shade(effect: float, strongest: float) -> int:
    share = abs(effect) / strongest if strongest > 0 else 0.0
    if share < _FAINT:
        return 0
    return (1 if effect > 0 else -1) * min(SHADES, 1 + int(share * SHADES))


def pieces_of(one: Explanation, part: int = 1) -> tuple[Piece, ...]:
    """Give the coloured pieces of a text, or of the second one of a pair."""
    words = [word for word in one.words if word.part == part]
    # both texts of a pair share one scale
    strongest = max((abs(word.effect) for word in one.words), default=0.0)
    text = one.text if part == 1 else one.second or ""
    found = pieces(text, [(word.start, word.end, word.effect) for word in words], ranked=one.ranked)
    if not one.ranked:
        return found
    return tuple(
        piece if piece.effect is None else Piece(piece.text, _shade(piece.effect, strongest), piece.effect)
        for piece in found
    )


def headline(one: Explanation) -> str:
    """Say what is explained, in one line.

    The label and its probability; of a contrast, both; and what is predicted where that is another label.
    """
    probability = one.probabilities[one.label]
    told = f"{one.label}: {probability:.2f}"
    if one.against is not None:
        told = f"{one.label} ({probability:.2f}) and not {one.against} ({one.probabilities[one.against]:.2f})"
    if one.predicted != one.label:
        told += f"; predicted: {one.predicted or 'no label'}"
    if one.truth is not None:
        told += f"; true label: {one.truth or 'no label'}"
    return told


def sentences(one: Explanation) -> tuple[str, ...]:
    """Say how far an explanation can be trusted, and what would change the label."""
    told = []
    if one.reason is not None:
        told.append(f"Its words are not ranked: {one.reason}.")
    faithful = one.faithfulness
    if faithful is not None:
        told.append(
            f"Taking away the words that count most changes it by {effect(-faithful.comprehensiveness)} on average "
            f"(words in random order: {effect(-faithful.random_comprehensiveness)}), keeping only them by "
            f"{effect(-faithful.sufficiency)} ({effect(-faithful.random_sufficiency)})."
        )
    told.append(f"Without any word it would be {one.base:.2f}. Method: {one.method}.")
    if one.r2 is not None:
        same = "" if one.stability is None else f"; two halves of the samples share {one.stability:.0%} of the top 5"
        told.append(f"A linear model of the words fits with R² {one.r2:.2f}{same}.")
    if one.change is not None:
        told.append(changed(one))
    told += [f"Mind: {note}." for note in one.notes]
    return tuple(told)


def changed(one: Explanation) -> str:
    """Say without which words the label would be another."""
    if one.change is None:
        return ""
    words = ", ".join(f"“{one.words[place].text}”" for place in one.change.places)
    becomes = one.change.becomes or "no label"
    size = len(one.change.places)
    least = "no fewer words do" if one.change.smallest and size > 1 else "fewer were not found"
    return f"Without {words} it would be {becomes}" + ("." if size == 1 else f" ({count(size, 'word')}; {least}).")


def effect(value: float) -> str:
    """Write an effect with its sign.

    Examples
    --------
    >>> effect(0.314), effect(-0.02), effect(0.0004)
    ('+0.31', '−0.02', '+0.0004')
    """
    if abs(value) < 0.00005:
        return "0"
    return f"{value:+.{2 if abs(value) >= 0.005 else 4}f}".replace("-", "−")


def fragment(found: Sequence[Explanation], overview: Overview | None = None) -> str:
    """Give explanations as one piece of HTML with its own style; no script, and everything from outside escaped."""
    parts = [Markup('<div class="why"><style>{}</style>').format(STYLE)]
    parts += [_one(explanation) for explanation in found]
    if overview is not None and len(found) > 1:
        parts.append(_over(overview))
    return str(Markup("").join([*parts, Markup("</div>")]))


def page(found: Sequence[Explanation], overview: Overview) -> str:
    """Give a page of explanations that loads nothing and runs nothing."""
    return str(_PAGE.format(Markup(fragment(found, overview))))  # noqa: S704 - escaped by fragment


def _one(one: Explanation) -> Markup:
    texts = [one.text] if one.second is None else [one.text, one.second]
    quotes = [
        Markup('<blockquote dir="auto">{}</blockquote>').format(Markup("").join(map(_marked, pieces_of(one, part))))
        for part in range(1, len(texts) + 1)
    ]
    told = Markup("<br>").join(escape(sentence) for sentence in sentences(one))
    ranking = Markup(", ").join(_told(word) for word in one.top())
    return Markup('<article><p><strong><bdi>{}</bdi></strong></p>{}<p>{}</p><p class="small">{}</p></article>').format(
        headline(one), Markup("").join(quotes), ranking, told
    )


def _marked(piece: Piece) -> Markup:
    if not piece.read:
        return Markup('<span class="unread" title="not read by the classifier">{}</span>').format(piece.text)
    if piece.effect is None or piece.shade == 0:
        return escape(piece.text)
    return Markup('<mark class="{}" title="{}">{}</mark>').format(piece.style, effect(piece.effect), piece.text)


def _told(word: Word) -> Markup:
    return Markup("<bdi>{}</bdi> {}").format(word.text, effect(word.effect))


def _over(overview: Overview) -> Markup:
    parts = [Markup('<p class="small">Mind: <bdi>{}</bdi></p>').format(warning) for warning in overview.warnings]
    for label, pushes in overview.pushes.items():
        rows = Markup("").join(
            Markup("<tr><td><bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
                push.word, effect(push.effect), interval(push), push.texts
            )
            for push in pushes
        )
        parts.append(
            Markup(
                "<p>Words that push <strong><bdi>{}</bdi></strong> most</p><table><tr><th>word</th><th>mean effect</th>"
                "<th>95 % interval</th><th>texts</th></tr>{}</table>"
            ).format(label, rows)
        )
    return Markup("").join(parts)


def interval(push: Push) -> str:
    """Write the interval of a mean effect; of a single text there is none."""
    return "–" if push.low is None or push.high is None else f"{effect(push.low)} to {effect(push.high)}"
