"""Takes numbers of shards and says which of them this process may do, so that several processes do each of them once.

A claim is a small file that only one can make; a sign of life renews it. It saves work and nothing rests on it: a shard
that is done twice is the same shard. Does not know what a shard is.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from classifine import durable

# A claim without a sign of life for so many seconds, on the watcher's own clock, is that of a dead worker elsewhere.
LEASE = 120.0
_BEATS = 6


class Claims:
    """The claims of several workers on one folder; as a context, it gives signs of life until it ends.

    Parameters
    ----------
    folder
        Where they lie.
    lease
        Seconds after which a worker on another machine counts as dead. One on this machine does as soon as it is.
    """

    def __init__(self, folder: Path, *, lease: float = LEASE) -> None:
        self.folder = folder
        self.lease = lease
        self.token = uuid.uuid4().hex[:12]
        self._mine: set[int] = set()
        self._seen: dict[int, tuple[str, int, float]] = {}
        self._end = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Claims:
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._beating.join()
        for number in sorted(self._mine):
            self.release(number)

    def take(self, number: int) -> bool:
        """Claim a shard; a dead worker's claim is taken over. Whether it is this process's now."""
        path = self._path(number)
        if path.exists() and self.held(number):
            return False
        if path.exists():
            # whoever renames it first takes it over; for the others it is gone
            try:
                path.rename(path.with_name(f"{path.name}.dead-{self.token}"))
            except FileNotFoundError:
                return False
        if not durable.claim(path, json.dumps({**_identity(), "token": self.token})):
            return False
        self._mine.add(number)
        self._seen.pop(number, None)
        return True

    def release(self, number: int) -> None:
        """Give a claim back."""
        self._mine.discard(number)
        if _read(self._path(number)).get("token") == self.token:
            durable.remove(self._path(number))

    def held(self, number: int) -> bool:
        """Tell whether a living worker has claimed a shard."""
        path = self._path(number)
        try:
            told, beat = path.read_text("utf-8"), path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        who = _read(path)
        if who.get("token") == self.token:
            return True
        if _is_here(who):
            return _lives(who)
        now = time.monotonic()
        text, last, since = self._seen.get(number, ("", 0, now))
        if (text, last) != (told, beat):
            since = now
        self._seen[number] = (told, beat, since)
        return now - since < self.lease

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def _beat(self) -> None:
        while not self._end.wait(self.lease / _BEATS):
            for number in sorted(self._mine):
                durable.touch(self._path(number))


def who_am_i() -> str:
    """Name this process for people."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def _identity() -> dict[str, Any]:
    """Say which process this is, so that others on this machine can see whether it lives."""
    return {"host": socket.gethostname(), "boot": _boot(), "pid": os.getpid(), "born": _born(os.getpid())}


def _is_here(who: dict[str, Any]) -> bool:
    return who.get("host") == socket.gethostname() and who.get("boot") == _boot()


def _lives(who: dict[str, Any]) -> bool:
    pid = who.get("pid")
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    born = _born(pid)
    return born is None or born == who.get("born")


def _boot() -> str:
    """Tell this start of this machine, and this set of process numbers, from others."""
    found = []
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            path = Path(source)
            found.append(str(path.readlink()) if path.is_symlink() else path.read_text("ascii").strip())
        except OSError:
            found.append("")
    return " ".join(found)


def _born(pid: int) -> str | None:
    """Give when a process started and that it is no corpse, where the system tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "dead" if fields[0] in "ZX" else fields[19]


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
