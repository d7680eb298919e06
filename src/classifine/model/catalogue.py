"""Takes nothing but the packaged catalogue.toml and gives the base models this package knows by a short name.

Each entry says what it reads, how big it is, under which licence, at which commit, and how fast it should learn.
Does not know how a model is fetched or loaded.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class BaseModel:
    """A pretrained encoder that can be fine-tuned."""

    name: str
    """What ``--model`` takes."""
    title: str
    repo: str
    """owner/name on the hub."""
    languages: str
    parameters: int
    """Weights of the encoder, without a classification head."""
    max_length: int
    """Tokens it reads at once, special tokens included."""
    licence: str
    family: str
    learning_rate: float
    """The family's default peak learning rate."""
    dropout: float | None = None
    """Dropout while fine-tuning, where another than the model's own has proved better."""
    fitted_head: bool = False
    """Whether the head is fitted before all is trained where labels are many, since that has proved better."""
    pickled: bool = False
    """Whether its repository holds only pickled weights, which are never read; they must be converted once."""
    revision: str = ""
    """The commit or ref that is fetched; empty follows the main branch."""
    note: str = ""
    package: str = ""
    """The installed package that brings the files along, if any."""
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    """sha256 of every file that is read, where they are pinned."""

    @property
    def source(self) -> str:
        """owner/name@revision, or owner/name alone."""
        return f"{self.repo}@{self.revision}" if self.revision else self.repo


@cache
def catalogue() -> tuple[BaseModel, ...]:
    """Give the base models, smallest English ones first, in the order of the file.

    Examples
    --------
    >>> catalogue()[0].name
    'minilm'
    """
    text = resources.files("classifine.model").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tuple(BaseModel(name=name, **facts) for name, facts in tomllib.loads(text).items())


def find(model: str) -> BaseModel | None:
    """Give the entry with this short name or this repository, if there is one.

    Examples
    --------
    >>> find("bert") == find("google-bert/bert-base-uncased")
    True
    """
    return next((base for base in catalogue() if model in (base.name, base.repo)), None)


def render_catalogue() -> list[dict[str, str]]:
    """Give one row per base model, every cell ready to print."""
    return [
        {
            "name": base.name,
            "title": base.title,
            "languages": base.languages,
            "size": _millions(base.parameters),
            "max length": f"{base.max_length:,}",
            "licence": base.licence,
            "from": "embedded" if base.package else "hub, convert first" if base.pickled else "hub",
        }
        for base in catalogue()
    ]


def _millions(parameters: int) -> str:
    return f"{round(parameters / 1e6)}M"
