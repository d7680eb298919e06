"""Takes run folders and files of predictions and gives their comparison on the same test rows, as numbers or as a page.

The stored predictions are read; nothing is predicted again, and no run folder is touched. Does not know how a
difference is computed or drawn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from classifine.errors import FileMissing, FileUnreadable, RunRefused, UsageError, count
from classifine.runs import RunFolder
from classifine.tables import Predictions

if TYPE_CHECKING:
    from classifine.evaluation.contest import Contest

ONE_TRAINING = (
    "Each run is one training. Another seed would move its scores, too, and that is not in the intervals: "
    "a small difference that is shown may be one of these trainings, not of their settings."
)


def compare(
    *runs: Path | str | Predictions,
    metrics: Sequence[str] = (),
    against: Literal["all", "first"] = "all",
    out: Path | str | None = None,
    seed: int = 42,
) -> Contest:
    """Compare two or more classifiers on the same test texts, row by row.

    Parameters
    ----------
    *runs
        Run folders that have been evaluated, be it predictions of another tool; files of a run's ``predictions/``, or
        predictions.
    metrics
        What to compare, the one that decides first. Without any, macro-F1 and accuracy; where a text may have several
        labels, subset accuracy; where labels have an order, quadratic-weighted kappa, too.
    against
        ``all`` compares every pair, ``first`` each run with the first one.
    out
        A page to write, ending in .html; the numbers are written beside it, ending in .json. Without one, nothing is
        written.
    seed
        Where draws start.

    Raises
    ------
    UsageError, FileMissing
        There are fewer than two runs, or one is not there or has not been evaluated.
    RowsProblem, LabelsProblem
        The runs were not scored on the same rows, or do not have the same labels; how they differ is said.
    RunRefused
        A run's stored predictions were changed, or the page would overwrite a file that is not of this command.

    Examples
    --------
    >>> compare("runs/minilm", "runs/gbert").finding  # doctest: +SKIP
    'gbert is shown to be better than minilm: macro-F1 0.861 against 0.822, a difference of +0.039 …'
    """
    from classifine.evaluation.contest import contest

    if out is not None:
        _refuse_target(Path(out))
    if len(runs) < 2:
        raise UsageError("one run has nothing to be compared with", cure="name two or more")
    names = _names(runs)
    read = [each if isinstance(each, Predictions) else _read(Path(each)) for each in runs]
    found = contest(read, names=names, metrics=metrics, against=against, seed=seed)
    found = replace(found, cautions=(*_cautions(runs, names), *found.cautions))
    if out is not None:
        _write(found, Path(out), dict(zip(names, map(_told, runs), strict=True)))
    return found


def _read(path: Path) -> Predictions:
    if path.is_dir():
        return _of_run(RunFolder.existing(path))
    if not path.exists():
        raise FileMissing(f"there is no run and no file {path}", cure="check the path")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid:
        table = None
    about = {} if table is None else table.schema.metadata or {}
    if table is None or not {b"space", b"split", b"classifier"} <= about.keys():
        raise FileUnreadable(
            f"{path} is no file of predictions",
            expected="a Parquet file as it stands in predictions/ of a run folder",
            cure="name the run folder, or one of these files",
        )
    return Predictions.from_arrow(table)


def _of_run(run: RunFolder) -> Predictions:
    """Read what the classifier of a run said about its test rows.

    Raises
    ------
    UsageError
        It has not been trained or evaluated.
    RunRefused
        What the evaluation stored has been changed.
    """
    stages = run.read_manifest()["stages"]
    if not {"train", "evaluate"} & stages.keys():  # what another tool predicted is evaluated without a training
        raise UsageError(
            f"{run.path} is not finished: it has no classifier yet",
            cure="type the command that began it again; it goes on where it stopped",
        )
    if "evaluate" not in stages:
        raise UsageError(f"{run.path} has not been evaluated", cure=f"classifine evaluate {run.path}")
    if not run.done("evaluate"):
        raise RunRefused(
            f"files of the evaluation in {run.path} are missing or were changed",
            cure=f"score it again: classifine evaluate {run.path}",
        )
    return _read(run.predictions / "test.parquet")


def _names(runs: Sequence[Path | str | Predictions]) -> list[str]:
    """Call each run by its folder, each file by its run and classifier; where that says too little, by its path."""
    paths = [each if isinstance(each, Predictions) else Path(each) for each in runs]
    names = [each.classifier if isinstance(each, Predictions) else _short(each) for each in paths]
    return [
        str(each) if names.count(name) > 1 and isinstance(each, Path) else name
        for name, each in zip(names, paths, strict=True)
    ]


def _short(path: Path) -> str:
    whole = path.resolve()
    if whole.parent.name == "predictions" and whole.suffix == ".parquet":
        _, _, classifier = whole.stem.partition(".")
        return f"{whole.parent.parent.name} ({classifier})" if classifier else whole.parent.parent.name
    return whole.name if path.is_dir() else whole.stem


def _cautions(runs: Sequence[Path | str | Predictions], names: Sequence[str]) -> list[str]:
    """Say what the runs' own scorecards warn of: test texts that were seen, or looked at more than once."""
    folders = [(name, each) for name, each in zip(names, runs, strict=True) if not isinstance(each, Predictions)]
    cards = [(name, card) for name, each in folders if (card := _scorecard(Path(each))) is not None]
    told = [
        f"{name}: its test texts are contaminated; training or validation has seen some of them."
        for name, card in cards
        if (card.get("seen") or {}).get("contaminated")
    ]
    told += [
        f"{name}: its test texts have been opened {count(card['test_openings'], 'time')}; "
        "choices made after looking at them make its scores too good."
        for name, card in cards
        if card.get("test_openings", 0) > 1
    ]
    return [*told, *([ONE_TRAINING] if folders else [])]


def _scorecard(path: Path) -> dict[str, Any] | None:
    file = RunFolder(path).scorecard
    told: dict[str, Any] | None = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return told


def _told(run: Path | str | Predictions) -> str | None:
    return None if isinstance(run, Predictions) else str(run)


def _refuse_target(page: Path) -> None:
    from classifine.data.beside import Record

    if page.suffix.lower() != ".html":
        raise UsageError(f"{page} does not end in .html, but a page is what is written", cure="-o comparison.html")
    Record(page.with_suffix(".json"), "compare").refuse_foreign([page], cure="choose another name with -o")


def _write(found: Contest, page: Path, sources: dict[str, str | None]) -> None:
    from classifine import durable
    from classifine.data.beside import Record
    from classifine.reporting.contest_page import render_contest

    told = {**found.to_dict(), "sources": sources}
    numbers = page.with_suffix(".json")
    durable.make_folder(page.parent)
    durable.write_json(numbers, {**Record(numbers, "compare").entries([page]), **told})
    durable.write_text(page, render_contest(told))
