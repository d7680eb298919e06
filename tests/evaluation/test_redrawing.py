from __future__ import annotations

import numpy as np
import pytest

from classifine.evaluation.intervals import share
from classifine.evaluation.redrawing import Truth
from classifine.evaluation.validation import validation_metrics
from classifine.labels import LabelSpace


def of_one() -> tuple[Truth, np.ndarray]:
    generator = np.random.default_rng(3)
    space = LabelSpace(("a", "b", "c"), positive="b")
    truth = Truth(generator.integers(0, 3, size=80), space, ranks=np.array([2, 0, 1]))
    return truth, generator.dirichlet(np.ones(3), size=80)


def of_several() -> tuple[Truth, np.ndarray]:
    generator = np.random.default_rng(4)
    space = LabelSpace(("a", "b", "c"), separator="|")
    return Truth(generator.random((60, 3)) < 0.4, space), generator.random((60, 3))


@pytest.mark.parametrize("made", [of_one, of_several])
def test_scores_of_decisions_are_those_that_choose_checkpoints(made: object) -> None:
    truth, probabilities = made()  # type: ignore[operator]
    told = truth.scores(truth.decided(probabilities))
    expected = validation_metrics(probabilities, truth.cells, truth.space, ranks=truth.ranks)
    shared = told.keys() & expected.keys()
    assert {"macro_f1", "weighted_precision"} < shared
    assert "log_loss" not in told
    assert "hamming_loss" not in told
    assert {name: told[name] for name in shared} == pytest.approx({name: expected[name] for name in shared})
    assert truth.scores(truth.cells)["macro_f1"] == 1


@pytest.mark.parametrize("made", [of_one, of_several])
def test_decisions_are_read_back_as_they_were_written(made: object) -> None:
    truth, probabilities = made()  # type: ignore[operator]
    given = truth.decided(probabilities)
    assert (truth.unpacked(truth.packed(given)) == given).all()


def test_redrawn_scores_vary_as_scores_of_so_many_rows_do_and_alike_for_all() -> None:
    truth, probabilities = of_one()
    given = truth.decided(probabilities)
    found = truth.redrawn([given, given, truth.cells], "accuracy", seed=1, draws=400)
    assert (found[:, 0] == found[:, 1]).all()
    assert (found[:, 2] == 1).all()
    accuracy = truth.scores(given)["accuracy"]
    assert found[:, 0].mean() == pytest.approx(accuracy, abs=0.01)
    assert found[:, 0].std() == pytest.approx((accuracy * (1 - accuracy) / 80) ** 0.5, rel=0.15)
    wilson = share(round(accuracy * 80), 80)
    assert np.quantile(found[:, 0], [0.025, 0.975]) == pytest.approx([wilson.low, wilson.high], abs=0.03)
