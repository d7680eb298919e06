"""Takes data files and settings and gives a finished run folder: the whole journey, stage by stage, in order.

Each stage reads what the one before wrote, so that a run that was interrupted goes on where it stopped.
Does not know how any stage does its work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from classifine import durable
from classifine.data.annotators.aggregation import write_ties
from classifine.data.labelled import Say, silent
from classifine.data.rows.accounting import write_rejected
from classifine.data.splits.contamination import KINDS
from classifine.data.splits.stored import stored_splits
from classifine.data.splits.storing import splits_table
from classifine.diagnosing import write_diagnosis
from classifine.errors import ModelUnavailable, SettingsProblem, count
from classifine.evaluation.calibration import NOT_WANTED, Calibration
from classifine.evaluation.scorecard import Scorecard, scorecard
from classifine.evaluation.seen import Seen
from classifine.evaluation.trust import trust
from classifine.peers import beside_annotators
from classifine.preparation import Prepared, audit_of_splits, contaminated, prepare
from classifine.runs import STAGES, RunFolder, Source
from classifine.settings import DataSettings, EvaluationSettings, Settings
from classifine.sources import DataFiles
from classifine.tables import LabelledTexts, Predictions, Splits
from classifine.training import ranks

if TYPE_CHECKING:
    from classifine.courses.baseline import Baseline
    from classifine.model.classifier import Classifier, Scorer
    from classifine.training.checkpoints import Checkpoints
    from classifine.training.finetune import FineTuned

# Validation texts on which the saved folder must give the same probabilities as the classifier in memory.
_PROBES = 16
# Marks the predictions for validation texts that a classifier was trained on in the end: they say nothing of new texts.
_SEEN = " (trained on)"


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
        Whether anything was left to do. Where torchrun has started several processes, the first one does it all; the
        others do the training with it, write nothing, and are told False.

    Raises
    ------
    ClassifineError
        Whatever stands in the way; a folder made for this run is removed when not even its data is usable.
    """
    with ranks.Together(use_cpu=settings.training.use_cpu) as leads:
        if leads:
            with ranks.alone():
                return _led(files, settings, RunFolder(folder), upto=upto, say=say)
        from classifine.courses.jointly import follow

        follow()
        return False


def train_run(run: RunFolder, splits: Splits, source: Source, settings: Settings) -> Classifier:
    """Keep splits in a run folder and train on them there, as far as that is not done; give the classifier."""
    from classifine.model.classifier import Classifier

    with ranks.Together(use_cpu=settings.training.use_cpu) as leads:
        if not leads:
            from classifine.courses.jointly import follow

            followed = follow()
            return Classifier.load(run.model) if followed is None else followed.classifier
        with ranks.alone(), run.locked():
            run.begin([source], settings)
            if not run.done("data"):
                prepared = Prepared(splits, audit_of_splits(splits, settings.data))
                record(run, "data", lambda: keep_data(run, checked(prepared, settings)))
            if not run.done("train"):
                record(run, "train", lambda: train_stage(run, settings))
    return Classifier.load(run.model)


def _led(files: DataFiles, settings: Settings, run: RunFolder, *, upto: str, say: Say) -> bool:
    sources = files.sources()
    with run.locked():
        again = run.begin(sources, settings)
        asked = STAGES[: STAGES.index(upto) + 1]
        # what comes after a stage that must be done again must be done again, too
        wanted = next((asked[place:] for place, stage in enumerate(asked) if not run.done(stage)), ())
        if again and wanted:
            say("continue", f"{run.path} is unfinished; going on with {wanted[0]}")
        if "data" in wanted:
            record(run, "data", lambda: data_stage(run, files, settings, say=say))
        if "train" in wanted:
            record(run, "train", lambda: train_stage(run, settings, say=say))
        if "evaluate" in wanted:
            record(run, "evaluate", lambda: evaluate_stage(run, settings, say=say)[1])
        if "report" in wanted:
            record(run, "report", lambda: report_stage(run))
    return bool(wanted)


