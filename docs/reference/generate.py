"""Takes the program as it is installed and gives the reference pages: commands, settings, Python.

Run ``python docs/reference/generate.py`` after a change; a test fails while a page is stale.
Does not know the other pages.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

import classifine
from classifine.cli.estimate import estimate
from classifine.cli.main import classifine as command
from classifine.cli.plan import plan
from classifine.data.annotators.aggregation import Aggregation
from classifine.doors.doubted import Doubted
from classifine.doors.learning import Learned
from classifine.doors.tuned import Tuned
from classifine.durable import write_text
from classifine.estimation.answers import Answer, Estimates, Figure
from classifine.evaluation.contest import Contest
from classifine.evaluation.scorecard import Scorecard
from classifine.evaluation.validation import METRICS
from classifine.prediction.bulk import BulkResult
from classifine.settings import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    Settings,
    TrainingSettings,
    TuneSettings,
)

FOLDER = Path(__file__).parent
_WIDTH = 100
_MADE = "<!-- made by docs/reference/generate.py; do not edit -->"
_VERBS = (
    "read", "audit", "aggregate", "split", "train", "tune", "load", "predict", "predict_file", "explain", "fill_mask",
    "evaluate", "evaluate_predictions", "write_report", "export", "compare", "learning_curve", "label_errors",
    "estimate_share", "estimate_mean", "estimate_regression",
)  # fmt: skip
_WORDS = {str: "text", float: "number", int: "whole number", bool: "true or false", Any: "anything"}
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


def pages() -> dict[str, str]:
    """Give each page's text by its file name."""
    return {"cli.md": cli_page(), "settings.md": settings_page(), "python.md": python_page()}


def cli_page() -> str:
    """Give the help of the command and of each verb, as a terminal shows it."""
    parts = [_MADE, "# Commands", _help(command, "classifine")]
    for name, verb in command.commands.items():
        parts += [f"## classifine {name}", _help(verb, f"classifine {name}")]
        if verb is estimate:
            parts += ["### classifine estimate plan", _help(plan, "classifine estimate plan")]
    return _joined(parts)


def settings_page() -> str:
    """Give each setting with its kind, default and meaning."""
    parts = [
        _MADE,
        "# Settings",
        "A settings file is TOML with the sections below; `classifine init DATA` writes one with every setting "
        "explained, and `--settings FILE` reads it. `--set name=value` sets a single one and wins over the file. "
        "Names are those of Hugging Face where Hugging Face has one.",
        "`seed` stands at the top of the file, before the sections.",
        _table(Settings, ["seed"]),
    ]
    for section, owner in (("data", DataSettings), ("model", ModelSettings), ("training", TrainingSettings)):
        parts += [f"## [{section}]", str(owner.__doc__).split("\n")[0], _table(owner)]
    metrics = ", ".join(f"`{name}`" for name in METRICS)
    parts += [
        "### Metrics that can choose the checkpoint",
        f"{metrics}. Of `log_loss` the lowest is the best; `f1`, `precision` and `recall` are those of the positive "
        "label and need `positive`.",
        "### Further arguments",
        "`[training.arguments]` takes any other argument of Hugging Face's TrainingArguments, for instance "
        "`adam_beta2 = 0.98`; `--set adam_beta2=0.98` puts it there. Arguments that classifine decides itself are "
        "refused, with a word on where to set what is meant.",
        "## [evaluation]",
        str(EvaluationSettings.__doc__).split("\n")[0],
        _table(EvaluationSettings),
        "## [tune]",
        str(TuneSettings.__doc__).split("\n")[0],
        _table(TuneSettings),
    ]
    return _joined(parts)


def python_page() -> str:
    """Give every public name with its signature and docstring."""
    names = [name for name in classifine.__all__ if not name.startswith("_")]
    rest = [name for name in names if name not in _VERBS]
    parts = [
        _MADE,
        "# Python",
        "Everything here is imported from `classifine`. Importing it loads neither torch nor transformers; they come "
        "with the first use that needs them.",
        "## Functions",
    ]
    for name in _VERBS:
        parts += [f"### {name}", *_function(name, getattr(classifine, name))]
    results = [
        (owner.__name__, owner)
        for owner in (Aggregation, Answer, BulkResult, Contest, Doubted, Estimates, Figure, Learned, Scorecard, Tuned)
    ]
    for title, owners in (("Classes", [(name, getattr(classifine, name)) for name in rest]), ("Results", results)):
        parts.append(f"## {title}")
        for name, owner in owners:
            parts += [f"### {name}", *_class(owner)]
    return _joined(parts)


def _help(verb: click.Command, name: str) -> str:
    context = click.Context(
        verb, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH, help_option_names=["-h", "--help"]
    )
    return f"```text\n{verb.get_help(context)}\n```"


