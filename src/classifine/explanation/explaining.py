"""Takes one text and a scorer and gives its explanation: words weighed, checked against chance; what would change it.

Does not know files, run folders or how an explanation is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from classifine.errors import SettingsProblem, UsageError, unknown_name
from classifine.explanation import perturbation
from classifine.explanation.attribution import Explanation, Word
from classifine.explanation.deciding import change
from classifine.explanation.faithfulness import ORDERS, Faithfulness, faithfulness, refusal
from classifine.explanation.masking import Masked, Passage, Pieces, Scale, Target
from classifine.explanation.perturbation import Effects
from classifine.labels import FloatMatrix, LabelSpace, decide
from classifine.model.classifier import Scorer
from classifine.model.reach import characters_read
from classifine.pairs import parted

Method = Literal["auto", "leave-one-out", "lime", "kernel-shap", "shapley", "integrated-gradients"]
DEFAULT: Method = "auto"
# What auto begins with, and what it goes on with where that tells too little although all words together tell much.
_FIRST, _SECOND = "leave-one-out", "kernel-shap"
_MUCH = {"probability": 0.05, "log-odds": 0.5}
_METHODS: dict[str, Callable[..., Effects]] = {
    "leave-one-out": perturbation.leave_one_out,
    "lime": perturbation.lime,
    "kernel-shap": perturbation.kernel_shap,
    "shapley": perturbation.shapley,
}
METHODS: tuple[str, ...] = ("auto", *_METHODS, "integrated-gradients")
PIECES: tuple[str, ...] = ("auto", "words", "phrases")
SCALES: tuple[str, ...] = ("probability", "log-odds")
_SHOWN_LABELS = 5


@dataclass(frozen=True)
class Asked:
    """How a text is to be explained.

    Attributes
    ----------
    method
        One of :data:`METHODS`; ``auto`` is leave-one-out, and Kernel SHAP where its ranking is refused although the
        words tell much together.
    label, against
        A label by its name, and one it is contrasted with; without a label, what is predicted.
    samples
        Perturbed texts of the methods that draw; without a number, until the ranking is settled.
    pieces
        What is taken away as a whole.
    scale
        What is explained: probabilities or log-odds.
    seed
        Where draws start.
    orders
        Random orders the ranking is measured against; 0 leaves that out.
    """

    method: Method = DEFAULT
    label: str | None = None
    against: str | None = None
    samples: int | None = None
    pieces: Pieces = "auto"
    scale: Scale = "probability"
    seed: int = 42
    orders: int = ORDERS

    def check(self, space: LabelSpace) -> Asked:
        """Refuse what cannot be, all of it at once.

        Raises
        ------
        SettingsProblem
            A method, label or number is not one that can be asked for.
        """
        wrong = [
            f"{what} {given!r}: {unknown_name(str(given), list(known), noun=plural)}"
            for what, given, known, plural in (
                ("method", self.method, METHODS, "methods"),
                ("pieces", self.pieces, PIECES, "pieces"),
                ("scale", self.scale, SCALES, "scales"),
                ("label", self.label or space.names[0], space.names, "labels"),
                ("label to contrast with", self.against or space.names[0], space.names, "labels"),
            )
            if given not in known
        ]
        if self.samples is not None and self.samples < 10:
            wrong.append(f"samples {self.samples}: at least 10")
        if self.against is not None and self.against == self.label:
            wrong.append(f"a label cannot be contrasted with itself: {self.label!r}")
        if wrong:
            raise SettingsProblem("this cannot be explained as asked", found="\n    ".join(["", *wrong]))
        return self


def explained(scorer: Scorer, text: str, asked: Asked) -> tuple[Explanation, ...]:
    """Explain one text: its predicted label, or the one asked for; of several labels given, each.

    Parameters
    ----------
    scorer
        Anything with ``predict_proba`` and a label space.
    text
        The text, or a pair as :func:`classifine.pairs.joined` puts it together.
    asked
        How.

    Raises
    ------
    UsageError
        The text is blank.
    """
    if not text.strip():
        raise UsageError("a text is blank: there is nothing to explain", cure="give a text with words")
    pair = bool(getattr(getattr(scorer, "backend", None), "pairs", False))
    read = characters_read(scorer, text)
    passage = Passage.of(text, pair=pair, pieces=asked.pieces, read=read)
    masked = Masked(scorer, passage)
    row = masked.rows(np.ones((1, len(passage)), dtype=bool))
    predicted = decide(row, scorer.space)[0]
    return tuple(
        _of_label(scorer, masked, asked, row, predicted, label, read is not None)
        for label in _labels(scorer.space, row, predicted, asked)
    )


def _labels(space: LabelSpace, row: FloatMatrix, predicted: str, asked: Asked) -> tuple[str, ...]:
    """Give the labels to explain: the one asked for, what is predicted, or what comes nearest to being it."""
    if asked.label is not None:
        return (asked.label,)
    given = tuple(name for name in space.several(predicted) if name != asked.against)
    if given:
        return given
    order = np.argsort(-row[0], kind="stable")
    return (next(space.names[at] for at in order if space.names[at] != asked.against),)


def _of_label(
    scorer: Scorer, masked: Masked, asked: Asked, row: FloatMatrix, predicted: str, label: str, cut: bool
) -> Explanation:
    space, passage, n = scorer.space, masked.passage, len(masked.passage)
    target = Target(space.id_of(label), None if asked.against is None else space.id_of(asked.against), asked.scale)
    value = float(target.of(row)[0])
    base = float(target.of(masked.rows(np.zeros((1, n), dtype=bool)))[0]) if n else value
    found = _weighed(scorer, masked, target, asked, joint=value - base)
    effects = found.effects
    text, second = parted(passage.text) if passage.pair is not None else (passage.text, None)
    shown = np.argsort(-row[0], kind="stable")[:_SHOWN_LABELS].tolist()
    wanted = [at for at in (target.label, target.against) if at is not None and at not in shown]
    return Explanation(
        text=text,
        second=second,
        label=label,
        against=asked.against,
        predicted=predicted,
        probabilities={space.names[at]: float(row[0, at]) for at in [*shown, *wanted]},
        value=value,
        base=base,
        words=_words(passage, effects),
        method=found.method,
        scale=asked.scale,
        seed=asked.seed,
        samples=effects.samples,
        scored=masked.scored,
        reason=found.reason,
        faithfulness=found.faithfulness,
        r2=effects.r2,
        stability=effects.stability,
        change=change(masked, replace(target, against=None), space, effects.values),
        notes=(*_notes(passage, asked, cut), *effects.notes),
    )


@dataclass(frozen=True)
class _Weighed:
    """What one method says of the words, how faithful that is, and why they must not be ranked."""

    method: str
    effects: Effects
    faithfulness: Faithfulness | None
    reason: str | None


def _weighed(scorer: Scorer, masked: Masked, target: Target, asked: Asked, *, joint: float) -> _Weighed:
    if asked.method != "auto":
        return _weighed_by(asked.method, scorer, masked, target, asked, joint)
    first = _weighed_by(_FIRST, scorer, masked, target, asked, joint)
    if first.reason is None or len(masked.passage) < 2 or abs(joint) < _MUCH[asked.scale]:
        return first
    return _weighed_by(_SECOND, scorer, masked, target, asked, joint)


def _weighed_by(method: str, scorer: Scorer, masked: Masked, target: Target, asked: Asked, joint: float) -> _Weighed:
    if not len(masked.passage):
        effects = Effects(np.zeros(0), 0)
    elif method == "integrated-gradients":
        from classifine.explanation.gradients import integrated_gradients

        effects = integrated_gradients(scorer, masked.passage, target)
    else:
        effects = _METHODS[method](masked, target, samples=asked.samples, seed=asked.seed)
    measured = None
    if len(effects.values) > 1:
        measured = faithfulness(masked, target, effects.values, seed=asked.seed, orders=asked.orders)
    reason = refusal(
        effects.values,
        measured,
        scale=asked.scale,
        joint=joint,
        # Shapley values share out what words do together, so that a poor linear fit is no fault of theirs
        r2=effects.r2 if method == "lime" else None,
        stability=effects.stability,
        further=_SECOND if method == _FIRST else None,
    )
    return _Weighed(method, effects, measured, reason)


def _notes(passage: Passage, asked: Asked, cut: bool) -> tuple[str, ...]:
    told = []
    if cut:
        told.append("the text is longer than the classifier reads; what it does not read is not explained")
    if asked.pieces == "auto" and any(unit.kind == "phrase" for unit in passage.units):
        told.append("the text is long: phrases are taken away as a whole, not single words")
    return tuple(told)


def _words(passage: Passage, effects: Effects) -> tuple[Word, ...]:
    found = []
    for place, (unit, effect) in enumerate(zip(passage.units, effects.values.tolist(), strict=True)):
        begin = passage.pair if passage.pair is not None and unit.start >= passage.pair else 0
        part = 2 if begin else 1
        found.append(Word(passage.word(place), unit.start - begin, unit.end - begin, unit.kind, effect, part))
    return tuple(found)


def explained_all(
    scorer: Scorer, texts: Sequence[str], asked: Asked, tell: Callable[[], object] = lambda: None
) -> tuple[Explanation, ...]:
    """Explain texts one after the other; ``tell`` is called after each."""
    asked.check(scorer.space)
    found: list[Explanation] = []
    for text in texts:
        found += explained(scorer, text, asked)
        tell()
    return tuple(found)
