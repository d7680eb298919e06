"""Takes a JSON file that lists what a command wrote with it and gives which files are ours to replace; others are kept.

A command that writes several files from one name may meet a user's own among them. Does not know what the files hold.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.errors import RunRefused, count, some


@dataclass(frozen=True)
class Record:
    """A JSON file that says which command wrote it, and which files beside it.

    Attributes
    ----------
    path
        The file.
    verb
        The command; a file that another command wrote is not taken for its record.
    """

    path: Path
    verb: str

    def entries(self, beside: Collection[Path]) -> dict[str, Any]:
        """Give what the file must say, among other things, to be known again."""
        return {"written_by": f"classifine {self.verb}", "beside": [path.name for path in beside]}

    def listed(self) -> frozenset[str] | None:
        """Give the names of the files that were written beside it; none where it is not there or no such record."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(told, dict) or told.get("written_by") != f"classifine {self.verb}":
            return None
        names = told.get("beside")
        return frozenset(map(str, names)) if isinstance(names, list) else None

    def refuse_foreign(self, others: Collection[Path], *, cure: str) -> None:
        """Refuse to write the record and files beside it where one is there that the earlier record does not list.

        Raises
        ------
        RunRefused
            There are such files; all are named.
        """
        known = self.listed()
        foreign = [path for path in others if path.exists() and path.name not in (known or ())]
        if known is None and self.path.exists():
            foreign.append(self.path)
        if foreign:
            them = "it" if len(foreign) == 1 else "them"
            raise RunRefused(
                f"{count(len(foreign), 'file')} would be overwritten, and nothing says that `classifine {self.verb}` "
                f"wrote {them}",
                where=str(self.path.parent),
                found=some([path.name for path in foreign]),
                cure=f"{cure}, or rename {them}",
            )

    def left(self, possible: Collection[Path], made: Collection[Path]) -> list[Path]:
        """List those of the possible files that the earlier record lists, that are there, and are not made again."""
        known = self.listed() or frozenset()
        return [path for path in possible if path not in made and path.name in known and path.exists()]

    def remove_left(self, possible: Collection[Path], made: Collection[Path]) -> None:
        """Remove what :meth:`left` lists.

        Raises
        ------
        DiscError
            The disc refuses.
        """
        for path in self.left(possible, made):
            with durable.disc_errors(path):
                path.unlink(missing_ok=True)
