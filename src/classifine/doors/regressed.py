"""Takes predictions, gold labels and a formula and gives a regression that stays valid: the public function for it.

The outcome or what explains it may be predicted. Does not know how anything is fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine.doors.estimated import about, asked_of, kept, wanted_of
from classifine.errors import ColumnProblem, LabelsProblem, UsageError, some, unknown_name
from classifine.estimation.answers import Answer, Estimates, Figure, Sampled, narrower
from classifine.estimation.designed import Design, foreseen
from classifine.estimation.formula import Formula, Variable, matrix_of, parsed, variable_of
from classifine.estimation.intervals import FloatVector, critical, critical_for_all, two_sided, wald
from classifine.estimation.material import Material
from classifine.estimation.powered import Moments
from classifine.estimation.regression import (
    Equation,
    Family,
    design_based_regression,
    plain,
    prediction_powered_regression,
)
from classifine.estimation.shares import Wanted
from classifine.estimation.wording import told
from classifine.labels import FloatMatrix
from classifine.surveys.corpus import Corpus, read_corpus
from classifine.surveys.sheets import Asked
from classifine.surveys.surveyed import codes_of, drifted, material_of, refuse_trained

CODE = "code"


def estimate_regression(
    predictions: Any,
    gold: Any,
    formula: str,
    *,
    sampled: Sampled,
    family: Family | None = None,
    codes: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    simultaneous: bool = False,
    seed: int = 42,
    out: Path | str | None = None,
    **columns: Any,
) -> Estimates:
    """Fit a regression in which a label is the outcome or explains it, corrected for the classifier's mistakes.

    Parameters
    ----------
    predictions, gold, sampled, confidence, simultaneous, seed, out, **columns
        As for :func:`estimate_share`; a clustered error with ``cluster``.
    formula
        Such as ``yes ~ account + reposts`` or ``reposts ~ yes * account``: names of labels (1 where a text has it) and
        of columns of the predictions; ``code`` is the number of the label, with ``codes``.
    family
        ``linear`` or ``logistic``; logistic where the outcome is a label if nothing is said, else linear.
    codes
        The number of each label, for ``code``.

    Raises
    ------
    ClassifineError
        As :func:`estimate_share`; the formula cannot be read, names are unknown, cells are blank, or the regression
        has no answer. Of gold rows drawn by convenience there is no valid regression.

    Examples
    --------
    >>> from classifine import estimate_regression
    >>> rows = range(600)
    >>> said = ["yes" if k % 3 else "no" for k in rows]
    >>> predicted = {"id": rows, "predicted_label": said, "x": [k % 7 for k in rows]}
    >>> gold = {"id": rows[::5], "label": ["yes" if k % 3 or k % 4 == 0 else "no" for k in rows[::5]]}
    >>> found = estimate_regression(predicted, gold, "yes ~ x", sampled="random", family="linear")
    >>> [answer.label for answer in found.answers]
    ['(intercept)', 'x']
    """
    read = parsed(formula)
    asked = asked_of(sampled, columns)
    if sampled == "convenience":
        raise UsageError(
            "no regression is valid with gold rows nobody knows the drawing of",
            cure="draw gold rows at random or with known probabilities: `classifine estimate plan` draws them",
        )
    if asked.by is not None or asked.period is not None:
        raise UsageError("a regression has no groups", cure="put the column into the formula: yes ~ " + str(asked.by))
    wanted = replace(wanted_of(asked, confidence, simultaneous, None, "population", seed), is_share=False)
    corpus = read_corpus(predictions, gold, asked, further=read.names)
    refuse_trained(corpus, asked)
    labels = _labels_in(read, corpus, codes)
    material = _material(corpus, asked, labels, codes)
    family = _family(read, family, labels)
    views = _Views(read, corpus, material, labels)
    answers = _answers(views, family, wanted, asked)
    found = Estimates(
        "regression",
        **about(material, corpus, asked, wanted),
        answers=tuple(answers),
        differences=(),
        cautions=(*asked.remarks, *drifted(corpus, asked)),
        formula=read.text,
        family=family,
    )
    return kept(told(found), material, corpus, None, out)


def _labels_in(formula: Formula, corpus: Corpus, codes: Mapping[str, float] | None) -> tuple[str, ...]:
    """Give the names in the formula that are predicted: labels, or the number of the label.

    Raises
    ------
    ColumnProblem, UsageError
        A name is neither, or both; or nothing is predicted.
    """
    predicted = [CODE] if codes is not None else list(corpus.labels)
    found, strange, both = [], [], []
    for name in formula.names:
        if name in predicted:
            found.append(name)
            both += [name] if name in corpus.columns else []
        elif name not in corpus.columns:
            strange.append(name)
    if strange:
        known = [*predicted, *corpus.names]
        hints = "; ".join(f"{name!r}: {unknown_name(name, known, noun='names')}" for name in strange)
        raise ColumnProblem(
            f"the formula speaks of {some([repr(name) for name in strange])}, which is neither a label nor a column of "
            "the predictions",
            cure=hints,
        )
    if both:
        raise ColumnProblem(
            f"{both[0]!r} is a label and a column, so that the formula can be read in two ways",
            cure="give the column another name",
        )
    if not found:
        raise UsageError(
            "nothing in the formula is predicted, so that there is nothing to correct",
            found=formula.text,
            expected=f"a label among its names: {some(predicted, limit=20)}",
        )
    return tuple(found)


def _material(corpus: Corpus, asked: Asked, labels: tuple[str, ...], codes: Mapping[str, float] | None) -> Material:
    if codes is None:
        return material_of(corpus, replace(asked, of=labels))
    numbers = codes_of(corpus, asked, codes)
    whole = material_of(corpus, replace(asked, of=()))
    return replace(
        whole,
        names=(CODE,),
        counted=(whole.counted @ numbers)[:, None],
        working=(whole.working @ numbers)[:, None],
        truth=(whole.truth @ numbers)[:, None],
    )


def _family(formula: Formula, family: Family | None, labels: tuple[str, ...]) -> Family:
    if family not in (None, "linear", "logistic"):
        raise UsageError(f"a {family} regression is unknown", expected="linear or logistic")
    if family is not None:
        return family
    return "logistic" if formula.outcome in labels and formula.outcome != CODE else "linear"


@dataclass(frozen=True)
class _Views:
    """The same rows as they were counted, as the correction sees them, and as they truly are."""

    formula: Formula
    corpus: Corpus
    material: Material
    labels: tuple[str, ...]

    def variables(self) -> dict[str, Variable]:
        """Give the columns that are known of every row."""
        return {
            name: variable_of(
                name,
                self.corpus.columns[name],
                self.corpus.numbers,
                category=name in self.formula.categories,
            )
            for name in self.formula.names
            if name not in self.labels
        }

    def equation(self, values: FloatMatrix, known: Mapping[str, Variable]) -> tuple[Equation, tuple[str, ...]]:
        """Give the regression's rows with these values of what is predicted, shape [m, k]."""
        whole = dict(known) | {name: Variable(values[:, at].astype(np.float64)) for at, name in enumerate(self.labels)}
        outcome = whole[self.formula.outcome]
        if outcome.numbers is None:
            raise ColumnProblem(
                f"the outcome {self.formula.outcome!r} holds no numbers",
                cure="write it as numbers, for a logistic regression 0 and 1",
            )
        x, names = matrix_of(self.formula, whole, len(values))
        return Equation(x, outcome.numbers), names

    def truth(self) -> FloatMatrix:
        """Give the working values with true ones in the gold rows."""
        found = self.material.working.copy()
        found[self.material.gold] = self.material.truth
        return found


