"""Takes labels as annotators wrote them and gives those that are learnt: named, merged, kept, frequent enough.

Every row stays or is listed by reason, and every label that changed is told. Labels are verbatim text; only a separator
that was named ever divides a cell. Does not know files or how labels came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from classifine.data.rows.accounting import LeftOut, by_reason
from classifine.errors import LabelsProblem, SettingsProblem, count, some, unknown_name
from classifine.labels import several_labels
from classifine.settings import DataSettings
from classifine.tables import Judgements, LabelledTexts

NOT_KEPT = "label not kept"

_SHOWN = 5

Table = TypeVar("Table", LabelledTexts, Judgements)


@dataclass(frozen=True)
class Change:
    """What became of one label in one step.

    Attributes
    ----------
    step
        ``label_names``, ``merge_labels``, ``keep_labels`` or ``min_rows``.
    label
        The label before it.
    becomes
        The label after it, or none when it is not used any more.
    rows
        How many rows had it.
    """

    step: str
    label: str
    becomes: str | None
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"step": self.step, "label": self.label, "becomes": self.becomes, "rows": self.rows}


@dataclass(frozen=True)
class Relabelling:
    """What was done to the labels.

    Attributes
    ----------
    changes
        One entry a step and label, in the order of the steps.
    unused
        Codes that have a name and do not occur; harmless, as all codes that occur have one.
    unnamed
        Labels that occur and have no name while others have; they stay as they are.
    lost_labels
        Rows that are used and lost some of their several labels.
    """

    changes: tuple[Change, ...] = ()
    unused: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    lost_labels: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {
            "changes": [change.to_dict() for change in self.changes],
            "unused": list(self.unused),
            "unnamed": list(self.unnamed),
            "lost_labels": self.lost_labels,
        }


def separator_of(settings: DataSettings) -> str | None:
    """Give what divides a cell of several labels, or none where each cell is one label.

    Raises
    ------
    SettingsProblem
        ``multi_label`` without a separator, or a separator without ``multi_label``.

    Examples
    --------
    >>> separator_of(DataSettings(multi_label=True, label_separator="|"))
    '|'
    """
    separator = settings.label_separator
    if settings.multi_label and not separator:
        raise SettingsProblem(
            "texts may have several labels, but what separates them is not named",
            expected="the character or word between two labels; it is never guessed",
            cure='name it: --label-separator "|"',
        )
    if separator is not None and not settings.multi_label:
        raise SettingsProblem(
            f"a separator of labels is named ({separator!r}), but each text has one label",
            cure="add --multi-label if a text may have several labels, else leave --label-separator out",
        )
    return separator


def relabel(
    table: Table, settings: DataSettings, *, rare: Collection[str] | None = None
) -> tuple[Table, tuple[LeftOut, ...], Relabelling]:
    """Name codes, merge labels, keep some of them and drop rare ones, in this order.

    Of judgements, rare labels are not dropped: whether a label is rare shows only when each text has its label, and to
    drop votes would decide for the other side. Use :func:`drop_rare` once they are aggregated.

    Parameters
    ----------
    table
        Labelled texts or judgements.
    settings
        ``label_names``, ``merge_labels``, ``keep_labels``, ``min_rows``, ``multi_label`` and ``label_separator``.
    rare
        Of a further file: the labels that were rare in the first one, where rarity is decided once, and where labels
        that the settings name must occur. Without it, this is the first.

    Returns
    -------
    tuple
        The table with the rows that stay, the rows that do not by reason, and what was done.

    Raises
    ------
    SettingsProblem
        A setting names labels that do not occur (all are named), or contradicts itself.
    LabelsProblem
        No row is left.

    Examples
    --------
    >>> texts = LabelledTexts(("1", "2", "3"), ("a", "b", "c"), ("0", "1", "9"), (1, 2, 3))
    >>> chosen = DataSettings(label_names={"0": "no", "1": "yes"}, keep_labels=("no", "yes"))
    >>> table, left_out, _ = relabel(texts, chosen)
    >>> table.labels, left_out
    (('no', 'yes'), (LeftOut(reason='label not kept', rows=(3,)),))
    """
    work = _Labels.of(table, settings)
    work.strict = rare is None
    unused, unnamed = work.name(settings.label_names)
    work.merge(settings.merge_labels)
    work.keep(settings.keep_labels)
    found, left_out = work.applied(table, NOT_KEPT)
    told = Relabelling(tuple(work.changes), unused, unnamed, work.shortened())
    if isinstance(found, Judgements):
        return found, left_out, told
    frequent, further, dropped = drop_rare(found, settings, rare=rare)
    told = replace(told, changes=told.changes + dropped.changes, lost_labels=told.lost_labels + dropped.lost_labels)
    return frequent, left_out + further, told


def drop_rare(
    table: LabelledTexts, settings: DataSettings, *, rare: Collection[str] | None = None
) -> tuple[LabelledTexts, tuple[LeftOut, ...], Relabelling]:
    """Drop the labels that fewer than ``min_rows`` rows have, or those given; what is returned is as for `relabel`.

    Raises
    ------
    LabelsProblem
        No label is frequent enough.
    """
    work = _Labels.of(table, settings)
    rows = work.rows()
    if rare is None:
        rare = [label for label in rows if rows[label] < settings.min_rows] if settings.min_rows > 1 else []
    work.apply("min_rows", dict.fromkeys(rare))
    found, left_out = work.applied(table, f"label with fewer than {settings.min_rows} rows")
    return found, left_out, Relabelling(tuple(work.changes), lost_labels=work.shortened())


class _Labels:
    """The different label cells of a table, and what each label in them has become so far."""

    def __init__(self, cells: Sequence[str], further: Iterable[str], separator: str | None) -> None:
        self.separator = separator
        self.strict = True  # whether labels that the settings name must occur
        self.none = False  # whether a text may have no label
        self.counts = Counter(cells)
        self.divided = {cell: several_labels(cell, separator) for cell in self.counts}
        names = dict.fromkeys(label for several in self.divided.values() for label in several)
        self.becomes: dict[str, str | None] = {label: label for label in (*names, *further)}
        self.changes: list[Change] = []

    @classmethod
    def of(cls, table: LabelledTexts | Judgements, settings: DataSettings) -> _Labels:
        """Take the labels of a table, those that only some of its judges gave included."""
        soft = table.soft if isinstance(table, LabelledTexts) else None
        further = dict.fromkeys(label for shares in soft or () for label in shares)
        made = cls(table.labels, further, separator_of(settings))
        made.none = settings.blank_labels == "none"
        return made

    def rows(self) -> dict[str, int]:
        """Count the rows of each label as it is now."""
        rows = dict.fromkeys((label for label in self.becomes.values() if label is not None), 0)
        for cell, number in self.counts.items():
            for label in self.now(cell):
                rows[label] += number
        return rows

    def now(self, cell: str) -> tuple[str, ...]:
        """Give what the labels of a cell have become, each once."""
        present = (self.becomes[label] for label in self.divided[cell])
        return tuple(dict.fromkeys(label for label in present if label is not None))

    def name(self, names: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Name codes; give the codes that do not occur, and the labels without a name."""
        if not names:
            return (), ()
        rows = self.rows()
        unused = tuple(code for code in names if code not in rows)
        unnamed = tuple(label for label in rows if label not in names)
        if unnamed:  # a whole codebook may name more than occurs; but here a code may have been mistyped
            self._refuse_unknown("label_names", unused, list(rows))
        self._refuse_names("label_names", names)
        self.apply("label_names", names)
        return unused, unnamed

    def merge(self, merged: Mapping[str, str]) -> None:
        """Let labels count as another."""
        self._refuse_unknown("merge_labels", [label for label in merged if label not in self.rows()], list(self.rows()))
        chained = [label for label in merged.values() if merged.get(label, label) != label]
        if chained:
            raise SettingsProblem(
                f"merge_labels has labels that are both old and new: {some([repr(c) for c in dict.fromkeys(chained)])}",
                expected="each old label beside the label that it counts as in the end",
                cure=f"write what {chained[0]!r} becomes ({merged[chained[0]]!r}) for the others too",
            )
        self._refuse_names("merge_labels", merged)
        self.apply("merge_labels", merged)

    def keep(self, kept: Sequence[str]) -> None:
        """Give up all labels but these."""
        if kept:
            rows = self.rows()
            self._refuse_unknown("keep_labels", [label for label in kept if label not in rows], list(rows))
            self.apply("keep_labels", dict.fromkeys(label for label in rows if label not in kept))

    def apply(self, step: str, change: Mapping[str, str | None]) -> None:
        """Change labels all at once, and note which had rows."""
        self.changes += [
            Change(step, label, change[label], rows)
            for label, rows in self.rows().items()
            if rows and label in change and change[label] != label
        ]
        self.becomes = {label: None if now is None else change.get(now, now) for label, now in self.becomes.items()}

    def shortened(self) -> int:
        """Count the rows that are used and have lost some of their labels."""
        return sum(
            number
            for cell, number in self.counts.items()
            if self.now(cell) and any(self.becomes[label] is None for label in self.divided[cell])
        )

    def applied(self, table: Table, reason: str) -> tuple[Table, tuple[LeftOut, ...]]:
        """Write the labels as they are now; rows without one are left out."""
        whole = self.none or all(self.divided.values())
        if whole and all(now == label for label, now in self.becomes.items()):
            return table, ()
        written = {cell: self._written(cell) for cell in self.counts}
        labels = [written[cell] for cell in table.labels]
        kept = [position for position, label in enumerate(labels) if label is not None]
        left_out = by_reason(
            (reason if self.divided[cell] else "blank label", row)
            for cell, label, row in zip(table.labels, labels, table.rows, strict=True)
            if label is None
        )
        if not kept:
            raise LabelsProblem(
                "no row is left",
                found="; ".join(f"{part.reason}: {count(len(part.rows), 'row')}" for part in left_out),
                cure="keep more labels (--keep-labels), or ask for fewer rows of each (--min-rows)",
            )
        taken = table.take(kept)
        changed: dict[str, Any] = {"labels": tuple(labels[position] for position in kept)}
        if isinstance(taken, LabelledTexts) and taken.soft is not None:
            pairs = zip(taken.soft, changed["labels"], strict=True)
            changed["soft"] = tuple(self._shares(shares, cell) for shares, cell in pairs)
        return replace(taken, **changed), left_out

    def _written(self, cell: str) -> str | None:
        now = self.now(cell)
        if now == self.divided[cell]:
            return cell if now or self.none else None
        return (self.separator or "").join(now) if now else None

    def _shares(self, shares: Mapping[str, float], cell: str) -> dict[str, float]:
        """Add up what was merged, and divide what is left so that it is one again."""
        left: dict[str, float] = {}
        for label, share in shares.items():
            now = self.becomes[label]
            if now is not None:
                left[now] = left.get(now, 0.0) + share
        total = sum(left.values())
        if not total:  # no judge gave the label that the item has
            several = several_labels(cell, self.separator)
            return {label: 1 / len(several) for label in several}
        whole = sum(shares.values())
        return {label: share * whole / total for label, share in left.items()}

    def _refuse_unknown(self, step: str, unknown: Sequence[str], known: Sequence[str]) -> None:
        if self.strict:
            _refuse_unknown(step, unknown, known)

    def _refuse_names(self, step: str, names: Mapping[str, str]) -> None:
        blank = [old for old, new in names.items() if not new or new.isspace()]
        if blank:
            raise SettingsProblem(f"{step} gives a blank name to {some([repr(old) for old in blank])}")
        torn = [new for new in names.values() if several_labels(new, self.separator) != (new,)]
        if torn:
            raise SettingsProblem(
                f"{step} has names that the separator {self.separator!r} would divide or shorten: "
                f"{some([repr(new) for new in dict.fromkeys(torn)])}",
                cure="choose other names, without the separator and without white space around them",
            )


def _refuse_unknown(step: str, unknown: Sequence[str], known: Sequence[str]) -> None:
    if unknown:
        lines = [f"  - {label!r}: {unknown_name(label, known, noun='labels')}" for label in unknown[:_SHOWN]]
        more = [f"  - and {len(unknown) - _SHOWN:,} more"] if len(unknown) > _SHOWN else []
        labels = count(len(unknown), "label that does", "labels that do")
        raise SettingsProblem("\n".join([f"{step} names {labels} not occur in the data:", *lines, *more]))
