"""Takes a run and writes which of its labels may be wrong: a ranked review file, and what the report shows of it.

Nothing is dropped or changed; a person corrects the file, and `--corrections` takes it back. Does not know how labels
come under suspicion.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from classifine import durable, journey
from classifine.data.files.cells import is_blank
from classifine.data.files.table_file import TableFile
from classifine.data.labelled import Say, silent
from classifine.data.splits.folds import cut_into_folds
from classifine.data.splits.stored import learnable, stored_splits
from classifine.diagnosing import votes_of
from classifine.errors import ModelUnavailable, RunRefused, SettingsProblem, count
from classifine.evaluation.dynamics import Dynamics
from classifine.evaluation.label_errors import CORRECT, LabelErrors, surrounded, write_review
from classifine.evaluation.label_errors import label_errors as ranked
from classifine.evaluation.mistakes import Neighbour
from classifine.evaluation.neighbours import nearest
from classifine.labels import FloatMatrix, decide
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.tables import OK, OUT_OF_FOLD, LabelledTexts, Predictions, Splits

By = Literal["auto", "trained", "frozen", "words"]
MOST_READ = 30_000  # texts that the base model reads unasked
MOST_TOLD = 2_000  # suspects whose neighbours are told: the first ones
NEIGHBOURS = 3


@dataclass(frozen=True)
class Doubted:
    """The labels of a run that may be wrong, and the file in which a person reviews them."""

    found: LabelErrors
    review: Path


def label_errors(
    run: Path | str,
    *,
    by: By = "auto",
    folds: int = 5,
    with_test: bool = False,
    output: Path | str | None = None,
    say: Say = silent,
) -> Doubted:
    """Rank the labels of a run that may be wrong, most suspicious first, and write them down for review.

    Each text is judged by a classifier that had not seen it. Training and validation texts are looked at; the test
    texts only where asked, which counts as opening them.

    Parameters
    ----------
    run
        A run whose data stage is done.
    by
        Who judges. ``trained``: the fine-tuned classifiers of a run with ``retrain_on_all``, which kept what they said
        of texts held out of them. ``frozen``: logistic regression on the base model as it is. ``words``: on TF-IDF.
        ``auto``: the first of these that can be had; the base model reads up to 30,000 texts.
    folds
        Into how many the texts are divided, so that each is judged unseen.
    with_test
        Look at the test texts, too.
    output
        The review file; without one, label_errors.csv of the run.
    say
        Called with a stage and a plain sentence.

    Raises
    ------
    FileMissing
        There is no run, or its data stage is not done.
    RunRefused
        The review file holds corrections that would be overwritten.
    SettingsProblem
        What was asked for cannot judge.

    Notes
    -----
    Northcutt et al. (2021), "Confident learning", JAIR 70:1373.

    Examples
    --------
    >>> from classifine import label_errors
    >>> label_errors("runs/posts").found.sentence  # doctest: +SKIP
    '31 labels of 800 (3.9 %) are suspected to be wrong, by ...'
    """
    folder = RunFolder.existing(run)
    review = folder.review if output is None else Path(output)
    with folder.locked():
        settings = Settings.from_dict(folder.read_manifest()["settings"])
        refuse_to_lose(review)
        splits = stored_splits(folder, settings) if with_test else learnable(folder, settings)
        if with_test:
            say("test", f"opened {count(folder.open_test(), 'time')}")
        found = _found(folder, splits, settings, by=by, folds=folds, say=say)
        write_review(review, found)
        durable.write_json(folder.label_errors, found.to_dict())
        if folder.done("evaluate"):
            journey.record(folder, "report", lambda: journey.report_stage(folder))
    return Doubted(found, review)


def refuse_to_lose(review: Path) -> None:
    """Refuse to write over a review file in which somebody has corrected something.

    Raises
    ------
    RunRefused
        It holds corrections.
    """
    if not review.exists():
        return
    file = TableFile(review)
    cells = (
        [cell for block in file.blocks() for cell in block.columns.get(CORRECT, ())] if CORRECT in file.names else None
    )
    if cells is None or not all(is_blank(cell) for cell in cells):
        done = "" if cells is None else f": {count(sum(not is_blank(cell) for cell in cells), 'label')} filled in"
        raise RunRefused(
            f"{review} would be overwritten" + (", and holds corrections" if cells is not None else ""),
            found=("another file" if cells is None else f"{CORRECT}{done}"),
            cure="rename it, or write elsewhere with -o; `classifine run … --corrections FILE` takes it in",
        )


def _found(run: RunFolder, splits: Splits, settings: Settings, *, by: By, folds: int, say: Say) -> LabelErrors:
    parts = [name for name, table in splits.items() for _ in range(len(table))]
    table = LabelledTexts.joined([part for _, part in splits.items() if len(part)])
    judged = _judged(run, splits, table, settings, by=by, folds=folds, say=say)
    part_of = dict(zip(table.ids, parts, strict=True))
    found = ranked(judged.predictions, source=judged.source, splits=[part_of[name] for name in judged.predictions.ids])
    place = {name: at for at, name in enumerate(table.ids)}
    asked = np.array([place[row.id] for row in found.rows[:MOST_TOLD]], dtype=np.int64)
    near = []
    if judged.vectors is not None and len(asked):
        told = nearest(judged.vectors[asked], judged.vectors, k=NEIGHBOURS, itself=asked)
        for positions, cosines in zip(told.positions.tolist(), told.similarities.tolist(), strict=True):
            pairs = zip(positions, cosines, strict=True)
            near.append(tuple(Neighbour(table.ids[at], table.labels[at], c, table.texts[at]) for at, c in pairs))
    return surrounded(found, nearest=near, votes=votes_of(run, settings), learnt=_learnt(run))


@dataclass(frozen=True, eq=False)
class _Judged:
    predictions: Predictions
    source: str
    vectors: Any = None


def _judged(
    run: RunFolder, splits: Splits, table: LabelledTexts, settings: Settings, *, by: By, folds: int, say: Say
) -> _Judged:
    """Have each text judged by a classifier that had not seen it."""
    from classifine.courses.held_out import by_words

    kept = _kept(run, table)
    if by == "trained" and kept is None:
        raise SettingsProblem(
            f"{run.path} has no fine-tuned probabilities of held-out texts",
            expected="a run with --set retrain_on_all=true, without --test",
            cure="leave --by out",
        )
    if kept is not None and by in ("auto", "trained"):
        return _Judged(kept, "fine-tuned classifiers, each trained without the texts it judged")
    cut = cut_into_folds(table, folds, settings, separator=splits.space.separator)
    if by == "frozen" or (by == "auto" and len(table) <= MOST_READ):
        judged = _by_base(table, splits, settings, cut, required=by == "frozen", say=say)
        if judged is not None:
            return judged
    say("judge", f"logistic regression on the words of {len(table):,} texts, {folds} folds")
    probabilities, vectors = by_words(table, splits.space, cut, seed=settings.seed)
    source = f"logistic regression on the words of the other texts, in {folds} folds"
    return _Judged(_predictions(table, probabilities, splits), source, vectors)


def _by_base(
    table: LabelledTexts, splits: Splits, settings: Settings, cut: list[Any], *, required: bool, say: Say
) -> _Judged | None:
    from classifine.courses.frozen import FrozenEncoder
    from classifine.courses.held_out import by_features
    from classifine.model.hub import resolve

    try:
        base = resolve(settings.model.model)
    except ModelUnavailable as error:
        if required:
            raise
        say("judge", f"without the base model: {error.what}")
        return None
    encoder = FrozenEncoder(base.folder, title=f"{base.title} as it is", max_length=settings.model.max_length)
    say("judge", f"logistic regression on {encoder.title}, of {len(table):,} texts, {len(cut)} folds")
    features = encoder.embed(table.texts, what="base model reads")
    probabilities = by_features(features, table, splits.space, cut, encoder)
    source = f"logistic regression on {encoder.title}, trained on the other texts, in {len(cut)} folds"
    return _Judged(_predictions(table, probabilities, splits), source, features)


def _predictions(table: LabelledTexts, probabilities: FloatMatrix, splits: Splits) -> Predictions:
    return Predictions(
        ids=table.ids,
        texts=table.texts,
        truth=table.labels,
        predicted=decide(probabilities, splits.space),
        probabilities=probabilities,
        status=(OK,) * len(table),
        space=splits.space,
        split=OUT_OF_FOLD,
        classifier="held-out",
    )


def _kept(run: RunFolder, table: LabelledTexts) -> Predictions | None:
    """Give what fine-tuned classifiers said of texts held out of them, where it is there for all of these texts."""
    import pyarrow.parquet as pq

    if not run.out_of_fold.is_file() or not run.done("train"):
        return None
    kept = Predictions.from_arrow(pq.read_table(run.out_of_fold))
    return kept if set(kept.ids) == set(table.ids) else None


def _learnt(run: RunFolder) -> Any:
    import pyarrow.parquet as pq

    return Dynamics.from_arrow(pq.read_table(run.dynamics)).by_id if run.dynamics.is_file() else None
