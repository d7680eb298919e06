from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import tiny_model
from tests.training.test_finetune import EXACT, SPACE, TRAIN, VALIDATION, tuned, weights_of
from transformers import TrainerCallback

from classifine import durable
from classifine.courses import all_texts as all_texts_file
from classifine.courses import course as course_file
from classifine.courses.course import Course
from classifine.errors import SettingsProblem, TrainingFailed
from classifine.evaluation.calibration import fit_calibration, logits_of
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import OUT_OF_FOLD, LabelledTexts
from classifine.training.checkpoints import Checkpoints
from classifine.training.finetune import FineTuned, finetune
from classifine.training.watching import Diverged

# the weights are those of the training itself, and some of these trainings have no classifier
COURSE = {"num_train_epochs": 2, "calibration": "none"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bert") / "base", "bert")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def course(bert: Path, tmp_path: Path, said: list[str]) -> Callable[..., Course]:
    def make(**settings: Any) -> Course:
        chosen = Settings(seed=7).with_names({**EXACT, **COURSE, "model": str(bert), **settings})
        kept = Checkpoints(tmp_path / "checkpoints", quarantine=tmp_path / "quarantine", tell=said.append)
        return Course(TRAIN, VALIDATION, SPACE, resolve(str(bert)), chosen, scratch=kept)

    return make


def test_measuring_changes_no_bit_of_the_training(course: Callable[..., Course], bert: Path, said: list[str]) -> None:
    # per epoch: 6 updates, of which measuring does some; with dropout, random states matter
    settings: dict[str, Any] = {"per_device_train_batch_size": 8, "dropout": 0.1, "warmup_steps": 3.0}
    found = course(time_budget="1h", **settings).run()
    assert torch.equal(weights_of(found), weights_of(tuned(bert, num_train_epochs=2, **settings)))
    told = found.history["time_budget"]
    assert (told["asked"], told["epochs"], told["most"]) == ("1h", 2, 2)
    assert 0 < told["epoch_seconds"] < 60
    assert len([line for line in said if "all 2 epochs fit" in line]) == 1


def test_too_little_time_is_refused_with_what_an_epoch_takes(course: Callable[..., Course]) -> None:
    with pytest.raises(SettingsProblem, match="one epoch takes about"):
        course(time_budget="0.001s").run()


def test_a_course_that_goes_on_measures_nothing_anew(
    course: Callable[..., Course], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    course(time_budget="1h")._note(plan={"asked": "1h", "epoch_seconds": 1200.0, "epochs": 1.0, "most": 2.0})
    found = course(time_budget="1h").run()
    assert found.history["training"]["num_train_epochs"] == 1
    assert not said


# ---------------------------------------------------------------- another seed


class Trainings:
    """Stands in for trainings; each ends as the next of ``ends`` says."""

    def __init__(self, *ends: dict[str, Any] | BaseException) -> None:
        self.ends = list(ends)
        self.seeds: list[int] = []
        self.folders: list[str] = []

    def __call__(self, *parts: Any, scratch: Checkpoints, **further: Any) -> FineTuned:
        self.seeds.append(parts[4].seed)
        self.folders.append(scratch.folder.name)
        end = self.ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        classifier: Any = None
        return FineTuned(classifier, {"training": {}, "seconds": 1.0, "seed": parts[4].seed, **end})


def ended(*, predicted: int = 3, updates: int = 60) -> dict[str, Any]:
    row = {"step": updates, "train_loss": 0.2, "accuracy": 0.9, "labels_predicted": predicted}
    return {"epochs": [row], "best": {"step": updates}}


NAN = Diverged(float("nan"), 12)
COLLAPSED = ended(predicted=1)


@pytest.mark.parametrize("first", [NAN, COLLAPSED])
def test_a_training_that_came_to_nothing_is_done_once_more_with_another_seed(
    first: Any, course: Callable[..., Course], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = Trainings(first, ended())
    monkeypatch.setattr(course_file, "finetune", trainings)
    history = course().run().history
    assert (trainings.seeds, trainings.folders) == ([7, 8], ["checkpoints", "another-seed"])
    assert (history["seed"], history["restarted"]["seed"], history["restarted"]["again"]) == (8, 7, 8)
    assert "warnings" not in history
    assert "once more with seed 8" in said[0]


def test_one_that_is_stopped_in_its_second_try_goes_on_with_that(
    course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_file, "finetune", Trainings(NAN, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        course().run()
    trainings = Trainings(ended())
    monkeypatch.setattr(course_file, "finetune", trainings)
    assert course().run().history["restarted"]["seed"] == 7
    assert (trainings.seeds, trainings.folders) == ([8], ["another-seed"])


def test_a_second_failure_is_an_error_or_a_classifier_with_a_warning(
    course: Callable[..., Course], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_file, "finetune", Trainings(COLLAPSED, NAN))
    with pytest.raises(TrainingFailed, match="failed twice, with seeds 7 and 8: the training loss is nan") as raised:
        course().run()
    assert "one label" in str(raised.value.found)
    (tmp_path / "checkpoints" / "course.json").unlink()
    monkeypatch.setattr(course_file, "finetune", Trainings(NAN, COLLAPSED))
    assert "came to nothing twice" in course().run().history["warnings"][0]


@pytest.mark.parametrize(
    ("end", "settings"), [(ended(predicted=1, updates=20), {}), (COLLAPSED, {"time_budget": "1s"})]
)
def test_where_it_was_too_short_or_time_is_up_it_is_only_said(
    end: dict[str, Any], settings: dict[str, Any], course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course_file, "finetune", Trainings(end))
    made = course(**settings)
    made._note(plan={"asked": "1s", "epoch_seconds": 1.0, "epochs": 1.0, "most": 2.0})
    history = made.run().history
    assert "one label" in history["warnings"][0]
    assert "restarted" not in history


# ---------------------------------------------------------------- all texts


def test_with_all_texts_it_does_as_many_updates_as_the_best_evaluation_had_seen(
    course: Callable[..., Course], bert: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    settings: dict[str, Any] = {"per_device_train_batch_size": 8, "num_train_epochs": 4, "learning_rate": 5e-3}
    rates: list[list[float]] = []
    run = finetune

    def watched(*parts: Any, **named: Any) -> FineTuned:
        rates.append([])
        rate = Rates(rates[-1])
        return run(*parts, **{**named, "watchers": [rate, *named.get("watchers", ())]})

    for file in (course_file, all_texts_file):
        monkeypatch.setattr(file, "finetune", watched)
    found = course(retrain_on_all=True, **settings).run()
    best = found.history["best"]["step"]
    assert found.history["retrained"] | {"seconds": 0} == {"texts": 63, "updates": best, "seconds": 0}
    # the same learning rates, update by update
    assert len(rates[1]) == best
    assert rates[1] == rates[0][:best]
    assert "63 training and validation texts" in said[0]
    again = course(retrain_on_all=True, **settings).run()
    assert torch.equal(weights_of(found), weights_of(again))
    alone = tuned(bert, **settings)
    assert found.history["epochs"] == alone.history["epochs"]
    assert not torch.equal(weights_of(found), weights_of(alone))


class Rates(TrainerCallback):
    """Notes the learning rate of each update."""

    def __init__(self, noted: list[float]) -> None:
        self.noted = noted

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        self.noted.append(named["lr_scheduler"].get_last_lr()[0])


def test_a_classifier_of_all_texts_keeps_the_calibration_of_the_training_before(
    course: Callable[..., Course], tmp_path: Path
) -> None:
    first = course(calibration="temperature").run().classifier
    durable.remove(tmp_path / "checkpoints")
    again = course(calibration="temperature", retrain_on_all=True).run().classifier
    # not fitted to texts that it was trained on in the end
    assert first.calibration is not None
    assert first.calibration.n == len(VALIDATION)
    assert again.calibration == first.calibration
    assert not torch.equal(again.backend.model.classifier.weight, first.backend.model.classifier.weight)


def test_texts_held_out_of_further_trainings_are_what_a_classifier_of_all_texts_is_calibrated_by(
    course: Callable[..., Course], monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    seen: list[tuple[str, ...]] = []
    run = finetune

    def watched(train: LabelledTexts, *parts: Any, **named: Any) -> FineTuned:
        seen.append(train.texts)
        return run(train, *parts, **named)

    monkeypatch.setattr(all_texts_file, "finetune", watched)
    asked: dict[str, Any] = {"calibration": "temperature", "retrain_on_all": True, "retrain_folds": 3}
    found = course(**asked).run()
    held, known = found.held_out, found.classifier.calibration
    assert held is not None
    assert known is not None
    assert found.history["retrained"]["folds"] == 3
    texts = [*TRAIN.texts, *VALIDATION.texts]
    assert (list(held.texts), held.split) == (texts, OUT_OF_FOLD)
    assert known.n == len(texts)
    # three trainings, each without the texts of one part, and the last one with all
    assert len(seen) == 4
    left_out = [set(texts) - set(one) for one in seen]
    assert left_out[3] == set()
    assert set.union(*left_out) == set(texts)
    assert sum(len(one) for one in left_out) == len(texts)
    # raw probabilities from which the same calibration follows
    raw = logits_of(known.raw_probabilities(held.probabilities), several=False)
    truth = found.classifier.space.ids([str(label) for label in held.truth])
    assert fit_calibration(raw, truth, "temperature").temperatures == pytest.approx(known.temperatures, rel=1e-6)
    assert len([line for line in said if "without fold" in line]) == 3
    # what was held out is kept, and not trained for again
    assert course(**asked).run().held_out is not None
    assert len(seen) == 5
