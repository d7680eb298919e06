"""The verb ``learning-curve``: from labelled texts, or a run, to what more labels would bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import (
    Numbers,
    Sectioned,
    files_of,
    folder_of,
    settings_of,
    source_options,
    training_options,
)

if TYPE_CHECKING:
    from classifine.doors.learning import Learned


@click.command("learning-curve", cls=Sectioned)
@source_options
@training_options
@click.option(
    "--classifier",
    "classifiers",
    multiple=True,
    type=click.Choice(["finetuned", "frozen", "tfidf"]),
    help="What is trained; the first one answers; repeatable.  [default: finetuned, tfidf]",
)
@click.option("--sizes", type=Numbers(), metavar="N,N,...", help="Training texts.  [default: six sizes, up to all]")
@click.option("--seeds", type=int, metavar="N", help="Trainings at each size.  [default: 3; 5 without finetuned]")
@click.option("--gain", type=float, default=2.0, show_default=True, metavar="POINTS", help="The gain asked about.")
@click.option("--metric", default="macro_f1", show_default=True, metavar="NAME", help="What is scored.")
def learning_curve(**options: Any) -> None:
    """Train on more and more of the training texts, and say how many more labels would bring two points.

    DATA is as for `run`, which goes on from the same folder; or one folder of a run, whose texts and settings are used.
    Scores are those on the validation texts; the test texts stay unopened. --time-budget limits all trainings together.
    Typed again, the command goes on where it stopped. `--classifier tfidf` answers in seconds.
    """
    from classifine.doors.learning import Asked, curve_of_files, curve_of_run

    usual = Asked()
    asked = Asked(
        classifiers=tuple(dict.fromkeys(options["classifiers"])) or usual.classifiers,
        sizes=options["sizes"] or (),
        seeds=options["seeds"],
        gain=options["gain"] / 100,
        metric=options["metric"],
        time_budget=options["time_budget"],
    )
    options["time_budget"] = None
    run = _run_of(options)
    if run is not None:
        found = curve_of_run(run, asked, say=console.say)
    else:
        found = curve_of_files(files_of(options), settings_of(options), folder_of(options), asked, say=console.say)
    _tell(found)


def _tell(found: Learned) -> None:
    """Print the scores at each size, the answer, and where everything is."""
    from classifine.evaluation.validation import spelled
    from classifine.runs import RunFolder

    run, told = RunFolder(found.run), found.account
    console.tell()
    console.table(_rows(told["classifiers"], spelled(told["metric"])))
    console.tell()
    first, *rest = found.lines
    console.tell(first)
    for line in rest:
        console.tell(f"  {line}")
    for caution in told["cautions"]:
        console.tell(f"  mind: {caution}")
    console.tell()
    console.say("page", str(run.curve_page))
    console.say("numbers", str(run.curve))


def _rows(classifiers: list[dict[str, Any]], metric: str) -> list[dict[str, str]]:
    sizes = sorted({row["size"] for one in classifiers for row in one["means"]})
    found = []
    for size in sizes:
        line = {"training texts": ""}
        for one in classifiers:
            row = next((row for row in one["means"] if row["size"] == size), None)
            heading = f"{metric}, {one['title']}"
            line[heading] = "–" if row is None else f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
            line["training texts"] = line["training texts"] if row is None else f"{row['texts']:,}"
        found.append(line)
    return found


def _run_of(options: dict[str, Any]) -> Path | None:
    """Give the run folder, where one is named instead of data."""
    named = [Path(name) for name in options["data"]]
    if len(named) != 1 or not (named[0] / "manifest.json").is_file():
        return None
    given = [f"--{name.replace('_file', '')}" for name in ("out", "model", "settings_file", "seed") if options[name]]
    given += ["--set"] if options["assignments"] else []
    if given:
        from classifine.errors import UsageError

        raise UsageError(
            f"{named[0]} has its texts and settings; a learning curve of it takes no others",
            found=", ".join(given),
            cure="leave them out, or name data files",
        )
    return named[0]
