"""Takes names and gives orders and lots that depend on nothing but the names and the seed.

What is decided by them cannot depend on where a row happens to stand. Does not know rows, labels or files.
"""

from __future__ import annotations

import hashlib
import re

_DIGITS = re.compile("([0-9]+)")


def natural(name: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Give the key by which ``p9`` comes before ``p10``; different names never have equal keys.

    Examples
    --------
    >>> sorted(["p10", "p9", "p09", "q1"], key=natural)
    ['p09', 'p9', 'p10', 'q1']
    """
    parts = []
    for place, part in enumerate(_DIGITS.split(name)):
        digits = part.lstrip("0")
        # a longer number is a larger one; turning it into an int would refuse names of some thousand digits
        parts.append((len(digits), digits) if place % 2 else (0, part))
    return tuple(parts), name


def lot(seed: int, name: str) -> int:
    """Draw a whole number below 2⁶⁴ for a name; every seed and every name draws its own."""
    drawn = hashlib.blake2b(f"{seed}\n{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(drawn, "big")
