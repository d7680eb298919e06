"""Takes many judgements of each item and gives one label an item, by majority; ties are listed, never hidden.

Shuffling the judgements changes nothing. Does not know files or how labels are used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from classifine import durable
from classifine.data.agreement import Agreement, agreement
from classifine.data.ordering import lot, natural
from classifine.errors import RowsProblem, count, some
from classifine.tables import Judgements, LabelledTexts

TieRule = Literal["drop", "review", "random", "priority", "posterior"]


@dataclass(frozen=True)
class Tie:
    """An item whose most frequent labels are equally frequent.

    Attributes
    ----------
    id, text
        The item.
    votes
        Judgements by label.
    rule
        What decided.
    label
        The label it got, or ``None`` when it was dropped.
    """

    id: str
    text: str
    votes: dict[str, int]
    rule: TieRule
    label: str | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Aggregation:
    """One label an item, and how it came about.

    Attributes
    ----------
    labelled
        The items that have a label, ordered by id (``p9`` before ``p10``); a row is the item's first.
    ties
        Items whose judgements tied, in the same order.
    tie_rule
        What became of them.
    judgements
        Judgements that count: one an item and annotator.
    repeated
        Further rows in which an annotator says the same of the same item again.
    items, annotators
        How many there are, ties included.
    unanimous
        Items with at least two judgements, all the same.
    judged_once
        Items with one judgement, which nobody confirmed.
    agreement
        How far the annotators agree.
    """

    labelled: LabelledTexts
    ties: tuple[Tie, ...]
    tie_rule: TieRule
    judgements: int
    repeated: int
    items: int
    annotators: int
    unanimous: int
    judged_once: int
    agreement: Agreement

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as audit.json holds it: the counts and the agreement."""
        return {
            "judgements": self.judgements,
            "repeated": self.repeated,
            "items": self.items,
            "annotators": self.annotators,
            "unanimous": self.unanimous,
            "judged_once": self.judged_once,
            "ties": len(self.ties),
            "tie_rule": self.tie_rule,
            **self.agreement.to_dict(),
        }


def aggregate(judgements: Judgements, *, ties: TieRule = "drop", seed: int) -> Aggregation:
    """Give each item the label most of its annotators gave.

    Parameters
    ----------
    judgements
        One row per annotator and item; an annotator who says the same twice counts once.
    ties
        ``drop``: an item that ties gets no label. ``random``: one of the tied labels, drawn from the seed and the
        item's id, so that other items and the order of rows cannot matter.
    seed
        For ``random``.

    Raises
    ------
    RowsProblem
        An annotator gave the same item two different labels, or every item ties and none is left.

    Examples
    --------
    >>> rows = Judgements(("7",) * 3, ("Come!",) * 3, ("A", "B", "C"), ("yes", "no", "yes"), (1, 2, 3))
    >>> aggregate(rows, seed=0).labelled.labels
    ('yes',)
    """
    votes, first = _votes(judgements)
    order = sorted(votes, key=natural)
    labels: dict[str, str] = {}
    tied: list[Tie] = []
    for item in order:
        counts = Counter(votes[item].values())
        most = max(counts.values())
        best = sorted(name for name, number in counts.items() if number == most)
        label = best[0] if len(best) == 1 else None
        if label is None:
            label = best[lot(seed, item) % len(best)] if ties == "random" else None
            tied.append(Tie(item, judgements.texts[first[item]], dict(sorted(counts.items())), ties, label))
        if label is not None:
            labels[item] = label
    if not labels:
        raise RowsProblem(
            f"{count(len(order), 'item ties', 'items tie')}, so that none has a label",
            found=some([f"{tie.id!r}: {_told(tie.votes)}" for tie in tied]),
            cure="have more annotators judge each item, or draw the labels with --ties random",
        )
    return Aggregation(
        labelled=LabelledTexts(
            ids=tuple(labels),
            texts=tuple(judgements.texts[first[item]] for item in labels),
            labels=tuple(labels.values()),
            rows=tuple(judgements.rows[first[item]] for item in labels),
        ),
        ties=tuple(tied),
        tie_rule=ties,
        judgements=sum(len(given) for given in votes.values()),
        repeated=len(judgements) - sum(len(given) for given in votes.values()),
        items=len(votes),
        annotators=len(set(judgements.annotators)),
        unanimous=sum(len(given) > 1 and len(set(given.values())) == 1 for given in votes.values()),
        judged_once=sum(len(given) == 1 for given in votes.values()),
        agreement=agreement([votes[item] for item in order]),
    )


def write_ties(path: Path, ties: Sequence[Tie]) -> None:
    """Write the ties as CSV (UTF-8, quoted as RFC 4180 says), one row an item, header first; dropped ones lack a label.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    names = [field.name for field in fields(Tie)]
    durable.write_csv(path, names, ({**tie.to_dict(), "votes": _told(tie.votes)} for tie in ties))


def _told(votes: dict[str, int]) -> str:
    return ", ".join(f"{label} {number}" for label, number in votes.items())


def _votes(judgements: Judgements) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
    """Give each item's label by annotator, and the position of its first row."""
    votes: dict[str, dict[str, str]] = {}
    first: dict[str, int] = {}
    rows: dict[tuple[str, str], int] = {}
    clashes: list[str] = []
    columns = (judgements.ids, judgements.annotators, judgements.labels, judgements.rows)
    for position, (item, annotator, label, row) in enumerate(zip(*columns, strict=True)):
        if item not in first or row < judgements.rows[first[item]]:
            first[item] = position
        said = votes.setdefault(item, {}).setdefault(annotator, label)
        other = rows.setdefault((item, annotator), row)
        if said != label:
            clashes.append(f"{annotator!r} on {item!r}: {said!r} in row {other}, {label!r} in row {row}")
    if clashes:
        raise RowsProblem(
            f"{count(len(clashes), 'judgement contradicts', 'judgements contradict')} "
            "an earlier one of the same annotator on the same item",
            found=some(clashes),
            expected="one label per annotator and item",
            cure="keep one of the rows and delete the other",
        )
    return votes, first
