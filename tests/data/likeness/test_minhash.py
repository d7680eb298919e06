from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.likeness.minhash import BANDS, ROWS, similar, sketches


def _jaccard(one: str, other: str) -> float:
    a, b = ({text[i : i + 5] for i in range(max(1, len(text) - 4))} for text in (one, other))
    return len(a & b) / len(a | b)


def _pair(chance: random.Random, shared: int, own: int) -> tuple[str, str]:
    """Make two texts that share so many shingles and have so many of their own."""
    letters = [chr(code) for code in range(0x4E00, 0x9000)]
    start = "".join(chance.choices(letters, k=shared + 4))
    return tuple(start + "".join(chance.choices(letters, k=own)) for _ in range(2))  # type: ignore[return-value]


@pytest.mark.parametrize(("shared", "own"), [(30, 35), (42, 9), (56, 7)])
def test_pairs_are_found_as_often_as_theory_says(shared: int, own: int) -> None:
    chance = random.Random(7)
    pairs = [_pair(chance, shared, own) for _ in range(1500)]
    similarity = shared / (shared + 2 * own)
    assert _jaccard(*pairs[0]) == pytest.approx(similarity)
    one, other = (sketches([pair[side] for pair in pairs]) for side in (0, 1))
    ones, others = one.keys, other.keys
    expected = 1 - (1 - similarity**ROWS) ** BANDS
    error = 4 * np.sqrt(expected * (1 - expected) / len(pairs)) + 0.002
    assert (ones == others).any(axis=0).mean() == pytest.approx(expected, abs=error)
    assert (ones == others).mean() == pytest.approx(similarity**ROWS, abs=0.01)
    # marks of different minima agree by chance once in 256
    assert (one.marks == other.marks).mean() == pytest.approx(similarity + (1 - similarity) / 256, abs=0.01)
    places = np.arange(len(pairs))
    assert one.likely(places, other, places, similarity).all()
    assert not one.likely(places, other, places, min(1.0, similarity + 0.45)).any()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text("ab", max_size=20), st.text("ab\U0001f600\ud800", max_size=20)), max_size=20),
    st.sampled_from([0.1, 0.5, 0.7, 1.0]),
)
def test_similarity_is_what_sets_say(pairs: list[tuple[str, str]], threshold: float) -> None:
    found = similar([one for one, _ in pairs], [other for _, other in pairs], threshold=threshold)
    assert found.tolist() == [_jaccard(one, other) >= threshold for one, other in pairs]


def test_the_threshold_itself_counts() -> None:
    one, other = "abcdefghijklmn"[:11], "abcdefghijklmn"  # 7 shingles of 10
    assert _jaccard(one, other) == 0.7
    assert similar([one], [other], threshold=0.7).all()
    assert not similar([one], [other], threshold=0.71).any()


def test_sketches_depend_on_the_text_alone() -> None:
    texts = ["a", "", "some longer text", "x" * 300_000, "the last one"]
    together = sketches(texts)
    assert (together.keys.shape, together.marks.shape) == ((BANDS, 5), (5, BANDS * ROWS))
    for place, text in enumerate(texts):
        alone = sketches([text])
        assert (alone.keys[:, 0] == together.keys[:, place]).all()
        assert (alone.marks[0] == together.marks[place]).all()
