"""Takes many judgements of each item and gives one label an item, by a declared rule; ties are listed, never hidden.

Shuffling the judgements changes nothing. Does not know files or how labels are used.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.data.annotators.advice import advice
from classifine.data.annotators.agreement import Agreement, agreement_of
from classifine.data.annotators.alpha import Scale
from classifine.data.annotators.choosing import (
    ESTIMATED,
    Choice,
    Method,
    Rules,
    TieRule,
    choose,
    majority,
    most_probable,
)
from classifine.data.annotators.comparing import Comparison, compare
from classifine.data.annotators.dawid_skene import LEAST_PROBABILITY, Estimate, dawid_skene, one_coin
from classifine.data.annotators.identification import doubts
from classifine.data.annotators.judging import (
    check_decisions,
    check_numbers,
    first_rows,
    refuse_contradictions,
    refuse_settled,
)
from classifine.data.annotators.votes import Votes
from classifine.errors import RowsProblem, count, some
from classifine.tables import Judgements, LabelledTexts

MOST_COMPARED = 500_000  # judgements up to which Dawid-Skene is computed merely to compare


@dataclass(frozen=True)
class Tie:
    """An item whose best labels are equally good.

    Attributes
    ----------
    id, text
        The item.
    votes
        Judgements by label.
    rule
        What decided.
    label
        The label it got, or ``None`` when it got none.
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
class ItemLabel:
    """What became of one item's judgements.

    Attributes
    ----------
    id
        The item.
    label
        Its label, or ``None``.
    n
        Its judgements.
    votes
        Judgements by label.
    share
        The share of the judgements that gave this label; without a label, the most frequent one's.
    entropy
        Of the shares, in bits: 0 where all agree, 1 where two labels are equally frequent.
    tie
        Whether the best labels were equally good, so that the tie rule was asked.
    soft
        The soft label: the shares of the judgements, or by ``dawid-skene`` and ``one-coin`` the probability of each
        label, where what is below one in a million is left out.
    how
        What decided.
    """

    id: str
    label: str | None
    n: int
    votes: dict[str, int]
    share: float
    entropy: float
    tie: bool
    soft: dict[str, float]
    how: str


@dataclass(frozen=True)
class Aggregation:
    """One label an item, and how it came about.

    Attributes
    ----------
    labelled
        The items that have a label, ordered by id (``p9`` before ``p10``); a row is the item's first, ``soft`` the
        shares of its judgements, whatever the method.
    ties
        Items whose best labels tied, in the same order.
    tie_rule
        What became of them.
    judgements
        Judgements that count: one an item and annotator; by ``dawid-skene`` and ``one-coin`` all.
    repeated
        Further rows in which an annotator judges the same item again.
    items, annotators
        How many there are, ties included.
    unanimous
        Items with at least two judgements, all the same.
    judged_once
        Items with one judgement, which nobody confirmed.
    agreement
        How far the annotators agree.
    method
        What made labels of judgements.
    by_item
        What became of every item, those without a label included.
    touched
        How many items each rule decided; adds up to ``items``.
    comparison
        Where ``majority``, ``chosen`` and ``dawid_skene`` differ.
    estimate
        The fitted model whose probabilities decided, or ``None``.
    warnings
        What makes the labels doubtful, in whole sentences.
    notes
        What could be done better, in whole sentences.
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
    method: Method
    by_item: tuple[ItemLabel, ...]
    touched: dict[str, int]
    comparison: Comparison
    estimate: Estimate | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as audit.json holds it: counts, agreement, what decided, where methods differ."""
        return {
            "judgements": self.judgements,
            "repeated": self.repeated,
            "items": self.items,
            "annotators": self.annotators,
            "unanimous": self.unanimous,
            "judged_once": self.judged_once,
            "ties": len(self.ties),
            "tie_rule": self.tie_rule,
            "method": self.method,
            **self.agreement.to_dict(),
            "touched": self.touched,
            **self.comparison.to_dict(),
            "estimate": None if self.estimate is None else self.estimate.to_dict(),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }


