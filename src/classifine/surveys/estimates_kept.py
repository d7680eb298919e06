"""Takes estimates and the rows they rest on and gives their files: numbers, table, page, weights and pseudo-outcomes.

What stands there and is not of an earlier estimate is left alone. Does not know how anything was estimated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.data.beside import Record
from classifine.errors import UsageError
from classifine.estimation.answers import Answer, Estimates, Figure
from classifine.estimation.material import Material
from classifine.labels import FloatMatrix
from classifine.surveys.corpus import Corpus

VERB = "estimate"
_FIGURES = ("uncorrected", "gold_only", "corrected")
_PARTS = ("value", "low", "high", "se", "rows", "effective_rows", "p", "note")
COLUMNS = (
    *("label", "group", "minus", "texts", "gold"),
    *(f"{figure}_{part}" for figure in _FIGURES for part in _PARTS),
    *("narrower", "off_p", "adjusted_p"),
)


def files_beside(numbers: Path) -> tuple[Path, Path, Path]:
    """Name the table, the page and the rows that stand beside a file of numbers."""
    return numbers.with_suffix(".csv"), numbers.with_suffix(".html"), numbers.with_suffix(".rows.csv")


def refuse_target(numbers: Path, *, page: bool = True) -> None:
    """Refuse to write where something else stands.

    Raises
    ------
    UsageError
        The name does not end in .json.
    RunRefused
        Files would be overwritten that no earlier estimate wrote.
    """
    if numbers.suffix.lower() != ".json":
        raise UsageError(f"{numbers} does not end in .json, but numbers are what is written", cure="-o estimates.json")
    others = [path for path in files_beside(numbers) if page or path.suffix != ".html"]
    Record(numbers, VERB).refuse_foreign(others, cure="choose another name with -o")


def keep(
    found: Estimates,
    material: Material,
    corpus: Corpus,
    pseudo: FloatMatrix | None,
    numbers: Path,
    *,
    page: bool = True,
    about: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write the numbers, and the other files beside them.

    Parameters
    ----------
    found
        The estimates.
    material, corpus
        The rows they rest on.
    pseudo
        A value for each row whose mean is the estimate, shape [m, k], where there is one.
    numbers
        The file of numbers, ending in .json.
    page
        Whether to write a page; a run's report holds the same.
    about
        Further entries of the file of numbers.
    """
    page = page and not (numbers.parent / "manifest.json").is_file()  # the report of a run holds the same
    refuse_target(numbers, page=page)
    table, html, rows = files_beside(numbers)
    written = [table, html, rows] if page else [table, rows]
    told = {**Record(numbers, VERB).entries(written), **(about or {}), **found.to_dict()}
    durable.make_folder(numbers.parent)
    durable.write_json(numbers, told)
    durable.write_csv(table, COLUMNS, map(_line, (*found.answers, *found.differences)))
    durable.write_csv(rows, _row_names(material, pseudo), _rows(material, corpus, pseudo))
    if page:
        from classifine.reporting.estimates_page import render_estimates

        durable.write_text(html, render_estimates(told))
    return [numbers, *written]


def _line(one: Answer) -> dict[str, Any]:
    line: dict[str, Any] = {name: getattr(one, name) for name in ("label", "group", "minus", "texts", "gold")}
    for name in _FIGURES:
        figure: Figure = getattr(one, name)
        line |= {f"{name}_{part}": getattr(figure, part) for part in _PARTS}
    return {**line, **{name: getattr(one, name) for name in ("narrower", "off_p", "adjusted_p")}}


def _row_names(material: Material, pseudo: FloatMatrix | None) -> list[str]:
    names = ["id", "spoken_of", "gold"]
    names += ["group"] if material.grouping is not None else []
    names += ["probability", "weight"]
    kinds = ["predicted", "working", "truth", *(["pseudo"] if pseudo is not None else [])]
    return names + [f"{kind}_{name}" for kind in kinds for name in material.names]


def _rows(material: Material, corpus: Corpus, pseudo: FloatMatrix | None) -> Iterator[dict[str, Any]]:
    place = material.place_of_gold.tolist()
    many, n = int(material.corpus.sum()), len(material.gold)
    even = n / many if material.sampled == "random" and material.inside else None
    probability = material.probability.tolist() if material.probability is not None else [even] * n
    groups = material.grouping
    of = groups.of.tolist() if groups is not None else []
    numbers = {"predicted": material.counted, "working": np.round(material.working, 6)}
    if pseudo is not None:
        numbers["pseudo"] = np.round(pseudo, 8)
    columns = {
        f"{kind}_{name}": matrix[:, at].tolist()
        for kind, matrix in numbers.items()
        for at, name in enumerate(material.names)
    }
    truth = material.truth.tolist()
    inside = material.corpus.tolist()
    for row, name in enumerate(corpus.ids):
        own = place[row]
        line: dict[str, Any] = {"id": name, "spoken_of": int(inside[row]), "gold": int(own >= 0)}
        if groups is not None:
            line["group"] = groups.names[of[row]]
        drawn = probability[own] if own >= 0 else None
        line |= {"probability": drawn, "weight": None if drawn is None else 1 / drawn}
        line |= {column: values[row] for column, values in columns.items()}
        line |= {f"truth_{label}": truth[own][at] if own >= 0 else None for at, label in enumerate(material.names)}
        yield line
