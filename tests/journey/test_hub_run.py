"""A base model from a hub, from `run` to a trained classifier, and what is said when the hub has it not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hub_standin import HubStandin
from tests.journey.samples import Command

QUICK = ("--set", "num_train_epochs=1", "--set", "bf16=false")


def test_a_base_model_is_fetched_once_and_works_when_the_hub_is_gone(
    tiny: Path, data: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with HubStandin() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        commit = hub.add("someone/tiny", tiny)
        code, _, err = command("run", data, "--model", "someone/tiny", "--out", tmp_path / "run", *QUICK)
        assert (code, err) == (0, "")
        code, _, err = command("run", data, "--model", "someone/else", "--out", tmp_path / "other", *QUICK)
        assert code == 2
        assert "someone/else" in err
        assert not (tmp_path / "other").exists()
        hub.stop()
        code, _, err = command("run", data, "--model", "someone/tiny", "--out", tmp_path / "again", *QUICK)
        assert (code, err) == (0, "")
    assert f"someone/tiny@{commit}" in (tmp_path / "run" / "history.json").read_text("utf-8")
