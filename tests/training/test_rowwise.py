from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from classifine.training.rowwise import RowwiseAdamW
from classifine.training.unpadding import shorten

ROWS, WIDTH = 60, 8


class Pair:
    """The same small model twice: trained by torch's AdamW on all rows, and by ours on the rows in use."""

    def __init__(self, *, decay: float, **options: Any) -> None:
        torch.manual_seed(0)
        self.table, self.head = nn.Embedding(ROWS, WIDTH, padding_idx=0), nn.Linear(WIDTH, 3)
        self.ours_table, self.ours_head = copy.deepcopy(self.table), copy.deepcopy(self.head)
        self.dense = torch.optim.AdamW(self._groups(self.table, self.head, decay), lr=1e-2, **options)
        self.rows = RowwiseAdamW(
            self._groups(self.ours_table, self.ours_head, decay), lr=1e-2, table=self.ours_table, **options
        )
        self.drawn = torch.Generator().manual_seed(1)

    @staticmethod
    def _groups(table: nn.Embedding, head: nn.Linear, decay: float) -> list[dict[str, Any]]:
        return [
            {"params": [table.weight, head.weight], "weight_decay": decay},
            {"params": [head.bias], "weight_decay": 0.0},
        ]

    def steps(self, first: int, last: int, *, of: int = 400, batches: int = 2) -> None:
        for number in range(first, last):
            rate = 1e-2 * min(1, (number + 1) / 40) * (1 - number / of)
            for group in (*self.dense.param_groups, *self.rows.param_groups):
                group["lr"] = rate
            for _ in range(batches):
                # the last rows are used seldom, the very last never
                ids = (torch.rand(12, generator=self.drawn) ** 4 * (ROWS - 1)).long()
                truth = torch.randint(0, 3, (12,), generator=self.drawn)
                torch.autograd.backward(functional.cross_entropy(self.head(self.table(ids)), truth))
                torch.autograd.backward(functional.cross_entropy(self.ours_head(self.rows.lookup(ids)), truth))
            mine = [p.grad for p in (self.table.weight, self.head.weight, self.head.bias) if p.grad is not None]
            norms = shorten(mine, 0.2), shorten(self.rows.gradients(), 0.2)
            assert float(norms[1]) == pytest.approx(float(norms[0]), rel=1e-4)
            self.dense.step()
            self.rows.step()
            self.dense.zero_grad()
            self.rows.zero_grad()

    def apart(self) -> float:
        self.rows.catch_up()
        found = [(self.table.weight, self.ours_table.weight), (self.head.weight, self.ours_head.weight)]
        return max(float((dense - ours).detach().abs().max()) for dense, ours in found)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("fused", [True, False])
def test_weights_and_states_are_those_of_adamw(decay: float, fused: bool) -> None:
    pair = Pair(decay=decay, fused=fused)
    assert int(torch.unique(pair.ours_table.weight.detach(), dim=0).shape[0]) == ROWS
    for start in range(0, 400, 100):
        pair.steps(start, start + 100)
        assert pair.apart() <= 5e-6  # weights are as large as 4
    dense, ours = (o.state[t.weight] for o, t in ((pair.dense, pair.table), (pair.rows, pair.ours_table)))
    for name in ("exp_avg", "exp_avg_sq"):
        assert float((dense[name] - ours[name]).abs().max()) <= 1e-6


def test_a_row_that_waits_is_made_up_for_when_it_comes_back() -> None:
    pair = Pair(decay=0.1)
    pair.steps(0, 300)  # nobody asked for all weights in between
    assert pair.apart() <= 5e-6


def test_only_rows_in_use_are_touched() -> None:
    pair = Pair(decay=0.1)
    before = pair.ours_table.weight.detach().clone()
    torch.autograd.backward(
        functional.cross_entropy(pair.ours_head(pair.rows.lookup(torch.tensor([3, 5]))), torch.tensor([0, 1]))
    )
    pair.rows.step()
    moved = (pair.ours_table.weight.detach() != before).any(dim=1).nonzero().flatten().tolist()
    assert moved == [3, 5]
    assert pair.ours_table.weight.grad is None


def test_the_state_goes_on_where_it_was_kept() -> None:
    whole, kept = Pair(decay=0.1), Pair(decay=0.1)
    whole.steps(0, 60)
    kept.steps(0, 30)
    again = RowwiseAdamW(kept._groups(kept.ours_table, kept.ours_head, 0.1), lr=1e-2, table=kept.ours_table)
    again.load_state_dict(copy.deepcopy(kept.rows.state_dict()))
    kept.rows = again
    kept.steps(30, 60)
    assert torch.equal(kept.ours_table.weight, whole.ours_table.weight)
    assert torch.equal(kept.ours_head.weight, whole.ours_head.weight)
