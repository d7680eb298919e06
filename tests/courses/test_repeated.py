from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score
from tests.journey.samples import typed

from classifine.cli.console import guarded
from classifine.cli.main import classifine as command
from classifine.courses.repeated import Shelf
from classifine.durable import sha256
from classifine.errors import DiscError
from classifine.reporting.render import render
from classifine.reporting.seeds_view import seeds_of
from classifine.reporting.summary import summarise
from classifine.runs import RunFolder
from classifine.tables import Predictions

QUICK = {"num_train_epochs": 2, "bf16": "false", "evaluations_per_epoch": 1, "frozen_baseline": "false", "threads": 1}
SEEDS = [42, 44, 46]


def words(verb: str, data: Path, tiny: Path, out: Path, **settings: Any) -> list[str]:
    return typed(verb, data, model=tiny, out=out, **{**QUICK, "learning_rate": 2e-3, **settings})


@pytest.fixture(scope="module")
def run(data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "seeds"
    assert guarded(command, [*words("run", data, tiny, out), "--seeds", "3"]) == 0
    return RunFolder(out)


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_the_median_seed_is_kept_and_the_validation_values_are_those_of_each(run: RunFolder) -> None:
    seeds = told(run.history)["seeds"]
    assert seeds["seeds"] == SEEDS
    assert seeds["mean"] == pytest.approx(statistics.mean(seeds["values"]))
    assert seeds["sd"] == pytest.approx(statistics.stdev(seeds["values"]))
    assert dict(zip(SEEDS, seeds["values"], strict=True))[seeds["seed"]] == statistics.median(seeds["values"])
    of_each = [told(run.seeds / f"seed-{seed}" / "history.json")["history"] for seed in SEEDS]
    assert [history["best"]["value"] for history in of_each] == seeds["values"]
    assert [history["seed"] for history in of_each] == SEEDS
    kept, own = run.seeds / f"seed-{seeds['seed']}" / "model", run.model
    assert sha256(kept / "model.safetensors") == sha256(own / "model.safetensors")


def test_the_scorecard_scores_each_seed_on_the_test_texts_which_are_opened_once(run: RunFolder) -> None:
    found = told(run.scorecard)["seeds"]
    assert found["seeds"] == SEEDS
    values = []
    for seed in SEEDS:
        predictions = Predictions.from_arrow(pq.read_table(run.predictions / f"test.seed-{seed}.parquet"))
        values.append(f1_score(predictions.truth, predictions.predicted, average="macro", zero_division=0))
    assert found["values"] == pytest.approx(values)
    assert (found["mean"], found["sd"]) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)))
    assert run.read_manifest()["test_openings"] == 1
    own = told(run.scorecard)["scores"]["model"]["macro_f1"]["value"]
    assert own == pytest.approx(values[SEEDS.index(found["kept"])])


def test_seeds_that_are_there_are_not_trained_again_after_a_kill(
    run: RunFolder, data: Path, tiny: Path, tmp_path: Path
) -> None:
    killed = RunFolder(tmp_path / "killed")
    asked = [*words("train", data, tiny, killed.path), "--seeds", "3"]
    first = killed.seeds / "seed-42" / "history.json"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "classifine", *asked], stdout=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 120
    while not first.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.model.exists()
    before = first.stat().st_mtime_ns
    assert guarded(command, asked) == 0
    assert first.stat().st_mtime_ns == before
    assert sha256(killed.model / "model.safetensors") == sha256(run.model / "model.safetensors")
    assert told(killed.history)["seeds"] == told(run.history)["seeds"]
    assert not list(killed.path.glob("**/*.partial"))


def test_the_terminal_tells_of_the_seeds_and_a_classifier_that_is_gone_is_said(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = RunFolder(shutil.copytree(run.path, tmp_path / "copied"))
    assert guarded(command, ["evaluate", str(copied.path)]) == 0
    assert "Over 3 seeds: macro-F1" in " ".join(capsys.readouterr().out.split())
    shutil.rmtree(copied.seeds / "seed-44")
    assert guarded(command, ["evaluate", str(copied.path)]) == 0
    assert "the classifier of seed 44 is gone" in " ".join(capsys.readouterr().out.split())
    assert "seeds" not in told(copied.scorecard)


def test_other_verbs_keep_to_one_training(
    data: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(command, words("tune", data, tiny, tmp_path / "tuned", seeds=3)) == 2
    assert "finish_seeds" in capsys.readouterr().err


def test_a_disc_that_cannot_hold_all_classifiers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiscError, match="so many seeds"):
        Shelf(tmp_path / "seeds").require_room(10**18, 3, for_what="so many seeds", holds="all")


def test_the_report_shows_each_seed_and_which_one_was_kept(run: RunFolder) -> None:
    page = run.report.read_text("utf-8")
    seeds, card = told(run.history)["seeds"], told(run.scorecard)["seeds"]
    section = page[page.index('<section id="seeds">') :].partition("</section>")[0]
    assert f"{seeds['seed']} (kept)" in section
    for value in (*seeds["values"], *card["values"], card["low"], card["high"], card["mean"], card["sd"]):
        if value is not None:
            assert f"{abs(value):.3f}" in section
    assert '<section id="seeds">' not in render(replace(summarise(run), seeds=None))
    stamped = seeds_of(seeds, {**card, "contaminated": True})
    assert "contaminated" in render(replace(summarise(run), seeds=stamped))
    assert "contaminated" not in section
