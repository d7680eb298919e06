from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny_models import tiny_model

from classifine.cli.console import guarded
from classifine.cli.main import classifine as command

LABEL = '<b>"yes"</b>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"), "bert", ["no", LABEL])


def test_a_text_is_explained_and_kept_as_page_and_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "please <script>alert(1)</script> sign \x1b[31mthe petition 😀"
    for name in ("why.html", "why.json"):
        assert guarded(command, ["explain", str(folder), text, "-o", str(tmp_path / name)]) == 0
    told = capsys.readouterr().out
    assert "random order" in " ".join(told.split())
    assert "\x1b" not in told
    page = (tmp_path / "why.html").read_text("utf-8")
    assert "<script" not in page
    assert "<b>" not in page
    (one,) = json.loads((tmp_path / "why.json").read_text("utf-8"))["explanations"]
    assert one["text"] == text
    assert [text[word["start"] : word["end"]] for word in one["words"]] == [word["text"] for word in one["words"]]


def test_the_texts_of_a_file_are_explained(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("body\nvote on sunday\n\nthe coffee tastes good\nmen are not better drivers\n", "utf-8")
    assert guarded(command, ["explain", str(folder), "--file", str(file), "--text", "body", "--rows", "2"]) == 0
    told = capsys.readouterr().out
    assert "vote on sunday" in told
    assert "coffee" in told
    assert "drivers" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say what to explain"),
        (["a text", "--mistakes", "2"], "say what to explain"),
        (["  "], "blank"),
        (["a text", "-o", "why.pdf"], ".json or .html"),
        (["a text", "--label", "yess"], "the labels are"),
        (["a text", "--pair", "another"], "not pairs"),
        (["--mistakes", "3"], "no run"),
        (["--file", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_what_cannot_be_explained_ends_with_one_message(
    folder: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(command, ["explain", str(folder), *arguments]) == 2
    message = capsys.readouterr().err
    assert told in message
    assert "Traceback" not in message


def test_a_classifier_fills_no_gaps_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(command, ["fill-mask", str(folder), "the [MASK] is late"]) == 2
    assert "no head that fills gaps" in capsys.readouterr().err
