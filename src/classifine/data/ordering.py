"""Takes names and gives orders and lots that depend on nothing but the names and the seed.

What is decided by them cannot depend on where a row happens to stand. Does not know rows, labels or files.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]

_DIGITS = re.compile("[0-9]+")
_LONGEST_INT = 18  # digits that surely fit into 64 bits


def natural(name: str) -> tuple[str, str]:
    """Give the key by which ``p9`` comes before ``p10``; different names never have equal keys.

    Examples
    --------
    >>> sorted(["p10", "p9", "p09", "q1"], key=natural)
    ['p09', 'p9', 'p10', 'q1']
    """
    return _DIGITS.sub(_by_length, name), name


def natural_order(names: Sequence[str]) -> list[int]:
    """Give the positions of the names in natural order: what ``sorted`` with :func:`natural` gives, for millions.

    Names that are one prefix and a number each, as most ids are, are ordered as numbers without a key of their own.

    Examples
    --------
    >>> natural_order(["p10", "p9"])
    [1, 0]
    """
    numbers = _numbers(names)
    if numbers is not None:
        order = np.argsort(numbers, kind="stable")
        ranked = numbers[order]
        if not (ranked[1:] == ranked[:-1]).any():
            return list(map(int, order))
    keys = list(map(natural, names))
    return sorted(range(len(names)), key=keys.__getitem__)


def lot(seed: int, name: str) -> int:
    """Draw a whole number below 2⁶⁴ for a name; every seed and every name draws its own."""
    drawn = hashlib.blake2b(f"{seed}\n{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(drawn, "big")


def lots(seed: int, keys: Keys) -> Keys:
    """Draw a whole number below 2⁶⁴ for each key; different keys never draw the same one.

    The mixing is that of SplitMix64 (Steele, Lea & Flood 2014), which maps the 64-bit numbers one to one.
    """
    mixed = keys ^ np.uint64(lot(seed, "keys"))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _by_length(digits: re.Match[str]) -> str:
    """Write a number so that the longer one is the larger; as an int, it could not have some thousand digits."""
    stripped = digits[0].lstrip("0")
    return f"\0{chr(min(len(stripped) + 1, 0x10FFFF))}{stripped}"


def _numbers(names: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Give the numbers after a prefix that all names share, or none where a name is not of this form."""
    least, most = min(names, default=""), max(names, default="")
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(least, most, strict=False)))
    start = len(least[:shared].rstrip("0123456789"))
    found = np.empty(len(names), np.int64)
    for position, name in enumerate(names):
        digits = name[start:]
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_INT):
            return None
        found[position] = int(digits)
    return found
