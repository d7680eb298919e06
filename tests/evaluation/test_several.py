from __future__ import annotations

import numpy as np
import pytest

from classifine.evaluation.several import (
    Patterns,
    macro_average_precision,
    ranking_precision,
    row_log_loss,
    row_metrics,
)
from classifine.labels import BoolMatrix, FloatMatrix


def _random(seed: int, n: int = 80, n_labels: int = 6, ties: int = 10) -> tuple[BoolMatrix, BoolMatrix, FloatMatrix]:
    """Labels, given labels and probabilities in which many are equal; some rows have no label, one has all."""
    generator = np.random.default_rng(seed)
    truth = generator.random((n, n_labels)) < 0.25
    truth[0] = True
    probabilities = np.round(np.clip(0.3 * truth + 0.7 * generator.random((n, n_labels)), 0.02, 0.98) * ties) / ties
    return truth, probabilities >= 0.5, probabilities


@pytest.mark.parametrize("seed", range(5))
def test_ranking_measures_are_scikit_learns_ties_included(seed: int) -> None:
    from sklearn import metrics

    truth, _, probabilities = _random(seed)
    ranking = ranking_precision(probabilities, truth)
    assert ranking.mean() == pytest.approx(metrics.label_ranking_average_precision_score(truth, probabilities))
    expected = metrics.average_precision_score(truth, probabilities, average="macro")
    assert macro_average_precision(probabilities, truth) == pytest.approx(expected)


def test_a_label_that_no_text_has_is_no_part_of_the_mean_average_precision() -> None:
    truth = np.array([[True, False], [False, False]])
    assert macro_average_precision(np.array([[0.9, 0.5], [0.1, 0.6]]), truth) == 1.0
    assert macro_average_precision(np.array([[0.9]]), np.array([[False]])) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_averages_over_texts_are_scikit_learns(seed: int) -> None:
    from sklearn import metrics

    truth, given, _ = _random(seed)
    told = {name: values.mean() for name, values in row_metrics(truth, given).items()}
    assert told["hamming_loss"] == pytest.approx(metrics.hamming_loss(truth, given))
    assert told["subset_accuracy"] == pytest.approx(metrics.accuracy_score(truth, given))
    some = (truth | given).any(axis=1)
    for name, score in (("f1", metrics.f1_score), ("precision", metrics.precision_score)):
        expected = score(truth[some], given[some], average="samples", zero_division=0) * some.sum() + (~some).sum()
        assert told[f"samples_{name}"] * truth.shape[0] == pytest.approx(expected)


def test_a_text_without_labels_that_is_given_none_is_right() -> None:
    told = row_metrics(np.zeros((1, 2), dtype=bool), np.zeros((1, 2), dtype=bool))
    expected = {"hamming_loss": 0.0, "samples_precision": 1.0, "samples_recall": 1.0, "samples_f1": 1.0}
    assert {name: float(values[0]) for name, values in told.items()} == {**expected, "subset_accuracy": 1.0}
    told = row_metrics(np.array([[True, False]]), np.zeros((1, 2), dtype=bool))
    assert [float(told[f"samples_{name}"][0]) for name in ("precision", "recall", "f1")] == [0.0, 0.0, 0.0]


def test_log_loss_is_the_mean_over_labels_and_finite_where_a_certainty_was_wrong() -> None:
    losses = row_log_loss(np.array([[0.8, 0.4], [0.0, 1.0]]), np.array([[True, False], [True, False]]))
    assert losses[0] == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert np.isfinite(losses[1])


@pytest.mark.parametrize("n_labels", [3, 11])
def test_averages_of_drawn_counts_are_those_of_the_drawn_rows(n_labels: int) -> None:
    from sklearn import metrics

    truth, given, _ = _random(7, n=40, n_labels=n_labels)
    truth, given = np.vstack([truth, truth[:5]]), np.vstack([given, given[:5]])
    patterns = Patterns.of(truth, given)
    assert patterns.counts.sum() == len(truth)
    assert len(patterns.counts) <= 40
    generator = np.random.default_rng(1)
    drawn = generator.multinomial(45, patterns.counts / 45, size=3)
    told = patterns.averages()(drawn)
    for place, counts in enumerate(drawn):
        rows = np.repeat(np.arange(len(counts)), counts)
        has, said = patterns.truth[rows], patterns.given[0][rows]
        occurs = (has | said).any(axis=0)
        for average in ("macro", "micro", "weighted"):
            expected = metrics.f1_score(has[:, occurs], said[:, occurs], average=average, zero_division=0)
            assert told[f"{average}_f1"][place] == pytest.approx(expected)
        assert told["hamming_loss"][place] == pytest.approx(metrics.hamming_loss(has, said))
