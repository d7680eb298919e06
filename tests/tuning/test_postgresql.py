from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from tests.tuning.studies import search

ROOT = Path(__file__).parents[2]


def program(name: str) -> str | None:
    """Find a program of PostgreSQL, also where Debian puts it."""
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(there[-1]) if there else None)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """Start a server of its own that listens on this machine only; give its address."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'classifine[postgresql]'")
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="classifine-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        # the server refuses to run as root
        other: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
        if other:
            shutil.chown(folder, "nobody")
        place = Path(folder) / "data"
        words = [initdb, "--pgdata", str(place), "--username", "tester", "--auth", "trust", "--no-sync"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=folder, **other)
        words = [postgres, "-D", str(place), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder]
        server = subprocess.Popen(
            [*words, "-c", "fsync=off"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **other
        )
        try:
            wait_for(port, server)
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for clients
            server.wait(timeout=30)


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(200):
        assert server.poll() is None, "the server ended"
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="tester", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server does not answer")


@pytest.mark.slow
def test_two_workers_share_a_study_and_one_of_them_dies(postgresql: str) -> None:
    words = [sys.executable, "-m", "tests.tuning.studies", "silence", postgresql]
    subprocess.run(words, check=True, cwd=ROOT, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = search(postgresql, 5, alone=False)
    assert len(found.finished()) == len(found.places()) == 5
    assert not found.study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))
    # the dead worker's trial was done again by the other one
    again = [one for one in found.places() if one.system_attrs.get("retry_history")]
    assert len(again) == 1
    workers = {one.user_attrs["worker"] for one in found.study.get_trials(deepcopy=False)}
    assert len(workers) == 2
    storage: Any = found.study._storage
    storage.remove_session()
    storage._backend.engine.dispose()
