"""Takes texts and gives MinHash band keys, by which similar texts can be found, and true Jaccard similarities.

Works in blocks, so that memory depends on the length of a block only. Does not know labels or clusters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Characters in a row. Five are long enough that unrelated texts share few, short enough that one typing error
# costs five of them only.
SHINGLE = 5
# 25 bands of 5 permutations: of two texts with Jaccard similarity J, 1-(1-J^5)^25 are compared: 99.0 % at .7,
# 99.99 % at .8, 5.9 % at .3. 20 bands find 97.5 % at .7 for a fifth less work; 32 bands of 4 bring ten times the
# candidates. Of the customary 128 permutations these 125 decide.
BANDS = 25
ROWS = 5

# White space is a single blank in a normal form, so that a line feed stands in none and can fill up short ones.
_FILL = "\n"
_SEED = 20_210_501
_CHARACTERS = 1 << 17
_PAIR_CHARACTERS = 1 << 17
_ERRORS = 4
_BEYOND = np.uint64((1 << 64) - 1)

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sketches:
    """What is kept of each text's shingles.

    Attributes
    ----------
    keys
        One a band, shape [25, n_texts]; texts that share a key in a band may be similar.
    marks
        The last byte of each permutation's minimum, shape [n_texts, 125]; of two texts, about as many agree as their
        Jaccard similarity says.
    """

    keys: npt.NDArray[np.uint32]
    marks: npt.NDArray[np.uint8]

    def likely(self, left: Positions, other: Sketches, right: Positions, threshold: float) -> npt.NDArray[np.bool_]:
        """Say which pairs are worth a comparison of all shingles.

        Left out are pairs whose marks agree four standard errors less often than at the threshold; of similar pairs,
        fewer than one in ten thousand is.
        """
        n = BANDS * ROWS
        least = threshold * n - _ERRORS * (threshold * (1 - threshold) * n) ** 0.5
        found = np.empty(len(left), np.bool_)
        for start in range(0, len(left), _CHARACTERS):
            one, two = left[start : start + _CHARACTERS], right[start : start + _CHARACTERS]
            agree = np.count_nonzero(self.marks[one] == other.marks[two], axis=1)
            found[start : start + _CHARACTERS] = agree >= least
        return found


def sketches(texts: Sequence[str], progress: Any = None) -> Sketches:
    """Sketch texts by MinHash.

    A text of fewer than five characters is its own and only shingle.

    Parameters
    ----------
    texts
        Normal forms.
    progress
        A bar that is told of every block of texts.

    Notes
    -----
    MinHash: A. Broder, On the resemblance and containment of documents (1997); bands: Leskovec, Rajaraman, Ullman,
    Mining of Massive Datasets, section 3.4; marks: P. Li, A. König, b-bit minwise hashing (WWW 2010). The
    permutations are ``a·h + b`` modulo 2^32 with odd ``a``.
    """
    keys = np.empty((BANDS, len(texts)), np.uint32)
    marks = np.empty((len(texts), BANDS * ROWS), np.uint8)
    drawn = np.random.default_rng(_SEED)
    factors = drawn.integers(0, 1 << 31, BANDS * ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shifts = drawn.integers(0, 1 << 32, BANDS * ROWS, dtype=np.uint32)
    for start, stop in _blocks(_lengths(texts), _CHARACTERS):
        hashes, starts = _shingles(texts[start:stop])
        short = (hashes >> np.uint64(32)).astype(np.uint32)
        permuted = np.empty_like(short)
        for band in range(BANDS):
            key = np.zeros(stop - start, np.uint32)
            for row in range(band * ROWS, (band + 1) * ROWS):
                np.multiply(short, factors[row], out=permuted)
                np.add(permuted, shifts[row], out=permuted)
                least = np.minimum.reduceat(permuted, starts)
                marks[start:stop, row] = least  # the last byte is what fits
                key = _stirred(key ^ least)
            keys[band, start:stop] = key
        if progress is not None:
            progress.update(stop - start)
    return Sketches(keys, marks)


def similar(ones: Sequence[str], others: Sequence[str], *, threshold: float) -> npt.NDArray[np.bool_]:
    """Say of each pair of texts whether the Jaccard similarity of their shingles reaches the threshold.

    Parameters
    ----------
    ones, others
        Normal forms, those of a pair at the same place.
    threshold
        From which similarity, 0 to 1.
    """
    lengths = np.maximum(np.maximum(_lengths(ones), _lengths(others)), SHINGLE)
    order = np.argsort(lengths, kind="stable")  # texts of one length fill a matrix without waste
    found = np.zeros(len(ones), np.bool_)
    for start, stop in _blocks(lengths[order], _PAIR_CHARACTERS):
        pairs = order[start:stop].tolist()
        width = int(lengths[pairs[-1]])
        one = _shingle_rows([ones[pair] for pair in pairs], width)
        two = _shingle_rows([others[pair] for pair in pairs], width)
        found[pairs] = _jaccard_reaches(one, two, threshold)
    return found


def _lengths(texts: Sequence[str]) -> Positions:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _blocks(lengths: Positions, characters: int) -> Iterator[tuple[int, int]]:
    """Cut into runs of so many characters; a longer item is a run of its own."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + characters, side="right")), start + 1)
        yield start, stop
        start = stop