def _answers(views: _Views, family: Family, wanted: Wanted, asked: Asked) -> list[Answer]:
    material = views.material
    known = views.variables()
    counted, names = views.equation(material.counted, known)
    _refuse_outcome(counted.y, family)
    _refuse_alike(counted.x, names)
    working, _ = views.equation(material.working, known)
    whole, _ = views.equation(views.truth(), known)
    gold, inside = material.gold, material.corpus
    truth = whole.take(gold)
    of = material.clusters
    naive = plain(counted.take(np.flatnonzero(inside)), family, clusters=None if of is None else of[inside])
    weights = None if material.probability is None else 1.0 / material.probability
    own = plain(truth, family, weights=weights, clusters=None if of is None else of[gold])
    if material.probability is not None:
        guesses = list(_guesses(views, working, known, asked, wanted.seed))
        corrected = design_based_regression(truth, guesses, gold, material.probability, family, clusters=of)
    else:
        rest = np.flatnonzero(inside & (material.place_of_gold < 0))
        clusters = None if of is None else (of[gold], of[rest])
        corrected = prediction_powered_regression(
            truth, working.take(gold), working.take(rest), family, clusters=clusters
        )
    c = None
    if wanted.simultaneous:
        c = critical_for_all(corrected.covariance, wanted.confidence, corrected.df, seed=wanted.seed)
    found = []
    for place, name in enumerate(names):
        three = (
            _figure(naive, place, int(inside.sum()), wanted),
            _figure(own, place, len(gold), wanted),
            _figure(corrected, place, len(gold), wanted, c),
        )
        ratio = (three[1].se or 0.0) / three[2].se if three[2].se else 1.0
        three = (
            three[0],
            replace(three[1], effective_rows=float(len(gold))),
            replace(three[2], effective_rows=len(gold) * ratio**2),
        )
        found.append(Answer(name, None, int(inside.sum()), len(gold), *three, narrower=narrower(three[2], three[1])))
    return found


