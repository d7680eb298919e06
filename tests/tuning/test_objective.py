from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.metrics import f1_score
from tests.tiny_models import tiny_model
from tests.training.test_finetune import EXACT, SPACE, TRAIN, VALIDATION

from classifine.model.hub import resolve
from classifine.model.torch_backend import TorchBackend
from classifine.settings import Settings
from classifine.tuning.objective import DECIDED, PARTS, Material, Objective, packed, unpacked
from classifine.tuning.space import Dimension, Space
from classifine.tuning.study import Unusable

RATES = Dimension("learning_rate", 5e-3, choices=(1e-6, 5e-3))
STEPS = Dimension("warmup_steps", 0, choices=(0, 500))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


@pytest.fixture
def objective(bert: Path, tmp_path: Path) -> Callable[..., Objective]:
    def make(*dimensions: Dimension, offer: Any = None, **settings: Any) -> Objective:
        given = {**EXACT, "num_train_epochs": 3, "model": str(bert), "per_device_train_batch_size": 8, **settings}
        material = Material(TRAIN, VALIDATION, SPACE, resolve(str(bert)))
        chosen = Settings(seed=7).with_names(given)
        return Objective(material, chosen, Space(dimensions), scratch=tmp_path / "scratch", offer=offer)

    return make


def study(*trials: dict[str, Any], pruner: Any = None) -> optuna.Study:
    made = optuna.create_study(direction="maximize", pruner=pruner or optuna.pruners.NopPruner())
    for one in trials:
        made.enqueue_trial(one)
    return made


def test_the_value_is_the_best_evaluations_and_the_decisions_are_that_classifiers(
    objective: Callable[..., Objective], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[Any] = []
    tokenised: list[int] = []
    encode = TorchBackend.encode

    def counted(self: TorchBackend, texts: Any, **more: Any) -> Any:
        tokenised.append(len(texts))
        return encode(self, texts, **more)

    monkeypatch.setattr(TorchBackend, "encode", counted)
    found = objective(RATES, rated_by="validation", offer=lambda trial, result: offered.append(result))
    made = study({"learning_rate": 5e-3}, {"learning_rate": 1e-6})
    made.optimize(found, n_trials=2)
    # the training texts were tokenised for the first trial only
    assert tokenised.count(len(TRAIN)) == 1
    for trial, result in zip(made.trials, offered, strict=True):
        assert trial.value == max(trial.intermediate_values.values())
        assert list(trial.intermediate_values) == [0, 1, 2]
        assert trial.value == max(row["macro_f1"] for row in result.history["epochs"])
        decided = unpacked(trial.user_attrs[DECIDED], found.truth.shape)
        score = f1_score(found.truth.argmax(axis=1), decided.argmax(axis=1), average="macro")
        assert score == pytest.approx(trial.value)


def test_a_trial_that_lags_behind_ends_early(objective: Callable[..., Objective]) -> None:
    class AfterTwo(optuna.pruners.BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            return bool(trial.last_step == 1)

    found = objective(RATES, rated_by="validation")
    made = study({"learning_rate": 5e-3}, pruner=AfterTwo())
    made.optimize(found, n_trials=1)
    assert made.trials[0].state.name == "PRUNED"
    assert list(made.trials[0].intermediate_values) == [0, 1]
    assert made.trials[0].user_attrs["best"]["value"] == max(made.trials[0].intermediate_values.values())


def test_with_few_texts_the_value_is_the_mean_over_folds_that_cover_all_rows(
    objective: Callable[..., Objective],
) -> None:
    found = objective(RATES, rated_times=3, num_train_epochs=1)
    assert found.rated_by == "folds"
    rows = [row for part in found.parts for row in part.validation.ids]
    assert sorted(rows) == sorted((*TRAIN.ids, *VALIDATION.ids))
    assert all(not set(part.train.ids) & set(part.validation.ids) for part in found.parts)
    made = study({"learning_rate": 5e-3})
    made.optimize(found, n_trials=1)
    parts = made.trials[0].user_attrs[PARTS]
    assert list(made.trials[0].intermediate_values.values()) == parts
    assert made.best_value == pytest.approx(np.mean(parts))
    assert len(found.truth) == len(TRAIN) + len(VALIDATION)


def test_seeds_differ_and_the_texts_do_not(objective: Callable[..., Objective]) -> None:
    found = objective(RATES, rated_by="seeds", rated_times=2)
    assert [part.seed for part in found.parts] == [7, 8]
    assert {id(part.train) for part in found.parts} == {id(TRAIN)}


def test_settings_that_cannot_work_are_no_end_of_the_search(objective: Callable[..., Objective]) -> None:
    made = study({"warmup_steps": 500})
    made.optimize(objective(STEPS, rated_by="validation"), n_trials=1, catch=(Unusable,))
    assert made.trials[0].state.name == "FAIL"
    with pytest.raises(Unusable, match="warmup_steps = 500"):
        objective(STEPS, rated_by="validation")(optuna.trial.FixedTrial({"warmup_steps": 500}))  # type: ignore[arg-type]


def test_decisions_come_back_as_they_were() -> None:
    rows = np.random.default_rng(0).random((37, 5)) < 0.3
    assert (unpacked(packed(rows), rows.shape) == rows).all()
