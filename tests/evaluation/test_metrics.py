from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifine.errors import LabelsProblem, RowsProblem
from classifine.evaluation.metrics import (
    Margins,
    averaged_metrics,
    confusion_matrix,
    label_metrics,
    row_log_loss,
    scorable,
    top_k_hits,
)
from classifine.labels import FloatMatrix, IntVector, LabelSpace, decide
from classifine.tables import Predictions


def _random(seed: int, n: int, n_labels: int) -> tuple[FloatMatrix, IntVector]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.ones(n_labels), size=n), generator.integers(0, n_labels, size=n)


def test_averages_of_a_hand_computed_table() -> None:
    told = averaged_metrics(Margins.of(np.array([[70, 8], [14, 48]])))
    f1_no, f1_yes = 2 * 70 / (78 + 84), 2 * 48 / (62 + 56)
    assert told["accuracy"] == pytest.approx(118 / 140)
    assert told["macro_f1"] == pytest.approx((f1_no + f1_yes) / 2)
    assert told["weighted_f1"] == pytest.approx((78 * f1_no + 62 * f1_yes) / 140)
    assert told["macro_precision"] == pytest.approx((70 / 84 + 48 / 56) / 2)
    assert told["micro_f1"] == told["weighted_recall"] == told["accuracy"]


def test_a_label_that_does_not_occur_is_no_part_of_the_macro_average() -> None:
    perfect_on_two = averaged_metrics(Margins.of(np.diag([5, 5, 0])))
    assert perfect_on_two["macro_f1"] == 1.0
    predicted_once = averaged_metrics(Margins.of(np.array([[5, 0, 0], [0, 4, 1], [0, 0, 0]])))
    assert predicted_once["macro_f1"] == pytest.approx((1 + 8 / 9 + 0) / 3)


def test_an_absent_label_does_not_shift_the_others() -> None:
    confusion = confusion_matrix(np.array([0, 2, 2]), np.array([0, 2, 0]), 3)
    assert confusion.tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 1]]
    precision, recall, f1 = label_metrics(Margins.of(confusion))
    assert precision.tolist() == [0.5, 0, 1]
    assert recall.tolist() == [1, 0, 0.5]
    assert f1 == pytest.approx([2 / 3, 0, 2 / 3])


def test_certain_and_wrong_is_finite() -> None:
    losses = row_log_loss(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert losses == pytest.approx([0, -np.log(np.finfo(float).eps)])


@pytest.mark.parametrize(("n_labels", "k"), [(3, 2), (6, 1), (6, 3)])
def test_top_k_equals_scikit_learn_without_ties(n_labels: int, k: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    probabilities, truth = _random(5, 150, n_labels)
    expected = top_k_accuracy_score(truth, probabilities, k=k, labels=range(n_labels))
    assert top_k_hits(probabilities, truth, k).mean() == pytest.approx(expected)


def test_of_ties_the_first_label_comes_first() -> None:
    alike = np.full((3, 3), 1 / 3)
    truth = np.array([0, 1, 2])
    assert top_k_hits(alike, truth, 1).tolist() == [True, False, False]
    assert top_k_hits(alike, truth, 2).tolist() == [True, True, False]
    assert top_k_hits(alike, truth, 3).all()


@given(st.lists(st.tuples(st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=3, max_size=3), st.integers(0, 2))))
def test_top_1_is_what_is_decided(rows: list[tuple[list[float], int]]) -> None:
    probabilities = np.array([row for row, _ in rows], dtype=np.float64).reshape(-1, 3)
    truth = np.array([label for _, label in rows], dtype=np.int64)
    space = LabelSpace(("a", "b", "c"))
    decided = space.ids(decide(probabilities, space))
    assert (top_k_hits(probabilities, truth, 1) == (decided == truth)).all()


def _predictions(truth: tuple[str | None, ...], predicted: tuple[str | None, ...]) -> Predictions:
    n = len(truth)
    return Predictions(
        ids=tuple(map(str, range(n))),
        texts=("t",) * n,
        truth=truth,
        predicted=predicted,
        probabilities=np.array([[0.5, 0.5] if p else [np.nan, np.nan] for p in predicted]),
        status=tuple("ok" if p else "blank" for p in predicted),
        space=LabelSpace(("a", "b")),
        split="new.csv",
    )


def test_rows_that_cannot_be_scored_are_counted() -> None:
    rows = scorable(_predictions(("a", None, "b", "b"), ("a", "a", None, "a")))
    assert (rows.positions.tolist(), rows.truth.tolist(), rows.predicted.tolist()) == ([0, 3], [0, 1], [0, 0])
    assert rows.excluded == 2
    assert np.isfinite(rows.probabilities).all()


def test_nothing_to_score_says_what_is_missing() -> None:
    with pytest.raises(RowsProblem, match="no row has both"):
        scorable(_predictions((None, None), ("a", "b")))


def test_an_unknown_true_label_is_named() -> None:
    with pytest.raises(LabelsProblem, match="'c'"):
        scorable(_predictions(("a", "c"), ("a", "b")))
