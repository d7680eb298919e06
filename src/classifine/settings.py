"""Takes what a user chooses (TOML, keywords, ``name=value``) and gives one frozen :class:`Settings`, checked.

Names are Hugging Face's where Hugging Face has one. All problems are named at once.
Does not know files of data, models or how a setting is used.
"""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from classifine.errors import FileMissing, SettingsProblem, did_you_mean
from classifine.fitting import hints_of, told, typed
from classifine.sections import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    TrainingSettings,
    TuneSettings,
    setting,
)

__all__ = [
    "DataSettings",
    "EvaluationSettings",
    "ModelSettings",
    "Settings",
    "TrainingSettings",
    "TuneSettings",
    "difference",
    "parse_assignments",
    "read_settings",
]


@dataclass(frozen=True)
class Settings:
    """Everything a user may choose about a run.

    Examples
    --------
    >>> Settings().with_names({"learning_rate": 3e-5, "text": "post"}).training.learning_rate
    3e-05
    """

    data: DataSettings = field(default_factory=DataSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    tune: TuneSettings = field(default_factory=TuneSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    seed: int = setting(42, "where every random choice starts", least=0, most=2**32 - 1)

    def with_names(self, values: Mapping[str, Any]) -> Settings:
        """Set names wherever they live; a name nobody owns goes to ``training.arguments``.

        Raises
        ------
        SettingsProblem
            One or more values do not fit; all are named.
        """
        grouped: dict[str, dict[str, Any]] = {}
        further: dict[str, Any] = {}
        homes = _homes()
        problems = []
        for name, value in values.items():
            if name in homes:
                grouped.setdefault(homes[name], {})[name] = value
            elif (guess := did_you_mean(name, homes)) is not None and _close(name, guess):
                problems.append(f"there is no setting {name!r}; did you mean {guess!r}?")
            else:
                further[name] = value
        if further:
            training = grouped.setdefault("training", {})
            named = training.get("arguments", {})
            training["arguments"] = {**named, **further} if isinstance(named, Mapping) else named
        return self._replaced(grouped, problems)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON, section by section; settings without a value, and a search's defaults, are left out."""
        plain: dict[str, Any] = {"seed": self.seed}
        for section in _SECTIONS:
            values = {f.name: getattr(getattr(self, section), f.name) for f in fields(_SECTIONS[section])}
            plain[section] = {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in values.items()
                if value is not None
            }
        # most runs have nothing to do with a search
        plain["tune"] = {name: value for name, value in plain["tune"].items() if value != getattr(_NO_SEARCH, name)}
        return {name: value for name, value in plain.items() if name != "tune" or value}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Settings:
        """Read sections as TOML gives them.

        Raises
        ------
        SettingsProblem
            An unknown section or name, or a value that does not fit; all are named.
        """
        problems = []
        grouped: dict[str, dict[str, Any]] = {}
        for section, content in value.items():
            if section == "seed":
                grouped[""] = {"seed": content}
            elif section in _SECTIONS and isinstance(content, Mapping):
                known = {f.name for f in fields(_SECTIONS[section])}
                grouped[section] = {name: content[name] for name in content if name in known}
                problems += [_unknown(section, name, known) for name in content if name not in known]
            elif section in _homes():
                problems.append(f"{section} stands outside its section; it belongs below [{_homes()[section]}]")
            else:
                problems.append(f"there is no section [{section}]; the sections are {', '.join(_SECTIONS)}")
        return cls()._replaced(grouped, problems)

    def to_toml(self) -> str:
        """Write TOML in which each setting is explained; a setting without a value stands as a comment."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment("settings of classifine; `classifine run DATA --settings FILE` reads them"))
        document.add(tomlkit.nl())
        document.add(tomlkit.comment(_about(Settings, "seed")))
        document.add("seed", tomlkit.item(self.seed))
        for section, owner in _SECTIONS.items():
            table = tomlkit.table()
            for f in fields(owner):
                value = getattr(getattr(self, section), f.name)
                table.add(tomlkit.comment(str(f.metadata["about"])))
                if value is None:
                    table.add(tomlkit.comment(f"{f.name} ="))
                elif isinstance(value, dict):
                    inline = tomlkit.inline_table()
                    inline.update(value)
                    table.add(f.name, inline)
                else:
                    table.add(f.name, tomlkit.item(list(value) if isinstance(value, tuple) else value))
            document.add(tomlkit.nl())
            document.add(section, table)
        return tomlkit.dumps(document)

    def _replaced(self, grouped: Mapping[str, Mapping[str, Any]], problems: list[str]) -> Settings:
        parts: dict[str, Any] = {}
        for section, values in grouped.items():
            owner = _SECTIONS.get(section, Settings)
            fitted = {name: _fitted(owner, name, value, problems) for name, value in values.items()}
            if section == "":
                parts |= fitted
            elif section == "training" and "arguments" in fitted and isinstance(fitted["arguments"], dict):
                fitted["arguments"] = {**self.training.arguments, **fitted["arguments"]}
                parts[section] = fitted
            else:
                parts[section] = fitted
        if problems:
            raise SettingsProblem(
                "\n".join(["the settings are not usable:", *(f"  - {problem}" for problem in problems)]),
                cure="`classifine init DATA` writes a settings file that explains each one",
            )
        sections = {name: replace(getattr(self, name), **parts.pop(name)) for name in _SECTIONS if name in parts}
        return replace(self, **sections, **parts)


_SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "model": ModelSettings,
    "training": TrainingSettings,
    "evaluation": EvaluationSettings,
    "tune": TuneSettings,
}


_NO_SEARCH = TuneSettings()


def read_settings(path: Path) -> Settings:
    """Read a TOML settings file.

    Raises
    ------
    FileMissing
        There is no such file.
    SettingsProblem
        It is not TOML, or holds settings that do not fit.
    """
    try:
        return Settings.from_dict(tomllib.loads(path.read_text("utf-8-sig")))
    except FileNotFoundError:
        raise FileMissing(f"there is no settings file {path}", cure="`classifine init DATA` writes one") from None
    except OSError as error:
        raise SettingsProblem(
            f"{path} cannot be read: {error.strerror}", expected="a settings file", cure="check the path"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsProblem(f"{path} is not TOML: {error}", where=str(path), cure="mend that line") from None
    except SettingsProblem as problem:
        raise SettingsProblem(problem.what, where=str(path), cure=problem.cure) from None


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value`` words; a value is TOML where that fits the setting, else text.

    Raises
    ------
    SettingsProblem
        Words without a value; all are named.

    Examples
    --------
    >>> parse_assignments(["learning_rate=3e-5", "optim=adafactor"])
    {'learning_rate': 3e-05, 'optim': 'adafactor'}
    """
    words = [(word, *word.partition("=")) for word in assignments]
    wrong = [word for word, name, equals, _ in words if not equals or not name.strip()]
    if wrong:
        raise SettingsProblem(
            "\n".join(["--set needs a name and a value:", *(f"  - {word!r}" for word in wrong)]),
            expected="--set name=value",
        )
    return {name.strip(): _assigned(name.strip(), text) for _, name, _, text in words}


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """List the settings in which two :meth:`Settings.to_dict` differ, as ``name: old → new``."""

    def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        flattened: dict[str, Any] = {}
        for name, content in value.items():
            flattened |= flat(content, f"{prefix}{name}.") if isinstance(content, Mapping) else {prefix + name: content}
        return flattened

    before, after = flat(old), flat(new)
    names = sorted(before.keys() | after.keys())
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name, 'unset')} → {after.get(name, 'unset')}" for name in changed]


