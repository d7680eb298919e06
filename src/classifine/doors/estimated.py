"""Takes predictions and gold labels and gives statistics that stay valid: the public functions, and what they write.

Corpora are read, the way the gold rows were drawn decides the method, results are kept. Does not know any formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from classifine.errors import LabelsProblem, UsageError, count, some, unknown_name
from classifine.estimation.answers import Answer, Estimates, Sampled
from classifine.estimation.assuming import ASSUMPTION, assumed_shares, method_of
from classifine.estimation.material import Material
from classifine.estimation.powered import Target
from classifine.estimation.shares import FEWEST, Differences, Wanted, estimates_of
from classifine.estimation.wording import told
from classifine.labels import FloatMatrix
from classifine.surveys.corpus import Corpus, read_corpus
from classifine.surveys.sheets import Asked, refuse_mixture
from classifine.surveys.surveyed import coded, drifted, material_of, refuse_trained

_FEW_OF_A_LABEL = 10


def estimate_share(
    predictions: Any,
    gold: Any,
    *,
    sampled: Sampled,
    of: Sequence[str] = (),
    positive: str | None = None,
    confidence: float = 0.95,
    simultaneous: bool = False,
    differences: Differences | None = None,
    target: Target = "population",
    seed: int = 42,
    out: Path | str | None = None,
    **columns: Any,
) -> Estimates:
    """Estimate what share of the texts has each label, corrected for the classifier's mistakes.

    Parameters
    ----------
    predictions
        A file, frame, mapping of columns, or :class:`Predictions`: a row for every text spoken of, with ``id``,
        ``predicted_label`` and, where there are any, ``p_<label>``; what ``classifine predict`` writes.
    gold
        The same for texts labelled by hand: ``id`` and ``label``.
    sampled
        How the gold rows were drawn from these texts: ``random`` (each equally likely), ``known`` (with probabilities
        that are known: ``probability`` or ``strata``), or ``convenience`` (anything else, or from other texts).
    of
        The labels asked about; all if none is named.
    positive
        The label the headline speaks of.
    confidence
        Of the intervals.
    simultaneous
        Whether all intervals hold together with this confidence.
    differences
        Between which groups: ``none``, ``first`` (each minus the first), ``previous`` or ``all``. Periods are compared
        with the one before if nothing is said.
    target
        ``population``: texts like these. ``texts``: these very texts.
    seed
        Where draws start.
    out
        A file ending in .json to write; a table (.csv), a page (.html) and the rows with weights and pseudo-outcomes
        (.rows.csv) go beside it.
    **columns
        Which column is what: ``id``, ``label``, ``predicted``, ``prefix``, ``separator``, ``by``, ``time`` and
        ``period`` (day, week, month, quarter, year), ``probability``, ``strata``, ``cluster``, ``text``;
        ``cross_fitted``, ``run``, ``blank_labels``, ``encoding``, ``delimiter``.

    Raises
    ------
    ClassifineError
        Files cannot be read, ids do not meet, labels are not known, gold rows are too few or were trained on.

    Notes
    -----
    PPI++ (arXiv 2311.01453), DSL (arXiv 2306.04746), Rogan and Gladen (1978), by how the gold rows were drawn.

    Examples
    --------
    >>> from classifine import estimate_share
    >>> predicted = {"id": range(400), "predicted_label": ["yes", "no", "no", "no"] * 100}
    >>> gold = {"id": range(0, 400, 5), "label": ["yes", "no", "no", "yes"] * 20}
    >>> found = estimate_share(predicted, gold, sampled="random", positive="yes")
    >>> round(found.of("yes").uncorrected.value, 2), round(found.of("yes").corrected.value, 2)
    (0.25, 0.5)
    """
    asked = asked_of(sampled, {**columns, "of": tuple(of)})
    wanted = wanted_of(asked, confidence, simultaneous, differences, target, seed)
    return kept(*shares_of(_read(predictions, gold, asked), asked, wanted, positive), out)


def estimate_mean(
    predictions: Any,
    gold: Any,
    *,
    sampled: Sampled,
    codes: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    simultaneous: bool = False,
    differences: Differences | None = None,
    target: Target = "population",
    seed: int = 42,
    out: Path | str | None = None,
    **columns: Any,
) -> Estimates:
    """Estimate the mean of a number that each label stands for, such as its rank, corrected for mistakes.

    Parameters
    ----------
    predictions, gold, sampled, confidence, simultaneous, differences, target, seed, out, **columns
        As for :func:`estimate_share`.
    codes
        The number of each label: ``{"low": 1, "high": 3}``. Labels that are numbers need none.

    Raises
    ------
    ClassifineError
        As :func:`estimate_share`; or a label has no number.

    Examples
    --------
    >>> from classifine import estimate_mean
    >>> predicted = {"id": range(300), "predicted_label": ["1", "2", "3"] * 100}
    >>> gold = {"id": range(0, 300, 4), "label": ["2", "2", "3", "2", "3"] * 15}
    >>> found = estimate_mean(predicted, gold, sampled="random")
    >>> round(found.of("mean").uncorrected.value, 2), found.of("mean").gold
    (2.0, 75)
    """
    asked = asked_of(sampled, columns)
    wanted = replace(wanted_of(asked, confidence, simultaneous, differences, target, seed), is_share=False)
    corpus = _read(predictions, gold, asked)
    numbers, material = coded(corpus, asked, codes)
    none: list[Answer] = []
    pseudo: FloatMatrix | None
    if sampled == "convenience":
        answers, between, pseudo = assumed_shares(material_of(corpus, asked), wanted, numbers), none, None
    else:
        answers, between, pseudo = estimates_of(material, wanted)
    known = about(material, corpus, asked, wanted)
    if sampled == "convenience":
        known["method"] = "adjusted counts"
    found = Estimates(
        "mean",
        **known,
        answers=tuple(answers),
        differences=tuple(between),
        cautions=tuple(_cautions(material, corpus, asked, wanted)),
    )
    return kept(told(found), material, corpus, pseudo, out)


def shares_of(
    corpus: Corpus, asked: Asked, wanted: Wanted, positive: str | None
) -> tuple[Estimates, Material, Corpus, FloatMatrix | None]:
    """Estimate the shares of a corpus; the rows they rest on come with them.

    Raises
    ------
    ClassifineError
        As :func:`estimate_share`.
    """
    if positive is not None and positive not in corpus.labels:
        cure = unknown_name(positive, corpus.labels, noun="labels")
        raise LabelsProblem(f"the positive label {positive!r} is unknown to the classifier", cure=cure)
    if positive is not None and not asked.of and len(corpus.labels) == 2 and asked.separator is None:
        asked = replace(asked, of=(positive,))  # the share of the other one says the same
    material = material_of(corpus, asked)
    none: list[Answer] = []
    pseudo: FloatMatrix | None
    if asked.sampled == "convenience":
        answers, between, pseudo = assumed_shares(_whole(material, corpus, asked), wanted), none, None
        answers = [one for one in answers if not asked.of or one.label in asked.of]
    else:
        answers, between, pseudo = estimates_of(material, wanted)
    found = Estimates(
        "share",
        **about(material, corpus, asked, wanted),
        answers=tuple(answers),
        differences=tuple(between),
        cautions=tuple(_cautions(material, corpus, asked, wanted)),
    )
    return told(found, positive=positive), material, corpus, pseudo


def asked_of(sampled: Sampled, columns: Mapping[str, Any]) -> Asked:
    """Give what was asked, every name checked.

    Raises
    ------
    UsageError
        A name is unknown, or what is said of the design does not fit together.
    """
    if sampled not in ("random", "known", "convenience"):
        raise UsageError(
            "say how the gold rows were drawn",
            found="nothing" if sampled is None else str(sampled),
            expected="random (each text equally likely), known (with known probabilities), or convenience (anything "
            "else, or from other texts)",
        )
    known = [field.name for field in fields(Asked)]
    strange = [name for name in columns if name not in known]
    if strange:
        hints = "; ".join(unknown_name(name, known, noun="names") for name in strange)
        raise UsageError(f"an estimate has no setting {some([repr(name) for name in strange])}", cure=hints)
    given = {name: value for name, value in columns.items() if value is not None}
    if given.get("run") is not None:
        given["run"] = Path(given["run"])
    asked = Asked(sampled, **given)
    refuse_mixture(asked)
    return asked


def wanted_of(
    asked: Asked, confidence: float, simultaneous: bool, differences: Differences | None, target: Target, seed: int
) -> Wanted:
    """Give how intervals are to be, every choice checked.

    Raises
    ------
    UsageError
        A choice is not possible.
    """
    if not 0.5 <= confidence < 1:
        raise UsageError(f"a confidence of {confidence:g} is not possible", expected="0.5 to below 1: 0.95")
    if target not in ("population", "texts"):
        raise UsageError(f"the target {target!r} is unknown", expected="population or texts")
    if differences is not None and differences != "none" and asked.by is None and asked.period is None:
        raise UsageError(
            "differences are those between groups", cure="name groups: --by COLUMN, or --time and --period"
        )
    if differences not in (None, "none", "first", "previous", "all"):
        raise UsageError(f"the differences {differences!r} are unknown", expected="none, first, previous or all")
    usual: Differences = "previous" if asked.period is not None and asked.by is None else "none"
    return Wanted(confidence, simultaneous, target, usual if differences is None else differences, True, seed)


def _read(predictions: Any, gold: Any, asked: Asked) -> Corpus:
    corpus = read_corpus(predictions, gold, asked)
    refuse_trained(corpus, asked)
    return corpus


def _whole(material: Material, corpus: Corpus, asked: Asked) -> Material:
    """Give the material of all labels: mistakes between labels need every one of them."""
    return material_of(corpus, replace(asked, of=())) if asked.of and material.exclusive else material


def about(material: Material, corpus: Corpus, asked: Asked, wanted: Wanted) -> dict[str, Any]:
    """Give what every estimate says of itself."""
    method = {"random": "PPI++", "known": "DSL"}.get(asked.sampled) or method_of(_whole(material, corpus, asked))
    by = " and ".join(name for name in (asked.by, asked.time) if name)
    return {
        "sampled": asked.sampled,
        "method": "cross-PPI" if asked.cross_fitted and method == "PPI++" else method,
        "target": wanted.target,
        "confidence": wanted.confidence,
        "simultaneous": wanted.simultaneous,
        "texts": int(corpus.inside.sum()),
        "gold": len(corpus.gold),
        "by": by or None,
        "period": asked.period,
        "assumption": ASSUMPTION if asked.sampled == "convenience" else None,
        "notes": corpus.notes,
    }


def _cautions(material: Material, corpus: Corpus, asked: Asked, wanted: Wanted) -> list[str]:
    found = []
    if wanted.is_share:
        has = material.truth.sum(axis=0)
        few = [
            name
            for name, n in zip(material.names, has, strict=True)
            if min(n, len(material.truth) - n) < _FEW_OF_A_LABEL
        ]
        if few:
            found.append(
                f"Fewer than {_FEW_OF_A_LABEL} gold rows have, or lack, {some([repr(name) for name in few])}: "
                "intervals of these shares are rough."
            )
    if material.grouping is not None:
        held = {name: int((material.place_of_gold[rows] >= 0).sum()) for name, rows in material.grouping.members()}
        none = [name for name, n in held.items() if n < FEWEST]
        if none and asked.sampled != "convenience":
            found.append(
                f"{count(len(none), 'group has', 'groups have')} fewer than {FEWEST} gold rows and no corrected "
                f"interval: {some([repr(name) for name in none])}."
            )
    if not material.inside and asked.sampled == "random":
        found.append(
            "The gold rows are other texts than those spoken of. The corrected numbers are valid if both were drawn at "
            "random from the same texts; that is what --sampled random says here."
        )
    return [*found, *asked.remarks, *drifted(corpus, asked)]


def kept(
    found: Estimates, material: Material, corpus: Corpus, pseudo: FloatMatrix | None, out: Path | str | None
) -> Estimates:
    """Give the estimates, and write them where that is wanted."""
    if out is not None:
        from classifine.surveys.estimates_kept import keep

        keep(found, material, corpus, pseudo, Path(out))
    return found
