"""Takes the judgements that a run keeps and its test predictions, and gives the classifier beside the annotators.

Does not know how agreement is measured or what is shown of it.
"""

from __future__ import annotations

from dataclasses import replace

from classifine.data.annotators.agreement import agreement_of
from classifine.data.annotators.votes import Votes
from classifine.data.rows.labelling import relabel
from classifine.evaluation.another_annotator import AmongAnnotators, among_annotators
from classifine.runs import RunFolder
from classifine.settings import Settings
from classifine.tables import OK, Judgements, Predictions


def beside_annotators(run: RunFolder, test: Predictions, settings: Settings) -> AmongAnnotators | None:
    """Compare a run's classifier with the annotators of its test texts; none where a run has no judgements of them."""
    import pyarrow.parquet as pq

    if not run.judgements.is_file():
        return None
    predicted = {
        row: _set_of(test, label)
        for row, label, status in zip(test.ids, test.predicted, test.status, strict=True)
        if label is not None and status == OK
    }
    kept = Judgements.from_arrow(pq.read_table(run.judgements))
    kept = kept.take([place for place, row in enumerate(kept.ids) if row in predicted])
    if not len(kept):
        return None
    # codes are named and labels merged as in training; a vote for a label that is not kept is still a vote
    named, _, _ = relabel(kept, replace(settings.data, keep_labels=()), rare=())
    said = [(row, who, _set_of(test, label)) for row, who, label in zip(*_columns(named), strict=True)]
    votes = Votes.of(*zip(*said, strict=True))
    data = settings.data
    found = agreement_of(votes, scale=data.scale, order=data.label_order, seed=settings.seed)
    return among_annotators(said, predicted, alpha=found.alpha.to_dict(), seed=settings.seed)


def _columns(judgements: Judgements) -> tuple[tuple[str, ...], ...]:
    return judgements.ids, judgements.annotators, judgements.labels


def _set_of(test: Predictions, cell: str) -> str:
    """Write the labels of a cell in one order, so that equal sets are equal."""
    space = test.space
    return cell if space.separator is None else space.separator.join(sorted(space.several(cell)))
