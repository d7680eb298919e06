from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from classifine.cli.main import classifine
from classifine.doors.verbs import methods_paragraph, write_report
from classifine.errors import SettingsProblem
from classifine.explanation.showing import Piece
from classifine.reporting.explanations_view import Explained, Shown
from classifine.reporting.sharing import SAID, shown, veiled
from classifine.reporting.summary import summarise
from classifine.runs import RunFolder, Source
from classifine.settings import Settings

PERSONAL = "Ask @anna_b or anna.b@mail.example, +49 30 1234567, see https://example.org/anna"
PRIVATE = ("anna_b", "mail.example", "1234567", "example.org")


def test_texts_are_masked_unless_asked_otherwise(build: Any, two_labels: tuple[str, ...]) -> None:
    run: RunFolder = build(two_labels, texts=[PERSONAL, "nothing of anybody"])
    html = write_report(run.path).read_text("utf-8")
    assert [word for word in PRIVATE if word in html] == []
    assert "Ask &lt;user&gt; or &lt;email&gt;, &lt;phone&gt;, see &lt;url&gt;" in html
    assert "nothing of anybody" in html
    assert SAID["masked"].split(" <")[0] in html


def test_full_and_none_are_kept_as_the_runs_setting(build: Any, two_labels: tuple[str, ...]) -> None:
    run: RunFolder = build(two_labels, texts=[PERSONAL])
    full = write_report(run.path, show_texts="full").read_text("utf-8")
    assert [word for word in PRIVATE if word not in full] == []
    assert SAID["full"] in full
    assert write_report(run.path).read_text("utf-8").count(PERSONAL) == full.count(PERSONAL)
    assert 'show_texts = "full"' in run.settings.read_text("utf-8")
    none = write_report(run.path, show_texts="none").read_text("utf-8")
    assert "Ask" not in none
    assert "<blockquote" not in none
    assert SAID["none"] in none
    with pytest.raises(SettingsProblem, match="show_texts"):
        write_report(run.path, show_texts="some")  # type: ignore[arg-type]


def test_a_long_text_is_masked_before_it_is_cut() -> None:
    text = "x" * 290 + " anna.b@mail.example"
    told = shown(text, "masked")
    assert told is not None
    assert "anna" not in told
    endless = shown("https://example.org/a " * 100_000, "masked")
    assert endless is not None
    assert endless.endswith("…")
    assert len(endless) <= 300


def test_explained_words_are_masked_too() -> None:
    pieces = tuple(Piece(word, 1, 0.5) for word in ("Ask ", "@", "anna_b", " now"))
    one = Shown("p1", False, "yes: 0.9", (pieces,), (("anna_b", "+0.5"), ("now", "+0.1")), ("Without “anna_b” no.",))
    told = veiled(Explained((one,), (), 1, {}, ()), "masked").wrong[0]
    assert [piece.text for piece in told.texts[0]] == ["Ask ", "<user>", " now"]
    assert told.top == (("…", "+0.5"), ("now", "+0.1"))
    assert told.sentences == ("Without “…” no.",)
    assert veiled(Explained((one,), (), 1, {}, ()), "full").wrong == (one,)
    assert veiled(Explained((one,), (one,), 1, {}, ()), "none").right == ()


def test_the_same_command_with_other_texts_only_draws_the_page_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    sources = [Source("data", "posts.csv", "1" * 64)]
    run.begin(sources, Settings())
    for stage in ("data", "train", "evaluate", "report"):
        file = run.path / f"{stage}.json"
        file.write_text(stage)
        run.finish(stage, [file], 1.0)
    assert run.begin(sources, Settings().with_names({"show_texts": "none"})) is True
    assert [stage for stage in ("data", "train", "evaluate", "report") if not run.done(stage)] == ["report"]
    assert json.loads(run.manifest.read_text())["settings"]["evaluation"]["show_texts"] == "none"


def test_the_methods_paragraph_tells_what_is_stored(build: Any, two_labels: tuple[str, ...]) -> None:
    run: RunFolder = build(two_labels)
    told = methods_paragraph(run.path)
    wanted = [
        *("986 labelled texts with 2 labels: no and yes", "3 annotators gave 3,684 judgements of 1,000 texts"),
        *("alpha 0.777", "sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"),
        *("peak learning rate 0.0002", "best validation macro-F1 was kept (0.892 after 3 epochs, training then"),
        *("seed 42", "On 140 test texts, macro-F1 was 0.815 (0.754 to 0.877)", "Wilson for macro-F1"),
        *("TF-IDF + logistic regression by +0.092", "opened 3 times", "classifine 0.1.0, torch 2.13.0+cpu"),
    ]
    assert [words for words in wanted if words not in told] == []
    assert "\n" not in told
    printed = CliRunner().invoke(classifine, ["report", str(run.path), "--methods"])
    assert printed.output == told + "\n"
    assert not run.report.exists()


@pytest.mark.parametrize("stages", [(), ("data",), ("evaluate",)])
def test_the_methods_paragraph_of_a_part_of_a_run(build: Any, two_labels: tuple[str, ...], stages: Any) -> None:
    run: RunFolder = build(two_labels, stages=stages)
    told = methods_paragraph(run.path)
    assert ("labelled texts" in told) is ("data" in stages)
    assert ("have not been scored" in told) is ("evaluate" not in stages)
    assert "fine-tuned with" not in told
    assert summarise(run).show_texts == "masked"
