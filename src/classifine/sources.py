"""Takes the names of data files and gives where they lie and what they hold, as digests: what a run is made from.

Does not know what is in the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classifine import durable
from classifine.data.files.table_file import require_file
from classifine.data.rows.remote import Fetched, address_of, fetch
from classifine.errors import UsageError
from classifine.runs import Source

Name = Path | str | Fetched


@dataclass(frozen=True)
class DataFiles:
    """Where the labelled texts come from: files to be divided, or files for each part.

    A name is a path or ``hf://datasets/OWNER/NAME``.

    Attributes
    ----------
    data
        One file or several, which are divided into train, validation and test.
    train, validation, test
        Own files instead; what is missing is cut from train.
    texts
        The file that holds the texts, where the others hold ids and labels.
    decisions
        The ties of an earlier run with the labels a person chose.
    corrections
        The review file of an earlier run with the labels a person corrected.
    """

    data: Name | Sequence[Name] = ()
    train: Name | None = None
    validation: Name | None = None
    test: Name | None = None
    texts: Name | None = None
    decisions: Path | None = None
    corrections: Path | None = None

    @property
    def first(self) -> list[Name]:
        """The files that are divided."""
        if self.train is not None:
            return [self.train]
        return [self.data] if isinstance(self.data, Name) else list(self.data)

    def require(self) -> None:
        """Check that files are named in one of the two ways.

        Raises
        ------
        UsageError
            Neither or both ways are used.
        """
        named = self.data not in ((), None, [])
        if named == (self.train is not None):
            raise UsageError(
                "name either data files or a training file",
                expected="classifine run DATA, or classifine run --train FILE [--validation FILE] [--test FILE]",
            )
        if named and (self.validation or self.test):
            raise UsageError(
                "a file to be divided and own validation or test files exclude each other",
                cure=f"say: --train {self.first[0]} instead of {self.first[0]}",
            )

    def fetched(self) -> DataFiles:
        """Fetch what lies on a hub, so that all that is done with these files is done with the same bytes.

        Raises
        ------
        FileMissing, UsageError
            The hub has no such file, or several may be meant.
        """
        return replace(
            self,
            data=_here(self.data) if isinstance(self.data, Name) else [_here(name) for name in self.data],
            train=None if self.train is None else _here(self.train),
            validation=None if self.validation is None else _here(self.validation),
            test=None if self.test is None else _here(self.test),
            texts=None if self.texts is None else _here(self.texts),
        )

    def sources(self) -> list[Source]:
        """List the files with their digests.

        Raises
        ------
        UsageError
            Neither or both ways are used.
        FileMissing
            One of them is not there.
        """
        self.require()
        further = {name: getattr(self, name) for name in ("validation", "test", "texts", "decisions", "corrections")}
        role = "data" if self.train is None else "train"
        named = [(role, name) for name in self.first]
        named += [(role, name) for role, name in further.items() if name is not None]
        return [Source(role, str(name), _digest(name)) for role, name in named]


def _here(name: Name) -> Name:
    address = None if isinstance(name, Fetched) else address_of(name)
    return name if address is None else Fetched(address, fetch(address))


def _digest(name: Name) -> str:
    name = _here(name)
    if isinstance(name, Fetched):
        return durable.fingerprint([durable.sha256(path) for path in name.paths])
    require_file(Path(name))
    return durable.sha256(Path(name))
