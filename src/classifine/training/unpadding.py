"""Takes Hugging Face's Trainer and gives one that computes on real tokens only and updates only word embeddings in use.

Both leave the result as it is. Where a family, a device or a setting asks for something else, the model's own forward
pass and optimizer stay. Does not know losses, checkpoints or texts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from transformers import Trainer

from classifine.model.unpadded import Unpadded
from classifine.training.rowwise import RowwiseAdamW

_ADAMW = ("adamw_torch", "adamw_torch_fused")


class UnpaddingTrainer(Trainer):
    """Hugging Face's Trainer with the forward pass of :class:`Unpadded` and the optimizer :class:`RowwiseAdamW`."""

    model: Any
    optimizer: Any
    unpadded: Unpadded | None = None

    def unpad(self) -> bool:
        """Compute on real tokens from now on, where that is the same; say whether it is."""
        args = self.args
        plain = not (args.torch_compile or args.gradient_checkpointing or args.fp16)
        if plain and args.device.type == "cpu":
            self.unpadded = Unpadded.of(self.model, torch.bfloat16 if args.bf16 else torch.float32)
        if self.unpadded is not None and args.world_size > 1:
            # torch exchanges the gradients of what it calls through the model
            self.model.forward = self.unpadded
        return self.unpadded is not None

    def bare(self) -> Any:
        """Give the model as it was handed over, with its own forward pass."""
        model = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        vars(model).pop("forward", None)
        return model

    def settle(self) -> None:
        """Bring weights up to date that the optimizer has left for later."""
        if rows := self._rows():
            rows.catch_up()

    def get_optimizer_cls_and_kwargs(self, args: Any, model: Any = None) -> tuple[Any, Any]:  # type: ignore[override]
        """Give the optimizer's class and its options."""
        found, options = Trainer.get_optimizer_cls_and_kwargs(args, model)
        # several processes use different rows, and exchange the gradients of all
        if self.unpadded is None or args.optim not in _ADAMW or args.world_size > 1:
            return found, options
        table = self.unpadded.anatomy.words
        if not table.weight.requires_grad or table.max_norm is not None or table.scale_grad_by_freq:
            return found, options
        return RowwiseAdamW, {**options, "table": table}

    def create_optimizer(self, model: Any = None) -> Any:
        """Make the optimizer and let it look up the word embeddings."""
        made = super().create_optimizer(model)
        if self.unpadded is not None and isinstance(made, RowwiseAdamW):
            self.unpadded.lookup = made.lookup
        return made

    def _rows(self) -> RowwiseAdamW | None:
        inner = getattr(self.optimizer, "optimizer", self.optimizer)
        return inner if isinstance(inner, RowwiseAdamW) else None

    def _clip_grad_norm(self, model: Any) -> Any:
        return self._norm(self.args.max_grad_norm) if self._rows() else super()._clip_grad_norm(model)  # type: ignore[no-untyped-call]

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        if grad_norm is None and self._rows():
            return self._norm(float("inf"))
        return super()._get_grad_norm(model, grad_norm=grad_norm)  # type: ignore[no-untyped-call]

    def _norm(self, most: float) -> Tensor:
        """Give the norm of all gradients and shorten them to ``most``."""
        rows = self._rows()
        assert rows is not None
        return shorten(rows.gradients(), most)


def shorten(gradients: list[Tensor], most: float) -> Tensor:
    """Shorten gradients whose common norm is above ``most``; give the norm they had."""
    norm = get_total_norm(gradients)
    if most != float("inf"):
        share = torch.clamp(most / (norm + 1e-6), max=1.0)
        torch._foreach_mul_(gradients, share)
    return norm
