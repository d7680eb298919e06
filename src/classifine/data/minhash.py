"""Takes texts and gives MinHash band keys, by which similar texts can be found, and true Jaccard similarities.

Works in blocks, so that memory depends on the length of a block only. Does not know labels or clusters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_PAIRS = 1 << 15
_PAIR_CHARACTERS = 1 << 22

UInts = npt.NDArray[Any]
Positions = npt.NDArray[np.int64]


def band_keys(texts: Sequence[str], progress: Any = None) -> npt.NDArray[np.uint32]:
    """Give the keys of each text's bands; texts that share a key in a band may be similar.

    A text of fewer than five characters is its own and only shingle.

    Parameters
    ----------
    texts
        Normal forms.
    progress
        A bar that is told of every block of texts.

    Returns
    -------
    keys
        Shape [25, n_texts].

    Notes
    -----
    MinHash: A. Broder, On the resemblance and containment of documents (1997); bands: Leskovec, Rajaraman, Ullman,
    Mining of Massive Datasets, section 3.4. The permutations are ``a·h + b`` modulo 2^32 with odd ``a``.
    """
    keys = np.empty((BANDS, len(texts)), np.uint32)
    drawn = np.random.default_rng(_SEED)
    factors = drawn.integers(0, 1 << 31, BANDS * ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    shifts = drawn.integers(0, 1 << 32, BANDS * ROWS, dtype=np.uint32)
    for start, stop in _blocks(np.fromiter(map(len, texts), np.int64, len(texts)), _CHARACTERS):
        hashes, starts = _shingles(texts[start:stop])
        short = (hashes >> np.uint64(32)).astype(np.uint32)
        permuted = np.empty_like(short)
        for band in range(BANDS):
            key = np.zeros(stop - start, np.uint32)
            for row in range(band * ROWS, (band + 1) * ROWS):
                np.multiply(short, factors[row], out=permuted)
                np.add(permuted, shifts[row], out=permuted)
                key = _stirred(key ^ np.minimum.reduceat(permuted, starts))
            keys[band, start:stop] = key
        if progress is not None:
            progress.update(stop - start)
    return keys


def similar(
    texts: Sequence[str],
    left: Positions,
    right: Positions,
    *,
    threshold: float,
    others: Sequence[str] | None = None,
) -> npt.NDArray[np.bool_]:
    """Say of each pair whether the Jaccard similarity of the two texts' shingles reaches the threshold.

    Parameters
    ----------
    texts
        Normal forms.
    left, right
        Positions in ``texts``, shape [n_pairs]; ``right`` in ``others`` where these are given.
    threshold
        From which similarity, 0 to 1.
    others
        Normal forms that the texts are compared with, or none to compare the texts among themselves.
    """
    second = texts if others is None else others
    lengths = np.fromiter((len(texts[a]) + len(second[b]) for a, b in zip(left, right, strict=True)), np.int64)
    found = np.zeros(len(left), np.bool_)
    for start, stop in _blocks(lengths, _PAIR_CHARACTERS, most=_PAIRS):
        one, one_sizes = _sets(texts, left[start:stop])
        two, two_sizes = _sets(second, right[start:stop])
        both = np.concatenate([one, two])
        both.sort()
        shared = both[1:][both[1:] == both[:-1]] >> np.uint64(48)
        common = np.bincount(shared.astype(np.int64), minlength=stop - start)
        # common / union >= threshold, without a division that could round across it
        found[start:stop] = common >= threshold * (one_sizes + two_sizes - common)
    return found


def _blocks(lengths: Positions, characters: int, *, most: int = 1 << 62) -> Iterator[tuple[int, int]]:
    """Cut into runs of so many characters and so many items; a longer item is a run of its own."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + characters, side="right"))
        stop = min(max(stop, start + 1), start + most)
        yield start, stop
        start = stop


def _shingles(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint64], Positions]:
    """Hash each run of five characters to 64 bits; gives the hashes and where each text's begin."""
    filled = [text if len(text) >= SHINGLE else text.ljust(SHINGLE, _FILL) for text in texts]
    codes = np.frombuffer("".join(filled).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.cumsum(np.fromiter(map(len, filled), np.int64, len(filled)))
    n = len(codes) - SHINGLE + 1
    hashes = codes[:n].astype(np.uint64)
    for place in range(1, SHINGLE):
        hashes *= np.uint64(0x9E3779B97F4A7C15)
        hashes += codes[place : place + n]
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0xD6E8FEB86659FD93)
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0xD6E8FEB86659FD93)
    within = np.ones(n, np.bool_)  # runs across the border of two texts are none
    for back in range(1, SHINGLE):
        within[ends[:-1] - back] = False
    starts = np.concatenate([[0], ends[:-1]]) - (SHINGLE - 1) * np.arange(len(ends))
    return hashes[within], starts


def _sets(texts: Sequence[str], chosen: Positions) -> tuple[npt.NDArray[np.uint64], Positions]:
    """Give the distinct shingles of each chosen text, 48 bits below the place of its pair, and how many they are."""
    used, place = np.unique(chosen, return_inverse=True)
    hashes, starts = _shingles([texts[position] for position in used])
    sizes = np.diff(np.append(starts, len(hashes)))
    tagged = (hashes >> np.uint64(16)) | (np.repeat(np.arange(len(used)), sizes).astype(np.uint64) << np.uint64(48))
    tagged.sort()
    first = np.ones(len(tagged), np.bool_)
    first[1:] = tagged[1:] != tagged[:-1]
    tagged = tagged[first]
    owners = (tagged >> np.uint64(48)).astype(np.int64)
    sizes = np.bincount(owners, minlength=len(used))
    begins = np.cumsum(sizes) - sizes
    many = sizes[place]
    offsets = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    plain = tagged[np.repeat(begins[place], many) + offsets] & np.uint64((1 << 48) - 1)
    return plain | (np.repeat(np.arange(len(chosen)), many).astype(np.uint64) << np.uint64(48)), many


def _stirred(key: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Spread the bits of a key."""
    key = (key ^ (key >> np.uint32(16))) * np.uint32(0x45D9F3B)
    return key ^ (key >> np.uint32(15))
