from __future__ import annotations

import numpy as np
import pytest
import torch

from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.training.losses import class_weights, summed_loss, summed_weight

SPACE = LabelSpace(("no", "yes"))


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = ["no"] * 6 + ["yes"] * 2
    expected = compute_class_weight("balanced", classes=np.array(["no", "yes"]), y=labels)
    assert class_weights("balanced", SPACE, labels).tolist() == pytest.approx(expected.tolist())


def test_a_label_that_training_lacks_weighs_one() -> None:
    space = LabelSpace(("late", "no", "yes"))
    assert class_weights("balanced", space, ["no", "no", "no", "yes"]).tolist() == pytest.approx([1.0, 2 / 3, 2.0])


def test_named_weights_leave_the_others_at_one() -> None:
    assert class_weights({"yes": 3.0}, SPACE, ["no", "yes"]).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("choice", ["heavy", {"maybe": 2.0}, {"yes": 0.0}])
def test_impossible_weights_are_refused(choice: str | dict[str, float]) -> None:
    with pytest.raises(SettingsProblem):
        class_weights(choice, SPACE, ["no", "yes"])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_sum_over_weight_is_torchs_mean_however_the_batch_is_cut(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(11, 3, generator=generator)
    labels = torch.randint(0, 3, (11,), generator=generator)
    weights = torch.tensor([0.5, 1.0, 4.0])
    expected = torch.nn.functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
    parts = [(logits[a:b], labels[a:b]) for a, b in ((0, 4), (4, 5), (5, 11))]
    loss = sum(summed_loss(one, truth, weights, smoothing) for one, truth in parts)
    weight = sum(summed_weight(truth, weights) for _, truth in parts)
    assert float(loss / weight) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_certain_share_counts_as_the_label_itself(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(7, 3, generator=generator)
    labels = torch.randint(0, 3, (7,), generator=generator)
    shares = torch.nn.functional.one_hot(labels, 3).float()
    weights = torch.tensor([0.5, 1.0, 4.0])
    assert float(summed_weight(shares, weights)) == pytest.approx(float(summed_weight(labels, weights)))
    expected = float(summed_loss(logits, labels, weights, smoothing))
    assert float(summed_loss(logits, shares, weights, smoothing)) == pytest.approx(expected, rel=1e-6)


def test_shares_are_cross_entropy_against_the_annotators() -> None:
    logits = torch.tensor([[2.0, 0.0]])
    shares = torch.tensor([[0.75, 0.25]])
    expected = -(0.75 * np.log(1 / (1 + np.exp(-2))) + 0.25 * np.log(1 / (1 + np.exp(2))))
    assert float(summed_loss(logits, shares, torch.ones(2), 0.0)) == pytest.approx(expected)
    assert float(summed_weight(shares, torch.ones(2))) == 1
