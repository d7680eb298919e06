"""Takes predictions and perhaps a pilot of gold rows and says how many more are needed, and draws them.

The sample keeps the columns a person needs, and the probability with which each row was drawn. Does not know formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.data.beside import Record
from classifine.doors.estimated import asked_of
from classifine.errors import RowsProblem, UsageError, count
from classifine.estimation.intervals import critical
from classifine.estimation.planning import Parts, allocated, draw, rows_needed
from classifine.surveys.corpus import read_corpus
from classifine.surveys.sheets import Asked, Sheet, sheet_of
from classifine.surveys.surveyed import indicator, material_of, refuse_trained

VERB = "estimate plan"
PROBABILITY, STRATUM = "probability", "stratum"


@dataclass(frozen=True)
class Plan:
    """How many gold rows are needed, and where they are drawn.

    Attributes
    ----------
    label
        The label whose share is asked about.
    texts, pilot
        Texts, and gold rows there are.
    width
        The interval's wanted width; none where a number of rows was asked for.
    now
        The width with the pilot alone; none without one.
    at_random
        Rows drawn at random that give the width, the pilot among them; none where not even all do.
    expected
        Widths foreseen with 2 and 4 times the pilot, at random, by number of rows.
    rows
        Rows drawn now.
    expected_width
        The width foreseen with them and the pilot.
    same_at_random
        The width foreseen with as many rows drawn at random.
    path
        The sample.
    lines
        All of it in words.
    """

    label: str
    texts: int
    pilot: int
    width: float | None
    now: float | None
    at_random: int | None
    expected: dict[int, float]
    rows: int
    expected_width: float
    same_at_random: float
    path: Path | None
    lines: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {**asdict(self), "path": None if self.path is None else str(self.path)}


def plan_sample(
    predictions: Any,
    out: Path | str | None = None,
    *,
    of: str,
    pilot: Any = None,
    width: float | None = None,
    rows: int | None = None,
    confidence: float = 0.95,
    seed: int = 42,
    **columns: Any,
) -> Plan:
    """Say how many gold rows a wanted interval takes, and draw those from which most is learnt.

    Rows are divided by how uncertain their predicted probability is, and drawn the more often the more uncertain they
    are; each has a known probability, so that ``sampled="known", probability="probability"`` takes the labelled sample.

    Parameters
    ----------
    predictions
        As for :func:`estimate_share`, with probabilities.
    out
        The sample to write, a CSV file; a pilot's rows stand in it with their labels. Without one, nothing is written.
    of
        The label whose share is asked about.
    pilot
        Gold rows drawn at random before; without any, the probabilities are believed.
    width
        Of the interval, in shares: 0.04 is two points to each side.
    rows
        Instead of a width, how many rows are drawn.
    confidence, seed, **columns
        As for :func:`estimate_share`.

    Raises
    ------
    ClassifineError
        Files cannot be read, there are no probabilities, or neither width nor rows are given.
    """
    _refuse(width, rows)
    asked = asked_of("random", {**columns, "of": (of,)})
    sheet, working, places, truth = _read(predictions, pilot, asked, of)
    texts, n0 = len(working), len(places)
    _refuse_more(rows, texts - n0)
    parts = _parts(working, places, truth)
    c = critical(confidence, 1e9)
    errors = (truth - working[places])[:, None]
    uncertainty = working * (1 - working)

    def foreseen(total: int) -> float:
        return 2 * c * allocated(uncertainty, total, pilot=places, errors=errors).se

    at_random = None if width is None else rows_needed(parts, texts, width, c)
    more = rows if rows is not None else _enough(foreseen, width or 0.0, n0, texts)
    allocation = allocated(uncertainty, more, pilot=places, errors=errors)
    drawn, shares = draw(allocation, seed=seed, barred=places)
    total = len(drawn) + n0
    plan = Plan(
        label=of,
        texts=texts,
        pilot=n0,
        width=width,
        now=2 * c * parts.se(n0, texts - n0) if n0 else None,
        at_random=at_random,
        expected={k * n0: 2 * c * parts.se(k * n0, max(texts - k * n0, 1)) for k in (2, 4) if 0 < k * n0 < texts},
        rows=len(drawn),
        expected_width=foreseen(total),
        same_at_random=2 * c * parts.se(total, max(texts - total, 1)),
        path=None if out is None else Path(out),
        lines=(),
    )
    plan = replace(plan, lines=tuple(_lines(plan)))
    if out is not None:
        # a row is in the sample if the pilot or this draw took it
        before = n0 / texts
        probability = before + (1 - before) * shares[allocation.strata]
        rows_of = np.sort(np.concatenate([drawn, places]))
        _write(Path(out), sheet, rows_of, allocation.strata, probability, pilot, asked, plan)
    return plan


def _refuse(width: float | None, rows: int | None) -> None:
    if (width is None) == (rows is None):
        raise UsageError(
            "say how wide the interval may be, or how many rows are drawn", expected="--width 0.04, or --rows 300"
        )
    if width is not None and not 0 < width < 1:
        raise UsageError(f"a width of {width:g} is not possible", expected="a share: 0.04 is two points to each side")
    if rows is not None and rows < 1:
        raise UsageError(f"{rows} rows cannot be drawn", expected="at least 1")


def _refuse_more(rows: int | None, without_gold: int) -> None:
    if rows is not None and rows > without_gold:
        raise UsageError(f"{rows:,} rows cannot be drawn from {count(without_gold, 'text')} without gold")


def _read(predictions: Any, pilot: Any, asked: Asked, of: str) -> tuple[Sheet, Any, Any, Any]:
    """Give the predictions' sheet, the probability of the label, and places and truth of the pilot."""
    sheet = sheet_of(predictions, [asked.id, asked.text], asked.prefix + of, asked, what="predictions")
    sheet.needed(asked.id, "id")
    column = asked.prefix + of
    if column not in sheet.columns:
        raise RowsProblem(
            f"there are no probabilities of {of!r}, by which rows could be drawn",
            where=sheet.where,
            expected=f"a column {column!r}",
            cure="write them with `classifine predict`, or draw gold rows at random",
        )
    working = sheet.numbers(column)
    gaps = np.flatnonzero(~((working >= 0) & (working <= 1)))
    if len(gaps):
        raise RowsProblem(
            f"{count(len(gaps), 'row has', 'rows have')} no probability of {of!r}",
            where=f"{sheet.where}, row {sheet.rows[int(gaps[0])]}",
            cure="take blank texts out of the predictions before a sample is drawn from them",
        )
    if pilot is None:
        return sheet, working, np.zeros(0, dtype=np.int64), np.zeros(0)
    corpus = read_corpus(predictions, pilot, asked)
    refuse_trained(corpus, asked)
    material = material_of(corpus, asked)
    if not material.inside:
        raise RowsProblem("the pilot's rows must be among the predictions", cure="draw the pilot from these texts")
    return sheet, working, corpus.gold, indicator(corpus.truth, (of,), asked.separator)[:, 0]


