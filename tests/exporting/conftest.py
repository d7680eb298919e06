from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trained(tiny: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is trained and not evaluated; nobody writes into it."""
    from classifine.cli.console import guarded
    from classifine.cli.main import classifine

    run = tmp_path_factory.mktemp("trained") / "run"
    words = ["train", str(data), "--model", str(tiny), "--out", str(run), "--set", "num_train_epochs=10"]
    assert guarded(classifine, [*words, "--set", "bf16=false", "--set", "learning_rate=0.003"]) == 0
    return run
