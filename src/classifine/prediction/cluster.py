"""Takes the address of a Ray cluster and gives what scores shards there, each exactly once in the result.

The texts of a shard go to an actor that holds the model, and its columns come back; only the process that asked reads
and writes files. A shard whose node dies is scored by another. Does not know how texts are scored.
"""

from __future__ import annotations

import importlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from classifine.errors import PackageMissing, UsageError
from classifine.model.classifier import Scorer
from classifine.prediction.scoring import Added, Scored, scored
from classifine.prediction.working import Score, Task

# Shards that wait at each actor, so that none is idle while its last one travels.
_AHEAD = 2


class _Holder:
    """An actor: it opens the model once and scores shards."""

    def __init__(self, open_scorer: Callable[[], Scorer], added: Added) -> None:
        self._scorer, self._added = open_scorer(), added

    def score(self, task: Task) -> Scored:
        return scored(self._scorer, self._added, task.texts, task.unreadable)


def on_cluster(address: str, open_scorer: Callable[[], Scorer], *, cores: int = 1) -> Callable[[Added], Score]:
    """Give what scores shards on a cluster, in the order in which they are done.

    Parameters
    ----------
    address
        ``auto``, ``host:port``, ``ray://host:port``; or ``local`` for this machine alone.
    open_scorer
        Opens the model; called once on each actor, so that its folder must be there.
    cores
        Of each actor. As many start as the cluster has room for.

    Raises
    ------
    PackageMissing
        Ray is not installed.
    UsageError
        The cluster cannot be reached; or, while scoring, none of its actors lives.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise PackageMissing("predicting on a cluster needs ray", cure="pip install 'classifine[ray]'") from None
    if not ray.is_initialized():
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"there is no Ray cluster at {address}",
                found=str(error).strip().partition("\n")[0] or None,
                cure="give the address that `ray start --head` printed, or --ray local",
            ) from None

    def of_columns(added: Added) -> Score:
        def score(tasks: Iterator[Task]) -> Iterator[tuple[int, Scored]]:
            room = max(1, int(ray.cluster_resources().get("CPU", 1)) // cores)
            holder = ray.remote(num_cpus=cores, max_restarts=0)(_Holder)
            actors = [holder.remote(open_scorer, added) for _ in range(room)]
            try:
                yield from _spread(ray, actors, tasks)
            finally:
                for actor in actors:
                    ray.kill(actor)

        return score

    return of_columns


def _spread(ray: Any, actors: list[Any], tasks: Iterator[Task]) -> Iterator[tuple[int, Scored]]:
    """Hand tasks to actors that have room, and again to another where an actor dies with one."""
    free = deque(actors * _AHEAD)
    under_way: dict[Any, tuple[Any, Task]] = {}
    again: deque[Task] = deque()
    dead: set[Any] = set()
    ended = False
    while True:
        while free and not (ended and not again):
            task = again.popleft() if again else next(tasks, None)
            if task is None:
                ended = True
            elif (actor := free.popleft()) in dead:
                again.appendleft(task)
            else:
                under_way[actor.score.remote(task)] = (actor, task)
        if not under_way:
            if again:
                raise UsageError(
                    "no worker of the Ray cluster lives any more",
                    cure="see that classifine and the run folder are on every node, then type the same command again",
                )
            return
        done, _ = ray.wait(list(under_way), num_returns=1)
        actor, task = under_way.pop(done[0])
        try:
            yield task.number, ray.get(done[0])
            free.append(actor)
        except ray.exceptions.RayActorError:
            dead.add(actor)
            again.append(task)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
