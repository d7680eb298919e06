"""The verb ``evaluate``: open the test split of a run and score the classifier, or score predictions from elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import PATH, Sectioned, data_option

if TYPE_CHECKING:
    from classifine.evaluation.scorecard import Scorecard

_FOREIGN = "Predictions from elsewhere"
_LABELS = ("positive", "label_separator", "label_order", "level_separator", "level_prefixes", "label_parents")
_COLUMNS = (
    ("--truth", "true labels"),
    ("--predicted", "predicted labels"),
    ("--id", "ids"),
    ("--text", "texts"),
    ("--group", "groups that rows belong to; intervals then draw groups"),
    ("--probability", "probabilities of --positive, where there are two labels"),
)


def _foreign(verb: Any) -> Any:
    """Add what only predictions from elsewhere need."""

    def option(*names: str, **more: Any) -> Any:
        return click.option(*names, cls=_Option, **more)

    options = [
        option("--predictions", type=PATH, metavar="FILE", help="Score this file instead of a run."),
        option("-o", "--out", type=PATH, metavar="FOLDER", help="Where to.  [default: runs/<file name>]"),
        option("--name", metavar="WORD", help="What to call who predicted.  [default: the file's name]"),
        option(
            "--validation-predictions",
            type=PATH,
            metavar="FILE",
            help="The same for validation texts: what temperature and threshold are fitted on.",
        ),
        *(option(name, metavar="COLUMN", help=f"Column of the {about}.") for name, about in _COLUMNS),
        option(
            "--probabilities",
            metavar="PREFIX",
            help="What the names of columns of probabilities begin with, such as p_.",
        ),
        *(data_option(name, _FOREIGN) for name in _LABELS),
        option(
            "--unknown-labels",
            type=click.Choice(["error", "keep"]),
            default="error",
            show_default=True,
            help="Predicted labels that no row truly has, and missing ones; keep: they are wrong answers.",
        ),
        *(data_option(name, _FOREIGN) for name in ("on_bad_row", "encoding", "delimiter")),
        option("--seed", type=int, default=42, show_default=True, help="Where draws start."),
    ]
    for one in reversed(options):
        verb = one(verb)
    return verb


class _Option(click.Option):
    """An option that stands under the heading of predictions from elsewhere."""

    section = _FOREIGN


@click.command(cls=Sectioned)
@click.argument("run", type=PATH, required=False)
@click.option("--allow-contaminated", is_flag=True, help="Score also test texts that were seen; every score says so.")
@click.option(
    "--target-accuracy",
    type=float,
    metavar="SHARE",
    help="How often labels should be right where unsure texts are left to people.  [default: that of the run, or 0.95]",
)
@_foreign
def evaluate(
    run: Path | None, predictions: Path | None, allow_contaminated: bool, target_accuracy: float | None, **options: Any
) -> None:
    """Score the classifier of RUN on its test texts; each opening of the test texts is counted.

    Or score a file of predictions that any other tool, or a language model, made: --predictions FILE, with one row a
    text, its true label, and the predicted label or the probabilities of all labels, or both. Columns that are not
    named are guessed, and the guess is said.
    """
    from classifine.errors import UsageError

    if (run is None) == (predictions is None):
        raise UsageError(
            "say what to score", expected="classifine evaluate RUN, or classifine evaluate --predictions FILE"
        )
    if predictions is not None:
        if allow_contaminated:
            raise UsageError("nobody knows what another tool has seen", cure="leave --allow-contaminated out")
        _evaluate_file(predictions, target_accuracy, options)
        return
    idle = _named_options()
    if idle:
        raise UsageError(
            f"{' and '.join(idle)} can only be used with --predictions FILE", cure="a run knows its columns and labels"
        )
    from classifine.doors.verbs import evaluate as evaluate_run

    assert run is not None
    card = evaluate_run(run, allow_contaminated=allow_contaminated, target_accuracy=target_accuracy, say=console.say)
    _tell(card)
    console.say("scores", str(run / "scorecard.json"))
    console.say("report", f"classifine report {run}")


def _named_options() -> list[str]:
    """Give the options of predictions from elsewhere that were typed."""
    from click.core import ParameterSource

    context = click.get_current_context()
    return [
        parameter.opts[-1]
        for parameter in context.command.params
        if getattr(parameter, "section", None) == _FOREIGN
        and parameter.name is not None
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


def _evaluate_file(path: Path, target_accuracy: float | None, options: dict[str, Any]) -> None:
    from classifine.doors.foreign import evaluate_predictions, folder_of

    out = folder_of(path, options.pop("out"))
    validation = options.pop("validation_predictions")
    if options.get("label_parents"):
        from classifine.data.rows.label_files import read_parents

        options["label_parents"] = read_parents(options["label_parents"])
    given = {name: value for name, value in options.items() if value not in (None, ())}
    judged = evaluate_predictions(
        path,
        out=out,
        validation=validation,
        target_accuracy=target_accuracy,
        command=console.spelled(["classifine", *sys.argv[1:]]),
        say=console.say,
        **given,
    )
    _tell(judged.card)
    assert judged.run is not None
    console.say("scores", str(judged.run.scorecard))
    console.say("mistakes", str(judged.run.mistakes))
    console.say("report", str(judged.run.report))


def _tell(card: Scorecard) -> None:
    console.tell()
    console.tell(card.verdict)
    for detail in card.details:
        console.tell(f"  {detail}")
    for caution in card.cautions:
        console.tell(f"  mind: {caution}")
