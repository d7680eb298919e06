"""Takes data files and settings and gives a finished run folder: the whole journey, stage by stage, in order.

Each stage reads what the one before wrote, so that a run that was interrupted goes on where it stopped.
Does not know how any stage does its work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifine import durable
from classifine.data.aggregation import Aggregation, aggregate, write_ties
from classifine.data.auditing import Finding, audit, audit_dict, audit_splits, raise_on_fail
from classifine.data.reading import Reading, read_judgements, read_labelled
from classifine.data.splitting import split, split_given, splits_from_table, splits_table
from classifine.errors import FileMissing, UsageError, count
from classifine.evaluation.mistakes import mistakes, write_mistakes
from classifine.evaluation.scorecard import Scorecard, scorecard
from classifine.runs import STAGES, RunFolder, Source
from classifine.settings import Settings
from classifine.tables import Judgements, LabelledTexts, Predictions, Splits

if TYPE_CHECKING:
    from classifine.model.classifier import Classifier, Scorer
    from classifine.training.finetune import FineTuned

Say = Callable[[str, str], None]
# Validation texts on which the saved folder must give the same probabilities as the classifier in memory.
_PROBES = 16


def silent(stage: str, message: str) -> None:
    """Say nothing; what a caller from Python gets unless it asks."""


@dataclass(frozen=True)
class DataFiles:
    """Where the labelled texts come from: one file to be divided, or a file for each part.

    Attributes
    ----------
    data
        One file that is divided into train, validation and test.
    train, validation, test
        Own files instead; what is missing is cut from train.
    """

    data: Path | None = None
    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None

    def sources(self) -> list[Source]:
        """List the files with their digests.

        Raises
        ------
        UsageError
            Neither or both ways are used.
        FileMissing
            One of them is not there.
        """
        if (self.data is None) == (self.train is None):
            raise UsageError(
                "name either one data file or a training file",
                expected="classifine run DATA, or classifine run --train FILE [--validation FILE] [--test FILE]",
            )
        if self.data is not None and (self.validation or self.test):
            raise UsageError(
                "a file to be divided and own validation or test files exclude each other",
                cure=f"say: --train {self.data} instead of {self.data}",
            )
        named = [("data", self.data), ("train", self.train), ("validation", self.validation), ("test", self.test)]
        return [Source(role, str(path), _digest(path)) for role, path in named if path is not None]


@dataclass(frozen=True)
class Prepared:
    """The data stage's result: splits, and everything that was found on the way."""

    splits: Splits
    audit: dict[str, Any]
    judgements: Judgements | None = None
    aggregation: Aggregation | None = None


def run_journey(files: DataFiles, settings: Settings, folder: Path, *, upto: str = "report", say: Say = silent) -> bool:
    """Walk from files to a report; stages that are done and verified are skipped.

    Parameters
    ----------
    files
        The labelled texts.
    settings
        What the user chose.
    folder
        The run folder: absent, empty, or the same run unfinished.
    upto
        The last stage to do: ``data``, ``train``, ``evaluate`` or ``report``.
    say
        Called with a stage and a plain sentence whenever something is done.

    Returns
    -------
    bool
        Whether anything was left to do.

    Raises
    ------
    ClassifineError
        Whatever stands in the way; a folder made for this run is removed when not even its data is usable.
    """
    sources = files.sources()
    run = RunFolder(folder)
    with run.locked():
        again = run.begin(sources, settings)
        asked = STAGES[: STAGES.index(upto) + 1]
        # what comes after a stage that must be done again must be done again, too
        wanted = next((asked[place:] for place, stage in enumerate(asked) if not run.done(stage)), ())
        if again and wanted:
            say("continue", f"{run.path} is unfinished; going on with {wanted[0]}")
        if "data" in wanted:
            record(run, "data", lambda: keep_data(run, checked(prepare(files, settings, say=say), settings)))
        if "train" in wanted:
            record(run, "train", lambda: train_stage(run, settings, say=say))
        if "evaluate" in wanted:
            record(run, "evaluate", lambda: evaluate_stage(run, settings, say=say)[1])
        if "report" in wanted:
            record(run, "report", lambda: report_stage(run))
    return bool(wanted)


def prepare(files: DataFiles, settings: Settings, *, say: Say = silent) -> Prepared:
    """Read, aggregate, audit and divide; nothing is written.

    Raises
    ------
    DataError, UsageError
        The files, columns or labels are not usable, or the training settings cannot work on them.
    """
    first = files.data or files.train
    assert first is not None
    reading, judgements, aggregation = read_one(first, settings, say=say)
    given = sum(path is not None for path in (files.validation, files.test))
    findings = audit(reading.table, left_out=reading.left_out, parts=3 - given)
    say("audit", _counted(findings))
    raise_on_fail(findings)
    validation = read_one(files.validation, settings, say=say)[0] if files.validation else None
    test = read_one(files.test, settings, say=say)[0] if files.test else None
    splits = _divided(reading, validation, test, settings, given=files.train is not None)
    reading = _joined([reading, *(one for one in (validation, test) if one is not None)])
    findings += audit_splits(splits)
    say("split", ", ".join(f"{len(table):,} {name}" for name, table in splits.items()) + " texts")
    annotation = aggregation.to_dict() if aggregation else None
    return Prepared(splits, audit_dict(reading.to_dict(), findings, splits, annotation), judgements, aggregation)