def _homes() -> dict[str, str]:
    homes = {f.name: section for section, owner in _SECTIONS.items() for f in fields(owner)}
    return {**homes, "seed": ""}


def _about(owner: type, name: str) -> str:
    return str(next(f for f in fields(owner) if f.name == name).metadata["about"])


def _unknown(section: str, name: str, known: Iterable[str]) -> str:
    guess, home = did_you_mean(name, known), _homes().get(name)
    if home is not None:
        hint = f"it belongs below [{home}]" if home else "it belongs to the top of the file"
    elif guess is not None:
        hint = f"did you mean {guess!r}?"
    else:
        hint = "further Hugging Face arguments go to [training.arguments]"
    return f"[{section}] has no setting {name!r}; {hint}"


def _assigned(name: str, text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    home = _homes().get(name)
    hint = Any if home is None else hints_of(_SECTIONS.get(home, Settings))[name]
    # a column or label may be called 1 or true
    text_instead = len(read) > 1 or (not typed(read["value"], hint)[1] and typed(text, hint)[1])
    return text if text_instead else read["value"]


def _close(name: str, guess: str) -> bool:
    """Tell a slip of one or two letters from another word of Hugging Face's that we do not own."""
    import difflib

    return difflib.SequenceMatcher(None, name, guess).ratio() > 0.88


def _fitted(owner: type, name: str, value: Any, problems: list[str]) -> Any:
    hint = hints_of(owner)[name]
    metadata = next(f for f in fields(owner) if f.name == name).metadata
    fitted, fits = typed(value, hint)
    if not fits:
        problems.append(f"{name} = {value!r}: expected {told(hint)}")
        return value
    if isinstance(fitted, int | float) and not isinstance(fitted, bool):
        bounds = [("least", "at least", operator.ge), ("most", "at most", operator.le), ("above", "above", operator.gt)]
        for bound, words, holds in bounds:
            limit = metadata.get(bound)
            if limit is not None and not holds(fitted, limit):
                problems.append(f"{name} = {value!r}: expected {words} {limit}")
    return fitted
