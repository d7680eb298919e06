"""Takes what a user says of threads and processor and gives the device and the threads that torch computes with.

torch does not see the quota of a cgroup, see :mod:`classifine.model.cores`. Does not know models or texts.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator

import torch

from classifine.model.cores import cores, quota


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
