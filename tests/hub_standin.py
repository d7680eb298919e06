"""Takes folders and gives a server on 127.0.0.1 that answers for them as a model hub does.

Speaks what huggingface_hub asks when it fetches: model info, tree, HEAD and GET of files, and the hub's error codes.
Does not know classifine.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """One repository: the folder each ref points to, and who may read it."""

    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Path] = field(default_factory=dict)
    gated: bool = False
    token: str | None = None
    """The only token that may read it, for a private one."""


class HubStandin:
    """A hub with the repositories it was given; ``with`` starts and stops it."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[str] = []
        """Method and path of each request, in order."""
        self.tokens: set[str] = set()
        """The Authorization headers that were sent."""
        self.status: int | None = None
        """When set, every answer is an error with this status."""
        self.login_page = False
        """When set, every answer is a web page, as behind a hotel's login."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """What HF_ENDPOINT should be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, folder: Path, *, ref: str = "main", gated: bool = False, token: str | None = None) -> str:
        """Publish a folder under owner/name, or datasets/owner/name, at a ref and give its commit."""
        repository = self.repositories.setdefault(name, Repository())
        repository.gated, repository.token = gated, token
        digest = hashlib.sha1(name.encode(), usedforsecurity=False)
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
        commit = digest.hexdigest()
        repository.refs[ref] = commit
        repository.commits[commit] = folder
        return commit

    def stop(self) -> None:
        """Close the port: from now on, connections are refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def fetched(self) -> set[str]:
        """Give the names of the files whose bytes were handed out."""
        return {path.rsplit("/", 1)[1] for path in self.requests if path.startswith("GET ") and "/resolve/" in path}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _handler(hub: HubStandin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            sent = self.headers.get("Authorization")
            if sent:
                hub.tokens.add(sent)
            status, headers, content = _respond(hub, path, sent)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content)

    return Handler


_Answer = tuple[int, dict[str, str], bytes]


def _respond(hub: HubStandin, path: str, sent: str | None) -> _Answer:
    if hub.status is not None:
        return hub.status, {}, b""
    if hub.login_page:
        return 200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"
    parts = path.strip("/").split("/")
    api = parts[0] == "api"
    if api:
        parts = parts[2:] if parts[1:2] == ["models"] else parts[1:]
    if parts[:1] == ["datasets"]:  # their names begin with the kind, so that a model may have the same one
        parts = ["/".join(parts[:2]), *parts[2:]]
    repository = hub.repositories.get("/".join(parts[:2]))
    if sent == "Bearer wrong":
        return 401, {"X-Error-Message": "Invalid credentials in Authorization header"}, b""
    if repository is None or (repository.token is not None and sent != f"Bearer {repository.token}"):
        return (404 if sent else 401), {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
    verb, wanted = (parts[2], parts[3:]) if len(parts) > 2 else ("revision", ["main"])
    commit, rest = _commit(repository, wanted)
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b""
    if api:
        return _listing("/".join(parts[:2]), repository, verb, commit)
    if repository.gated:
        return 403 if sent else 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b""
    return _file(repository.commits[commit], commit, "/".join(rest))


def _commit(repository: Repository, wanted: list[str]) -> tuple[str | None, list[str]]:
    for length in range(len(wanted), 0, -1):  # a ref may hold slashes, as refs/pr/1 does
        name = "/".join(wanted[:length])
        commit = repository.refs.get(name, name)
        if commit in repository.commits:
            return commit, wanted[length:]
    return None, []


def _listing(name: str, repository: Repository, verb: str, commit: str) -> _Answer:
    folder = repository.commits[commit]
    files = [
        {
            "type": "file",
            "path": file.relative_to(folder).as_posix(),
            "size": file.stat().st_size,
            "oid": hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest(),
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    value: Any = files
    if verb == "revision":
        value = {"id": name, "sha": commit, "siblings": [{"rfilename": file["path"]} for file in files]}
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _file(folder: Path, commit: str, name: str) -> _Answer:
    file = folder / name
    if not file.is_file():
        return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
    content = file.read_bytes()
    linked = name.endswith((".safetensors", ".bin"))
    etag = (hashlib.sha256(content) if linked else hashlib.sha1(content, usedforsecurity=False)).hexdigest()
    headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit}
    if linked:
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
    return 200, headers, content