def aggregate(
    judgements: Judgements,
    *,
    method: Method = "majority",
    ties: TieRule = "drop",
    priority: Sequence[str] = (),
    expert: str | None = None,
    decisions: Mapping[str, str] | None = None,
    scale: Scale = "nominal",
    order: Sequence[str] = (),
    seed: int,
) -> Aggregation:
    """Give each item one label.

    Parameters
    ----------
    judgements
        One row per annotator and item. An annotator who says the same of the same item twice counts once; by
        ``dawid-skene`` and ``one-coin`` every row is a further look and counts, contradictory ones too.
    method, ties, priority, expert
        What decides, as :class:`~classifine.data.annotators.choosing.Rules` says.
    decisions
        Labels by item that a person decided on; for ``ties="review"``, as
        :func:`~classifine.data.annotators.sheets.read_decisions` gives them.
    scale, order
        What labels are to Krippendorff's alpha, as :func:`~classifine.data.annotators.agreement.agreement` says.
    seed
        For the tie rule ``random`` and for the intervals of the agreement.

    Raises
    ------
    SettingsProblem
        The rules lack an expert, priorities or an order of labels.
    RowsProblem
        An annotator gave the same item two different labels; a decision does not fit; no item has a label.

    Examples
    --------
    >>> rows = Judgements(("7",) * 3, ("Come!",) * 3, ("A", "B", "C"), ("yes", "no", "yes"), (1, 2, 3))
    >>> found = aggregate(rows, seed=0)
    >>> found.labelled.labels, round(found.by_item[0].share, 2)
    (('yes',), 0.67)
    """
    rules = Rules(method, ties, tuple(priority), expert, seed)
    rules.check(sorted(set(judgements.annotators)))
    if scale == "interval":
        check_numbers(judgements)
    votes, repeated = _counted(judgements, method)
    decided = dict(decisions or {})
    check_decisions(decided, votes, reviewing=ties == "review")
    estimate, compared = _estimates(votes, rules)
    choice = choose(votes, rules, estimate, decided)
    refuse_settled(decided, votes, choice.tied)
    by_item = tuple(_items(votes, choice, estimate if method in ESTIMATED else None))
    first = first_rows(judgements)
    tied = tuple(
        Tie(each.id, judgements.texts[first[each.id]], each.votes, ties, each.label) for each in by_item if each.tie
    )
    _refuse_nothing(by_item, rules)
    measured = agreement_of(votes, scale=scale, order=order, seed=seed)
    return Aggregation(
        labelled=_labelled(judgements, first, by_item),
        ties=tied,
        tie_rule=ties,
        judgements=int(votes.count.sum()),
        repeated=repeated,
        items=len(votes.items),
        annotators=len(votes.annotators),
        unanimous=sum(item.n > 1 and len(item.votes) == 1 for item in by_item),
        judged_once=sum(item.n == 1 for item in by_item),
        agreement=measured,
        method=method,
        by_item=by_item,
        touched=dict(sorted(Counter(choice.how).items(), key=lambda pair: (-pair[1], pair[0]))),
        comparison=_compared(votes, by_item, choice, compared),
        estimate=estimate,
        warnings=doubts(estimate) if estimate is not None and _asked(rules, tied) else (),
        notes=advice(rules, votes, measured, n_ties=len(tied)),
    )


def write_ties(path: Path, ties: Sequence[Tie]) -> None:
    """Write the ties as CSV (UTF-8, quoted as RFC 4180 says), one row an item, header first.

    Ties that got no label have an empty cell there: for ``review``, the place to fill in.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    names = [field.name for field in fields(Tie)]
    durable.write_csv(path, names, ({**tie.to_dict(), "votes": told(tie.votes)} for tie in ties))


def told(votes: Mapping[str, int]) -> str:
    """Write votes for a reader.

    Examples
    --------
    >>> told({"no": 2, "yes": 1})
    'no 2, yes 1'
    """
    return ", ".join(f"{label} {number}" for label, number in votes.items())


def _counted(judgements: Judgements, method: Method) -> tuple[Votes, int]:
    """Count the judgements as the method does, and how many repeat an annotator's earlier one of the same item."""
    if not len(judgements):
        raise RowsProblem("there are no judgements", expected="rows of item, annotator and label")
    votes = Votes.of(judgements.ids, judgements.annotators, judgements.labels)
    repeated = len(judgements) - votes.n_pairs
    if method not in ESTIMATED:
        refuse_contradictions(judgements, votes)
        votes = votes.once()
    return votes, repeated


