"""Takes vectors of texts and gives, for some of them, the nearest of the others by cosine.

Vectors come in as arrays, dense or sparse; equals are told by the order they stand in. Does not know texts or models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifine.labels import FloatMatrix, IntVector

_CHUNK_NUMBERS = 4_000_000  # similarities in memory at a time: 32 MB
_LEAST = 1e-12  # a vector shorter than this has no direction


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest texts of each asked text, the nearest first.

    Attributes
    ----------
    positions
        Where they stand among the texts that were searched, shape [n, k].
    similarities
        Their cosines, from -1 to 1, shape [n, k]; 0 where a text has no vector, as one without a known word.
    """

    positions: npt.NDArray[np.int64]
    similarities: FloatMatrix

    def __len__(self) -> int:
        return len(self.positions)


def nearest(asked: Any, among: Any, *, k: int = 3, itself: IntVector | None = None) -> Nearest:
    """Find the nearest vectors by cosine.

    Parameters
    ----------
    asked, among
        Vectors, shape [n, width] and [m, width]: NumPy arrays or scipy's sparse arrays, both of one kind.
    k
        How many of each; fewer where there are not as many.
    itself
        Where each asked vector stands among the others itself, so that it is not found, shape [n].

    Examples
    --------
    >>> found = nearest(np.array([[1.0, 0.1]]), np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]]), k=2)
    >>> found.positions.tolist(), found.similarities.round(3).tolist()
    ([[1, 2]], [[0.995, 0.774]])
    """
    n, m = asked.shape[0], among.shape[0]
    k = min(k, m if itself is None else m - 1)
    if k < 1 or n == 0:
        return Nearest(np.zeros((n, max(k, 0)), np.int64), np.zeros((n, max(k, 0))))
    others, long = _turned(among), _inverse_lengths(among)
    positions, similarities = np.zeros((n, k), np.int64), np.zeros((n, k))
    step = max(1, _CHUNK_NUMBERS // m)
    for start in range(0, n, step):
        part = asked[start : start + step]
        cosines = part @ others
        cosines = cosines.toarray() if hasattr(cosines, "toarray") else np.asarray(cosines)
        cosines = cosines.astype(np.float64) * long * _inverse_lengths(part)[:, None]
        if itself is not None:
            cosines[np.arange(len(cosines)), itself[start : start + step]] = -np.inf
        # rounded, so that texts that are equally near come in the order they stand in
        order = np.argsort(-np.round(cosines, 9), axis=1, kind="stable")[:, :k] if k == m else _top(cosines, k)
        positions[start : start + step] = order
        similarities[start : start + step] = np.clip(np.take_along_axis(cosines, order, axis=1), -1.0, 1.0)
    return Nearest(positions, similarities)


def _top(cosines: FloatMatrix, k: int) -> npt.NDArray[np.int64]:
    """Give the places of the k highest of each row, equals in their order, without sorting all of them."""
    rounded = np.round(cosines, 9)
    least = -np.partition(-rounded, k - 1, axis=1)[:, k - 1 : k]
    chosen = np.zeros((len(cosines), k), np.int64)
    for row, (values, bound) in enumerate(zip(rounded, least, strict=True)):
        places = np.flatnonzero(values >= bound[0])
        chosen[row] = places[np.argsort(-values[places], kind="stable")[:k]]
    return chosen


def _turned(vectors: Any) -> Any:
    return vectors.T.tocsc() if hasattr(vectors, "tocsc") else vectors.T


def _inverse_lengths(vectors: Any) -> FloatMatrix:
    if hasattr(vectors, "multiply"):
        squares = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    else:
        squares = np.einsum("ij,ij->i", vectors.astype(np.float64), vectors.astype(np.float64))
    lengths = np.sqrt(squares)
    inverse: FloatMatrix = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > _LEAST)
    return inverse
