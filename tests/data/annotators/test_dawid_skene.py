from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.annotators.choosing import majority, most_probable
from classifine.data.annotators.dawid_skene import Estimate, dawid_skene, one_coin
from classifine.data.annotators.identification import doubts
from classifine.data.annotators.votes import Votes
from classifine.labels import FloatMatrix

# Dawid & Skene (1979), Table 1: a patient each; observer 1 judged three times, observers 2 to 5 once.
_PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212
1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111
1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111
2322222 1211111 2222222
"""

Row = tuple[str, str, str]
Fit = Callable[[Votes], Estimate]


def patients() -> list[Row]:
    """Give patient, observer and class of the 315 judgements."""
    return [
        (str(patient), observer, name)
        for patient, line in enumerate(_PATIENTS.split(), start=1)
        for observer, name in zip("1112345", line, strict=True)
    ]


def _votes(rows: Sequence[Row]) -> Votes:
    return Votes.of(*zip(*rows, strict=True))


def _simulated(items: int, right: Sequence[float], *, labels: int, each: int, seed: int) -> tuple[list[Row], list[str]]:
    """Give judgements by annotators who are right this often, and the truth."""
    chance = random.Random(seed)
    names = [f"L{i}" for i in range(labels)]
    truth = [chance.choice(names) for _ in range(items)]
    rows = [
        (f"p{item}", f"A{who}", truth[item] if chance.random() < right[who] else chance.choice(names))
        for item in range(items)
        for who in chance.sample(range(len(right)), each)
    ]
    return rows, truth


def test_the_table_of_1979() -> None:
    votes = _votes(patients())
    assert (len(votes.items), len(votes.annotators), int(votes.count.sum())) == (45, 5, 315)
    found = dawid_skene(votes)
    assert found.log_likelihood == pytest.approx(-192.8909, abs=1e-3)
    assert found.converged
    assert found.shares == pytest.approx([0.3996, 0.4220, 0.1118, 0.0667], abs=5e-5)
    assert found.errors_of("1")[0] == pytest.approx([0.8895, 0.1105, 0, 0], abs=5e-5)
    assert found.errors_of("2")[1] == pytest.approx([0.0527, 0.6329, 0.3143, 0], abs=5e-5)
    posterior = found.posterior.toarray()
    assert np.bincount(posterior.argmax(axis=1)).tolist() == [18, 19, 5, 3]
    doubtful = {votes.items[i]: round(float(row.max()), 3) for i, row in enumerate(posterior) if row.max() < 0.99}
    assert doubtful == {"7": 0.981, "35": 0.948, "38": 0.979}
    decided = dict(zip(votes.items, zip(majority(votes), most_probable(found), strict=True), strict=True))
    differing = {patient: (int(m) + 1, int(d) + 1) for patient, (m, d) in decided.items() if m != d}
    assert differing == {"2": (3, 4), "12": (0, 3), "36": (3, 4)}


def _posterior_by_hand(votes: Votes, iterations: int) -> tuple[FloatMatrix, float]:
    """Run EM as the paper writes it, without logarithms and with all labels for all items."""
    n = np.zeros((len(votes.items), len(votes.annotators), len(votes.labels)))
    n[votes.item, votes.annotator, votes.label] = votes.count
    guess = n.sum(axis=1) / n.sum(axis=(1, 2))[:, None]
    likelihood = 0.0
    for _ in range(iterations):
        shares = guess.mean(axis=0)
        errors = np.einsum("ij,ikl->kjl", guess, n)
        errors /= np.maximum(errors.sum(axis=2, keepdims=True), 1e-300)
        joint = shares * np.prod(errors[None] ** n[:, :, None, :], axis=(1, 3))
        likelihood = float(np.log(joint.sum(axis=1)).sum())
        guess = joint / joint.sum(axis=1, keepdims=True)
    return guess, likelihood


def _coin_by_hand(votes: Votes, iterations: int) -> tuple[FloatMatrix, float]:
    n = np.zeros((len(votes.items), len(votes.annotators), len(votes.labels)))
    n[votes.item, votes.annotator, votes.label] = votes.count
    guess = n.sum(axis=1) / n.sum(axis=(1, 2))[:, None]
    likelihood, size = 0.0, len(votes.labels)
    for _ in range(iterations):
        shares = guess.mean(axis=0)
        right = np.einsum("ij,ikj->k", guess, n) / n.sum(axis=(0, 2))
        errors = np.empty((len(right), size, size))
        errors[:] = ((1 - right) / (size - 1))[:, None, None]
        errors[:, range(size), range(size)] = right[:, None]
        joint = shares * np.prod(errors[None] ** n[:, :, None, :], axis=(1, 3))
        likelihood = float(np.log(joint.sum(axis=1)).sum())
        guess = joint / joint.sum(axis=1, keepdims=True)
    return guess, likelihood


_ROWS = st.lists(
    st.tuples(st.sampled_from(["p1", "p2", "p3", "p4", "p5"]), st.sampled_from("ABCD"), st.sampled_from("xyz")),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(_ROWS)
def test_leaving_out_impossible_labels_changes_nothing(rows: list[Row]) -> None:
    votes = _votes(rows)
    found = dawid_skene(votes, most_iterations=15)
    posterior, likelihood = _posterior_by_hand(votes, len(found.log_likelihoods))
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    assert found.posterior.toarray() == pytest.approx(posterior, abs=2e-6)


@settings(deadline=None, max_examples=40)
@given(_ROWS)
def test_labels_nobody_gave_to_an_item_have_their_one_coin_probability(rows: list[Row]) -> None:
    votes = _votes(rows)
    if len(votes.labels) == 1:
        return
    found = one_coin(votes, most_iterations=15)
    posterior, likelihood = _coin_by_hand(votes, len(found.log_likelihoods))
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    assert found.posterior.toarray() == pytest.approx(posterior, abs=2e-6)


@settings(deadline=None, max_examples=40)
@given(_ROWS, st.sampled_from([dawid_skene, one_coin]))
def test_the_likelihood_never_falls(rows: list[Row], fit: Fit) -> None:
    found = fit(_votes(rows))
    assert (np.diff(found.log_likelihoods) >= -1e-10).all()
    assert found.log_likelihood <= 1e-9
    assert found.shares.sum() == pytest.approx(1)
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(len(found.votes.items)), abs=1e-4)


@pytest.mark.parametrize("fit", [dawid_skene, one_coin])
def test_the_estimate_beats_the_majority_where_annotators_differ(fit: Fit) -> None:
    rows, truth = _simulated(600, [0.95, 0.95, *[0.3] * 6], labels=3, each=4, seed=1)
    votes = _votes(rows)
    found = fit(votes)
    expected = [votes.labels.index(truth[int(item[1:])]) for item in votes.items]
    hits = [(labels == expected).mean() for labels in (most_probable(found), majority(votes))]
    assert hits[0] > hits[1] + 0.05
    best = sorted(range(8), key=lambda who: -found.right[who])[:2]
    assert {votes.annotators[who] for who in best} == {"A0", "A1"}


@pytest.mark.parametrize("fit", [dawid_skene, one_coin])
def test_one_label_is_certain(fit: Fit) -> None:
    found = fit(_votes([("p", "A", "yes"), ("q", "B", "yes")]))
    assert found.log_likelihood == pytest.approx(0)
    assert found.posterior.toarray().tolist() == [[1.0], [1.0]]


def test_errors_of_an_annotator_who_met_no_such_item_are_unknown() -> None:
    found = dawid_skene(_votes([("p", "A", "x"), ("p", "B", "x"), ("q", "B", "y")]))
    assert np.isnan(found.errors_of("A")[1]).all()
    assert found.errors_of("A")[0].tolist() == [1, 0]


def test_doubts_name_what_is_thin() -> None:
    rows = [(f"p{i}", who, "xy"[i % 2]) for i in range(30) for who in "AB"]
    rows += [("p0", "C", "x"), ("p1", "C", "y"), ("q1", "D", "x"), ("q1", "E", "x")]
    found = doubts(dawid_skene(_votes(rows)))
    assert found[0] == ("3 annotators judged fewer than 20 items (C, D, E); how reliable they are is hardly known")
    assert found[1].startswith("29 of 31 items have fewer than 3 judgements")
    assert found[2].startswith("the annotators fall into 2 groups that share no item")
    assert found[2].endswith("the smallest: D, E")
    assert len(found) == 3


def test_doubts_name_more_error_rates_than_judgements() -> None:
    rows, _ = _simulated(100, [0.8] * 5, labels=10, each=4, seed=2)
    (found,) = doubts(dawid_skene(_votes(rows)))
    assert found.startswith("400 judgements cannot tell 450 error rates")
    assert "one-coin or majority is the safer choice" in found
    assert not doubts(one_coin(_votes(rows)))


def test_doubts_name_repeated_judgements_and_no_convergence() -> None:
    rows, _ = _simulated(60, [0.8, 0.7, 0.6], labels=3, each=3, seed=2)
    found = doubts(dawid_skene(_votes([*rows, *rows[:5]]), most_iterations=3))
    assert found[0].startswith("5 judgements repeat an annotator's earlier one of the same item")
    assert found[1].startswith("the estimation had not settled after 3 iterations")


def test_doubts_name_annotators_who_exchange_labels() -> None:
    rows, truth = _simulated(200, [0.9, 0.9, 0.9], labels=2, each=3, seed=3)
    exchanged = {"L0": "L1", "L1": "L0"}
    rows += [(f"p{i}", "Z", exchanged[label]) for i, label in enumerate(truth)]
    for fit in (dawid_skene, one_coin):
        found = doubts(fit(_votes(rows)))
        assert len(found) == 1
        assert found[0].startswith("1 annotator hit the estimated labels less often than chance would (Z)")


def test_doubts_name_labels_that_changed_places() -> None:
    rows, _ = _simulated(300, [0.9, 0.9, 0.9], labels=2, each=3, seed=3)
    found = dawid_skene(_votes(rows))
    turned = Estimate(
        model=found.model,
        votes=found.votes,
        shares=found.shares[::-1],
        posterior=found.posterior[:, [1, 0]],
        right=1 - found.right,
        log_likelihoods=found.log_likelihoods,
        converged=True,
    )
    assert not doubts(found)
    assert any("'L0' (mostly judged 'L1')" in doubt for doubt in doubts(turned))


@pytest.mark.parametrize(("annotators", "labels"), [(200, 5), (500, 1_000)])
def test_forty_thousand_judgements_are_quick(annotators: int, labels: int) -> None:
    chance = random.Random(1)
    right = [chance.uniform(0.4, 0.95) for _ in range(annotators)]
    rows, _ = _simulated(10_000, right, labels=labels, each=4, seed=1)
    votes = _votes(rows)
    started = time.perf_counter()
    dawid_skene(votes)
    one_coin(votes)
    assert time.perf_counter() - started < 30  # a second or so on an idle machine; the benchmark measures it
