"""Takes a folder and gives the run in it: which file holds what, which stages are done, who holds the lock.

The manifest decides: a stage is done when the manifest lists its files and their digests still hold.
Does not know what the files mean or how they are made.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from classifine import durable
from classifine.errors import FileMissing, RunRefused
from classifine.settings import Settings, difference
from classifine.tables import Splits

FORMAT = 1
STAGES = ("data", "train", "evaluate", "report")
# A search may be asked to go on for longer.
_MAY_GROW = ("tune.trials:", "tune.search_time:")
# What the page shows may be decided anew; the page is then drawn again.
_MAY_CHANGE = "evaluation.show_texts:"
_PACKAGES = ("classifine", "torch", "transformers", "accelerate", "tokenizers", "safetensors", "scikit-learn", "numpy")


@dataclass(frozen=True)
class Source:
    """A data file the run was made from.

    Attributes
    ----------
    role
        ``data``, ``train``, ``validation``, ``test``, ``texts``, ``decisions`` or ``corrections``.
    path
        Where it was; only for people, identity is the digest.
    sha256
        Digest of its bytes.
    """

    role: str
    path: str
    sha256: str

    def to_dict(self) -> dict[str, str]:
        """Give plain JSON."""
        return {"role": self.role, "path": self.path, "sha256": self.sha256}

    @classmethod
    def of_memory(cls, splits: Splits) -> Source:
        """Stand for splits that come from no file."""
        contents = [[name, *table.to_dict().values()] for name, table in splits.items()]
        return cls("data", "(memory)", durable.fingerprint(contents))


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path
        The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.settings = self.path / "settings.toml"
        self.manifest = self.path / "manifest.json"
        self.lock = self.path / "run.lock"
        self.holder = self.path / "run.holder"
        self.rows = self.path / "rows.parquet"
        self.judgements = self.path / "judgements.parquet"
        self.splits = self.path / "splits.parquet"
        self.audit = self.path / "audit.json"
        self.ties = self.path / "ties.csv"
        self.quarantine = self.path / "quarantine"
        self.rejected = self.quarantine / "rows.csv"
        self.model = self.path / "model"
        self.history = self.path / "history.json"
        self.study = self.path / "trials.db"
        self.trials = self.path / "trials.json"
        self.tuning = self.path / "tuning"
        self.baselines = self.path / "baselines"
        self.checkpoints = self.path / "checkpoints"
        self.seeds = self.path / "seeds"
        self.folds = self.path / "folds.json"
        self.predictions = self.path / "predictions"
        self.scorecard = self.path / "scorecard.json"
        self.mistakes = self.path / "mistakes.csv"
        self.diagnosis = self.path / "diagnosis.json"
        self.label_errors = self.path / "label_errors.json"
        self.review = self.path / "label_errors.csv"
        self.dynamics = self.path / "dynamics.parquet"
        self.report = self.path / "report.html"
        self.explanations = self.path / "explanations.json"
        self.out_of_fold = self.predictions / "out-of-fold.parquet"
        self.estimates = self.path / "estimates.json"
        self.curve = self.path / "learning_curve.json"
        self.curve_page = self.path / "learning_curve.html"

    @classmethod
    def existing(cls, path: Path | str) -> RunFolder:
        """Open a run that is there.

        Raises
        ------
        FileMissing
            There is no run in this folder.
        RunRefused
            Its manifest is not one that this version can read.
        """
        run = cls(path)
        if not run.manifest.is_file():
            raise FileMissing(
                f"there is no run in {path}",
                expected="a folder written by `classifine run` or `classifine train`, with manifest.json inside",
                cure="check the path, or start one: classifine run DATA --out " + str(path),
            )
        run.read_manifest()
        return run

    def read_manifest(self) -> dict[str, Any]:
        """Read the manifest; an absent one is empty.

        Raises
        ------
        RunRefused
            The file is not the manifest of a run, or one of another version's.
        """
        import json

        if not self.manifest.is_file():
            return {}
        try:
            value: Any = json.loads(self.manifest.read_text("utf-8"))
        except ValueError:
            value = None
        if not isinstance(value, dict) or not {"format", "sources", "settings", "stages"} <= value.keys():
            raise RunRefused(
                f"{self.manifest} is not the manifest of a run", cure="choose another folder, or delete this one"
            )
        if value["format"] != FORMAT:
            raise RunRefused(
                f"{self.path} holds a run of another version of classifine",
                found=f"format {value['format']}",
                expected=f"format {FORMAT}",
                cure="use the version that made it, or choose another folder with --out",
            )
        return value

    def begin(self, sources: Sequence[Source], settings: Settings, *, command: str | None = None) -> bool:
        """Take the folder for this data and these settings; say whether it holds the same run already.

        A run of which no stage is done holds nothing worth keeping and begins anew, also with mended data. A command
        that is given is noted as the one to make it again with.

        Raises
        ------
        RunRefused
            The folder holds something else; the difference is named.
        """
        manifest = self.read_manifest()
        if not manifest:
            self._refuse_foreign()
        durable.sweep(self.path)
        if not manifest.get("stages"):
            fresh = self._fresh(sources, settings)
            self._write_manifest(fresh if command is None else {**fresh, "command": command})
            durable.write_text(self.settings, settings.to_toml())
            return False
        changed = _changed_sources(manifest["sources"], sources)
        asked = manifest.get("asked", manifest["settings"])
        differing = difference(asked, settings.to_dict())
        changed += [line for line in differing if not line.startswith((*_MAY_GROW, _MAY_CHANGE))]
        if changed:
            state = "a finished run" if self.finished else "an unfinished run"
            raise RunRefused(
                f"{self.path} holds {state} with other data or settings",
                found="\n" + "\n".join(f"    {line}" for line in changed),
                cure="choose another folder with --out, or delete this one",
            )
        if differing:
            self.ask(settings)
        if any(line.startswith(_MAY_CHANGE) for line in differing):
            self.show_texts(settings.evaluation.show_texts)
        if "train" in manifest["stages"]:
            durable.remove(self.checkpoints)
        return True

    @property
    def finished(self) -> bool:
        """Whether every stage is done and verified."""
        return all(self.done(stage) for stage in STAGES)

    def done(self, stage: str) -> bool:
        """Whether a stage's files are all there with the digests they had."""
        entry = self.read_manifest().get("stages", {}).get(stage)
        if entry is None:
            return False
        files: dict[str, str] = entry["files"]
        return all(
            (self.path / name).is_file() and durable.sha256(self.path / name) == digest
            for name, digest in files.items()
        )

    def finish(self, stage: str, paths: Sequence[Path], seconds: float) -> None:
        """Record a stage as done; a folder stands for all files in it. Checkpoints go when training is done."""
        files = [file for path in paths for file in (durable.files_below(path) if path.is_dir() else [path])]
        manifest = self.read_manifest()
        manifest["stages"][stage] = {
            "finished": _now(),
            "seconds": round(seconds, 2),
            "files": {file.relative_to(self.path).as_posix(): durable.sha256(file) for file in files},
        }
        for later in STAGES[STAGES.index(stage) + 1 :]:
            manifest["stages"].pop(later, None)
        self._write_manifest(manifest)
        if stage == "train":
            durable.remove(self.checkpoints)

    def amend(self, stage: str, files: Sequence[Path]) -> None:
        """Enter files of a done stage as they are now; the stages after it are to be done anew."""
        manifest = self.read_manifest()
        known = manifest["stages"][stage]["files"]
        known |= {file.relative_to(self.path).as_posix(): durable.sha256(file) for file in files}
        for later in STAGES[STAGES.index(stage) + 1 :]:
            manifest["stages"].pop(later, None)
        self._write_manifest(manifest)

    def ask(self, settings: Settings) -> None:
        """Note what was asked for, where a search decides what the run's settings are."""
        self._write_manifest({**self.read_manifest(), "asked": settings.to_dict()})

    def settle(self, settings: Settings) -> None:
        """Make these the run's settings; what was asked for stays beside them, for the same command typed again."""
        manifest = self.read_manifest()
        manifest = {**manifest, "asked": manifest.get("asked", manifest["settings"]), "settings": settings.to_dict()}
        self._write_manifest(manifest)
        durable.write_text(self.settings, settings.to_toml())

    def show_texts(self, shown: Literal["masked", "full", "none"]) -> None:
        """Store which texts the page shows; the page has to be drawn again."""
        manifest = self.read_manifest()
        settings = Settings.from_dict(manifest["settings"]).with_names({"show_texts": shown})
        manifest["stages"].pop("report", None)
        self._write_manifest({**manifest, "settings": settings.to_dict()})
        durable.write_text(self.settings, settings.to_toml())

    def open_test(self) -> int:
        """Count one more opening of the test split and give the count."""
        manifest = self.read_manifest()
        manifest["test_openings"] = manifest.get("test_openings", 0) + 1
        self._write_manifest(manifest)
        return int(manifest["test_openings"])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the kernel lets go of it when the process dies.

        A folder made here is gone again when the block ends with no stage done.

        Raises
        ------
        RunRefused
            Another process holds it; the holder is named.
        DiscError
            The folder cannot be made or written to.
        """
        from filelock import FileLock, Timeout

        fresh = not self.path.exists()
        durable.make_folder(self.path)
        lock = FileLock(self.lock, timeout=0)
        try:
            with durable.disc_errors(self.lock):
                lock.acquire()
        except Timeout:
            raise RunRefused(
                f"another process is working in {self.path}",
                found=self._who_holds(),
                cure="wait for it to end, or choose another folder with --out",
            ) from None
        try:
            who = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
            durable.write_text(self.holder, ", ".join(f"{name} {value}" for name, value in who.items()) + "\n")
            yield
        finally:
            self.holder.unlink(missing_ok=True)
            lock.release()
            if fresh and not self.read_manifest().get("stages"):
                shutil.rmtree(self.path, ignore_errors=True)

    def _who_holds(self) -> str:
        try:
            return self.holder.read_text("utf-8").strip()
        except FileNotFoundError:
            return "a holder without a name"

    def _refuse_foreign(self) -> None:
        own = {self.lock.name, self.holder.name}
        found = [p.name for p in self.path.iterdir() if p.name not in own] if self.path.is_dir() else []
        leftovers = [name for name in found if not (name.startswith(".") and name.endswith(".partial"))]
        if leftovers:
            raise RunRefused(
                f"{self.path} is not empty and holds no run",
                found=", ".join(sorted(leftovers)[:5]),
                cure="choose another folder with --out",
            )

    def _fresh(self, sources: Sequence[Source], settings: Settings) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "started": _now(),
            "sources": [source.to_dict() for source in sources],
            "settings": settings.to_dict(),
            "command": self._command(sources),
            "versions": versions(),
            "stages": {},
            "test_openings": 0,
        }

    def _command(self, sources: Sequence[Source]) -> str | None:
        """Give the command that makes this run again elsewhere; rows from memory have none."""
        named = [[source.path] if source.role == "data" else [f"--{source.role}", source.path] for source in sources]
        if not all(Path(source.path).is_file() or source.path.startswith("hf://") for source in sources):
            return None
        words = [word for pair in named for word in pair]
        return shlex.join(["classifine", "run", *words, "--settings", str(self.settings), "--out", "AGAIN"])

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        durable.write_json(self.manifest, manifest)


def versions(further: Sequence[str] = ()) -> dict[str, str]:
    """Name what a run depends on: Python, platform and packages, and further packages that are there."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in (*_PACKAGES, *further):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _changed_sources(old: Sequence[dict[str, str]], new: Sequence[Source]) -> list[str]:
    before, after = (_by_role(entries) for entries in (old, [source.to_dict() for source in new]))
    changed = []
    for role in sorted(before.keys() | after.keys()):
        was, now = before.get(role), after.get(role)
        if was is None or now is None:
            changed.append(f"{role} file: {was['path'] if was else 'none'} → {now['path'] if now else 'none'}")
        elif was["sha256"] != now["sha256"]:
            changed.append(f"{role} file: the content changed ({was['path']} → {now['path']})")
    return changed


def _by_role(entries: Sequence[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Give the files by role, further ones of a role with a number."""
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        number = sum(entry["role"] == other["role"] for other in found.values()) + 1
        found[entry["role"] if number == 1 else f"{entry['role']} {number}"] = entry
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
