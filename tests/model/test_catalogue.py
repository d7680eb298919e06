"""Takes the packaged catalogue and proves that its facts hang together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from classifine.errors import UsageError
from classifine.model.catalogue import BaseModel, catalogue, find, render_catalogue

FAMILIES = {"bert", "distilbert", "minilm", "roberta", "xlm-r", "deberta", "modernbert"}


@pytest.mark.parametrize("base", catalogue(), ids=lambda base: base.name)
def test_an_entry_is_whole(base: BaseModel) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", base.name)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", base.repo)
    assert re.fullmatch(r"[0-9a-f]{40}|refs/pr/\d+|", base.revision)
    assert base.family in FAMILIES
    assert base.title
    assert base.languages
    assert base.licence
    assert 1e6 < base.parameters < 1e9
    assert base.max_length in (512, 8192)
    # the smallest encoder learns best well above the range of the larger ones
    assert 1e-5 <= base.learning_rate <= (2e-4 if base.parameters < 30e6 else 1e-4)
    assert all(re.fullmatch(r"[0-9a-f]{64}", pin) for pin in base.files.values())


def test_names_and_repositories_are_met_once() -> None:
    assert len({base.name for base in catalogue()}) == len({base.repo for base in catalogue()}) == len(catalogue())


def test_the_base_models_of_the_tutorials_are_there() -> None:
    wanted = {
        "distilbert/distilbert-base-uncased",
        "deepset/gbert-base",
        "google-bert/bert-base-multilingual-uncased",
        "google-bert/bert-base-cased",
        "google-bert/bert-base-uncased",
    }
    assert wanted <= {base.repo for base in catalogue()}


def test_find_takes_names_and_repositories_and_nothing_else() -> None:
    assert find("bert") is find("google-bert/bert-base-uncased")
    assert find("bert@main") is None
    assert find("") is None


def test_parameters_of_the_embedded_model_are_those_of_its_weights() -> None:
    from math import prod

    from safetensors import safe_open

    from classifine.model.hub import resolve

    minilm = catalogue()[0]
    with safe_open(resolve("minilm").folder / "model.safetensors", framework="numpy") as weights:
        shapes = {key: weights.get_slice(key).get_shape() for key in weights.keys()}  # noqa: SIM118 - no mapping
    assert sum(prod(shape) for key, shape in shapes.items() if not key.endswith("position_ids")) == minilm.parameters


def test_rows_are_ready_to_print() -> None:
    rows = render_catalogue()
    assert rows[0] == {
        "name": "minilm",
        "title": "all-MiniLM-L6-v2",
        "languages": "English",
        "size": "23M",
        "max length": "512",
        "licence": "Apache-2.0",
        "from": "embedded",
    }
    assert {row["from"] for row in rows[1:]} == {"hub", "hub, convert first"}


def test_an_unknown_name_is_the_users_mistake() -> None:
    from classifine.model.hub import resolve

    with pytest.raises(UsageError):
        resolve("no-such-model")
    assert not Path("no-such-model").exists()
