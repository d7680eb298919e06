"""The verb ``estimate``: shares, means and regressions that stay valid although labels are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import PATH

if TYPE_CHECKING:
    from classifine.estimation.answers import Answer, Estimates

ROWS_SHOWN = 60


@click.command()
@click.option("--predictions", type=PATH, metavar="FILE", help="A row for every text: id, predicted_label, p_<label>.")
@click.option("--gold", type=PATH, metavar="FILE", help="A row for every text labelled by hand: id, label.")
@click.option(
    "--sampled",
    type=click.Choice(["random", "known", "convenience"]),
    help="How the gold rows were drawn: every text was equally likely (random), with probabilities that are known "
    "(known), or anything else, or from other texts (convenience).",
)
@click.option("--probability", metavar="COLUMN", help="Gold column: how probable it was that the row is drawn.")
@click.option("--strata", metavar="COLUMN", help="Column within whose values gold rows were drawn at random.")
@click.option("--id", "id", default="id", show_default=True, metavar="COLUMN", help="Names a row in both files.")
@click.option("--label", default="label", show_default=True, metavar="COLUMN", help="Gold column: the true label.")
@click.option("--of", "of", multiple=True, metavar="LABEL", help="A label asked about; repeatable.  [default: all]")
@click.option("--positive", metavar="LABEL", help="The label that the first line speaks of.")
@click.option("--by", metavar="COLUMN", help="Column of groups.")
@click.option("--time", metavar="COLUMN", help="Column of dates, for --period.")
@click.option("--period", type=click.Choice(["day", "week", "month", "quarter", "year"]), help="One group each.")
@click.option("--differences", type=click.Choice(["none", "first", "previous", "all"]), help="Between which groups.")
@click.option("--cluster", metavar="COLUMN", help="Rows that belong together: author, thread.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of the intervals.")
@click.option("--simultaneous", is_flag=True, help="All intervals hold together.")
@click.option("--target", type=click.Choice(["population", "texts"]), default="population", show_default=True,
              help="Texts like these, or these very texts.")  # fmt: skip
@click.option("--label-separator", "separator", metavar="WORD", help="Between the labels of a text that has several.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Numbers (.json); table, page and weights beside it.")
def estimate(**options: Any) -> None:
    """Say what share of the texts has each label, corrected for the classifier's mistakes."""
    from classifine.errors import UsageError
    from classifine.estimated import estimate_share

    out, predictions, gold = options.pop("output"), options.pop("predictions"), options.pop("gold")
    if predictions is None or gold is None:
        raise UsageError("say which files", expected="classifine estimate --predictions FILE --gold FILE --sampled …")
    tell(estimate_share(predictions, gold, out=out, **options))


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
    if found.differences:
        console.tell()
        console.table([row_of(found, one) for one in found.differences[:ROWS_SHOWN]])


def row_of(found: Estimates, one: Answer) -> dict[str, str]:
    """Give one line of the table."""
    from classifine.estimation.wording import chance, interval, number, points

    what, minus = found.what, one.minus is not None
    write = points if minus else number
    cells = {"": one.label}
    if any(answer.group for answer in found.answers):
        cells["group"] = (one.group or "(all)") + (f" − {one.minus}" if minus else "")
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
