"""Takes the gradients of the word embeddings a batch used and gives AdamW's update, without touching the other rows.

A row that no batch uses still moves in AdamW, by its momentum and by decay. That movement is known in advance, so it is
made up for in one go when the row is used again, or when all weights are asked for: the result is AdamW's.
Does not know models or losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# After so many steps without a gradient, momentum has shrunk to less than float32 can tell.
_MEMORY = 200


class RowwiseAdamW(torch.optim.AdamW):
    """AdamW that keeps one embedding's rows up to date only where they are used.

    Parameters
    ----------
    groups
        Parameter groups, as for :class:`torch.optim.AdamW`; one of them holds ``table.weight``.
    table
        The embedding. Its gradient never becomes a matrix of all rows.

    Notes
    -----
    With no gradient since step t0, AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization", ICLR)
    moves a weight at step s by -lr_s * m_s' / (sqrt(v_s') + eps), where m and v of step t0 have only been multiplied by
    powers of beta1 and beta2. Summed up over the missed steps this is m / (sqrt(v) + eps) times a number that depends
    on t0 alone. The only approximation: eps stands beside sqrt(v) as it was at t0.
    """

    def __init__(self, groups: Any, *, table: nn.Embedding, **options: Any) -> None:
        options.setdefault("fused", True)
        super().__init__(groups, **options)
        self._table = table
        self._used: list[tuple[Tensor, Tensor]] = []
        self._gradient: tuple[Tensor, Tensor] | None = None
        home = self._home()
        home.setdefault("rates", [])  # of all steps so far

    def lookup(self, ids: Tensor) -> Tensor:
        """Give the embeddings of token ids [n], up to date, so that their gradient comes back here."""
        used, places = torch.unique(ids, return_inverse=True)
        self._catch_up(used)
        rows = self._table.weight.detach()[used].requires_grad_(True)
        self._used.append((used, rows))
        padding = self._table.padding_idx
        pad = (used == padding).nonzero() if padding is not None else used[:0]
        return functional.embedding(places, rows, padding_idx=int(pad[0, 0]) if len(pad) else None)

    def gradients(self) -> list[Tensor]:
        """Give the gradients of this update, those of the embedding as one matrix of the rows used."""
        self._gradient = self._gradient or self._summed()
        dense = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        return dense + ([self._gradient[1]] if self._gradient else [])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all weights but those of rows that no batch of this update used."""
        loss = super().step(closure)
        found = self._gradient or self._summed()
        home = self._home()
        home["rates"].append(float(home["lr"]))
        if found is not None:
            self._update(*found)
        # the Trainer clears the model's gradients, not the optimizer's
        self._used, self._gradient = [], None
        return loss

    @torch.no_grad()
    def catch_up(self) -> None:
        """Bring all rows up to date, as before weights are read, scored or saved."""
        if self._home()["rates"]:
            self._catch_up(torch.arange(len(self._table.weight)))

    def forget(self) -> None:
        """Drop the gradients of an update that begins anew."""
        self._used, self._gradient = [], None

    def _home(self) -> dict[str, Any]:
        weight = self._table.weight
        return next(group for group in self.param_groups if any(p is weight for p in group["params"]))

    def _summed(self) -> tuple[Tensor, Tensor] | None:
        found = [(used, rows.grad) for used, rows in self._used if rows.grad is not None]
        if len(found) <= 1:
            return found[0] if found else None
        used, places = torch.unique(torch.cat([used for used, _ in found]), return_inverse=True)
        total = torch.zeros(len(used), self._table.weight.shape[1])
        return used, total.index_add_(0, places, torch.cat([gradient for _, gradient in found]))

    def _rows(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[self._table.weight]
        if not state:
            weight = self._table.weight
            state["exp_avg"] = torch.zeros_like(weight)
            state["exp_avg_sq"] = torch.zeros_like(weight)
            state["step"] = torch.zeros(len(weight))  # that each row is up to date to
        return state

    @torch.no_grad()
    def _update(self, used: Tensor, gradient: Tensor) -> None:
        """Do AdamW's step on rows that are up to date to the step before."""
        home, state, weight = self._home(), self._rows(), self._table.weight
        (beta1, beta2), rate, now = home["betas"], float(home["lr"]), len(home["rates"])
        mean = state["exp_avg"][used].lerp_(gradient, 1 - beta1)
        square = state["exp_avg_sq"][used].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = square.sqrt().div_(math.sqrt(1 - beta2**now)).add_(home["eps"])
        rows = weight[used].mul_(1 - rate * home["weight_decay"])
        weight[used] = rows.addcdiv_(mean, spread, value=-rate / (1 - beta1**now))
        state["exp_avg"][used], state["exp_avg_sq"][used] = mean, square
        state["step"][used] = float(now)

    @torch.no_grad()
    def _catch_up(self, rows: Tensor) -> None:
        home, state, weight = self._home(), self._rows(), self._table.weight
        now = len(home["rates"])
        behind = rows[state["step"][rows] < now]
        if not len(behind):
            return
        since, places = torch.unique(state["step"][behind], return_inverse=True)
        kept, moved, root = (
            torch.tensor(numbers, dtype=weight.dtype)[places][:, None]
            for numbers in zip(*(self._missed(int(start)) for start in since.tolist()), strict=True)
        )
        (beta1, beta2), eps = home["betas"], home["eps"]
        gap = (now - state["step"][behind])[:, None]
        mean, square = state["exp_avg"][behind], state["exp_avg_sq"][behind]
        updated = weight[behind].mul_(kept)
        weight[behind] = updated.sub_(mean.mul(moved).div_(square.sqrt().add_(root * eps)))
        state["exp_avg"][behind] = mean.mul_(torch.pow(beta1, gap))
        state["exp_avg_sq"][behind] = square.mul_(torch.pow(beta2, gap))
        state["step"][behind] = float(now)

    def _missed(self, start: int) -> tuple[float, float, float]:
        """Say what the steps after ``start`` do to a row without a gradient.

        Returns
        -------
        tuple
            What is left of the weight; how often m / (sqrt(v) + eps) is taken off; what eps is multiplied by.
        """
        home = self._home()
        (beta1, beta2), decay = home["betas"], home["weight_decay"]
        rates = np.array(home["rates"][start:])
        left = np.cumprod((1 - rates * decay)[::-1])[::-1]
        kept = float(left[0])
        if start == 0:  # never used: there is no momentum
            return kept, 0.0, 1.0
        steps = np.arange(start + 1, start + 1 + min(len(rates), _MEMORY))
        after = np.append(left[1:], 1.0)[: len(steps)]
        powers = (beta1 / math.sqrt(beta2)) ** (steps - start)
        sizes = rates[: len(steps)] * powers * np.sqrt(1 - beta2**steps) / (1 - beta1**steps)
        return kept, float((sizes * after).sum()), math.sqrt(1 - beta2**start)
