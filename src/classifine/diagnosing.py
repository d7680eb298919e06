"""Takes a run's test predictions and texts and writes what is wrong in them, and why: mistakes.csv and diagnosis.json.

Finds what a diagnosis needs: the annotators' votes, and vectors that tell which training texts are near. Does not know
how predictions came about, or how a number is computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.data.labelled import Say, silent
from classifine.data.rows.labelling import relabel
from classifine.errors import ModelUnavailable
from classifine.evaluation.diagnosis import Votes, diagnose
from classifine.evaluation.mistakes import mistakes, with_nearest, with_votes, write_mistakes
from classifine.evaluation.neighbours import nearest
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.tables import Judgements, LabelledTexts, Predictions

MOST_READ = 10_000  # texts that the base model reads to tell which are near; of more, their words tell
MOST_TOLD = 2_000  # mistakes whose neighbours are told: the first ones


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of texts, of those that are asked about and those that are searched, and what made them."""

    asked: Any
    among: Any
    source: str


def write_diagnosis(
    run: RunFolder,
    model: Predictions,
    settings: Settings,
    *,
    train: LabelledTexts | None = None,
    test: LabelledTexts | None = None,
    say: Say = silent,
) -> list[Path]:
    """Write the mistakes and the diagnosis of test predictions; give the files.

    Parameters
    ----------
    run
        Where to; its judgements, if it has some, tell what annotators agreed about.
    model
        The predictions.
    settings
        How many neighbours are told, and the base model that may tell them.
    train, test
        The training texts, among which neighbours are found, and the test texts with their further columns.
    say
        Called with a stage and a plain sentence.

    Raises
    ------
    DiscError
        The disc refuses.
    """
    found = mistakes(model)
    votes = votes_of(run, settings)
    if votes:
        found = with_votes(found, votes)
    source = None
    k = settings.evaluation.neighbours
    if train is not None and len(train) and found and k:
        asked = [mistake.text for mistake in found[:MOST_TOLD]]
        vectors = vectors_of(asked, train.texts, settings)
        if vectors is not None:
            source = vectors.source
            found = with_nearest(found, train, nearest(vectors.asked, vectors.among, k=k))
    told = diagnose(model, found, table=test, votes=votes, near=source, seed=settings.seed)
    write_mistakes(run.mistakes, found)
    durable.write_json(run.diagnosis, told.to_dict())
    worse = [one for column in told.slices.columns for one in column.slices if one.worse]
    if worse:
        say("slices", told.slices.sentence)
    if any(one.worse for one in told.spots.slices):
        say("weak", told.spots.sentence)
    return [run.mistakes, run.diagnosis]


def votes_of(run: RunFolder, settings: Settings) -> Votes | None:
    """Count the annotators' judgements of each item, labels named and merged as they were for training.

    Returns
    -------
    mapping or None
        By id; none where labels were not made from judgements, or where ids of several files had to be told apart.
    """
    import pyarrow.parquet as pq

    if not run.judgements.is_file():
        return None
    table = Judgements.from_arrow(pq.read_table(run.judgements))
    named, _, _ = relabel(table, replace(settings.data, keep_labels=(), min_rows=1))
    votes: dict[str, Counter[str]] = {}
    for item, label in zip(named.ids, named.labels, strict=True):
        votes.setdefault(item, Counter())[label] += 1
    known = set(pq.read_table(run.rows, columns=["id"]).column("id").to_pylist())
    return votes if known <= votes.keys() else None


def vectors_of(asked: Sequence[str], among: Sequence[str], settings: Settings) -> Vectors | None:
    """Give vectors that are near to one another where texts are alike.

    The base model's, as it is before it is trained, where it can be had, serves as a baseline and has few texts to
    read; else TF-IDF of words. None where no text holds a word.
    """
    from classifine.courses.baseline import word_counter
    from classifine.courses.frozen import FrozenEncoder
    from classifine.model.hub import resolve

    if settings.training.frozen_baseline and len(asked) + len(among) <= MOST_READ:
        try:
            base = resolve(settings.model.model)
        except ModelUnavailable:
            base = None
        if base is not None:
            encoder = FrozenEncoder(base.folder, title=base.title, max_length=settings.model.max_length)
            return Vectors(encoder.embed(asked), encoder.embed(among), f"{base.title} as it is before training")
    words = word_counter(among)
    if words is None:
        return None
    known = words.fit_transform(among)
    return Vectors(words.transform(asked), known, "the words they share")
