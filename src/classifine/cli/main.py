"""The command ``classifine``: its verbs, in the order of the journey."""

from __future__ import annotations

import click

from classifine.cli.aggregate import aggregate
from classifine.cli.audit import audit
from classifine.cli.compare import compare
from classifine.cli.demo import demo
from classifine.cli.estimate import estimate
from classifine.cli.evaluate import evaluate
from classifine.cli.explain import explain
from classifine.cli.export import export
from classifine.cli.fill_mask import fill_mask
from classifine.cli.init import init
from classifine.cli.label_errors import label_errors
from classifine.cli.learning_curve import learning_curve
from classifine.cli.models import models
from classifine.cli.predict import predict
from classifine.cli.report import report
from classifine.cli.run import run
from classifine.cli.split import split
from classifine.cli.train import train
from classifine.cli.tune import tune


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="classifine")
def classifine() -> None:
    """From labelled texts to a classifier, its honest evaluation, its predictions and a report.

    Exit codes: 0 done, 1 the data failed a check, 2 wrong use, 70 our own fault, 73 refused (locked or changed),
    74 disc, 130 interrupted, 143 asked to end.
    """


for verb in (
    demo,
    init,
    audit,
    aggregate,
    split,
    run,
    train,
    tune,
    evaluate,
    predict,
    explain,
    report,
    export,
    compare,
    label_errors,
    learning_curve,
    estimate,
    models,
    fill_mask,
):
    classifine.add_command(verb)
