"""Takes Hugging Face's Trainer and gives one whose steps survive a full memory and stop at a loss that is no number.

Where a batch does not fit into memory it is computed in parts, and so are all later ones: smaller batches, more of them
summed up, the same update. Does not know how the loss is computed or what is done after training failed.
"""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from transformers import Trainer

from classifine.errors import TrainingFailed, some
from classifine.training import ranks
from classifine.training.watching import Diverged

# How torch says on a processor, where it has no error of its own for it, that memory is full.
_FULL = ("defaultcpuallocator", "can't allocate memory", "not enough memory", "out of memory", "bad_alloc")
# Elsewhere than on a processor, reading the loss makes the device wait.
_LOOK_EVERY = 50


class CarefulTrainer(Trainer):
    """Hugging Face's Trainer that halves its batches when memory is full, and looks at each loss.

    Attributes
    ----------
    pieces
        Into how many parts each batch is cut.
    tell
        Called with a plain sentence when that changes.
    ids
        What the training rows are called.
    """

    pieces = 1
    tell: Callable[[str], None] | None = None
    ids: Sequence[str] = ()
    _update: Sequence[dict[str, Any]] = ()
    _place = 0

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """Remember the batches of an update, should it have to begin anew."""
        found = super().get_batch_samples(epoch_iterator, num_batches, device)
        self._update, self._place = found[0], 0
        return found

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Add a batch's gradients, in parts where it does not fit, and give its part of the update's loss."""
        place, self._place = self._place, self._place + 1
        again = False
        while True:
            try:
                if again:
                    # what the failed attempt left in the gradients is not known, so the whole update is done again
                    self._forget(model)
                    for earlier in self._update[:place]:
                        self._in_parts(model, earlier, num_items_in_batch)
                loss = self._in_parts(model, inputs, num_items_in_batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_full(error) or self.args.world_size > 1:
                    raise
                told = str(error)
            self._halve(len(inputs["labels"]), told)
            again = True
        if self.args.device.type == "cpu" or self.state.global_step % _LOOK_EVERY == 0:
            self._look(model, inputs, float(loss))
        return loss

    def _in_parts(self, model: Any, inputs: dict[str, Any], items: Any) -> torch.Tensor:
        if self.pieces == 1:
            return super().training_step(model, inputs, items)
        losses = [super(CarefulTrainer, self).training_step(model, part, items) for part in parts(inputs, self.pieces)]
        return torch.stack(losses).sum()

    def _halve(self, rows: int, told: str) -> None:
        if self.pieces >= rows:
            raise full(told)
        self.pieces *= 2
        gc.collect()
        if self.args.device.type != "cpu":
            torch.accelerator.empty_cache()
        batch = self.args.per_device_train_batch_size
        if self.tell is not None:
            self.tell(
                f"memory is full: batches of {batch} texts are now computed in {self.pieces} parts, "
                f"{math.ceil(batch / self.pieces)} texts at a time; the update is the same"
            )

    def _forget(self, model: Any) -> None:
        model.zero_grad(set_to_none=True)
        inner: Any = getattr(self.optimizer, "optimizer", self.optimizer)
        if hasattr(inner, "forget"):
            inner.forget()

    def _look(self, model: Any, inputs: dict[str, Any], loss: float) -> None:
        """Stop at a loss that is no number; of several processes, all stop where one has such a loss."""
        wrong = not math.isfinite(loss)
        if not any(ranks.largest(int(wrong))):
            return
        # without the exchange of gradients, which the others do not take part in
        names = self._culprits(self.accelerator.unwrap_model(model), inputs) if wrong else []
        found = [one for one in ranks.gathered((loss, names)) if not math.isfinite(one[0])]
        raise Diverged(found[0][0], self.state.global_step + 1, [name for _, of_one in found for name in of_one])

    def _culprits(self, model: Any, inputs: dict[str, Any]) -> list[str]:
        """Name the rows of a batch whose loss is no number, where it is not the model that is broken."""
        rows, loss_of = parts(inputs, len(inputs["labels"])), partial(self.compute_loss, model, num_items_in_batch=1)
        model.eval()
        with torch.no_grad(), self.compute_loss_context_manager():
            losses = [float(cast(torch.Tensor, loss_of(self._prepare_inputs(row)))) for row in rows]
        model.train()
        wrong = [row for row, loss in zip(rows, losses, strict=True) if not math.isfinite(loss)]
        if len(wrong) == len(rows):
            return []
        return [name for row in wrong for name in self._named(row)]

    def _named(self, row: dict[str, Any]) -> list[str]:
        """Find a row among the training rows by its tokens."""
        encoded = self.train_dataset.encoded  # type: ignore[union-attr]
        wanted = row["input_ids"].flatten().numpy(force=True)
        if "attention_mask" in row:
            wanted = wanted[row["attention_mask"].flatten().numpy(force=True) > 0]
        found = (n for n in range(len(encoded)) if np.array_equal(np.concatenate(encoded.of_text(n)), wanted))
        place = next(found, None)
        return [] if place is None or place >= len(self.ids) else [self.ids[place]]


def parts(batch: dict[str, Any], pieces: int) -> list[dict[str, Any]]:
    """Cut a batch as a collator gives it into parts of about as many rows each.

    Parameters
    ----------
    batch
        ``labels`` [n, …]; ``input_ids`` and the like, [n_windows, longest], or, with ``lengths`` [n_windows], those of
        all windows one after the other; ``windows`` [n] where rows have several.
    pieces
        How many parts; there are never more than rows.
    """
    rows = len(batch["labels"])
    windows = batch.get("windows", torch.ones(rows, dtype=torch.int64))
    last = torch.cumsum(windows, 0).tolist()
    cut = []
    for group in np.array_split(np.arange(rows), min(pieces, rows)):
        first, end = int(group[0]), int(group[-1]) + 1
        of_rows = {name: batch[name][first:end] for name in ("labels", "windows") if name in batch}
        span = slice(last[first] - int(windows[first]), last[end - 1])
        cut.append(_of_windows(batch, span) | of_rows)
    return cut


def _of_windows(batch: dict[str, Any], span: slice) -> dict[str, Any]:
    others = {name: tensor for name, tensor in batch.items() if name not in ("labels", "windows", "lengths")}
    if "lengths" not in batch:
        taken = {name: tensor[span] for name, tensor in others.items()}
        mask = taken.get("attention_mask")
        longest = None if mask is None else int(mask.sum(1).max())
        return {name: tensor[:, :longest] for name, tensor in taken.items()}
    lengths: torch.Tensor = batch["lengths"]
    start, size = int(lengths[: span.start].sum()), int(lengths[span].sum())
    return {"lengths": lengths[span]} | {name: tensor[start : start + size] for name, tensor in others.items()}


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that memory is full, the device's or the machine's."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _FULL)


def full(told: str) -> TrainingFailed:
    """Give the error that says what to do where not even one text at a time fits."""
    return TrainingFailed(
        "memory is full, however few texts are computed at a time",
        found=some(told.strip().splitlines(), limit=1) or None,
        cure="use less: lower max_length, choose a smaller base model, or end what else runs; "
        "then type the same command, or name another folder with --out where settings changed",
    )


@contextlib.contextmanager
def full_memory_told() -> Iterator[None]:
    """Turn a memory that is full outside of the steps, where nothing can be halved, into an error of ours."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_full(error):
            raise
        raise full(str(error)) from error
