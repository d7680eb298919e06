"""Takes a run folder and gives report.html in it: one page that needs no network, no script and no other file.

Only stored files are read. Does not know how a number came about.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from classifine import durable
from classifine.reporting import charts, data_wording, estimates_charts, search_charts, sharing, trust_charts, wording
from classifine.reporting.annotation_view import Annotation, alpha_rows
from classifine.reporting.charts import Line
from classifine.reporting.data_view import Audit
from classifine.reporting.diagnosis_view import pair_rows, slice_rows, spot_rows, suspect_rows
from classifine.reporting.downloads import download, with_downloads
from classifine.reporting.methods import methods_of
from classifine.reporting.summary import summarise
from classifine.reporting.trust_view import bin_rows
from classifine.reporting.view import Scores, Summary, Training, matrix_rows
from classifine.runs import RunFolder

if TYPE_CHECKING:
    from jinja2 import Environment

LABELS_IN_PICTURE = 200
DOTS_IN_PICTURE = 30  # more are a table: nobody follows a line of a picture that long
_AVERAGES = (
    *("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "micro_f1"),
    *("macro_precision", "weighted_precision", "micro_precision"),
    *("macro_recall", "weighted_recall", "micro_recall"),
    *("subset_accuracy", "samples_f1", "samples_precision", "samples_recall"),
    *("label_ranking_average_precision", "hamming_loss"),
    *("quadratic_weighted_kappa", "adjacent_accuracy", "mean_absolute_error"),
    *("mcc", "cohen_kappa", "krippendorff_alpha", "roc_auc", "average_precision"),
    *("top_1", "top_2", "top_3", "log_loss", "brier"),
)


def write_report(run: RunFolder) -> Path:
    """Write the report of a run from its stored numbers.

    Parts whose stage has not been run are left out, and the page says so. The same run gives the same bytes.

    Returns
    -------
    pathlib.Path
        The page, ``report.html`` of the run folder.

    Raises
    ------
    RunRefused
        A stored file is damaged; it is named.
    DiscError
        The disc refuses.
    """
    durable.write_text(run.report, render(summarise(run)))
    return run.report


def render(summary: Summary) -> str:
    """Give the page as HTML."""
    pictures: dict[str, Any] = {}
    if summary.scores is not None:
        pictures |= _scores(summary.scores)
        if summary.scores.trust is not None:
            pictures |= trust_charts.pictures_of(summary.scores.trust)
    if summary.training is not None:
        pictures["curves"] = _curves(summary.training)
    if summary.estimates is not None:
        pictures["estimates"] = estimates_charts.pictures_of(summary.estimates)
    if summary.search is not None:
        pictures |= search_charts.pictures_of(summary.search)
    if summary.audit is not None and summary.audit.annotation is not None:
        pictures |= _agreement(summary.audit.annotation)
    most = {} if summary.audit is None else _most(summary.audit)
    known = {name for one in summary.scores.classifiers for name in one.figures} if summary.scores else set()
    averages = [name for name in _AVERAGES if name in known]
    given = {"run": summary, "pictures": pictures, "most": most, "averages": averages, "methods": methods_of(summary)}
    return with_downloads(environment().get_template("page.html").render(given))


def _scores(scores: Scores) -> dict[str, Any]:
    compared = {}
    for name in ("macro_f1", "micro_f1" if scores.several else "accuracy"):
        rows = [(one.title, figure) for one in scores.classifiers if (figure := one.figures.get(name)) is not None]
        compared[name] = charts.comparison(wording.metric(name), rows)
    if scores.several or len(scores.labels) > LABELS_IN_PICTURE:
        return {"compared": compared, "confusion": None}
    draw = charts.dense_confusion if scores.many else charts.confusion
    return {"compared": compared, "confusion": draw(scores.labels, scores.confusion)}


def _agreement(annotation: Annotation) -> dict[str, Any]:
    """Draw alpha of each label and each annotator's agreement; where a table stands instead, give its scale."""
    lines = annotation.by_annotator
    kappas = [(line.annotator, line.kappa) for line in lines if line.kappa is not None]
    shares = [(line.annotator, line.with_majority) for line in lines]
    drawn = {}
    if 1 < len(lines) <= DOTS_IN_PICTURE:
        drawn["share with the majority of the others"] = charts.dots("Share with the majority of the others", shares)
        if kappas:
            drawn["Cohen’s kappa with that majority"] = charts.dots("Cohen’s kappa with that majority", kappas)
    labels = annotation.by_label
    return {
        "annotators": drawn,
        "alphas": charts.dots("Alpha of each label", labels) if 2 < len(labels) <= DOTS_IN_PICTURE else None,
        "least": {
            "alpha": charts.least_of(alpha for _, alpha in labels),
            "kappa": charts.least_of(kappa for _, kappa in kappas),
        },
    }


def _curves(training: Training) -> list[Markup]:
    def line(style: str, key: str) -> Line:
        return Line(style, tuple((epoch["epoch"], epoch.get(key)) for epoch in training.epochs))

    losses = [line("train", "train_loss"), line("validation", "validation_loss")]
    drawn = [charts.curves("Loss", losses, training.best_epoch, from_zero=True)]
    if training.metric_key != "validation_loss":
        metric = line("validation", training.metric_key)
        drawn.append(charts.curves(f"Validation {wording.metric(training.metric)}", [metric], training.best_epoch))
    return drawn


def _most(audit: Audit) -> dict[str, int]:
    """Give the count that fills a bar of each column."""
    columns = {"all": audit.labels, **audit.splits}
    return {name: max(counts.values(), default=0) for name, counts in columns.items()}


@cache
def environment() -> Environment:
    """Give what fills the pages: everything escaped, unseen characters shown, a missing value an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("classifine.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "aggregation": data_wording.aggregation,
        "chance": wording.chance,
        "cut": wording.cut,
        "delimiter": data_wording.delimiter,
        "division": data_wording.division,
        "listed": wording.listed,
        "metric": wording.metric,
        "moment": wording.moment,
        "name": _name,
        "packed": data_wording.packed,
        "percent": wording.percent,
        "plain": wording.plain,
        "score": wording.score,
        "shown": sharing.shown,
        "signed": wording.signed,
        "span": wording.span,
        "step": data_wording.step,
        "tie_rule": data_wording.tie_rule,
    }
    environment.globals |= {"whisker": charts.whisker, "bar": charts.bar, "download": download}
    environment.globals["texts_said"] = sharing.SAID
    environment.globals |= {of.__name__: of for of in (pair_rows, slice_rows, spot_rows, suspect_rows)}
    environment.globals |= {of.__name__: of for of in (alpha_rows, bin_rows, matrix_rows)}
    return environment


def _seen(value: object) -> object:
    """Make unseen characters visible in everything the templates print; nobody has to remember to."""
    return wording.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _name(label: str, limit: int = 60) -> Markup:
    """Write a label or another name from outside: its direction kept to itself, cut when long, whole on hovering."""
    whole = wording.visible(label)
    if len(whole) <= limit:
        return Markup("<bdi>{}</bdi>").format(whole)
    return Markup('<bdi title="{}">{}</bdi>').format(whole, wording.cut(whole, limit))