def checked(prepared: Prepared, settings: Settings) -> Prepared:
    """Refuse a base model or training settings that cannot work, before anything is written."""
    from classifine.model.hub import resolve
    from classifine.training.finetune import check_settings

    splits = prepared.splits
    check_settings(splits.train, splits.space, resolve(settings.model.model), settings)
    return prepared


def audit_of_splits(splits: Splits) -> dict[str, Any]:
    """Audit splits that did not come from files."""
    tables = [table for _, table in splits.items()]
    whole = LabelledTexts(
        *(
            tuple(cell for table in tables for cell in getattr(table, name))
            for name in ("ids", "texts", "labels", "rows")
        )
    )
    findings = audit(whole, parts=1) + audit_splits(splits)
    return audit_dict(Reading(whole, len(whole), ()).to_dict(), findings, splits, None)


def read_one(
    source: Any, settings: Settings, *, say: Say = silent
) -> tuple[Reading[LabelledTexts], Judgements | None, Aggregation | None]:
    """Read labelled texts; judgements are aggregated to one label an item."""
    where = source if isinstance(source, Path) else "the data"
    if settings.data.annotator is None:
        labelled = read_labelled(source, settings.data)
        say("read", f"{count(len(labelled.table), 'labelled text')} of {count(labelled.rows_in, 'row')} from {where}")
        return labelled, None, None
    judged = read_judgements(source, settings.data)
    found = aggregate(judged.table, ties=settings.data.ties, seed=settings.seed)
    say(
        "read",
        f"{count(found.judgements, 'judgement')} of {count(found.items, 'text')} by "
        f"{count(found.annotators, 'annotator')} from {where}; majority labels, {count(len(found.ties), 'tie')} "
        + ("dropped" if settings.data.ties == "drop" else "drawn"),
    )
    return Reading(found.labelled, judged.rows_in, judged.left_out), judged.table, found


def keep_data(run: RunFolder, prepared: Prepared) -> list[Path]:
    """Write what the data stage found; give the files."""
    table = splits_table(prepared.splits)
    durable.write_parquet(run.rows, table.drop_columns(["split"]))
    durable.write_parquet(run.splits, table.select(["id", "split"]))
    durable.write_json(run.audit, prepared.audit)
    made = [run.rows, run.splits, run.audit]
    if prepared.judgements is not None and prepared.aggregation is not None:
        durable.write_parquet(run.judgements, prepared.judgements.to_arrow())
        write_ties(run.ties, prepared.aggregation.ties)
        made += [run.judgements, run.ties]
    return made


def stored_splits(run: RunFolder, settings: Settings) -> Splits:
    """Read the splits a run was made with.

    Raises
    ------
    FileMissing
        The data stage has not been done.
    """
    import pyarrow.parquet as pq

    if not run.done("data"):
        raise FileMissing(f"{run.path} has no finished data stage", cure="type the command that started the run again")
    table = pq.read_table(run.rows)
    return splits_from_table(
        table.append_column("split", pq.read_table(run.splits).column("split")), positive=settings.data.positive
    )


def train_stage(run: RunFolder, settings: Settings, *, say: Say = silent) -> list[Path]:
    """Fine-tune on the stored splits and save the classifier with its history."""
    splits = stored_splits(run, settings)
    result = finetuned(splits, settings, scratch=run.checkpoints)
    result.classifier.save(run.model, probe=splits.validation.texts[:_PROBES])
    durable.write_json(run.history, result.history)
    say("train", _told(result.history))
    return [run.model, run.history]


def finetuned(splits: Splits, settings: Settings, *, scratch: Path) -> FineTuned:
    """Find the base model and fine-tune it; the test texts are not handed over."""
    from classifine.model.hub import resolve
    from classifine.training.finetune import finetune

    base = resolve(settings.model.model)
    return finetune(splits.train, splits.validation, splits.space, base, settings, scratch=scratch)


