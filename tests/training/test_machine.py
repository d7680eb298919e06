from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from classifine.model import cores as allowed
from classifine.model.cores import cores, quota
from classifine.training import machine
from classifine.training.machine import device_name, threads_set


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("own", "files", "wanted"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "max 100000"}, 2.0),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "50000 100000"}, 0.5),
        (
            "4:cpu,cpuacct:/c\n3:memory:/c\n",
            {"cpu/c/cpu.cfs_quota_us": "300000", "cpu/c/cpu.cfs_period_us": "100000"},
            3,
        ),
        ("4:cpu,cpuacct:/c\n", {"cpu/c/cpu.cfs_quota_us": "-1", "cpu/c/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
)
def test_the_quota_is_that_of_the_cgroup_and_of_those_around_it(
    own: str, files: dict[str, str], wanted: float | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        write(tmp_path / "cgroups" / name, text)
    write(tmp_path / "own", own)
    assert quota(tmp_path / "cgroups", tmp_path / "own") == wanted
    assert quota(tmp_path / "nowhere", tmp_path / "nothing") is None


def test_threads_follow_the_quota_the_processes_and_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    with threads_set(3) as number:
        assert number == torch.get_num_threads() == 3
        monkeypatch.setattr(machine, "quota", lambda: 1.5)
        with threads_set(None) as fewer:
            assert fewer == torch.get_num_threads() == 1
        monkeypatch.setattr(machine, "quota", lambda: None)
        with threads_set(None) as same:
            assert same == 3
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
        with threads_set(None) as each:
            assert each == 4
    assert torch.get_num_threads() == before
    monkeypatch.setattr(allowed, "quota", lambda: 2.7)
    assert cores() == 2


def test_the_processor_is_taken_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    assert (device_name(use_cpu=False), device_name(use_cpu=True)) == ("cuda", "cpu")
