from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.prediction.forking import Digests, Forks

from classifine.prediction.bulk import predict_file


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    server = Forks()
    yield server
    server.close()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Give a file of 1,000 rows in which texts repeat, some are blank, and cells need quotes."""
    return written(tmp_path / "many.csv")


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give what an undisturbed prediction makes of it, all at once."""
    folder = tmp_path_factory.mktemp("expected")
    predict_file(Digests(), written(folder / "many.csv"), folder / "out.csv", shard_rows=1000)
    return (folder / "out.csv").read_bytes()


def written(path: Path) -> Path:
    lots = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["n", "text"])
        for number in range(1000):
            text = "" if number % 97 == 5 else f'post {lots.randrange(700)}, "quoted"' + " word" * lots.randrange(9)
            rows.writerow([f"{number:04d}", text])
    return path
