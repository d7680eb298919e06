"""The verb ``compare``: put runs beside each other on the same test texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from classifine.cli import console
from classifine.cli.options import PATH

if TYPE_CHECKING:
    from classifine.evaluation.contest import Contest, Difference


@click.command()
@click.argument("runs", nargs=-1, type=PATH, metavar="RUN RUN...")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="What to compare; the first one decides.")
@click.option(
    "--against",
    type=click.Choice(["all", "first"]),
    default="all",
    show_default=True,
    help="Compare every pair, or each RUN with the first.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Where draws start.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Page to write (.html); its numbers beside it (.json).")
def compare(
    runs: tuple[Path, ...], metrics: tuple[str, ...], against: Literal["all", "first"], seed: int, output: Path | None
) -> None:
    """Compare evaluated RUNs on the same test texts, and say which is shown to be better than which.

    A RUN is a run folder, or a file of predictions of one, such as RUN/predictions/test.tfidf.parquet. Prints scores,
    paired differences with 95 % intervals, and p values corrected for the number of comparisons (Holm). Only stored
    predictions are read, and nothing is written without -o.
    """
    from classifine.doors.compared import compare as compare_runs

    found = compare_runs(*runs, metrics=metrics, against=against, out=output, seed=seed)
    console.tell(found.finding)
    for caution in found.cautions:
        console.tell(f"  mind: {caution}")
    console.tell()
    console.table(_scores(found))
    for metric in found.metrics:
        console.tell()
        console.table(_differences(found, metric))
    console.tell()
    console.table(_counts(found))
    if output is not None:
        console.tell()
        console.say("page", str(output))
        console.say("numbers", str(output.with_suffix(".json")))


def _scores(found: Contest) -> list[dict[str, str]]:
    from classifine.evaluation.validation import spelled

    rows = []
    for name in found.ranked:
        row = {"": name}
        for metric, figure in found.scores[name].items():
            interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
            row[spelled(metric)] = f"{figure.value:.3f}{interval}"
        rows.append(row)
    return rows


def _differences(found: Contest, metric: str) -> list[dict[str, str]]:
    from classifine.evaluation.contest_wording import chance
    from classifine.evaluation.validation import spelled

    return [
        {
            f"difference in {spelled(metric)}": f"{pair.first} − {pair.second}",
            "": f"{(one := pair.differences[metric]).value:+.3f}",
            "95 % interval": _interval(one),
            "p": chance(one.p).removeprefix("p ").removeprefix("= "),
            "corrected": chance(one.corrected_p).removeprefix("p ").removeprefix("= "),
            "shown": {1: f"{pair.first} is better", -1: f"{pair.second} is better", 0: "no difference"}[one.ahead],
        }
        for pair in found.pairs
    ]


def _counts(found: Contest) -> list[dict[str, str]]:
    from classifine.evaluation.contest_wording import chance

    return [
        {
            "right alone": f"{pair.first} − {pair.second}",
            "first": f"{pair.only_first:,}",
            "second": f"{pair.only_second:,}",
            "McNemar p": chance(pair.mcnemar_p).removeprefix("p ").removeprefix("= "),
            "mid-p": chance(pair.mcnemar_mid_p).removeprefix("p ").removeprefix("= "),
            "corrected": chance(pair.mcnemar_corrected_p).removeprefix("p ").removeprefix("= "),
        }
        for pair in found.pairs
    ]


def _interval(one: Difference) -> str:
    return one.note or "–" if one.low is None or one.high is None else f"{one.low:+.3f} to {one.high:+.3f}"
