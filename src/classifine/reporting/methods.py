"""Takes the stored values of a run and gives a paragraph about how it was made, ready to be pasted into a paper.

Each sentence says what is stored and is left out where nothing is. Does not know files, HTML or charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifine.reporting import data_wording, wording
from classifine.reporting.annotation_view import Annotation
from classifine.reporting.data_view import Audit
from classifine.reporting.measures import Figure, Measure
from classifine.reporting.view import Scores, Summary, Training

_LABELS_NAMED = 12
_SETTINGS = {
    "learning_rate": "peak learning rate {}",
    "lr_scheduler_type": "{} schedule",
    "warmup_steps": "warm-up {}",
    "num_train_epochs": "at most {} epochs",
    "max_steps": "at most {} updates",
    "per_device_train_batch_size": "batches of {} texts",
    "gradient_accumulation_steps": "gradients accumulated over {} batches",
    "optim": "optimizer {}",
    "weight_decay": "weight decay {}",
    "loss": "loss {}",
    "class_weights": "class weights {}",
    "sampling": "sampling {}",
    "logit_adjustment": "logit adjustment {}",
    "label_smoothing_factor": "label smoothing {}",
    "layerwise_lr_decay": "layer-wise learning rate decay {}",
    "freeze_layers": "{} lowest layers frozen",
    "reinit_layers": "{} highest layers begun anew",
    "lora_r": "LoRA of rank {}",
}
_ORDINARY = {
    "gradient_accumulation_steps": 1,
    "loss": "cross_entropy",
    "class_weights": "none",
    "sampling": "shuffled",
    "logit_adjustment": 0.0,
    "label_smoothing_factor": 0.0,
    "layerwise_lr_decay": 1.0,
    "freeze_layers": 0,
    "reinit_layers": 0,
}
_CALIBRATIONS = {"temperature": "temperature scaling", "vector": "vector scaling"}


def methods_of(run: Summary) -> str:
    """Write the paragraph: texts, labels, annotators, parts, model, settings, seeds, choice, scores, versions."""
    told = [*_of_data(run), *_of_training(run), *_of_scores(run), _of_versions(run)]
    return " ".join(one for one in told if one)


def _of_data(run: Summary) -> list[str]:
    audit = run.audit
    if audit is None:
        return [_of_predictions(run)] if run.foreign else []
    labels = list(audit.labels)
    named = f": {_names(labels)}" if len(labels) <= _LABELS_NAMED else ""
    told = [f"The data are {audit.texts or audit.rows_used:,} labelled texts with {len(labels):,} labels{named}."]
    return [*told, *_of_annotators(audit.annotation), *_of_parts(audit)]


def _of_predictions(run: Summary) -> str:
    files = [f"{one['path'].rsplit('/', 1)[-1]} (SHA-256 {one['sha256'][:16]}…)" for one in run.origin.sources]
    who = "" if run.scores is None else f" ({run.scores.model.title}; {len(run.scores.labels):,} labels)"
    return f"Predictions{who} were made elsewhere and read from {_names(files)}."


def _of_annotators(found: Annotation | None) -> list[str]:
    if found is None:
        return []
    counts = found.counts
    told = [
        f"{counts['annotators']:,} annotators gave {counts['judgements']:,} judgements of {counts['items']:,} texts."
        if {"annotators", "judgements", "items"} <= counts.keys()
        else ""
    ]
    told.append("" if found.method is None else data_wording.aggregation(found.method))
    if counts.get("ties"):
        told.append(data_wording.tie_rule(found.tie_rule))
    measures = [f"{name} {_measure(one)}" for name, one in found.measures if one.value is not None]
    if measures:
        scale = f" ({found.scale} scale)" if found.scale else ""
        told.append(f"Agreement{scale}: {'; '.join(measures)}.")
    return told


def _of_parts(audit: Audit) -> list[str]:
    division = audit.division
    if division is None:
        return []
    told = [f"They were divided into {_counts(division.rows)} rows, {data_wording.division(division.method)}."]
    if division.cut:
        told.append("Equal and nearly equal texts, and rows of one group, stand in one part.")
    if division.rare:
        told.append(f"{len(division.rare):,} labels were too rare to stand in every part.")
    if audit.contamination is not None and audit.contamination.seen:
        seen = audit.contamination
        told.append(f"{seen.seen:,} of {seen.test_rows:,} test texts stand in training or validation, too.")
    return told


def _of_training(run: Summary) -> list[str]:
    training = run.training
    if training is None:
        return []
    base, facts = training.base_model, training.facts
    licence = f", {base['licence']}" if base.get("licence") else ""
    version = run.origin.versions.get("classifine", "")
    told = [
        f"{base['title']} ({base['source']}{licence}) was fine-tuned with classifine {version} "
        f"({_settings(training)}; {facts['max_length']:,} tokens of a text; {facts['device']}, {facts['precision']}).",
        f"Of the evaluations during training, the one with the best validation {wording.metric(training.metric)} was "
        f"kept ({wording.score(training.best_value)} after {wording.plain(round(training.best_epoch, 2))} epochs"
        f"{', training then stopped early' if training.stopped_early else ''}).",
    ]
    if run.search is not None:
        told.append(
            f"Settings were chosen among {len(run.search.trials):,} trials ({run.search.sampler}) by "
            f"{wording.metric(run.search.metric)} on validation texts ({run.search.rated_by}); test texts had no part."
        )
    if run.seeds is not None:
        spread = run.seeds.validation
        told.append(
            f"The training was done with {len(run.seeds.rows):,} seeds and the median classifier kept (validation "
            f"{wording.metric(spread.metric)}: mean {wording.score(spread.mean)}, SD {wording.score(spread.sd)})."
        )
    if run.folds is not None:
        told.append(f"{run.folds.told['sentence']}.")
    if training.course.get("retrained"):
        told.append("It was then trained once more on training and validation texts together.")
    return [*told, f"Every random choice starts from seed {run.origin.seed}."]


def _of_scores(run: Summary) -> list[str]:
    scores = run.scores
    if scores is None:
        return ["The test texts have not been scored."]
    figures = [
        (wording.metric(name) if name != "f1" else f"F1 of {scores.positive}", one) for name, one in scores.heads
    ]
    where = "test texts" if scores.split == "test" else f"{scores.split} texts"
    told = [
        f"On {scores.n:,} {where}, {'; '.join(f'{name} was {_figure(one)}' for name, one in figures)}.",
        _of_intervals(figures),
        _of_baselines(scores),
        f"The {where} had been opened {scores.test_openings:,} {'time' if scores.test_openings == 1 else 'times'}.",
    ]
    if scores.trust is not None:
        way = _CALIBRATIONS.get(scores.trust.calibration["method"])
        if way is not None:
            told.append(f"Probabilities were calibrated by {way} on the {scores.trust.fitted_on}.")
    if scores.contaminated:
        told.append("These scores are contaminated: training or validation has seen test texts.")
    return told


def _of_intervals(figures: Sequence[tuple[str, Figure]]) -> str:
    ways = {name: one.method for name, one in figures if one.low is not None}
    if not ways:
        return "There are too few texts for intervals."
    return f"Intervals are 95 % ones: {'; '.join(f'{way} for {name}' for name, way in ways.items())}."


def _of_baselines(scores: Scores) -> str:
    beside = [
        f"{one.title} by {wording.signed(one.difference)}"
        + ("" if one.low is None else f" (95 % interval {wording.signed(one.low)} to {wording.signed(one.high)})")
        for one in scores.comparisons
    ]
    if not beside:
        return ""
    metric = wording.metric(scores.comparisons[0].metric)
    return f"In {metric}, on the same texts, it differs from {'; from '.join(beside)}."


def _of_versions(run: Summary) -> str:
    versions = {name: value for name, value in run.origin.versions.items() if name != "platform"}
    return f"Versions: {', '.join(f'{name} {value}' for name, value in versions.items())}." if versions else ""


def _settings(training: Training) -> str:
    used: Mapping[str, Any] = training.settings
    told = []
    for name, words in _SETTINGS.items():
        value = used.get(name)
        if value is not None and (name not in _ORDINARY or value != _ORDINARY[name]):
            told.append(words.format(wording.plain(value)))
    return ", ".join(told)


def _figure(one: Figure) -> str:
    value = wording.score(one.value)
    return value if one.low is None else f"{value} ({wording.score(one.low)} to {wording.score(one.high)})"


def _measure(one: Measure) -> str:
    value = wording.score(one.value)
    return (
        value if one.low is None else f"{value} (95 % interval {wording.score(one.low)} to {wording.score(one.high)})"
    )


def _counts(sizes: Mapping[str, int]) -> str:
    return _names([f"{rows:,} {part}" for part, rows in sizes.items()])


def _names(items: Sequence[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
