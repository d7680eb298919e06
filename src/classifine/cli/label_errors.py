"""The verb ``label-errors``: which labels of a run may be wrong, as a ranked file for a person to review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import PATH

if TYPE_CHECKING:
    from classifine.doors.doubted import Doubted

_SHOWN = 5
_CHARACTERS = 60


@click.command("label-errors")
@click.argument("run", type=PATH)
@click.option(
    "--by",
    type=click.Choice(["auto", "trained", "frozen", "words"]),
    default="auto",
    show_default=True,
    help="Who judges each text unseen: fine-tuned classifiers (of a run with retrain_on_all), logistic regression on "
    "the base model as it is, or on words; auto: the first that can be had.",
)
@click.option("--folds", type=click.IntRange(2), default=5, show_default=True, help="Folds, so that each is unseen.")
@click.option("--test", "with_test", is_flag=True, help="Look at the test texts, too; counts as opening them.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Review file.  [default: RUN/label_errors.csv]")
def label_errors(run: Path, **options: Any) -> None:
    """Rank the labels of RUN that may be wrong, in a file for a person to review; nothing is changed.

    Fill in `correct_label` where you have looked, also where the label is right, and leave the other rows as they are.
    Then start a new run from the same data with --corrections FILE. The report of RUN shows what is suspected.
    """
    from classifine.doors.doubted import label_errors as find

    _tell(find(run, **options, say=console.say), run)


def _tell(doubted: Doubted, run: Path) -> None:
    found = doubted.found
    console.tell()
    console.tell(found.sentence)
    console.tell(f"  mind: those who judged agree with {100 * found.accuracy.value:.0f} % of the labels themselves.")
    if found.rows:
        console.tell()
        console.table(
            [
                {
                    "label": row.label or "(none)",
                    "perhaps": row.suggested or "(none)",
                    "margin": f"{row.margin:+.2f}",
                    "id": row.id,
                    "text": _short(row.text),
                }
                for row in found.rows[:_SHOWN]
            ]
        )
    console.tell()
    console.say("review", f"{doubted.review}: fill in correct_label, then")
    console.say("", f"classifine run DATA … --corrections {doubted.review} --out {run}-corrected")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARACTERS else f"{line[: _CHARACTERS - 1]}…"
