from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.significance import exchange_p, fisher, mcnemar, mcnemar_mid_p


def test_mcnemar_of_60_and_38() -> None:
    assert mcnemar(60, 38) == pytest.approx(0.0334, abs=5e-5)
    assert mcnemar(38, 60) == mcnemar(60, 38)
    assert mcnemar(0, 0) == mcnemar(5, 5) == 1.0


@settings(deadline=None)  # the first of them loads scipy
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_a_fair_coin(b: int, c: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected)


def test_mid_p_of_60_and_38() -> None:
    assert mcnemar_mid_p(60, 38) == pytest.approx(0.0265, abs=5e-5)
    assert mcnemar_mid_p(38, 60) == mcnemar_mid_p(60, 38)
    assert (mcnemar_mid_p(0, 0), mcnemar_mid_p(1, 0), mcnemar_mid_p(1, 1)) == (0.5, 0.5, 0.75)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mid_p_counts_what_is_as_lopsided_half(b: int, c: int) -> None:
    from scipy.stats import binom

    n, fewer = b + c, min(b, c)
    below = binom.cdf(fewer - 1, n, 0.5) + binom.pmf(fewer, n, 0.5) / 2
    assert mcnemar_mid_p(b, c) == pytest.approx(1 - binom.pmf(b, n, 0.5) / 2 if b == c else 2 * below)
    assert mcnemar_mid_p(b, c) <= mcnemar(b, c)


def test_exchanging_answers_gives_mcnemars_p_for_accuracy() -> None:
    # both right, only the first, only the second, both wrong; then the same with answers exchanged
    counts = np.array([100, 14, 5, 20, 0, 0, 0, 0])
    gains = np.array([0, 1, -1, 0, 0, -1, 1, 0]) / 139
    differing = np.array([False, True, True, False])
    found = exchange_p(counts, differing, lambda drawn: (drawn @ gains)[:, None], seed=1, resamples=20_000)[0]
    assert found == pytest.approx(mcnemar(14, 5), abs=4 * np.sqrt(0.064 * 0.936 / 20_000))


def test_no_disagreement_no_difference() -> None:
    counts = np.array([30, 10, 0, 0])
    agreeing = np.zeros(2, dtype=bool)
    nothing = exchange_p(counts, agreeing, lambda drawn: np.zeros((len(drawn), 1)), seed=1, resamples=99)
    assert nothing.tolist() == [1.0]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_fisher_is_scipys(n: int, others: int, data: st.DataObject) -> None:
    from scipy.stats import fisher_exact

    hits, other_hits = data.draw(st.integers(0, n)), data.draw(st.integers(0, others))
    table = np.array([[hits, n - hits], [other_hits, others - other_hits]])
    counts = (hits, n, hits + other_hits, n + others)
    assert fisher(*counts) == pytest.approx(fisher_exact(table).pvalue)
    assert fisher(*counts, more=True) == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_fisher_of_a_million_rows() -> None:
    from scipy.stats import chi2_contingency

    table = np.array([[70_000, 30_000], [633_000, 267_000]])
    by_normal = chi2_contingency(table, correction=True).pvalue
    assert fisher(70_000, 100_000, 703_000, 1_000_000) == pytest.approx(by_normal, rel=0.02)
