"""Takes bytes, tables or whole folders and gives artefacts that are either there in full or not there at all.

The protocol: write to a hidden neighbour, fsync it, rename it over the name, fsync the folder.
The only place in the package that opens something for writing. Does not know what an artefact means.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from classifine.errors import DiscError

if TYPE_CHECKING:
    import pyarrow as pa

_DISC_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends well.

    Raises
    ------
    DiscError
        The disc is full, read-only, or refuses; nothing half-written is left.
    """
    partial = path.with_name(f".{path.name}.partial")
    with _disc_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file at once."""
    with writing(path) as stream:
        stream.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read; NaN is refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as one Parquet file."""
    import pyarrow.parquet as pq

    with writing(path) as stream:
        pq.write_table(table, stream, compression="zstd")


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Give an empty folder for somebody else's writer; it takes the place of ``folder`` when the block ends well."""
    partial = folder.with_name(f".{folder.name}.partial")
    with _disc_errors(folder):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            for file in sorted(partial.rglob("*")):
                if file.is_file():
                    with file.open("rb") as stream:
                        os.fsync(stream.fileno())
            if folder.exists():
                shutil.rmtree(folder)
            partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _sync_folder(folder.parent)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder that is gone when the block ends, however it ends."""
    with _disc_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; one that is there is fine."""
    with _disc_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def sweep(folder: Path) -> None:
    """Remove what an interrupted write left behind in this folder."""
    for left in folder.glob(".*.partial"):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Digest one file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """Digest a JSON-able value, independent of key order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def files_below(folder: Path) -> list[Path]:
    """List the regular files of a folder, in a fixed order."""
    return sorted(file for file in folder.rglob("*") if file.is_file())


@contextmanager
def _disc_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        elsewhere = error.filename is not None and not Path(error.filename).is_relative_to(path.parent)
        if error.errno not in _DISC_ERRNOS or elsewhere:
            raise
        raise DiscError(
            f"could not write {path}: {error.strerror}",
            where=str(path.parent),
            cure="free some space or choose a folder you may write to, then type the same command again",
        ) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; the rename itself is journalled there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
