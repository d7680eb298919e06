"""Takes paths, patterns and standard input and gives one stream of their rows, the same at every reading.

A row that cannot be read keeps its place with empty cells, where the user wants that. Does not know what is predicted.
"""

from __future__ import annotations

import glob
import hashlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from classifine import durable
from classifine.data.files.bad_rows import OnBadRow, Rejected
from classifine.data.files.cells import is_blank, texts_of
from classifine.data.files.table_file import LONGEST_CELL, Block, TableFile, require_column, require_file
from classifine.errors import ColumnProblem, FileMissing, UsageError, count, some
from classifine.pairs import joined

if TYPE_CHECKING:
    import pyarrow as pa

STANDARD = "-"
_MAGIC = ((b"PAR1", ".parquet"), (b"PK\x03\x04", ".xlsx"), (b"{", ".jsonl"), (b"[", ".json"))
_PACKED = ((b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst"))


@dataclass(frozen=True)
class Stretch:
    """Some rows, one after the other.

    Attributes
    ----------
    start
        The place of the first among all rows of all files, from 0.
    block
        The rows; those that could not be read are there with empty cells.
    file
        Where they are from, as messages call it.
    unreadable
        The places in the block of those that could not be read.
    """

    start: int
    block: Block
    file: str
    unreadable: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.block)


@dataclass
class Inputs:
    """Files with the same columns, read one after the other.

    Parameters
    ----------
    paths
        The files, at least one.
    text, pair
        The columns that hold the text, and the second text of pairs.
    encoding, delimiter
        Of text files; without one, what each file itself shows.
    on_bad_row
        ``error``, or ``quarantine``: a row that cannot be read keeps its place, with empty cells.
    called
        What messages call each file, where that is not its path.

    Raises
    ------
    FileMissing, FileUnreadable, UsageError
        A file cannot be read.
    ColumnProblem
        The text's column is absent, or the files have different columns.
    """

    paths: Sequence[Path]
    text: str = "text"
    pair: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    on_bad_row: OnBadRow = "error"
    longest_cell: int = LONGEST_CELL
    called: Sequence[str] = ()
    names: tuple[str, ...] = field(init=False)
    schema: pa.Schema | None = field(init=False)
    rejected: list[tuple[str, Rejected]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.called = self.called or [str(path) for path in self.paths]
        first, schemas = self._open(self.paths[0]), []
        self.names = first.names
        for path, name in zip(self.paths, self.called, strict=True):
            file = first if path == self.paths[0] else self._open(path)
            for column, role in ((self.text, "text"), (self.pair, "text-pair")):
                if column is not None:
                    require_column(file.names, column, role=role, where=name)
            _refuse_other_columns(self.called[0], self.names, name, file.names)
            schemas.append(file.schema)
        same = all(schema is not None and schema.equals(schemas[0]) for schema in schemas)
        self.schema = schemas[0] if same else None

    def stretches(self, size: int) -> Iterator[Stretch]:
        """Stream the rows of all files, ``size`` or fewer at a time; ``rejected`` then holds those not readable.

        Raises
        ------
        FileUnreadable
            A row cannot be used, and they are to stop it; or a file has no usable row.
        """
        self.rejected = []
        place = 0
        for path, name in zip(self.paths, self.called, strict=True):
            table = self._open(path)
            row = 1
            for block in table.blocks(size):
                if not isinstance(block.rows, range) or block.first_row != row:
                    whole, bad = _filled(block, row)
                else:
                    whole, bad = block, frozenset()
                yield from _pieces(Stretch(place, whole, name, bad), size)
                place += len(whole)
                row += len(whole)
            behind = [one for one in table.rejected if one.row >= row]
            if behind:
                empty: Block = _empty(table.names, row, behind[-1].row)
                yield from _pieces(Stretch(place, empty, name, frozenset(range(len(empty)))), size)
                place += len(empty)
            self.rejected += [(name, one) for one in table.rejected]

    def texts(self, stretch: Stretch) -> list[str | None]:
        """Give the texts of some rows, or pairs put together; none where there is nothing to score.

        Raises
        ------
        FileUnreadable
            A cell that is no Unicode text.
        """
        columns, row = stretch.block.columns, stretch.block.first_row
        cells = texts_of(columns[self.text], column=self.text, first_row=row, where=stretch.file)
        if self.pair is not None:
            seconds = texts_of(columns[self.pair], column=self.pair, first_row=row, where=stretch.file)
            both = zip(cells, seconds, strict=True)
            cells = [None if is_blank(one) or is_blank(two) else joined(str(one), str(two)) for one, two in both]
        return [None if is_blank(cell) else cell for cell in cells]

    def to_dict(self) -> dict[str, Any]:
        """Say what is read: digests of the files in order, and how they are read."""
        files = [
            {"file": name, "sha256": durable.sha256(path)} for path, name in zip(self.paths, self.called, strict=True)
        ]
        return {"files": files}

    def _open(self, path: Path) -> TableFile:
        return TableFile(
            path,
            encoding=self.encoding,
            delimiter=self.delimiter,
            on_bad_row=self.on_bad_row,
            longest_cell=self.longest_cell,
        )


@contextmanager
def opened(words: Sequence[Path | str], **how: Any) -> Iterator[Inputs]:
    """Open what the user names: files, patterns such as ``posts/*.csv``, or ``-`` for standard input.

    Standard input is copied to a temporary file first, for it is read more than once.

    Raises
    ------
    FileMissing
        A pattern matches nothing.
    UsageError
        Standard input is named beside files.
    """
    if any(str(word) == STANDARD for word in words):
        if len(words) > 1:
            raise UsageError("standard input cannot be read beside files", cure="name files, or - alone")
        with TemporaryDirectory(prefix="classifine-") as folder:
            yield Inputs([_spooled(Path(folder))], called=["standard input"], **how)
        return
    yield Inputs(expanded(words), **how)


def expanded(words: Sequence[Path | str]) -> list[Path]:
    """Give the files that paths and patterns stand for; those of a pattern sorted by name.

    Raises
    ------
    FileMissing
        A pattern matches nothing.
    """
    found: list[Path] = []
    for word in words:
        path = Path(word)
        if path.exists() or not glob.has_magic(str(path)):
            found.append(path)
            continue
        matching = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207 - a pattern may be absolute
        if not matching:
            raise FileMissing(f"no file matches {path}", cure=f"check the pattern; this is {Path.cwd()}")
        found += matching
    return found


def check_files(words: Sequence[Path | str]) -> None:
    """Check that files are there, before a model is loaded for them.

    Raises
    ------
    FileMissing
        One is not, or may not be read.
    """
    for path in [] if any(str(word) == STANDARD for word in words) else expanded(words):
        require_file(path)


def digest_of(folder: Path) -> str:
    """Digest the files of a folder with their names."""
    whole = hashlib.sha256()
    for file in durable.files_below(folder):
        whole.update(f"{file.relative_to(folder).as_posix()}\0{durable.sha256(file)}\n".encode())
    return whole.hexdigest()


def _spooled(folder: Path) -> Path:
    """Copy standard input into a file whose ending says what its first bytes show."""
    stream = sys.stdin.buffer
    head = stream.peek(8)[:8] if hasattr(stream, "peek") else b""
    packed = next((ending for magic, ending in _PACKED if head.startswith(magic)), "")
    path = folder / f"input{packed}"

    def copy(target: Any) -> None:
        shutil.copyfileobj(stream, target, 1 << 20)

    durable.write_by(path, copy)
    if packed:
        from classifine.data.files.compression import Octets

        with Octets(path) as octets:
            head = octets.read(8)
    named = folder / f"input{next((e for m, e in _MAGIC if head.lstrip().startswith(m)), '.csv')}{packed}"
    durable.move(path, named)
    return named


def _filled(block: Block, first: int) -> tuple[Block, frozenset[int]]:
    """Put rows with empty cells where the numbers of a block have gaps."""
    there = {row: place for place, row in enumerate(block.rows)}
    numbers = range(first, block.rows[-1] + 1)
    sources = [there.get(row) for row in numbers]
    columns = {
        name: [None if source is None else cells[source] for source in sources] for name, cells in block.columns.items()
    }
    arrow = None
    if block.arrow is not None:
        import pyarrow as pa

        arrow = block.arrow.take(pa.array(sources, pa.int64()))
    bad = frozenset(place for place, source in enumerate(sources) if source is None)
    return Block(first, columns, arrow), bad


def _empty(names: Sequence[str], first: int, last: int) -> Block:
    return Block(first, {name: [None] * (last + 1 - first) for name in names})


def _pieces(stretch: Stretch, size: int) -> Iterator[Stretch]:
    """Cut what unreadable rows have made longer than asked for."""
    if len(stretch) <= size:
        yield stretch
        return
    for at in range(0, len(stretch), size):
        block = stretch.block
        columns = {name: list(islice(cells, at, at + size)) for name, cells in block.columns.items()}
        arrow = None if block.arrow is None else block.arrow.slice(at, size)
        bad = frozenset(place - at for place in stretch.unreadable if at <= place < at + size)
        yield Stretch(stretch.start + at, Block(block.first_row + at, columns, arrow), stretch.file, bad)


def _refuse_other_columns(first: str, names: Sequence[str], other: str, others: Sequence[str]) -> None:
    if set(names) == set(others):
        return
    lacks = [repr(name) for name in names if name not in others]
    more = [repr(name) for name in others if name not in names]
    told = [f"{other} lacks {some(lacks)}"] if lacks else []
    told += [f"only {other} has {some(more)}"] if more else []
    raise ColumnProblem(
        f"{other} has other columns than {first}, so that their rows do not fit into one output",
        found="; ".join(told),
        expected=count(len(names), "column") + f": {some([repr(name) for name in names], limit=20)}",
        cure="give the files the same columns, or predict them one at a time",
    )
