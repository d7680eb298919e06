"""Takes the stored files of a run folder and gives one frozen view of everything the page shows.

Values are picked and put in order, never computed; a file that is absent leaves its part out.
Does not know HTML, charts or how a number came about.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from classifine.errors import RunRefused
from classifine.reporting.data_summary import SPLITS, audit_of
from classifine.reporting.diagnosis_view import diagnosis_of, label_errors_of, learnt_of
from classifine.reporting.estimates_charts import estimates_of
from classifine.reporting.explanations_view import explanations_of
from classifine.reporting.measures import FEW_LABELS, Figure
from classifine.reporting.search_view import search_of
from classifine.reporting.seeds_view import Folds, Seeds, folds_of, seeds_of
from classifine.reporting.sharing import veiled
from classifine.reporting.trust_view import trust_of
from classifine.reporting.view import (
    Against,
    Confused,
    Hierarchy,
    LabelRow,
    Level,
    Mistake,
    Origin,
    Scored,
    Scores,
    Summary,
    Tie,
    Training,
)
from classifine.runs import RunFolder

_COURSE = ("warnings", "restarted", "time_budget", "retrained")

SHOWN_MISTAKES = 20
SHOWN_TIES = 10
SHOWN_CONFUSIONS = 15

Part = TypeVar("Part")


def summarise(run: RunFolder) -> Summary:
    """Read a run folder's stored files; what a stage wrote counts only while the manifest calls that stage done.

    Raises
    ------
    FileMissing
        There is no run in this folder.
    RunRefused
        A file is damaged or is not what a run writes; it is named.
    """
    run = RunFolder.existing(run.path)
    with _damage(run.manifest, cure="put back a copy of it, or start again in another folder with --out"):
        manifest = run.read_manifest()
        origin = _origin(manifest)
        searched = run.trials.name in manifest["stages"].get("train", {}).get("files", ())
        show_texts = manifest["settings"].get("evaluation", {}).get("show_texts", "masked")
    evaluated, prepared = "evaluate" in origin.stages, "data" in origin.stages
    return Summary(
        name=run.path.resolve().name,
        origin=origin,
        settings=run.settings.read_text("utf-8") if run.settings.is_file() else None,
        scores=_part(run.scorecard, _scores) if evaluated else None,
        mistakes=_rows(run.mistakes, _mistake, SHOWN_MISTAKES) if evaluated else None,
        audit=_part(run.audit, audit_of) if prepared else None,
        ties=_rows(run.ties, _tie, SHOWN_TIES) if prepared else None,
        training=_part(run.history, _training) if "train" in origin.stages else None,
        search=_part(run.trials, search_of) if searched else None,
        seeds=_seeds(run, evaluated) if "train" in origin.stages else None,
        explanations=_part(run.explanations, lambda told: veiled(explanations_of(told), show_texts))
        if evaluated
        else None,
        estimates=_part(run.estimates, estimates_of),
        folds=_part(run.history, _folds) if "train" in origin.stages else None,
        diagnosis=_part(run.diagnosis, diagnosis_of) if evaluated else None,
        label_errors=_part(run.label_errors, label_errors_of) if prepared else None,
        learnt=_part(run.history, learnt_of) if "train" in origin.stages else None,
        curve=_part(run.curve, lambda told: str(told["classifiers"][0]["more_labels"]["sentence"])),
        show_texts=show_texts,
    )


def _part(path: Path, build: Callable[[dict[str, Any]], Part]) -> Part | None:
    if not path.is_file():
        return None
    with _damage(path):
        return build(json.loads(path.read_text("utf-8")))


def _folds(history: dict[str, Any]) -> Folds | None:
    return folds_of(history["folds"]) if "folds" in history else None


def _seeds(run: RunFolder, evaluated: bool) -> Seeds | None:
    scored = _part(run.scorecard, lambda card: card.get("seeds", {})) if evaluated else None
    return _part(
        run.history, lambda history: seeds_of(history["seeds"], scored or None) if "seeds" in history else None
    )


def _rows(path: Path, build: Callable[[dict[str, str]], Part], limit: int) -> tuple[Part, ...] | None:
    if not path.is_file():
        return None
    limit_of_cells = csv.field_size_limit(sys.maxsize)  # a text may be longer than csv expects
    try:
        with _damage(path), path.open(encoding="utf-8", newline="") as stream:
            return tuple(build(row) for row in islice(csv.DictReader(stream), limit))
    finally:
        csv.field_size_limit(limit_of_cells)


@contextmanager
def _damage(path: Path, cure: str | None = None) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration, csv.Error) as error:
        missing = isinstance(error, KeyError)
        raise RunRefused(
            f"{path.name} is not what a run writes" + (f": it has no {error}" if missing else ""),
            where=str(path),
            found=None if missing else str(error),
            cure=cure or f"delete {path.name} and type the same command again, so that its stage is run anew",
        ) from error


def _figure(value: Mapping[str, Any] | None) -> Figure | None:
    return None if value is None else _given(value)


def _given(value: Mapping[str, Any]) -> Figure:
    return Figure(
        **{name: value[name] for name in ("value", "low", "high", "n", "method")},
        note=value.get("note"),
        clean=_figure(value.get("clean")),
        contaminated=value.get("contaminated", False),
    )


def _scores(card: dict[str, Any]) -> Scores:
    titles, labels = card["titles"], tuple(card["labels"])
    model = card["scores"]["model"]
    comparisons = tuple(
        Against(
            **{name: c[name] for name in ("baseline", "metric", "difference", "low", "high", "n", "mcnemar_p")},
            title=titles.get(c["baseline"], c["baseline"]),
            better=c["better"],
            note=c.get("note"),
        )
        for c in card["comparisons"]
    )
    decisive = [c for c in comparisons if c.baseline in ("tfidf", "frozen", "setfit")] or comparisons
    per_label = tuple(
        LabelRow(
            label=row["label"],
            **{name: _given(row[name]) for name in ("precision", "recall", "f1")},
            support=row["support"],
            predicted=row["predicted"],
            threshold=row.get("threshold"),
        )
        for row in model["per_label"]
    )
    if len(labels) > FEW_LABELS:
        per_label = tuple(sorted(per_label, key=lambda row: (row.f1.value, row.label)))
    return Scores(
        verdict=card["verdict"],
        cautions=tuple(card.get("cautions", ())),
        disappointing=not all(c.better for c in decisive),
        split=card["split"],
        n=card["n"],
        labels=labels,
        positive=card["positive"],
        several=card.get("separator") is not None,
        test_openings=card["test_openings"],
        classifiers=_ranked(card, titles),
        comparisons=tuple(sorted(comparisons, key=lambda c: c.difference)),
        per_label=per_label,
        confusion=tuple(tuple(row) for row in model["confusion"] or ()),
        confusions=_confusions(labels, model["confusion"] or ()),
        mistakes=card["mistakes"],
        details=tuple(card.get("details", ())),
        hierarchy=_hierarchy(model["hierarchy"]) if "hierarchy" in model else None,
        order=tuple(card.get("order") or ()),
        trust=trust_of(card["trust"]) if "trust" in card else None,
    )


def _hierarchy(value: Mapping[str, Any]) -> Hierarchy:
    levels = tuple(
        Level(
            level=level["level"],
            codes=level["codes"],
            accuracy=_given(level["accuracy"]),
            macro_f1=_given(level["macro_f1"]),
            top_k={k: _given(figure) for k, figure in level["top_k"].items()},
            mistakes=parting["mistakes"],
            parted=_given(parting["share"]),
        )
        for level, parting in zip(value["levels"], value["partings"], strict=True)
    )
    names = ("hierarchical_f1", "hierarchical_precision", "hierarchical_recall")
    return Hierarchy(levels, {name: _given(value[name]) for name in names})


def _ranked(card: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[Scored, ...]:
    """Put the model first and the baselines after it, the best one first."""
    order = sorted(card["scores"], key=lambda key: (key != "model", -card["scores"][key]["macro_f1"]["value"]))
    return tuple(_scored(key, titles.get(key, key), card["scores"][key]) for key in order)


def _scored(key: str, title: str, value: Mapping[str, Any]) -> Scored:
    averages = {
        name: _figure(figure) for name, figure in value.items() if isinstance(figure, dict) and "value" in figure
    }
    top = {f"top_{k}": _figure(figure) for k, figure in value["top_k"].items()}
    return Scored(key, title, averages | {"log_loss": _figure(value["log_loss"])} | top)


def _confusions(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> tuple[Confused, ...]:
    cells = [
        Confused(labels[i], labels[j], count)
        for i, row in enumerate(confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    cells.sort(key=lambda cell: (-cell.count, cell.truth, cell.predicted))
    return tuple(cells[:SHOWN_CONFUSIONS])


def _mistake(row: dict[str, str]) -> Mistake:
    texts = {name: row[name] for name in ("id", "text", "true_label", "predicted_label")}
    several = {name: row[name] for name in ("missed", "wrongly_given") if name in row}
    near = [row[name] for place in range(1, 21) if row.get(name := f"nearest_{place}_label")]
    return Mistake(
        **texts,
        confidence=float(row["confidence"]),
        p_true=float(row["p_true"]),
        **several,
        suggested=row.get("suggested_label") or None,
        votes=row.get("votes") or None,
        near=tuple(near),
    )


def _tie(row: dict[str, str]) -> Tie:
    return Tie(**{name: row[name] for name in ("id", "text", "votes", "rule", "label")})


def _training(history: dict[str, Any]) -> Training:
    best = history["best"]
    facts = ("device", "precision", "threads", "parameters", "max_length", "examples_per_second")
    return Training(
        epochs=tuple({**epoch, "epoch": float(epoch["epoch"]), "step": epoch["step"]} for epoch in history["epochs"]),
        best_epoch=best["epoch"],
        metric=best["metric"],
        metric_key="validation_loss" if best["metric"] == "log_loss" else best["metric"],
        best_value=best["value"],
        stopped_early=history["stopped_early"],
        seconds=history["seconds"],
        facts={name: history[name] for name in facts},
        base_model={name: history["base_model"][name] for name in ("title", "source", "licence")},
        settings=history["training"],
        truncation={
            name: {"texts": counts["texts"], "cut": counts["cut"], "windows": counts.get("windows", counts["texts"])}
            for name in SPLITS
            if (counts := history["truncation"].get(name)) is not None
        },
        course={name: history.get(name) for name in _COURSE},
        long_texts={"way": "head", "compared": [], **history.get("long_texts", {})},
    )


def _origin(manifest: dict[str, Any]) -> Origin:
    stages = {
        name: {"finished": stage["finished"], "seconds": stage["seconds"]}
        for name, stage in manifest["stages"].items()
        if name != "report"  # the page's own stage: the same run gives the same bytes before and after
    }
    return Origin(
        command=manifest.get("command"),
        seed=manifest["settings"]["seed"],
        sources=tuple({name: source[name] for name in ("role", "path", "sha256")} for source in manifest["sources"]),
        versions=manifest["versions"],
        stages=stages,
        test_openings=manifest["test_openings"],
    )
