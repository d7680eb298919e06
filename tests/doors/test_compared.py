"""Runs beside each other on the same test rows: what is read, what is said, what is refused and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from classifine import compare
from classifine.cli.console import guarded
from classifine.cli.main import classifine
from classifine.doors.compared import ONE_TRAINING
from classifine.errors import FileMissing, FileUnreadable, LabelsProblem, RowsProblem, RunRefused, UsageError
from classifine.labels import LabelSpace, decide
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.tables import Predictions

Build = Callable[..., RunFolder]
HOSTILE = '<script>document.title="pwned"</script>'


def said(seed: int, *, skill: float = 2.0, n: int = 200, names: tuple[str, ...] = ("no", "yes")) -> Predictions:
    truth = np.random.default_rng(n).integers(len(names), size=n)
    logits = np.random.default_rng(seed).normal(size=(n, len(names)))
    logits[np.arange(n), truth] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    space = LabelSpace(names)
    return Predictions(
        ids=tuple(f"r{place}" for place in range(n)),
        texts=tuple(f"text {place}" for place in range(n)),
        truth=tuple(names[place] for place in truth),
        predicted=decide(probabilities, space),
        probabilities=probabilities,
        status=("ok",) * n,
        space=space,
        split="test",
    )


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Make the folder of a run that is done as far as a stage, with these predictions."""

    def made(
        name: str, predictions: Predictions, *, until: str = "evaluate", openings: int = 1, contaminated: bool = False
    ) -> RunFolder:
        run = RunFolder(tmp_path / name)
        run.path.mkdir(parents=True)
        run.begin([Source("data", "posts.csv", "0" * 64)], Settings())
        for stage in ("data", "train")[: {"data": 1, "train": 2, "evaluate": 2}[until]]:
            run.finish(stage, [], 1.0)
        if until == "evaluate":
            run.predictions.mkdir()
            for each in (predictions, replace(said(99, skill=0.5, n=len(predictions)), classifier="tfidf")):
                file = "test.parquet" if each.classifier == "model" else f"test.{each.classifier}.parquet"
                pq.write_table(each.to_arrow(), run.predictions / file)
            card = {"test_openings": openings, "seen": {"contaminated": True} if contaminated else None}
            run.scorecard.write_text(json.dumps(card), "utf-8")
            run.finish("evaluate", [run.predictions, run.scorecard], 1.0)
        return run

    return made


def test_two_runs_and_a_baseline(build: Build) -> None:
    good, poor = build("good", said(1, skill=4.0)), build("poor", said(2, skill=1.0))
    before = sorted(path for run in (good, poor) for path in run.path.rglob("*"))
    found = compare(good.path, str(poor.path), poor.predictions / "test.tfidf.parquet")
    assert found.names == ("good", "poor", "poor (tfidf)")
    assert found.winner == "good"
    assert found.cautions == (ONE_TRAINING,)
    assert sorted(path for run in (good, poor) for path in run.path.rglob("*")) == before
    against = compare(good.path, poor.path, said(3), metrics=["accuracy"], against="first", seed=7)
    assert (against.names, against.metrics, len(against.pairs)) == (("good", "poor", "model"), ("accuracy",), 2)


def test_what_the_runs_warn_of_is_said(build: Build) -> None:
    seen = build("seen", said(1, n=60), contaminated=True)
    opened = build("opened", said(2, n=60), openings=3)
    found = compare(seen.path, opened.path)
    assert found.cautions[0].startswith("seen: its test texts are contaminated")
    assert found.cautions[1].startswith("opened: its test texts have been opened 3 times")
    assert found.cautions[2:4] == (ONE_TRAINING, "Only 60 rows: read the intervals, not the scores alone.")


def test_runs_of_one_name_are_told_apart_by_their_paths(build: Build) -> None:
    one, other = build("a/run", said(1)), build("b/run", said(2))
    assert compare(one.path, other.path).names == (str(one.path), str(other.path))
    with pytest.raises(UsageError, match="the same name"):
        compare(one.path, one.path)


