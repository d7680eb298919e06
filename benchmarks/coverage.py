"""How often nominal 95 % intervals hold the true value: Wilson beside BCa, and BCa beside plain percentiles.

Run it as ``python benchmarks/coverage.py``. Samples are drawn from populations whose true value is known; the tables
say which share of the intervals holds it, and, under "none", from which share of the samples a method gives none.
With 2,000 simulations the standard error of a share is about .005.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from classifine.data.annotators import resampling as of_items
from classifine.data.annotators.alpha import Kinds
from classifine.data.annotators.votes import Votes
from classifine.evaluation import intervals as of_rows
from classifine.evaluation.metrics import IntMatrix, Margins, averaged_metrics, label_metrics
from classifine.labels import FloatMatrix, IntVector
from classifine.resampling import draws, wilson

Ends = tuple[float | None, float | None]
Coverage = dict[str, tuple[int, int]]  # of each method, how many intervals hold the true value, and how many there are
Statistic = Callable[[Any], FloatMatrix]
QUANTILES = (0.025, 0.975)


def percentiles(counts: IntVector, statistic: Statistic, *, seed: int, resamples: int) -> Ends:
    """Give the plain percentile interval of the draws that BCa has, too; none where all are alike or undefined."""
    drawn = np.concatenate([statistic(part)[:, 0] for part in draws(counts, seed=seed, resamples=resamples)])
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn) or drawn.max() - drawn.min() < 1e-12:
        return None, None
    low, high = np.quantile(drawn, QUANTILES)
    return float(low), float(high)


def counted(coverage: Coverage, method: str, ends: Ends, truth: float) -> None:
    hold, given = coverage.get(method, (0, 0))
    low, high = ends
    if low is None or high is None:
        coverage[method] = hold, given
    else:
        coverage[method] = hold + (low - 1e-12 <= truth <= high + 1e-12), given + 1


def told(what: str, coverage: Coverage, simulations: int) -> None:
    shares = "".join(f"{hold / max(given, 1):12.3f}{1 - given / simulations:8.3f}" for hold, given in coverage.values())
    print(f"{what:<52}{shares}", flush=True)


def title(claim: str, *methods: str) -> None:
    print(f"\n{claim}\n{'':<52}" + "".join(f"{method:>12}{'none':>8}" for method in methods))


def macro_f1(counts: FloatMatrix | IntMatrix) -> FloatMatrix:
    """Give macro-F1 of tables of two labels; cells in the order (0, 0), (0, 1), (1, 0), (1, 1)."""
    values: FloatMatrix = averaged_metrics(_margins(counts))["macro_f1"][:, None]
    return values


def second_f1(counts: FloatMatrix | IntMatrix) -> FloatMatrix:
    """Give F1 of the second label."""
    return label_metrics(_margins(counts))[2][:, 1:]


def _margins(counts: FloatMatrix | IntMatrix) -> Margins:
    one, wrong, missed, other = counts.T
    pairs = ((one, other), (one + wrong, missed + other), (one + missed, wrong + other))
    return Margins(*(np.stack(pair, axis=1) for pair in pairs))


def population(share: float, recall: float, precision: float) -> FloatMatrix:
    """Give the shares of the four cells, the second label being the one that is spoken of."""
    hits = share * recall
    wrong = hits / precision - hits
    return np.array([1 - share - wrong, wrong, share - hits, hits])


def cells_of(table: IntVector, statistic: Statistic) -> tuple[IntVector, Statistic]:
    """Leave out empty cells, as an evaluation does."""
    filled = np.flatnonzero(table)

    def of_filled(counts: IntMatrix) -> FloatMatrix:
        whole = np.zeros((len(counts), len(table)), dtype=np.int64)
        whole[:, filled] = counts
        return statistic(whole)

    return table[filled], of_filled


def label_f1(simulations: int, seed: int) -> None:
    title("F1 of one label (20 % of the rows): Wilson and BCa", "Wilson", "BCa")
    for quality in (0.6, 0.8, 0.9, 0.97):
        for rows in (5, 10, 20, 50):
            chance = np.random.default_rng([seed, rows, round(100 * quality)])
            shares, coverage = population(0.2, quality, quality), Coverage()
            for run in range(simulations):
                table = chance.multinomial(5 * rows, shares)
                hits, support, predicted = int(table[3]), int(table[2:].sum()), int(table[1] + table[3])
                # as in intervals.f1, which gives none below 10 rows
                low, high = (2 * end / (1 + end) for end in wilson(hits, support + predicted - hits))
                counted(coverage, "Wilson", (low, high), quality)
                counts, statistic = cells_of(table, second_f1)
                bca = of_rows.bootstrap(counts, statistic, seed=run)[0]
                counted(coverage, "BCa", (bca.low, bca.high), quality)
            told(f"true F1 {quality}, about {rows} rows of the label", coverage, simulations)


def average(simulations: int, seed: int) -> None:
    title("macro-F1, a label of 10 % with recall .7 and precision .7: BCa and percentiles", "BCa", "percentiles")
    shares = population(0.1, 0.7, 0.7)
    truth = float(macro_f1(shares[None, :])[0, 0])
    for rows in (100, 300, 1_000):
        chance, coverage = np.random.default_rng([seed, rows]), Coverage()
        for run in range(simulations):
            counts, statistic = cells_of(chance.multinomial(rows, shares), macro_f1)
            bca = of_rows.bootstrap(counts, statistic, seed=run)[0]
            counted(coverage, "BCa", (bca.low, bca.high), truth)
            bare = percentiles(counts, statistic, seed=run, resamples=of_rows.RESAMPLES)
            counted(coverage, "percentiles", bare, truth)
        told(f"{rows:,} rows", coverage, simulations)


def judged(truth: IntVector, right: float, chance: np.random.Generator) -> Kinds:
    """Let three annotators judge items of two labels, each right with the same chance."""
    said = np.where(chance.random((3, len(truth))) < right, truth, 1 - truth)
    items = [str(item) for item in range(len(truth))]
    labels = [str(label) for label in said.ravel()]
    votes = Votes.of(items * 3, [name for name in "ABC" for _ in items], labels)
    return Kinds.of(votes.tally, len(votes.labels))


def true_alpha(share: float, right: float) -> float:
    """Give alpha of infinitely many items."""
    observed = 2 * right * (1 - right)
    second = share * right + (1 - share) * (1 - right)
    return 1 - observed / (2 * second * (1 - second))


def alpha(simulations: int, seed: int) -> None:
    title("alpha of three annotators who are right with the same chance: BCa and percentiles", "BCa", "percentiles")
    for right in (0.8, 0.95):
        for name, share in (("one label of 90 %", 0.1), ("labels equally frequent", 0.5)):
            for items in (20, 50, 200):
                chance = np.random.default_rng([seed, items, round(100 * share), round(100 * right)])
                coverage = alpha_of(share, right, items, simulations, chance)
                told(f"right in {right:.0%}, {items} items, {name}", coverage, simulations)


def alpha_of(share: float, right: float, items: int, simulations: int, chance: np.random.Generator) -> Coverage:
    coverage, truth = Coverage(), true_alpha(share, right)
    for run in range(simulations):
        kinds = judged((chance.random(items) < share).astype(np.int64), right, chance)
        measures = kinds.measures("nominal", None)

        def only(weights: FloatMatrix, measures: Statistic = measures) -> FloatMatrix:
            return measures(weights.astype(np.float64))[:, 2:3]

        bca = of_items.bootstrap(kinds.multiplicity, only, why="", seed=run)[0]
        counted(coverage, "BCa", (bca.low, bca.high), truth)
        bare = percentiles(kinds.multiplicity, only, seed=run, resamples=of_items.RESAMPLES)
        counted(coverage, "percentiles", bare if bca.low is not None else (None, None), truth)
    return coverage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=2_000, help="samples drawn for each line")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    for table in (label_f1, average, alpha):
        table(options.simulations, options.seed)
    print(f"\n{options.simulations:,} simulations a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