def _hashed(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """Hash each run of five characters along the last axis to 64 bits."""
    n = codes.shape[-1] - SHINGLE + 1
    hashes = codes[..., :n].astype(np.uint64)
    for place in range(1, SHINGLE):
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes += codes[..., place : place + n]
    for _ in range(2):
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(0xD6E8FEB86659FD93)
    return hashes


def _shingles(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint64], Positions]:
    """Hash the shingles of texts one after the other; gives them and where each text's begin."""
    filled = [text if len(text) >= SHINGLE else text.ljust(SHINGLE, _FILL) for text in texts]
    codes = np.frombuffer("".join(filled).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum(_lengths(filled))
    within = np.ones(len(codes) - SHINGLE + 1, np.bool_)  # runs across the border of two texts are none
    for back in range(1, SHINGLE):
        within[ends[:-1] - back] = False
    starts = np.concatenate([[0], ends[:-1]]) - (SHINGLE - 1) * np.arange(len(ends))
    return _hashed(codes)[within], starts


def _shingle_rows(texts: Sequence[str], width: int) -> npt.NDArray[np.uint64]:
    """Hash the shingles of texts in a row each, shape [n_texts, width - 4]; what is beyond a text is all ones."""
    filled = [text if len(text) >= SHINGLE else text.ljust(SHINGLE, _FILL) for text in texts]
    codes = np.array(filled, dtype=f"U{width}").view(np.uint32).reshape(len(texts), width)
    sizes = _lengths(filled) - (SHINGLE - 1)
    hashes = _hashed(codes)
    hashes[np.arange(hashes.shape[1]) >= sizes[:, None]] = _BEYOND
    return hashes


def _jaccard_reaches(
    one: npt.NDArray[np.uint64], two: npt.NDArray[np.uint64], threshold: float
) -> npt.NDArray[np.bool_]:
    """Compare row with row: size of the intersection against the threshold's share of the union.

    The last bit of a hash makes room for the side it comes from. In a sorted row, a shingle that both sides have then
    is the only place where the side changes while the rest of the hash does not.
    """
    both = np.concatenate([one & ~np.uint64(1), two | np.uint64(1)], axis=1)
    both[:, : one.shape[1]][one == _BEYOND] = _BEYOND
    both.sort(axis=1)
    changes = both[:, 1:] ^ both[:, :-1]
    common = np.count_nonzero(changes == 1, axis=1)
    union = np.count_nonzero(changes > 1, axis=1) + (both[:, -1] != _BEYOND)
    # a product instead of a quotient, which could round across the threshold
    reaches: npt.NDArray[np.bool_] = common >= threshold * union
    return reaches


def _stirred(key: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Spread the bits of a key."""
    key = (key ^ (key >> np.uint32(16))) * np.uint32(0x45D9F3B)
    return key ^ (key >> np.uint32(15))
