"""Takes labelled texts and gives train, validation and test: each label in its share, equal texts never apart.

A text's place depends on the seed and on the texts, never on the order of rows. The label space is born here.
Does not know files or what the splits are used for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifine.data.duplicates import groups_of
from classifine.data.ordering import lot, natural
from classifine.errors import LabelsProblem, SettingsProblem, count, some
from classifine.labels import LabelSpace
from classifine.tables import LabelledTexts, Splits

if TYPE_CHECKING:
    import pyarrow as pa

_PARTS = ("train", "validation", "test")


def split(
    table: LabelledTexts,
    *,
    validation_size: float = 0.2,
    test_size: float = 0.2,
    seed: int,
    positive: str | None = None,
) -> Splits:
    """Divide a table into three parts.

    Each label stands in every part, with its share of the rows to within one row where groups of equal texts allow.
    Shuffled rows give the same parts; each part is ordered by id (``p9`` before ``p10``).

    Parameters
    ----------
    table
        Labelled texts.
    validation_size, test_size
        Shares of the rows.
    seed
        Another seed, another division.
    positive
        The positive label, for the label space.

    Raises
    ------
    SettingsProblem
        The shares leave nothing for training, or the positive label does not occur.
    LabelsProblem
        A label has fewer than three different texts.
    """
    space = LabelSpace.of(table.labels, positive=positive)
    sizes = {"validation": validation_size, "test": test_size}
    return _splits(_cut(table, sizes, seed), space)


def split_given(
    train: LabelledTexts,
    validation: LabelledTexts | None,
    test: LabelledTexts | None,
    *,
    validation_size: float = 0.2,
    test_size: float = 0.2,
    seed: int,
    positive: str | None = None,
) -> Splits:
    """Take own files as they are; what is missing is cut from the training rows, never from the test rows.

    Where an id occurs in two files, every id gets its file's role in front (``train:12``).

    Parameters
    ----------
    train, validation, test
        Labelled texts; ``None`` for what is to be cut.
    validation_size, test_size
        Shares of the training rows that are cut; not used for a part that is given.
    seed, positive
        As in :func:`split`.

    Raises
    ------
    SettingsProblem
        The shares leave nothing for training, or the positive label does not occur.
    LabelsProblem
        A label of the other files does not occur in training, or a label is too rare to be divided.
    """
    given = {"train": train, "validation": validation, "test": test}
    tables = _told_apart({role: table for role, table in given.items() if table is not None})
    _refuse_unseen(tables)
    space = LabelSpace.of(tables["train"].labels, positive=positive)
    sizes = {"validation": validation_size, "test": test_size}
    cut = _cut(tables["train"], {role: size for role, size in sizes.items() if role not in tables}, seed)
    return _splits({role: _in_order(table) for role, table in tables.items()} | cut, space)


def splits_table(splits: Splits) -> pa.Table:
    """Give all rows as one Arrow table: id, text, label, row, split."""
    import pyarrow as pa

    tables = splits.items()
    return pa.table(
        {
            "id": pa.array([name for _, table in tables for name in table.ids], pa.string()),
            "text": pa.array([text for _, table in tables for text in table.texts], pa.string()),
            "label": pa.array([label for _, table in tables for label in table.labels], pa.string()),
            "row": pa.array([row for _, table in tables for row in table.rows], pa.int64()),
            "split": pa.array([name for name, table in tables for _ in range(len(table))], pa.string()),
        }
    )


def splits_from_table(table: pa.Table, *, positive: str | None = None) -> Splits:
    """Read what :func:`splits_table` gave."""
    columns = [tuple(table.column(name).to_pylist()) for name in ("id", "text", "label", "row")]
    whole = LabelledTexts(*columns)
    positions: dict[str, list[int]] = {part: [] for part in _PARTS}
    for position, part in enumerate(table.column("split").to_pylist()):
        positions[part].append(position)
    space = LabelSpace.of(whole.labels, positive=positive)
    return _splits({part: whole.take(places) for part, places in positions.items()}, space)


@dataclass(frozen=True)
class _Group:
    """Rows of the same text, which stay together; several labels only where the rows contradict each other."""

    positions: tuple[int, ...]
    labels: Mapping[str, int]


def _splits(parts: Mapping[str, LabelledTexts], space: LabelSpace) -> Splits:
    return Splits(parts["train"], parts["validation"], parts["test"], space)


def _cut(table: LabelledTexts, sizes: Mapping[str, float], seed: int) -> dict[str, LabelledTexts]:
    """Cut the named parts from a table; the rest is ``train``."""
    if any(not size > 0 for size in sizes.values()) or not sum(sizes.values()) < 1:
        raise SettingsProblem(
            "the sizes of the splits leave one of them empty",
            found=", ".join(f"{part}_size = {size:g}" for part, size in sizes.items()),
            expected="each above 0, and a sum below 1",
        )
    shares = [1 - sum(sizes.values()), *sizes.values()]
    groups = _groups(table, seed)
    clusters = Counter(label for group in groups for label in group.labels)
    _refuse_rare(clusters, len(shares))
    rows = Counter(table.labels)
    quotas = {label: _quotas(rows[label], shares, lot(seed, label)) for label in sorted(rows)}
    dealt = _deal(groups, clusters, quotas, len(shares))
    names = ["train", *sizes]
    positions: dict[str, list[int]] = {name: [] for name in names}
    for group, part in zip(groups, dealt, strict=True):
        positions[names[part]] += group.positions
    parts = {name: _in_order(table.take(places)) for name, places in positions.items()}
    _refuse_torn(parts, clusters)
    return parts


def _groups(table: LabelledTexts, seed: int) -> list[_Group]:
    """Group equal texts; contradictory ones first, then large ones, then by lot, so that the small can fill up."""
    keyed = []
    for text, positions in groups_of(table.texts).items():
        group = _Group(positions, Counter(table.labels[position] for position in positions))
        keyed.append((-len(group.labels), -len(positions), lot(seed, text), text, group))
    keyed.sort(key=lambda entry: entry[:4])
    return [entry[4] for entry in keyed]


def _quotas(rows: int, shares: Sequence[float], tiebreak: int) -> list[int]:
    """Round each part's share of a label's rows so that they add up, each to within one row and none to nothing."""
    exact = [share * rows for share in shares]
    quotas = [int(value) for value in exact]
    # equal remainders go to another part with each label, or one part would gain a row of every label
    by_remainder = sorted(
        range(len(shares)),
        key=lambda part: (-round(exact[part] - quotas[part], 9), (tiebreak + part) % len(shares)),
    )
    for part in by_remainder[: rows - sum(quotas)]:
        quotas[part] += 1
    while 0 in quotas:
        quotas[quotas.index(max(quotas))] -= 1
        quotas[quotas.index(0)] += 1
    return quotas


def _deal(
    groups: Iterable[_Group], clusters: Mapping[str, int], quotas: Mapping[str, Sequence[int]], parts: int
) -> list[int]:
    """Give each group the part that is furthest behind among those it fits into."""
    need = {label: list(quota) for label, quota in quotas.items()}
    empty = {label: set(range(parts)) for label in quotas}
    left = dict(clusters)
    dealt = []
    for group in groups:
        labels = group.labels.items()
        # a label with no more groups left than parts without it must go where it is missing
        due = [p for p in range(parts) if all(p in empty[la] or left[la] > len(empty[la]) for la in group.labels)]
        allowed = due or list(range(parts))
        fitting = [p for p in allowed if all(need[la][p] >= n for la, n in labels)]
        if fitting:
            part = max(fitting, key=lambda p: sum(need[la][p] / quotas[la][p] for la in group.labels))
        else:
            part = max(allowed, key=lambda p: min(need[la][p] - n for la, n in labels))
        for label, number in labels:
            need[label][part] -= number
            empty[label].discard(part)
            left[label] -= 1
        dealt.append(part)
    return dealt


def _refuse_rare(clusters: Mapping[str, int], parts: int) -> None:
    rare = {label: number for label, number in sorted(clusters.items()) if number < parts}
    if rare:
        raise LabelsProblem(
            f"{count(len(rare), 'label has', 'labels have')} too few different texts to stand in {parts} splits",
            found=some([f"{label!r}: {number}" for label, number in rare.items()], limit=10),
            expected=f"at least {parts} different texts of each label",
            cure="add rows of these labels, merge them with others, or remove them",
        )


def _refuse_torn(parts: Mapping[str, LabelledTexts], clusters: Mapping[str, int]) -> None:
    """Refuse what only texts under several labels can bring about: no division has each label in each part."""
    missing = {part: sorted(clusters.keys() - set(table.labels)) for part, table in parts.items()}
    if any(missing.values()):
        raise LabelsProblem(
            "texts that stand under several labels leave a split without a label",
            found="; ".join(f"no {', '.join(map(repr, names))} in {part}" for part, names in missing.items() if names),
            cure="give equal texts one label, or add rows of these labels",
        )


def _refuse_unseen(tables: Mapping[str, LabelledTexts]) -> None:
    known = set(tables["train"].labels)
    found = []
    for role, table in tables.items():
        rows: dict[str, list[int]] = {}
        for label, row in zip(table.labels, table.rows, strict=True):
            if label not in known:
                rows.setdefault(label, []).append(row)
        found += [f"{label!r} in {role} rows {some(rows[label])}" for label in sorted(rows)]
    if found:
        raise LabelsProblem(
            f"{count(len(found), 'label')} of the other files never {'occurs' if len(found) == 1 else 'occur'} "
            "in the training rows",
            found=some(found, limit=10),
            cure="correct these labels, or add training rows for them",
        )


def _told_apart(tables: dict[str, LabelledTexts]) -> dict[str, LabelledTexts]:
    names = [set(table.ids) for table in tables.values()]
    if len(set().union(*names)) == sum(map(len, names)):
        return tables
    return {role: replace(table, ids=tuple(f"{role}:{name}" for name in table.ids)) for role, table in tables.items()}


def _in_order(table: LabelledTexts) -> LabelledTexts:
    """Order rows by id, so that neither a shuffled file nor the dealing shows in a split."""
    return table.take(sorted(range(len(table)), key=lambda position: natural(table.ids[position])))
