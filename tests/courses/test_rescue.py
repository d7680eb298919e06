from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from classifine.courses.rescue import failure_of, guessing, random_precision
from classifine.evaluation.validation import validation_metrics
from classifine.labels import LabelSpace

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


SEVERAL = LabelSpace(("joy", "love", "never"), separator="|")
CELLS = ("joy", "", "", "joy|love") * 5  # joy has a half, love a quarter of the texts


def history_of_several(loss: float, precision: float) -> dict[str, Any]:
    row = {"step": 60, "train_loss": 0.1, "validation_loss": loss, "macro_average_precision": precision}
    return {"epochs": [row], "best": {"step": 60}, "training": {}}


def test_several_labels_came_to_nothing_or_not() -> None:
    # a random ranking: half or a quarter, and a little more as there are 20 texts only; entropies ln 2, .562 and 0
    chance = (random_precision(10, 20) + random_precision(5, 20)) / 2
    assert 0.375 < chance < 0.48
    entropy = (math.log(2) - (0.25 * math.log(0.25) + 0.75 * math.log(0.75))) / 3
    failure = failure_of(history_of_several(entropy + 1e-6, chance), CELLS, SEVERAL)
    assert failure is not None
    assert f"a random ranking has {chance:.3f}" in failure
    # something was learned: of the ranking, or of the shares of other texts
    assert failure_of(history_of_several(entropy + 1e-6, chance + 0.1), CELLS, SEVERAL) is None
    assert failure_of(history_of_several(entropy - 1e-6, chance), CELLS, SEVERAL) is None
    # overfitted, but of use
    assert failure_of(history_of_several(5.0, 0.9), CELLS, SEVERAL) is None
    assert failure_of(history_of_several(5.0, 0.1), ("joy", "joy"), SEVERAL) is None


def test_the_same_probabilities_for_all_texts_come_to_nothing() -> None:
    truth = SEVERAL.indicator(CELLS)
    alike = np.tile([0.4, 0.3, 0.01], (len(truth), 1))
    told = validation_metrics(alike, truth, SEVERAL)
    found = history_of_several(told["log_loss"], told["macro_average_precision"])
    assert failure_of(found, CELLS, SEVERAL) is not None


@pytest.mark.parametrize(("has", "texts"), [(1, 2), (2, 5), (3, 4), (5, 5), (1, 1)])
def test_the_precision_of_a_random_ranking_is_the_mean_over_all_rankings(has: int, texts: int) -> None:
    every = []
    for places in itertools.combinations(range(1, texts + 1), has):
        every.append(sum(found / place for found, place in enumerate(places, 1)) / has)
    assert random_precision(has, texts) == pytest.approx(sum(every) / len(every))
