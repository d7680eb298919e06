"""Takes a path and gives the rows of that file in blocks, whatever its format, and says how it was read.

Its ending says the format, and a second one (.gz, .zst) the compression. Does not know which column is what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from classifine.data.files.bad_rows import BadRows, OnBadRow, Rejected
from classifine.data.files.compression import COMPRESSIONS, compression_of, inner_name
from classifine.data.files.delimited import LONGEST_CELL, DelimitedFile
from classifine.data.files.encoding import Encoding
from classifine.data.files.excel import ExcelFile
from classifine.data.files.json_rows import JsonFile
from classifine.data.files.parquet import ParquetFile
from classifine.data.files.parts import Part
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

__all__ = [
    "ENDINGS",
    "LONGEST_CELL",
    "Block",
    "Detected",
    "Rejected",
    "TableFile",
    "require_column",
    "require_file",
]

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
    rows
        The number of each row: a range unless rows were set aside.
    texts
        Whether every cell is known to be a ``str`` of valid Unicode.
    """

    first_row: int
    columns: dict[str, list[Any]]
    arrow: pa.RecordBatch | None = None
    rows: Sequence[int] = ()
    texts: bool = False

    def __post_init__(self) -> None:
        if not self.rows:
            object.__setattr__(self, "rows", range(self.first_row, self.first_row + len(self)))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else self.arrow.num_rows if self.arrow else 0


@dataclass(frozen=True)
class Detected:
    """How a file was read: what its ending, its bytes and the user say of it.

    Attributes
    ----------
    format
        ``delimited``, ``json lines``, ``json``, ``parquet`` or ``excel``.
    compression
        ``gzip``, ``zstd`` or none.
    encoding, encoding_by, confidence
        Of a text file: its name; ``byte order mark``, ``every byte fits UTF-8``, ``most bytes fit UTF-8`` (rows with
        others are set aside), ``named`` (with a doubt where the bytes are UTF-8) or ``guessed``; and
        how sure a guess is, from 0 to 1.
    delimiter, delimiter_by
        Of a delimited file: the character; ``named`` or ``found``.
    line_ends, quoting
        Of a delimited file: ``LF``, ``CR LF``, ``CR`` or several; ``double quotes`` or ``none``, in its first lines.
    """

    format: str
    compression: str | None = None
    encoding: str | None = None
    encoding_by: str | None = None
    confidence: float = 1.0
    delimiter: str | None = None
    delimiter_by: str | None = None
    line_ends: str | None = None
    quoting: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


class TableFile:
    """A file of rows, streamed in blocks.

    Parameters
    ----------
    path
        CSV, TSV, Parquet, JSON Lines, JSON or Excel, by its ending; each may be packed (.gz, .zst).
    encoding, delimiter
        Of text files; without one, what the file itself shows.
    on_bad_row
        ``error``: a row that cannot be used stops the reading, and the error names all of them. ``quarantine``: they
        are set aside, see ``rejected``. A quote that is never closed is an error in any case, for nothing is certain
        behind it.
    longest_cell
        Characters a cell may have.

    Attributes
    ----------
    names
        The columns, in order, as the file names them.
    schema
        The Arrow schema of a Parquet file.
    detected
        How the file was read.

    Raises
    ------
    FileMissing
        There is no such file.
    UsageError
        The ending is unknown.
    FileUnreadable
        The file is empty, or not what its ending says; reading the blocks may raise it too.
    """

    def __init__(
        self,
        path: Path,
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        on_bad_row: OnBadRow = "error",
        longest_cell: int = LONGEST_CELL,
    ) -> None:
        require_file(path)
        self.path = path
        self._format = _format_of(path, encoding, delimiter, on_bad_row, longest_cell)
        self.names: tuple[str, ...] = self._format.names
        self.schema: pa.Schema | None = self._format.schema
        self.detected = _detected(self._format)
        if not self.names:
            raise FileUnreadable(f"{path} is empty", expected="a header and rows", cure="check how it was written")

    @property
    def blank_lines(self) -> tuple[int, ...]:
        """The lines between rows that hold nothing, as far as the file has been read."""
        return tuple(self._format.blank_lines)

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The rows that were set aside, as far as the file has been read."""
        return tuple(self._format.bad.rejected) if not self._format.bad.fatal else ()

    def blocks(self, size: int = 8192) -> Iterator[Block]:
        """Stream the rows, ``size`` at a time.

        Raises
        ------
        FileUnreadable
            Rows that cannot be used, by row and line, or no row at all.
        """
        times = Counter(self.names)
        single = [(index, name) for index, name in enumerate(self.names) if times[name] == 1]
        empty = True
        for part in self._format.blocks(size):
            empty = False
            columns = {name: part.columns[index] for index, name in single}
            yield Block(part.rows[0], columns, part.arrow, part.rows, part.texts)
        if empty and self._format.bad:
            raise FileUnreadable(
                f"no row of {self.path} can be used",
                found=some([f"row {one.row}: {one.reason}" for one in self.rejected]),
                cure="mend those rows, or check how the file was written",
            )
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
    path: Path
    names: tuple[str, ...]
    bad: BadRows

    @property
    def schema(self) -> Any: ...

    @property
    def blank_lines(self) -> Sequence[int]: ...

    def blocks(self, size: int) -> Iterator[Part]: ...


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


def _format_of(
    path: Path, encoding: str | None, delimiter: str | None, on_bad_row: OnBadRow, longest_cell: int
) -> _Format:
    match inner_name(path).suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return DelimitedFile(
                path, encoding=encoding, delimiter=delimiter, on_bad_row=on_bad_row, longest_cell=longest_cell
            )
        case ".jsonl" | ".ndjson" | ".json":
            return JsonFile(path, encoding=encoding, on_bad_row=on_bad_row, longest_cell=longest_cell)
        case ".parquet":
            return ParquetFile(path, on_bad_row=on_bad_row, longest_cell=longest_cell)
        case ".xlsx":
            return ExcelFile(path, on_bad_row=on_bad_row, longest_cell=longest_cell)
        case ending:
            raise UsageError(
                f"{path} ends in {ending!r}, which is no kind of file known here"
                if ending
                else f"{path} has no ending" + (" before that of its compression" if compression_of(path) else ""),
                expected=f"{', '.join(ENDINGS)}; each may be followed by {' or '.join(COMPRESSIONS)}",
                cure="save it as one of these, or give it the ending of what it holds",
            )


def _detected(file: _Format) -> Detected:
    name = {DelimitedFile: "delimited", ParquetFile: "parquet", ExcelFile: "excel"}.get(type(file))
    if name is None:
        name = "json" if inner_name(file.path).suffix.lower() == ".json" else "json lines"
    encoding: Encoding | None = getattr(file, "encoding", None)
    return Detected(
        format=name,
        compression=compression_of(file.path),
        encoding=encoding.name if encoding else None,
        encoding_by=encoding.by if encoding else None,
        confidence=encoding.confidence if encoding else 1.0,
        delimiter=file.delimiter if isinstance(file, DelimitedFile) else None,
        delimiter_by=file.delimiter_by if isinstance(file, DelimitedFile) else None,
        line_ends=file.line_ends if isinstance(file, DelimitedFile) else None,
        quoting=file.quoting if isinstance(file, DelimitedFile) else None,
    )
