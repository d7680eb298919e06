"""Takes texts that are equal or nearly so and gives findings: repeats and contradictions.

Does not know how similar texts are found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from classifine.data.audit.findings import Finding, of_rows
from classifine.data.audit.material import Material
from classifine.errors import count
from classifine.labels import IntVector


def repeated(material: Material) -> Finding:
    """Find rows whose text, normalised, stands in an earlier row."""
    again = _not_first(material.forms.place, material.rows)
    if not again.any():
        return Finding("equal texts", "good", "no text stands twice")
    message = f"{count(int(again.sum()), 'row repeats', 'rows repeat')} the text of another"
    cure = "remove them unless each is a case of its own; equal texts stay in one split"
    return of_rows("equal texts", "warn", message, material.rows[again], cure)


def contradictory(material: Material) -> Finding:
    """Find texts that stand under different labels."""
    check = "equal texts, other labels"
    several = _mixed(material.forms.place, material.cells)
    if not several.any():
        return Finding(check, "good", "no text has two labels")
    texts = len(np.unique(material.forms.place[several]))
    message = f"{count(texts, 'text stands', 'texts stand')} under different labels"
    cure = "decide which label is right, and give each text one"
    return of_rows(check, "warn", message, material.rows[several], cure)


def nearly_repeated(material: Material, clusters: IntVector) -> Finding:
    """Find rows whose text nearly repeats an earlier one, and say how many of these clusters have different labels."""
    check = "near-duplicates"
    near = _mixed(clusters, material.forms.place)
    again = _not_first(clusters, material.rows) & ~_not_first(material.forms.place, material.rows)
    if not again.any():
        return Finding(check, "good", "no text nearly repeats another")
    groups = len(np.unique(clusters[near]))
    other = len(np.unique(clusters[near & _mixed(clusters, material.cells)]))
    message = (
        f"{count(int(again.sum()), 'row nearly repeats', 'rows nearly repeat')} the text of another, "
        f"in {count(groups, 'group')} of similar texts"
    )
    if other:
        message += f"; {other:,} of the groups {'has' if other == 1 else 'have'} different labels"
    cure = (
        "nothing where each text is a case of its own, since similar texts stay in one split; look at those with "
        "different labels first"
    )
    return of_rows(check, "warn", message, material.rows[again], cure)


def _not_first(group: IntVector, rows: IntVector) -> npt.NDArray[np.bool_]:
    """Mark the members of each group but the one with the lowest row number."""
    order = np.lexsort((rows, group))
    again = np.zeros(len(group), np.bool_)
    again[order[1:]] = group[order[1:]] == group[order[:-1]]
    return again


def _mixed(group: IntVector, kind: IntVector) -> npt.NDArray[np.bool_]:
    """Mark the members of groups that hold more than one kind."""
    _, place = np.unique(group, return_inverse=True)
    least = np.full(int(place.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    most = np.full(len(least), -1)
    np.minimum.at(least, place, kind)
    np.maximum.at(most, place, kind)
    mixed: npt.NDArray[np.bool_] = (least < most)[place]
    return mixed
