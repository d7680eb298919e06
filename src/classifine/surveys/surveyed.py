"""Takes a corpus of cells and gives the arrays that estimates are made of: values, groups, clusters, probabilities.

Also finds gold rows that were trained on, and whether gold texts differ from the others. Does not know any formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from classifine.errors import Contaminated, LabelsProblem, RowsProblem, UsageError, count, some
from classifine.estimation.intervals import FloatVector
from classifine.estimation.material import Grouping, Material
from classifine.labels import FloatMatrix, IntVector, several_labels
from classifine.runs import RunFolder
from classifine.surveys.corpus import Corpus
from classifine.surveys.gold import stratum_probabilities
from classifine.surveys.sheets import Asked, Period

BETWEEN = " · "
FEWEST_CLUSTERS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def material_of(corpus: Corpus, asked: Asked) -> Material:
    """Give the arrays of shares: for each label whether it was predicted, how probable it is, and whether it is true.

    Raises
    ------
    RowsProblem
        Cells of groups, times, clusters or strata are blank or cannot be read; a stratum has no gold row.
    """
    names = tuple(asked.of) or corpus.labels
    counted = indicator(corpus.predicted, names, asked.separator)
    working = counted
    if corpus.probabilities is not None:
        places = [corpus.labels.index(name) for name in names]
        working = corpus.probabilities[:, places]
        gaps = np.isnan(working).any(axis=1)
        if gaps.any():
            raise RowsProblem(
                f"{count(int(gaps.sum()), 'row has', 'rows have')} a label and no probability",
                where=f"rows {some([corpus.numbers[row] for row in np.flatnonzero(gaps)[:6]])}",
                cure="fill in the probabilities, or leave their columns out",
            )
    truth = indicator(corpus.truth, names, asked.separator)
    return _material(corpus, asked, names, counted, working, truth)


def coded(corpus: Corpus, asked: Asked, codes: Mapping[str, float] | None) -> tuple[FloatVector, Material]:
    """Give the number of each label, and the arrays of their mean.

    Raises
    ------
    LabelsProblem
        A label has no number.
    """
    numbers = codes_of(corpus, asked, codes)
    counted = indicator(corpus.predicted, corpus.labels, None) @ numbers
    working = counted if corpus.probabilities is None else corpus.probabilities @ numbers
    truth = indicator(corpus.truth, corpus.labels, None) @ numbers
    return numbers, _material(corpus, asked, ("mean",), counted[:, None], working[:, None], truth[:, None])


def codes_of(corpus: Corpus, asked: Asked, codes: Mapping[str, float] | None) -> FloatVector:
    """Give the number each label stands for, shape [k].

    Raises
    ------
    LabelsProblem, UsageError
        A label has none, or texts may have several labels.
    """
    if asked.separator is not None:
        raise UsageError("the mean is that of one label a text", cure="estimate the share of each label instead")
    found, lacking = [], []
    for name in corpus.labels:
        try:
            found.append(float(name if codes is None else codes[name]))
        except (KeyError, ValueError):
            lacking.append(name)
    if lacking:
        raise LabelsProblem(
            f"{count(len(lacking), 'label has', 'labels have')} no number",
            found=some([repr(name) for name in lacking]),
            cure='say what each stands for: --code "low=1" --code "high=3"',
        )
    strange = sorted(set(codes or {}) - set(corpus.labels))
    if strange:
        raise LabelsProblem(
            f"no such label: {some([repr(name) for name in strange])}", expected=some(corpus.labels, limit=20)
        )
    return np.array(found)


def indicator(cells: Sequence[str], names: Sequence[str], separator: str | None) -> FloatMatrix:
    """Say of each cell which labels stand in it, shape [n, k]."""
    place = {name: at for at, name in enumerate(names)}
    kinds = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    rows = np.zeros((len(kinds), len(names)))
    for cell, at in kinds.items():
        for name in several_labels(cell, separator):
            if name in place:
                rows[at, place[name]] = 1.0
    found: FloatMatrix = rows[np.fromiter((kinds[cell] for cell in cells), np.int64, len(cells))]
    return found


def _material(
    corpus: Corpus, asked: Asked, names: tuple[str, ...], counted: FloatMatrix, working: FloatMatrix, truth: FloatMatrix
) -> Material:
    probability, strata = corpus.probability, None
    if asked.strata is not None:
        probability, strata = strata_of(corpus, asked)
    if asked.sampled == "known" and not corpus.inside[corpus.gold].all():
        raise RowsProblem(
            "gold rows with known probabilities must be among the texts they were drawn from",
            cure="predict those texts, too, so that the predictions hold all texts of the corpus",
        )
    return Material(
        names=names,
        counted=counted,
        working=working,
        gold=corpus.gold,
        truth=truth,
        corpus=corpus.inside,
        sampled=asked.sampled,
        probability=probability,
        clusters=clusters_of(corpus, asked),
        grouping=grouping_of(corpus, asked),
        strata=strata,
        exclusive=asked.separator is None,
    )


def strata_of(corpus: Corpus, asked: Asked) -> tuple[FloatVector, IntVector]:
    """Give the probability of each gold row from the strata, and the stratum of each row."""
    column = asked.strata or ""
    probability, strata = stratum_probabilities(corpus.columns[column], corpus.gold.tolist(), column)
    return probability, strata.astype(np.int64)


def clusters_of(corpus: Corpus, asked: Asked) -> IntVector | None:
    """Give the cluster of each row, shape [m].

    Raises
    ------
    RowsProblem
        A row has none, or the gold rows come from few.
    """
    if asked.cluster is None:
        return None
    cells = _filled(corpus, asked.cluster, "cluster")
    place = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    found = np.fromiter((place[cell] for cell in cells), np.int64, len(cells))
    drawn = len(np.unique(found[corpus.gold]))
    if drawn < FEWEST_CLUSTERS:
        raise RowsProblem(
            f"the gold rows come from {count(drawn, 'cluster')}, too few to know how clusters differ",
            where=f"column {asked.cluster!r}",
            expected=f"at least {FEWEST_CLUSTERS}",
            cure="leave --cluster out, or label rows of more clusters",
        )
    return found


def grouping_of(corpus: Corpus, asked: Asked) -> Grouping | None:
    """Give the group of each row: as its column says, by period, or both.

    Raises
    ------
    RowsProblem
        A row has no group or no time, or times cannot be read.
    """
    parts = []
    if asked.by is not None:
        parts.append(_filled(corpus, asked.by, "group"))
    if asked.time is not None and asked.period is not None:
        from classifine.data.splits.times import moments

        cells = _filled(corpus, asked.time, "time")
        parts.append(periods(moments(cells, list(corpus.numbers)), asked.period))
    if not parts:
        return None
    cells = parts[0] if len(parts) == 1 else [BETWEEN.join(both) for both in zip(*parts, strict=True)]
    names = tuple(sorted(set(cells)))
    place = {name: at for at, name in enumerate(names)}
    return Grouping(names, np.fromiter((place[cell] for cell in cells), np.int64, len(cells)))


def _filled(corpus: Corpus, column: str, role: str) -> list[str]:
    cells = corpus.columns[column]
    blank = [corpus.numbers[row] for row, cell in enumerate(cells) if cell is None or not cell.strip()]
    if blank:
        raise RowsProblem(
            f"{count(len(blank), 'row has', 'rows have')} no {role}",
            where=f"column {column!r}, rows {some(blank)}",
            cure=f"give these rows a {role} of their own, such as (none), so that no text vanishes from the count",
        )
    return [str(cell).strip() for cell in cells]


def periods(when: IntVector, period: Period) -> list[str]:
    """Name the period of each moment so that names sort by time.

    Parameters
    ----------
    when
        Microseconds since 1970.
    period
        ``day``, ``week`` (ISO), ``month``, ``quarter`` or ``year``.

    Examples
    --------
    >>> periods(np.array([1_741_000_000_000_000]), "quarter"), periods(np.array([1_741_000_000_000_000]), "week")
    (['2025-Q1'], ['2025-W10'])
    """
    days, place = np.unique(when // 86_400_000_000, return_inverse=True)
    names = [_period(_EPOCH + timedelta(days=int(day)), period) for day in days]
    return [names[at] for at in place.tolist()]


def _period(day: datetime, period: Period) -> str:
    match period:
        case "day":
            return f"{day:%Y-%m-%d}"
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day:%Y}-Q{(day.month + 2) // 3}"
        case _:
            return f"{day:%Y}"


def refuse_trained(corpus: Corpus, asked: Asked) -> None:
    """Refuse gold rows that the classifier was trained on, as far as the run is known.

    Raises
    ------
    Contaminated
        There are such rows, and their predictions are not out of fold.
    """
    if asked.run is None or asked.cross_fitted:
        return
    texts = corpus.columns.get(asked.text)
    seen_ids, seen_texts, named = _seen(asked.run)
    found = []
    for row in corpus.gold.tolist():
        text = None if texts is None else texts[row]
        same = _normal(text) in seen_texts if text is not None else named and corpus.ids[row] in seen_ids
        if same:
            found.append(corpus.ids[row])
    if found:
        raise Contaminated(
            f"{count(len(found), 'gold row was', 'gold rows were')} trained on: the classifier knows their labels, and "
            "its mistakes on them say nothing of its mistakes on other texts",
            where=str(asked.run),
            found=f"ids {some(found)}",
            cure="leave these rows out only if the rest is still a random sample; or use the run's untouched test "
            "texts (classifine estimate RUN FILE); or give out-of-fold predictions in the gold file: "
            "--cross-fitted",
        )


def _seen(run: Path) -> tuple[set[str], set[str], bool]:
    import pyarrow.parquet as pq

    folder = RunFolder.existing(run)
    if not (folder.splits.is_file() and folder.rows.is_file()):
        raise RowsProblem(f"{run} does not say which rows it was trained on", cure="name the run's folder")
    rows = pq.read_table(folder.rows, columns=["id", "text"]).to_pylist()
    parts = pq.read_table(folder.splits, columns=["split"]).column("split").to_pylist()
    trained = [row for row, part in zip(rows, parts, strict=True) if part in ("train", "validation")]
    named = folder.read_manifest()["settings"]["data"].get("id") is not None
    return {row["id"] for row in trained}, {_normal(row["text"]) for row in trained}, named


def _normal(text: str) -> str:
    from classifine.data.likeness.duplicates import normalise

    return normalise(text)


def drifted(corpus: Corpus, asked: Asked) -> list[str]:
    """Say whether the gold texts differ from those spoken of, where the numbers rest on their being alike.

    A simple classifier tries to tell them apart; see :func:`classifine.data.audit.drift.drift`.
    """
    outside = not corpus.inside[corpus.gold].all()
    if asked.sampled == "known" or (asked.sampled == "random" and not outside):
        return []
    texts = corpus.columns.get(asked.text)
    if texts is None:
        return [
            f"No column {asked.text!r} with the texts, so that nobody can see whether the gold rows differ (drift)."
        ]
    from classifine.data.audit.drift import drift

    is_gold = np.zeros(len(corpus.ids), dtype=bool)
    is_gold[corpus.gold] = True
    gold = [_normal(text) for text, one in zip(texts, is_gold, strict=True) if one and text]
    rest = [
        _normal(text) for text, one, own in zip(texts, corpus.inside, is_gold, strict=True) if one and not own and text
    ]
    if len(rest) > _MOST_TEXTS:
        rest = [rest[at] for at in np.random.default_rng(0).choice(len(rest), _MOST_TEXTS, replace=False)]
    finding = drift("gold", gold, "target", rest)
    verdict = "The gold texts differ from those spoken of" if finding.level == "warn" else "No drift is shown"
    return [f"{verdict}: {finding.message}."]


_MOST_TEXTS = 20_000