def data_stage(run: RunFolder, files: DataFiles, settings: Settings, *, say: Say = silent) -> list[Path]:
    """Read, check and divide the data, and keep what was found."""
    from classifine.model.tokens import counter_of

    counter = counter_of(settings.model)
    return keep_data(run, checked(prepare(files, settings, say=say, count_tokens=counter), settings))


def checked(prepared: Prepared, settings: Settings) -> Prepared:
    """Refuse a base model or training settings that cannot work, before anything is written."""
    from classifine.courses.folding import check_folds
    from classifine.courses.ladder import check_rungs
    from classifine.model.hub import resolve
    from classifine.training.finetune import check_settings

    splits = prepared.splits
    check_settings(splits.train, splits.space, resolve(settings.model.model), settings)
    check_folds(settings)
    check_rungs(settings)
    wanted = settings.training
    if wanted.seeds > 1 or wanted.folds is not None or wanted.retrain_folds:
        ranks.require_one("several seeds and folds are trained")
    return prepared


def keep_data(run: RunFolder, prepared: Prepared) -> list[Path]:
    """Write what the data stage found; give the files."""
    table = splits_table(prepared.splits)
    durable.write_parquet(run.rows, table.drop_columns(["split"]))
    durable.write_parquet(run.splits, table.select(["id", "split"]))
    durable.write_json(run.audit, prepared.audit)
    made = [run.rows, run.splits, run.audit]
    if prepared.judgements:
        import pyarrow as pa

        durable.write_parquet(run.judgements, pa.concat_tables([one.to_arrow() for one in prepared.judgements]))
        write_ties(run.ties, prepared.ties)
        made += [run.judgements, run.ties]
    if prepared.rejected:
        write_rejected(run.rejected, prepared.rejected)
        made.append(run.rejected)
    return made


def train_stage(run: RunFolder, settings: Settings, *, say: Say = silent) -> list[Path]:
    """Fit what there is to beat, fine-tune on the stored splits, from the last checkpoint if there is one, and save."""
    from classifine.courses.folding import CrossValidation
    from classifine.courses.ladder import Ladder, advice
    from classifine.courses.telling import told, told_of_seeds
    from classifine.model.hub import resolve
    from classifine.training.checkpoints import Checkpoints
    from classifine.training.dynamics import keep_dynamics

    splits = stored_splits(run, settings)
    base = resolve(settings.model.model)
    if advised := advice(splits.train, splits.space, settings):
        say("mind", advised)
    for rung in Ladder(run.baselines).climb(splits.train, splits.validation, splits.space, base, settings):
        say("baseline", str(rung))
    kept = Checkpoints(run.checkpoints, quarantine=run.quarantine, tell=lambda line: say("train", line))
    result = finetuned(splits, settings, scratch=kept, folder=run.seeds)
    folded = {}
    if settings.training.folds is not None:
        folded = {"folds": CrossValidation(splits, settings, path=run.folds, scratch=kept).run(say)}
    result.classifier.save(run.model, probe=splits.validation.texts[:_PROBES])
    held_out = keep_held_out(run, result)
    learnt = keep_dynamics(run.checkpoints, splits.train, run.dynamics)
    durable.write_json(run.history, {**result.history, **folded, **learnt})
    say("train", told(result.history))
    if apart := told_of_seeds(result.history):
        say("seeds", apart)
    if folded:
        say("folds", folded["folds"]["sentence"])
    for warning in result.history.get("warnings", ()):
        say("mind", warning)
    if (known := result.classifier.calibration) is not None and known.note is not None:
        say("mind", f"calibration: {known.note}")
    return [run.model, run.history, run.baselines, *held_out, *[run.folds] * len(folded), *[run.dynamics] * len(learnt)]


def keep_held_out(run: RunFolder, result: FineTuned) -> list[Path]:
    """Keep what trainings said of texts that were held out of them, where there were some; give the file."""
    if result.held_out is None:
        durable.remove(run.out_of_fold)
        return []
    durable.write_parquet(run.out_of_fold, result.held_out.to_arrow())
    return [run.out_of_fold]


