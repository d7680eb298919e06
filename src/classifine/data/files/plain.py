"""Takes a piece of a delimited file and gives its columns fast, where they are provably those of the exact reader.

Most pieces of most files are plain: every quote stands at the edge of a cell or is doubled, and all rows are whole.
Does not know what to do with the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LF, _CR, _QUOTE = 10, 13, 34
_MARK = b"\xef\xbb\xbf"
_WIDEST = 2_000


@dataclass(frozen=True)
class Cut:
    """How much of a buffer holds whole, plain records: its first ``end`` bytes, of ``lines`` lines."""

    end: int
    lines: int


def can_be_plain(delimiter: str, width: int) -> bool:
    """Tell whether the fast parser can serve a file with this delimiter and number of columns."""
    return (delimiter == "\t" or " " <= delimiter <= "~") and 1 <= width <= _WIDEST


def certified(buffer: bytes, *, delimiter: str, width: int, final: bool) -> Cut | None:
    """Find the whole records at the beginning of a buffer, and prove that both readers see the same in them.

    The proof: where quotes pair off such that the first of each pair follows a delimiter, a line end or the closing
    quote of the pair before (then both are one doubled quote), and the second precedes a delimiter, a line end or
    the next pair, the exact reader opens a cell at the first and closes it at the second; where no quote follows a
    delimiter or line end, it takes all of them as they stand. Carriage returns outside quotes then end lines only
    with their line feed. That rows are as wide as the header, and cells UTF-8, is checked by the parser.

    Parameters
    ----------
    buffer
        UTF-8 that begins where a record begins.
    delimiter
        One ASCII character.
    width
        Columns of the header.
    final
        Whether the file ends with the buffer.

    Returns
    -------
    Cut
        None where there is no proof.
    """
    if buffer.startswith(_MARK):  # the parser would take a text that begins with the mark for the file's own
        return None
    octets = np.frombuffer(buffer, np.uint8)
    divides = ord(delimiter)
    quotes = np.flatnonzero(octets == _QUOTE)
    if quotes.size:
        before = _neighbours(octets, quotes - 1)
        if not _any_of(before, divides, _LF, _CR).any():
            quotes = quotes[:0]  # none opens a cell: all are taken as they stand
    end = len(buffer) if final else _last_record_end(buffer, quotes)
    quotes = quotes[: np.searchsorted(quotes, end)]
    if end == 0 or quotes.size % 2:
        return None
    octets = octets[:end]
    if octets[-1] == _CR:
        return None
    if not (_quotes_pair(octets, quotes, divides) and (width == 1 or not _has_blank_line(octets, quotes))):
        return None
    returns = np.flatnonzero(octets == _CR)
    alone = returns[_neighbours(octets, returns + 1) != _LF] if returns.size else returns
    if not _inside(alone, quotes).all():
        return None
    return Cut(end, int(np.count_nonzero(octets == _LF)) + alone.size)


def parsed(buffer: bytes, cut: Cut, *, delimiter: str, width: int, longest_cell: int) -> list[list[Any]] | None:
    """Parse the records that were certified.

    Returns
    -------
    list
        The columns; none where a row is not as wide as the header, a cell is not UTF-8 or one is over-long.
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    names = [str(position) for position in range(width)]
    try:
        table = pc.read_csv(
            pa.BufferReader(pa.py_buffer(buffer).slice(0, cut.end)),
            # One block, so that a record never straddles two of them.
            read_options=pc.ReadOptions(column_names=names, block_size=cut.end + 1),
            parse_options=pc.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, escape_char=False
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
            ),
        )
        columns = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
        if cut.end > longest_cell and any(_longest(column) > longest_cell for column in columns):
            return None
        return [column.to_numpy(zero_copy_only=False).tolist() for column in columns]
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None


def _last_record_end(buffer: bytes, quotes: NDArray[np.intp]) -> int:
    """Give the end of the last line that ends outside quotes."""
    end = buffer.rfind(b"\n") + 1
    while end and np.searchsorted(quotes, end - 1) % 2:
        end = buffer.rfind(b"\n", 0, end - 1) + 1
    return end


def _quotes_pair(octets: NDArray[np.uint8], quotes: NDArray[np.intp], divides: int) -> bool:
    opening, closing = quotes[0::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    opens = _any_of(_neighbours(octets, opening - 1), divides, _LF)
    opens[1:] |= doubled
    closes = _any_of(_neighbours(octets, closing + 1), divides, _LF, _CR)
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())


def _has_blank_line(octets: NDArray[np.uint8], quotes: NDArray[np.intp]) -> bool:
    ends = np.flatnonzero(octets == _LF)
    begins = ends - 1 - (_neighbours(octets, ends - 1) == _CR)
    blank = ends[(begins < 0) | (_neighbours(octets, begins) == _LF)]
    return not bool(_inside(blank, quotes).all())


def _inside(positions: NDArray[np.intp], quotes: NDArray[np.intp]) -> NDArray[np.bool_]:
    before = np.searchsorted(quotes, positions)
    return np.asarray(before & 1, dtype=np.bool_)


def _neighbours(octets: NDArray[np.uint8], positions: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Give the bytes at some positions; beyond either end stands a line end."""
    found: NDArray[np.uint8] = octets[np.clip(positions, 0, octets.size - 1)]
    found[(positions < 0) | (positions >= octets.size)] = _LF
    return found


def _any_of(found: NDArray[np.uint8], *wanted: int) -> NDArray[np.bool_]:
    matches: NDArray[np.bool_] = found == wanted[0]
    for value in wanted[1:]:
        matches |= found == value
    return matches


def _longest(column: Any) -> int:
    """Give the most bytes a cell has, which are at least its characters."""
    import pyarrow.compute as compute

    return int(compute.max(compute.binary_length(column)).as_py() or 0)