def _asked(rules: Rules, tied: Sequence[Tie]) -> bool:
    """Tell whether any label hangs on the estimate."""
    return rules.method in ESTIMATED or bool(tied)


def _estimates(votes: Votes, rules: Rules) -> tuple[Estimate | None, Estimate | None]:
    """Give the estimate that decides, if one does, and Dawid and Skene's to compare with."""
    needed = rules.method == "dawid-skene" or (rules.ties == "posterior" and rules.method not in ESTIMATED)
    compared = dawid_skene(votes) if needed or votes.count.sum() <= MOST_COMPARED else None
    if rules.method == "one-coin":
        return one_coin(votes), compared
    return compared if needed else None, compared


def _items(votes: Votes, choice: Choice, estimate: Estimate | None) -> Iterator[ItemLabel]:
    tally, names = votes.tally, votes.labels
    starts, labels, counts = tally.starts.tolist(), tally.label.tolist(), tally.count.tolist()
    for place, code in enumerate(choice.label.tolist()):
        own = range(starts[place], starts[place + 1])
        said = {names[labels[at]]: counts[at] for at in own}
        n = sum(said.values())
        shares = {label: number / n for label, number in said.items()}
        soft = shares
        if estimate is not None:
            likely = estimate.posterior_of(place).items()
            soft = {names[at]: probability for at, probability in likely if probability >= LEAST_PROBABILITY}
        label = names[code] if code >= 0 else None
        yield ItemLabel(
            id=votes.items[place],
            label=label,
            n=n,
            votes=said,
            share=max(shares.values()) if label is None else shares.get(label, 0.0),
            entropy=abs(math.fsum(share * math.log2(share) for share in shares.values())),
            tie=bool(choice.tied[place]),
            soft=soft,
            how=choice.how[place],
        )


def _compared(votes: Votes, by_item: Sequence[ItemLabel], choice: Choice, other: Estimate | None) -> Comparison:
    methods = {"majority": majority(votes), "chosen": choice.label}
    if other is not None:
        methods["dawid_skene"] = most_probable(other)
    return compare(votes, {item.id: item.votes for item in by_item}, methods)


def _labelled(judgements: Judgements, first: Mapping[str, int], by_item: Sequence[ItemLabel]) -> LabelledTexts:
    kept = [item for item in by_item if item.label is not None]
    table = judgements.take([first[item.id] for item in kept])
    return LabelledTexts(
        ids=table.ids,
        texts=table.texts,
        labels=tuple(item.label for item in kept if item.label is not None),
        rows=table.rows,
        groups=table.groups,
        times=table.times,
        parts=table.parts,
        further=table.further,
        soft=tuple({label: number / item.n for label, number in item.votes.items()} for item in kept),
    )


def _refuse_nothing(by_item: Sequence[ItemLabel], rules: Rules) -> None:
    """Refuse to go on without any label, unless a person is to decide first."""
    if any(item.label is not None for item in by_item) or rules.ties == "review":
        return
    found = some([f"{item.id!r}: {told(item.votes)}" for item in by_item])
    if rules.method == "unanimous":
        raise RowsProblem(
            "two or more annotators agree on no item, so that none has a label",
            found=found,
            cure="have more annotators judge each item, or choose another aggregation, such as majority",
        )
    raise RowsProblem(
        f"{count(len(by_item), 'item ties', 'items tie')}, so that none has a label",
        found=found,
        cure="have more annotators judge each item, or draw the labels with --ties random",
    )
