"""Takes what was predicted for stretches of rows and keeps it in numbered files, from which a prediction goes on.

The plan says what is predicted with what; a shard is done when its manifest is of this plan and its digest holds.
Does not know how rows are read or scored.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine import durable
from classifine.errors import RunRefused
from classifine.prediction.scoring import Tally

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
_ABOUT = re.compile(r"shard-(\d{6,})\.(\w+)\.json")


@dataclass(frozen=True)
class Work:
    """What is predicted, and with what: two that are equal give the same bits.

    Attributes
    ----------
    files
        The input files in order: what they are called, and their digests.
    model
        What identifies the model and the engine that computes it.
    settings
        All that decides the columns and how they are written.
    """

    files: tuple[dict[str, str], ...]
    model: dict[str, Any]
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, as it comes back from a file."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def differences(self, other: dict[str, Any]) -> list[str]:
        """Say how another one, as it was stored, differs: a line each, what it was → what it is."""
        mine, lines = self.to_dict(), []
        old, new = (found.get("files", []) for found in (other, mine))
        if [one["sha256"] for one in old] != [one["sha256"] for one in new]:
            for place in range(max(len(old), len(new))):
                was = old[place] if place < len(old) else None
                now = new[place] if place < len(new) else None
                if was is None or now is None:
                    lines.append(f"input: {was['file'] if was else 'nothing'} → {now['file'] if now else 'nothing'}")
                elif was["sha256"] != now["sha256"]:
                    same = was["file"] == now["file"]
                    lines.append(
                        f"input: the content of {now['file']} changed"
                        if same
                        else f"input: {was['file']} → {now['file']}"
                    )
        for part in ("model", "settings"):
            before, after = other.get(part, {}), mine[part]
            for name in dict.fromkeys([*before, *after]):
                if before.get(name) != after.get(name) and name != "folder":
                    lines.append(f"{part} {name}: {_short(before.get(name))} → {_short(after.get(name))}")
        return lines


@dataclass(frozen=True)
class Plan:
    """How the rows of some work are divided: shard k ends before row ``stops[k]``, counted from 0."""

    work: dict[str, Any]
    stops: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.stops)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.stops[-1] if self.stops else 0

    def span(self, number: int) -> tuple[int, int]:
        """Give the first row of a shard and the one behind its last."""
        return (self.stops[number - 1] if number else 0), self.stops[number]

    @property
    def sign(self) -> str:
        """Tell this plan from others."""
        return durable.fingerprint([self.work, list(self.stops)])

    @classmethod
    def of(cls, work: Work, sizes: Iterable[tuple[int, int]], *, rows: int, characters: int) -> Plan:
        """Divide rows: a shard ends with the piece that fills it.

        Parameters
        ----------
        work
            What is predicted.
        sizes
            Rows and characters of each piece in which they are read.
        rows, characters
            So many fill a shard.
        """
        stops, at, inside, long = [], 0, 0, 0
        for number, length in sizes:
            at, inside, long = at + number, inside + number, long + length
            if inside >= rows or long >= characters:
                stops.append(at)
                inside = long = 0
        if inside:
            stops.append(at)
        return cls(work.to_dict(), tuple(stops))


class Shards:
    """The folder of a prediction that is not finished.

    Parameters
    ----------
    folder
        The folder; it need not exist yet.
    token
        Tells the files of this process from those of others, so that two may write the same shard.
    """

    def __init__(self, folder: Path, *, token: str) -> None:
        self.folder = folder
        self.token = token
        self.claims = folder / "claims"
        self.holder = folder / "run.holder"
        self._plan_file = folder / "plan.json"
        self._plan: Plan | None = None
        self._good: dict[int, Path] = {}

    def stored(self) -> Plan | None:
        """Give the plan that is there.

        Raises
        ------
        RunRefused
            Something else is in the folder.
        """
        try:
            told = json.loads(self._plan_file.read_text("utf-8"))
        except FileNotFoundError:
            strange = [p.name for p in self.folder.iterdir()] if self.folder.is_dir() else []
            if [name for name in strange if name not in (self.claims.name, self.holder.name) and name[0] != "."]:
                self._refuse(", ".join(sorted(strange)[:5]))
            return None
        except (OSError, ValueError):
            told = None
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            self._refuse(self._plan_file.name)
        return Plan(told["work"], tuple(told["stops"]))

    def begin(self, plan: Plan) -> None:
        """Take the folder for a plan; the same one may be there already."""
        if not self._plan_file.is_file():
            durable.write_json(self._plan_file, {"format": FORMAT, "work": plan.work, "stops": list(plan.stops)})
        self._plan = plan

    @property
    def plan(self) -> Plan:
        """The plan that was begun."""
        assert self._plan is not None
        return self._plan

    def missing(self) -> list[int]:
        """List the shards that are not done; each that is has been read and verified, once."""
        self._look()
        return [number for number in range(len(self.plan)) if number not in self._good]

    def done(self, number: int) -> bool:
        """Tell whether a shard is done; looks at the disc where it was not a moment ago."""
        if number not in self._good:
            self._look(number)
        return number in self._good

    def write(self, number: int, table: pa.Table, tally: Tally) -> None:
        """Keep the added columns of a shard.

        Raises
        ------
        DiscError
            The disc refuses.
        """
        first, stop = self.plan.span(number)
        if table.num_rows != stop - first:
            raise ValueError(f"shard {number} has {table.num_rows} rows instead of {stop - first}")
        path = self.folder / f"shard-{number:06d}.{self.token}.parquet"
        durable.write_parquet(path, table)
        about = {
            "plan": self.plan.sign,
            "rows": [first, stop],
            "sha256": durable.sha256(path),
            "tally": asdict(tally),
        }
        durable.write_json(path.with_suffix(".json"), about)
        self._good[number] = path

    def read(self, number: int) -> tuple[pa.Table, Tally]:
        """Give a shard that is done."""
        import pyarrow.parquet as pq

        path = self._good[number]
        tally = json.loads(path.with_suffix(".json").read_text("utf-8"))["tally"]
        return pq.read_table(io.BytesIO(path.read_bytes())), Tally(**tally)

    def tallies(self) -> Iterator[Tally]:
        """Give what became of the rows of each shard that is done."""
        for number in sorted(self._good):
            yield Tally(**json.loads(self._good[number].with_suffix(".json").read_text("utf-8"))["tally"])

    def remove(self) -> None:
        """Remove the folder, when its content is in the output."""
        durable.remove(self.folder)

    def _look(self, number: int | None = None) -> None:
        """Find shards that are done, verify them, and remember them."""
        pattern = "shard-*.json" if number is None else f"shard-{number:06d}.*.json"
        for about in sorted(self.folder.glob(pattern)):
            found = _ABOUT.fullmatch(about.name)
            if found and int(found[1]) not in self._good and self._holds(int(found[1]), about):
                self._good[int(found[1])] = about.with_suffix(".parquet")

    def _holds(self, number: int, about: Path) -> bool:
        try:
            told = json.loads(about.read_text("utf-8"))
            return (
                number < len(self.plan)
                and told["plan"] == self.plan.sign
                and tuple(told["rows"]) == self.plan.span(number)
                and durable.sha256(about.with_suffix(".parquet")) == told["sha256"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _refuse(self, found: str) -> None:
        raise RunRefused(
            f"{self.folder} is not empty and holds no unfinished prediction",
            found=found,
            cure="name another output with -o, or delete that folder",
        )


def refuse_differences(what: str, differences: Sequence[str], cure: str) -> None:
    """Refuse to go on with something else than what was begun.

    Raises
    ------
    RunRefused
        There are differences; each is named.
    """
    if differences:
        raise RunRefused(
            f"{what} with another input, model or settings",
            found="\n" + "\n".join(f"    {line}" for line in differences),
            cure=cure,
        )


def _short(value: Any) -> str:
    told = "none" if value in (None, "") else str(value)
    return told if len(told) <= 60 else f"{told[:16]}…"
