"""Takes ``hf://datasets/OWNER/NAME[@REVISION][/PATH]`` and gives local files, fetched from a model hub where needed.

Files come whole into the hub's cache, and from it when offline; no code of a repository is ever run.
Does not know what is in the files.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

from classifine.data.files.compression import inner_name
from classifine.data.files.table_file import ENDINGS
from classifine.errors import DiscError, FileMissing, UsageError, did_you_mean, some

SCHEME = "hf://"

_ADDRESS = re.compile(
    r"hf://datasets/(?P<repo>[\w-][\w.-]*/[\w.-]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[\w.-]+|[^/]+))?(?:/(?P<path>.*))?",
    re.DOTALL,
)
# Files of these names tell about a data set and hold none of its rows.
_ABOUT = {"config.json", "dataset_info.json", "dataset_infos.json", "license.txt", "readme.txt", "requirements.txt"}
_SHARD = re.compile(r"[-_.](?P<number>[0-9]+)[-_]of[-_](?P<total>[0-9]+)(?=\.)")
_NUMBERED = re.compile(r"(?:^|(?<=/))[0-9]{4,}(?=\.)")  # as the hub names the parts of what it has converted
_NO_STORE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
_FORM = "hf://datasets/OWNER/NAME, with @REVISION and /PATH of a file in it where needed"


@dataclass(frozen=True)
class Address:
    """What an address names: a repository, a revision of it or the newest, and a file, folder or pattern or none."""

    repo: str
    revision: str | None
    path: str | None

    @classmethod
    def of(cls, address: str) -> Address:
        """Read an address.

        Raises
        ------
        UsageError
            It is not of the form that is known.

        Examples
        --------
        >>> Address.of("hf://datasets/stanfordnlp/imdb@refs/convert/parquet/plain_text/train")
        Address(repo='stanfordnlp/imdb', revision='refs/convert/parquet', path='plain_text/train')
        """
        found = _ADDRESS.fullmatch(address)
        if found is None or ".." in found["repo"]:
            raise UsageError(f"{address!r} is no address of a data set", expected=_FORM)
        revision = unquote(found["revision"]) if found["revision"] else None
        return cls(found["repo"], revision, (found["path"] or "").strip("/") or None)

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}" if self.revision else self.repo

    def file(self, name: str) -> str:
        """Give the address of a file in it."""
        return f"{SCHEME}datasets/{self}/{name}"


def fetch(address: str, *, offline: bool | None = None) -> tuple[Path, ...]:
    """Give the local files that an address names; several when a split is stored in several.

    HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN and HF_HUB_OFFLINE are read as usual.

    Parameters
    ----------
    address
        ``hf://datasets/OWNER/NAME``, with ``@REVISION`` and ``/PATH`` (a file, a folder, or a pattern with ``*``).
    offline
        Use nothing but the hub's cache; without it, the environment decides.

    Raises
    ------
    UsageError
        The address is not of this form, or several files may be meant.
    FileMissing
        The hub or the cache has no such data set, revision or file, refuses it, or cannot be reached.
    DiscError
        The cache could not be written.
    """
    wanted = Address.of(address)
    cut = _offline(offline)
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # HfHubHTTPError's first parent is the HTTP library's root error (which library, depends on the version).
    root = HfHubHTTPError.__bases__[0]
    broken_off: tuple[type[BaseException], ...] = (root, json.JSONDecodeError, RuntimeError, ConnectionError)
    try:
        return _cached(wanted) if cut else _downloaded(wanted)
    except HFValidationError as error:
        raise UsageError(f"{wanted.repo} is not a name the hub allows", expected=_FORM) from error
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        _explain(error, wanted, offline=cut)
    except broken_off as error:  # cut in mid-answer, or a login page in place of the hub
        if "No space left" in str(error):
            _no_store(wanted, "No space left on device", error)
        try:
            return _cached(wanted)
        except LocalEntryNotFoundError:
            _explain(error, wanted, offline=cut)
    except OSError as error:
        if error.errno not in _NO_STORE:
            raise
        _no_store(wanted, str(error.strerror), error)


def choose(names: Sequence[str], wanted: Address) -> tuple[str, ...]:
    """Choose among the files of a data set those that are meant.

    Raises
    ------
    UsageError
        Several may be meant; they are listed.
    FileMissing
        None is, or a part of a file that is stored in parts is not there.
    """
    data = sorted(name for name in names if _holds_rows(name))
    path = wanted.path
    if path is None:
        found = data
    elif path in names:
        found = [path]
    elif set(path) & set("*?["):
        found = [name for name in data if fnmatchcase(name, path)]
    else:
        found = [name for name in data if name.startswith(path + "/")]
    if not found:
        near = did_you_mean(path, data) if path else None
        raise FileMissing(
            f"the data set {wanted} has no file {path}" if path else f"the data set {wanted} holds no table",
            expected=f"a file that ends in {', '.join(ENDINGS)}",
            found=some(data or sorted(names), limit=20) or "no files",
            cure=f"did you mean {wanted.file(near)}?" if near else None,
        )
    tables: dict[str, list[str]] = {}
    for name in found:
        tables.setdefault(_NUMBERED.sub("", _SHARD.sub("", name)), []).append(name)
    if len(tables) > 1 and not (path and set(path) & set("*?[")):
        first = [parts[0] if len(parts) == 1 else _SHARD.sub("*", parts[0]) for parts in tables.values()]
        raise UsageError(
            f"the data set {wanted} holds {len(tables)} tables, and it is not known which is meant",
            found=some(first, limit=20),
            cure=f"name it: {wanted.file(first[0])}",
        )
    for parts in tables.values():
        _require_all_parts(parts, wanted)
    return tuple(found)


def _holds_rows(name: str) -> bool:
    path = inner_name(Path(name.casefold()))
    return path.suffix in ENDINGS and path.name not in _ABOUT and not any(part.startswith(".") for part in path.parts)


def _require_all_parts(parts: Sequence[str], wanted: Address) -> None:
    shards = [found for name in parts if (found := _SHARD.search(name))]
    totals = {int(shard["total"]) for shard in shards}
    if wanted.path not in parts and shards and totals != {len(parts)}:
        raise FileMissing(
            f"the data set {wanted} is stored in {max(totals)} parts, and {len(parts)} of them are there",
            found=some(parts),
            cure="go online, so that the others can be fetched",
        )


def _downloaded(wanted: Address) -> tuple[Path, ...]:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):  # one of the hub's bars shows even where standard error is not a terminal
        def __init__(self, *args: Any, **options: Any) -> None:
            quiet = {} if sys.stderr.isatty() else {"disable": True}
            super().__init__(*args, **options | quiet)  # type: ignore[no-untyped-call]

    endpoint = os.environ.get("HF_ENDPOINT") or None
    about = HfApi(endpoint=endpoint).dataset_info(wanted.repo, revision=wanted.revision)
    names = choose([file.rfilename for file in about.siblings or ()], wanted)
    paths = tuple(
        Path(
            hf_hub_download(
                wanted.repo,
                name,
                repo_type="dataset",
                revision=wanted.revision,
                cache_dir=_cache(),
                endpoint=endpoint,
                tqdm_class=Bar,
            )
        )
        for name in names
    )
    if any(about.sha not in path.parts for path in paths):  # the cache names a snapshot's folder by its commit
        raise FileMissing(f"the data set {wanted} changed while it was fetched", cure="type the same command again")
    return paths


def _cached(wanted: Address) -> tuple[Path, ...]:
    from huggingface_hub import snapshot_download

    folder = Path(
        snapshot_download(
            wanted.repo, repo_type="dataset", revision=wanted.revision, cache_dir=_cache(), local_files_only=True
        )
    )
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return tuple(folder / name for name in choose(names, wanted))


def _offline(offline: bool | None) -> bool:
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("HF_DATASETS_OFFLINE") or ""
    return offline if offline is not None else value.strip().upper() in ("1", "ON", "YES", "TRUE")


def _cache() -> Path:
    # As huggingface_hub does, which reads the environment only once, when it is imported.
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(os.path.expandvars(named)).expanduser()
    roof = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or str(Path(roof) / "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def _no_store(wanted: Address, why: str, error: BaseException) -> NoReturn:
    raise DiscError(
        f"could not store {wanted}: {why}",
        where=str(_cache()),
        cure="free some space, or set HF_HOME to a folder you may write to, then type the same command again",
    ) from error


def _explain(error: BaseException, wanted: Address, *, offline: bool) -> NoReturn:
    """Say in one sentence why a fetch failed; the hub's own words may quote headers and are not repeated."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    answer = error if isinstance(error, HfHubHTTPError) else error.__cause__
    status = answer.response.status_code if isinstance(answer, HfHubHTTPError) else None
    page = f"https://huggingface.co/datasets/{wanted.repo}"
    elsewhere = "or save the data as a file here and pass its path"
    if isinstance(answer, GatedRepoError):
        what = f"the data set {wanted} is gated: its owner asks for consent first"
        cure = f"accept the terms at {page}, then set HF_TOKEN to a token of that account"
    elif isinstance(answer, RevisionNotFoundError):
        what = f"the data set {wanted.repo} has no revision {wanted.revision or 'main'}"
        cure = f"leave the revision out, or look it up at {page}/commits/main"
    elif isinstance(answer, RepositoryNotFoundError):
        what = f"the hub knows no data set {wanted.repo}"
        cure = "check how owner and name are spelled; if it is private, set HF_TOKEN to a token that may read it"
    elif status in (401, 403):
        what = f"the hub refuses to hand out the data set {wanted} ({status})"
        cure = (
            "HF_TOKEN is wrong or may not read it: renew it, or unset it for public data sets"
            if "HF_TOKEN" in os.environ
            else "set HF_TOKEN to a token that may read it"
        )
    elif offline:
        what = f"the data set {wanted} is not in the cache, and offline mode forbids to fetch it"
        cure = f"unset HF_HUB_OFFLINE, {elsewhere}"
    else:
        what = f"the hub cannot be reached{f' ({status})' if status else ''}, and {wanted} is not in the cache"
        cure = f"connect to the internet, {elsewhere}"
    raise FileMissing(what, where=str(_cache()) if "cache" in what else None, cure=cure) from error
