from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from classifine.evaluation.seeds import expected_best
from classifine.evaluation.selection import comparable, selection
from classifine.labels import LabelSpace

Bools = npt.NDArray[np.bool_]


def one_hot(ids: npt.NDArray[np.int64], labels: int) -> Bools:
    return np.eye(labels, dtype=bool)[ids]


def drawn(rows: int, labels: int, trials: int, right: float, seed: int) -> tuple[Bools, list[Bools]]:
    """Draw candidates that are all right in the same share of rows, and independent of one another."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(labels, size=rows)
    found = []
    for _ in range(trials):
        guessed = np.where(chance.random(rows) < right, truth, chance.integers(labels, size=rows))
        found.append(one_hot(guessed, labels))
    return one_hot(truth, labels), found


def test_the_difference_is_that_of_scikit_learn() -> None:
    truth, found = drawn(120, 3, 4, 0.6, 1)
    told = selection(truth, found, winner=2, reference=0)
    scores = [f1_score(truth.argmax(axis=1), one.argmax(axis=1), average="macro") for one in found]
    assert told.difference == pytest.approx(scores[2] - scores[0])
    assert (told.candidates, told.n) == (4, 120)
    assert told.low is not None
    assert told.high is not None
    assert told.low < told.difference < told.high


def test_two_candidates_need_no_correction() -> None:
    # of one difference alone, the interval is about that of a normal distribution
    truth, found = drawn(400, 2, 2, 0.5, 2)
    told = selection(truth, found, winner=1, reference=0, metric="accuracy")
    differences = (truth & found[1]).any(axis=1).astype(float) - (truth & found[0]).any(axis=1)
    error = differences.std(ddof=1) / np.sqrt(400)
    assert told.low == pytest.approx(told.difference - 1.96 * error, abs=0.1 * error)


def test_more_candidates_widen_the_interval() -> None:
    truth, found = drawn(300, 2, 16, 0.6, 3)
    few = selection(truth, found[:2], winner=1, reference=0)
    many = selection(truth, found, winner=1, reference=0)
    assert few.low is not None
    assert many.low is not None
    assert many.low < few.low


def test_a_clear_winner_is_shown_and_equal_ones_are_not() -> None:
    truth, found = drawn(400, 3, 6, 0.4, 4)
    better = np.where(np.arange(400)[:, None] < 320, truth, found[0])
    assert selection(truth, [*found, better], winner=6, reference=0).shown
    alike = selection(truth, [found[0], found[0]], winner=1, reference=0)
    assert (alike.low, alike.note) == (None, "all decide alike")
    assert selection(truth[:5], [one[:5] for one in found], winner=1, reference=0).note == "too few"


def test_the_optimism_is_what_the_best_of_so_many_leads_by() -> None:
    leads, told = [], []
    for seed in range(60):
        truth, found = drawn(300, 2, 10, 0.5, seed)
        right = np.array([(truth & one).any(axis=1).mean() for one in found])
        leads.append(right.max() - right.mean())
        if seed < 5:
            told.append(selection(truth, found, winner=0, reference=1, metric="accuracy").optimism)
    assert np.mean([one for one in told if one is not None]) == pytest.approx(np.mean(leads), rel=0.15)
    assert np.mean(leads) == pytest.approx(expected_best(10) * np.sqrt(0.75 * 0.25 / 300), rel=0.15)


def test_on_random_labels_a_winner_is_hardly_ever_named() -> None:
    named = 0
    for seed in range(200):
        chance = np.random.default_rng(seed)
        truth = one_hot(chance.integers(3, size=200), 3)
        # trials of one study resemble one another: each differs from the default in a part of the rows
        default = chance.integers(3, size=200)
        found = [one_hot(default, 3)]
        for _ in range(11):
            differs = chance.random(200) < chance.uniform(0.05, 0.9)
            found.append(one_hot(np.where(differs, chance.integers(3, size=200), default), 3))
        scores = [(truth & one).any(axis=1).mean() for one in found]
        winner = int(np.argmax(scores))
        if winner:
            told = selection(truth, found, winner=winner, reference=0, metric="accuracy", seed=seed, resamples=499)
            named += told.shown
    assert binomtest(named, 200, 0.05, alternative="greater").pvalue > 0.001


def test_several_labels_and_a_positive_one() -> None:
    chance = np.random.default_rng(5)
    truth, first, second = (chance.random((80, 4)) < share for share in (0.3, 0.3, 0.5))
    told = selection(truth, [first, second], winner=1, reference=0, metric="f1", positive=2)
    expected = [f1_score(truth[:, 2], one[:, 2]) for one in (first, second)]
    assert told.difference == pytest.approx(expected[1] - expected[0])
    with pytest.raises(ValueError, match="no metric"):
        selection(truth, [first, second], winner=1, reference=0, metric="log_loss")


def test_a_metric_of_probabilities_is_compared_by_macro_f1() -> None:
    space = LabelSpace(("a", "b"), positive="b")
    assert [comparable(name, space) for name in ("log_loss", "accuracy", "f1")] == ["macro_f1", "accuracy", "f1"]
    assert comparable("f1", LabelSpace(("a", "b"))) == "macro_f1"
