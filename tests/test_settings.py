"""Settings: what a user chooses comes back as chosen, and everything that does not fit is named at once."""

from __future__ import annotations

import json
import tomllib
import typing
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from classifine.errors import FileMissing, SettingsProblem
from classifine.settings import (
    DataSettings,
    ModelSettings,
    Settings,
    TrainingSettings,
    TuneSettings,
    difference,
    parse_assignments,
    read_settings,
)

OWNERS: dict[str, type] = {
    "": Settings,
    "data": DataSettings,
    "model": ModelSettings,
    "training": TrainingSettings,
    "tune": TuneSettings,
}
OWN_NAMES = {f.name for owner in OWNERS.values() for f in fields(owner)}
PLAIN = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class Scheduler(StrEnum):
    COSINE = "cosine"


def valid(hint: Any, metadata: typing.Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Draw any value that the hint and the bounds allow."""
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return st.lists(valid(typing.get_args(hint)[0], {}), max_size=3).map(tuple)
    if typing.get_origin(hint) is dict:
        inner = typing.get_args(hint)[1]
        return st.dictionaries(st.text(), PLAIN if inner is Any else valid(inner, {}), max_size=4)
    if typing.get_args(hint):
        return st.one_of(*(valid(option, metadata) for option in typing.get_args(hint)))
    if hint is int:
        return st.integers(metadata.get("least"), metadata.get("most"))
    if hint is float:
        least, above, most = metadata.get("least"), metadata.get("above"), metadata.get("most")
        low = above if least is None else least
        return st.floats(
            low, most, exclude_min=above is not None, allow_nan=False, allow_infinity=False, allow_subnormal=False
        ).map(float)
    return {bool: st.booleans(), str: st.text(), type(None): st.none()}[hint]


@st.composite
def settings_of_any_kind(draw: st.DrawFn) -> Settings:
    drawn: dict[str, dict[str, Any]] = {}
    for section, owner in OWNERS.items():
        hints = typing.get_type_hints(owner)
        own = [f for f in fields(owner) if "about" in f.metadata]
        chosen = draw(st.lists(st.sampled_from(own), unique_by=lambda f: f.name, max_size=4))
        drawn[section] = {f.name: draw(valid(hints[f.name], f.metadata)) for f in chosen}
    top = drawn.pop("")
    return Settings(
        DataSettings(**drawn["data"]),
        ModelSettings(**drawn["model"]),
        TrainingSettings(**drawn["training"]),
        TuneSettings(**drawn["tune"]),
        **top,
    )


# ---------------------------------------------------------------- there and back


@given(settings_of_any_kind())
@hypothesis_settings(deadline=None)
@example(Settings(tune=TuneSettings(trials=3, space={"max_length": {"low": 64, "high": 256}, "dropout": False})))
@example(Settings(data=DataSettings(text="a\x00\x1b\x7f\r\n\"'\\😀\u2028", delimiter="\t")))
@example(Settings(training=TrainingSettings(class_weights={"": 1.0, "a b": 2.0, "x.y\n\"'#]": 3e-9, "😀": 1e300})))
@example(Settings(training=TrainingSettings(class_weights={})))
@example(Settings(training=TrainingSettings(arguments={"a": {"b": {"c": [1, [2.0, "x"], {}]}}, "adam beta": 0.9})))
def test_settings_come_back_from_toml_and_from_json(settings: Settings) -> None:
    assert Settings.from_dict(tomllib.loads(settings.to_toml())) == settings
    stored = json.loads(json.dumps(settings.to_dict(), allow_nan=False))
    assert Settings.from_dict(stored) == settings
    assert difference(stored, settings.to_dict()) == []


@given(settings_of_any_kind())
def test_setting_what_is_set_changes_nothing(settings: Settings) -> None:
    told = settings.to_dict()
    named = {"seed": told.pop("seed")} | {name: value for section in told.values() for name, value in section.items()}
    assert Settings().with_names(named) == settings


def test_toml_explains_every_setting_just_above_it() -> None:
    lines = Settings().to_toml().splitlines()
    explained = 0
    for owner in OWNERS.values():
        for f in fields(owner):
            if "about" not in f.metadata:
                continue
            place = lines.index(f"# {f.metadata['about']}")
            assert lines[place + 1].removeprefix("# ").startswith(f"{f.name} =")
            explained += 1
    # "model" is a section and a setting
    assert explained == len(OWN_NAMES - {"data", "training", "evaluation", "tune"})


def test_a_setting_without_a_value_can_be_had_by_removing_the_hash() -> None:
    text = Settings().to_toml()
    assert "\n# learning_rate =\n" in text
    mended = text.replace("# learning_rate =\n", "learning_rate = 3e-5\n")
    assert Settings.from_dict(tomllib.loads(mended)).training.learning_rate == 3e-5


# ---------------------------------------------------------------- names


def test_names_find_their_sections() -> None:
    settings = Settings().with_names({"text": "post", "model": "xlmr", "learning_rate": 1e-4, "seed": 7})
    assert (settings.data.text, settings.model.model, settings.training.learning_rate, settings.seed) == (
        "post",
        "xlmr",
        1e-4,
        7,
    )


def test_a_name_that_is_not_ours_goes_to_the_further_arguments() -> None:
    first = Settings().with_names({"adam_beta1": 0.8, "arguments": {"adam_beta2": 0.9}, "neftune_noise_alpha": 5})
    assert first.training.arguments == {"adam_beta1": 0.8, "adam_beta2": 0.9, "neftune_noise_alpha": 5}
    second = first.with_names({"adam_beta1": 0.7})
    assert second.training.arguments == {"adam_beta1": 0.7, "adam_beta2": 0.9, "neftune_noise_alpha": 5}
    assert first.training.arguments["adam_beta1"] == 0.8


def test_a_callers_table_is_never_changed() -> None:
    arguments: dict[str, Any] = {"adam_beta2": 0.9}
    settings = Settings().with_names({"arguments": arguments, "adam_beta1": 0.8})
    settings.with_names({"adam_beta1": 0.5})
    assert arguments == {"adam_beta2": 0.9}
    assert Settings().training.arguments == {}


@pytest.mark.parametrize(
    ("name", "guess"), [("learning_rat", "learning_rate"), ("num_train_epoch", "num_train_epochs")]
)
def test_a_slip_is_not_taken_for_a_further_argument(name: str, guess: str) -> None:
    with pytest.raises(SettingsProblem, match=f"there is no setting '{name}'; did you mean '{guess}'"):
        Settings().with_names({name: 1})


def test_no_name_of_hugging_faces_is_taken_for_a_slip() -> None:
    from transformers import TrainingArguments

    further = {f.name for f in fields(TrainingArguments) if f.init} - OWN_NAMES
    assert "adam_beta1" in further
    assert Settings().with_names(dict.fromkeys(further, 1)).training.arguments.keys() == further


# ---------------------------------------------------------------- types and bounds


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("per_device_train_batch_size", True, "expected a whole number"),
        ("per_device_train_batch_size", 8.0, "expected a whole number"),
        ("per_device_train_batch_size", "8", "expected a whole number"),
        ("per_device_train_batch_size", 0, "expected at least 1"),
        ("learning_rate", float("nan"), "expected a number"),
        ("learning_rate", float("inf"), "expected a number"),
        ("learning_rate", 10**400, "expected a number"),
        ("learning_rate", True, "expected a number"),
        ("learning_rate", 0, "expected above 0"),
        ("learning_rate", -1e-5, "expected above 0"),
        ("validation_size", 0.81, "expected at most 0.8"),
        ("max_length", 3, "expected at least 4"),
        ("label_smoothing_factor", 0.51, "expected at most 0.5"),
        ("seed", -1, "expected at least 0"),
        ("seed", 2**32, "expected at most 4294967295"),
        ("fp16", 1, "expected true or false"),
        ("fp16", "true", "expected true or false"),
        ("bf16", "yes", "expected true or false or 'auto'"),
        ("ties", "coin", "expected 'drop' or 'review' or 'random'"),
        ("text", 5, "expected text"),
        ("text", None, "expected text"),
        ("text", "\udce9", "expected text"),
        ("class_weights", {"yes": "2"}, "expected text or a table of name = a number"),
        ("class_weights", {"yes": float("nan")}, "expected text or a table"),
        ("class_weights", {1: 2.0}, "expected text or a table"),
        ("arguments", 5, "expected a table of name = a value that TOML can hold"),
        ("adam_beta1", float("nan"), "expected a table"),
        ("adam_beta1", object, "expected a table"),
        ("adam_beta1", None, "expected a table"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: Any, says: str) -> None:
    with pytest.raises(SettingsProblem) as caught:
        Settings().with_names({name: value})
    assert says in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("learning_rate", 1, 1.0),
        ("learning_rate", None, None),
        ("num_train_epochs", 3, 3.0),
        ("class_weights", {"yes": 2}, {"yes": 2.0}),
        ("class_weights", "balanced", "balanced"),
        ("bf16", "auto", "auto"),
        ("bf16", False, False),
        ("validation_size", 0.8, 0.8),
        ("lr_scheduler_type", Scheduler.COSINE, "cosine"),
    ],
)
def test_a_value_that_fits_is_taken(name: str, value: Any, becomes: Any) -> None:
    home = next(section for section, owner in OWNERS.items() if section and name in {f.name for f in fields(owner)})
    taken = getattr(getattr(Settings().with_names({name: value}), home), name)
    assert taken == becomes
    assert type(taken) is type(becomes)


def test_a_pair_becomes_a_list_as_it_would_in_the_file() -> None:
    settings = Settings().with_names({"betas": (0.9, (1, 2))})
    assert settings.training.arguments == {"betas": [0.9, [1, 2]]}


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsProblem) as caught:
        Settings().with_names({"learning_rat": 1, "test_size": 2, "ties": "coin", "seed": "x", "fp16": 3})
    assert str(caught.value) == (
        "the settings are not usable:\n"
        "  - there is no setting 'learning_rat'; did you mean 'learning_rate'?\n"
        "  - test_size = 2: expected at most 0.8\n"
        "  - ties = 'coin': expected 'drop' or 'review' or 'random' or 'priority' or 'posterior'\n"
        "  - seed = 'x': expected a whole number\n"
        "  - fp16 = 3: expected true or false\n"
        "  cure:     `classifine init DATA` writes a settings file that explains each one"
    )


# ---------------------------------------------------------------- files


def read(tmp_path: Path, text: str | bytes) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(path)


def test_every_problem_of_a_file_is_named_at_once_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem) as caught:
        read(
            tmp_path,
            "seed = true\nlearning_rate = 1.0\nmodel = 'x'\n[dta]\n[data]\ntxt = 'a'\nlearning_rate = 1.0\nseed = 1\n"
            "[training]\nadam_beta1 = 0.9\nwarmup_stepz = 3\nfp16 = 'no'\n",
        )
    told = str(caught.value)
    for problem in (
        "learning_rate stands outside its section; it belongs below [training]",
        "model stands outside its section; it belongs below [model]",
        "there is no section [dta]; the sections are data, model, training, evaluation, tune",
        "[data] has no setting 'txt'; did you mean 'text'?",
        "[data] has no setting 'learning_rate'; it belongs below [training]",
        "[data] has no setting 'seed'; it belongs to the top of the file",
        "[training] has no setting 'adam_beta1'; further Hugging Face arguments go to [training.arguments]",
        "[training] has no setting 'warmup_stepz'; did you mean 'warmup_steps'?",
        "seed = True: expected a whole number",
        "fp16 = 'no': expected true or false",
    ):
        assert f"  - {problem}\n" in told
    assert told.count("  - ") == 10
    assert f"where:    {tmp_path / 'settings.toml'}" in told


def test_what_a_file_leaves_out_keeps_its_default(tmp_path: Path) -> None:
    settings = read(tmp_path, "[training]\nlearning_rate = 3e-5\n[training.arguments]\nadam_beta1 = 0.8\n")
    expected = Settings(training=TrainingSettings(learning_rate=3e-5, arguments={"adam_beta1": 0.8}))
    assert settings == expected
    assert read(tmp_path, "") == Settings()


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfseed = 3\r\n").seed == 3


@pytest.mark.parametrize(
    "text", ["seed = ", "seed 3", b"# caf\xe9\nseed = 3", "[data]\n[data]\n", "seed = 1\nseed = 2"]
)
def test_what_is_not_toml_is_told(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(SettingsProblem, match="is not TOML"):
        read(tmp_path, text)


def test_an_absent_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="there is no settings file"):
        read_settings(tmp_path / "absent.toml")
    with pytest.raises(SettingsProblem, match="cannot be read: Is a directory"):
        read_settings(tmp_path)


# ---------------------------------------------------------------- --set name=value


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("learning_rate=3e-5", "learning_rate", 3e-5),
        (" learning_rate = 3e-5", "learning_rate", 3e-5),
        ("fp16=true", "fp16", True),
        ("optim=adafactor", "optim", "adafactor"),
        ('optim="adafactor"', "optim", "adafactor"),
        ("optim_args=a=1,b=2", "optim_args", "a=1,b=2"),
        ("delimiter==", "delimiter", "="),
        ("text=", "text", ""),
        ("class_weights={yes=2.0}", "class_weights", {"yes": 2.0}),
        ("class_weights={yes=2, 'not so'=0.5}", "class_weights", {"yes": 2, "not so": 0.5}),
        ("class_weights=balanced", "class_weights", "balanced"),
        ("betas=[0.9, 0.99]", "betas", [0.9, 0.99]),
        ("positive=1", "positive", "1"),
        ("positive=true", "positive", "true"),
        ("text=2020-01-01", "text", "2020-01-01"),
        ("run_name=2020-01-01", "run_name", "2020-01-01"),
        ("run_name=nan", "run_name", "nan"),
        ("text=a\nb=2", "text", "a\nb=2"),
        ("seed=1\nb=2", "seed", "1\nb=2"),
    ],
)
def test_a_word_becomes_a_name_and_a_value(word: str, name: str, value: Any) -> None:
    assert parse_assignments([word]) == {name: value}


@given(st.text())
def test_any_text_can_be_assigned_to_a_text_setting(text: str) -> None:
    assert parse_assignments([f"text={tomlkit.item(text).as_string()}"]) == {"text": text}


@given(st.text())
def test_bare_words_never_become_anything_but_text_where_text_is_wanted(text: str) -> None:
    assert isinstance(Settings().with_names(parse_assignments([f"text={text}"])).data.text, str)


def test_the_later_word_wins_and_all_wrong_words_are_named() -> None:
    assert parse_assignments(["seed=1", "seed=2"]) == {"seed": 2}
    with pytest.raises(SettingsProblem) as caught:
        parse_assignments(["seed", "text=a", "=3", " =4"])
    for word in ("'seed'", "'=3'", "' =4'"):
        assert f"- {word}" in str(caught.value)
    assert "text" not in str(caught.value)


# ---------------------------------------------------------------- difference


def test_a_difference_names_old_and_new() -> None:
    old = Settings(data=DataSettings(id="key"), training=TrainingSettings(class_weights={"yes": 2.0}))
    new = Settings(
        data=DataSettings(text="post"),
        training=TrainingSettings(class_weights={"yes": 3.0}, arguments={"a": 1}),
        seed=7,
    )
    assert difference(old.to_dict(), new.to_dict()) == [
        "data.id: key → unset",
        "data.text: text → post",
        "seed: 42 → 7",
        "training.arguments.a: unset → 1",
        "training.class_weights.yes: 2.0 → 3.0",
    ]


@given(settings_of_any_kind(), st.floats(1e-9, 1.0))
def test_one_change_is_one_difference(settings: Settings, rate: float) -> None:
    changed = settings.with_names({"learning_rate": rate})
    told = difference(settings.to_dict(), changed.to_dict())
    before = settings.training.learning_rate
    line = f"training.learning_rate: {'unset' if before is None else before} → {rate}"
    assert told == ([] if before == rate else [line])