def finetuned(
    splits: Splits, settings: Settings, *, scratch: Path | Checkpoints, folder: Path | None = None
) -> FineTuned:
    """Find the base model and fine-tune it, with each seed in the folder; the test texts are not looked at."""
    from classifine.courses import jointly
    from classifine.courses.repeated import with_seeds

    if settings.training.folds is not None and folder is None:
        raise SettingsProblem("folds are scored in a run folder", cure='give one: out="runs/NAME"')
    if settings.training.seeds > 1:
        return with_seeds(splits, settings, scratch=scratch, folder=folder)
    return jointly.finetuned(splits, settings, scratch=scratch)


def evaluate_stage(
    run: RunFolder, settings: Settings, *, allow_contaminated: bool = False, say: Say = silent
) -> tuple[Scorecard, list[Path]]:
    """Open the test split, score it with the classifier and the baselines, and store every number.

    Raises
    ------
    Contaminated
        The test texts were seen in training or validation, and that is not allowed.
    """
    from classifine.courses.repeated import on_other_seeds
    from classifine.explanation.sampling import write_explanations
    from classifine.exporting.standing import engines_of, own_engine
    from classifine.model.classifier import Classifier
    from classifine.training.machine import device_name

    splits = stored_splits(run, settings)
    seen = seen_rows(run, splits, settings, allow=allow_contaminated or settings.data.allow_contaminated)
    classifier = Classifier.load(run.model)
    classifier.backend.model.to(device_name(use_cpu=settings.training.use_cpu))
    on_all = settings.training.retrain_on_all
    validation = _predicted(classifier, splits.validation, "validation" + (_SEEN if on_all else ""), "model")
    openings = run.open_test()
    title = f"fine-tuned {settings.model.model}" + (" (on training and validation texts)" if on_all else "")
    card, model, ladder = scored(
        classifier,
        splits,
        title=title,
        seed=settings.seed,
        openings=openings,
        seen=seen,
        further=_of_base(run, splits, settings, say),
        trusting=(_held_out(run) if on_all else validation, settings.evaluation),
    )
    apart, by_seed = on_other_seeds(run.seeds, run.history, splits.test, settings, say)
    engines, peers = engines_of(run, model, own=own_engine(classifier)), beside_annotators(run, model, settings)
    card = replace(card, seeds=apart, engines=engines, peers=peers)
    made = write_explanations(run.explanations, classifier, model, settings)
    for predictions in (validation, model, *ladder, *by_seed):
        of_model = predictions.classifier == "model"
        name = predictions.split.removesuffix(_SEEN) if of_model else f"{predictions.split}.{predictions.classifier}"
        made.append(run.predictions / f"{name}.parquet")
        durable.write_parquet(made[-1], predictions.to_arrow())
    durable.write_json(run.scorecard, card.to_dict())
    made += write_diagnosis(run, model, settings, train=splits.train, test=splits.test, say=say)
    say("evaluate", f"{count(len(model), 'test text')}, opened {count(openings, 'time')}")
    return card, [*made, run.scorecard]


def _held_out(run: RunFolder) -> Predictions | None:
    """Read what trainings said of texts that were held out of them, of a run that was trained on all texts."""
    import pyarrow.parquet as pq

    return Predictions.from_arrow(pq.read_table(run.out_of_fold)) if run.out_of_fold.is_file() else None


def seen_rows(run: RunFolder, splits: Splits, settings: Settings, *, allow: bool) -> Seen:
    """Find which test rows training or validation has seen.

    Raises
    ------
    Contaminated
        Too many of them, and that is not allowed.
    """
    import json

    division = json.loads(run.audit.read_text("utf-8")).get("division") or {}
    return seen_in(splits, settings.data, told_apart=division.get("told_apart", False), allow=allow)


def seen_in(splits: Splits, data: DataSettings, *, told_apart: bool = False, allow: bool) -> Seen:
    """Find which test rows of splits training or validation has seen; raises as :func:`seen_rows` does."""
    found = contaminated(splits, data, told_apart=told_apart)
    if not allow:
        found.refuse(data.max_contaminated)
    counts = {kind: len(found.of_test(kind)) for kind in KINDS}
    return Seen(counts, found.clean, found.test_rows, found.refused(data.max_contaminated))


