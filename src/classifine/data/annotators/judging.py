"""Takes judgements and refuses those that cannot be counted, with the rows that say so.

Does not know rules, ties or measures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from classifine.data.annotators.votes import Votes
from classifine.errors import RowsProblem, SettingsProblem, count, did_you_mean, some
from classifine.tables import Judgements


def first_rows(judgements: Judgements) -> dict[str, int]:
    """Give the position of each item's first row, by the number of the row."""
    first: dict[str, int] = {}
    for position in sorted(range(len(judgements)), key=judgements.rows.__getitem__):
        first.setdefault(judgements.ids[position], position)
    return first


def refuse_contradictions(judgements: Judgements, votes: Votes) -> None:
    """Refuse an annotator who gave the same item two labels; all of them are counted and the first ones named.

    Raises
    ------
    RowsProblem
        There are such judgements.
    """
    torn = {(votes.items[votes.item[at]], votes.annotators[votes.annotator[at]]) for at in votes.undecided()}
    if not torn:
        return
    said: dict[tuple[str, str], tuple[str, int]] = {}
    clashes: list[str] = []
    for position in sorted(range(len(judgements)), key=judgements.rows.__getitem__):
        item, annotator = judgements.ids[position], judgements.annotators[position]
        if (item, annotator) in torn:
            label, row = judgements.labels[position], judgements.rows[position]
            earlier, first = said.setdefault((item, annotator), (label, row))
            if earlier != label:
                clashes.append(f"{annotator!r} on {item!r}: {earlier!r} in row {first}, {label!r} in row {row}")
    raise RowsProblem(
        f"{count(len(clashes), 'judgement contradicts', 'judgements contradict')} "
        "an earlier one of the same annotator on the same item",
        found=some(clashes),
        expected="one label per annotator and item",
        cure="keep one of the rows and delete the other; or, where both were meant, count both: "
        "--aggregation dawid-skene",
    )


def check_numbers(judgements: Judgements) -> None:
    """Refuse labels that are no numbers.

    Raises
    ------
    RowsProblem
        There are such labels; their rows are named.
    """
    bad = sorted(
        (row, label) for row, label in zip(judgements.rows, judgements.labels, strict=True) if not _is_number(label)
    )
    if bad:
        raise RowsProblem(
            f"{count(len(bad), 'label is no number', 'labels are no numbers')}, "
            "but agreement on an interval scale is computed from numbers",
            found=some([f"{label!r} in row {row}" for row, label in bad]),
            expected="labels such as 3 or 2.5",
            cure="mend these labels (with a point, not a comma: 2.5), or choose --scale ordinal or --scale nominal",
        )


def check_decisions(decisions: Mapping[str, str], votes: Votes, *, reviewing: bool) -> None:
    """Refuse decisions about unknown items or for unknown labels.

    Raises
    ------
    SettingsProblem
        There are decisions, but ties are decided otherwise.
    RowsProblem
        There are such decisions; they are named.
    """
    if decisions and not reviewing:
        raise SettingsProblem(
            "there are decisions about ties, but the tie rule is another one",
            cure="add --ties review, or leave --decisions out",
        )
    items, labels = set(votes.items), set(votes.labels)
    unknown = [repr(name) for name in decisions if name not in items]
    if unknown:
        raise RowsProblem(
            f"{count(len(unknown), 'decision is', 'decisions are')} about items that are not in the data",
            found=some(unknown),
            expected="ids as they stand in the data",
            cure="check whether a spreadsheet changed the ids (007 into 7); else delete these rows",
        )
    strange = [(name, label) for name, label in decisions.items() if label not in labels]
    if strange:
        guess = did_you_mean(strange[0][1], votes.labels)
        raise RowsProblem(
            f"{count(len(strange), 'decision names a label', 'decisions name labels')} that no annotator gave",
            found=some([f"{label!r} for item {name!r}" for name, label in strange]),
            expected=f"one of {some(votes.labels, limit=20)}",
            cure=f"did you mean {guess!r}?" if guess else "write the label exactly as the annotators did",
        )


def refuse_settled(decisions: Mapping[str, str], votes: Votes, tied: npt.NDArray[np.bool_]) -> None:
    """Refuse decisions about items that do not tie.

    Raises
    ------
    RowsProblem
        There are such decisions; they are named.
    """
    tying = {votes.items[place] for place in np.flatnonzero(tied)} if decisions else set()
    settled = [repr(name) for name in decisions if name not in tying]
    if settled:
        raise RowsProblem(
            f"{count(len(settled), 'decision is', 'decisions are')} about items that do not tie",
            found=some(settled),
            cure="delete these rows from the file of decisions",
        )


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False
