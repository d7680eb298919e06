from __future__ import annotations

import math
from typing import Any

import pytest

from classifine.labels import LabelSpace
from classifine.training.rescue import failure_of, guessing

SPACE = LabelSpace(("no", "so", "yes"))
LABELS = ("no", "no", "no", "yes", "so")


def history(ends: float, *, accuracy: float, predicted: int = 3, **training: Any) -> dict[str, Any]:
    rows = [
        {"step": 10, "train_loss": 2.0, "accuracy": 0.2, "labels_predicted": 1},
        {"step": 20, "train_loss": ends, "accuracy": accuracy, "labels_predicted": predicted},
    ]
    return {"epochs": rows, "best": {"step": 20}, "training": {"loss": "cross_entropy", **training}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (history(0.3, accuracy=0.9), None),
        (history(0.3, accuracy=0.6, predicted=1), "all validation texts are given one label"),
        (history(1.1, accuracy=0.6), "ends at 1.100, and guessing has 1.099"),
        # little was learned, but something
        (history(1.1, accuracy=0.8), None),
        (history(1.0, accuracy=0.6), None),
        # under focal loss, guessing has another loss
        (history(0.6, accuracy=0.6, loss="focal", focal_gamma=2.0), "guessing has 0.488"),
        (history(0.4, accuracy=0.6, loss="focal", focal_gamma=2.0), None),
        (history(9.0, accuracy=0.6, logit_adjustment=1.0), None),
    ],
)
def test_a_training_came_to_nothing_or_not(found: dict[str, Any], words: str | None) -> None:
    failure = failure_of(found, LABELS, SPACE)
    assert (failure is None) if words is None else (failure is not None and words in failure)


def test_nothing_is_said_where_there_is_nothing_to_tell_apart() -> None:
    collapsed = history(0.3, accuracy=1.0, predicted=1)
    assert failure_of(collapsed, ("no", "no"), SPACE) is None
    assert failure_of(collapsed, LABELS, LabelSpace(SPACE.names, separator="|")) is None


def test_guessing_has_the_loss_of_equal_probabilities() -> None:
    import torch

    from classifine.settings import TrainingSettings
    from classifine.training.losses import criterion

    labels = torch.tensor([0, 1, 2, 2])
    for chosen in (TrainingSettings(), TrainingSettings(loss="focal", focal_gamma=1.5)):
        loss = criterion(chosen, torch.ones(3), labels, several=False)
        wanted = loss.summed(torch.zeros(4, 3), labels) / loss.weight(labels)
        told = {"loss": chosen.loss, "focal_gamma": chosen.focal_gamma, "logit_adjustment": 0.0}
        assert guessing(told, 3) == pytest.approx(float(wanted), rel=1e-6)
    assert guessing({}, 77) == math.log(77)