def _of_base(run: RunFolder, splits: Splits, settings: Settings, say: Say) -> dict[str, Baseline]:
    """Give the baselines that stand on the base model, as they were fitted before training; none where it is gone."""
    from classifine.courses.ladder import Ladder
    from classifine.model.hub import resolve

    try:
        return dict(Ladder(run.baselines).of_base(splits.space, resolve(settings.model.model), settings))
    except ModelUnavailable as error:
        say("evaluate", f"without the baselines that need the base model: {error.what}")
        return {}


def scored(
    classifier: Scorer,
    splits: Splits,
    *,
    title: str,
    seed: int,
    openings: int,
    seen: Seen | None = None,
    further: Mapping[str, Baseline] = MappingProxyType({}),
    trusting: tuple[Predictions | None, EvaluationSettings] | None = None,
) -> tuple[Scorecard, Predictions, list[Predictions]]:
    """Score the test texts with the classifier, with baselines fitted on the training texts, and with further ones.

    ``trusting`` is the predictions for the validation texts, none where they were trained on, and what is wanted.
    """
    from classifine.courses.baseline import fit_baselines

    model = _predicted(classifier, splits.test, "test", "model")
    baselines = {**fit_baselines(splits.train, splits.space, seed, validation=splits.validation), **further}
    ladder = [_predicted(baseline, splits.test, "test", name) for name, baseline in baselines.items()]
    told = {name: f"{one.title} ({one.reason})" if one.reason else one.title for name, one in baselines.items()}
    titles = {"model": title, **told}
    found = None
    if trusting is not None:
        validation, wanted = trusting
        known = getattr(classifier, "calibration", None) or Calibration(note=NOT_WANTED)
        accuracy, error = wanted.target_accuracy, wanted.set_error
        found = trust(model, validation, known, target_accuracy=accuracy, set_error=error)
    card = scorecard(model, ladder, titles=titles, test_openings=openings, seed=seed, seen=seen, trust=found)
    return card, model, ladder


def scored_in_memory(
    classifier: Classifier, data: Splits | LabelledTexts, *, allow_contaminated: bool = False
) -> Scorecard:
    """Score a classifier that has no run folder; baselines need the training texts of splits.

    Raises
    ------
    Contaminated
        The test texts of splits were seen in training or validation, and that is not allowed.
    """
    title = "fine-tuned model"
    if isinstance(data, Splits):
        seen = seen_in(data, Settings().data, allow=allow_contaminated)
        return scored(classifier, data, title=title, seed=Settings().seed, openings=1, seen=seen)[0]
    return scorecard(_predicted(classifier, data, "texts", "model"), [], titles={"model": title}, test_openings=1)


def report_stage(run: RunFolder) -> list[Path]:
    """Draw the page from what is stored."""
    from classifine.reporting.render import write_report

    return [write_report(run)]


def record(run: RunFolder, stage: str, work: Callable[[], list[Path]]) -> None:
    """Do a stage and enter the files it made into the manifest, which makes it done."""
    started = time.perf_counter()
    files = work()
    run.finish(stage, files, time.perf_counter() - started)


def evaluate_again(
    run: RunFolder, settings: Settings, *, allow_contaminated: bool = False, say: Say = silent
) -> Scorecard:
    """Do the evaluation, also when it was done before; the opening of the test split is counted."""
    started = time.perf_counter()
    card, files = evaluate_stage(run, settings, allow_contaminated=allow_contaminated, say=say)
    run.finish("evaluate", files, time.perf_counter() - started)
    return card


def _predicted(scorer: Scorer, table: LabelledTexts, split: str, name: str) -> Predictions:
    from classifine.model.classifier import predictions_of

    what = f"scoring {split}" if name == "model" else None
    found = predictions_of(
        scorer, table.texts, ids=table.ids, truth=table.labels, split=split, classifier=name, what=what
    )
    return replace(found, groups=table.groups)
