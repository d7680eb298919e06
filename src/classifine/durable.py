"""Takes bytes, tables or whole folders and gives artefacts that are either there in full or not there at all.

The protocol: write to a hidden neighbour, fsync it, rename it over the name, fsync the folder.
The only place in the package that opens something for writing. Does not know what an artefact means.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from classifine.errors import DiscError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_DISC_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
# The path itself cannot be written: it leads through a file, names a folder, is too long, or goes in circles.
_PATH_ERRNOS = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}
# Writers in Rust tell the system's refusal in words only.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
# For tests: NAME:COUNT kills this process when it comes to the point of this name for the COUNT-th time.
_FAILPOINT = "CLASSIFINE_FAILPOINT"
FAILPOINTS = tuple(f"{when}-{what}" for what in ("write", "fsync", "rename", "remove") for when in ("before", "after"))
"""Where a test can kill the process; ``any`` stands for all of them."""
_passed: Counter[str] = Counter()


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when the block ends well.

    Raises
    ------
    DiscError
        The disc is full, read-only, or refuses; nothing half-written is left.
    UsageError
        The path leads through a file, or names a folder.
    """
    partial = _partial(path)
    with disc_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as stream:
                with _failpoint("write"):
                    yield stream
                stream.flush()
                with _failpoint("fsync"):
                    os.fsync(stream.fileno())
            with _failpoint("rename"):
                partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file at once."""
    with writing(path) as stream:
        stream.write(content)


def write_by(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a whole file in somebody else's format: the writer gets the open stream."""
    with writing(path) as stream:
        write(stream)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read; NaN is refused.

    A file name may hold bytes that are no text; their stand-ins in Python are written as JSON escapes.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV: UTF-8, quoted and ended as RFC 4180 says, the header first."""
    import csv
    import io

    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, names)
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, stream.getvalue())


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as one Parquet file."""
    import pyarrow.parquet as pq

    with writing(path) as stream:
        pq.write_table(table, stream, compression="zstd")


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Give an empty folder for somebody else's writer; it takes the place of ``folder`` when the block ends well.

    What stood there steps aside and goes last; :func:`sweep` brings it back should the process die in between.
    """
    partial, aside = _partial(folder), _aside(folder)
    with disc_errors(folder):
        _settle(aside)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            with _failpoint("write"):
                yield partial
            sync(partial)
            with _failpoint("rename"):
                if os.path.lexists(folder):
                    folder.replace(aside)
                partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            _settle(aside)
            raise
        _sync_folder(folder.parent)
        _settle(aside)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder that is gone when the block ends, however it ends."""
    with disc_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; one that is there is fine."""
    with disc_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def move(folder: Path, target: Path) -> None:
    """Give a folder another place on the same disc; what stood there goes."""
    with disc_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(target)
        with _failpoint("rename"):
            folder.replace(target)
        _sync_folder(target.parent)
        _sync_folder(folder.parent)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there; a folder loses its name first, so that nobody meets half of it."""
    if not os.path.lexists(path):
        return
    with disc_errors(path), _failpoint("remove"):
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        leaving = _partial(path)
        shutil.rmtree(leaving, ignore_errors=True)
        path.replace(leaving)
        shutil.rmtree(leaving)


def claim(path: Path, text: str) -> bool:
    """Make a small file that nobody has made before; whether it was this process that made it.

    The file is a sign for other processes and no artefact: after a power loss it may be gone.
    """
    with disc_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            return False
    return True


def touch(path: Path) -> bool:
    """Give a file that is there the present time, as a sign of life; whether it was there."""
    with disc_errors(path):
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
    return True


def free_bytes(folder: Path) -> int:
    """Give the space that is free for this user where the folder lies."""
    with disc_errors(folder):
        return shutil.disk_usage(folder).free


def sweep(folder: Path) -> None:
    """Remove what an interrupted write left behind below this folder, and bring back what it had put aside."""
    with disc_errors(folder):
        for left in sorted(folder.rglob(".*.partial"), reverse=True):
            _remove(left)
        for aside in sorted(folder.rglob(".*.replaced")):
            _settle(aside)


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
def disc_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusals to write this file or folder into errors that say what to do.

    Raises
    ------
    DiscError
        The disc is full, read-only, or refuses.
    UsageError
        The path leads through a file, or names a folder where a file should be.
    """
    try:
        yield
    except Exception as error:
        number = _refusal(error, path)
        if number is None:  # not the disc: it goes on as it came
            raise
        if number in _PATH_ERRNOS:
            raise UsageError(
                f"could not write {path}: {os.strerror(number)}", where=str(path.parent), cure="choose another path"
            ) from error
        raise DiscError(
            f"could not write {path}: {os.strerror(number)}",
            where=str(path.parent),
            cure="free some space or choose a folder you may write to, then type the same command again",
        ) from error


def _refusal(error: Exception, path: Path) -> int | None:
    """Give the system's error number when it was the writing of this path that failed."""
    if not isinstance(error, OSError):
        told = _OS_ERROR.search(str(error))
        if told:
            return int(told[1]) if int(told[1]) in _DISC_ERRNOS else None
        # a writer that was refused by our stream may complain in its own words about what came of it
        cause = error.__cause__ or error.__context__
        return _refusal(cause, path) if isinstance(cause, OSError) else None
    if isinstance(error.filename, str | bytes):
        at, own = Path(os.fsdecode(error.filename)).absolute(), path.absolute()
        if not (at.is_relative_to(own) or at.is_relative_to(_partial(own)) or own.is_relative_to(at)):
            return None
    vanished = error.errno == errno.ENOENT and not path.parent.is_dir()
    return error.errno if vanished or error.errno in _DISC_ERRNOS | _PATH_ERRNOS else None


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


def _settle(aside: Path) -> None:
    """Bring back what was put aside when nothing took its place; else remove it."""
    if not os.path.lexists(aside):
        return
    folder = aside.with_name(aside.name.removeprefix(".").removesuffix(".replaced"))
    if os.path.lexists(folder):
        _remove(aside)
    else:
        aside.replace(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    """Wait until all files of a folder are on the disc."""
    for item in sorted(folder.rglob("*")):
        if item.is_dir():
            _sync_folder(item)
        elif item.is_file():
            with item.open("rb") as stream, _failpoint("fsync"):
                os.fsync(stream.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; the rename itself is journalled there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with _failpoint("fsync"):
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _failpoint(what: str) -> Iterator[None]:
    """Stand around something done to the disc; a test may have asked that the process dies before or after it."""
    armed = os.environ.get(_FAILPOINT)
    if armed:
        _die_at(f"before-{what}", armed)
    yield
    if armed:
        _die_at(f"after-{what}", armed)


def _die_at(point: str, armed: str) -> None:
    name, _, count = armed.rpartition(":")
    _passed.update((point, "any"))
    if name in (point, "any") and _passed[name] == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
