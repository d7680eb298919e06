"""Takes what a user says of threads and processor and gives the device and the threads that torch computes with.

Counts the cores that this process may use: affinity, and the quota of its cgroup, which torch does not see.
Does not know models or texts.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import torch

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def device_name(*, use_cpu: bool) -> str:
    """Name the device: the accelerator that torch finds, unless the processor is wanted."""
    found = None if use_cpu else torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if found is None else found.type


@contextlib.contextmanager
def threads_set(wanted: int | None) -> Iterator[int]:
    """Let torch compute with so many threads, or as many as there are cores for; the caller's number comes back."""
    before = torch.get_num_threads()
    number = wanted or _threads(before)
    try:
        torch.set_num_threads(number)
        yield number
    finally:
        torch.set_num_threads(before)


def _threads(theirs: int) -> int:
    """Give torch's own number, which follows OMP_NUM_THREADS and physical cores, or what the cgroup has of them."""
    limit = quota()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if processes > 1:
        # torchrun sets OMP_NUM_THREADS=1, which nobody asked for
        return max(1, cores() // processes)
    return theirs if limit is None else max(1, min(theirs, math.floor(limit)))


def cores() -> int:
    """Count the cores this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = quota()
    return allowed if limit is None else max(1, min(allowed, math.floor(limit)))


def quota(cgroups: Path = _CGROUPS, own: Path = _OWN) -> float | None:
    """Give the cores' worth of time that the cgroup of this process, or one around it, may use; none without a limit.

    Parameters
    ----------
    cgroups
        Where the system shows cgroups.
    own
        Where it says which one this process is in.
    """
    found = []
    for line in _lines(own):
        _, kinds, path = line.split(":", 2)
        home = cgroups if not kinds else cgroups / ("cpu" if "cpu" in kinds.split(",") else "none")
        place = home / path.strip("/")
        for folder in [place, *place.parents]:
            if folder.is_relative_to(home):
                found.append(_limit(folder))
    limits = [limit for limit in found if limit is not None]
    return min(limits) if limits else None


def _limit(folder: Path) -> float | None:
    """Read one cgroup's limit: ``cpu.max`` of version 2, ``cpu.cfs_*`` of version 1."""
    words = " ".join(_lines(folder / "cpu.max")).split()
    words = words or [*_lines(folder / "cpu.cfs_quota_us"), *_lines(folder / "cpu.cfs_period_us")]
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except OSError:
        return []
