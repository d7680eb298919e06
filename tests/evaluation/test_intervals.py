from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.evaluation.intervals import Figure, bootstrap, f1, margins_of_cells, mean, share
from classifine.evaluation.metrics import IntMatrix, averaged_metrics, confusion_matrix
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import wilson


def _macro_f1(confusion: IntMatrix, *, seed: int = 1, resamples: int = 9_999) -> Figure:
    truth, predicted = np.nonzero(confusion)
    margins = margins_of_cells(truth, predicted, len(confusion))

    def statistic(counts: IntMatrix) -> FloatMatrix:
        values: FloatMatrix = averaged_metrics(margins(counts))["macro_f1"][:, None]
        return values

    return bootstrap(confusion[truth, predicted], statistic, seed=seed, resamples=resamples)[0]


def _random_rows(n: int, n_labels: int, seed: int) -> tuple[IntVector, IntVector]:
    generator = np.random.default_rng(seed)
    truth = generator.choice(n_labels, size=n, p=np.arange(1, n_labels + 1) / np.arange(1, n_labels + 1).sum())
    return truth, np.where(generator.random(n) < 0.8, truth, generator.integers(0, n_labels, size=n))


def test_below_ten_rows_there_is_no_interval() -> None:
    figure = share(7, 9)
    assert figure == Figure(7 / 9, None, None, 9, "Wilson", "too few")
    assert figure.to_dict()["note"] == "too few"
    assert "note" not in share(7, 10).to_dict()
    assert share(0, 0).value == 0.0
    assert mean(np.ones(9)).note == "too few"
    assert _macro_f1(np.diag([5, 4])).note == "too few"
    assert f1(3, 4, 5).note == "too few"


def test_the_normal_interval_of_a_mean() -> None:
    values = np.random.default_rng(3).exponential(size=50)
    figure = mean(values)
    spread = 1.959964 * values.std(ddof=1) / np.sqrt(50)
    assert figure.low == pytest.approx(values.mean() - spread)
    assert figure.high == pytest.approx(values.mean() + spread)
    skewed = mean(np.array([0.0] * 11 + [9.0]))
    assert skewed.low == 0.0


def test_f1_of_one_label_follows_wilson_and_survives_a_perfect_score() -> None:
    figure = f1(hits=47, support=54, predicted=62)
    assert figure.value == pytest.approx(2 * 47 / (54 + 62))
    low, high = wilson(47, 69)
    assert (figure.low, figure.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    perfect = f1(20, 20, 20)
    assert perfect.value == perfect.high == 1.0
    assert perfect.low is not None
    assert 0.8 < perfect.low < 1.0


@pytest.mark.parametrize(("n", "n_labels", "seed"), [(60, 2, 1), (300, 2, 2), (300, 5, 3), (40, 6, 4)])
def test_bca_through_cells_is_within_a_hundredth_of_scipy(n: int, n_labels: int, seed: int) -> None:
    from scipy.stats import bootstrap as scipy_bootstrap
    from sklearn.metrics import f1_score

    truth, predicted = _random_rows(n, n_labels, seed)

    def statistic(rows: IntMatrix, axis: int = -1) -> FloatMatrix:
        flat = rows.reshape(-1, rows.shape[-1])
        parts = [confusion_matrix(truth[row], predicted[row], n_labels) for row in flat]
        margins = [(np.diagonal(c), c.sum(axis=1), c.sum(axis=0)) for c in parts]
        hits, support, given_ = (np.array(m) for m in zip(*margins, strict=True))
        occurs = support + given_ > 0
        f1s = np.where(occurs, 2 * hits / np.maximum(support + given_, 1), 0)
        values: FloatMatrix = (f1s.sum(axis=1) / occurs.sum(axis=1)).reshape(rows.shape[:-1])
        return values

    figure = _macro_f1(confusion_matrix(truth, predicted, n_labels))
    assert figure.value == pytest.approx(f1_score(truth, predicted, average="macro"))
    expected = scipy_bootstrap(
        (np.arange(n),), statistic, method="BCa", vectorized=True, n_resamples=9_999, rng=np.random.default_rng(5)
    ).confidence_interval
    assert (figure.low, figure.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_no_mistake_leaves_nothing_to_resample() -> None:
    figure = _macro_f1(np.diag([20, 20]))
    assert (figure.value, figure.low, figure.high) == (1.0, None, None)
    assert figure.note == "every resample gives this value"


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9).filter(lambda cells: sum(cells) >= 10))
def test_every_table_gets_ordered_ends_or_a_reason(cells: list[int]) -> None:
    figure = _macro_f1(np.array(cells).reshape(3, 3), resamples=199)
    if figure.low is None or figure.high is None:
        assert figure.note
    else:
        assert 0 <= figure.low <= figure.high <= 1


def test_margins_of_cells_are_the_margins_of_the_table() -> None:
    truth, predicted = np.array([2, 0, 2]), np.array([2, 2, 0])
    margins = margins_of_cells(truth, predicted, 4)(np.array([[5, 2, 1], [0, 0, 3]]))
    assert margins.hits.tolist() == [[0, 0, 5, 0], [0, 0, 0, 0]]
    assert margins.support.tolist() == [[2, 0, 6, 0], [0, 0, 3, 0]]
    assert margins.predicted.tolist() == [[1, 0, 7, 0], [3, 0, 0, 0]]
