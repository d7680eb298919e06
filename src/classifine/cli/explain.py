"""The verb ``explain``: which words moved a label, and how far that can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from classifine.cli import console
from classifine.cli.options import PATH

if TYPE_CHECKING:
    from classifine.explanation.attribution import Explanation, Explanations
    from classifine.explanation.overview import Overview

# The shades of words for and against, as terminals with 256 colours name them.
_COLOURS = {1: 189, 2: 153, 3: 111, 4: 75, -1: 223, -2: 222, -3: 215, -4: 208}
_METHODS = ["auto", "leave-one-out", "lime", "kernel-shap", "shapley", "integrated-gradients"]
_OVERVIEW_FROM = 3


@click.command()
@click.argument("run", type=PATH)
@click.argument("texts", nargs=-1, metavar='["TEXT"]...')
@click.option("--file", type=PATH, metavar="FILE", help="Explain the texts of a file.")
@click.option("--text", metavar="COLUMN", help="Column of FILE with the text.  [default: the one of the run]")
@click.option("--text-pair", metavar="COLUMN", help="Column of FILE with the second text.")
@click.option("--rows", type=click.IntRange(min=1), default=20, show_default=True, help="Rows of FILE, at most.")
@click.option(
    "--mistakes", type=click.IntRange(min=1), metavar="N", help="Explain the N most striking mistakes of RUN."
)
@click.option("--pair", metavar="TEXT", help="The second text, for a classifier of pairs.")
@click.option("--label", metavar="LABEL", help="The label to explain.  [default: the predicted one]")
@click.option("--against", metavar="LABEL", help="Why the label and not this one.")
@click.option(
    "--method", type=click.Choice(_METHODS), default=_METHODS[0], show_default=True, help="How words are weighed."
)
@click.option("--samples", type=int, metavar="N", help="Perturbed texts.  [default: until the ranking is settled]")
@click.option(
    "--pieces",
    type=click.Choice(["auto", "words", "phrases"]),
    default="auto",
    show_default=True,
    help="What is taken away as a whole; auto: phrases of texts with more than 64 words.",
)
@click.option(
    "--scale",
    type=click.Choice(["probability", "log-odds"]),
    default="probability",
    show_default=True,
    help="What effects are differences of.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Where draws start.")
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Where to: .json, or .html to look at.")
def explain(
    run: Path,
    texts: tuple[str, ...],
    file: Path | None,
    text: str | None,
    text_pair: str | None,
    rows: int,
    mistakes: int | None,
    pair: str | None,
    label: str | None,
    against: str | None,
    method: Literal["auto", "leave-one-out", "lime", "kernel-shap", "shapley", "integrated-gradients"],
    samples: int | None,
    pieces: Literal["auto", "words", "phrases"],
    scale: Literal["probability", "log-odds"],
    seed: int,
    output: Path | None,
) -> None:
    """Say which words moved the label that RUN gives a TEXT, and how far that can be believed.

    Words are taken away, and what is left is scored again. Blue words speak for the label, orange ones against it.
    Beside each ranking stands what taking away its first words changes, compared with words in random order; where
    that is no better, nothing is ranked, and the reason is said. An explanation tells what the classifier goes by, not
    whether it is right to.
    """
    from classifine.doors import explained
    from classifine.errors import UsageError
    from classifine.explanation.explaining import Asked

    if (bool(texts) + (file is not None) + (mistakes is not None)) != 1 or (pair is not None and len(texts) != 1):
        raise UsageError(
            "say what to explain",
            expected=f'classifine explain {run} "a text", or --file FILE, or --mistakes N; --pair with one text',
        )
    if output is not None and output.suffix not in (".json", ".html"):
        raise UsageError(f"{output} has an ending that says no format", expected=".json or .html")
    if mistakes is not None:
        asked = Asked(method, label, against, samples, pieces, scale, seed)
        found = explained.explain_mistakes(run, mistakes, asked=asked)
    else:
        pairs = None if pair is None else [pair]
        given = list(texts)
        if file is not None:
            given, pairs = explained.texts_of_file(run, file, rows, text=text, pair=text_pair)
        found = explained.explain(
            run,
            given,
            method=method,
            label=label,
            against=against,
            pairs=pairs,
            samples=samples,
            pieces=pieces,
            scale=scale,
            seed=seed,
        )
    for one in found:
        _show(one)
    if len(found) >= _OVERVIEW_FROM:
        _show_overview(found.overview)
    if not len(found):
        console.tell("there is nothing to explain: no text was predicted wrongly")
    if output is not None:
        _keep(found, output)


def _show(one: Explanation) -> None:
    from classifine.explanation.showing import effect, headline, pieces_of, sentences

    console.tell(headline(one) + (f"  (id {one.id})" if one.id is not None else ""))
    for part in (1, 2) if one.second is not None else (1,):
        line: list[tuple[str, dict[str, Any]]] = [("  ", {})]
        for piece in pieces_of(one, part):
            style: dict[str, Any] = {"bg": _COLOURS[piece.shade], "fg": 16} if piece.shade else {}
            line.append((piece.text, style if piece.read else {"dim": True}))
        console.tell_coloured(line)
    for word in one.top():
        console.tell(f"    {effect(word.effect):>8}  {word.text}")
    for sentence in sentences(one):
        console.say("", sentence)
    console.tell()


def _show_overview(found: Overview) -> None:
    from classifine.explanation.showing import effect, interval

    for label, pushes in found.pushes.items():
        console.tell(f"words that push {label!r} most, over the texts explained:")
        console.table(
            [
                {
                    "word": console.printable(push.word),
                    "mean effect": effect(push.effect),
                    "95 % interval": interval(push),
                    "texts": str(push.texts),
                }
                for push in pushes
            ]
        )
        console.tell()
    console.tell(f"words could be ranked in {found.ranked} of {found.texts} explanations")
    for warning in found.warnings:
        console.tell(f"  mind: {warning}")


def _keep(found: Explanations, output: Path) -> None:
    from classifine import durable

    if output.suffix == ".json":
        durable.write_json(output, found.to_dict())
    else:
        durable.write_text(output, found.to_page())
    console.say("written", str(output))
