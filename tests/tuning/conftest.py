from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory where there is one: a database waits for the disc after every line."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="classifine-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
