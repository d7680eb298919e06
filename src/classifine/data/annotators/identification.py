"""Takes an estimate of true labels and gives whole sentences on what may make it unreliable.

Does not know how the estimate is used.
"""

from __future__ import annotations

import numpy as np

from classifine.data.annotators.dawid_skene import Estimate
from classifine.data.annotators.votes import Votes
from classifine.errors import count, some
from classifine.labels import IntVector

FEWEST_ITEMS = 20
FEWEST_JUDGEMENTS = 3


def doubts(estimate: Estimate) -> tuple[str, ...]:
    """Say why the estimate may not be identified.

    Few items by an annotator, few judgements of an item, more error rates than judgements, annotators who are worse
    than chance, labels that changed places, groups of annotators that share no item, repeated judgements that may be
    copies, and no convergence.
    """
    found = [
        *_sparse_data(estimate.votes),
        *_too_many_rates(estimate),
        *_repeated(estimate.votes),
        *_groups(estimate.votes),
        *_worse_than_chance(estimate),
        *_changed_places(estimate),
    ]
    if not estimate.converged:
        found.append(
            f"the estimation had not settled after {count(len(estimate.log_likelihoods), 'iteration')}; "
            "the last labels it found are used"
        )
    return tuple(found)


def _sparse_data(votes: Votes) -> list[str]:
    found = []
    judged = np.bincount(votes.annotator, minlength=len(votes.annotators))
    few = [votes.annotators[place] for place in np.flatnonzero(judged < FEWEST_ITEMS)]
    if few:
        found.append(
            f"{count(len(few), 'annotator')} judged fewer than {FEWEST_ITEMS} items ({some(few)}); "
            "how reliable they are is hardly known"
        )
    thin = int((votes.tally.totals < FEWEST_JUDGEMENTS).sum())
    if thin:
        has = "item has" if thin == 1 else "items have"
        found.append(
            f"{thin:,} of {len(votes.items):,} {has} fewer than {FEWEST_JUDGEMENTS} judgements; "
            "for these the estimate rests on how the annotators judged other items"
        )
    return found


def _too_many_rates(estimate: Estimate) -> list[str]:
    votes = estimate.votes
    rates, judgements = len(votes.annotators) * len(votes.labels) * (len(votes.labels) - 1), int(votes.count.sum())
    if estimate.model == "one-coin" or rates <= judgements:
        return []
    return [
        f"{count(judgements, 'judgement')} cannot tell {rates:,} error rates (each annotator's, for each pair of "
        f"labels) apart; with {count(len(votes.labels), 'label')}, one-coin or majority is the safer choice"
    ]


def _repeated(votes: Votes) -> list[str]:
    repeated = int(votes.count.sum()) - votes.n_pairs
    if not repeated:
        return []
    return [
        f"{count(repeated, 'judgement repeats', 'judgements repeat')} an annotator's earlier one of the same item and "
        "counted as a further look; where these are copies of rows, delete them"
    ]


def _groups(votes: Votes) -> list[str]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    size = len(votes.items) + len(votes.annotators)
    links = csr_array((np.ones(len(votes.item)), (votes.item, votes.annotator + len(votes.items))), shape=(size, size))
    number, group = connected_components(links, directed=False)
    if number == 1:
        return []
    of_annotator = group[len(votes.items) :]
    sizes = np.bincount(of_annotator, minlength=number)
    smallest = np.flatnonzero(of_annotator == np.argmin(sizes))
    return [
        f"the annotators fall into {number:,} groups that share no item, so that one cannot be compared with another; "
        f"the smallest: {some([votes.annotators[place] for place in smallest])}"
    ]


def _worse_than_chance(estimate: Estimate) -> list[str]:
    """Compare each annotator's hits with what their own mixture of labels would hit blindly."""
    from scipy.sparse import csr_array

    votes = estimate.votes
    shape = (len(votes.annotators), len(votes.labels))
    said = csr_array((votes.count.astype(np.float64), (votes.annotator, votes.label)), shape=shape)
    looked = csr_array((votes.count.astype(np.float64), (votes.annotator, votes.item)))
    met = looked @ estimate.posterior
    total = np.maximum(said.sum(axis=1), 1)
    blind = (said * met).sum(axis=1) / total**2
    worse: IntVector = np.flatnonzero(estimate.right < blind - 1e-9)
    if not len(worse):
        return []
    names = [votes.annotators[place] for place in worse]
    return [
        f"{count(len(names), 'annotator')} hit the estimated labels less often than chance would ({some(names)}): "
        "a misunderstanding, exchanged labels, or no effort; look at what they judged"
    ]


def _changed_places(estimate: Estimate) -> list[str]:
    """Find estimated labels whose items were mostly judged to be another one."""
    from scipy.sparse import csr_array

    tally, labels = estimate.votes.tally, estimate.votes.labels
    shares = csr_array(
        (tally.count / tally.totals[tally.item], (tally.item, tally.label)), shape=estimate.posterior.shape
    )
    judged = (estimate.posterior.T @ shares).tocsr()
    found = []
    for place, label in enumerate(labels):
        row = slice(judged.indptr[place], judged.indptr[place + 1])
        if row.stop > row.start and judged.data[row].sum() >= 1:
            most = judged.indices[row][np.argmax(judged.data[row])]
            own = judged.data[row][judged.indices[row] == place]
            if most != place and judged.data[row].max() > (own[0] if len(own) else 0) + 1e-9:
                found.append(f"{label!r} (mostly judged {labels[most]!r})")
    if not found:
        return []
    return [
        f"{count(len(found), 'estimated label does', 'estimated labels do')} not mean what the annotators meant by it: "
        f"{some(found)}; labels may have changed places, so read some of the items before you trust them"
    ]
