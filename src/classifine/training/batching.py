"""Takes encoded texts and gives them in batches of similar length, in an order that differs each epoch.

Texts are shuffled, sorted by blurred length within large pools, cut into batches, and the batches shuffled: little
padding, other company in each epoch, and no batch's place in the epoch tells its length.
Does not know models or losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset, Sampler

from classifine.labels import BoolMatrix, FloatMatrix, IntVector
from classifine.model.tokens import Encoded, pack, pad

# Batches sorted together: the larger the pool, the less padding.
_POOL = 64
# Lengths are blurred before they are sorted, so that a text does not meet the same company in each epoch.
_BLUR = 0.03


class EncodedRows(Dataset[dict[str, Any]]):
    """Encoded texts with their targets (label ids [n], or shares [n, n_labels]), as the Trainer wants rows."""

    def __init__(self, encoded: Encoded, labels: IntVector | FloatMatrix | BoolMatrix) -> None:
        self.encoded = encoded
        self.labels = torch.from_numpy(labels if labels.ndim == 1 else labels.astype(np.float32))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self._tokens(index), "labels": self.labels[index]}

    def _tokens(self, index: int) -> dict[str, Any]:
        types = {} if self.encoded.types is None else {"types": self.encoded.types[index]}
        return {"windows": self.encoded.of_text(index), **types}


class Collator:
    """Pads the windows of one batch of rows to the longest of them."""

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Give ``input_ids``, ``attention_mask`` [n_windows, longest] and ``labels`` [n] or [n, n_labels].

        Where a row has several windows, ``windows`` [n] says how many each has; else there are as many as rows.
        """
        return {**pad(_windows_of(rows), self.pad_id, _types_of(rows)), **_of_rows(rows)}


def collate_unpadded(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Give ``input_ids`` of all windows one after the other, their ``lengths``, and the rest as a collator does."""
    return {**pack(_windows_of(rows), _types_of(rows)), **_of_rows(rows)}


def _windows_of(rows: Sequence[dict[str, Any]]) -> list[npt.NDArray[np.int32]]:
    return [window for row in rows for window in row["windows"]]


def _types_of(rows: Sequence[dict[str, Any]]) -> list[npt.NDArray[np.int32]] | None:
    return [row["types"] for row in rows] if "types" in rows[0] else None


def _of_rows(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    labels = {"labels": torch.stack([row["labels"] for row in rows])}
    windows = [len(row["windows"]) for row in rows]
    return {**labels, "windows": torch.tensor(windows)} if max(windows) > 1 else labels


class LengthGroupedSampler(Sampler[int]):
    """Gives row numbers so that every ``batch`` in a row are of similar length.

    The same seed and epoch give the same order. A last batch that is not full stays last.

    Parameters
    ----------
    lengths
        Tokens of each row, in all its windows, shape [n].
    batch
        Rows in an update: the batch size times the accumulation steps, so that accumulation changes nothing.
    seed
        Where the shuffling starts.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], *, batch: int, seed: int) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch that the next pass belongs to."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        full = len(order) // self.batch * self.batch
        pool = self.batch * _POOL
        pools = [order[start : min(start + pool, full)] for start in range(0, full, pool)]
        blurred = self.lengths * rng.uniform(1 - _BLUR, 1 + _BLUR, len(self.lengths))
        ordered = [one[np.argsort(blurred[one], kind="stable")] for one in pools]
        groups = [one[start : start + self.batch] for one in ordered for start in range(0, len(one), self.batch)]
        shuffled = [groups[i] for i in rng.permutation(len(groups))]
        return iter(np.concatenate([*shuffled, order[full:]]).tolist())
