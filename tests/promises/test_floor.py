"""The oldest versions that pyproject.toml admits: the tests of models, training and journey pass on them.

CLASSIFINE_FLOOR_TORCH names another torch than the floor, for machines that cannot install that one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def floors() -> dict[str, str]:
    lines = [line for line in (ROOT / "floors.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def test_the_floors_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    promised = dict(line.split(">=") for line in project["dependencies"] if ">=" in line)
    pinned = floors()
    assert set(promised) == set(pinned)
    for name, least in promised.items():
        assert pinned[name].startswith(least), name


@pytest.mark.floor
@pytest.mark.timeout(3600)
def test_models_training_and_journey_work_on_the_floors(tmp_path: Path) -> None:
    pins = floors()
    pins["torch"] = os.environ.get("CLASSIFINE_FLOOR_TORCH", pins["torch"])
    constraints = tmp_path / "floors.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "-c", constraints]
    subprocess.run([*install, ROOT, "pytest>=8.4", "hypothesis", "pytest-timeout", "openpyxl", "pandas"], check=True)
    tests = ["tests/model", "tests/training", "tests/journey", "tests/test_verbs.py"]
    subprocess.run([python, "-m", "pytest", "-q", *tests], check=True, cwd=ROOT)
