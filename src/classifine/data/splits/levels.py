"""Takes splits and what the settings say of their labels, and gives the label space its hierarchy and its order.

Does not know how the splits were made, models or numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from classifine.errors import LabelsProblem, SettingsProblem, some
from classifine.hierarchy import Hierarchy
from classifine.labels import LabelSpace
from classifine.settings import DataSettings
from classifine.tables import Splits

_WAYS = ("level_separator", "level_prefixes", "label_parents")


def with_levels(splits: Splits, data: DataSettings) -> Splits:
    """Give splits whose label space knows the levels above its labels, and their order, where these are named.

    Raises
    ------
    SettingsProblem
        Levels are named in two ways, or of texts that may have several labels; or the prefixes do not grow.
    LabelsProblem
        A label has no place in the hierarchy or in the order; its rows are named.
    """
    return replace(splits, space=arranged(splits.space, data, _rows_of(splits)))


def arranged(space: LabelSpace, data: DataSettings, where: dict[str, list[str]]) -> LabelSpace:
    """Give a label space that knows its levels and order, where these are named; raises as :func:`with_levels` does.

    Parameters
    ----------
    space, data
        The labels, and what the settings say of them.
    where
        The rows of each label, for whoever has to mend one.
    """
    return replace(space, hierarchy=_hierarchy(space, data, where), order=_order(space, data, where))


def settings_of(space: LabelSpace) -> dict[str, Any]:
    """Give the data settings that make a label space what it is, levels and order by what they came to."""
    told: dict[str, Any] = {"positive": space.positive, "label_order": space.order or ()}
    if space.hierarchy is not None:
        told["label_parents"] = space.hierarchy.parents
    if space.separator is not None:
        told |= {"multi_label": True, "label_separator": space.separator}
    return told


def _hierarchy(space: LabelSpace, data: DataSettings, where: dict[str, list[str]]) -> Hierarchy | None:
    named = [way for way in _WAYS if getattr(data, way)]
    if not named:
        return None
    if len(named) > 1:
        raise SettingsProblem(
            f"{' and '.join(named)} both say how labels are arranged in levels", cure="keep one of them"
        )
    if space.separator is not None:
        raise SettingsProblem(
            f"{named[0]} is for texts with one label each, and here a text may have several",
            cure=f"leave {named[0]} out, or give each text one label",
        )
    if data.level_separator:
        return Hierarchy.by_separator(space.names, data.level_separator, where=where)
    if data.level_prefixes:
        return Hierarchy.by_prefixes(space.names, data.level_prefixes, where=where)
    return Hierarchy.by_parents(space.names, data.label_parents, where=where)


def _order(space: LabelSpace, data: DataSettings, where: dict[str, list[str]]) -> tuple[str, ...] | None:
    if not data.label_order or space.separator is not None:
        return None
    absent = [name for name in space.names if name not in data.label_order]
    if absent:
        told = [f"{name!r} (ids {some(where[name], limit=3)})" for name in absent]
        raise LabelsProblem(
            "labels have no place in label_order",
            found=some(told),
            expected="every label, from the lowest to the highest",
            cure="add them, or leave label_order out",
        )
    return tuple(dict.fromkeys(name for name in data.label_order if name in space.names))


def _rows_of(splits: Splits) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, table in splits.items():
        for name, label in zip(table.ids, table.labels, strict=True):
            found.setdefault(label, []).append(name)
    return found
