"""A base model or data from a hub, from `run` to a trained classifier, and what is said when the hub has it not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.hub_standin import HubStandin
from tests.journey.samples import Command, labelled_rows, write_csv

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


def test_data_is_asked_for_once_a_run_and_called_by_its_address(
    tiny: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "posts").mkdir()
    write_csv(tmp_path / "posts" / "posts.csv", labelled_rows())
    address, run = "hf://datasets/lab/posts", tmp_path / "run"
    words = ("--model", tiny, *QUICK, "--out", run)
    with HubStandin() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add("datasets/lab/posts", tmp_path / "posts")
        code, out, err = command("train", address, *words)
        assert (code, err, f"from {address}" in " ".join(out.split())) == (0, "", True)
        asked = [request for request in hub.requests if "/api/datasets/" in request]
        assert len(asked) == 1, hub.requests
        assert command("train", address, *words)[0] == 0
    assert [source["path"] for source in json.loads((run / "manifest.json").read_text("utf-8"))["sources"]] == [address]