def evaluate_stage(run: RunFolder, settings: Settings, *, say: Say = silent) -> tuple[Scorecard, list[Path]]:
    """Open the test split, score it with the classifier and the baselines, and store every number."""
    from classifine.model.classifier import Classifier

    splits = stored_splits(run, settings)
    classifier = Classifier.load(run.model)
    validation = _predicted(classifier, splits.validation, "validation", "model")
    openings = run.open_test()
    card, model, ladder = scored(classifier, splits, settings, openings=openings)
    made = []
    for predictions in (validation, model, *ladder):
        name = (
            predictions.split if predictions.classifier == "model" else f"{predictions.split}.{predictions.classifier}"
        )
        made.append(run.predictions / f"{name}.parquet")
        durable.write_parquet(made[-1], predictions.to_arrow())
    durable.write_json(run.scorecard, card.to_dict())
    write_mistakes(run.mistakes, mistakes(model))
    say("evaluate", f"{count(len(model), 'test text')}, opened {count(openings, 'time')}")
    return card, [*made, run.scorecard, run.mistakes]


def scored(
    classifier: Scorer, splits: Splits, settings: Settings, *, openings: int
) -> tuple[Scorecard, Predictions, list[Predictions]]:
    """Score the test texts with the classifier and with baselines fitted on the training texts."""
    from classifine.training.baseline import fit_baselines

    model = _predicted(classifier, splits.test, "test", "model")
    baselines = fit_baselines(splits.train, splits.space, settings.seed)
    ladder = [_predicted(baseline, splits.test, "test", name) for name, baseline in baselines.items()]
    titles = {"model": f"fine-tuned {settings.model.model}"}
    titles |= {name: baseline.title for name, baseline in baselines.items()}
    return scorecard(model, ladder, titles=titles, test_openings=openings, seed=settings.seed), model, ladder


def scored_in_memory(classifier: Classifier, data: Splits | LabelledTexts) -> Scorecard:
    """Score a classifier that has no run folder; baselines need the training texts of splits."""
    titles = {"model": "fine-tuned model"}
    if isinstance(data, Splits):
        return scored(classifier, data, Settings(), openings=1)[0]
    return scorecard(_predicted(classifier, data, "texts", "model"), [], titles=titles, test_openings=1)


def report_stage(run: RunFolder) -> list[Path]:
    """Draw the page from what is stored."""
    from classifine.reporting.render import write_report

    return [write_report(run)]


def record(run: RunFolder, stage: str, work: Callable[[], list[Path]]) -> None:
    """Do a stage and enter the files it made into the manifest, which makes it done."""
    started = time.perf_counter()
    files = work()
    run.finish(stage, files, time.perf_counter() - started)


def evaluate_again(run: RunFolder, settings: Settings, *, say: Say = silent) -> Scorecard:
    """Do the evaluation, also when it was done before; the opening of the test split is counted."""
    cards: list[Scorecard] = []

    def work() -> list[Path]:
        card, files = evaluate_stage(run, settings, say=say)
        cards.append(card)
        return files

    record(run, "evaluate", work)
    return cards[0]


def _predicted(scorer: Scorer, table: LabelledTexts, split: str, name: str) -> Predictions:
    from classifine.model.classifier import predictions_of

    what = f"scoring {split}" if name == "model" else None
    return predictions_of(
        scorer, table.texts, ids=table.ids, truth=table.labels, split=split, classifier=name, what=what
    )


def _counted(findings: Sequence[Finding]) -> str:
    levels = [finding.level for finding in findings]
    told = f"{levels.count('good')} checks good, {count(levels.count('warn'), 'warning')}"
    warned = "; ".join(finding.message for finding in findings if finding.level == "warn")
    return f"{told}: {warned}" if warned else told


def _divided(
    first: Reading[LabelledTexts],
    validation: Reading[LabelledTexts] | None,
    test: Reading[LabelledTexts] | None,
    settings: Settings,
    *,
    given: bool,
) -> Splits:
    data = settings.data
    if not given:
        return split(
            first.table,
            validation_size=data.validation_size,
            test_size=data.test_size,
            seed=settings.seed,
            positive=data.positive,
        )
    return split_given(
        first.table,
        validation.table if validation else None,
        test.table if test else None,
        validation_size=data.validation_size,
        test_size=data.test_size,
        seed=settings.seed,
        positive=data.positive,
    )


def _joined(readings: Sequence[Reading[LabelledTexts]]) -> Reading[LabelledTexts]:
    """Add up what several files brought; the rows themselves are the first file's."""
    left_out = tuple(one for reading in readings for one in reading.left_out)
    return Reading(readings[0].table, sum(reading.rows_in for reading in readings), left_out)


def _told(history: dict[str, Any]) -> str:
    best = history["best"]
    epochs = count(len(history["epochs"]), "epoch")
    where = f"{history['device']} ({history['precision']})"
    return (
        f"{history['base_model']['title']}, {epochs} in {history['seconds']:.0f} s on {where}; "
        f"best after epoch {best['epoch']:g}: {best['metric']} {best['value']:.3f} on the validation texts"
    )


def _digest(path: Path) -> str:
    if not path.is_file():
        raise FileMissing(f"there is no file {path}", cure="check the path; it is read from the folder you are in")
    return durable.sha256(path)
