from __future__ import annotations

import json

import numpy as np
import pytest

from classifine.evaluation import weak_spots as spots
from classifine.evaluation.slices import Column
from classifine.evaluation.weak_spots import WORD, weak_spots

VOCABULARY = [f"word{k}" for k in range(40)]


def drawn(n: int, seed: int) -> tuple[list[str], list[Column], np.random.Generator]:
    generator = np.random.default_rng(seed)
    texts = [" ".join(generator.choice(VOCABULARY, 8)) for _ in range(n)]
    columns = [Column("source", tuple(generator.choice(list("xyz"), n)))]
    return texts, columns, generator


def test_nothing_is_found_where_there_is_nothing() -> None:
    """One search in twenty may err: of 80, 11 or more would err once in some 400 such tests."""
    false = 0
    for seed in range(80):
        texts, columns, generator = drawn(300, seed)
        found = weak_spots(columns, texts, generator.random(300) < 0.8)
        false += any(one.worse for one in found.slices)
    assert false < 11
    assert found.examined > 50
    assert "none is shown to be worse" in found.sentence


def test_two_conditions_that_only_together_do_harm_are_found() -> None:
    texts, columns, generator = drawn(1500, 1)
    bad = np.array(["word3" in text.split() for text in texts]) & (np.array(columns[0].values) == "x")
    right = np.where(bad, generator.random(1500) < 0.2, generator.random(1500) < 0.95)
    found = weak_spots(columns, texts, right)
    first = found.slices[0]
    assert first.conditions == (("source", "x"), (WORD, "word3"))
    assert (first.n, first.worse) == (int(bad.sum()), True)
    assert first.accuracy.value == right[bad].mean()
    assert first.rest == pytest.approx(right[~bad].mean())
    json.dumps(found.to_dict())


def test_what_is_the_same_rows_is_told_once() -> None:
    """A word that stands in every text of a source, and the source."""
    texts = [f"always hello number {k}" if k < 40 else f"goodbye {k}" for k in range(120)]
    right = np.array([k >= 40 or k % 2 == 0 for k in range(120)])
    found = weak_spots([Column("source", ("forum",) * 40 + ("news",) * 80)], texts, right)
    assert [one.conditions for one in found.slices if one.worse] == [(("source", "forum"),)]


def test_truth_is_no_condition_and_large_data_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, columns, generator = drawn(500, 2)
    right = generator.random(500) < 0.5
    truth = Column("level 1", tuple("good" if one else "bad" for one in right), known=False)
    assert not any(one.worse for one in weak_spots([*columns, truth], texts, right).slices)
    monkeypatch.setattr(spots, "_MOST_ROWS", 200)
    found = weak_spots(columns, texts, right, seed=1)
    assert (found.rows, found.fewest) == (200, 20)
    assert found == weak_spots(columns, texts, right, seed=1)


def test_nothing_to_examine() -> None:
    found = weak_spots([], ["", "!"], np.array([True, False]))
    assert (found.slices, found.examined) == ((), 0)
    assert weak_spots([], ["one two"] * 60, np.ones(60, bool)).slices == ()
