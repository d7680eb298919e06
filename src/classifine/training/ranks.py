"""Takes what torchrun or accelerate launch says of the processes of one job and lets them agree; the first one leads.

The first decides and tells; the others, its followers, do the same training with it and nothing else. What is told goes
from memory to memory. A process that is alone agrees with itself. Does not know what is trained or decided.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from classifine.errors import ClassifineError, SettingsProblem, TrainingFailed, UsageError

T = TypeVar("T")
# Followers wait while the first process reads data and fits baselines; if it dies, they know at once.
_PATIENCE = timedelta(days=30)
# Gradients and the like come within seconds; a checkpoint of a large model within minutes.
_EXCHANGE = timedelta(minutes=30)
# How those who carry messages between processes say that one of them is gone.
_GONE = ("gloo", "nccl", "xccl", "connection closed", "connection reset", "process group", "broken pipe", "tcpstore")


class LeadFailed(ClassifineError):
    """The first process failed and has said why; this one follows it."""

    def __init__(self, code: int) -> None:
        self.exit_code = code
        super().__init__("the first process of this job failed; it says why")


class FollowerFailed(ClassifineError):
    """A process other than the first one failed for a reason of its own, such as its device's memory."""

    def __init__(self, error: ClassifineError) -> None:
        self.exit_code = error.exit_code
        super().__init__(f"process {place() + 1} of {number()}: {error}")


class OthersLost(TrainingFailed):
    """Another process of this training is gone."""

    def __init__(self) -> None:
        super().__init__(
            "another process of this training has ended, and without it this one cannot go on",
            cure="look at what it said, if anything; the same command goes on from the last checkpoint",
        )


def number() -> int:
    """Count the processes of this job."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def require_one(what: str) -> None:
    """Refuse something that one process does.

    Raises
    ------
    UsageError
        There are several.
    """
    if number() > 1:
        raise UsageError(f"{what} by one process", cure="type the command without torchrun")


def place() -> int:
    """Give this process's number among them; the first one, 0, leads."""
    return int(os.environ["RANK"]) if number() > 1 else 0


# ---------------------------------------------------------------- being together


@dataclass
class _Company:
    """The processes as they are joined: the channel on which they agree, how deep, whether followers have their task.

    ``store`` outlives a company, since its port can be bound once.
    """

    channel: Any = None
    depth: int = 0
    given: bool = False
    joined: int = 0
    store: Any = None


_now = _Company()


class Together:
    """Joins the processes of a job for a block; inside another such block it changes nothing.

    Where the first process leaves the block without having given the others a task, they are sent home.

    Parameters
    ----------
    use_cpu
        Whether the processor is to be used although there is an accelerator.
    """

    def __init__(self, *, use_cpu: bool) -> None:
        self.use_cpu = use_cpu

    def __enter__(self) -> bool:
        """Wait for the others; say whether this process leads."""
        if number() > 1:
            if not _now.depth:
                _join(self.use_cpu)
            _now.depth += 1
        return place() == 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """Part.

        Raises
        ------
        OthersLost
            The block ended because another process is gone.
        """
        if number() == 1:
            return
        _now.depth -= 1
        if _now.depth:
            return
        if place() == 0 and not _now.given and _now.channel is not None:
            with contextlib.suppress(RuntimeError):
                _told(_Leave(0 if error is None else getattr(error, "exit_code", 1)))
        part()
        if isinstance(error, RuntimeError) and _is_gone(error):
            raise OthersLost from error


@dataclass(frozen=True)
class _Leave:
    code: int


def give(task: Any) -> None:
    """Tell the followers what to train; they get it from :func:`taken`."""
    if number() > 1:
        _now.given = True
        _told(task)


def taken() -> Any:
    """Wait until the first process says what to train; none where there is nothing to do.

    Raises
    ------
    LeadFailed
        It failed before it came to that.
    """
    task = _told(None)
    if not isinstance(task, _Leave):
        return task
    if task.code:
        raise LeadFailed(task.code)
    return None


def part() -> None:
    """End the exchange; all processes do so at the same time, when training is done."""
    import torch.distributed as dist

    if _now.channel is not None:
        _now.channel, _now.given = None, False
        dist.destroy_process_group()


def _join(use_cpu: bool) -> None:
    if absent := [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise SettingsProblem(
            f"RANK and WORLD_SIZE say that this is one of {number()} processes, but not where the first one is",
            found=f"no {' and no '.join(absent)} in the environment",
            cure="start it with torchrun; or, if it is to be alone, take RANK and WORLD_SIZE out of the environment",
        )
    import torch
    import torch.distributed as dist
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    from classifine.model.cores import cores
    from classifine.training.machine import device_name

    if "OMP_NUM_THREADS" not in os.environ:
        # else accelerate chooses a number of threads, and says so
        os.environ["OMP_NUM_THREADS"] = str(max(1, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    device = device_name(use_cpu=use_cpu)
    if device != "cpu":
        torch.accelerator.set_device_index(int(os.environ.get("LOCAL_RANK", "0")))
    if _now.store is None:
        _now.store = next(rendezvous("env://"))[0]
    _now.joined += 1
    dist.init_process_group(
        dist.get_default_backend_for_device(device),
        store=PrefixStore(f"classifine/{_now.joined}", _now.store),
        rank=place(),
        world_size=number(),
        timeout=_EXCHANGE,
    )
    # on a processor's memory whatever the device, and with more patience
    _now.channel = dist.new_group(backend="gloo", timeout=_PATIENCE)


def _is_gone(error: RuntimeError) -> bool:
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or any(words in str(error).lower() for words in _GONE)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let the first process compute on all cores of its machine while the others wait."""
    if number() == 1:
        yield
        return
    from classifine.model.cores import cores
    from classifine.training.machine import threads_set

    with threads_set(cores()):
        yield


# ---------------------------------------------------------------- agreeing


def shared(value: T) -> T:
    """Give what the first process has here."""
    found: T = value if _now.channel is None else _told(value)
    return found


def decided(work: Callable[[], T]) -> T:
    """Let the first process do something and give its result to all.

    Raises
    ------
    LeadFailed
        In the others, where the first one raises.
    """
    if _now.channel is None:
        return work()
    if place():
        heard = _told(None)
        if isinstance(heard, _Leave):
            raise LeadFailed(heard.code)
        followed: T = heard
        return followed
    done = False
    try:
        result = work()
        done = True
    finally:
        if not done:
            with contextlib.suppress(RuntimeError):
                _told(_Leave(1))
    told: T = _told(result)
    return told


def gathered(value: T) -> list[T]:
    """Give what each process has here, in their order."""
    import torch.distributed as dist

    if _now.channel is None:
        return [value]
    found: list[Any] = [None] * number()
    dist.all_gather_object(found, value, group=_now.channel)
    return found


def largest(*numbers: int) -> tuple[int, ...]:
    """Give the largest of what the processes have here, of each number; cheap enough for every step."""
    import torch
    import torch.distributed as dist

    if _now.channel is None:
        return numbers
    found = torch.tensor(numbers, dtype=torch.int64)
    dist.all_reduce(found, dist.ReduceOp.MAX, group=_now.channel)
    return tuple(found.tolist())


def _told(value: Any) -> Any:
    import torch.distributed as dist

    told = [value]
    dist.broadcast_object_list(told, src=0, group=_now.channel)
    return told[0]
