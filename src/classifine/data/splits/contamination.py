"""Takes splits and gives what they share: the same ids, groups and texts on both sides, counted by kind, and the cure.

Looks at the rows only, whoever divided them. Does not know how splits are made or what the scores are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.data.likeness.duplicates import overlap
from classifine.errors import Contaminated, count, some
from classifine.tables import LabelledTexts, Splits

SAME_ID = "same id"
SAME_GROUP = "same group"
IDENTICAL = "identical text"
NORMALISED = "identical after normalising"
NEAR = "near-duplicate"
KINDS = (SAME_ID, SAME_GROUP, IDENTICAL, NORMALISED, NEAR)
REFUSING = KINDS[:3]

_PAIRS = (("test", "train"), ("test", "validation"), ("validation", "train"))


@dataclass(frozen=True)
class Shared:
    """What one part shares with another.

    Attributes
    ----------
    part, against
        Whose rows are counted, and where the same stands again.
    rows
        How many rows the part has.
    positions
        The positions of its rows by kind. A text is counted once, under the first of the three kinds of texts that
        fits; ids and groups are counted apart from texts.
    ids, numbers
        The ids and row numbers of the part, to name rows by.
    """

    part: str
    against: str
    rows: int
    positions: Mapping[str, tuple[int, ...]]
    ids: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[int, ...]]

    def counts(self) -> dict[str, int]:
        """Count rows by kind; kinds that do not occur are left out."""
        return {kind: len(places) for kind, places in self.positions.items() if places}

    def rows_of(self, kinds: Sequence[str]) -> list[int]:
        """List the numbers of the part's rows of these kinds, rising."""
        return sorted({row for kind in kinds for row in self.numbers[kind]})

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: counts, ids and row numbers by kind."""
        kinds = {
            kind: {"count": len(places), "ids": list(self.ids[kind]), "rows": list(self.numbers[kind])}
            for kind, places in self.positions.items()
        }
        return {"part": self.part, "against": self.against, "rows": self.rows, "kinds": kinds}


@dataclass(frozen=True)
class Contamination:
    """What the test rows share with training and validation, and the validation rows with training.

    Attributes
    ----------
    shared
        Test against train, test against validation, validation against train.
    test_rows
        How many test rows there are.
    clean
        The positions of the test rows that are free of every kind.
    threshold
        The Jaccard similarity from which texts are near-duplicates.
    """

    shared: tuple[Shared, ...]
    test_rows: int
    clean: tuple[int, ...]
    threshold: float

    @property
    def seen(self) -> int:
        """How many test rows are not clean."""
        return self.test_rows - len(self.clean)

    @property
    def share(self) -> float:
        """The share of the test rows that are not clean, 0 to 1."""
        return self.seen / self.test_rows if self.test_rows else 0.0

    def of_test(self, kind: str) -> tuple[int, ...]:
        """List the positions of the test rows of one kind, against train or validation."""
        found = {place for one in self.shared if one.part == "test" for place in one.positions[kind]}
        return tuple(sorted(found))

    def refused(self, max_contaminated: float) -> bool:
        """Say whether scores on these test rows would be misleading.

        They are when an id or a group is shared, or when more than this share of the test rows has a text that
        stands in training or validation, character for character.
        """
        shared = self.of_test(SAME_ID) or self.of_test(SAME_GROUP)
        return bool(shared) or len(self.of_test(IDENTICAL)) > max_contaminated * self.test_rows

    def refuse(self, max_contaminated: float) -> None:
        """Refuse test rows that training or validation has seen.

        Raises
        ------
        Contaminated
            As :meth:`refused` says.
        """
        if not self.refused(max_contaminated):
            return
        against = [one for one in self.shared if one.part == "test" and one.counts()]
        beside = f"stands beside the score of the {count(len(self.clean), 'clean row')}"
        raise Contaminated(
            f"{self.seen:,} of {count(self.test_rows, 'test row')} {'shares' if self.seen == 1 else 'share'} an id, a "
            "group or a text, wholly or nearly, with training or validation, so a score on them would be too good",
            where="; ".join(f"{_rows(one, REFUSING)} in {one.against}" for one in against if one.rows_of(REFUSING)),
            found="; ".join(_told(one) for one in against),
            expected="no shared id, no shared group, and identical texts in at most "
            f"{max_contaminated * 100:g} % of the test rows (max_contaminated)",
            cure="remove these rows from train and validation; or divide the data again with `classifine split DATA "
            "-o DIR`, with --group COLUMN where rows belong together; or go on with --allow-contaminated: then every "
            f"score says that it is contaminated and {beside if self.clean else 'there are no clean rows to score'}",
        )

    def warnings(self) -> tuple[str, ...]:
        """Say in a sentence for each two parts what they share; nothing where they share nothing."""
        return tuple(f"{_told(one)} ({_rows(one)})" for one in self.shared if one.counts())

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as the run folder keeps it."""
        return {
            "test_rows": self.test_rows,
            "clean": len(self.clean),
            "seen": self.seen,
            "share": self.share,
            "threshold": self.threshold,
            "shared": [one.to_dict() for one in self.shared],
        }


