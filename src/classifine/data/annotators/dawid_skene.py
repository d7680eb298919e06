"""Takes votes and gives the most likely true label of each item and how reliable each annotator is, by EM.

Two models: Dawid and Skene's table of errors for each annotator, and one-coin with a single number for each.
Does not know texts, tie rules or how the labels are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from classifine.data.annotators.votes import FloatVector, Votes
from classifine.labels import FloatMatrix, IntVector

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Model = Literal["dawid-skene", "one-coin"]

TOLERANCE = 1e-8
MOST_ITERATIONS = 2_000
LEAST_PROBABILITY = 1e-6  # of a label that nobody gave to the item; less is not kept

_TINY = 1e-300  # stands for 0 where a logarithm is taken; what is multiplied by it underflows to 0 as it should
_BLOCK = 2_000_000  # numbers in one array of candidates


@dataclass(frozen=True)
class Estimate:
    """What EM found.

    Attributes
    ----------
    model
        Which of the two.
    votes
        What it was fitted on; its labels and annotators name the columns and rows below.
    shares
        Estimated share of each label among the items, shape [n_labels].
    posterior
        Probability of each label for each item, sparse, shape [n_items, n_labels]. By ``one-coin``, labels that nobody
        gave to the item are left out below one in a million.
    right
        For each annotator the expected share of judgements that are right, shape [n_annotators].
    log_likelihoods
        After each iteration; never falls.
    converged
        Whether the last change was below 1e-8.
    """

    model: Model
    votes: Votes
    shares: FloatVector
    posterior: csr_array
    right: FloatVector
    log_likelihoods: tuple[float, ...]
    converged: bool

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood reached."""
        return self.log_likelihoods[-1]

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON: how far it came, the shares by label and the share right by annotator."""
        return {
            "model": self.model,
            "log_likelihood": self.log_likelihood,
            "iterations": len(self.log_likelihoods),
            "converged": self.converged,
            "shares": dict(zip(self.votes.labels, self.shares.tolist(), strict=True)),
            "right": dict(zip(self.votes.annotators, self.right.tolist(), strict=True)),
        }

    def posterior_of(self, item: int) -> dict[int, float]:
        """Give the probability of each label (by its position) for the item at this position."""
        own = slice(self.posterior.indptr[item], self.posterior.indptr[item + 1])
        return dict(zip(self.posterior.indices[own].tolist(), self.posterior.data[own].tolist(), strict=True))

    def errors_of(self, annotator: str) -> FloatMatrix:
        """Give how often an annotator gave each label (columns) to items of each true label (rows).

        Shape [n_labels, n_labels]; each row adds up to 1, and is NaN where the annotator met no such item.
        """
        votes = self.votes
        own = votes.annotator == votes.annotators.index(annotator)
        met = self.posterior[votes.item[own]]
        given = _sparse(votes.count[own], np.arange(own.sum()), votes.label[own], (int(own.sum()), len(votes.labels)))
        counts: FloatMatrix = (met.T @ given).toarray()
        sums = counts.sum(axis=1, keepdims=True)
        errors: FloatMatrix = np.divide(counts, sums, out=np.full_like(counts, np.nan), where=sums > 0)
        return errors


def dawid_skene(votes: Votes, *, most_iterations: int = MOST_ITERATIONS) -> Estimate:
    """Estimate true labels with a table of errors for each annotator.

    From vote shares as the first guess, the shares of labels and the errors are computed from the guess and the
    guess from these, until the log-likelihood changes by less than 1e-8. Judgements that an annotator repeats are
    counted, as in the paper. No smoothing. Labels that can have no probability for an item (somebody who judged it
    never gave their label where that one was voted for) have none from the first step on, so they are not computed.

    Parameters
    ----------
    votes
        The judgements.
    most_iterations
        Where to stop at the latest.

    References
    ----------
    Dawid & Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm,
    Applied Statistics 28:20-28.
    """
    design = _design(votes)
    tally, n_labels = votes.tally, len(votes.labels)
    probability = np.zeros(len(design.item))
    voted = np.searchsorted(design.item * n_labels + design.label, tally.item * n_labels + tally.label)
    probability[voted] = tally.count / tally.totals[tally.item]
    reached: list[float] = []
    while len(reached) < most_iterations and not _settled(reached):
        shares = np.bincount(design.label, probability, n_labels) / len(votes.items)
        given = design.transposed @ probability
        met = np.bincount(design.row, given)
        log_errors = np.log(np.maximum(given, _TINY)) - np.log(np.maximum(met, _TINY))[design.row]
        joint = np.log(np.maximum(shares, _TINY))[design.label] + design.matrix @ log_errors
        top = np.maximum.reduceat(joint, design.starts)
        weights = np.exp(joint - top[design.item])
        sums = np.add.reduceat(weights, design.starts)
        probability = weights / sums[design.item]
        reached.append(float((top + np.log(sums)).sum()))
    posterior = _sparse(probability, design.item, design.label, (len(votes.items), n_labels))
    return _estimate("dawid-skene", votes, shares, posterior, reached)


def one_coin(votes: Votes, *, most_iterations: int = MOST_ITERATIONS) -> Estimate:
    """Estimate true labels where each annotator is right with one probability, and else gives any other label alike.

    Parameters
    ----------
    votes, most_iterations
        As in :func:`dawid_skene`.
    """
    tally, n_labels, n_items = votes.tally, len(votes.labels), len(votes.items)
    entry = tally.entry_of(votes.item, votes.label, n_labels)
    judged = np.bincount(votes.annotator, votes.count, len(votes.annotators))
    probability = tally.count / tally.totals[tally.item]
    # of a label that nobody gave to the item, all that differs from label to label is its share
    elsewhere = np.zeros(n_items)
    shares = np.bincount(tally.label, probability, n_labels) / n_items
    reached: list[float] = []
    while len(reached) < most_iterations and not _settled(reached):
        hits = np.bincount(votes.annotator, votes.count * probability[entry], len(votes.annotators))
        right = np.minimum(hits / np.maximum(judged, 1), 1.0)
        unvoted = elsewhere.sum() - np.bincount(tally.label, elsewhere[tally.item], n_labels)
        shares = (np.bincount(tally.label, probability, n_labels) + shares * np.maximum(unvoted, 0)) / n_items
        log_right = np.log(np.maximum(right, _TINY))[votes.annotator]
        log_wrong = np.log(np.maximum((1 - right) / max(n_labels - 1, 1), _TINY))[votes.annotator]
        base = np.bincount(votes.item, votes.count * log_wrong, n_items)
        gain = np.bincount(entry, votes.count * (log_right - log_wrong), len(tally.item))
        rest = 1 - np.add.reduceat(shares[tally.label], tally.starts[:-1])
        rest = np.where(rest > 1e-14, rest, 0.0)
        joint = np.log(np.maximum(shares, _TINY))[tally.label] + base[tally.item] + gain
        top = np.maximum(np.maximum.reduceat(joint, tally.starts[:-1]), base + np.log(np.maximum(rest, _TINY)))
        weights = np.exp(joint - top[tally.item])
        others = np.where(rest > 0, np.exp(np.minimum(base - top, -np.log(np.maximum(rest, _TINY)))), 0.0)
        sums = np.add.reduceat(weights, tally.starts[:-1]) + others * rest
        probability, elsewhere = weights / sums[tally.item], others / sums
        reached.append(float((top + np.log(sums)).sum()))
    return _estimate("one-coin", votes, shares, _filled(votes, shares, probability, elsewhere), reached)


@dataclass(frozen=True)
class _Design:
    """Which labels are possible for which items, and which errors each would have needed.

    A candidate is a label that is possible for an item; an error is an annotator's giving one label for a true one.
    """

    item: IntVector  # of each candidate
    label: IntVector  # of each candidate
    starts: IntVector  # where each item's candidates begin
    matrix: csr_array  # how often each candidate would have needed each error
    transposed: csr_array
    row: IntVector  # for each error, which annotator and true label it belongs to


def _design(votes: Votes) -> _Design:
    n_items, n_labels, tally = len(votes.items), len(votes.labels), votes.tally
    said, said_by_entry = np.unique(votes.annotator * n_labels + votes.label, return_inverse=True)
    entries = np.arange(len(votes.item))
    starts = np.searchsorted(votes.item, np.arange(n_items + 1))
    ones = np.ones(len(entries), dtype=np.int64)
    saying = _sparse(ones, votes.item, said_by_entry, (n_items, len(said)))
    voted = _sparse(np.ones(len(tally.item), dtype=np.int64), tally.item, tally.label, (n_items, n_labels))
    possible = (saying.T @ voted).tocsr()
    possible.sort_indices()
    possible.data = np.ones_like(possible.data)
    item, label = _candidates(saying, possible, np.diff(starts))
    needed = np.diff(starts)[item]
    first = np.cumsum(needed) - needed
    entry = np.repeat(starts[item] - first, needed) + np.arange(needed.sum())
    error = np.repeat(np.arange(len(said)), np.diff(possible.indptr)) * n_labels + possible.indices
    at = np.searchsorted(error, said_by_entry[entry] * n_labels + np.repeat(label, needed))
    candidate = np.repeat(np.arange(len(item)), needed)
    matrix = _sparse(votes.count[entry].astype(np.float64), candidate, at, (len(item), len(error)))
    of_annotator, true = said[error // n_labels] // n_labels, error % n_labels
    _, row = np.unique(of_annotator * n_labels + true, return_inverse=True)
    return _Design(item, label, np.searchsorted(item, np.arange(n_items)), matrix, matrix.T.tocsr(), row)


def _candidates(saying: csr_array, possible: csr_array, needed: IntVector) -> tuple[IntVector, IntVector]:
    """Give the items and labels for which everything that was said of the item is possible, items in blocks."""
    items, labels = [], []
    step = max(1, _BLOCK // max(1, possible.shape[1]))
    for start in range(0, saying.shape[0], step):
        found = (saying[start : start + step] @ possible).tocsr()
        found.sort_indices()
        item = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr)) + start
        full = found.data == needed[item]
        items.append(item[full])
        labels.append(found.indices[full].astype(np.int64))
    return np.concatenate(items), np.concatenate(labels)


def _filled(votes: Votes, shares: FloatVector, probability: FloatVector, elsewhere: FloatVector) -> csr_array:
    """Give one-coin's posterior, with the labels that nobody gave to the item, items in blocks."""
    from scipy.sparse import csr_array, vstack

    tally, n_labels = votes.tally, len(votes.labels)
    blocks = []
    step = max(1, _BLOCK // n_labels)
    for start in range(0, len(votes.items), step):
        block = elsewhere[start : start + step, None] * shares[None, :]
        own = slice(tally.starts[start], tally.starts[min(start + step, len(votes.items))])
        block[block < LEAST_PROBABILITY] = 0
        block[tally.item[own] - start, tally.label[own]] = probability[own]
        blocks.append(csr_array(block))
    return csr_array(vstack(blocks))


def _estimate(model: Model, votes: Votes, shares: FloatVector, posterior: csr_array, reached: list[float]) -> Estimate:
    hits = np.bincount(votes.annotator, votes.count * posterior[votes.item, votes.label], len(votes.annotators))
    right = hits / np.maximum(np.bincount(votes.annotator, votes.count, len(votes.annotators)), 1)
    return Estimate(model, votes, shares, posterior, right, tuple(reached), _settled(reached))


def _settled(reached: list[float]) -> bool:
    return len(reached) > 1 and abs(reached[-1] - reached[-2]) < TOLERANCE


def _sparse(data: FloatVector | IntVector, row: IntVector, column: IntVector, shape: tuple[int, int]) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((data, (row, column)), shape=shape)
