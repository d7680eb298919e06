"""Takes a path and gives its bytes, unpacked where the name ends in .gz or .zst.

What unpacks to out of all proportion is refused, and so is what is cut or damaged.
Does not know what the bytes mean.
"""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from classifine.errors import FileUnreadable

if TYPE_CHECKING:
    import pyarrow as pa

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}

# Text packs 3 to 20 times, a table of few repeated words some 100 times; a bomb of zeros 1,000 times and more.
LARGEST_RATIO = 200
ALWAYS_ALLOWED = 64 << 20
LARGEST_WHOLE = 1 << 30

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_STEP = 1 << 20


def compression_of(path: Path) -> str | None:
    """Name the compression that a file's ending says: ``gzip``, ``zstd`` or none.

    Examples
    --------
    >>> compression_of(Path("posts.csv.gz")), compression_of(Path("posts.csv"))
    ('gzip', None)
    """
    return COMPRESSIONS.get(path.suffix.lower())


def inner_name(path: Path) -> Path:
    """Give the path without the ending of a compression."""
    return path.with_suffix("") if compression_of(path) else path


class Octets:
    """The bytes of a file, unpacked, read from the beginning on.

    Raises
    ------
    FileUnreadable
        It is packed and its name does not say so; or, while reading, it is cut, damaged or a bomb.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kind = compression_of(path)
        self._out = 0
        self._raw = path.open("rb")
        self._unpacked: pa.NativeFile | None = None
        if self._kind is None:
            head = self._raw.read(4)
            self._raw.seek(0)
            for magic, kind in _MAGIC.items():
                if head.startswith(magic):
                    self._raw.close()
                    ending = next(ending for ending, name in COMPRESSIONS.items() if name == kind)
                    raise FileUnreadable(
                        f"{path} is packed with {kind}, though its name does not say so",
                        cure=f"add {ending} to the end of its name",
                    )
        elif path.stat().st_size:
            import pyarrow as pa

            self._unpacked = pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), self._kind)

    def __enter__(self) -> Octets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._unpacked is not None:
            self._unpacked.close()
        self._raw.close()

    def read(self, size: int) -> bytes:
        """Give the next bytes, ``size`` of them or what is left; none at the end."""
        if self._kind is None:
            return self._raw.read(size)
        if self._unpacked is None:
            return b""
        try:
            found: bytes = self._unpacked.read(size)
        except OSError as error:
            raise FileUnreadable(
                f"{self.path} cannot be unpacked: it is cut, damaged or not {self._kind}",
                where=f"behind {self._out:,} unpacked bytes",
                found=str(error),
                cure="copy or download it again",
            ) from None
        self._out += len(found)
        packed = max(1, self._raw.tell())
        if self._out > ALWAYS_ALLOWED and self._out > LARGEST_RATIO * packed:
            raise FileUnreadable(
                f"{self.path} unpacks to more than {LARGEST_RATIO} times its size, as a bomb would",
                where=f"{packed:,} packed bytes gave {self._out:,}",
                cure="if you trust it, unpack it yourself and read the unpacked file",
            )
        return found


class OctetStream(io.RawIOBase):
    """The same bytes as a raw stream, for readers that want one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._octets = Octets(path)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes."""
        found = self._octets.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._octets.close()
        super().close()


def seekable(path: Path) -> Path | io.BytesIO:
    """Give what a reader can jump about in: the path itself, or the unpacked bytes of a packed file in memory.

    Raises
    ------
    FileUnreadable
        It is cut, damaged, a bomb, or larger than 1 GiB unpacked.
    """
    if compression_of(path) is None:
        return path
    whole = io.BytesIO()
    with Octets(path) as octets:
        while part := octets.read(_STEP):
            whole.write(part)
            if whole.tell() > LARGEST_WHOLE:
                raise FileUnreadable(
                    f"{path} is larger than {LARGEST_WHOLE >> 30} GiB unpacked, which is too much to hold at once",
                    cure="unpack it yourself and read the unpacked file",
                )
    whole.seek(0)
    return whole
