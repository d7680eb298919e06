from __future__ import annotations

from pathlib import Path

import pytest
from tests.doors.test_estimated import cells, gold, written

from classifine.cli.console import guarded
from classifine.cli.main import classifine


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    predicted, known = written(tmp_path / "p.csv", cells()), written(tmp_path / "g.csv", gold())
    return ["estimate", "--predictions", str(predicted), "--gold", str(known)]


def test_three_numbers_side_by_side_and_the_uncorrected_one_is_never_the_headline(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "share.json")
    assert guarded(classifine, [*files, "--sampled", "random", "--positive", "yes", "--by", "kind", "-o", out]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("%")
    assert "95 % interval" in told[0]
    assert "(uncorrected)" in told[1]
    heading = next(line for line in told if "gold only  " in line)
    assert heading.split()[:2] == ["group", "uncorrected"]
    assert [line.split()[1] for line in told if line.startswith("yes ")] == ["(all)", "a", "b"]
    assert any(line.strip().startswith("page") for line in told)


def test_means_and_regressions(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(classifine, [*files, "--sampled", "random", "--code", "yes=1", "--code", "no=0"]) == 0
    assert "The mean is 0." in capsys.readouterr().out
    words = [*files, "--sampled", "random", "--formula", "yes ~ kind", "--regression", "linear", "--cluster", "author"]
    assert guarded(classifine, words) == 0
    assert "kind[b]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "say how the gold rows were drawn"),
        (["--sampled", "known"], 2, "--probability COLUMN"),
        (["--sampled", "random", "--formula", "yes ~"], 2, "cannot be read"),
        (["--sampled", "random", "--regression", "linear"], 2, "needs a formula"),
        (["--sampled", "random", "--formula", "yes ~ kind", "--of", "yes"], 2, "no meaning for a regression"),
        (["--sampled", "random", "--code", "yes"], 2, "gives a label no number"),
        (["--sampled", "random", "--label", "nothing"], 2, "there is no column 'nothing'"),
    ],
)
def test_a_mistake_is_one_message(
    files: list[str], capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert guarded(classifine, [*files, *words]) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_files_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(classifine, ["estimate"]) == 2
    assert "classifine estimate RUN FILE" in capsys.readouterr().err


def test_a_plan_writes_a_sample_that_the_estimate_takes(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = tmp_path / "sample.csv"
    words = ["estimate", "plan", *files[1:3], "--of", "yes", "--rows", "100", "-o", str(sample)]
    assert guarded(classifine, words) == 0
    assert "100 rows to label" in capsys.readouterr().out
    truth = dict(zip(cells()["id"], cells()["truth"], strict=True))
    lines = sample.read_text("utf-8").splitlines()
    filled = [lines[0], *(line + truth[line.split(",")[0]] for line in lines[1:])]
    sample.write_text("\n".join(filled) + "\n", "utf-8")
    words = [*files[:3], "--gold", str(sample), "--sampled", "known", "--probability", "probability"]
    assert guarded(classifine, [*words, "--positive", "yes"]) == 0
    assert "of the texts are 'yes'" in capsys.readouterr().out