def test_what_cannot_be_compared_is_refused_with_a_cure(build: Build, tmp_path: Path) -> None:
    run = build("run", said(1))
    with pytest.raises(UsageError, match="name two or more"):
        compare(run.path)
    with pytest.raises(UsageError, match=r"begun is not finished: it has no classifier yet"):
        compare(run.path, build("begun", said(2), until="data").path)
    with pytest.raises(UsageError, match=r"has not been evaluated\n.*classifine evaluate .*trained"):
        compare(run.path, build("trained", said(2), until="train").path)
    with pytest.raises(FileMissing, match="there is no run and no file"):
        compare(run.path, tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileMissing, match="there is no run in"):
        compare(run.path, tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("x")
    pq.write_table(said(1).to_arrow().replace_schema_metadata(None), tmp_path / "foreign.parquet")
    for name in ("notes.txt", "foreign.parquet"):
        with pytest.raises(FileUnreadable, match="is no file of predictions"):
            compare(run.path, tmp_path / name)
    with pytest.raises(LabelsProblem, match="only in three: maybe"):
        compare(run.path, build("three", said(1, names=("maybe", "no", "yes"))).path)
    changed = build("changed", said(2))
    pq.write_table(said(3).to_arrow(), changed.predictions / "test.parquet")
    with pytest.raises(RunRefused, match="missing or were changed"):
        compare(run.path, changed.path)


def test_other_test_rows_are_refused_saying_how(build: Build) -> None:
    whole, part = build("whole", said(1)), build("part", said(2).take(range(190)))
    with pytest.raises(RowsProblem, match=r"10 rows only in whole: r190, r191, r192, r193, r194 and 5 more"):
        compare(whole.path, part.path)


def test_the_page_and_its_numbers_are_written_where_asked(build: Build, tmp_path: Path) -> None:
    runs = [build(name, said(seed)).path for seed, name in enumerate(("one", "other", "third"))]
    page = tmp_path / "new" / "comparison.html"
    found = compare(*runs, out=page)
    told = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert told["finding"] == found.finding
    assert told["sources"] == {name: str(run) for name, run in zip(found.names, runs, strict=True)}
    assert (told["written_by"], told["beside"]) == ("classifine compare", ["comparison.html"])
    html = page.read_text("utf-8")
    assert found.finding.partition(":")[0] in html
    assert "http" not in html.replace("http-equiv", "")
    assert "<script" not in html
    again = page.read_bytes()
    compare(*runs, out=page)  # its own page may be written again, and comes out the same
    assert page.read_bytes() == again
    (tmp_path / "mine.html").write_text("my own")
    with pytest.raises(RunRefused, match="would be overwritten"):
        compare(*runs, out=tmp_path / "mine.html")
    with pytest.raises(UsageError, match=r"does not end in \.html"):
        compare(*runs, out=tmp_path / "page.pdf")


def test_the_command_says_the_same(build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def command(*words: object) -> tuple[int, str, str]:
        code = guarded(classifine, [str(word) for word in words])
        return (code, *capsys.readouterr())

    good, poor = build("good", said(1, skill=4.0)), build("poor", said(2, skill=1.0))
    code, out, err = command("compare", good.path, poor.path, "-o", tmp_path / "c.html")
    assert (code, err) == (0, "")
    assert out.startswith("good is shown to be better than poor: macro-F1 ")
    for words in ("mind: Each run is one training", "good − poor", "good is better", "McNemar p", "mid-p", "c.json"):
        assert words in out
    assert (tmp_path / "c.html").is_file()
    code, out, err = command("compare", good.path)
    assert code == 2
    assert "name two or more" in err
    code, _, err = command("compare", good.path, poor.path, "--metric", "macrof1")
    assert code == 2
    assert "did you mean 'macro_f1'" in err


def test_hostile_names_stay_text(build: Build, tmp_path: Path) -> None:
    run = build("run", said(1))
    strange = replace(said(2), classifier=HOSTILE)
    compare(run.path, strange, out=tmp_path / "c.html")
    html = (tmp_path / "c.html").read_text("utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
