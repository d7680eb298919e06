from __future__ import annotations

import numpy as np
import pytest

from classifine.evaluation.thresholds import fit_thresholds
from classifine.evaluation.validation import METRICS, OF_POSITIVE, OF_SEVERAL, metrics_of, validation_metrics
from classifine.labels import FloatMatrix, IntVector, LabelSpace

KAPPA = "quadratic_weighted_kappa"


def _random(seed: int, n: int, n_labels: int) -> tuple[FloatMatrix, IntVector]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(n_labels), size=n), generator.integers(0, n_labels, size=n)


@pytest.mark.parametrize(("seed", "n", "n_labels"), [(0, 5, 4), (1, 60, 2), (2, 200, 7), (3, 40, 30)])
def test_validation_metrics_equal_scikit_learn(seed: int, n: int, n_labels: int) -> None:
    from sklearn.metrics import accuracy_score, cohen_kappa_score, log_loss, precision_recall_fscore_support

    probabilities, truth = _random(seed, n, n_labels)
    space = LabelSpace(tuple(f"l{index:02d}" for index in range(n_labels)), positive="l01")
    told = validation_metrics(probabilities, truth, space)
    predicted = probabilities.argmax(axis=1)
    expected = {
        "accuracy": accuracy_score(truth, predicted),
        "log_loss": log_loss(truth, probabilities, labels=range(n_labels)),
    }
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
        expected |= {f"{average}_precision": p, f"{average}_recall": r, f"{average}_f1": f}
    p, r, f, _ = precision_recall_fscore_support(truth, predicted, labels=[1], average=None, zero_division=0)
    expected |= {"precision": p[0], "recall": r[0], "f1": f[0]}
    assert {*told, KAPPA} == set(metrics_of(space)) == set(METRICS) - set(OF_SEVERAL)
    kappa = cohen_kappa_score(truth, predicted, labels=range(n_labels), weights="quadratic")
    ranked = validation_metrics(probabilities, truth, space, ranks=np.arange(n_labels)[::-1])
    assert ranked[KAPPA] == pytest.approx(kappa)
    assert told == pytest.approx({name: expected[name] for name in told})


def test_without_a_positive_label_none_is_spoken_of() -> None:
    told = validation_metrics(np.array([[0.9, 0.1]]), np.array([0]), LabelSpace(("a", "b")))
    assert set(METRICS) - set(told) == {*OF_POSITIVE, *OF_SEVERAL, KAPPA}


@pytest.mark.parametrize("n_labels", [2, 5])
def test_validation_metrics_of_several_labels_equal_scikit_learn_at_fitted_thresholds(n_labels: int) -> None:
    from sklearn import metrics

    generator = np.random.default_rng(n_labels)
    truth = generator.random((60, n_labels)) < 0.3
    probabilities = np.clip(0.5 * truth + generator.random((60, n_labels)) / 2, 0.01, 0.99)
    space = LabelSpace(tuple(f"l{index:02d}" for index in range(n_labels)), positive="l01", separator="|")
    told = validation_metrics(probabilities, truth, space)
    assert set(told) == set(metrics_of(space)) == set(METRICS) - {"accuracy", KAPPA}
    given = probabilities >= np.array(fit_thresholds(probabilities, truth))
    expected = {
        "subset_accuracy": metrics.accuracy_score(truth, given),
        "hamming_loss": metrics.hamming_loss(truth, given),
        "log_loss": np.mean([metrics.log_loss(truth[:, k], probabilities[:, k]) for k in range(n_labels)]),
        "macro_average_precision": metrics.average_precision_score(truth, probabilities, average="macro"),
        "label_ranking_average_precision": metrics.label_ranking_average_precision_score(truth, probabilities),
        "samples_f1": metrics.f1_score(truth, given, average="samples", zero_division=1.0),
    }
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(truth, given, average=average, zero_division=0)
        expected |= {f"{average}_precision": p, f"{average}_recall": r, f"{average}_f1": f}
    p, r, f, _ = metrics.precision_recall_fscore_support(truth[:, 1], given[:, 1], average="binary", zero_division=0)
    expected |= {"precision": p, "recall": r, "f1": f}
    assert {name: told[name] for name in expected} == pytest.approx(expected)
