from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.evaluation.confident import suspects, suspects_of_sets
from classifine.labels import FloatMatrix, IntVector


def drawn(n: int, k: int, seed: int, noise: float = 0.15) -> tuple[FloatMatrix, IntVector]:
    generator = np.random.default_rng(seed)
    true = generator.integers(0, k, n)
    labels = np.where(generator.random(n) < noise, (true + 1) % k, true)
    logits = generator.normal(size=(n, k))
    logits[np.arange(n), true] += 2
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), labels


def test_what_cleanlab_finds() -> None:
    """Constants are what cleanlab 2.9.0 gives: filter_by="confident_learning", normalized_margin."""
    probabilities, labels = drawn(60, 3, seed=7)
    found = suspects(probabilities, labels)
    assert found.ranked.tolist() == [44, 49, 37, 7, 16, 2]
    assert found.joint.tolist() == [[10, 0, 2], [3, 14, 0], [0, 1, 15]]
    assert found.thresholds == pytest.approx([0.6416510445736837, 0.6621892315701292, 0.6599793259778276])
    # its calibrated joint [[12, 0, 3], [4, 18, 0], [0, 1, 22]] is rounded to whole rows
    assert found.estimated == pytest.approx(15 * 2 / 12 + 22 * 3 / 17 + 23 / 16)


def test_digits_with_noise() -> None:
    """Of scikit-learn's digits with 8 % wrong labels, cleanlab 2.9.0 flags 107 on these probabilities, 106 rightly."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    pixels, true = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    rows = np.flatnonzero(generator.random(len(true)) < 0.08)
    labels = true.copy()
    labels[rows] = (true[rows] + generator.integers(1, 10, len(rows))) % 10
    wrong = labels != true
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=300, C=0.001)
    found = suspects(cross_val_predict(model, pixels, labels, cv=folds, method="predict_proba"), labels)
    assert wrong.sum() == 142
    assert abs(int(found.suspected.sum()) - 107) <= 2  # the last digits of a fit differ between machines
    assert (found.suspected & wrong).sum() / found.suspected.sum() > 0.96
    assert (found.suspected & wrong).sum() / wrong.sum() == pytest.approx(0.746, abs=0.02)
    assert average_precision_score(wrong, -found.margin) == pytest.approx(0.986, abs=0.005)
    assert average_precision_score(wrong, -found.self_confidence) == pytest.approx(0.983, abs=0.005)
    assert (found.suggested[found.suspected & wrong] == true[found.suspected & wrong]).mean() > 0.95
    assert found.estimated == pytest.approx(wrong.sum(), rel=0.1)


def test_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    found = suspects(probabilities, np.array([0, 0, 0, 1, 1]))
    assert found.thresholds == pytest.approx([0.6, 0.75])
    assert found.suspected.tolist() == [False, False, True, False, False]
    assert found.suggested.tolist() == [0, 0, 1, 1, 1]  # row 3 is confidently nothing
    assert found.joint.tolist() == [[2, 1], [0, 1]]
    assert found.margin == pytest.approx([0.8, 0.4, -0.6, 0.2, 0.8])
    assert found.estimated == pytest.approx(1.0)


def test_a_label_that_no_row_has_is_never_suggested() -> None:
    probabilities = np.array([[0.2, 0.1, 0.7], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]])
    found = suspects(probabilities, np.array([0, 1, 1]))
    assert np.isnan(found.thresholds[2])
    assert found.suggested.tolist() == [0, 0, 1]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 60))
def test_whatever_comes(seed: int, k: int, n: int) -> None:
    probabilities, labels = drawn(n, k, seed, noise=0.3)
    found = suspects(probabilities, labels)
    assert (found.suspected == (found.suggested != labels)).all()
    assert found.joint.sum() - np.trace(found.joint) == found.suspected.sum()
    assert (found.joint.sum(axis=1) <= found.support).all()
    assert (np.diff(found.margin[found.ranked]) >= 0).all()
    assert 0 <= found.estimated <= n
    order = np.random.default_rng(seed).permutation(n)
    assert (suspects(probabilities[order], labels[order]).suspected == found.suspected[order]).all()


def test_several_labels_are_as_many_questions() -> None:
    generator = np.random.default_rng(3)
    true = generator.random((300, 4)) < 0.4
    probabilities = 1 / (1 + np.exp(-(6 * (true - 0.5) + generator.normal(size=true.shape))))
    given_labels = true.copy()
    given_labels[:20, 1] = ~true[:20, 1]
    found = suspects_of_sets(probabilities, given_labels)
    assert [int(one.suspected[:20].sum()) for one in found][1] >= 17
    assert sum(int(one.suspected.sum()) for one in found) == int(found[1].suspected.sum())
