"""On a Ray cluster, every row is scored and written once, also when a node dies in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_node_dies_and_every_row_is_there_once(many: Path, expected: bytes, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra [ray]")
    signs = tmp_path / "signs"
    signs.mkdir()
    words = [sys.executable, "-m", "tests.prediction.clustered", str(many), str(tmp_path / "out.csv"), str(signs)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-4000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith('{"path"')]  # Ray talks, too
    result = json.loads(line)
    assert (result["rows"], result["blank"]) == (1000, 11)
    assert result["shards"] == list(range(40))
    assert (tmp_path / "out.csv").read_bytes() == expected
    assert len(list(signs.iterdir())) >= 2  # both nodes had their part