def contamination(
    splits: Splits, *, threshold: float = 0.7, named_ids: bool = True, told_apart: bool = False
) -> Contamination:
    """Find what the test rows share with training and validation, and the validation rows with training.

    Parameters
    ----------
    splits
        Whoever divided them.
    threshold
        Jaccard similarity of character 5-grams from which two texts are near-duplicates.
    named_ids
        Whether ids come from the data; mere row numbers share nothing.
    told_apart
        Whether the ids have their file's role in front (``train:12``), as ``SplitNotes.told_apart`` says; it is taken
        off again before ids are compared.

    Examples
    --------
    >>> from classifine.labels import LabelSpace
    >>> def table(*texts: str) -> LabelledTexts:
    ...     return LabelledTexts(texts, texts, ("yes",) * len(texts), tuple(range(1, len(texts) + 1)))
    >>> both = Splits(table("one"), table("two"), table("two", "three"), LabelSpace(("yes",)))
    >>> found = contamination(both, named_ids=False)
    >>> found.share, found.clean
    (0.5, (1,))
    """
    tables = dict(splits.items())
    shared = tuple(
        _shared(tables[part], tables[against], part, against, threshold, named_ids, told_apart)
        for part, against in _PAIRS
    )
    dirty = {place for one in shared if one.part == "test" for places in one.positions.values() for place in places}
    rows = len(splits.test)
    return Contamination(shared, rows, tuple(place for place in range(rows) if place not in dirty), threshold)


def _shared(
    one: LabelledTexts,
    other: LabelledTexts,
    part: str,
    against: str,
    threshold: float,
    named_ids: bool,
    told_apart: bool,
) -> Shared:
    nowhere = np.zeros(len(one), np.bool_)
    same_id, same_group = nowhere, nowhere
    if named_ids:
        known = {_own(name, told_apart) for name in other.ids}
        same_id = np.fromiter((_own(name, told_apart) in known for name in one.ids), np.bool_, len(one))
    if one.groups is not None and other.groups is not None:
        groups = {group for group in other.groups if group.strip()}
        same_group = np.fromiter((group in groups for group in one.groups), np.bool_, len(one))
    texts = overlap(one.texts, other.texts, threshold=threshold)
    masks: dict[str, npt.NDArray[np.bool_]] = dict(
        zip(KINDS, (same_id, same_group, texts.identical, texts.normalised, texts.near), strict=True)
    )
    positions = {kind: tuple(np.flatnonzero(mask).tolist()) for kind, mask in masks.items()}
    return Shared(
        part=part,
        against=against,
        rows=len(one),
        positions=positions,
        ids={kind: tuple(one.ids[place] for place in places) for kind, places in positions.items()},
        numbers={kind: tuple(one.rows[place] for place in places) for kind, places in positions.items()},
    )


def _own(name: str, told_apart: bool) -> str:
    """Give an id as its file has it."""
    return name.partition(":")[2] if told_apart else name


def _told(one: Shared) -> str:
    kinds = some([f"{kind} {number:,}" for kind, number in one.counts().items()], limit=len(KINDS))
    return f"{one.part} against {one.against}, of {count(one.rows, 'row')}: {kinds}"


def _rows(one: Shared, kinds: Sequence[str] = KINDS) -> str:
    return f"{one.part} rows {some(one.rows_of(kinds))}"
