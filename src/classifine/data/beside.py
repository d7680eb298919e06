"""Takes a JSON file that lists what was written with it and gives which files are ours to replace; the rest is refused.

A command that writes several files from one name may meet a user's own among them. Does not know what the files hold.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from classifine import durable
from classifine.errors import RunRefused, count, some

BESIDE = "beside"
"""The entry of the JSON file under which the names of the files beside it stand."""


def written_beside(record: Path) -> frozenset[str] | None:
    """Give the names of the files that were written with a record; none where it is no record, or not there."""
    try:
        told = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    names = told.get(BESIDE) if isinstance(told, dict) else None
    return frozenset(map(str, names)) if isinstance(names, list) else None


def refuse_foreign(record: Path, others: Collection[Path], *, cure: str) -> None:
    """Refuse to write a record and the files beside it where one is there that an earlier record does not list.

    Parameters
    ----------
    record
        The JSON file.
    others
        The files that would be written beside it.
    cure
        How to write elsewhere.

    Raises
    ------
    RunRefused
        There are such files; all are named.
    """
    known = written_beside(record)
    foreign = [path for path in (record, *others) if path.exists()]
    if known is not None:
        foreign = [path for path in foreign if path != record and path.name not in known]
    if foreign:
        them = "it" if len(foreign) == 1 else "them"
        raise RunRefused(
            f"{count(len(foreign), 'file')} would be overwritten, and nothing says that classifine wrote {them}",
            where=str(record.parent),
            found=some([path.name for path in foreign]),
            cure=f"{cure}; or rename {them}, or delete {them}",
        )


def stale(record: Path, possible: Collection[Path], made: Collection[Path]) -> list[Path]:
    """Give those of the possible files that stand beside an earlier record, listed by it, and are not made again."""
    known = written_beside(record) or frozenset()
    return [path for path in possible if path not in made and path.name in known and path.exists()]


def remove(paths: Collection[Path]) -> None:
    """Remove files.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    for path in paths:
        with durable.disc_errors(path):
            path.unlink(missing_ok=True)
