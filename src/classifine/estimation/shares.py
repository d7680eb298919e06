"""Takes a corpus with gold rows and gives each share or mean three ways, for all rows, each group, and differences.

How the gold rows were drawn decides between PPI++, DSL and corrections under an assumption. Does not know files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from classifine.estimation.answers import Answer, Figure, narrower
from classifine.estimation.designed import Design, design_based, weighted_mean
from classifine.estimation.intervals import (
    FloatVector,
    critical,
    critical_for_all,
    score_interval,
    two_sided,
    wald,
    worth,
)
from classifine.estimation.material import Material
from classifine.estimation.powered import Drawn, Moments, Target, prediction_powered, tuned
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import holm

Differences = Literal["none", "first", "previous", "all"]

FEWEST = 10  # gold rows of a group; with fewer, no interval is worth printing
_OWN_TUNING = 100  # gold rows from which on a group decides by itself how much to lean on the predictions
_MOST_STRATA = 20  # more are not taken as features
TOO_FEW = "too few gold rows"
UNKNOWN_DESIGN = "not valid: nobody knows how these gold rows were drawn"


@dataclass(frozen=True)
class Wanted:
    """How intervals are to be.

    Attributes
    ----------
    confidence
        Of each, or of all together where ``simultaneous``.
    simultaneous
        Whether all hold together.
    target
        ``population`` or ``texts``.
    differences
        Which groups are compared: none, each with the first, each with the one before, or every pair.
    is_share
        Whether values are shares, which lie between 0 and 1.
    seed
        Where draws start.
    """

    confidence: float = 0.95
    simultaneous: bool = False
    target: Target = "population"
    differences: Differences = "none"
    is_share: bool = True
    seed: int = 42


@dataclass(frozen=True)
class Three:
    """Moments of one group, three ways."""

    group: str | None
    texts: int
    gold: int
    counted: Moments
    gold_only: Moments | None
    corrected: Moments | None
    own: FloatVector  # variance of the gold values, shape [k]
    off: Moments | None


def estimates_of(material: Material, wanted: Wanted) -> tuple[list[Answer], list[Answer], FloatMatrix | None]:
    """Estimate shares or means from gold rows whose design is known.

    Returns
    -------
    tuple
        The answers, for all rows first; the differences; and the pseudo-outcomes, shape [m, k], whose mean over the
        rows spoken of is the estimate for all rows (with gold rows from elsewhere there are none).
    """
    everything = np.flatnonzero(material.corpus).astype(np.int64)
    outside = material.gold[~material.corpus[material.gold]]
    members: list[tuple[str | None, IntVector]] = [(None, np.concatenate([everything, outside]))]
    if material.grouping is not None:
        members += list(material.grouping.members())
    pseudo: FloatMatrix | None
    if material.sampled == "known":
        threes, pseudo = _designed(material, members, wanted)
    else:
        threes, pseudo = _random(material, members, wanted)
    answers = _answers(material, threes, wanted)
    return answers, _differences(material, threes[1:], wanted), pseudo


def _random(
    material: Material, members: Sequence[tuple[str | None, IntVector]], wanted: Wanted
) -> tuple[list[Three], FloatMatrix | None]:
    threes, pseudo = [], None
    overall = None
    for name, rows in members:
        drawn = _drawn(material, rows)
        if overall is None:
            overall = tuned(drawn, target=wanted.target)
        lam = tuned(drawn, target=wanted.target) if len(drawn.truth) >= _OWN_TUNING else overall
        counted = _counted(material, rows)
        if len(drawn.truth) < 2:
            threes.append(Three(name, len(counted[0]), len(drawn.truth), counted[1], None, None, counted[2], None))
            continue
        zeros = np.zeros(len(material.names))
        gold_only = prediction_powered(drawn, target=wanted.target, tuning=zeros)
        corrected = prediction_powered(drawn, target=wanted.target, tuning=lam)
        off = _off(material, rows, None)
        own = drawn.truth.var(axis=0)
        threes.append(Three(name, len(counted[0]), len(drawn.truth), counted[1], gold_only, corrected, own, off))
        if name is None and drawn.inside:
            pseudo = _powered_outcomes(material, rows, corrected.tuning, wanted.target)
    return threes, pseudo


def _powered_outcomes(material: Material, rows: IntVector, lam: FloatVector, target: Target) -> FloatMatrix:
    """Write PPI++ as values of all rows whose mean is the estimate: ``l f + R (M / n) (Y - l f)``."""
    n, many = len(material.gold), len(rows)
    scaled = lam * many / max(many - n, 1) if target == "population" else lam
    found = scaled * material.working
    found[material.gold] += (many / n) * (material.truth - scaled * material.working[material.gold])
    return found


def _designed(
    material: Material, members: Sequence[tuple[str | None, IntVector]], wanted: Wanted
) -> tuple[list[Three], FloatMatrix]:
    probability = material.probability
    if probability is None:
        raise ValueError("a known design has probabilities")
    features = _dummies(material.strata)
    design = Design(material.working, material.gold, material.truth, probability, features)
    more = {"target": wanted.target, "clusters": material.clusters, "seed": wanted.seed}
    all_of_them = np.zeros(len(material.corpus), dtype=np.int64)
    corrected, pseudo = design_based(design, all_of_them, 1, **more)  # type: ignore[arg-type]
    if material.grouping is not None:
        corrected += design_based(design, material.grouping.of, len(material.grouping.names), **more)[0]  # type: ignore[arg-type]
    threes = []
    for (name, rows), one in zip(members, corrected, strict=True):
        counted = _counted(material, rows)
        own = material.place_of_gold[rows]
        own = own[own >= 0]
        if len(own) < 2:
            threes.append(Three(name, len(rows), len(own), counted[1], None, None, counted[2], None))
            continue
        clusters = None if material.clusters is None else material.clusters[material.gold[own]]
        gold_only = weighted_mean(material.truth[own], probability[own], clusters)
        spread = gold_only.values
        squares = weighted_mean((material.truth[own] - spread) ** 2, probability[own], None).values
        off = _off(material, rows, probability)
        threes.append(Three(name, len(rows), len(own), counted[1], gold_only, one, squares, off))
    return threes, pseudo


def _dummies(strata: IntVector | None) -> FloatMatrix | None:
    if strata is None:
        return None
    names = np.unique(strata)
    if not 1 < len(names) <= _MOST_STRATA:
        return None
    found: FloatMatrix = (strata[:, None] == names[None, 1:]).astype(np.float64)
    return found


def _drawn(material: Material, rows: IntVector) -> Drawn:
    place = material.place_of_gold[rows]
    gold, rest = rows[place >= 0], rows[place < 0]
    clusters = None if material.clusters is None else (material.clusters[gold], material.clusters[rest])
    truth = material.truth[place[place >= 0]]
    return Drawn(truth, material.working[gold], material.working[rest], material.inside, clusters)


def _counted(material: Material, rows: IntVector) -> tuple[IntVector, Moments, FloatVector]:
    """Count predictions as if they were true: the rows, their mean, its variance."""
    spoken = rows[material.corpus[rows]]
    values = material.counted[spoken]
    n, k = max(len(spoken), 1), len(material.names)
    mean = values.mean(axis=0) if len(spoken) else np.full(k, np.nan)
    own = values.var(axis=0) if len(spoken) else np.zeros(k)
    if material.clusters is not None and len(spoken):
        of = material.clusters[spoken]
        moments = Moments.of_clusters(mean, [(values - mean) / n], [of], len(np.unique(of)) - 1, np.zeros(k))
        return spoken, moments, own
    away = values - mean if len(spoken) else np.zeros((1, k))
    return spoken, Moments(mean, away.T @ away / n**2, n - 1, np.zeros(k)), own


def _off(material: Material, rows: IntVector, probability: FloatVector | None) -> Moments:
    """Say by how much the plain count is too high, as the gold rows show it."""
    place = material.place_of_gold[rows]
    own = place[place >= 0]
    error = material.counted[material.gold[own]] - material.truth[own]
    clusters = None if material.clusters is None else material.clusters[material.gold[own]]
    return weighted_mean(error, np.ones(len(own)) if probability is None else probability[own], clusters)


def _answers(material: Material, threes: Sequence[Three], wanted: Wanted) -> list[Answer]:
    c = _factor([three.corrected for three in threes if three.corrected is not None], wanted)
    found = []
    for three in threes:
        for place, name in enumerate(material.names):
            counted = _figure(three.counted, place, three.texts, wanted, None, None)
            if three.gold_only is None or three.corrected is None:
                none = Figure(None, rows=three.gold, note="no gold row" if not three.gold else TOO_FEW)
                found.append(Answer(name, three.group, three.texts, three.gold, counted, none, none))
                continue
            own = float(three.own[place])
            gold_only = _figure(three.gold_only, place, three.gold, wanted, None, own)
            corrected = _figure(three.corrected, place, three.gold, wanted, c, own)
            off = None
            if three.off is not None:
                off = two_sided(float(three.off.values[place]), _se(three.off, place), three.off.df)
            found.append(
                Answer(
                    *(name, three.group, three.texts, three.gold, counted, gold_only, corrected),
                    narrower=narrower(corrected, _figure(three.gold_only, place, three.gold, wanted, c, own)),
                    off_p=off,
                )
            )
    return found


def _factor(moments: Sequence[Moments], wanted: Wanted) -> float | None:
    """Give the common factor of standard errors where all intervals hold together; groups count as independent."""
    if not wanted.simultaneous or not moments:
        return None
    k = len(moments[0].values)
    whole = np.zeros((k * len(moments), k * len(moments)))
    for place, one in enumerate(moments):
        whole[place * k : (place + 1) * k, place * k : (place + 1) * k] = one.covariance
    return critical_for_all(whole, wanted.confidence, min(one.df for one in moments), seed=wanted.seed)


def _se(moments: Moments, place: int) -> float:
    return float(np.sqrt(max(moments.covariance[place, place], 0.0)))


def _figure(moments: Moments, place: int, rows: int, wanted: Wanted, c: float | None, own: float | None) -> Figure:
    """Give one number with its interval; ``own`` is the variance of a gold value, none of a count of texts."""
    value, se = float(moments.values[place]), _se(moments, place)
    if own is not None and rows < FEWEST:
        return Figure(value, se=se, rows=rows, note=f"{TOO_FEW} for an interval")
    if not np.isfinite(value):
        return Figure(None, rows=rows, note="no text")
    factor = critical(wanted.confidence, moments.df) if c is None else c
    size = float(rows) if own is None else worth(own, se**2, rows)
    ends = score_interval(value, size, factor) if wanted.is_share else wald(value, se, factor)
    if wanted.is_share:
        value = min(max(value, 0.0), 1.0)
    return Figure(value, *ends, se=se, rows=rows, effective_rows=size)


def _differences(material: Material, threes: Sequence[Three], wanted: Wanted) -> list[Answer]:
    pairs = pairs_of(len(threes), wanted.differences)
    if wanted.simultaneous and pairs:  # Šidák's bound holds whatever the differences have in common
        wanted = replace(wanted, confidence=wanted.confidence ** (1 / (len(pairs) * len(material.names))))
    found = [
        _difference(name, place, threes[one], threes[other], wanted)
        for place, name in enumerate(material.names)
        for one, other in pairs
    ]
    told = [at for at, answer in enumerate(found) if answer.corrected.p is not None]
    for at, p in zip(told, holm([found[at].corrected.p or 0.0 for at in told]), strict=True):
        found[at] = replace(found[at], adjusted_p=p)
    return found


def pairs_of(groups: int, which: Differences) -> list[tuple[int, int]]:
    """Give which groups are compared, the second one being subtracted.

    Examples
    --------
    >>> pairs_of(3, "previous"), pairs_of(3, "first"), len(pairs_of(4, "all"))
    ([(1, 0), (2, 1)], [(1, 0), (2, 0)], 6)
    """
    match which:
        case "first":
            return [(one, 0) for one in range(1, groups)]
        case "previous":
            return [(one, one - 1) for one in range(1, groups)]
        case "all":
            return [(one, other) for other in range(groups) for one in range(other + 1, groups)]
        case _:
            return []


def _difference(name: str, place: int, one: Three, other: Three, wanted: Wanted) -> Answer:
    texts, gold = one.texts + other.texts, one.gold + other.gold
    counted = _subtracted(one.counted, other.counted, place, texts, wanted)
    about = {"label": name, "group": one.group, "minus": other.group, "texts": texts, "gold": gold}
    if one.corrected is None or other.corrected is None or min(one.gold, other.gold) < FEWEST:
        none = Figure(None, rows=gold, note=f"{TOO_FEW} in one of the two")
        return Answer(**about, uncorrected=counted, gold_only=none, corrected=none)  # type: ignore[arg-type]
    gold_only = _subtracted(one.gold_only or one.counted, other.gold_only or other.counted, place, gold, wanted)
    corrected = _subtracted(one.corrected, other.corrected, place, gold, wanted)
    return Answer(
        **about,  # type: ignore[arg-type]
        uncorrected=counted,
        gold_only=gold_only,
        corrected=corrected,
        narrower=narrower(corrected, gold_only),
    )


def _subtracted(one: Moments, other: Moments, place: int, rows: int, wanted: Wanted) -> Figure:
    value = float(one.values[place] - other.values[place])
    df = min(one.df, other.df)
    if one.influence and other.influence:
        parts = [(part[:, [place]], of) for part, of in one.influence]
        parts += [(-part[:, [place]], of) for part, of in other.influence]
        both = Moments.of_clusters(
            np.array([value]), [part for part, _ in parts], [of for _, of in parts], df, np.zeros(1)
        )
        se = _se(both, 0)
    else:
        se = float(np.sqrt(_se(one, place) ** 2 + _se(other, place) ** 2))
    ends = wald(value, se, critical(wanted.confidence, df))
    return Figure(value, *ends, se=se, rows=rows, p=two_sided(value, se, df))
