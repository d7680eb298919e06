"""Takes explanations.json and gives the shape of what the page shows of it: coloured pieces, sentences, words by label.

Values are as they are stored. Does not know how words were weighed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from classifine.explanation import showing
from classifine.explanation.attribution import Explanation
from classifine.explanation.overview import Overview
from classifine.explanation.showing import Piece


@dataclass(frozen=True)
class Shown:
    """One explained text; ``texts`` are its coloured pieces, of a pair those of both texts."""

    id: str
    right: bool
    head: str
    texts: tuple[tuple[Piece, ...], ...]
    top: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class PushRow:
    """A word that pushes a label, in words."""

    word: str
    effect: str
    interval: str
    texts: int


@dataclass(frozen=True)
class Explained:
    """The explained sample: its texts, what words do to each label, and what looks spurious."""

    wrong: tuple[Shown, ...]
    right: tuple[Shown, ...]
    ranked: int
    pushes: Mapping[str, tuple[PushRow, ...]]
    warnings: tuple[str, ...]


def explanations_of(value: Mapping[str, Any]) -> Explained:
    """Read what is stored."""
    each = [Explanation.from_dict(one) for one in value["explanations"]]
    over = Overview.from_dict(value["overview"])
    shown = [_shown(one) for one in each]
    return Explained(
        wrong=tuple(one for one in shown if not one.right),
        right=tuple(one for one in shown if one.right),
        ranked=over.ranked,
        pushes={
            label: tuple(
                PushRow(push.word, showing.effect(push.effect), showing.interval(push), push.texts) for push in pushes
            )
            for label, pushes in over.pushes.items()
        },
        warnings=over.warnings,
    )


def _shown(one: Explanation) -> Shown:
    return Shown(
        id=one.id or "",
        right=one.truth == one.predicted,
        head=showing.headline(one),
        texts=tuple(showing.pieces_of(one, part) for part in ((1,) if one.second is None else (1, 2))),
        top=tuple((word.text, showing.effect(word.effect)) for word in one.top()),
        sentences=showing.sentences(one),
    )
