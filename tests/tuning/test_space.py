from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import optuna
import pytest

from classifine.errors import SettingsProblem
from classifine.settings import Settings, TrainingSettings
from classifine.tuning.space import Space, family_space, settled, space_of

RECIPE = Path(__file__).parents[2] / "docs" / "how-to" / "recipes" / "calls-to-action-search.toml"


def resolved(**settings: Any) -> TrainingSettings:
    return TrainingSettings(**{"learning_rate": 2e-5, "num_train_epochs": 4.0, "dropout": 0.1, **settings})


def space(said: dict[str, Any], **settings: Any) -> Space:
    chosen = Settings().with_names({"space": said})
    return space_of(chosen, resolved(**settings), model_type="bert")


def test_a_familys_space_has_its_default_and_no_seed() -> None:
    found = space({})
    assert [one.name for one in found.dimensions] == [
        "learning_rate",
        "per_device_train_batch_size",
        "warmup_steps",
        "weight_decay",
        "dropout",
    ]
    rate = found.dimensions[0]
    assert (rate.low, rate.high, rate.log) == (5e-6, 8e-5, True)
    for one in found.dimensions:
        assert one.distribution()._contains(one.distribution().to_internal_repr(one.default))


def test_what_the_user_chose_belongs_to_the_space() -> None:
    found = family_space(resolved(per_device_train_batch_size=64, weight_decay=0.05), "roberta")
    assert found["per_device_train_batch_size"].choices == (16, 32, 64)
    assert found["weight_decay"].choices == (0.01, 0.05, 0.1)


@pytest.mark.parametrize("family", ["modernbert", "deberta-v2", "xlm-roberta", "distilbert"])
def test_every_family_has_a_space(family: str) -> None:
    assert family_space(resolved(), family)["learning_rate"].default == 2e-5


def test_values_ranges_and_nothing() -> None:
    found = space(
        {
            "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
            "num_train_epochs": [4, 6, 8],
            "freeze_layers": {"low": 0, "high": 6},
            "class_weights": ["none", "balanced"],
            "dropout": False,
        }
    )
    kinds = {one.name: one.distribution() for one in found.dimensions}
    assert kinds["learning_rate"] == optuna.distributions.FloatDistribution(1e-5, 1e-3, log=True)
    assert kinds["num_train_epochs"] == optuna.distributions.CategoricalDistribution((4, 6, 8))
    assert kinds["freeze_layers"] == optuna.distributions.IntDistribution(0, 6)
    assert "dropout" not in kinds
    assert found.default["num_train_epochs"] == 4
    assert found.default["class_weights"] == "none"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"seed": [1, 2]}, "luckiest seed"),
        ({"data_seed": [1, 2]}, "luckiest seed"),
        ({"learning_rat": [1e-5]}, "did you mean 'learning_rate'"),
        ({"learning_rate": {"low": 1, "high": 0}}, "is no range"),
        ({"learning_rate": {"low": 0, "high": 1, "log": True}}, "is no range"),
        ({"learning_rate": 1e-5}, "neither a list"),
        ({"weight_decay": [-1.0]}, "at least 0"),
        ({"text": ["a", "b"]}, "no setting of a training"),
        ({"lora_r": False}, "not searched anyway"),
        ({"metric_for_best_model": ["accuracy", "f1"]}, "one metric"),
        (dict.fromkeys(family_space(resolved(), "bert"), False), "nothing is left"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_a_reason(said: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        space(said)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsProblem) as caught:
        space({"seed": [1], "weight_decay": [-1.0]})
    assert str(caught.value).count("  - ") == 2


def test_a_grid_has_all_values_the_ends_the_middle_and_the_default() -> None:
    grid = space({"learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}, "dropout": False}).grid()
    assert grid["learning_rate"] == pytest.approx([1e-5, 2e-5, 1e-4, 1e-3])
    assert grid["per_device_train_batch_size"] == [16, 32]


def test_a_trials_settings_are_the_users_with_its_values() -> None:
    chosen = settled(Settings().with_names({"max_steps": 9, "weight_decay": 0.2}), {"num_train_epochs": 4})
    assert (chosen.training.max_steps, chosen.training.num_train_epochs) == (None, 4.0)
    assert chosen.training.weight_decay == 0.2


def test_the_recipe_of_the_tutorial_searches_its_five_settings() -> None:
    told = Settings.from_dict(tomllib.loads(RECIPE.read_text("utf-8")))
    found = space_of(told, resolved(), model_type="bert")
    assert {one.name: one.choices for one in found.dimensions} == {
        "learning_rate": (2e-5, 3e-5, 4e-5),
        "num_train_epochs": (4, 6, 8),
        "per_device_train_batch_size": (8, 16, 32),
        "warmup_steps": (0, 100, 500),
        "weight_decay": (0.01, 0.03, 0.05),
    }
    assert told.training.early_stopping_patience == 3
