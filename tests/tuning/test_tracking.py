from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from classifine.tuning.tracking import search_reported, trial_reported

NAMES = ("TENSORBOARD_LOGGING_DIR", "WANDB_RUN_GROUP", "WANDB_MODE", "MLFLOW_NESTED_RUN", "MLFLOW_TRACKING_URI")


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_each_trial_has_a_run_of_its_own_below_the_run_folder(tmp_path: Path) -> None:
    arguments = {"report_to": ["tensorboard", "wandb"], "adam_beta2": 0.98}
    with search_reported(tmp_path, arguments, "search of posts"):
        assert os.environ["WANDB_RUN_GROUP"] == "search of posts"
        assert os.environ["WANDB_MODE"] == "offline"
        folders = []
        for number in (0, 1):
            with trial_reported(number, arguments) as chosen:
                assert chosen == {**arguments, "run_name": f"trial {number}"}
                folders.append(Path(os.environ["TENSORBOARD_LOGGING_DIR"]))
    assert [folder.name for folder in folders] == ["trial 0", "trial 1"]
    assert all(folder.is_relative_to(tmp_path.resolve() / "logs") for folder in folders)
    assert not set(NAMES) & set(os.environ)


def test_mlflow_nests_the_trials_in_a_run_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    @contextlib.contextmanager
    def start_run(run_name: str) -> Iterator[None]:
        heard.append(f"begin {run_name}")
        yield
        heard.append("end")

    standin = SimpleNamespace(start_run=start_run, set_tracking_uri=lambda address: heard.append(str(address)))
    monkeypatch.setitem(sys.modules, "mlflow", standin)
    with search_reported(tmp_path, {"report_to": "mlflow"}, "posts"):
        assert os.environ["MLFLOW_NESTED_RUN"] == "TRUE"
    assert heard[0].endswith("mlflow.db")
    assert heard[1:] == ["begin posts", "end"]


def test_what_the_user_has_set_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_GROUP", "mine")
    with search_reported(tmp_path, {"report_to": "wandb"}, "posts"):
        assert os.environ["WANDB_RUN_GROUP"] == "mine"
    assert os.environ["WANDB_RUN_GROUP"] == "mine"


def test_without_trackers_nothing_changes(tmp_path: Path) -> None:
    before = dict(os.environ)
    with search_reported(tmp_path, {}, "posts"), trial_reported(3, {"adam_beta2": 0.98}) as chosen:
        assert chosen == {"adam_beta2": 0.98}
        assert dict(os.environ) == before
    assert not list(tmp_path.iterdir())
