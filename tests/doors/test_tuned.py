from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.journey.samples import typed

from classifine import tune
from classifine.cli.console import guarded
from classifine.cli.main import classifine as command
from classifine.data.splits.stored import learnable, stored_splits
from classifine.doors.tuned import tune_again
from classifine.durable import sha256
from classifine.errors import RunRefused, SettingsProblem, UsageError
from classifine.runs import RunFolder
from classifine.settings import read_settings
from classifine.tables import LabelledTexts
from classifine.tuning import objective as objective_file

QUICK: dict[str, Any] = {"num_train_epochs": 2, "bf16": False, "evaluations_per_epoch": 1, "frozen_baseline": False}
SEARCH = {**QUICK, "rated_by": "validation", "pruner": "none", "learning_rate": 2e-3}


def words(verb: str, what: Path, tiny: Path, out: Path, **settings: Any) -> list[str]:
    return typed(verb, what, model=tiny, out=out, **{**SEARCH, **settings})


@pytest.fixture(scope="module")
def tuned(data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "tuned"
    assert guarded(command, [*words("tune", data, tiny, out), "--trials", "3"]) == 0
    return RunFolder(out)


def account(run: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.trials.read_text("utf-8"))
    return found


def test_a_tuned_run_is_a_whole_run_with_the_winners_settings_and_classifier(tuned: RunFolder) -> None:
    told = account(tuned)
    assert tuned.finished
    assert (told["done"], told["counts"]) == (3, {"complete": 3, "pruned": 0, "failed": 0})
    best = next(row for row in told["trials"] if row["trial"] == told["best"])
    assert best["value"] == max(row["value"] for row in told["trials"])
    assert best["value"] == max(value for _, value in best["evaluations"])
    settings = read_settings(tuned.settings).to_dict()["training"]
    assert {name: settings[name] for name in best["settings"]} == best["settings"]
    history = json.loads(tuned.history.read_text("utf-8"))
    assert history["best"]["value"] == best["value"]
    assert history["tuned"]["trial"] == told["best"]
    assert not tuned.tuning.exists()
    assert tuned.read_manifest()["test_openings"] == 1
    assert "Search for settings" in tuned.report.read_text("utf-8")


def test_the_run_with_the_settings_of_the_winner_has_the_winners_weights(
    tuned: RunFolder, data: Path, tmp_path: Path
) -> None:
    again = RunFolder(tmp_path / "again")
    assert guarded(command, ["train", str(data), "--settings", str(tuned.settings), "--out", str(again.path)]) == 0
    assert sha256(again.model / "model.safetensors") == sha256(tuned.model / "model.safetensors")


def test_the_command_typed_again_does_nothing_and_more_trials_go_on(
    tuned: RunFolder, data: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, trials = tuned.read_manifest(), account(tuned)["trials"]
    assert guarded(command, [*words("tune", data, tiny, tuned.path), "--trials", "3"]) == 0
    assert tuned.read_manifest() == before
    assert guarded(command, [*words("tune", data, tiny, tuned.path, learning_rate=1e-3), "--trials", "3"]) == 73
    capsys.readouterr()
    assert guarded(command, [*words("tune", data, tiny, tuned.path), "--trials", "4"]) == 0
    assert "going on after 3 of 4 trials" in capsys.readouterr().out
    assert account(tuned)["trials"][:3] == trials
    assert len(account(tuned)["trials"]) == 4
    assert tuned.finished


def test_no_trial_depends_on_the_test_texts_and_none_is_read(
    tuned: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(tuned.settings)
    whole = pq.read_table(tuned.rows)
    part = pq.read_table(tuned.splits).column("split").to_pylist()
    test_texts = {text for text, where in zip(whole.column("text").to_pylist(), part, strict=True) if where == "test"}
    assert test_texts
    seen: set[str] = set()
    finetune: Any = vars(objective_file)["finetune"]

    def watched(train: LabelledTexts, validation: LabelledTexts, *rest: Any, **more: Any) -> Any:
        seen.update(train.texts, validation.texts)
        return finetune(train, validation, *rest, **more)

    monkeypatch.setattr(objective_file, "finetune", watched)
    # a run whose test texts cannot be read: their digests do not fit, so whoever opens them is refused
    other = RunFolder(tmp_path / "spoilt")
    other.path.mkdir()
    for name in ("manifest.json", "settings.toml", "splits.parquet", "audit.json"):
        (other.path / name).write_bytes((tuned.path / name).read_bytes())
    spoilt = [
        "unreadable" if where == "test" else text
        for text, where in zip(whole.column("text").to_pylist(), part, strict=True)
    ]
    place = whole.column_names.index("text")
    pq.write_table(whole.set_column(place, "text", pa.array(spoilt)), other.rows)
    manifest = other.read_manifest()
    manifest["stages"] = {"data": manifest["stages"]["data"]}
    manifest["stages"]["data"]["files"]["rows.parquet"] = sha256(other.rows)
    (other.path / "manifest.json").write_text(json.dumps(manifest))
    tune_again(other.path, {"trials": 3}, upto="train")
    assert seen
    assert not seen & (test_texts | {"unreadable"})
    mine, theirs = ([(row["settings"], row["value"]) for row in account(run)["trials"][:3]] for run in (tuned, other))
    assert mine == theirs
    assert learnable(other, settings).test.texts == ()
    assert learnable(other, settings).space.names == learnable(tuned, settings).space.names
    with pytest.raises(RunRefused, match="do not say"):
        stored_splits(other, settings)


def test_a_search_is_for_runs_with_a_folder_and_without_a_time_for_each_training(tuned: RunFolder) -> None:
    from classifine.tables import Splits

    splits: Splits = learnable(tuned, read_settings(tuned.settings))
    with pytest.raises(UsageError, match="needs a folder"):
        tune(splits)
    with pytest.raises(UsageError, match="in its place"):
        tune(tuned.path, out="elsewhere")
    before = tuned.read_manifest()
    with pytest.raises(SettingsProblem, match="up to 50 trials"):
        tune(tuned.path, trials=51, sampler="gp")
    assert tuned.read_manifest() == before
    with pytest.raises(SettingsProblem, match="none: learning_rate"):
        tune(tuned.path, learning_rate=1e-4)
    with pytest.raises(SettingsProblem, match="whole search"):
        tune(splits, out=tuned.path.parent / "timed", time_budget="1m")


def test_splits_are_tuned_by_folds_where_they_are_few_and_the_winner_is_trained_with_seeds(
    tuned: RunFolder, tiny: Path, tmp_path: Path
) -> None:
    splits = learnable(tuned, read_settings(tuned.settings))
    found = tune(
        splits,
        out=tmp_path / "run",
        trials=2,
        model=str(tiny),
        rated_times=2,
        finish="retrain-all",
        space={"learning_rate": [1e-3, 5e-3]} | dict.fromkeys(("warmup_steps", "weight_decay", "dropout"), False),
        **{**QUICK, "num_train_epochs": 1},
    )
    told = found.to_dict()
    assert (told["rated_by"], told["rated_times"], told["rows"]) == ("folds", 2, {"train": 54, "validation": 18})
    for row in told["trials"]:
        assert row["value"] == pytest.approx(sum(row["parts"]) / 2)
    assert told["repeats"]["of"] == "folds"
    assert len(told["finish"]["values"]) == 3
    middle = sorted(told["finish"]["values"])[1]
    assert told["finish"]["values"][told["finish"]["seeds"].index(told["finish"]["seed"])] == middle
    history = json.loads((found.run / "history.json").read_text("utf-8"))
    assert (history["retrained"]["texts"], history["retrained"]["folds"]) == (72, 5)
    assert pq.read_table(RunFolder(found.run).out_of_fold).num_rows == 72
    assert history["seed"] == told["finish"]["seed"]
    assert found.settings.training.retrain_on_all
    assert found.study.best_value == max(row["value"] for row in told["trials"])
    assert found.classifier.space.names == splits.space.names


@pytest.mark.kill
@pytest.mark.timeout(3600)
def test_twenty_kills_over_twelve_trials_change_nothing(data: Path, tiny: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def started(out: Path) -> subprocess.Popen[str]:
        given = [*words("tune", data, tiny, out), "--trials", "12"]
        command = [sys.executable, "-m", "classifine", *given]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    whole, killed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    process = started(whole.path)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    seconds = whole.read_manifest()["stages"]["train"]["seconds"] / 12
    lots = random.Random(20)
    for _ in range(20):
        process = started(killed.path)
        assert process.stdout is not None
        while "trials, rated by" not in (line := process.stdout.readline()):
            assert line, process.communicate()[1]
        # a third of the sessions does a trial, so that twenty of them do not do all twelve
        time.sleep(lots.uniform(0, 1.5) * seconds)
        process.kill()
        process.communicate()
    process = started(killed.path)
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    mine, theirs = account(whole), account(killed)
    assert theirs["done"] == sum(theirs["counts"].values()) == 12
    assert [(row["settings"], row["value"]) for row in mine["trials"]] == [
        (row["settings"], row["value"]) for row in theirs["trials"]
    ]
    assert sha256(killed.model / "model.safetensors") == sha256(whole.model / "model.safetensors")
    assert killed.finished
    assert not list(killed.path.glob("**/*.partial"))
