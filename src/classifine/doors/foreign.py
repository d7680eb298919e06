"""Takes a file of predictions that another tool or a language model made and gives the scorecard and report of ours.

Nothing is predicted or trained, and no torch is loaded. Does not know how a file is read or a number computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.data.labelled import Say, silent
from classifine.data.predicted.columns import Columns
from classifine.data.predicted.reading import Foreign, UnknownLabels, Wanted, read_predictions
from classifine.data.rows.accounting import write_rejected
from classifine.data.splits.levels import arranged
from classifine.errors import RunRefused, SettingsProblem, UsageError, count, some, unknown_name
from classifine.evaluation.calibration import Calibration, fit_calibration, logits_of, probabilities_of
from classifine.evaluation.mistakes import mistakes, write_mistakes
from classifine.evaluation.scorecard import Scorecard, scorecard
from classifine.evaluation.trust import Trust, trust
from classifine.labels import FloatMatrix
from classifine.runs import RunFolder, Source
from classifine.settings import Settings
from classifine.tables import Predictions

ROLE = "predictions"
NO_VALIDATION = (
    "there are no predictions for validation texts (--validation-predictions), and test texts may not choose anything"
)
NOT_FITTED = "they are measured as they stand, since no predictions for validation texts were given"
LABELS_ONLY = (
    "The file has labels and no probabilities: log-loss, Brier score, ROC-AUC, average precision, top-k, calibration "
    "and abstention cannot be told."
)
_ROLES = ("id", "text", "group")
_OF_LABELS = ("positive", "label_separator", "label_order", "level_separator", "level_prefixes", "label_parents")
_OF_FILES = ("encoding", "delimiter", "on_bad_row")
# What a probability is kept away from 0 and 1, as in the log-loss.
_LEAST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Judged:
    """The scorecard of predictions that came from elsewhere, and the folder it is kept in.

    Attributes
    ----------
    card
        Every score with its interval.
    run
        The folder: scorecard.json, mistakes.csv, predictions/ and report.html; none where nothing was kept.
    """

    card: Scorecard
    run: RunFolder | None


def evaluate_predictions(
    predictions: Path | str,
    *,
    out: Path | str | None = None,
    validation: Path | str | None = None,
    truth: str | None = None,
    predicted: str | None = None,
    probability: str | None = None,
    probabilities: str | None = None,
    unknown_labels: UnknownLabels = "error",
    name: str | None = None,
    seed: int = 42,
    command: str | None = None,
    say: Say = silent,
    **settings: Any,
) -> Judged:
    """Score predictions that any other tool, or a language model, made.

    Parameters
    ----------
    predictions
        A file with one row a text: its true label, and the predicted one or probabilities, or both.
    out
        A folder for the scorecard, the mistakes and the report; without one, nothing is written.
    validation
        The same of validation texts, made by the same tool: a temperature and a threshold are fitted on them. Without
        one, probabilities are only measured.
    truth, predicted
        Columns; without a name, the likely one is taken and said.
    probability
        The column that holds the probability of ``positive``, where there are two labels.
    probabilities
        What the names of the columns of probabilities begin with, the labels following: ``p_`` where one is ``p_yes``.
    unknown_labels
        ``keep`` takes predicted labels that no row truly has, and missing ones, as wrong answers.
    name
        What to call who predicted; without one, the file's name.
    seed
        Where draws start.
    command
        What was typed, for the report.
    say
        Called with a stage and a plain sentence.
    **settings
        ``id``, ``text``, ``group`` (columns; where rows belong to groups, intervals draw groups), ``positive``,
        ``label_separator``, ``label_order``, ``level_separator``, ``level_prefixes``, ``label_parents``, ``encoding``,
        ``delimiter``, ``on_bad_row`` (``quarantine`` sets rows aside that cannot be scored), ``target_accuracy``.

    Raises
    ------
    UsageError, DataError
        A file, column or row cannot be used; everything that is wrong is said at once.
    RunRefused
        The folder holds something else.

    Examples
    --------
    >>> evaluate_predictions("llm.csv", truth="gold", predicted="answer").card.verdict  # doctest: +SKIP
    'Macro-F1 0.713 on 400 test rows; no baseline was scored beside it.'
    """
    path, chosen = Path(predictions), _settings(settings, truth, seed)
    id, text, group = (settings.get(role) for role in _ROLES)
    columns = Columns(truth, predicted, id, text, group, probability, (), probabilities)
    wanted = _wanted(columns, unknown_labels, chosen)
    found = _arranged(_read(path, wanted, "test", say), chosen)
    second = None
    if validation is not None:
        beside = replace(wanted, columns=found.columns, space=found.predictions.space)
        second = _read(Path(validation), beside, "validation", say)
        _refuse_same(found.predictions, second.predictions, where=str(validation))
    told = (found, second, name or f"predictions of {path.name}", chosen)
    if out is None:
        return Judged(_scored(*told, openings=1)[0], None)
    run = RunFolder(out)
    sources = [Source(ROLE, str(path), durable.sha256(path))]
    if validation is not None:
        sources.append(Source(f"validation {ROLE}", str(validation), durable.sha256(Path(validation))))
    with run.locked():
        run.begin(sources, chosen, command=command)
        return Judged(_kept(run, lambda openings: _scored(*told, openings=openings), (found, second), say), run)


def _settings(given: Mapping[str, Any], truth: str | None, seed: int) -> Settings:
    """Give the settings that were named.

    Raises
    ------
    SettingsProblem
        Some have no effect on predictions that are there already.
    """
    known = {*_ROLES, *_OF_LABELS, *_OF_FILES, "target_accuracy"}
    if strange := [name for name in given if name not in known]:
        hints = "; ".join(unknown_name(name, sorted(known), noun="settings") for name in strange)
        raise SettingsProblem(f"evaluate_predictions has no setting {some(list(map(repr, strange)))}", cure=hints)
    several = {"multi_label": True} if given.get("label_separator") else {}
    named = {key: value for key, value in given.items() if value is not None}
    label = {} if truth is None else {"label": truth}
    return Settings().with_names({**several, **label, "seed": seed, **named})


def _wanted(columns: Columns, unknown_labels: UnknownLabels, chosen: Settings) -> Wanted:
    data = chosen.data
    return Wanted(
        columns,
        separator=data.label_separator,
        positive=data.positive,
        unknown_labels=unknown_labels,
        on_bad_row=data.on_bad_row,
        encoding=data.encoding,
        delimiter=data.delimiter,
    )


def _read(path: Path, wanted: Wanted, split: str, say: Say) -> Foreign:
    found = read_predictions(path, wanted, split=split)
    say("read", f"{count(len(found.predictions), 'row')} of {path}: {found.columns.told}")
    space = found.predictions.space
    several = "" if space.separator is None else ", of which a text may have several"
    say("labels", f"{count(len(space), 'label')}{several}")
    if found.rejected:
        say("read", f"{count(len(found.rejected), 'row')} of {found.rows_in:,} set aside")
    return found


def _arranged(found: Foreign, chosen: Settings) -> Foreign:
    """Give the labels their levels and their order, where these are named."""
    predictions = found.predictions
    where: dict[str, list[str]] = {label: [] for label in predictions.space.names}
    for row, cell in zip(predictions.ids, predictions.truth, strict=True):
        for label in predictions.space.several(cell or ""):
            where[label].append(row)
    space = arranged(predictions.space, chosen.data, where)
    return replace(found, predictions=replace(predictions, space=space))


def _refuse_same(test: Predictions, validation: Predictions, *, where: str) -> None:
    """Refuse validation rows that are test rows: what is fitted on them would flatter the scores."""
    named = any(test.texts)
    shared = set(zip(test.ids, test.texts, strict=True)) & set(zip(validation.ids, validation.texts, strict=True))
    if shared and (named or len(shared) == len(validation)):
        raise UsageError(
            f"{count(len(shared), 'row')} of the validation predictions are rows of the test predictions",
            where=where,
            cure="give predictions for other texts, or leave --validation-predictions out",
        )


def _scored(
    found: Foreign, second: Foreign | None, title: str, chosen: Settings, *, openings: int
) -> tuple[Scorecard, Predictions, Predictions | None]:
    """Score the predictions; give them, too, as they are after calibration."""
    test, validation = found.predictions, None if second is None else second.predictions
    notes = list(found.notes)
    known = np.isfinite(test.probabilities).all()
    if not known:
        notes.append(LABELS_ONLY)
    if found.rejected:
        notes.append(f"{count(len(found.rejected), 'row')} of {found.rows_in:,} could not be used and were set aside.")
    trusted: Trust | None = None
    if known:
        calibration = Calibration(several=test.space.separator is not None, note=NOT_FITTED)
        if validation is not None:
            calibration = _fitted(validation)
            test, validation = (_calibrated(each, calibration) for each in (test, validation))
        trusted = trust(
            test,
            validation,
            calibration,
            target_accuracy=chosen.evaluation.target_accuracy,
            set_error=chosen.evaluation.set_error,
            unknown=NO_VALIDATION,
        )
    card = scorecard(
        test, [], titles={"model": title}, test_openings=openings, seed=chosen.seed, trust=trusted, notes=notes
    )
    return card, test, validation


def _fitted(validation: Predictions) -> Calibration:
    if not np.isfinite(validation.probabilities).all():
        raise SettingsProblem(
            "the validation predictions have no probabilities, so that nothing can be fitted on them",
            cure="leave --validation-predictions out",
        )
    space = validation.space
    cells = [cell or "" for cell in validation.truth]
    truth = space.ids(cells) if space.separator is None else space.indicator(cells)
    return fit_calibration(_logits(validation.probabilities, several=space.separator is not None), truth, "temperature")


def _calibrated(predictions: Predictions, calibration: Calibration) -> Predictions:
    """Give predictions with calibrated probabilities; the labels stay as they were given."""
    if calibration.method == "none":
        return predictions
    several = calibration.several
    logits = calibration.logits(_logits(predictions.probabilities, several=several))
    return replace(predictions, probabilities=probabilities_of(logits, several=several))


def _logits(probabilities: FloatMatrix, *, several: bool) -> FloatMatrix:
    return logits_of(np.clip(probabilities, _LEAST, 1 - _LEAST), several=several)


def _kept(
    run: RunFolder,
    score: Callable[[int], tuple[Scorecard, Predictions, Predictions | None]],
    read: Sequence[Foreign | None],
    say: Say,
) -> Scorecard:
    """Count the opening, score, and store every number and the page."""
    import time

    from classifine.reporting.render import write_report

    started = time.perf_counter()
    openings = run.open_test()
    card, test, validation = score(openings)
    made = []
    for predictions in (test, validation):
        if predictions is not None:
            made.append(run.predictions / f"{predictions.split}.parquet")
            durable.write_parquet(made[-1], predictions.to_arrow())
    rejected = [row for each in read if each is not None for row in each.rejected]
    if rejected:
        write_rejected(run.rejected, rejected)
        made.append(run.rejected)
    durable.write_json(run.scorecard, card.to_dict())
    write_mistakes(run.mistakes, mistakes(test))
    run.finish("evaluate", [*made, run.scorecard, run.mistakes], time.perf_counter() - started)
    started = time.perf_counter()
    run.finish("report", [write_report(run)], time.perf_counter() - started)
    say("evaluate", f"{count(len(test), 'row')}, scored {count(openings, 'time')}")
    return card


def folder_of(predictions: Path, out: Path | None) -> Path:
    """Name the folder: what the user says, or after the file.

    Raises
    ------
    RunRefused
        It is where the file itself lies.
    """
    folder = out if out is not None else Path("runs") / (predictions.name.split(".")[0] or "predictions")
    if folder.resolve() == predictions.resolve():
        raise RunRefused(f"{folder} is the file that is read", cure="choose another folder with -o")
    return folder
