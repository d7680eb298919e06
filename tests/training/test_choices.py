from __future__ import annotations

from dataclasses import replace

import pytest

from classifine.errors import SettingsProblem
from classifine.labels import LabelSpace
from classifine.model.catalogue import find
from classifine.settings import TrainingSettings
from classifine.training.choices import check_arguments, resolve, total_steps, training_arguments

SPACE = LabelSpace(("no", "yes"))
PLAIN = TrainingSettings(bf16=False)


def settled(chosen: TrainingSettings = PLAIN, *, rows: int = 1000, model: str = "minilm") -> TrainingSettings:
    return resolve(chosen, base=find(model), rows=rows, space=SPACE, model_type="bert")


def test_what_is_left_open_follows_the_base_model_and_the_rows() -> None:
    gbert = find("gbert-base")
    assert gbert is not None
    assert settled(model="gbert-base").learning_rate == gbert.learning_rate
    epochs = [settled(rows=rows).num_train_epochs for rows in (100, 700, 1500, 3000, 10_000)]
    assert epochs == sorted(epochs, key=lambda n: -(n or 0))
    assert settled(replace(PLAIN, learning_rate=1e-6, num_train_epochs=2.0)).learning_rate == 1e-6


def test_steps_are_those_of_the_trainer() -> None:
    chosen = replace(PLAIN, per_device_train_batch_size=8, gradient_accumulation_steps=2, num_train_epochs=3.0)
    # 21 rows: three batches, two updates an epoch
    assert total_steps(chosen, 21) == 6


def test_each_problem_is_named_at_once() -> None:
    chosen = replace(PLAIN, warmup_steps=5000.0, metric_for_best_model="makro_f1", fp16=True)
    with pytest.raises(SettingsProblem) as caught:
        settled(chosen)
    for word in ("warmup_steps", "makro_f1", "macro_f1", "fp16"):
        assert word in str(caught.value)


def test_deberta_never_trains_in_float16() -> None:
    with pytest.raises(SettingsProblem, match="DeBERTa"):
        resolve(replace(PLAIN, fp16=True), base=None, rows=100, space=SPACE, model_type="deberta-v2")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluation_strategy", "there is no setting"),
        ("output_dir", "--out"),
        ("eval_strategy", "each epoch"),
        ("x", "x"),
    ],
)
def test_arguments_nobody_has_or_that_are_ours_are_refused(name: str, words: str) -> None:
    with pytest.raises(SettingsProblem, match=words):
        check_arguments(replace(PLAIN, arguments={name: 1}))


def test_further_arguments_reach_the_trainer(tmp_path_factory: pytest.TempPathFactory) -> None:
    chosen = settled(replace(PLAIN, arguments={"adam_beta2": 0.98}))
    check_arguments(chosen)
    arguments = training_arguments(chosen, folder=str(tmp_path_factory.mktemp("out")), seed=5)
    assert (arguments.adam_beta2, arguments.seed, arguments.report_to) == (0.98, 5, [])
