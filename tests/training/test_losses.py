from __future__ import annotations

import numpy as np
import pytest
import torch

from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.training.losses import NO_LABEL, Criterion, class_weights, logit_adjustment

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
    loss = sum(Criterion(weights, smoothing).summed(one, truth) for one, truth in parts)
    weight = sum(Criterion(weights).weight(truth) for _, truth in parts)
    assert float(loss / weight) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_certain_share_counts_as_the_label_itself(smoothing: float) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(7, 3, generator=generator)
    labels = torch.randint(0, 3, (7,), generator=generator)
    shares = torch.nn.functional.one_hot(labels, 3).float()
    weights = torch.tensor([0.5, 1.0, 4.0])
    assert float(Criterion(weights).weight(shares)) == pytest.approx(float(Criterion(weights).weight(labels)))
    expected = float(Criterion(weights, smoothing).summed(logits, labels))
    assert float(Criterion(weights, smoothing).summed(logits, shares)) == pytest.approx(expected, rel=1e-6)


def test_shares_are_cross_entropy_against_the_annotators() -> None:
    logits = torch.tensor([[2.0, 0.0]])
    shares = torch.tensor([[0.75, 0.25]])
    expected = -(0.75 * np.log(1 / (1 + np.exp(-2))) + 0.25 * np.log(1 / (1 + np.exp(2))))
    assert float(Criterion(torch.ones(2)).summed(logits, shares)) == pytest.approx(expected)
    assert float(Criterion(torch.ones(2)).weight(shares)) == 1


def test_the_square_root_of_balanced_weights_and_a_cap() -> None:
    labels = ["no"] * 8 + ["yes"] * 2
    assert class_weights("sqrt", SPACE, labels).tolist() == pytest.approx([np.sqrt(0.625), np.sqrt(2.5)])
    assert class_weights("balanced", SPACE, labels, cap=2.0).tolist() == pytest.approx([0.625, 2.0])
    assert class_weights("sqrt", SPACE, labels, cap=1.2).tolist() == pytest.approx([np.sqrt(0.625), 1.2])


def test_focal_loss_by_hand() -> None:
    # p = .75 and .25; the weight of the label counts as in cross-entropy
    logits = torch.log(torch.tensor([[0.75, 0.25], [0.75, 0.25]]))
    focal = Criterion(torch.tensor([1.0, 3.0]), focal_gamma=2.0)
    expected = 0.25**2 * -np.log(0.75) + 3 * 0.75**2 * -np.log(0.25)
    assert float(focal.summed(logits, torch.tensor([0, 1]))) == pytest.approx(expected, rel=1e-6)
    halves = Criterion(torch.ones(2), focal_gamma=2.0).summed(logits[:1], torch.tensor([[0.5, 0.5]]))
    assert float(halves) == pytest.approx(0.5 * (0.25**2 * -np.log(0.75) + 0.75**2 * -np.log(0.25)), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("soft", [False, True])
def test_focal_loss_without_focus_is_cross_entropy(smoothing: float, soft: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(9, 4, generator=generator)
    targets = torch.randint(0, 4, (9,), generator=generator)
    if soft:
        targets = torch.softmax(torch.randn(9, 4, generator=generator), dim=1)
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    nearly = Criterion(weights, smoothing, focal_gamma=1e-9).summed(logits, targets)
    assert float(nearly) == pytest.approx(float(Criterion(weights, smoothing).summed(logits, targets)), rel=1e-5)


def test_a_certain_answer_has_a_focal_gradient_that_is_a_number() -> None:
    for gamma in (0.5, 2.0):
        logits = torch.tensor([[60.0, -60.0]], requires_grad=True)
        torch.autograd.backward(Criterion(torch.ones(2), focal_gamma=gamma).summed(logits, torch.tensor([0])))
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()


def test_adjusted_logits_learn_nothing_from_frequencies_alone() -> None:
    targets = torch.tensor([0] * 6 + [1] * 3 + [2])
    adjustment = logit_adjustment(1.0, targets, 3)
    assert adjustment.tolist() == pytest.approx(np.log([0.6, 0.3, 0.1]).tolist(), rel=1e-6)
    logits = torch.zeros(10, 3, requires_grad=True)
    torch.autograd.backward(Criterion(torch.ones(3), adjustment=adjustment).summed(logits, targets))
    assert logits.grad is not None
    assert logits.grad.sum(0).tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)


def test_shares_have_a_prior_too_and_a_label_without_rows_counts_as_one() -> None:
    shares = torch.tensor([[0.5, 0.5, 0.0]] * 4)
    assert logit_adjustment(2.0, shares, 3).tolist() == pytest.approx((2 * np.log([0.4, 0.4, 0.2])).tolist(), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("soft", [False, True])
def test_a_row_that_fills_a_batch_up_counts_nothing(gamma: float, soft: bool) -> None:
    logits = torch.tensor([[1.0, 0.0], [0.3, 0.2]])
    targets = torch.tensor([1, NO_LABEL])
    if soft:
        targets = torch.tensor([[0.2, 0.8], [NO_LABEL, NO_LABEL]])
    criterion = Criterion(torch.tensor([1.0, 2.0]), 0.1, gamma)
    assert torch.equal(criterion.summed(logits, targets), criterion.summed(logits[:1], targets[:1]))
    assert torch.equal(criterion.weight(targets), criterion.weight(targets[:1]))
    assert float(criterion.weight(targets[1:])) == float(criterion.summed(logits[1:], targets[1:])) == 0.0
