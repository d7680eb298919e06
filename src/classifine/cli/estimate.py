"""The verb ``estimate``: shares, means and regressions that stay valid although labels are predicted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from classifine.cli import console
from classifine.cli.options import PATH
from classifine.cli.plan import plan

if TYPE_CHECKING:
    from classifine.estimation.answers import Answer, Estimates

ROWS_SHOWN = 60
LETTERS_SHOWN = 32
Verb = TypeVar("Verb", bound=Callable[..., Any])


_DRAWN = (
    "How the gold rows were drawn from these texts: each equally likely (random), with probabilities that are known "
    "(known), or anything else, or from other texts (convenience)."
)


def questions(verb: Verb) -> Verb:
    """Add the options that say which column is what, and what is asked."""
    options = [
        click.option("--sampled", type=click.Choice(["random", "known", "convenience"]), help=_DRAWN),
        click.option("--probability", metavar="COLUMN", help="Gold column: how probable it was that a row is drawn."),
        click.option("--strata", metavar="COLUMN", help="Column within whose values gold rows were drawn at random."),
        click.option("--id", "id", metavar="COLUMN", help="Names a row in both files.  [default: id]"),
        click.option("--label", metavar="COLUMN", help="Gold column: the true label.  [default: label]"),
        click.option("--predicted", metavar="COLUMN", help="The predicted label.  [default: predicted_label]"),
        click.option("--prefix", metavar="WORD", help="Before the label in columns of probabilities.  [default: p_]"),
        click.option("--text", metavar="COLUMN", help="The text, to look for drift.  [default: text]"),
        click.option("--label-separator", "separator", metavar="WORD", help="Between labels of a text with several."),
        click.option("--blank-labels", type=click.Choice(["missing", "none"]), help="What a blank gold label says."),
        click.option("--cross-fitted", is_flag=True, help="The gold file holds out-of-fold predictions of its rows."),
        click.option("--of", "of", multiple=True, metavar="LABEL", help="A label asked about; repeatable."),
        click.option("--positive", metavar="LABEL", help="The label that the first line speaks of."),
        click.option("--mean", is_flag=True, help="The mean of labels that are numbers."),
        click.option("--code", "codes", multiple=True, metavar="LABEL=N", help="A mean of numbers; repeatable."),
        click.option("--formula", metavar="TEXT", help="A regression, such as 'yes ~ account + reposts'."),
        click.option("--regression", "family", type=click.Choice(["linear", "logistic"]), help="Of which kind."),
        click.option("--by", metavar="COLUMN", help="Column of groups."),
        click.option("--time", metavar="COLUMN", help="Column of dates, for --period."),
        click.option("--period", type=click.Choice(["day", "week", "month", "quarter", "year"]), help="A group each."),
        click.option(
            "--differences", type=click.Choice(["none", "first", "previous", "all"]), help="Between which groups."
        ),
        click.option("--cluster", metavar="COLUMN", help="Rows that belong together: author, thread."),
        click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the intervals."),
        click.option("--simultaneous", is_flag=True, help="All intervals hold together."),
        click.option(
            "--target",
            type=click.Choice(["population", "texts"]),
            default="population",
            show_default=True,
            help="Texts like these, or these very texts.",
        ),
        click.option("--seed", type=int, default=42, show_default=True, help="Where draws start."),
        click.option("--encoding", metavar="NAME", help="Encoding of text files, such as cp1252."),
        click.option("--delimiter", metavar="CHARACTER", help="Delimiter of CSV files."),
    ]
    for option in reversed(options):
        verb = option(verb)
    return verb


class _WithPlan(click.Command):
    """The verb, and ``plan`` behind it."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand over to ``plan`` where that is the first word; a run of that name is ./plan."""
        if args[:1] == ["plan"]:
            return plan.make_context(f"{info_name} plan", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb, or ``plan``."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command(cls=_WithPlan, epilog="Planning: classifine estimate plan --help")
@click.argument("run", type=PATH, required=False)
@click.argument("file", type=PATH, required=False)
@click.option("--predictions", type=PATH, metavar="FILE", help="A row for every text: id, predicted_label, p_<label>.")
@click.option("--gold", type=PATH, metavar="FILE", help="A row for every text labelled by hand: id, label.")
@click.option(
    "--trained",
    "trained",
    type=PATH,
    metavar="RUN",
    help="The run that predicted, so that rows it learnt from are found.",
)
@questions
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Numbers (.json); table, page and weights beside it.")
def estimate(**options: Any) -> None:
    """Say what share of the texts has each label, corrected for the classifier's mistakes.

    Counting predicted labels is biased, however good the classifier. A sample of gold rows, labelled by hand, corrects
    it; which correction is valid depends on how these rows were drawn, so say it with --sampled. Uncorrected, gold only
    and corrected numbers stand side by side, with intervals; for groups (--by), periods (--time, --period), means
    (--code) and regressions (--formula).
    """
    from classifine.errors import UsageError

    out, predictions, gold = options.pop("output"), options.pop("predictions"), options.pop("gold")
    run, file = options.pop("run"), options.pop("file")
    options["run"] = options.pop("trained")
    if run is not None and file is not None and predictions is None and gold is None:
        tell(of_run(run, file, options, out))
        told_files(run / "estimates.json" if out is None else out)
        return
    if predictions is None or gold is None or run is not None:
        raise UsageError(
            "say which files",
            expected="classifine estimate --predictions FILE --gold FILE --sampled …, or classifine estimate RUN FILE",
        )
    tell(estimated(predictions, gold, options, out))
    if out is not None:
        told_files(out)


def of_run(run: Path, file: Path, options: dict[str, Any], out: Path | None) -> Estimates:
    """Ask with the run's predictions and its test texts as gold rows."""
    from classifine.doors.run_estimates import estimate_run
    from classifine.estimation.formula import parsed

    kept = {name: value for name, value in options.items() if value is not None and value != ()}
    sampled = kept.pop("sampled", None)
    for name in ("label", "predicted", "prefix", "separator", "blank_labels", "probability", "strata", "run"):
        if name in kept:
            _refuse(kept, (name,), "a run, which knows its own")
    if kept.get("formula"):
        kept["formula_names"] = parsed(kept["formula"]).names

    def ask(predictions: Any, gold: Any, *, sampled: str, out: Path, **more: Any) -> Estimates:
        return estimated(predictions, gold, {**more, "sampled": sampled}, out)

    return estimate_run(run, file, ask, sampled=sampled, options=kept, out=out, say=console.say)


def estimated(predictions: Any, gold: Any, options: dict[str, Any], out: Path | None) -> Estimates:
    """Ask what the options say: a share, a mean or a regression."""
    from classifine.doors.estimated import estimate_mean, estimate_share
    from classifine.doors.regressed import estimate_regression
    from classifine.errors import UsageError

    formula, family, mean = options.pop("formula", None), options.pop("family", None), options.pop("mean", False)
    codes = codes_of(options.pop("codes", ()))
    if not options.get("cross_fitted"):
        options.pop("cross_fitted", None)
    kept = {name: value for name, value in options.items() if value is not None and value != ()}
    kept.setdefault("sampled", None)
    if formula is None and family is not None:
        raise UsageError("--regression needs a formula", expected="--formula 'yes ~ account'")
    if formula is not None:
        _refuse(kept, ("of", "positive", "differences"), "a regression")
        if kept.pop("target", "population") != "population":
            raise UsageError("a regression speaks of texts like these", cure="leave --target out")
        return estimate_regression(predictions, gold, formula, family=family, codes=codes, out=out, **kept)
    if mean or codes is not None:
        _refuse(kept, ("of", "positive"), "a mean")
        return estimate_mean(predictions, gold, codes=codes, out=out, **kept)
    return estimate_share(predictions, gold, out=out, **kept)


def _refuse(given: dict[str, Any], names: tuple[str, ...], what: str) -> None:
    from classifine.errors import UsageError

    for name in names:
        if name in given:
            raise UsageError(f"--{name} has no meaning for {what}", cure="leave it out")


def codes_of(written: tuple[str, ...]) -> dict[str, float] | None:
    """Read LABEL=N, several of them."""
    from classifine.errors import UsageError

    found = {}
    for one in written:
        label, _, number = one.rpartition("=")
        try:
            found[label] = float(number)
        except ValueError:
            raise UsageError(f"{one!r} gives a label no number", expected="--code low=1") from None
    return found or None


def told_files(out: Path) -> None:
    """Print where everything is."""
    from classifine.surveys.estimates_kept import files_beside

    table, page, rows = files_beside(out)
    console.tell()
    in_run = (out.parent / "manifest.json").is_file()
    shown = ("report", out.parent / "report.html") if in_run else ("page", page)
    for name, path in (("numbers", out), ("table", table), shown, ("weights", rows)):
        console.say(name, str(path))


def tell(found: Estimates) -> None:
    """Print an estimate: the answer, then everything side by side."""
    console.tell(found.headline)
    for line in found.lines:
        console.tell(f"  {line}")
    if found.assumption:
        console.tell(f"  mind: {found.assumption}")
    for caution in found.cautions:
        console.tell(f"  mind: {caution}")
    for note in found.notes:
        console.tell(f"  note: {note}")
    console.tell()
    console.table([row_of(found, one) for one in found.answers[:ROWS_SHOWN]])
    more = max(len(found.answers), len(found.differences)) - ROWS_SHOWN
    if more > 0:
        console.tell(f"  and {more:,} more; -o writes all of them")
    if found.differences:
        console.tell()
        console.table([row_of(found, one) for one in found.differences[:ROWS_SHOWN]])


def row_of(found: Estimates, one: Answer) -> dict[str, str]:
    """Give one line of the table."""
    from classifine.estimation.wording import chance, interval, number, points

    what, minus = found.what, one.minus is not None
    write = points if minus else number
    cells = {"": _cut(one.label)}
    if any(answer.group for answer in found.answers):
        cells["group"] = _cut(one.group or "(all)") + (f" − {_cut(one.minus or '')}" if minus else "")
    unknown = " (not valid)" if found.sampled == "convenience" else ""
    figures = {"uncorrected": one.uncorrected, f"gold only{unknown}": one.gold_only, "corrected": one.corrected}
    for name, figure in {**figures, **(one.further or {})}.items():
        ends = interval(figure, what, signed=minus).removesuffix(" %")
        cells[name] = write(figure.value, what) + ("" if figure.value is None and ends == "–" else f" ({ends})")
    if not minus and found.sampled != "convenience":
        cells["narrower"] = "–" if one.narrower is None else f"{100 * one.narrower:.0f} %"
    cells["gold rows"] = f"{one.gold:,}"
    if not minus:
        worth = one.corrected.effective_rows
        cells["worth"] = "–" if worth is None else f"{worth:,.0f}"
    if minus:
        cells["p"] = chance(one.corrected.p)
        cells["p (Holm)"] = chance(one.adjusted_p)
    elif found.what == "regression":
        cells["p"] = chance(one.corrected.p)
    return cells


def _cut(name: str) -> str:
    """Shorten a name so that a line of the table stays one."""
    return name if len(name) <= LETTERS_SHOWN else name[: LETTERS_SHOWN - 1] + "…"
