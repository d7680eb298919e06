"""Sets of labels: a brute-force oracle, the promise kept in simulation, and no promise from too few texts."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from tests.evaluation.conftest import Draw

from classifine.evaluation.calibration import Calibration
from classifine.evaluation.conformal import fit_sets, measured_sets, sets_of
from classifine.evaluation.trust import SEVERAL_LABELS, TOO_FEW_FOR_SETS, TRAINED_ON, trust
from classifine.labels import LabelSpace, decide
from classifine.tables import Predictions

Floats = npt.NDArray[np.float64]


def predicted(probabilities: Floats, truth: npt.NDArray[np.int64]) -> Predictions:
    space = LabelSpace(tuple(f"c{k}" for k in range(probabilities.shape[1])))
    ids = tuple(map(str, range(len(truth))))
    names = tuple(space.names[k] for k in truth)
    given = decide(probabilities, space)
    return Predictions(ids, ids, names, given, probabilities, ("ok",) * len(ids), space, "test")


def by_brute_force(held: Floats, truth: npt.NDArray[np.int64], new: Floats, error: Fraction) -> npt.NDArray[np.bool_]:
    """A label is in the set when its p-value among the held-out scores is above the error: transductive conformal."""
    scores = [1 - held[row, label] for row, label in enumerate(truth)]
    within = np.zeros(new.shape, dtype=bool)
    for row in range(len(new)):
        for label in range(new.shape[1]):
            as_strange = sum(one >= 1 - new[row, label] for one in scores) + 1
            within[row, label] = Fraction(as_strange, len(scores) + 1) > error
    return within


@settings(deadline=None)
@given(st.integers(9, 40), st.integers(0, 2**16), st.sampled_from([Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)]))
def test_the_sets_are_those_of_the_definition(n: int, seed: int, error: Fraction) -> None:
    lots = np.random.default_rng(seed)
    held, new = (lots.dirichlet(np.ones(3), size=size) for size in (n, 12))
    truth = lots.integers(0, 3, size=n)
    sets = fit_sets(predicted(held, truth), error=float(error))
    assert sets is not None
    assert (sets_of(new, sets) == by_brute_force(held, truth, new, error)).all()


def test_digits_as_published() -> None:
    texts, labels = load_digits(return_X_y=True)
    texts = texts / 16 + np.random.default_rng(0).normal(scale=0.1, size=texts.shape)
    model = LogisticRegression(max_iter=500).fit(texts[:600], labels[:600])
    held, new = (model.predict_proba(texts[part]) for part in (slice(600, 1200), slice(1200, None)))
    sets = fit_sets(predicted(held, labels[600:1200]), error=0.1)
    assert sets is not None
    found = measured_sets(sets, predicted(new, labels[1200:]))
    assert (sets_of(new, sets) == by_brute_force(held, labels[600:1200], new, Fraction(1, 10))).all()
    assert found.coverage is not None
    assert found.size is not None
    assert found.empty is not None
    assert found.coverage.value == pytest.approx(0.9, abs=0.04)
    # sets that abstain make the mean size less than 1 where the classifier is nearly always right
    assert 0.8 < found.size.value < 1.3


@pytest.mark.parametrize("way", ["marginal", "by_label"])
def test_the_promise_holds_on_average(way: str) -> None:
    lots = np.random.default_rng(7)

    def drawn(n: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        truth = lots.choice(3, p=[0.6, 0.3, 0.1], size=n)
        logits = lots.normal(size=(n, 3)) * 2 + 1.5 * np.eye(3)[truth]  # not calibrated at all
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), truth

    held = []
    for _ in range(400):
        sets = fit_sets(predicted(*drawn(150)), error=0.2, way=way)  # type: ignore[arg-type]
        assert sets is not None
        probabilities, truth = drawn(300)
        right = sets_of(probabilities, sets)[np.arange(300), truth]
        held.append([right[truth == label].mean() for label in range(3)] if way == "by_label" else [right.mean()])
    for coverage in np.mean(held, axis=0):
        assert 0.795 <= coverage <= 0.8 + 3 / 16  # from above no more than 1 / (n + 1) of the rarest


@pytest.mark.parametrize(("n", "error"), [(9, 0.1), (19, 0.05), (99, 0.01)])
def test_too_few_texts_promise_nothing(n: int, error: float) -> None:
    lots = np.random.default_rng(0)
    rows = lots.dirichlet(np.ones(2), size=n), lots.integers(0, 2, size=n)
    assert n == math.ceil(1 / error - 1)
    assert fit_sets(predicted(*rows), error=error) is not None
    assert fit_sets(predicted(rows[0][1:], rows[1][1:]), error=error) is None
    rare = rows[1] * 0
    rare[0] = 1
    by_label = fit_sets(predicted(np.vstack([rows[0]] * 2), np.append(rare, rare * 0)), error=error, way="by_label")
    assert by_label is not None
    assert (by_label.too_few, by_label.thresholds[1]) == (("c1",), 0.0)


def test_trust_puts_it_together_and_says_what_it_cannot(draw: Draw, draw_several: Draw) -> None:
    test, validation = draw(300, 3), draw(200, 3, seed=4)
    known = Calibration("temperature", temperatures=(1.5,), n=200)
    found = trust(test, validation, known, target_accuracy=0.9)
    assert found is not None
    assert "calibrated on 200 validation texts" in found.sentence
    assert "To be right in 90 %" in found.sentence
    assert [one.way for one in found.sets] == ["marginal", "by_label"]
    assert found.notes == {}
    trained = trust(test, None, known)
    assert trained is not None
    assert (trained.target, trained.sets, trained.notes["sets"]) == (None, (), TRAINED_ON)
    several = trust(draw_several(80, 3), draw_several(60, 3, seed=2), Calibration(several=True, note="not wanted"))
    assert several is not None
    assert several.notes["sets"] == SEVERAL_LABELS
    assert several.sentence.startswith("Probabilities are not calibrated: not wanted.")
    few = trust(test, validation.take(range(8)), known)
    assert few is not None
    assert few.notes["sets"] == TOO_FEW_FOR_SETS
    unknown = Predictions(**{**vars(test), "probabilities": test.probabilities * np.nan})
    assert trust(unknown, validation, known) is None
