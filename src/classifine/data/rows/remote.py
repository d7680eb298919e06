"""Takes ``hf://datasets/OWNER/NAME[@REVISION][/PATH]`` and gives local files, fetched from a model hub where needed.

Files come whole into the hub's cache, and from it when offline; no code of a repository is ever run.
Does not know what is in the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

from classifine.data.files.compression import inner_name
from classifine.data.files.table_file import ENDINGS
from classifine.errors import FileMissing, UsageError, did_you_mean, some
from classifine.hub import Wanted, fetched, options

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


@dataclass(frozen=True)
class Fetched:
    """An address whose files are here; called by its address wherever it is spoken of."""

    address: str
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return self.address


def address_of(name: str | Path) -> str | None:
    """Give the address that a name is, or none where it is a path.

    Examples
    --------
    >>> address_of("posts.csv"), address_of(Path("hf://datasets/lab/posts"))
    (None, 'hf://datasets/lab/posts')
    """
    if isinstance(name, Path):  # a path keeps one of the slashes
        return SCHEME + "/".join(name.parts[1:]) if name.parts[:1] == (SCHEME.rstrip("/"),) else None
    return name if name.startswith(SCHEME) else None


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
    named = Address.of(address)
    wanted = Wanted(
        name=str(named),
        kind="data set",
        prefix="the data set ",
        page=f"https://huggingface.co/datasets/{named.repo}",
        switch="HF_DATASETS_OFFLINE",
        refusal=FileMissing,
        misnamed=UsageError(f"{named.repo} is not a name the hub allows", expected=_FORM),
        unknown=f"the hub knows no data set {named.repo}",
        spelling="check how owner and name are spelled",
        elsewhere="or save the data as a file here and pass its path",
    )
    return fetched(lambda cached: _cached(named) if cached else _downloaded(named), wanted, offline=offline)


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

    told = options()
    about = HfApi(endpoint=told["endpoint"]).dataset_info(wanted.repo, revision=wanted.revision)
    names = choose([file.rfilename for file in about.siblings or ()], wanted)
    paths = tuple(
        Path(hf_hub_download(wanted.repo, name, repo_type="dataset", revision=wanted.revision, **told))
        for name in names
    )
    if any(about.sha not in path.parts for path in paths):  # the cache names a snapshot's folder by its commit
        raise FileMissing(f"the data set {wanted} changed while it was fetched", cure="type the same command again")
    return paths


def _cached(wanted: Address) -> tuple[Path, ...]:
    from huggingface_hub import snapshot_download

    folder = Path(
        snapshot_download(
            wanted.repo, repo_type="dataset", revision=wanted.revision, local_files_only=True, **options()
        )
    )
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return tuple(folder / name for name in choose(names, wanted))
