"""Takes the rows of a file and what a classifier added to them and gives a CSV, JSON Lines, Parquet or Excel file.

All columns of the input stay, in order and verbatim; the file appears only when it is whole.
Does not know what the added columns mean.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from classifine.data.files.cells import as_json, texts_of
from classifine.data.files.table_file import Block
from classifine.durable import writing
from classifine.errors import ColumnProblem, UsageError, some

if TYPE_CHECKING:
    import pyarrow as pa

OUTPUT_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl", ".xlsx")
STANDARD = Path("-")

_PACKED = {".gz": "gzip", ".zst": "zstd"}
# How a cell begins that a spreadsheet takes for a formula; a plain number is none.
_FORMULA = re.compile("[=+\\-@\t\r\0]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?")

_ROW_GROUP = 65_536
_TEXT_ADDED = ("predicted_label", "status")


class Sink(Protocol):
    """Where rows go, block by block."""

    def write(self, block: Block, added: Mapping[str, Sequence[Any]]) -> None:
        """Append the rows of a block with their added cells.

        Raises
        ------
        FileUnreadable
            A cell that is no Unicode text.
        """


@contextmanager
def open_sink(
    path: Path,
    *,
    names: Sequence[str],
    added: Sequence[str],
    texts: Sequence[str] = (),
    schema: pa.Schema | None = None,
    excel_safe: bool = False,
) -> Iterator[Sink]:
    """Open a file of predictions, which appears under its name when the block ends well.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.parquet``, ``.jsonl`` or ``.xlsx``, the text formats also packed (``.gz``, ``.zst``); or
        ``-`` for CSV on standard output.
    names
        The columns of the input, in order.
    added
        The columns to come after them: ``predicted_label`` and ``status`` (under any prefix) are text, the others
        numbers.
    texts
        Those of the others that are text, too.
    schema
        The Arrow schema of a Parquet input, whose types a Parquet output keeps.
    excel_safe
        Put an apostrophe before cells of CSV and TSV that a spreadsheet would take for a formula.

    Raises
    ------
    UsageError
        The ending is unknown, or the path is a folder.
    ColumnProblem
        An added column is in the input already, or the input names a column twice.
    DiscError
        The disc refuses.
    """
    _check_path(path)
    check_names(names, added)
    if path == STANDARD:
        yield _CsvSink(sys.stdout.buffer, path, names, added, delimiter=",", excel_safe=excel_safe)
        sys.stdout.buffer.flush()
        return
    with writing(path) as opened, _packing(opened, path) as stream:
        match ending_of(path):
            case ".parquet":
                with closing(_ParquetSink(stream, path, names, added, texts, schema)) as sink:
                    yield sink
            case ".xlsx":
                from classifine.prediction.workbook import WorkbookSink

                with closing(WorkbookSink(path, names, added)) as book:
                    yield book
                    book.save(stream)
            case ".jsonl":
                yield _JsonSink(stream, path, names, added)
            case ending:
                delimiter = "\t" if ending == ".tsv" else ","
                yield _CsvSink(stream, path, names, added, delimiter=delimiter, excel_safe=excel_safe)


def ending_of(path: Path) -> str:
    """Give the ending that says the format, without that of a packed file."""
    return Path(path.stem if path.suffix.lower() in _PACKED else path.name).suffix.lower()


@contextmanager
def _packing(stream: IO[bytes], path: Path) -> Iterator[Any]:
    """Pack what is written, where the ending says so; the same rows give the same bytes."""
    packing = _PACKED.get(path.suffix.lower())
    if packing is None:
        yield stream
        return
    import pyarrow as pa

    with pa.CompressedOutputStream(pa.PythonFile(_LeftOpen(stream), mode="w"), packing) as packed:
        yield packed


class _LeftOpen:
    """A stream that stays open when Arrow closes it, for it is not Arrow's."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self.write, self.flush = stream.write, stream.flush

    def close(self) -> None:
        self.flush()


def check_output(source: Path, output: Path) -> None:
    """Refuse an output that would replace its own input, or that cannot be written as what its ending says.

    Raises
    ------
    UsageError
        Both are the same file, the ending is unknown, or the output is a folder.
    """
    _check_path(output)
    if output == STANDARD:
        return
    same = output.exists() and source.exists() and output.samefile(source)
    if same or output.resolve() == source.resolve():
        raise UsageError(
            "the predictions would replace the file they are made from",
            found=str(output),
            cure="name another file with --output",
        )


