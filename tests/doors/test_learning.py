from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.journey.samples import typed

from classifine import learning_curve
from classifine.cli.console import guarded
from classifine.cli.main import classifine as command
from classifine.courses.rated import Rated, Rater
from classifine.data.splits.stored import learnable
from classifine.errors import RunRefused, SettingsProblem, UsageError
from classifine.runs import RunFolder
from classifine.settings import read_settings
from classifine.tables import LabelledTexts

SIZES = "12,20,30,42,54"


def words(data: Path, tiny: Path, out: Path, *more: str) -> list[str]:
    return [*typed("learning-curve", data, model=tiny, out=out, bf16=False, max_steps=1), *more]


CHEAP = ("--classifier", "tfidf", "--seeds", "2", "--sizes", SIZES)


@pytest.fixture(scope="module")
def drawn(data: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "drawn"
    assert guarded(command, words(data, tiny, out, *CHEAP)) == 0
    return RunFolder(out)


def stored(run: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.curve.read_text("utf-8"))
    return found


def test_the_curve_of_data_is_kept_in_a_run_that_may_go_on(drawn: RunFolder) -> None:
    found = stored(drawn)
    assert found["finished"]
    assert [row["texts"] for row in found["classifiers"][0]["means"]] == [12, 21, 30, 42, 54]
    assert len(found["trainings"]) == 10
    assert found["classifiers"][0]["more_labels"]["sentence"].startswith("How many more labels would bring 2 points")
    assert "learning curve" in drawn.curve_page.read_text("utf-8")
    manifest = drawn.read_manifest()
    assert (list(manifest["stages"]), manifest["test_openings"]) == (["data"], 0)
    assert not (drawn.path / "learning_curve").exists()


def test_typed_again_nothing_is_trained_and_another_metric_needs_no_training(
    drawn: RunFolder, data: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = drawn.curve.read_bytes()

    def never(self: Rater, name: str, train: LabelledTexts, seed: int) -> Rated:
        raise AssertionError

    monkeypatch.setattr(Rater, "rate", never)
    assert guarded(command, words(data, tiny, drawn.path, *CHEAP)) == 0
    told = capsys.readouterr().out
    assert "10 of 10 trainings were done before" in told
    assert "cannot be said" in told
    assert drawn.curve.read_bytes() == before
    assert guarded(command, ["learning-curve", str(drawn.path), *CHEAP, "--metric", "accuracy", "--gain", "1"]) == 0
    assert "1 point" in capsys.readouterr().out
    assert stored(drawn)["metric"] == "accuracy"


def test_no_training_and_no_score_sees_a_test_text(
    drawn: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pq.read_table(drawn.rows)
    part = pq.read_table(drawn.splits).column("split").to_pylist()
    test = {text for text, where in zip(table.column("text").to_pylist(), part, strict=True) if where == "test"}
    assert len(test) == 18
    seen: list[set[str]] = []
    rate = Rater.rate

    def watched(self: Rater, name: str, train: LabelledTexts, seed: int) -> Rated:
        seen.append({*train.texts, *self.validation.texts})
        return rate(self, name, train, seed)

    monkeypatch.setattr(Rater, "rate", watched)
    splits = learnable(drawn, read_settings(drawn.settings))
    found = learning_curve(
        splits,
        out=tmp_path / "run",
        classifiers=["tfidf"],
        sizes=[12, 20, 30, 42, 54],
        seeds=1,
        model=str(read_settings(drawn.settings).model.model),
    )
    assert len(seen) == 5
    assert not set.union(*seen) & test
    assert found.more_labels is not None
    assert found.curves["tfidf"] is not None
    assert found.lines[0] == found.more_labels.sentence


def test_a_killed_curve_goes_on_after_its_last_whole_training(data: Path, tiny: Path, tmp_path: Path) -> None:
    """Fine-tuning, killed as its third training begins."""
    out = tmp_path / "run"
    given = words(data, tiny, out, "--classifier", "finetuned", "--seeds", "1", "--sizes", SIZES)
    killing = (
        "import os, signal, sys\n"
        "from classifine.cli.console import guarded\n"
        "from classifine.cli.main import classifine\n"
        "from classifine.courses.rated import Rater\n"
        "rate, done = Rater.rate, []\n"
        "def dying(*of):\n"
        "    done.append(of)\n"
        "    return os.kill(os.getpid(), signal.SIGKILL) if len(done) == 3 else rate(*of)\n"
        "Rater.rate = dying\n"
        "guarded(classifine, sys.argv[1:])\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, "-c", killing, *given], capture_output=True, timeout=120, env=environment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    run = RunFolder(out)
    first = stored(run)
    assert not first["finished"]
    assert [one["size"] for one in first["trainings"]] == [12, 20]
    assert guarded(command, given) == 0
    assert stored(run)["trainings"][:2] == first["trainings"]
    assert [one["size"] for one in stored(run)["trainings"]] == [12, 20, 30, 42, 54]
    assert not (run.path / "learning_curve").exists()


def test_files_of_others_are_left_alone(drawn: RunFolder, data: Path, tiny: Path, tmp_path: Path) -> None:
    out = RunFolder(tmp_path / "run")
    assert guarded(command, words(data, tiny, out.path, *CHEAP)) == 0
    out.curve.write_text('{"mine": true}')
    with pytest.raises(RunRefused, match="2 files would be overwritten"):
        learning_curve(out.path, classifiers=["tfidf"])
    assert json.loads(out.curve.read_text()) == {"mine": True}


def test_what_cannot_be_asked_is_refused_before_anything_is_trained(drawn: RunFolder) -> None:
    before = drawn.curve.read_bytes()
    splits = learnable(drawn, read_settings(drawn.settings))
    asked: list[tuple[str, dict[str, Any]]] = [
        ("drawn of certain classifiers", {"classifiers": ["bert"]}),
        ("the gain is not possible", {"gain": 2}),
        ("number of seeds", {"seeds": 0}),
        ("cannot be drawn in 'log_loss'", {"metric": "log_loss"}),
        ("cannot have these sizes", {"sizes": [1, 2, 3, 4, 55]}),
    ]
    for problem, given in asked:
        with pytest.raises(SettingsProblem, match=problem):
            learning_curve(drawn.path, **{"classifiers": ["tfidf"], **given})
    with pytest.raises(UsageError, match="has its settings"):
        learning_curve(drawn.path, learning_rate=1e-3)
    with pytest.raises(UsageError, match="in its folder"):
        learning_curve(drawn.path, out="elsewhere")
    with pytest.raises(UsageError, match="needs a folder"):
        learning_curve(splits)
    assert guarded(command, ["learning-curve", str(drawn.path), "--set", "learning_rate=1"]) == 2
    assert drawn.curve.read_bytes() == before


def test_where_time_is_too_short_for_a_curve_that_is_said(
    data: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = Rater.rate

    def slow(self: Rater, name: str, train: LabelledTexts, seed: int) -> Rated:
        rated = rate(self, name, train, seed)
        return Rated(rated.scores, rated.decided, 20.0, rated.notes)

    monkeypatch.setattr(Rater, "rate", slow)
    assert guarded(command, words(data, tiny, tmp_path / "run", *CHEAP, "--time-budget", "50s")) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "8 trainings did not fit into 50s" in told
    assert "there was time for 2 sizes only" in told
