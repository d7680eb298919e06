"""Takes a fetch from a Hugging Face hub and gives what it fetched, from the cache where the hub cannot be reached.

What goes wrong becomes one sentence and a cure; the hub's own words may quote headers and are not repeated. Does not
know what is fetched, nor which files of it.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from classifine.errors import DiscError, UsageError

_NO_STORE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}

Fetched = TypeVar("Fetched")


@dataclass(frozen=True)
class Wanted:
    """What is wanted from a hub: how sentences call it, and what to do when it cannot be had."""

    name: str  # owner/name, or owner/name@revision
    kind: str  # the noun for what it is
    prefix: str  # goes before its name in a sentence
    page: str  # where a browser shows it
    switch: str  # the variable that, beside HF_HUB_OFFLINE, forbids to open a connection
    refusal: type[UsageError]
    misnamed: UsageError  # raised when the hub allows no such name
    unknown: str  # the sentence for a name the hub does not know
    spelling: str  # the cure for that
    elsewhere: str  # the way without a hub, as the end of a cure


def fetched(fetch: Callable[[bool], Fetched], wanted: Wanted, *, offline: bool | None) -> Fetched:
    """Call fetch, and tell it whether to use nothing but the cache: when offline, or when the hub cannot be reached.

    Raises
    ------
    UsageError
        The hub or the cache has it not, refuses it, or cannot be reached; ``wanted`` says which error this is.
    DiscError
        The cache could not be written.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # HfHubHTTPError's first parent is the HTTP library's root error (which library, depends on the version);
    # the hub's own transfer library raises RuntimeError and ConnectionError.
    root = HfHubHTTPError.__bases__[0]
    broken_off: tuple[type[BaseException], ...] = (root, json.JSONDecodeError, RuntimeError, ConnectionError)
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get(wanted.switch) or ""
    cut = offline if offline is not None else value.strip().upper() in ("1", "ON", "YES", "TRUE")
    try:
        return fetch(cut)
    except HFValidationError as error:
        raise wanted.misnamed from error
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        _explain(error, wanted, offline=cut)
    except broken_off as error:  # cut in mid-answer, or a login page in place of the hub
        if "No space left" in str(error):
            _no_store(wanted, "No space left on device", error)
        try:
            return fetch(True)
        except LocalEntryNotFoundError:
            _explain(error, wanted, offline=cut)
    except OSError as error:
        if error.errno not in _NO_STORE:
            raise
        _no_store(wanted, str(error.strerror), error)


def options() -> dict[str, Any]:
    """Give what the hub's client is told at each download: which hub, into which cache, with which progress bar.

    HF_ENDPOINT, HF_HOME and HF_HUB_CACHE are read now; the client reads them only once, when it is imported.
    """
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):  # one of the hub's bars shows even where standard error is not a terminal
        def __init__(self, *args: Any, **options: Any) -> None:
            quiet = {} if sys.stderr.isatty() else {"disable": True}
            super().__init__(*args, **options | quiet)  # type: ignore[no-untyped-call]

    return {"endpoint": os.environ.get("HF_ENDPOINT") or None, "cache_dir": _cache(), "tqdm_class": Bar}


def _cache() -> Path:
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(os.path.expandvars(named)).expanduser()
    roof = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or str(Path(roof) / "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def _no_store(wanted: Wanted, why: str, error: BaseException) -> NoReturn:
    raise DiscError(
        f"could not store {wanted.name}: {why}",
        where=str(_cache()),
        cure="free some space, or set HF_HOME to a folder you may write to, then type the same command again",
    ) from error


def _explain(error: BaseException, wanted: Wanted, *, offline: bool) -> NoReturn:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    answer = error if isinstance(error, HfHubHTTPError) else error.__cause__
    status = answer.response.status_code if isinstance(answer, HfHubHTTPError) else None
    repo, _, revision = wanted.name.partition("@")
    named = wanted.prefix + wanted.name
    if isinstance(answer, GatedRepoError):
        what = f"{named} is gated: its owner asks for consent first"
        cure = f"accept the terms at {wanted.page}, then set HF_TOKEN to a token of that account"
    elif isinstance(answer, RevisionNotFoundError):
        what = f"{wanted.prefix}{repo} has no revision {revision or 'main'}"
        cure = f"leave the revision out, or look it up at {wanted.page}/commits/main"
    elif isinstance(answer, RepositoryNotFoundError):
        what = wanted.unknown
        cure = f"{wanted.spelling}; if it is private, set HF_TOKEN to a token that may read it"
    elif status in (401, 403):
        what = f"the hub refuses to hand out {named} ({status})"
        cure = (
            f"HF_TOKEN is wrong or may not read it: renew it, or unset it for public {wanted.kind}s"
            if "HF_TOKEN" in os.environ
            else "set HF_TOKEN to a token that may read it"
        )
    elif offline:
        what = f"{named} is not in the cache, and offline mode forbids to fetch it"
        cure = f"unset HF_HUB_OFFLINE, {wanted.elsewhere}"
    else:
        what = f"the hub cannot be reached{f' ({status})' if status else ''}, and {wanted.name} is not in the cache"
        cure = f"connect to the internet, {wanted.elsewhere}"
    raise wanted.refusal(what, where=str(_cache()) if "cache" in what else None, cure=cure) from error