def _parts(working: Any, places: Any, truth: Any) -> Parts:
    if not len(places):
        mean = float(working.mean())
        own = float(working.var())
        return Parts(own, mean * (1 - mean), own)  # as calibrated probabilities would have it
    known = working[places]
    together = float(((known - known.mean()) * (truth - truth.mean())).mean())
    return Parts(float(working.var()), float(truth.var()), together)


def _enough(foreseen: Any, width: float, before: int, texts: int) -> int:
    """Give the fewest rows whose foreseen interval is narrow enough, beside those there are."""
    low, high = 1, texts - before
    if foreseen(before + high) > width:
        raise UsageError(
            f"no sample of these texts gives an interval as narrow as {width:g}",
            found=f"{foreseen(before + high):.3f} with all {texts:,} texts",
            cure="ask for a wider one",
        )
    while low < high:
        middle = (low + high) // 2
        if foreseen(before + middle) <= width:
            high = middle
        else:
            low = middle + 1
    return low


def _points(width: float) -> str:
    return f"±{50 * width:.1f} points"


def _lines(plan: Plan) -> list[str]:
    found = [
        f"{count(plan.rows, 'row')} to label, of {plan.texts:,} texts, for the share of {plan.label!r}: "
        f"foreseen {_points(plan.expected_width)}"
        + (f", with the {plan.pilot:,} gold rows there are" if plan.pilot else "")
        + f"; as many drawn at random: {_points(plan.same_at_random)}."
    ]
    if plan.now is not None:
        found.append(f"The {plan.pilot:,} gold rows there are give {_points(plan.now)}.")
    for n, width in plan.expected.items():
        found.append(f"{n:,} gold rows drawn at random would give {_points(width)}.")
    if plan.width is not None:
        found.append(
            f"Drawn at random, {_points(plan.width)} would take {count(plan.at_random, 'gold row')} in all."
            if plan.at_random is not None
            else f"Drawn at random, no number of rows would give {_points(plan.width)}."
        )
    if not plan.pilot:
        found.append("Without a pilot, the probabilities are believed; label a part first and plan again with --pilot.")
    return found


def _write(
    out: Path,
    sheet: Sheet,
    rows: Any,
    strata: Any,
    probability: Any,
    pilot: Any,
    asked: Asked,
    plan: Plan,
) -> None:
    if out.suffix.lower() != ".csv":
        raise UsageError(f"{out} does not end in .csv", cure="-o sample.csv")
    record = Record(out.with_suffix(".plan.json"), VERB)
    record.refuse_foreign([out], cure="choose another name with -o")
    labels = {} if pilot is None else _labels(pilot, asked)
    shown = [name for name in (asked.text,) if name in sheet.columns]
    names = [asked.id, *shown, STRATUM, PROBABILITY, asked.label]

    def lines() -> Sequence[dict[str, Any]]:
        return [
            {
                asked.id: (name := str(sheet.columns[asked.id][row])),
                **{column: sheet.columns[column][row] for column in shown},
                STRATUM: int(strata[row]) + 1,
                PROBABILITY: float(probability[row]),
                asked.label: labels.get(name, ""),
            }
            for row in rows.tolist()
        ]

    durable.make_folder(out.parent)
    durable.write_json(record.path, {**record.entries([out]), **plan.to_dict()})
    durable.write_csv(out, names, lines())


def _labels(pilot: Any, asked: Asked) -> dict[str, str]:
    known = sheet_of(pilot, [asked.id, asked.label], None, asked, what="pilot")
    return {
        str(name): str(label) for name, label in zip(known.columns[asked.id], known.columns[asked.label], strict=True)
    }
