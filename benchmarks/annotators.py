"""40,000 judgements by 200 annotators: seconds of Dawid-Skene, one-coin, agreement and the whole aggregation.

Run it as ``python benchmarks/annotators.py``. The judgements are drawn: 10,000 items of 5 labels, judged 4 times each
by annotators who are right in 40 to 95 of 100 cases. Where crowd-kit is installed, its Dawid-Skene runs beside ours
on the same judgements; the log-likelihoods of both are computed from their error rates in the same way.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from classifine.data.annotators.aggregation import aggregate
from classifine.data.annotators.agreement import agreement_of
from classifine.data.annotators.choosing import majority, most_probable
from classifine.data.annotators.dawid_skene import dawid_skene, one_coin
from classifine.data.annotators.votes import Votes
from classifine.labels import IntVector
from classifine.tables import Judgements

Result = TypeVar("Result")


def drawn(items: int, annotators: int, labels: int, each: int, seed: int) -> tuple[Judgements, IntVector]:
    """Draw judgements; give the truth of each item, too."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(labels, size=items)
    right = chance.uniform(0.4, 0.95, size=annotators)
    who = np.stack([chance.choice(annotators, each, replace=False) for _ in range(items)]).ravel()
    true = np.repeat(truth, each)
    said = np.where(chance.random(items * each) < right[who], true, chance.integers(labels, size=items * each))
    names = [f"p{item}" for item in np.repeat(np.arange(items), each)]
    rows = tuple(range(1, items * each + 1))
    given = tuple(f"L{label}" for label in said)
    return Judgements(tuple(names), tuple(names), tuple(f"A{k}" for k in who), given, rows), truth


def timed(what: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    result = work()
    print(f"{what:<28}{time.perf_counter() - started:8.2f} s")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--annotators", type=int, default=200)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    judgements, truth = drawn(options.items, options.annotators, options.labels, options.each, options.seed)
    print(f"{len(judgements):,} judgements of {options.items:,} items by {options.annotators:,} annotators")
    votes = timed("count votes", lambda: Votes.of(judgements.ids, judgements.annotators, judgements.labels))
    names = {label: place for place, label in enumerate(votes.labels)}
    expected = np.array([names.get(f"L{truth[int(item[1:])]}", -2) for item in votes.items])
    print(f"{'majority, ties wrong':<28}{(majority(votes) == expected).mean():8.4f} right")
    for name, fit in (("Dawid-Skene", dawid_skene), ("one-coin", one_coin)):
        found = timed(name, lambda fit=fit: fit(votes))  # type: ignore[misc]
        told = f"{found.log_likelihood:,.4f} in {len(found.log_likelihoods)} iterations"
        print(f"{'':<28}{(most_probable(found) == expected).mean():8.4f} right, log-likelihood {told}")
    timed("agreement, 1,000 resamples", lambda: agreement_of(votes, seed=0))
    timed("the whole aggregation", lambda: aggregate(judgements, method="dawid-skene", seed=0))
    print(f"{'peak memory':<28}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")
    if importlib.util.find_spec("crowdkit") is None:
        print("crowd-kit is not installed")
        return
    import pandas as pd
    from crowdkit.aggregation import DawidSkene  # type: ignore[import-not-found]

    columns = {"task": judgements.ids, "worker": judgements.annotators, "label": judgements.labels}
    frame = pd.DataFrame({name: list(column) for name, column in columns.items()})
    theirs = DawidSkene(n_iter=1_000, tol=1e-10)
    labels = timed("crowd-kit Dawid-Skene", lambda: theirs.fit_predict(frame))
    right = np.mean([labels[item] == f"L{truth[int(item[1:])]}" for item in votes.items])
    print(f"{'':<28}{right:8.4f} right, {len(theirs.loss_history_)} iterations")


if __name__ == "__main__":
    main()
