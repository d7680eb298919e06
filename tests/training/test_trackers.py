from __future__ import annotations

import os
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from classifine.errors import PackageMissing, SettingsProblem
from classifine.training import trackers
from classifine.training.trackers import check_trackers, reporting_below, trackers_of


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    names: set[str] = set()
    monkeypatch.setattr(trackers, "find_spec", lambda name: ModuleSpec(name, None) if name in names else None)
    monkeypatch.setattr(trackers, "get_available_reporting_integrations", lambda: sorted(names))
    return names


@pytest.mark.parametrize(
    ("report_to", "found"),
    [("none", []), ([], []), (None, []), ("wandb", ["wandb"]), (["mlflow", "none"], ["mlflow"]), ("all", ["trackio"])],
)
def test_what_is_reported_to(report_to: Any, found: list[str], installed: set[str]) -> None:
    installed.update({"trackio", "comet_ml"})
    assert trackers_of({"report_to": report_to}) == found
    assert trackers_of({}) == []


def test_a_package_that_is_not_installed_is_one_error_with_its_line(installed: set[str]) -> None:
    installed.add("trackio")
    check_trackers({"report_to": "trackio"})
    with pytest.raises(PackageMissing, match="wandb") as raised:
        check_trackers({"report_to": ["wandb", "trackio", "codecarbon"]})
    assert raised.value.cure == "pip install wandb codecarbon"
    with pytest.raises(SettingsProblem, match="tensorboard"):
        check_trackers({"report_to": "tensorbord"})


def test_trackers_write_below_the_run_and_need_no_account(
    installed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_MODE", "WANDB_DIR", "MLFLOW_TRACKING_URI", "TENSORBOARD_LOGGING_DIR", "TRACKIO_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "online")
    before = dict(os.environ)
    with reporting_below(tmp_path, {"report_to": ["wandb", "mlflow"]}):
        assert os.environ["WANDB_MODE"] == "online"
        assert os.environ["WANDB_DIR"] == str(tmp_path / "logs")
        assert os.environ["MLFLOW_TRACKING_URI"] == (tmp_path / "logs" / "mlflow").as_uri()
        assert "TRACKIO_DIR" not in os.environ
        installed.add("sqlalchemy")
        monkeypatch.delenv("WANDB_MODE")
        with reporting_below(tmp_path, {"report_to": "wandb"}):
            assert os.environ["WANDB_MODE"] == "offline"
        monkeypatch.setenv("WANDB_MODE", "online")
    assert dict(os.environ) == before
    with reporting_below(tmp_path / "other", {}):
        assert not (tmp_path / "other").exists()
