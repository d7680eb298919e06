"""Takes a corpus and gold rows that nobody knows the drawing of and gives shares three ways, under an assumption.

Rogan-Gladen for each label, adjusted counts for several, EM on probabilities beside them. Does not know files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifine.errors import LabelsProblem
from classifine.estimation.answers import Answer, Figure, narrower
from classifine.estimation.assumed import RESAMPLES, adjusted_count, rogan_gladen, shifted
from classifine.estimation.intervals import FloatVector, critical, score_interval, wald, worth
from classifine.estimation.material import Material
from classifine.estimation.shares import UNKNOWN_DESIGN, Wanted
from classifine.labels import FloatMatrix, IntVector

EM = "prior-shift EM"
ASSUMPTION = (
    "Assumed, not shown: on these texts the classifier takes labels for each other as often as on the gold rows "
    "(P(predicted | true) carries over). Where the texts differ from the gold rows in more than how frequent the "
    "labels are, the corrected numbers are wrong, and their intervals do not say so."
)
_LEAST = 1e-12


def method_of(material: Material) -> str:
    """Name the correction that these labels call for."""
    return "adjusted counts" if material.exclusive and len(material.names) > 2 else "Rogan–Gladen"


def assumed_shares(material: Material, wanted: Wanted, codes: FloatVector | None = None) -> list[Answer]:
    """Correct shares, or the mean of the labels' codes, by the mistakes that the gold rows show.

    Parameters
    ----------
    material
        With ``counted`` 0 or 1 for each label.
    wanted
        Confidence and seed; nothing else is heeded.
    codes
        For a mean: the number each label stands for, shape [k].

    Raises
    ------
    LabelsProblem
        A label has no gold row, or the predictions say too little about it.
    """
    few = [name for name, n in zip(material.names, material.truth.sum(axis=0), strict=True) if not n]
    if few:
        raise LabelsProblem(
            "labels without a gold row cannot be corrected: how often they are found is not known",
            found=", ".join(few),
            cure="add gold rows with these labels, or join the labels with others",
        )
    everything: list[tuple[str | None, IntVector]] = [(None, np.flatnonzero(material.corpus).astype(np.int64))]
    if material.grouping is not None:
        everything += [(name, rows[material.corpus[rows]]) for name, rows in material.grouping.members()]
    found: list[Answer] = []
    for name, rows in everything:
        values = material.counted[rows]
        if codes is None:
            found += _of_labels(material, name, values, material.working[rows], wanted)
        else:
            found.append(_of_codes(material, name, values, codes, wanted))
    return found


def _of_labels(
    material: Material, group: str | None, counted: FloatMatrix, working: FloatMatrix, wanted: Wanted
) -> list[Answer]:
    known = material.counted[material.gold]
    corrected = (
        _adjusted(material, counted, known, wanted)
        if method_of(material) == "adjusted counts"
        else [_rogan_gladen(material, place, counted, known, wanted) for place in range(len(material.names))]
    )
    other = _em(material, working, wanted)
    n, gold = len(counted), len(material.gold)
    found = []
    for place, name in enumerate(material.names):
        naive = _plain(float(counted[:, place].mean()) if n else 0.0, n, wanted)
        own = _plain(float(material.truth[:, place].mean()), gold, wanted)
        own = Figure(**{**vars(own), "note": UNKNOWN_DESIGN})
        found.append(
            Answer(
                *(name, group, n, gold, naive, own, corrected[place]),
                narrower=narrower(corrected[place], own),
                further={EM: other[place]} if other else None,
            )
        )
    return found


def _plain(value: float, rows: int, wanted: Wanted) -> Figure:
    variance = value * (1 - value) / max(rows, 1)
    ends = score_interval(value, max(rows, 1), critical(wanted.confidence, rows - 1))
    return Figure(value, *ends, se=float(np.sqrt(variance)), rows=rows, effective_rows=float(rows))


def _rogan_gladen(material: Material, place: int, counted: FloatMatrix, known: FloatMatrix, wanted: Wanted) -> Figure:
    truth, given = material.truth[:, place] > 0, known[:, place] > 0
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not negatives:
        raise LabelsProblem(
            f"all gold rows have the label {material.names[place]!r}, so that false ones cannot be known",
            cure="add gold rows without it",
        )
    sensitivity, specificity = float(given[truth].mean()), float((~given[~truth]).mean())
    share = float(counted[:, place].mean())
    value, variance = rogan_gladen(share, len(counted), sensitivity, positives, specificity, negatives)
    return _clipped(value, variance, wanted, len(material.gold))


def _clipped(value: float, variance: float, wanted: Wanted, rows: int) -> Figure:
    se = float(np.sqrt(variance))
    low, high = wald(value, se, critical(wanted.confidence, rows - 1))
    inside = min(max(value, 0.0), 1.0)
    note = None if inside == value else f"the formula gives {value:.3f}; brought back to where shares can be"
    return Figure(
        *(inside, min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)),
        se=se,
        rows=rows,
        effective_rows=worth(inside * (1 - inside), variance, rows),
        note=note,
    )


def _adjusted(material: Material, counted: FloatMatrix, known: FloatMatrix, wanted: Wanted) -> list[Figure]:
    table = material.truth.T @ known
    found = adjusted_count(counted.sum(axis=0).astype(np.int64), table, seed=wanted.seed, resamples=RESAMPLES)
    rows = len(material.gold)
    return [_drawn(float(value), drawn, wanted, rows) for value, drawn in zip(found.values, found.drawn.T, strict=True)]


def _drawn(value: float, drawn: FloatVector, wanted: Wanted, rows: int, *, is_share: bool = True) -> Figure:
    low, high = np.quantile(drawn, [(1 - wanted.confidence) / 2, (1 + wanted.confidence) / 2])
    variance = float(drawn.var())
    size = worth(value * (1 - value), variance, rows) if is_share else None
    return Figure(value, float(low), float(high), se=variance**0.5, rows=rows, effective_rows=size)


def _em(material: Material, working: FloatMatrix, wanted: Wanted) -> list[Figure]:
    """Find the shares under which the probabilities fit best; nothing where there are no probabilities."""
    if not material.exclusive or len(material.names) < 2 or not len(working) or _is_plain(working):
        return []
    values, variances = shifted(np.maximum(working, _LEAST), material.truth)
    rows = len(material.gold)
    return [_clipped(float(v), float(s), wanted, rows) for v, s in zip(values, variances, strict=True)]


def _is_plain(working: FloatMatrix) -> bool:
    return bool(np.isin(working, (0.0, 1.0)).all())


def _of_codes(
    material: Material, group: str | None, counted: FloatMatrix, codes: FloatVector, wanted: Wanted
) -> Answer:
    table = material.truth.T @ material.counted[material.gold]
    found = adjusted_count(counted.sum(axis=0).astype(np.int64), table, seed=wanted.seed)
    gold = len(material.gold)
    corrected = _drawn(float(found.values @ codes), found.drawn @ codes, wanted, gold, is_share=False)
    naive, own = (_mean(values @ codes, wanted) for values in (counted, material.truth))
    own = Figure(**{**vars(own), "note": UNKNOWN_DESIGN})
    return Answer("mean", group, len(counted), gold, naive, own, corrected, narrower=narrower(corrected, own))


def _mean(values: Sequence[float] | FloatVector, wanted: Wanted) -> Figure:
    column = np.asarray(values, dtype=np.float64)
    se = float(column.std() / np.sqrt(len(column)))
    ends = wald(float(column.mean()), se, critical(wanted.confidence, len(column) - 1))
    return Figure(float(column.mean()), *ends, se=se, rows=len(column), effective_rows=float(len(column)))
