from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from classifine.model.tokens import Encoded
from classifine.training.batching import Collator, EncodedRows, EpochSampler, even_odds
from classifine.training.losses import NO_LABEL


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=300), batch=st.integers(1, 20), seed=st.integers(0, 9))
@settings(deadline=None)
def test_each_row_comes_once_an_epoch(lengths: list[int], batch: int, seed: int) -> None:
    sampler = EpochSampler(np.array(lengths), batch=batch, seed=seed)
    assert sorted(sampler) == list(range(len(lengths)))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    sampler = EpochSampler(lengths, batch=8, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert list(sampler) == first
    assert first != second
    assert list(EpochSampler(lengths, batch=8, seed=2)) != first


def test_little_is_padding_and_place_in_the_epoch_says_nothing_about_length() -> None:
    lengths = np.random.default_rng(0).geometric(1 / 25, 20_000)
    places: list[float] = []
    waste: list[float] = []
    for epoch in range(10):
        sampler = EpochSampler(lengths, batch=16, seed=3)
        sampler.set_epoch(epoch)
        order = lengths[list(sampler)]
        groups = [order[start : start + 16] for start in range(0, len(order), 16)]
        padded = sum(len(group) * group.max() for group in groups)
        waste.append(1 - order.sum() / padded)
        means = [group.mean() for group in groups]
        places.append(float(np.corrcoef(np.arange(len(means)), means)[0, 1]))
    assert np.mean(waste) < 0.08
    assert abs(np.mean(places)) < 0.05


# Tokens of EDOS texts at each twentieth of their distribution: 14,000 short posts, 34 tokens on average.
QUANTILES = [3, 11, 14, 16, 19, 21, 23, 25, 28, 30, 32, 35, 37, 40, 43, 45, 48, 52, 55, 60, 93]


def like_posts(n: int) -> npt.NDArray[np.int64]:
    return np.interp(np.random.default_rng(0).random(n), np.linspace(0, 1, 21), QUANTILES).round().astype(np.int64)


def padding(order: Sequence[int], lengths: npt.NDArray[np.int64], batch: int) -> float:
    groups = [lengths[order[start : start + batch]] for start in range(0, len(order), batch)]
    return float(1 - lengths.sum() / sum(len(group) * group.max() for group in groups))


def test_under_three_percent_of_the_tokens_of_posts_is_padding() -> None:
    lengths = like_posts(14_000)
    for batch in (16, 32):
        assert padding(list(EpochSampler(lengths, batch=batch, seed=1)), lengths, batch) < 0.03


def test_two_thousand_posts_meet_others_in_each_epoch() -> None:
    lengths, batch = like_posts(2000), 32
    sampler = EpochSampler(lengths, batch=batch, seed=1)
    whose = np.empty((3, 2000), dtype=np.int64)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        order = list(sampler)
        whose[epoch, order] = np.arange(2000) // batch
        assert padding(order, lengths, batch) < 0.08
    for before, after in ((whose[0], whose[1]), (whose[1], whose[2])):
        same = [np.mean(after[before == before[row]] == after[row]) for row in range(0, 2000, 50)]
        assert np.mean(same) < 0.3  # half would be the same if lengths were not blurred


def test_random_order_knows_no_lengths() -> None:
    lengths = np.sort(like_posts(640))
    order = list(EpochSampler(lengths, batch=32, seed=1, grouped=False))
    assert sorted(order) == list(range(640))
    means = [lengths[order[start : start + 32]].mean() for start in range(0, 640, 32)]
    assert np.std(means) < 6  # 20 tokens if they were grouped


@pytest.mark.parametrize("grouped", [True, False])
def test_balanced_labels_come_equally_often_and_rows_of_one_label_too(grouped: bool) -> None:
    labels = torch.tensor([0] * 70 + [1] * 25 + [2] * 5)
    sampler = EpochSampler(like_posts(100), batch=8, seed=4, odds=even_odds(labels), grouped=grouped)
    drawn = np.zeros(100)
    for epoch in range(50):
        sampler.set_epoch(epoch)
        counts = np.bincount(list(sampler), minlength=100)
        of_label = [counts[:70].sum(), counts[70:95].sum(), counts[95:].sum()]
        assert sum(of_label) == 100
        assert max(of_label) - min(of_label) <= 2
        assert set(counts[95:]) <= {6, 7}
        drawn += counts
    # each of the 70 is expected 24 times in 50 epochs
    assert drawn[:70].mean() == pytest.approx(100 / 3 / 70 * 50, rel=0.02)
    assert drawn[:70].min() > 10
    sampler.set_epoch(7)
    assert list(sampler) == list(sampler)


def test_shares_are_drawn_as_if_a_label_were_drawn_first() -> None:
    odds = even_odds(torch.tensor([[1.0, 0.0, 0.0]] * 60 + [[0.5, 0.5, 0.0]] * 40))
    # the first label is 80 texts' worth, the second 20, the third none
    assert odds[0] == pytest.approx(0.5 / 80)
    assert odds[60] == pytest.approx(0.5 * 0.5 / 80 + 0.5 * 0.5 / 20)
    assert odds.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("rows", "size", "steps", "processes"), [(21, 4, 2, 2), (40, 8, 1, 3), (9, 2, 4, 4)])
