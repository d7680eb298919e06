"""Takes encoded texts and gives them in batches of similar length, in an order that differs each epoch.

Texts are shuffled, sorted by blurred length within large pools, cut into batches, and the batches shuffled: little
padding, other company in each epoch, and no batch's place in the epoch tells its length. Or at random altogether; and
each text once an epoch, or as often as makes labels equally frequent. Does not know models or losses.
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
from classifine.training.losses import NO_LABEL

# Batches sorted together: the larger the pool, the less padding.
_POOL = 256
# Lengths are blurred before they are sorted, so that a text does not meet the same company in each epoch: by a share,
# and by more where batches are so few that this one would leave them as they are.
_BLUR, _MOST_BLUR, _BLURRED_BATCHES = 0.03, 0.1, 4.0


class EncodedRows(Dataset[dict[str, Any]]):
    """Encoded texts with their targets (label ids [n], or shares [n, n_labels]), as the Trainer wants rows.

    The row after the last one counts nothing; batches of several processes are filled up with it.
    """

    def __init__(self, encoded: Encoded, labels: IntVector | FloatMatrix | BoolMatrix) -> None:
        self.encoded = encoded
        self.labels = torch.from_numpy(labels if labels.ndim == 1 else labels.astype(np.float32))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index == len(self):
            shortest = self._tokens(int(self.encoded.lengths.argmin()))
            return {**shortest, "labels": torch.full_like(self.labels[0], NO_LABEL)}
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


class EpochSampler(Sampler[int]):
    """Gives the row numbers of an epoch, so that every ``batch`` in a row are of similar length.

    The same seed and epoch give the same order. A last batch that is not full stays last.

    Parameters
    ----------
    lengths
        Tokens of each row, in all its windows, shape [n].
    batch
        Rows in an update: the batch size times the accumulation steps, so that accumulation changes nothing.
    seed
        Where the shuffling starts.
    grouped
        Whether rows of similar length come together; else the order is random.
    odds
        How often each row comes, up to a factor, shape [n]; see :func:`even_odds`. Without them, each comes once.
    multiple
        The epoch is filled up to a multiple of so many with the number n, that of a row which counts nothing: the
        batch size times the processes, so that no process has to count a row twice to have as many batches.
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.int64],
        *,
        batch: int,
        seed: int,
        grouped: bool = True,
        odds: npt.NDArray[np.float64] | None = None,
        multiple: int = 1,
    ) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.grouped = grouped
        self.odds = odds
        self.fillers = -len(lengths) % multiple
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch that the next pass belongs to."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) + self.fillers

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.lengths))
        if self.odds is not None:
            order = rng.permutation(_drawn(order, self.odds, rng))
        if self.grouped:
            order = self._by_length(order, rng)
        return iter([*order.tolist(), *[len(self.lengths)] * self.fillers])

    def _by_length(self, order: IntVector, rng: np.random.Generator) -> IntVector:
        batches = len(order) // self.batch
        full, pool = batches * self.batch, self.batch * _POOL
        blur = min(_MOST_BLUR, max(_BLUR, _BLURRED_BATCHES / max(batches, 1)))
        # places are blurred, not rows: one that comes several times should not meet itself
        blurred = self.lengths[order] * rng.uniform(1 - blur, 1 + blur, len(order))
        pools = [np.arange(start, min(start + pool, full)) for start in range(0, full, pool)]
        ordered = [one[np.argsort(blurred[one], kind="stable")] for one in pools]
        groups = [one[start : start + self.batch] for one in ordered for start in range(0, len(one), self.batch)]
        shuffled = [groups[i] for i in rng.permutation(len(groups))]
        places: IntVector = np.concatenate([*shuffled, np.arange(full, len(order))])
        return order[places]


def even_odds(targets: torch.Tensor) -> npt.NDArray[np.float64]:
    """Give the odds of each row, shape [n], when first a label is drawn, all alike, and then a row of it.

    Parameters
    ----------
    targets
        Label ids, shape [n], or shares, shape [n, n_labels], by which a row is one of a label. Labels without rows are
        left out of account.
    """
    shares = torch.nn.functional.one_hot(targets) if targets.ndim == 1 else targets
    rows = shares.double().numpy()
    mass = rows.sum(0)
    odds: npt.NDArray[np.float64] = (rows[:, mass > 0] / mass[mass > 0]).sum(1) / (mass > 0).sum()
    return odds


def _drawn(order: IntVector, odds: npt.NDArray[np.float64], rng: np.random.Generator) -> IntVector:
    """Draw as many rows as there are, each as often as its odds say, to within one time.

    Systematic sampling (Madow 1949, "On the theory of systematic sampling, II", Annals of Mathematical Statistics):
    evenly spaced marks from a random start, on a line on which each row is as long as its odds. Rows of equal odds lie
    together, so that labels of different frequency come equally often to within one time, too.
    """
    rows = order[np.argsort(odds[order], kind="stable")]
    ends = np.cumsum(odds[rows])
    marks = (np.arange(len(rows)) + rng.uniform()) / len(rows) * ends[-1]
    drawn: IntVector = rows[np.minimum(np.searchsorted(ends, marks, side="right"), len(rows) - 1)]
    return drawn