def _guesses(
    views: _Views, working: Equation, known: Mapping[str, Variable], asked: Asked, seed: int
) -> Iterator[Equation]:
    """Foresee what is predicted from all else the regression knows of a row, divided into folds ten times."""
    material = views.material
    x, names = matrix_of(
        views.formula, dict(known) | {name: Variable(np.zeros(len(working.y))) for name in views.labels}, len(working.y)
    )
    others = [at for at, name in enumerate(names) if name != "(intercept)" and x[:, at].any()]
    features = x[:, others]
    if views.formula.outcome not in views.labels:
        features = np.column_stack([features, working.y])
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = Design(
        material.working,
        material.gold,
        material.truth,
        material.probability if material.probability is not None else np.ones(len(material.gold)),
        scaled,
    )
    for guess in foreseen(design, seed=seed):
        yield views.equation(guess, known)[0]


def _refuse_outcome(y: FloatVector, family: Family) -> None:
    if family == "logistic" and not ((y >= 0) & (y <= 1)).all():
        raise LabelsProblem(
            "the outcome of a logistic regression lies between 0 and 1",
            found=f"{y.min():g} to {y.max():g}",
            cure="--regression linear",
        )


def _refuse_alike(x: FloatMatrix, names: tuple[str, ...]) -> None:
    spread = np.sqrt((x * x).mean(axis=0))
    scaled = x / np.where(spread > 0, spread, 1.0)
    if np.linalg.matrix_rank(scaled.T @ scaled, hermitian=True) == len(names):
        return
    alike: list[str] = []
    for place, name in enumerate(names):
        part = scaled[:, : place + 1]
        if np.linalg.matrix_rank(part.T @ part, hermitian=True) < place + 1 - len(alike):
            alike.append(name)
    raise LabelsProblem(
        "columns of the regression say the same as those before them",
        found=some([repr(name) for name in alike]),
        cure="leave them out of the formula",
    )


def _figure(moments: Moments, place: int, rows: int, wanted: Wanted, c: float | None = None) -> Figure:
    value, se = float(moments.values[place]), float(np.sqrt(max(moments.covariance[place, place], 0.0)))
    factor = critical(wanted.confidence, moments.df) if c is None else c
    return Figure(value, *wald(value, se, factor), se=se, rows=rows, p=two_sided(value, se, moments.df))