def _table(owner: type, names: list[str] | None = None) -> str:
    hints = typing.get_type_hints(owner)
    lines = ["| setting | kind | default | meaning |", "|---|---|---|---|"]
    default = owner()
    for field in fields(owner):
        if names is None or field.name in names:
            value = getattr(default, field.name)
            told = "" if value in (None, {}, ()) else f"`{_toml(value)}`"
            kind = _kind(hints[field.name]) + _bounds(field.metadata)
            cells = [f"`{field.name}`", kind, told, str(field.metadata["about"])]
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _kind(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(option) for option in inner if option is not types.NoneType)
    if origin is typing.Literal:
        return " or ".join(f"`{_toml(option)}`" for option in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    return f"table of name = {_kind(inner[1])}" if origin is dict else _WORDS[hint]


def _bounds(metadata: typing.Mapping[str, Any]) -> str:
    words = {"above": "above", "least": "at least", "most": "at most"}
    told = [f"{word} {metadata[name]}" for name, word in words.items() if metadata.get(name) is not None]
    return f", {' and '.join(told)}" if told else ""


def _function(name: str, function: Callable[..., Any]) -> Iterator[str]:
    yield f"```python\n{_signature(name, function)}\n```"
    yield from _prose(inspect.getdoc(function) or "")


def _class(owner: type) -> Iterator[str]:
    if not is_dataclass(owner) and not issubclass(owner, Exception) and owner.__init__ is not object.__init__:
        yield f"```python\n{_signature(owner.__name__, owner)}\n```"
    yield from _prose(inspect.getdoc(owner) or "")
    for name, member in _members(owner):
        if isinstance(member, property):
            yield f"`{owner.__name__}.{name}` (property): {_first_sentence(member.fget)}"
        else:
            yield f"```python\n{_signature(f'{owner.__name__}.{name}', member)}\n```"
            yield from _prose(inspect.getdoc(member) or "")


def _members(owner: type) -> Iterator[tuple[str, Any]]:
    """Give public properties and methods written in this package, the class's own and inherited ones."""
    seen: set[str] = set()
    for base in owner.__mro__:
        if not base.__module__.startswith("classifine"):
            continue
        for name, member in vars(base).items():
            plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            if name.startswith("_") or name in seen or not (inspect.isfunction(plain) or isinstance(plain, property)):
                continue
            seen.add(name)
            yield name, plain


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parts: list[str] = []
    star = False
    for parameter in signature.parameters.values():
        if parameter.name in {"self", "cls"}:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        parts.append(_parameter(parameter))
    result = signature.return_annotation
    arrow = "" if result is signature.empty or inspect.isclass(function) else f" -> {_annotation(result)}"
    line = f"{name}({', '.join(parts)}){arrow}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){arrow}"])


def _parameter(parameter: inspect.Parameter) -> str:
    stars = (
        "**" if parameter.kind is parameter.VAR_KEYWORD else "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    )
    typed = "" if parameter.annotation is parameter.empty else f": {_annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return f"{stars}{parameter.name}{typed}"
    value = parameter.default
    default = f'"{value}"' if isinstance(value, str) else getattr(value, "__name__", repr(value))
    return f"{stars}{parameter.name}{typed}{' = ' if typed else '='}{default}"


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _first_sentence(function: Any) -> str:
    return _marked((inspect.getdoc(function) or "").split("\n")[0])


def _prose(docstring: str) -> Iterator[str]:
    """Give a numpy-style docstring as Markdown, section by section."""
    heads = list(re.finditer(r"^(\w[\w ]*)\n-+$", docstring, re.MULTILINE))
    starts = [head.start() for head in heads] + [len(docstring)]
    yield _with_trees(_marked(docstring[: starts[0]].strip()))
    for head, end in zip(heads, starts[1:], strict=True):
        title, body = head.group(1), docstring[head.end() : end].strip("\n")
        if title == "Examples":
            yield f"```python\n{re.sub(r'  # doctest:.*', '', body).strip()}\n```"
        elif title in {"Notes", "References", "See Also"}:
            yield f"*{title}.* {_marked(body.strip())}"
        else:
            yield f"*{title}*"
            yield _marked(_listed(body))


def _listed(body: str) -> str:
    """Make a list of terms, each with the indented lines below it."""
    entries: list[list[str]] = []
    for line in body.splitlines():
        if line and not line.startswith(" "):
            entries.append([f"- `{line}`"])
        elif line.strip():
            entries[-1].append(line.strip())
    return "\n".join(f"{entry[0]}{': ' if entry[1:] else ''}{' '.join(entry[1:])}" for entry in entries)


def _with_trees(text: str) -> str:
    """Fence what follows a double colon."""
    return re.sub(
        r"::\n\n((?:    .*\n?|\n)+)", lambda found: f":\n\n```text\n{inspect.cleandoc(found.group(1))}\n```\n", text
    )


def _marked(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        write_text(FOLDER / name, text)
