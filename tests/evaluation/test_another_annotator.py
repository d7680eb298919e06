from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from classifine.evaluation.another_annotator import among_annotators
from classifine.evaluation.metrics import Margins, agreement_metrics, confusion_matrix


def test_by_hand() -> None:
    said = [
        *(("1", "A", "x"), ("1", "B", "x"), ("1", "C", "y")),  # A: others tie; B: others tie; C against x
        *(("2", "A", "y"), ("2", "B", "y"), ("2", "C", "y")),  # each against y
        *(("3", "A", "x"), ("3", "B", "y")),  # each against the other
        ("4", "A", "x"),  # nobody else
        ("5", "A", "x"),  # no prediction
    ]
    found = among_annotators(said, {"1": "x", "2": "x", "3": "x", "4": "y"})
    assert found is not None
    assert (found.texts, found.judgements) == (3, 6)
    assert found.annotator.value == pytest.approx(3 / 6)
    assert found.classifier.value == pytest.approx(2 / 6)
    assert found.difference.value == pytest.approx(-1 / 6)
    assert [(peer.annotator, peer.judgements) for peer in found.peers] == [("A", 2), ("B", 2), ("C", 2)]
    assert json.dumps(found.to_dict())


def test_without_a_majority_of_others_there_is_nothing_to_say() -> None:
    assert among_annotators([("1", "A", "x"), ("2", "B", "x")], {"1": "x", "2": "x"}) is None


def drawn(skill: float, seed: int) -> float:
    """Simulate five annotators who are right in .8 of the cases, and a classifier; give what is found of it."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, size=250)
    said = [
        (str(text), f"annotator {person}", str(label if rng.random() < 0.8 else (label + rng.integers(1, 3)) % 3))
        for text, label in enumerate(truth)
        for person in range(5)
    ]
    given = {str(text): str(label if rng.random() < skill else (label + 1) % 3) for text, label in enumerate(truth)}
    found = among_annotators(said, given)
    assert found is not None
    assert found.difference.low is not None
    assert found.difference.high is not None
    return float(found.difference.low > 0) - float(found.difference.high < 0)


def test_a_better_and_a_worse_classifier_are_told_from_one_as_good() -> None:
    assert [drawn(skill, 1) for skill in (0.97, 0.55)] == [1, -1]
    assert np.mean([abs(drawn(0.8, seed)) for seed in range(20)]) <= 0.2


def test_alpha_is_that_of_the_coincidence_matrix() -> None:
    rng = np.random.default_rng(3)
    truth, given = rng.integers(0, 4, size=(2, 80))
    given = np.where(rng.random(80) < 0.6, truth, given)
    pairs = np.zeros((4, 4))
    for one, other in zip(truth, given, strict=True):
        pairs[one, other] += 1
        pairs[other, one] += 1
    sums = pairs.sum(axis=1)
    n = sums.sum()
    expected = 1 - (n - np.trace(pairs)) * (n - 1) / (n**2 - (sums**2).sum())
    found = agreement_metrics(Margins.of(confusion_matrix(truth, given, 4)))
    assert float(found["krippendorff_alpha"]) == pytest.approx(expected)
    assert float(found["cohen_kappa"]) == pytest.approx(cohen_kappa_score(truth, given))
