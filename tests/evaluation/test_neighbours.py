from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from classifine.evaluation import neighbours
from classifine.evaluation.neighbours import nearest


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 30), st.integers(1, 5))
def test_what_scikit_learn_finds(seed: int, n: int, m: int, k: int) -> None:
    from sklearn.metrics.pairwise import cosine_similarity

    generator = np.random.default_rng(seed)
    asked, among = generator.normal(size=(n, 6)), generator.normal(size=(m, 6))
    every = cosine_similarity(asked, among)
    k = min(k, m)
    for one, other in ((asked, among), (sparse.csr_array(asked), sparse.csr_array(among))):
        found = nearest(one, other, k=k)
        assert found.positions.tolist() == np.argsort(-every, axis=1)[:, :k].tolist()
        assert found.similarities == pytest.approx(np.sort(every, axis=1)[:, ::-1][:, :k])


def test_equals_come_in_their_order_and_a_text_without_vector_is_near_to_nothing() -> None:
    among = np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = nearest(np.array([[2.0, 0.0], [0.0, 0.0]]), among, k=3)
    assert found.positions.tolist() == [[1, 2, 0], [0, 1, 2]]
    assert found.similarities.tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_a_text_is_not_its_own_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_CHUNK_NUMBERS", 40)  # so that there are several chunks
    vectors = np.random.default_rng(1).normal(size=(20, 3))
    found = nearest(vectors, vectors, k=4, itself=np.arange(20))
    assert not (found.positions == np.arange(20)[:, None]).any()
    assert nearest(vectors[:1], vectors[:1], k=3, itself=np.array([0])).positions.shape == (1, 0)
