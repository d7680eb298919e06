from __future__ import annotations

from pathlib import Path

import pytest
from tests.journey.samples import Command, labelled_rows, write_csv


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "data.csv", labelled_rows())


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process; gives exit code, standard output and standard error."""
    from classifine.cli.console import guarded
    from classifine.cli.main import classifine

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = guarded(classifine, [str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run