class _CsvSink:
    def __init__(
        self,
        stream: IO[bytes],
        path: Path,
        names: Sequence[str],
        added: Sequence[str],
        *,
        delimiter: str,
        excel_safe: bool,
    ) -> None:
        self._excel_safe = excel_safe
        self._stream = stream
        self._where = str(path)
        self._names = names
        self._added = added
        self._delimiter = delimiter
        # Python's own writer leaves a cell with a carriage return bare, and a leading byte order mark would vanish.
        self._special = re.compile(f'["\r\n\ufeff{re.escape(delimiter)}]')
        self._line([*names, *added])

    def write(self, block: Block, added: Mapping[str, Sequence[Any]]) -> None:
        columns = [
            cells
            if block.texts and name in block.columns
            else texts_of(cells, column=name, first_row=block.first_row, where=self._where)
            for name, cells in _cells(block, added, self._names, self._added)
        ]
        for row in zip(*columns, strict=True):
            self._line(row)

    def _line(self, cells: Sequence[str | None]) -> None:
        self._stream.write((self._delimiter.join(map(self._quoted, cells)) + "\n").encode("utf-8"))

    def _quoted(self, cell: str | None) -> str:
        if cell is None:
            return ""
        if self._excel_safe and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
            cell = f"'{cell}"
        return '"' + cell.replace('"', '""') + '"' if self._special.search(cell) else cell


class _JsonSink:
    def __init__(self, stream: IO[bytes], path: Path, names: Sequence[str], added: Sequence[str]) -> None:
        self._stream = stream
        self._where = str(path)
        self._names = names
        self._added = added
        self._keys = [json.dumps(name, ensure_ascii=False) + ": " for name in (*names, *added)]

    def write(self, block: Block, added: Mapping[str, Sequence[Any]]) -> None:
        columns = []
        for name, cells in _cells(block, added, self._names, self._added):
            texts_of(
                cells, column=name, first_row=block.first_row, where=self._where
            )  # names the cell it stumbles over
            columns.append([as_json(cell) for cell in cells])
        for row in zip(*columns, strict=True):
            line = ", ".join(key + cell for key, cell in zip(self._keys, row, strict=True))
            self._stream.write(f"{{{line}}}\n".encode())


class _ParquetSink:
    def __init__(
        self,
        stream: IO[bytes],
        path: Path,
        names: Sequence[str],
        added: Sequence[str],
        further: Sequence[str],
        schema: pa.Schema | None,
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        # A label may be called "status" too, so that its p_status ends alike: the shortest name is ours.
        texts = {min((n for n in added if n.endswith(word)), key=len, default=None) for word in _TEXT_ADDED}
        texts |= {*further}
        self._where = str(path)
        self._names = names
        self._typed = schema is not None
        self._added = {name: pa.string() if name in texts else pa.float64() for name in added}
        whole = schema if schema is not None else pa.schema([(name, pa.string()) for name in names])
        for name, kind in self._added.items():
            whole = whole.append(pa.field(name, kind))
        self._schema = whole
        self._writer = pq.ParquetWriter(stream, whole, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def write(self, block: Block, added: Mapping[str, Sequence[Any]]) -> None:
        import pyarrow as pa

        if self._typed and block.arrow is not None:
            columns = list(block.arrow.columns)
        else:
            columns = [
                pa.array(
                    texts_of(block.columns[name], column=name, first_row=block.first_row, where=self._where),
                    pa.string(),
                )
                for name in self._names
            ]
        columns += [pa.array(added[name], kind) for name, kind in self._added.items()]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, schema=self._schema))
            self._waiting = []


def _cells(
    block: Block, added: Mapping[str, Sequence[Any]], names: Sequence[str], more: Sequence[str]
) -> Iterator[tuple[str, Sequence[Any]]]:
    for name in names:
        yield name, block.columns[name]
    for name in more:
        yield name, added[name]


def _check_path(path: Path) -> None:
    if path == STANDARD:
        return
    packed = path.suffix.lower() in _PACKED
    if ending_of(path) not in OUTPUT_ENDINGS or (packed and ending_of(path) in (".parquet", ".xlsx")):
        raise UsageError(
            f"predictions cannot be written to {path}",
            found=f"the ending {path.suffix!r}",
            expected=f"{', '.join(OUTPUT_ENDINGS)}; .csv, .tsv and .jsonl may be followed by .gz or .zst",
            cure="give the output one of these endings",
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a file", cure="name a file in it")


def check_names(names: Sequence[str], added: Sequence[str]) -> None:
    """Refuse names that would stand twice in an output.

    Raises
    ------
    ColumnProblem
        An added column is in the input already, or the input names a column twice.
    """
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ColumnProblem(
            f"the input names {'a column' if len(doubled) == 1 else 'some columns'} twice, so that a copy is ambiguous",
            found=some([repr(name) for name in doubled]),
            cure="give the columns of the input different names",
        )
    clash = [name for name in added if name in names]
    if clash:
        raise ColumnProblem(
            "the input has columns already that the predictions would add",
            found=some([repr(name) for name in clash]),
            cure="add --prefix classifine_, which is put before the names of the added columns",
        )
