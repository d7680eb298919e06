"""Takes the rows of a file and what a classifier added to them and gives a CSV, JSON Lines or Parquet file.

All columns of the input stay, in order and verbatim; the file appears only when it is whole.
Does not know what the added columns mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from classifine.data.files.cells import as_json, texts_of
from classifine.data.files.table_file import Block
from classifine.durable import writing
from classifine.errors import ColumnProblem, UsageError, some

if TYPE_CHECKING:
    import pyarrow as pa

OUTPUT_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl")

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
) -> Iterator[Sink]:
    """Open a file of predictions, which appears under its name when the block ends well.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.parquet`` or ``.jsonl``.
    names
        The columns of the input, in order.
    added
        The columns to come after them: ``predicted_label`` and ``status`` (under any prefix) are text, the others
        numbers.
    texts
        Those of the others that are text, too.
    schema
        The Arrow schema of a Parquet input, whose types a Parquet output keeps.

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
    _check_names(names, added)
    with writing(path) as stream:
        match path.suffix.lower():
            case ".parquet":
                sink = _ParquetSink(stream, path, names, added, texts, schema)
                try:
                    yield sink
                finally:
                    sink.close()
            case ".jsonl":
                yield _JsonSink(stream, path, names, added)
            case ending:
                yield _CsvSink(stream, path, names, added, delimiter="\t" if ending == ".tsv" else ",")


def check_output(source: Path, output: Path) -> None:
    """Refuse an output that would replace its own input, or that cannot be written as what its ending says.

    Raises
    ------
    UsageError
        Both are the same file, the ending is unknown, or the output is a folder.
    """
    _check_path(output)
    same = output.exists() and source.exists() and output.samefile(source)
    if same or output.resolve() == source.resolve():
        raise UsageError(
            "the predictions would replace the file they are made from",
            found=str(output),
            cure="name another file with --output",
        )


class _CsvSink:
    def __init__(
        self, stream: IO[bytes], path: Path, names: Sequence[str], added: Sequence[str], *, delimiter: str
    ) -> None:
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
            texts_of(cells, column=name, first_row=block.first_row, where=self._where)
            for name, cells in _cells(block, added, self._names, self._added)
        ]
        for row in zip(*columns, strict=True):
            self._line(row)

    def _line(self, cells: Sequence[str | None]) -> None:
        self._stream.write((self._delimiter.join(map(self._quoted, cells)) + "\n").encode("utf-8"))

    def _quoted(self, cell: str | None) -> str:
        if cell is None:
            return ""
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
    if path.suffix.lower() not in OUTPUT_ENDINGS:
        raise UsageError(
            f"predictions cannot be written to {path}",
            found=f"the ending {path.suffix!r}",
            expected=", ".join(OUTPUT_ENDINGS),
            cure="give the output one of these endings",
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a file", cure="name a file in it")


def _check_names(names: Sequence[str], added: Sequence[str]) -> None:
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
