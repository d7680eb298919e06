"""The verb ``export``: write the classifier of a run for other programs, and prove that it is the same."""

from __future__ import annotations

from pathlib import Path

import click

from classifine.cli import console
from classifine.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.option("--to", "target", type=click.Choice(["onnx"]), default="onnx", show_default=True, help="The format.")
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(["fp32", "bf16", "int8"]),
    help="Of the numbers computed with; repeatable.  [default: fp32 and bf16]",
)
def export(run: Path, target: str, precisions: tuple[str, ...]) -> None:
    """Write the classifier of RUN as ONNX into RUN/model/onnx, one file for each precision.

    The folder holds the labels, the tokenizer and the calibration, too, and can be copied elsewhere. `classifine
    predict` opens it without torch, and takes the fastest of fp32 and bf16 by itself.

    Each model is compared with the run on its validation texts, by OpenVINO and by ONNX Runtime, and refused when it is
    not the same: fp32 needs probabilities within 0.0001 and the same labels, bf16 the same label on 99 % of the rows,
    int8 on 98 % of at least 500 rows and a difference in macro-F1 whose 95 % interval lies within one point.
    """
    from classifine.doors.exported import export as export_run

    made = export_run(run, precisions, to=target, say=console.say)
    for precision in made.kept:
        console.say("export", f"{precision} → {made.files[precision]}")
    console.say("next", f"classifine predict {console.spelled([str(run)])} FILE -o OUT.csv")
