from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.journey.samples import labelled_rows, write_csv

from classifine import TextClassifier, read, split, train
from classifine.courses import folding
from classifine.courses.folding import CrossValidation, check_folds
from classifine.data.labelled import silent
from classifine.durable import sha256
from classifine.errors import SettingsProblem
from classifine.evaluation.seeds import over_folds
from classifine.journey import train_run
from classifine.reporting.render import render
from classifine.reporting.summary import summarise
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.tables import Splits
from classifine.training.checkpoints import Checkpoints

QUICK: dict[str, Any] = {
    **{"num_train_epochs": 1, "bf16": False, "evaluations_per_epoch": 1, "frozen_baseline": False, "threads": 1},
    **{"learning_rate": 2e-3, "folds": 3},
}


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    data = write_csv(tmp_path_factory.mktemp("data") / "data.csv", labelled_rows(60))
    return split(read(str(data)))


@pytest.fixture(scope="module")
def settings(tiny: Path) -> Settings:
    return Settings().with_names({**QUICK, "model": str(tiny)})


def validated(splits: Splits, settings: Settings, folder: Path) -> CrossValidation:
    scratch = Checkpoints(folder / "checkpoints", quarantine=folder / "quarantine", tell=lambda line: None)
    return CrossValidation(splits, settings, path=folder / "folds.json", scratch=scratch)


def test_each_fold_is_scored_by_a_training_that_saw_none_of_it_and_is_not_scored_twice(
    splits: Splits, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course: Any = vars(folding)["Course"]
    seen: list[tuple[set[str], set[str]]] = []

    def watched(train: Any, validation: Any, *rest: Any, **more: Any) -> Any:
        seen.append((set(train.texts), set(validation.texts)))
        return course(train, validation, *rest, **more)

    monkeypatch.setattr(folding, "Course", watched)
    told = validated(splits, settings, tmp_path).run(silent)
    learnable = {*splits.train.texts, *splits.validation.texts}
    scored = [learnable - train - validation for train, validation in seen]
    assert set().union(*scored) == learnable
    assert sum(map(len, scored)) == len(learnable)
    assert all(train and validation and not train & validation for train, validation in seen)
    assert not set().union(*(train | validation for train, validation in seen)) & set(splits.test.texts)
    kept = json.loads((tmp_path / "folds.json").read_text("utf-8"))
    values = [fold["scores"]["macro_f1"] for fold in kept["folds"]]
    assert told["mean"] == pytest.approx(statistics.mean(values))
    expected = over_folds(values, training_rows=32, test_rows=16)
    assert (told["low"], told["high"]) == (pytest.approx(expected.low), pytest.approx(expected.high))

    # what was scored before a kill is there; only what is missing is trained
    whole = (tmp_path / "folds.json").read_bytes()
    (tmp_path / "folds.json").write_text(json.dumps({"folds": kept["folds"][:2]}), "utf-8")
    seen.clear()
    assert validated(splits, settings, tmp_path).run(silent) == told
    assert len(seen) == 1
    again, before = (json.loads(content)["folds"] for content in ((tmp_path / "folds.json").read_bytes(), whole))
    assert [fold["scores"] for fold in again] == [fold["scores"] for fold in before]
    assert not (tmp_path / "checkpoints" / "fold-1-1").exists()


def test_a_run_with_folds_has_the_classifier_of_one_without_and_tells_of_them(
    splits: Splits, settings: Settings, tmp_path: Path
) -> None:
    runs = {}
    for folds in (2, None):
        runs[folds] = RunFolder(tmp_path / f"{folds}")
        chosen = replace(settings, training=replace(settings.training, folds=folds))
        train_run(runs[folds], splits, Source.of_memory(splits), chosen)
    assert len({sha256(run.model / "model.safetensors") for run in runs.values()}) == 1
    told = json.loads(runs[2].history.read_text("utf-8"))["folds"]
    assert (told["k"], told["repeats"], len(told["values"])) == (2, 1, 2)
    page = render(summarise(runs[2]))
    assert "Over 2 folds of the training and validation texts" in page
    assert '<section id="folds">' not in render(summarise(runs[None]))


def test_texts_divided_by_time_have_no_folds() -> None:
    check_folds(Settings().with_names({"time": "day"}))
    with pytest.raises(SettingsProblem, match="divided by time"):
        check_folds(Settings().with_names({"time": "day", "folds": 3}))


def test_folds_and_seeds_are_refused_where_they_would_be_left_out(splits: Splits, settings: Settings) -> None:
    with pytest.raises(SettingsProblem, match="in a run folder"):
        train(splits, model=settings.model.model, folds=2)
    texts, labels = list(splits.train.texts), list(splits.train.labels)
    for further in ({"seeds": 2}, {"folds": 2}):
        with pytest.raises(SettingsProblem, match="trained once"):
            TextClassifier(settings.model.model, settings=further).fit(texts, labels)
