"""The verb ``demo``: the whole journey on the packaged posts, then predictions for posts nobody has labelled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifine.cli import console
from classifine.cli.options import settings_of, settings_options, training_options
from classifine.cli.run import summary
from classifine.progress import speaks

if TYPE_CHECKING:
    from classifine.settings import Settings


@click.command()
@settings_options
@training_options
@click.option("--label", type=click.Choice(["call_to_action", "kind"]), default="call_to_action", show_default=True)
def demo(label: str, **options: Any) -> None:
    """Run the journey on invented social-media posts, coded for calls to action by six annotators."""
    from classifine.data.demo import DEMO
    from classifine.doors.predicted import predict_file
    from classifine.journey import run_journey
    from classifine.sources import DataFiles

    folder = Path(options["out"] or "demo-run")
    console.tell("Invented posts of civic and election campaigns. Which of them call the reader to action?")
    console.tell()
    did = run_journey(DataFiles(DEMO.judgements), demo_settings(label, **options), folder, say=console.say)
    if not speaks():
        return
    further = folder / "predictions" / "further.csv"
    result = predict_file(folder, DEMO.further, further, overwrite=True)
    told = ", ".join(f"{number:,} {name}" for name, number in result.labels.items())
    console.say("predict", f"{result.rows:,} further posts without labels: {told} → {further}")
    _share(folder, further, label)
    summary(folder, did=did)


def _share(folder: Path, further: Path, label: str) -> None:
    """Say what share of the further posts has the label: counted, corrected by the test posts, and as it truly is."""
    import csv

    from classifine.data.demo import DEMO
    from classifine.doors.estimated import estimate_share
    from classifine.doors.run_estimates import estimate_run
    from classifine.estimation.wording import interval, leading, number

    positive = "yes" if label == "call_to_action" else None
    # labelled and further posts are of the same batches, their ids interleaved
    options = {"positive": positive, "id": "post_id", "target": "texts"}
    found = estimate_run(folder, further, estimate_share, sampled="random", options=options)
    one = leading(found, positive)
    console.say(
        "estimate",
        f"share of {one.label!r} among them: {number(one.uncorrected.value, 'share')} counted (uncorrected), "
        f"{number(one.corrected.value, 'share')} corrected by the test posts (95 % interval "
        f"{interval(one.corrected, 'share')})",
    )
    with DEMO.further_truth.open(encoding="utf-8", newline="") as stream:
        truth = [row[label] for row in csv.DictReader(stream)]
    console.say("", f"the truth, which was kept aside: {number(truth.count(one.label) / len(truth), 'share')}")


def demo_settings(label: str = "call_to_action", **options: Any) -> Settings:
    """Give the settings of the demo: the packaged columns, and whatever else was asked for."""
    columns = {"text": "text", "label": label, "id": "post_id", "annotator": "annotator"}
    columns |= {"positive": "yes"} if label == "call_to_action" else {}
    return settings_of({**options, **columns})
