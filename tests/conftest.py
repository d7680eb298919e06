"""What all tests share: a tiny base model, a file of labelled texts, and that nothing leaves this machine.

No test reaches the network or the developer's caches: names and addresses other than this machine's are refused.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

_LOCAL_NAMES = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}
_CACHES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "HF_ASSETS_CACHE", "HF_XET_CACHE")
_hf_home = tempfile.TemporaryDirectory(prefix="classifine-tests-", ignore_cleanup_errors=True)

# huggingface_hub reads these once, when it is imported; so they must stand before any test module is.
for _name in (*_CACHES, "HF_TOKEN", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN"):
    os.environ.pop(_name, None)
os.environ |= {
    "HF_HOME": _hf_home.name,
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "NO_PROXY": "127.0.0.1,localhost,::1",
}
# tests run beside one another, and threads that spin would stand in each other's way
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Read now, before any test points these names elsewhere for itself.
importlib.import_module("huggingface_hub.constants")


class NetworkUse(RuntimeError):
    """A test wanted to leave this machine; no OSError, so that nobody takes it for a bad connection and goes on."""


def pytest_unconfigure() -> None:
    _hf_home.cleanup()


def _stay_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse far names and addresses: the interpreter asks this hook before it looks up, connects or sends."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""  # unix sockets have a path instead
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and name not in _LOCAL_NAMES and not name.startswith("127."):
        raise NetworkUse(f"a test wanted to reach {name!r}; tests stay on this machine")


# A hook, not a fixture: no plugin can undo it, and it also holds for imports, fixtures and doctests.
sys.addaudithook(_stay_here)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model that trains in a second; nobody writes into its folder."""
    from tests.tiny_models import tiny_model

    return tiny_model(tmp_path_factory.mktemp("tiny") / "bert", "bert")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety texts of three labels as a CSV file; nobody writes into it."""
    from tests.journey.samples import labelled_rows, write_csv

    return write_csv(tmp_path_factory.mktemp("data") / "data.csv", labelled_rows(90))
