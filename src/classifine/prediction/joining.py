"""Takes the rows of the input and what was predicted for them and gives the output, its queue, and its manifest.

Each file appears when it is whole; the manifest, last, says what it was made from. Does not know how texts are scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.errors import DiscError, RunRefused
from classifine.prediction.asked import Options
from classifine.prediction.claims import who_am_i
from classifine.prediction.inputs import Inputs, Stretch
from classifine.prediction.review import open_queue
from classifine.prediction.scoring import Added, Tally
from classifine.prediction.shards import Shards, Work
from classifine.prediction.sinks import STANDARD, check_names, open_sink
from classifine.prediction.working import by_shard

FORMAT = 1
Write = Callable[[Sequence[Stretch], Mapping[str, Sequence[Any]]], None]


@contextmanager
def open_outputs(inputs: Inputs, added: Added, output: Path, options: Options) -> Iterator[Write]:
    """Open the output and the queue for people; gives what writes the rows of a shard.

    Raises
    ------
    UsageError, ColumnProblem, DiscError
        As :func:`classifine.prediction.sinks.open_sink`.
    """
    how: dict[str, Any] = {"names": inputs.names, "schema": inputs.schema, "excel_safe": options.excel_safe}
    several = len(inputs.paths) > 1
    with (
        open_sink(output, added=added.names, texts=added.texts, **how) as sink,
        open_queue(options.review, suggestions=added.suggestions, **how) as people,
    ):

        def write(stretches: Sequence[Stretch], columns: Mapping[str, Sequence[Any]]) -> None:
            at = 0
            for stretch in stretches:
                cells = {name: column[at : at + len(stretch)] for name, column in columns.items()}
                sink.write(stretch.block, {name: cells[name] for name in added.names})
                if people is not None:
                    shown = [*added.names[:2], *(f" {name}" for name in added.suggestions)]
                    status, file = cells[added.names[-1]], stretch.file if several else None
                    people.write(stretch.block, [cells[name] for name in shown], status, file)
                at += len(stretch)

        yield write


def join(inputs: Inputs, added: Added, output: Path, options: Options, shards: Shards, piece: int) -> Tally:
    """Write the output from shards that are all done, the input's columns beside them; what became of the rows.

    Raises
    ------
    DiscError
        The disc refuses; the shards are kept.
    """
    total = Tally()
    with open_outputs(inputs, added, output, options) as write:
        for number, stretches in by_shard(inputs, shards.plan, piece):
            table, tally = shards.read(number)
            write(stretches, added.columns(table))
            total += tally
        if total.rows != shards.plan.rows:
            raise RuntimeError(f"{total.rows:,} rows would be written of {shards.plan.rows:,}")
    return total


def check_columns(inputs: Inputs, added: Added) -> None:
    """Refuse names that would stand twice in the output, before long work begins.

    Raises
    ------
    ColumnProblem
        Which ones, and what to do.
    """
    check_names(inputs.names, added.names)
    check_names(inputs.names, ["row", "predicted_label", "confidence", *added.suggestions] if added.suggestions else [])


def write_unreadable(inputs: Inputs, output: Path) -> Path | None:
    """Write the rows that could not be read beside the output, as they stand in their files; none where there are none.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    if not inputs.rejected or output == STANDARD:
        return None
    path = unreadable_beside(output)
    rows = [{"file": file, **one.to_dict()} for file, one in inputs.rejected]
    durable.write_csv(path, list(rows[0]), rows)
    return path


def unreadable_beside(output: Path) -> Path:
    """Name the file of the rows that could not be read."""
    return output.with_name(f"{output.name}.unreadable.csv")


class Finished:
    """The manifest beside an output, which says that it is whole and what it was made from."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output.with_name(f"{output.name}.manifest.json")

    def told(self) -> dict[str, Any] | None:
        """Give what the manifest says; none where there is none, or no output beside it."""
        try:
            told = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        ours = isinstance(told, dict) and {"format", "work", "sha256", "tally"} <= told.keys()
        return told if ours and told["format"] == FORMAT and self.output.is_file() else None

    def same(self, work: Work) -> bool:
        """Tell whether the output is there, whole, and from this work."""
        told = self.told()
        return (
            told is not None
            and not work.differences(told["work"])
            and told["sha256"] == durable.sha256(self.output)
            and all((self.output.parent / name).is_file() for name in told["beside"])
        )

    def tally(self) -> Tally:
        """Give what became of the rows."""
        told = self.told()
        return Tally() if told is None else Tally(**told["tally"])

    def write(self, work: Work, tally: Tally, beside: Sequence[Path]) -> None:
        """Say that the output is whole.

        Raises
        ------
        DiscError
            The disc refuses.
        """
        told = {
            "format": FORMAT,
            "written_by": "classifine predict",
            "output": self.output.name,
            "beside": [path.name for path in beside if path.parent.resolve() == self.output.parent.resolve()],
            "sha256": durable.sha256(self.output),
            "work": work.to_dict(),
            "tally": asdict(tally),
        }
        durable.write_json(self.path, told)


class OutputLock:
    """One process at a time plans or writes an output; the kernel lets go of the lock when that process dies.

    Parameters
    ----------
    output
        The output.
    shards
        Its unfinished work, where the holder's name is kept.
    """

    def __init__(self, output: Path, shards: Shards) -> None:
        from filelock import FileLock

        self.output = output
        self._shards = shards
        self.path = output.with_name(f".{output.name}.lock")
        self._lock = FileLock(self.path, timeout=0)

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return bool(self._lock.is_locked)

    def take(self) -> bool:
        """Take it if nobody else holds it.

        Raises
        ------
        DiscError
            The folder of the output cannot be made or written to.
        """
        from filelock import Timeout

        try:
            durable.claim(self.path, "")  # a folder that cannot be written to would look like a lock that is held
        except FileNotFoundError as error:
            raise DiscError(f"could not write {self.path}: {error.strerror}", cure="choose another folder") from None
        with durable.disc_errors(self.path):
            try:
                self._lock.acquire()
            except Timeout:
                return False
        return True

    def take_or_refuse(self) -> None:
        """Take it.

        Raises
        ------
        RunRefused
            Another process holds it; which is said where it is known.
        """
        if not self.take():
            try:
                holder = self._shards.holder.read_text("utf-8").strip()
            except OSError:
                holder = None
            raise RunRefused(
                f"another process is writing {self.output}",
                found=holder,
                cure="wait for it to end, or name another output; to share the work, give each process --shard i/n",
            )

    def sign(self) -> None:
        """Write who holds it, for people."""
        durable.write_text(self._shards.holder, who_am_i() + "\n")

    def release(self) -> None:
        """Give it back, if it is held here; its file goes when there is no unfinished work that two could meet at."""
        if self.held:
            if not self._shards.folder.exists():
                self.path.unlink(missing_ok=True)
            self._lock.release()
