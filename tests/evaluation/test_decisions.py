from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef

from classifine.errors import SettingsProblem
from classifine.evaluation.decisions import FEW_TEXTS, Decision, decided_for
from classifine.evaluation.matching import same_rows
from classifine.labels import FloatMatrix, IntVector, LabelSpace, decide

from .conftest import Make

TWO = LabelSpace(("no", "yes"), positive="yes")


def value(truth: IntVector, given_: IntVector, decision: Decision) -> float:
    if decision == "f1":
        return float(f1_score(truth, given_, pos_label=1, zero_division=0))
    if decision == "macro_f1":
        labels = np.union1d(truth, given_)
        return float(f1_score(truth, given_, average="macro", labels=labels, zero_division=0))
    return float(
        balanced_accuracy_score(truth, given_) if decision == "balanced_accuracy" else matthews_corrcoef(truth, given_)
    )


def rare(n: int, share: float, seed: int, labels: int = 2) -> tuple[FloatMatrix, IntVector]:
    rng = np.random.default_rng(seed)
    shares = np.append(np.full(labels - 1, share), 1 - share * (labels - 1))[::-1]
    truth = rng.choice(labels, size=n, p=shares)
    logits = rng.normal(size=(n, labels)) + np.log(shares)
    logits[np.arange(n), truth] += 1.5
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), truth.astype(np.int64)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.sampled_from(["f1", "macro_f1", "balanced_accuracy", "mcc"]))
def test_no_threshold_is_better_on_these_texts(seed: int, decision: Decision) -> None:
    probabilities, truth = rare(70, 0.4, seed)
    if np.bincount(truth, minlength=2).min() < FEW_TEXTS:
        return
    space = decided_for(TWO, probabilities, truth, decision)
    chosen = value(truth, space.ids(decide(probabilities, space)), decision)
    edges = np.append(np.unique(probabilities[:, 1]), 2.0)
    best = max(value(truth, (probabilities[:, 1] >= edge).astype(np.int64), decision) for edge in edges)
    assert chosen == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("decision", ["macro_f1", "balanced_accuracy", "mcc"])
def test_of_more_labels_argmax_is_never_better_on_these_texts(decision: Decision) -> None:
    space = LabelSpace(("a", "b", "c", "d"))
    for seed in range(5):
        probabilities, truth = rare(300, 0.08, seed, labels=4)
        found = decided_for(space, probabilities, truth, decision)
        chosen, plain = (space.ids(decide(probabilities, each)) for each in (found, space))
        assert value(truth, chosen, decision) >= value(truth, plain, decision) - 1e-12


def test_on_new_texts_rare_labels_are_found_more_often() -> None:
    space = LabelSpace(("a", "b", "c", "d"))
    gained = []
    for seed in range(8):
        found = decided_for(space, *rare(600, 0.06, seed, labels=4), "macro_f1")
        probabilities, truth = rare(4000, 0.06, 1000 + seed, labels=4)
        chosen, plain = (space.ids(decide(probabilities, each)) for each in (found, space))
        gained.append(value(truth, chosen, "macro_f1") - value(truth, plain, "macro_f1"))
    assert np.mean(gained) > 0.03


def test_with_few_texts_the_threshold_is_drawn_towards_one_half() -> None:
    probabilities = np.column_stack([1 - np.linspace(0.01, 0.3, 40), np.linspace(0.01, 0.3, 40)])
    truth = (np.arange(40) >= 38).astype(np.int64)  # two texts of the rarer label, and the threshold between them
    space = decided_for(TWO, probabilities, truth, "f1")
    assert space.weights is not None
    threshold = 1 / (1 + space.weights[1])
    assert 0.4 < threshold < 0.5
    assert decided_for(TWO, probabilities[:9], truth[:9], "f1").weights is None


def test_weights_decide_and_probabilities_stay() -> None:
    space = LabelSpace(("no", "yes"), positive="yes", weights=(1.0, 4.0))
    probabilities = np.array([[0.81, 0.19], [0.79, 0.21]])
    assert decide(probabilities, space) == ("no", "yes")
    assert space.told_rule == "'yes' is given from a probability of 0.200 on"
    assert LabelSpace.from_dict(space.to_dict()) == space
    with pytest.raises(ValueError, match="weights"):
        LabelSpace(("no", "yes"), weights=(1.0,))


def test_a_metric_these_labels_do_not_have_is_refused() -> None:
    probabilities, truth = rare(50, 0.3, 1)
    with pytest.raises(SettingsProblem, match="positive label of two"):
        decided_for(LabelSpace(("no", "yes")), probabilities, truth, "f1")
    with pytest.raises(SettingsProblem, match="one label each"):
        decided_for(LabelSpace(("no", "yes"), separator="|"), probabilities, truth, "macro_f1")


def test_a_classifier_with_a_rule_can_be_compared_with_one_without(make: Make) -> None:
    from dataclasses import replace

    plain = make(["no", "yes", "no"], np.array([[0.9, 0.1], [0.7, 0.3], [0.8, 0.2]]))
    space = replace(plain.space, weights=(1.0, 3.0))
    ruled = replace(plain, space=space, predicted=decide(plain.probabilities, space), classifier="other")
    matched = same_rows((plain, ruled))
    assert matched.given[0].tolist() == [0, 0, 0]
    assert matched.given[1].tolist() == [0, 1, 0]
    assert ruled.confidence[1] == pytest.approx(0.3)