def test_several_processes_count_each_row_once_and_do_as_many_batches(
    rows: int, size: int, steps: int, processes: int
) -> None:
    from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]

    lengths = like_posts(rows)
    ids = tuple(np.full(n, i, dtype=np.int32) for i, n in enumerate(lengths))
    data = EncodedRows(Encoded(ids, 0), np.arange(rows))
    batch = size * processes * steps
    whole = list(EpochSampler(lengths, batch=batch, seed=1))
    seen = []
    for place in range(processes):
        sampler = EpochSampler(lengths, batch=batch, seed=1, multiple=size * processes)
        loader = DataLoader(data, batch_size=size, sampler=sampler, collate_fn=Collator(0))
        shard = prepare_data_loader(loader, num_processes=processes, process_index=place, put_on_device=False)
        seen.append([batch["labels"] for batch in shard])
    assert len({len(batches) for batches in seen}) == 1
    updates = [
        sorted(int(i) for shard in seen for part in shard[start : start + steps] for i in part if i != NO_LABEL)
        for start in range(0, len(seen[0]), steps)
    ]
    assert updates == [sorted(whole[start : start + batch]) for start in range(0, rows, batch)]


def test_company_differs_from_epoch_to_epoch_even_in_small_data() -> None:
    sampler = EpochSampler(np.random.default_rng(0).geometric(1 / 25, 320), batch=32, seed=3)
    company: list[set[int]] = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        order = list(sampler)
        company.append(next(set(order[i : i + 32]) for i in range(0, 320, 32) if 7 in order[i : i + 32]))
    assert len(company[0] & company[1]) < 32


def test_the_last_batch_that_is_not_full_stays_last() -> None:
    sampler = EpochSampler(np.arange(1, 36), batch=16, seed=0)
    order = list(sampler)
    groups = [sorted(order[start : start + 16]) for start in range(0, 35, 16)]
    assert [len(group) for group in groups] == [16, 16, 3]


def test_a_batch_is_padded_to_its_longest() -> None:
    ids = tuple(np.arange(1, n + 1, dtype=np.int32) for n in (2, 4))
    rows = EncodedRows(Encoded(ids, 0), np.array([1, 0]))
    batch = Collator(pad_id=9)([rows[0], rows[1]])
    assert batch["input_ids"].tolist() == [[1, 2, 9, 9], [1, 2, 3, 4]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch["labels"].tolist() == [1, 0]


def test_an_update_holds_the_same_rows_however_it_is_cut() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 100)
    whole = list(EpochSampler(lengths, batch=8, seed=1))
    assert whole == list(EpochSampler(lengths, batch=4 * 2, seed=1))
