"""Takes nothing and gives what this process may compute with: its cores, and the name of its processor.

Cores are counted by affinity and by the quota of the cgroup; libraries see at most the first.
Does not know models or texts.
"""

from __future__ import annotations

import math
import os
import platform
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_PROCESSOR = Path("/proc/cpuinfo")


def processor() -> str:
    """Name the processor, so that what was measured on one is not taken for true on another."""
    named = [line.partition(":")[2].strip() for line in _lines(_PROCESSOR) if line.startswith(("model name", "flags"))]
    if len(named) < 2:
        return " ".join(dict.fromkeys((platform.system(), platform.machine(), platform.processor()))).strip()
    # virtual machines give many processors one name; what they can do tells them apart
    wide = [flag for flag in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile") if flag in named[1].split()]
    return " ".join([named[0], *wide])


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
