"""Takes a path and gives the rows of that file in blocks, whatever its format.

Its ending says the format. Does not know which column is what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from classifine.data.delimited import DelimitedFile
from classifine.data.formats import ExcelFile, JsonFile, ParquetFile
from classifine.errors import (
    ColumnProblem,
    FileMissing,
    FileUnreadable,
    UsageError,
    did_you_mean,
    some,
    unknown_name,
)

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".json", ".xlsx")


@dataclass(frozen=True)
class Block:
    """Some rows of a file, one after the other.

    Attributes
    ----------
    first_row
        The number of the first of them; the first data row of a file is 1.
    columns
        The cells by column; a name that stands twice in the header is not among them.
    arrow
        The same rows with their Arrow types, from a Parquet file.
    """

    first_row: int
    columns: dict[str, list[Any]]
    arrow: pa.RecordBatch | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else self.arrow.num_rows if self.arrow else 0


class TableFile:
    """A file of rows, streamed in blocks.

    Parameters
    ----------
    path
        CSV, TSV, Parquet, JSON Lines, JSON or Excel, by its ending.
    encoding, delimiter
        Of text files; without one, what the file itself shows.

    Attributes
    ----------
    names
        The columns, in order, as the file names them.
    schema
        The Arrow schema of a Parquet file.

    Raises
    ------
    FileMissing
        There is no such file.
    UsageError
        The ending is unknown.
    FileUnreadable
        The file is empty, or not what its ending says; reading the blocks may raise it too.
    """

    def __init__(self, path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> None:
        require_file(path)
        self.path = path
        self._format = _format_of(path, encoding, delimiter)
        self.names: tuple[str, ...] = self._format.names
        self.schema: pa.Schema | None = getattr(self._format, "schema", None)
        if not self.names:
            raise FileUnreadable(f"{path} is empty", expected="a header and rows", cure="check how it was written")

    @property
    def blank_lines(self) -> tuple[int, ...]:
        """The lines between rows that hold nothing, as far as the file has been read."""
        return tuple(self._format.blank_lines)

    def blocks(self, size: int = 8192) -> Iterator[Block]:
        """Stream the rows, ``size`` at a time.

        Raises
        ------
        FileUnreadable
            A row that cannot be read, by row and line, or no row at all.
        """
        single = [(index, name) for index, name in enumerate(self.names) if self.names.count(name) == 1]
        empty = True
        for first_row, columns, batch in self._format.blocks(size):
            empty = False
            yield Block(first_row, {name: columns[index] for index, name in single}, batch)
        if empty:
            raise FileUnreadable(
                f"{self.path} has a header and no rows",
                found=f"the columns {some([repr(name) for name in self.names], limit=20)}",
                cure="the first line must name the columns; check that rows follow it",
            )

    def count(self) -> int:
        """Read the file to its end, so that a bad row is named before long work starts, and count the rows."""
        return sum(len(block) for block in self.blocks())


def require_column(names: Sequence[str], wanted: str, *, role: str, where: str) -> None:
    """Check that a column is there, and once only.

    Raises
    ------
    ColumnProblem
        It is not; the likely one is named, and all there are.
    """
    found = names.count(wanted)
    if found == 1:
        return
    if found > 1:
        raise ColumnProblem(
            f"the column {wanted!r} ({role}) stands {found} times in the header",
            where=where,
            cure="give the columns different names, so that it is plain which one is meant",
        )
    hint = unknown_name(wanted, [repr(name)[1:-1] for name in names], noun="columns")
    raise ColumnProblem(
        f"there is no column {wanted!r}, which should hold the {role}",
        where=where,
        cure=f"{hint}. Name it with --{role} COLUMN",
    )


class _Format(Protocol):
    names: tuple[str, ...]

    @property
    def blank_lines(self) -> Sequence[int]: ...

    def blocks(self, size: int) -> Iterator[tuple[int, list[list[Any]], Any]]: ...


def require_file(path: Path) -> None:
    """Check that a path is a file that may be read.

    Raises
    ------
    FileMissing, UsageError
        It is not.
    """
    try:
        with path.open("rb"):
            return
    except IsADirectoryError:
        raise FileMissing(f"{path} is a folder, not a file", cure=f"name one file: {', '.join(ENDINGS)}") from None
    except FileNotFoundError:
        near = did_you_mean(path.name, [file.name for file in path.parent.iterdir()]) if path.parent.is_dir() else None
        hint = f"did you mean {str(path.with_name(near))!r}?" if near else f"check the path; this is {Path.cwd()}"
        raise FileMissing(f"there is no file {path}", cure=hint) from None
    except OSError as error:
        raise FileMissing(f"{path} cannot be opened: {error.strerror}", cure="check who may read it") from None


def _format_of(path: Path, encoding: str | None, delimiter: str | None) -> _Format:
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return DelimitedFile(path, encoding=encoding, delimiter=delimiter)
        case ".jsonl" | ".ndjson" | ".json":
            return JsonFile(path, encoding=encoding)
        case ".parquet":
            return ParquetFile(path)
        case ".xlsx":
            return ExcelFile(path)
        case ending:
            raise UsageError(
                f"{path} ends in {ending!r}, which is no kind of file known here"
                if ending
                else f"{path} has no ending",
                expected=", ".join(ENDINGS),
                cure="save it as one of these, or give it the ending of what it holds",
            )
