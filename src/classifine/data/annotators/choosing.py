"""Takes votes and a declared rule and gives each item's label, with what decided it; ties are decided as declared.

Does not know texts, files or agreement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from classifine.data.annotators.dawid_skene import Estimate
from classifine.data.annotators.votes import Votes
from classifine.data.ordering import lot
from classifine.errors import SettingsProblem, unknown_name
from classifine.labels import IntVector

Method = Literal["majority", "dawid-skene", "one-coin", "soft", "expert", "unanimous"]
TieRule = Literal["drop", "review", "random", "priority", "posterior"]

ESTIMATED = ("dawid-skene", "one-coin")

_EQUAL = 1e-9  # probabilities that differ by less, in proportion, tie


@dataclass(frozen=True)
class Rules:
    """How judgements become labels.

    Attributes
    ----------
    method
        ``majority``; ``dawid-skene`` or ``one-coin``: the most probable label; ``soft``: the majority, beside shares
        that are trained on; ``expert``: one annotator's label wins, elsewhere the majority; ``unanimous``: only what
        two or more annotators gave and nobody disputed.
    ties
        What becomes of an item whose best labels are equally good. ``drop``: no label. ``review``: none until a
        person decided. ``random``: drawn from the seed and the item's id, so that other items and the order of rows
        cannot matter. ``priority``: the first in ``priority``. ``posterior``: the most probable by Dawid-Skene.
    priority
        Labels, the winner first.
    expert
        The annotator who wins.
    seed
        For ``random``.
    """

    method: Method = "majority"
    ties: TieRule = "drop"
    priority: tuple[str, ...] = ()
    expert: str | None = None
    seed: int = 0

    def check(self, annotators: Sequence[str]) -> None:
        """Refuse rules that lack what they need.

        Raises
        ------
        SettingsProblem
            No expert or priority is named, or the expert judged nothing.
        """
        if self.ties == "priority" and not self.priority:
            raise SettingsProblem(
                'ties = "priority" needs the labels in the order in which they win',
                cure="name them, the winner first: --priority LABEL --priority LABEL",
            )
        if self.method != "expert":
            return
        if self.expert is None:
            raise SettingsProblem('aggregation = "expert" needs an expert', cure="name the annotator with --expert")
        if self.expert not in annotators:
            raise SettingsProblem(
                f"the expert {self.expert!r} judged nothing",
                cure=unknown_name(self.expert, annotators, noun="annotators"),
            )


@dataclass(frozen=True)
class Choice:
    """Each item's label and what decided it.

    Attributes
    ----------
    label
        Position of the label, -1 for none, shape [n_items].
    how
        What decided each item, in a few words.
    tied
        Whether the best labels were equally good and the tie rule was asked, shape [n_items].
    """

    label: IntVector
    how: tuple[str, ...]
    tied: npt.NDArray[np.bool_]


def choose(votes: Votes, rules: Rules, estimate: Estimate | None, decisions: Mapping[str, str]) -> Choice:
    """Give each item a label.

    Parameters
    ----------
    votes
        The judgements.
    rules
        What decides.
    estimate
        Of the true labels; needed by ``dawid-skene``, ``one-coin`` and ``posterior``.
    decisions
        Labels a person decided on by item; for ``review``.
    """
    estimated = rules.method in ESTIMATED and estimate is not None
    item, label = _most_probable(estimate) if estimated and estimate else _most_frequent(votes)
    n_items = len(votes.items)
    starts = np.searchsorted(item, np.arange(n_items + 1))
    number = np.diff(starts)
    chosen = np.where(number == 1, label[starts[:-1]], -1)
    how: list[str] = [rules.method if estimated else "majority"] * n_items
    settled = np.zeros(n_items, dtype=bool)
    if rules.method == "unanimous":
        return _unanimous(votes)
    if rules.method == "expert" and rules.expert is not None:
        own = votes.annotator == votes.annotators.index(rules.expert)
        chosen[votes.item[own]] = votes.label[own]
        settled[votes.item[own]] = True
        how = ["expert" if known else "majority, as the expert did not judge it" for known in settled]
    tied = (number > 1) & ~settled
    for place in np.flatnonzero(tied).tolist():
        best = label[starts[place] : starts[place + 1]]
        chosen[place], how[place] = _decided(votes, rules, estimate, decisions, place, best)
    return Choice(chosen, tuple(how), tied)


def majority(votes: Votes) -> IntVector:
    """Give each item's most frequent label, -1 where several are."""
    item, label = _most_frequent(votes)
    starts = np.searchsorted(item, np.arange(len(votes.items) + 1))
    return np.where(np.diff(starts) == 1, label[starts[:-1]], -1)


def most_probable(estimate: Estimate) -> IntVector:
    """Give each item's most probable label, -1 where several are."""
    item, label = _most_probable(estimate)
    starts = np.searchsorted(item, np.arange(len(estimate.votes.items) + 1))
    return np.where(np.diff(starts) == 1, label[starts[:-1]], -1)


def _most_frequent(votes: Votes) -> tuple[IntVector, IntVector]:
    leading = votes.tally.leading
    return votes.tally.item[leading], votes.tally.label[leading]


def _most_probable(estimate: Estimate) -> tuple[IntVector, IntVector]:
    posterior = estimate.posterior
    item = np.repeat(np.arange(posterior.shape[0]), np.diff(posterior.indptr))
    best = np.maximum.reduceat(posterior.data, posterior.indptr[:-1])
    near = posterior.data >= best[item] * (1 - _EQUAL)
    return item[near], posterior.indices[near].astype(np.int64)


def _unanimous(votes: Votes) -> Choice:
    tally = votes.tally
    labels = np.diff(tally.starts)
    agreed = (labels == 1) & (tally.totals > 1)
    chosen = np.where(agreed, tally.label[tally.starts[:-1]], -1)
    why = np.where(agreed, "unanimous", np.where(labels > 1, "disputed", "judged once"))
    return Choice(chosen, tuple(map(str, why)), np.zeros(len(chosen), dtype=bool))


def _decided(
    votes: Votes,
    rules: Rules,
    estimate: Estimate | None,
    decisions: Mapping[str, str],
    place: int,
    best: IntVector,
) -> tuple[int, str]:
    """Give the label a tied item gets, and what decided."""
    name = votes.items[place]
    if rules.ties == "drop":
        return -1, "tie, dropped"
    if rules.ties == "review":
        if name in decisions:
            return votes.labels.index(decisions[name]), "tie, decided by review"
        return -1, "tie, to be reviewed"
    if rules.ties == "random":
        return int(best[lot(rules.seed, name) % len(best)]), "tie, drawn"
    if rules.ties == "priority":
        rank = {label: position for position, label in enumerate(rules.priority)}
        named = [int(label) for label in best if votes.labels[label] in rank]
        if named:
            return min(named, key=lambda label: rank[votes.labels[label]]), "tie, by priority"
        return -1, "tie, none of its labels has a priority"
    if estimate is not None:
        own = estimate.posterior_of(place)
        probable = np.array([own.get(int(label), 0.0) for label in best])
        near = best[probable >= probable.max() * (1 - _EQUAL)]
        if len(near) == 1:
            return int(near[0]), "tie, by posterior"
    return -1, "tie, equally probable"
