"""The tests themselves are offline: the guard in conftest.py bites, and leaves this machine's own sockets alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

DOCUMENTATION_ADDRESS = ("192.0.2.1", 80)  # RFC 5737: belongs to nobody


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_far_address_is_refused(method: str) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        pytest.raises(RuntimeError, match="tests stay on this machine"),
    ):
        getattr(stream, method)(DOCUMENTATION_ADDRESS)


def test_a_far_name_is_not_even_looked_up() -> None:
    with pytest.raises(RuntimeError, match="huggingface"):
        socket.getaddrinfo("huggingface.co", 443)
    with pytest.raises(RuntimeError, match="tests stay"):
        socket.create_connection(("example.org", 443))


def test_nothing_is_sent_without_a_connection_either() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream,
        pytest.raises(RuntimeError, match="tests stay on this machine"),
    ):
        stream.sendto(b"hello", DOCUMENTATION_ADDRESS)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("localhost", port)) as there:
            here, _ = server.accept()
            here.sendall(b"hello")
            here.close()
            assert there.recv(5) == b"hello"


def test_unix_sockets_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a unix socket must be short
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("door")
        server.listen()
        client.connect("door")


def test_the_developers_cache_and_token_are_out_of_reach() -> None:
    from huggingface_hub import constants, get_token

    assert Path(constants.HF_HUB_CACHE).is_relative_to(os.environ["HF_HOME"])
    assert not Path(os.environ["HF_HOME"]).is_relative_to(Path.home() / ".cache")
    assert get_token() is None
