from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.model.tokens import Encoded
from classifine.training.batching import Collator, EncodedRows, LengthGroupedSampler


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=300), batch=st.integers(1, 20), seed=st.integers(0, 9))
@settings(deadline=None)
def test_each_row_comes_once_an_epoch(lengths: list[int], batch: int, seed: int) -> None:
    sampler = LengthGroupedSampler(np.array(lengths), batch=batch, seed=seed)
    assert sorted(sampler) == list(range(len(lengths)))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 500)
    sampler = LengthGroupedSampler(lengths, batch=8, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert list(sampler) == first
    assert first != second
    assert list(LengthGroupedSampler(lengths, batch=8, seed=2)) != first


def test_little_is_padding_and_place_in_the_epoch_says_nothing_about_length() -> None:
    lengths = np.random.default_rng(0).geometric(1 / 25, 20_000)
    places: list[float] = []
    waste: list[float] = []
    for epoch in range(10):
        sampler = LengthGroupedSampler(lengths, batch=16, seed=3)
        sampler.set_epoch(epoch)
        order = lengths[list(sampler)]
        groups = [order[start : start + 16] for start in range(0, len(order), 16)]
        padded = sum(len(group) * group.max() for group in groups)
        waste.append(1 - order.sum() / padded)
        means = [group.mean() for group in groups]
        places.append(float(np.corrcoef(np.arange(len(means)), means)[0, 1]))
    assert np.mean(waste) < 0.08
    assert abs(np.mean(places)) < 0.05


def test_company_differs_from_epoch_to_epoch_even_in_small_data() -> None:
    sampler = LengthGroupedSampler(np.random.default_rng(0).geometric(1 / 25, 320), batch=32, seed=3)
    company: list[set[int]] = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        order = list(sampler)
        company.append(next(set(order[i : i + 32]) for i in range(0, 320, 32) if 7 in order[i : i + 32]))
    assert len(company[0] & company[1]) < 32


def test_the_last_batch_that_is_not_full_stays_last() -> None:
    sampler = LengthGroupedSampler(np.arange(1, 36), batch=16, seed=0)
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
    whole = list(LengthGroupedSampler(lengths, batch=8, seed=1))
    assert whole == list(LengthGroupedSampler(lengths, batch=4 * 2, seed=1))
