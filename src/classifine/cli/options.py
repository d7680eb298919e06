"""Takes the options several verbs share and gives settings and data files.

Every data setting is an option: its name, words, type and default are those of the settings file.
Does not know what is done with them.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from classifine.fitting import hints_of
from classifine.settings import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    Settings,
    parse_assignments,
    read_settings,
)

if TYPE_CHECKING:
    from classifine.sources import DataFiles

Verb = TypeVar("Verb", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
COLUMNS = "Columns"
FILES = "Files"
LABELS = "Labels"
ANNOTATORS = "Annotators"
SPLITS = "Splits"
_SECTIONS = {
    COLUMNS: (
        *("text", "text_pair", "label", "id", "on", "annotator", "annotator_columns"),
        *("group", "time", "split", "slice_by"),
    ),
    FILES: ("encoding", "delimiter", "on_bad_row", "longest_cell"),
    LABELS: (
        "positive",
        "multi_label",
        "label_separator",
        "blank_labels",
        "keep_labels",
        "merge_labels",
        "label_names",
        "min_rows",
        "level_separator",
        "level_prefixes",
        "label_parents",
    ),
    ANNOTATORS: ("aggregation", "expert", "ties", "priority", "scale", "label_order"),
    SPLITS: (
        "validation_size",
        "test_size",
        "rare_labels",
        "near_duplicates",
        "max_contaminated",
        "allow_contaminated",
    ),
}
_METAVARS = {
    "encoding": "NAME",
    "delimiter": "CHARACTER",
    "longest_cell": "CHARACTERS",
    "label_separator": "WORD",
    "merge_labels": "FILE",
    "label_names": "FILE",
    "level_separator": "WORD",
    "level_prefixes": "N,N,...",
    "label_parents": "FILE",
    "positive": "LABEL",
    "min_rows": "N",
    "expert": "ANNOTATOR",
}
_MORE = ("model", "long_texts", "seed", "time_budget", "show_texts")
# Other verbs have options of these names that mean something else.
_REPETITION = {"repeated_seeds": "seeds", "repeated_folds": "folds", "repeated_repeats": "repeats"}
_READ = (
    "train",
    "validation",
    "test",
    "texts",
    "decisions",
    "corrections",
    "settings_file",
    "merge_labels",
    "label_names",
    "label_parents",
)


class Sectioned(click.Command):
    """A verb whose help lists its options section by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the heading each of them names."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class SettingOption(click.Option):
    """An option that is a setting; ``section`` is the heading it stands under."""

    def __init__(self, *args: Any, section: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between them, as one word."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read them."""
        try:
            return tuple(int(part) for part in value.split(",")) if isinstance(value, str) else tuple(value)
        except ValueError:
            self.fail(f"{value!r} is not whole numbers with commas between them, such as 1,2,4", param, ctx)


def data_options(*sections: str) -> Callable[[Verb], Verb]:
    """Add the data settings of these sections, or of all."""
    wanted = sections or tuple(_SECTIONS)
    return _adding([data_option(name, section) for section in wanted for name in _SECTIONS[section]])


def source_options(verb: Verb) -> Verb:
    """Add the files that the labelled texts come from, and every setting that says how they are read."""
    options = [
        click.argument("data", nargs=-1, metavar="[DATA]..."),
        click.option("--train", metavar="FILE", help="Own training file, instead of DATA."),
        click.option("--validation", metavar="FILE", help="Own validation file."),
        click.option("--test", metavar="FILE", help="Own test file; never used for validation."),
        texts_option,
        decisions_option,
        corrections_option,
        settings_options,
        data_options(),
    ]
    return _adding(options)(verb)


texts_option = click.option("--texts", metavar="FILE", help="File that holds the texts of the ids in DATA.")
decisions_option = click.option(
    "--decisions", type=PATH, metavar="FILE", help="ties.csv of `--ties review`, with the labels filled in."
)


corrections_option = click.option(
    "--corrections",
    type=PATH,
    metavar="FILE",
    help="Review file of `label-errors`, with `correct_label` filled in; texts keep their parts.",
)


def training_options(verb: Verb) -> Verb:
    """Add the base model, the time and the run folder."""
    options = [
        click.option("--model", metavar="NAME", help="Base model: see `classifine models`.  [default: minilm]"),
        click.option(
            "--time-budget", metavar="TIME", help="Time fine-tuning may take: 90s, 10m, 1h; decides the epochs."
        ),
        click.option(
            "--long-texts",
            type=click.Choice(typing.get_args(hints_of(ModelSettings)["long_texts"])),
            help="What is read of texts longer than the model reads.  [default: head]",
        ),
        click.option("--out", type=PATH, metavar="RUN", help="The run folder.  [default: runs/<file name>]"),
    ]
    return _adding(options)(verb)


def repetition_options(verb: Verb) -> Verb:
    """Add how often the same settings are trained."""
    options = [
        click.option(
            "--seeds",
            "repeated_seeds",
            type=int,
            metavar="N",
            help="Train with N seeds; the median classifier is kept, and how far they lie apart is told.  [default: 1]",
        ),
        click.option(
            "--folds",
            "repeated_folds",
            type=int,
            metavar="K",
            help="Say by cross-validation on training and validation texts, too, how good such trainings are.",
        ),
        click.option(
            "--repeats", "repeated_repeats", type=int, metavar="N", help="Divide into folds N times.  [default: 1]"
        ),
    ]
    return _adding(options)(verb)


def show_texts_option(default: str) -> Callable[[Verb], Verb]:
    """Give the option that says which texts the page shows."""
    return click.option(
        "--show-texts",
        type=click.Choice(typing.get_args(hints_of(EvaluationSettings)["show_texts"])),
        help="Texts on the page: with stand-ins for links, handles, mail addresses and telephone numbers; as they are; "
        f"none.  [default: {default}]",
    )


def settings_options(verb: Verb) -> Verb:
    """Add the seed, the settings file and single settings."""
    options = [
        click.option("--seed", type=int, help="Where every random choice starts.  [default: 42]"),
        click.option("--settings", "settings_file", type=PATH, metavar="FILE", help="Settings in TOML."),
        click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting; repeatable."),
    ]
    return _adding(options)(verb)


def settings_of(options: dict[str, Any]) -> Settings:
    """Join the settings file, the options and the assignments; the later ones win."""
    file = options.get("settings_file")
    settings = read_settings(file) if file else Settings()
    names = [f.name for f in fields(DataSettings)]
    given = {name: options[name] for name in (*names, *_MORE) if options.get(name) not in (None, ())}
    given |= {name: options[option] for option, name in _REPETITION.items() if options.get(option) is not None}
    if "keep_labels" in given:
        from classifine.data.rows.label_files import read_label_list

        given["keep_labels"] = read_label_list(given["keep_labels"])
    for name in ("merge_labels", "label_names"):
        if name in given and not isinstance(given[name], dict):
            from classifine.data.rows.label_files import read_label_map

            given[name] = read_label_map(given[name])
    if "label_parents" in given and not isinstance(given["label_parents"], dict):
        from classifine.data.rows.label_files import read_parents

        given["label_parents"] = read_parents(given["label_parents"])
    return settings.with_names({**given, **parse_assignments(options.get("assignments", ()))})


def files_of(options: dict[str, Any]) -> DataFiles:
    """Gather the data files; what lies on a hub is fetched once, here.

    Raises
    ------
    UsageError, FileMissing
        They are not named in one of the two ways, or a hub has them not.
    """
    from classifine.sources import DataFiles

    names = ("train", "validation", "test", "texts", "decisions", "corrections")
    files = DataFiles(options["data"], **{name: options[name] for name in names if options.get(name) is not None})
    files.require()
    return files.fetched()


def refuse_inputs(targets: Iterable[Path], options: Mapping[str, Any]) -> None:
    """Refuse to write over a file that is read.

    Raises
    ------
    UsageError
        A target is one of the files that the options name; which is said.
    """
    from classifine.errors import UsageError

    named = [*options["data"], *(options[name] for name in _READ if options.get(name) is not None)]
    for target in targets:
        if any(_same_file(target, Path(name)) for name in named):
            raise UsageError(f"{target} is read and would be overwritten", cure="choose another name with -o")


def _same_file(one: Path, other: Path) -> bool:
    """Say whether two paths lead to the same file, also by links, and by other capitals where the disc sees none."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def folder_of(options: dict[str, Any]) -> Path:
    """Name the run folder: what the user says, or after the data file."""
    if options["out"] is not None:
        return Path(options["out"])
    named = Path(next(iter(options["data"]), options["train"] or "data"))
    return Path("runs") / (named.name.split(".")[0] or named.stem.lstrip(".") or "data")


def data_option(name: str, section: str) -> Callable[[Verb], Verb]:
    """Make an option of a data setting, under a heading."""
    setting = next(f for f in fields(DataSettings) if f.name == name)
    kind = _kind(name)
    words = setting.metadata["about"][:1].upper() + setting.metadata["about"][1:]
    shown = _shown(setting)
    more: dict[str, Any] = {"help": f"{words}.{shown}", "section": section, "cls": SettingOption, "default": None}
    if kind == tuple[int, ...]:
        more |= {"type": Numbers(), "metavar": _METAVARS[name]}
    elif typing.get_origin(kind) is tuple:
        metavar = "COLUMN" if section == COLUMNS else "LABEL"
        more |= {"multiple": True, "metavar": metavar, "default": (), "help": f"{words}; repeatable."}
    elif typing.get_origin(kind) is Literal:
        more |= {"type": click.Choice(typing.get_args(kind))}
    elif kind is bool:
        more |= {"is_flag": True}
    elif typing.get_origin(kind) is dict:
        more |= {"type": PATH, "metavar": "FILE"}
    else:
        default = "COLUMN" if section == COLUMNS else "LABEL" if section == LABELS else "SHARE"
        more |= {"type": kind, "metavar": _METAVARS.get(name, default)}
    return click.option("--" + name.replace("_", "-"), name, **more)


def _kind(name: str) -> Any:
    hint = hints_of(DataSettings)[name]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(option for option in typing.get_args(hint) if option is not types.NoneType)
    return hint


def _shown(setting: Field[Any]) -> str:
    default = setting.default
    plain = default is not MISSING and default is not None and not isinstance(default, bool | tuple)
    return f"  [default: {default}]" if plain else ""


def _adding(options: Iterable[Callable[[Verb], Verb]]) -> Callable[[Verb], Verb]:
    listed: Sequence[Callable[[Verb], Verb]] = list(options)

    def add(verb: Verb) -> Verb:
        for option in reversed(listed):
            verb = option(verb)
        return verb

    return add
