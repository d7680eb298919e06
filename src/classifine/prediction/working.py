"""Takes a plan and shards and does those that nobody has done, in the order of the rows, until all are there.

Reading is ahead of scoring by one shard. Does not know how texts are scored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from classifine.model.classifier import Scorer
from classifine.prediction.claims import Claims
from classifine.prediction.inputs import Inputs, Stretch
from classifine.prediction.scoring import Added, Scored, scored
from classifine.prediction.shards import Plan, Shards

T = TypeVar("T")

# Between two looks at what the others do.
_POLL = 1.0


@dataclass(frozen=True)
class Task:
    """The texts of a shard, none where a row has none, and the places of rows that could not be read."""

    number: int
    texts: Sequence[str | None]
    unreadable: frozenset[int]


Score: TypeAlias = Callable[[Iterator[Task]], Iterator[tuple[int, Scored]]]


def here(scorer: Scorer, added: Added) -> Score:
    """Give what scores shards in this process, one after the other."""

    def score(tasks: Iterator[Task]) -> Iterator[tuple[int, Scored]]:
        for task in ahead(tasks):
            yield task.number, scored(scorer, added, task.texts, task.unreadable)

    return score


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Give the same items, each made in another thread while the one before is worked on."""
    end: Any = object()
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield item


def by_shard(
    inputs: Inputs, plan: Plan, piece: int, *, wanted: Callable[[int], bool] = lambda number: True
) -> Iterator[tuple[int, list[Stretch]]]:
    """Read the rows of each shard that is wanted when its first row comes.

    Raises
    ------
    FileUnreadable
        The input is not what it was when the plan was made.
    """
    number, keep = -1, False
    held: list[Stretch] = []
    for stretch in inputs.stretches(piece):
        if number < 0 or stretch.start == plan.stops[number]:
            number += 1
            held, keep = [], wanted(number)
        if keep:
            held.append(stretch)
        if keep and stretch.start + len(stretch) == plan.stops[number]:
            yield number, held
            held = []


def task_of(inputs: Inputs, number: int, stretches: Sequence[Stretch]) -> Task:
    """Give the texts of a shard.

    Raises
    ------
    FileUnreadable
        A cell that is no Unicode text.
    """
    first = stretches[0].start
    texts = [text for stretch in stretches for text in inputs.texts(stretch)]
    bad = (stretch.start - first + place for stretch in stretches for place in stretch.unreadable)
    return Task(number, texts, frozenset(bad))


@dataclass
class Worker:
    """One of the processes that do the shards of a plan, or the only one.

    Attributes
    ----------
    inputs, plan, piece
        What is read, how it is divided, and the rows read at a time.
    shards, added
        Where results go, and which columns they have.
    progress
        A bar that is told of rows.
    over
        Whether another process has put everything together, so that the shards are gone.
    """

    inputs: Inputs
    plan: Plan
    piece: int
    shards: Shards
    added: Added
    progress: Any
    over: Callable[[], bool] = lambda: False
    _told: set[int] = field(default_factory=set)

    def work(self, score: Score, claims: Claims, *, first: int = 0) -> None:
        """Do what nobody else does, from the first one on and then the others, until all shards are done.

        A shard whose worker has died is done by another. The last ones are waited for.
        """
        self._told = {*range(len(self.plan))} - {*self.shards.missing()}
        while (missing := self.shards.missing()) and not self.over():
            if any(number >= first and not claims.held(number) for number in missing):
                self._through(score, claims, first)
            elif first:
                first = 0
            else:
                time.sleep(_POLL)
        for number in range(len(self.plan)):
            self._tell(number)

    def _through(self, score: Score, claims: Claims, first: int) -> None:
        def wanted(number: int) -> bool:
            if number < first or self.shards.done(number) or not claims.take(number):
                return False
            if self.shards.done(number) or self.over():  # somebody finished it between the two looks
                claims.release(number)
                return False
            return True

        def tasks() -> Iterator[Task]:
            for number, stretches in by_shard(self.inputs, self.plan, self.piece, wanted=wanted):
                yield task_of(self.inputs, number, stretches)

        for number, found in score(tasks()):
            self.shards.write(number, self.added.table(found), found.tally)
            claims.release(number)
            self._tell(number)

    def _tell(self, number: int) -> None:
        if number not in self._told and self.shards.done(number):
            self._told.add(number)
            first, stop = self.plan.span(number)
            self.progress.update(stop - first)
