from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.conftest import Make

from classifine.evaluation.ordinal import quadratic_weighted_kappa, ranks_of
from classifine.evaluation.scorecard import scorecard
from classifine.evaluation.scores import score
from classifine.labels import LabelSpace


def test_by_hand() -> None:
    # squared misses 0, 0, 1, 0; by chance, each true rank with each predicted one
    truth, predicted = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    by_chance = np.mean([(t - p) ** 2 for t in truth for p in predicted])
    assert by_chance == 1.25
    assert quadratic_weighted_kappa(truth, predicted) == pytest.approx(1 - 0.25 / 1.25)


@given(rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60))
@settings(deadline=None)
def test_as_in_scikit_learn(rows: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    truth, predicted = (np.array(column) for column in zip(*rows, strict=True))
    found = quadratic_weighted_kappa(truth, predicted)
    if len(set(truth) | set(predicted)) == 1:
        assert found == 0.0
    else:
        expected = cohen_kappa_score(truth, predicted, labels=[0, 1, 2, 3, 4], weights="quadratic")
        assert found == pytest.approx(expected, abs=1e-12)


def test_ranks_follow_the_declared_order() -> None:
    space = LabelSpace(("high", "low", "middle"))
    ranks = ranks_of(space, ("low", "middle", "high", "highest"))
    assert ranks is not None
    assert ranks.tolist() == [2, 0, 1]
    assert ranks_of(space, ("low", "high")) is None
    assert ranks_of(LabelSpace(("a", "b"), separator="|"), ("a", "b")) is None


def test_figures_of_an_order_by_hand(make: Make) -> None:
    names = ("high", "low", "middle")
    truth = ["low", "low", "middle", "high", "high", "low"] * 4
    given = ["low", "middle", "middle", "low", "high", "low"] * 4
    matrix = np.full((24, 3), 0.1)
    matrix[np.arange(24), [names.index(name) for name in given]] = 0.8
    predictions = make(truth, matrix, names=names)
    ordered = replace(predictions, space=replace(predictions.space, order=("low", "middle", "high")))
    figures = score(ordered).averages
    ranks = {"low": 0, "middle": 1, "high": 2}
    kappa = quadratic_weighted_kappa(*(np.array([ranks[name] for name in column]) for column in (truth, given)))
    assert figures["quadratic_weighted_kappa"].value == pytest.approx(kappa)
    assert figures["adjacent_accuracy"].value == pytest.approx(5 / 6)
    assert figures["mean_absolute_error"].value == pytest.approx(3 / 6)
    for name in ("quadratic_weighted_kappa", "adjacent_accuracy", "mean_absolute_error"):
        figure = figures[name]
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
        assert figure.n == 24
    card = scorecard(ordered, [], titles={}, test_openings=1)
    assert "quadratic-weighted kappa" in card.details[0]
    assert card.to_dict()["order"] == ["low", "middle", "high"]
    assert "quadratic_weighted_kappa" not in score(predictions).averages


def test_one_rank_only_has_no_kappa(make: Make) -> None:
    predictions = make(["a"] * 12, np.tile([0.9, 0.1], (12, 1)), names=("a", "b"))
    figures = score(replace(predictions, space=replace(predictions.space, order=("a", "b")))).averages
    assert figures["quadratic_weighted_kappa"].value == 0.0
    assert figures["mean_absolute_error"].value == 0.0
