"""Takes the state of a training and gives checkpoints from which it goes on, after whatever stopped it.

A checkpoint is a folder: its files, and last a manifest with their digests and with what the training was made from.
Only a folder whose manifest holds is used; others go to quarantine. Does not know what is in the files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.errors import DiscError, RunRefused

FORMAT = 2
MANIFEST = "manifest.json"
Tell = Callable[[str], None]

# A step's number orders the folders; the time of a file may lie.
_NAME = "checkpoint-"
# How many are kept: a second one in case the disc damages the newest.
_KEPT = 2
# So much more than its files must be free before a checkpoint is written.
_MARGIN = 1.2


@dataclass(frozen=True)
class Origin:
    """What a training is made from; a checkpoint fits a training only where all of it is the same.

    Attributes
    ----------
    settings
        Every setting as it is used.
    contents
        Digests of the texts and of the base model's files, by name.
    machine
        Versions and device: where these differ, training goes on, and it is said.
    """

    settings: dict[str, Any]
    contents: dict[str, str]
    machine: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it comes back from a file."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


class Checkpoints:
    """The checkpoints of one training.

    A checkpoint is due after an evaluation when the saves take less than ``share`` of the time, and within an epoch
    when ``seconds`` have passed, too. So a training that is killed loses no more than that.

    Parameters
    ----------
    folder
        Where they lie.
    quarantine
        Where damaged ones go.
    tell
        Called with a plain sentence.
    """

    share = 0.05
    seconds = 600.0

    def __init__(self, folder: Path, *, quarantine: Path, tell: Tell = lambda line: None) -> None:
        self.folder = folder
        self.quarantine = quarantine
        self.tell = tell
        self.origin: Origin | None = None
        self._cost = 0.0
        self._last = time.monotonic()
        self._complained = False

    def below(self, name: str) -> Checkpoints:
        """Give those of a training that is part of this one: a folder of their own, the same quarantine and voice."""
        return Checkpoints(self.folder / name, quarantine=self.quarantine, tell=self.tell)

    def begin(self, origin: Origin, *, room: int) -> None:
        """Say what the training is made from; refuse a disc that could not even hold its result.

        Raises
        ------
        DiscError
            Less is free than ``room`` bytes.
        """
        self.origin = origin
        self._last = time.monotonic()
        durable.make_folder(self.folder)
        self._require(room, "the classifier that is to be trained")

    def newest(self, wrong: Callable[[Path], str | None]) -> Path | None:
        """Give the newest whole checkpoint; damaged ones are moved to quarantine on the way.

        Parameters
        ----------
        wrong
            Says what else a folder lacks whose files are as they were written.

        Raises
        ------
        RunRefused
            It belongs to a training on other texts, with other settings or another base model.
        """
        for folder in self._all():
            manifest = _manifest(folder)
            reason = _damage(folder, manifest)
            if reason is None and manifest is not None:
                self._refuse_other(folder, manifest["origin"])
                reason = wrong(folder)
            if reason is None:
                self.tell(f"going on from step {_step(folder):,}")
                return folder
            durable.move(folder, self.quarantine / folder.name)
            self.tell(f"{folder.name} is damaged ({reason}) and now lies in {self.quarantine}; it is not used")
        return None

    def due(self, *, evaluated: bool) -> bool:
        """Tell whether it is time for the next one."""
        wait = self._cost / self.share
        return time.monotonic() - self._last >= (wait if evaluated else max(wait, self.seconds))

    def save(self, step: int, *, size: int, write: Callable[[Path], None]) -> bool:
        """Keep the state after a step; a disc that refuses it does not stop the training.

        Parameters
        ----------
        step
            Steps done so far.
        size
            Bytes the files will take, about.
        write
            Writes them into the folder it is given.
        """
        assert self.origin is not None
        started = time.monotonic()
        try:
            self._make_room(size)
            with durable.staging(self.folder / f"{_NAME}{step}") as staged:
                write(staged)
                durable.sync(staged)
                durable.write_json(staged / MANIFEST, self._manifest(staged))
            self._prune(_KEPT)
        except DiscError as error:
            self._complain(error)
            return False
        finally:
            self._last = time.monotonic()
            self._cost = self._last - started
        return True

    def _manifest(self, staged: Path) -> dict[str, Any]:
        assert self.origin is not None
        files = {
            file.relative_to(staged).as_posix(): {"size": file.stat().st_size, "sha256": durable.sha256(file)}
            for file in durable.files_below(staged)
        }
        return {"format": FORMAT, "origin": self.origin.to_dict(), "files": files}

    def _all(self) -> list[Path]:
        """Give the folders that are named like checkpoints, the newest first."""
        found = [path for path in self.folder.glob(f"{_NAME}*") if path.name.removeprefix(_NAME).isdecimal()]
        return sorted(found, key=_step, reverse=True)

    def _prune(self, keep: int) -> None:
        for folder in self._all()[keep:]:
            durable.remove(folder)

    def _make_room(self, size: int) -> None:
        if durable.free_bytes(self.folder) < size * _MARGIN:
            self._prune(1)
        self._require(size, "a checkpoint")

    def _require(self, size: int, what: str) -> None:
        free = durable.free_bytes(self.folder)
        if free < size * _MARGIN:
            raise DiscError(
                f"there is too little space for {what}",
                where=str(self.folder),
                found=f"{free / 1e6:,.0f} MB free",
                expected=f"{size * _MARGIN / 1e6:,.0f} MB",
                cure="free some space, then type the same command again",
            )

    def _complain(self, error: DiscError) -> None:
        if self._complained:
            return
        self._complained = True
        found = self._all()
        stand = f"the checkpoint of step {_step(found[0]):,}" if found else "the beginning"
        reason = f"{error.what} ({error.found})" if error.found else error.what
        self.tell(
            f"a checkpoint could not be saved: {reason}. Training goes on; "
            f"should it be stopped, the same command goes on from {stand}"
        )

    def _refuse_other(self, folder: Path, was: dict[str, Any]) -> None:
        assert self.origin is not None
        now = self.origin.to_dict()
        changed = [
            f"{name}: {was['settings'].get(name)} → {now['settings'].get(name)}"
            for name in sorted(was["settings"].keys() | now["settings"].keys())
            if was["settings"].get(name) != now["settings"].get(name)
        ]
        changed += [
            f"{name}: the content changed"
            for name in sorted(was["contents"].keys() | now["contents"].keys())
            if was["contents"].get(name) != now["contents"].get(name)
        ]
        if changed:
            raise RunRefused(
                "this training was begun with something else",
                where=str(folder),
                found="\n" + "\n".join(f"    {line}" for line in changed),
                cure=f"put back what it was begun with, or delete {self.folder} to train anew",
            )
        moved = [f"{name} {was['machine'].get(name)} → {now['machine'][name]}" for name in _changed(was, now)]
        if moved:
            self.tell(f"begun elsewhere: {', '.join(moved)}; the last digits of the weights may depend on it")


Scratch = Path | Checkpoints
"""Where a training works: a folder that is gone afterwards, or the checkpoints of a run."""


def below(scratch: Scratch, name: str) -> Scratch:
    """Give the same for a training that is part of another one, one folder below.

    Examples
    --------
    >>> below(Path("checkpoints"), "seed-42").as_posix()
    'checkpoints/seed-42'
    """
    return scratch / name if isinstance(scratch, Path) else scratch.below(name)


def _changed(was: dict[str, Any], now: dict[str, Any]) -> Sequence[str]:
    return [name for name in now["machine"] if was["machine"].get(name) != now["machine"][name]]


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix(_NAME))


def _manifest(folder: Path) -> dict[str, Any] | None:
    """Read a manifest; none where it is absent or no manifest of ours."""
    try:
        value: Any = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(value, dict) or value.get("format") != FORMAT or not {"origin", "files"} <= value.keys():
        return None
    return value


def _damage(folder: Path, manifest: dict[str, Any] | None) -> str | None:
    """Say what is wrong with the files of a checkpoint."""
    if manifest is None:
        return f"no {MANIFEST} that this version reads"
    there = {file.relative_to(folder).as_posix() for file in durable.files_below(folder)} - {MANIFEST}
    if there != manifest["files"].keys():
        return "files are missing or added: " + ", ".join(sorted(there ^ manifest["files"].keys()))
    for name, entry in manifest["files"].items():
        if (folder / name).stat().st_size != entry["size"] or durable.sha256(folder / name) != entry["sha256"]:
            return f"{name} is not as it was written"
    return None
