from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import VALIDATION, tuned, weights_of

from classifine.training.evaluating import Patience, breaks_tie, within_epoch


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("evaluating") / "base", "bert")


@pytest.mark.parametrize(
    ("updates", "per_epoch", "expected"),
    [(9, 3, {3, 6}), (10, 3, {3, 7}), (2, 3, {1}), (1, 3, set()), (10, 1, set()), (4, 9, {1, 2, 3})],
)
def test_evaluations_are_spread_evenly(updates: int, per_epoch: int, expected: set[int]) -> None:
    assert within_epoch(updates, per_epoch) == expected


def test_an_epoch_of_few_rows_is_evaluated_several_times(bert: Path) -> None:
    # 48 rows: six updates an epoch, fifteen at most in 2.5 epochs
    result = tuned(bert, num_train_epochs=2.5, per_device_train_batch_size=8, evaluations_per_epoch=None)
    rows = result.history["epochs"]
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10, 12, 14, 15]
    assert [row["epoch"] for row in rows] == pytest.approx([step / 6 for step in (2, 4, 6, 8, 10, 12, 14, 15)])
    assert all({"train_loss", "validation_loss", "macro_f1"} <= row.keys() for row in rows)
    assert result.history["training"]["early_stopping_patience"] == 9


def test_each_training_loss_is_that_since_the_evaluation_before(bert: Path) -> None:
    often = tuned(bert, per_device_train_batch_size=8, evaluations_per_epoch=3, learning_rate=1e-30)
    once = tuned(bert, per_device_train_batch_size=8, learning_rate=1e-30)
    losses = [row["train_loss"] for row in often.history["epochs"]]
    assert len(set(losses)) == 3
    assert np.mean(losses) == pytest.approx(once.history["epochs"][0]["train_loss"], rel=1e-6)


def test_evaluating_changes_no_weight(bert: Path) -> None:
    settings: dict[str, Any] = {"dropout": 0.1, "unpadded": False, "metric_for_best_model": "log_loss"}
    one, other = (tuned(bert, per_device_train_batch_size=8, evaluations_per_epoch=n, **settings) for n in (1, 6))
    assert one.history["best"]["step"] == other.history["best"]["step"] == 6
    assert torch.equal(weights_of(one), weights_of(other))


def test_stopping_within_an_epoch_evaluates_the_last_weights_once(bert: Path) -> None:
    result = tuned(
        bert, num_train_epochs=9, per_device_train_batch_size=8, evaluations_per_epoch=3, early_stopping_patience=2,
        learning_rate=1e-30,
    )  # fmt: skip
    # with such a rate neither metric nor loss changes: the first evaluation is the best one
    assert [row["step"] for row in result.history["epochs"]] == [2, 4, 6]
    assert result.history["stopped_early"]
    assert result.history["best"]["step"] == 2


def test_of_equal_metrics_the_smaller_loss_is_kept_and_patience_goes_on(bert: Path) -> None:
    # too slow to change any label, yet the loss falls
    result = tuned(
        bert, num_train_epochs=4, per_device_train_batch_size=8, learning_rate=1e-6, early_stopping_patience=1
    )
    rows = result.history["epochs"]
    assert len({row["macro_f1"] for row in rows}) == 1
    losses = [row["validation_loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert len(rows) == 4
    assert result.history["best"]["step"] == rows[-1]["step"]


def test_ties() -> None:
    args = SimpleNamespace(metric_for_best_model="macro_f1", greater_is_better=True)
    log = [{"step": 5, "eval_macro_f1": 0.5, "eval_log_loss": 0.9}]
    state = SimpleNamespace(best_metric=0.5, best_global_step=5, log_history=log)

    def wins(macro_f1: float, loss: float) -> bool:
        return breaks_tie({"eval_macro_f1": macro_f1, "eval_log_loss": loss}, args, state)

    assert [wins(0.5, 0.8), wins(0.5, 0.9), wins(0.6, 0.1), wins(0.4, 0.1)] == [True, False, False, False]


def test_patience_is_kept_as_hugging_face_keeps_it() -> None:
    patience: Any = Patience(early_stopping_patience=4)
    patience.early_stopping_patience_counter = 2
    again: Any = Patience.from_state(patience.state())  # type: ignore[no-untyped-call]
    assert (again.early_stopping_patience, again.early_stopping_patience_counter) == (4, 2)


def test_ordered_labels_can_choose_the_checkpoint(bert: Path) -> None:
    from sklearn.metrics import cohen_kappa_score

    order = ["no", "so", "yes"]
    result = tuned(
        bert, num_train_epochs=3, per_device_train_batch_size=8, learning_rate=5e-3,
        metric_for_best_model="quadratic_weighted_kappa", label_order=order,
    )  # fmt: skip
    predicted = result.classifier.predict(VALIDATION.texts).predicted
    expected = cohen_kappa_score(VALIDATION.labels, predicted, labels=order, weights="quadratic")
    assert result.history["best"]["value"] == pytest.approx(expected)
