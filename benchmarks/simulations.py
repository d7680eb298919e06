"""How often intervals of evaluation hold the truth, and how often equal classifiers are told apart.

Run it as ``python benchmarks/simulations.py``; ``--part calibration`` and so on run one table. Answers of classifiers
are drawn from populations whose true score is known. With 400 simulations the standard error of a share of .95 is .011.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap, norm

from classifine.evaluation.abstention import risk_coverage
from classifine.evaluation.contest import contest
from classifine.evaluation.learning_curve import fit_curve
from classifine.evaluation.metrics import FloatVector
from classifine.evaluation.ranking import average_precision, ranking_figures
from classifine.evaluation.redrawing import Truth
from classifine.evaluation.reliability import BINS, calibration_error
from classifine.evaluation.seeds import over_seeds
from classifine.labels import IntVector, LabelSpace
from classifine.tables import Predictions

BoolVector = npt.NDArray[np.bool_]


def told(what: str, **shares: float) -> None:
    print(f"{what:<58}" + "".join(f"{name} {share:.3f}   " for name, share in shares.items()), flush=True)


def predictions(truth: IntVector, given: IntVector, labels: int, name: str = "model") -> Predictions:
    """Make predictions that are .8 sure of the label given."""
    space = LabelSpace(tuple("abcdefgh"[:labels]))
    sure = np.where(np.eye(labels)[given] > 0, 0.8, 0.2 / (labels - 1))
    names = np.array(space.names)
    ids = tuple(str(row) for row in range(len(truth)))
    cells = tuple(names[truth].tolist()), tuple(names[given].tolist())
    return Predictions(ids, ("x",) * len(ids), *cells, sure, ("ok",) * len(ids), space, "test", name)


def calibration(simulations: int, chance: np.random.Generator) -> None:
    print("\nexpected calibration error: its interval beside the BCa bootstrap (100 simulations) of the same value")
    edges = np.linspace(0, 1, BINS + 1)

    def value(confidence: FloatVector, right: FloatVector) -> float:
        return calibration_error(confidence[:, None], right[:, None] > 0, edges).value

    for rows in (100, 400, 2_000):
        for fault in (0.0, 0.02, 0.05, 0.15):
            held, drawn = [], []
            for run in range(simulations):
                confidence = 0.4 + 0.6 * chance.beta(2, 2, size=rows)
                right = chance.random(rows) < confidence - fault
                figure = calibration_error(confidence[:, None], right[:, None], edges)
                held.append(_holds(figure.low, figure.high, fault))
                if run < 100 and rows == 400:
                    ends = bootstrap(
                        (confidence, right.astype(float)),
                        value,
                        paired=True,
                        vectorized=False,
                        n_resamples=499,
                        rng=run,
                    ).confidence_interval
                    drawn.append(_holds(ends.low, ends.high, fault))
            shares = {"ours": np.mean(held)} | ({"BCa": np.mean(drawn)} if drawn else {})
            told(f"true error {fault}, {rows:,} texts", **{name: float(share) for name, share in shares.items()})


def ranking(simulations: int, chance: np.random.Generator) -> None:
    print("\naverage precision, ROC-AUC and AURC: intervals")
    for rows, share, apart in ((100, 0.3, 1.0), (300, 0.1, 1.5), (1_000, 0.05, 2.0), (300, 0.5, 0.5)):
        large = chance.random(1_000_000) < share
        shown = chance.normal(size=len(large)) + apart * large
        precision, area = average_precision(shown, large)[0], float(norm.cdf(apart / 2**0.5))
        odds = np.log(share / (1 - share))

        def sure_of(scores: FloatVector, odds: float = odds, apart: float = apart) -> FloatVector:
            # the true probability of a text with this score
            return np.asarray(1 / (1 + np.exp(-(odds + apart * (scores - apart / 2)))), dtype=np.float64)

        risk = _aurc(sure_of(shown), large)
        held: dict[str, list[bool]] = {"average_precision": [], "roc_auc": [], "aurc": []}
        for _ in range(simulations):
            has = chance.random(rows) < share
            if not 0 < has.sum() < rows:
                continue
            sure = sure_of(chance.normal(size=rows) + apart * has)
            found = ranking_figures(sure[:, None], has[:, None])
            space = LabelSpace(("a", "b"))
            both = np.stack([1 - sure, sure], axis=1)
            names = np.array(space.names)
            ids = tuple(str(row) for row in range(rows))
            cells = tuple(names[has.astype(int)].tolist()), tuple(names[both.argmax(axis=1)].tolist())
            one = Predictions(ids, ("x",) * rows, *cells, both, ("ok",) * rows, space, "test", "model")
            found["aurc"] = risk_coverage(one).aurc
            for name, truth in (("average_precision", precision), ("roc_auc", area), ("aurc", risk)):
                held[name].append(_holds(found[name].low, found[name].high, truth))
        told(f"{rows:,} texts, {share:.0%} with the label", **{name: float(np.mean(of)) for name, of in held.items()})


def contests(simulations: int, chance: np.random.Generator) -> None:
    print("\ncontests of equal classifiers: share in which something was shown")
    for rows, labels, entrants, shares in (
        (60, 2, 2, (0.7, 0.3)),
        (60, 2, 4, (0.7, 0.3)),
        (150, 3, 3, (0.6, 0.3, 0.1)),
        (300, 2, 3, (0.9, 0.1)),
    ):
        won = shown = alone = 0
        for _ in range(simulations):
            truth = chance.choice(labels, size=rows, p=shares)
            hard = chance.normal(size=rows)
            given = []
            for place in range(entrants):
                right = 0.8 + hard + chance.normal(size=rows) > 0
                wrong = (truth + chance.integers(1, labels, size=rows)) % labels
                given.append(predictions(truth, np.where(right, truth, wrong), labels, f"c{place}"))
            found = contest(given)
            won += found.winner is not None
            shown += bool(found.shown)
            singles = [pair.differences["macro_f1"] for pair in found.pairs]
            alone += any(one.low is not None and not _holds(one.low, one.high, 0) for one in singles)
        counts = {"winner": won, "shown": shown, "single_intervals": alone}
        told(
            f"{entrants} classifiers, {labels} labels, {rows} texts",
            **{name: count / simulations for name, count in counts.items()},
        )


def seeds(simulations: int, chance: np.random.Generator) -> None:
    print("\nthe mean of several trainings: texts and seeds together, and seeds alone")
    share = 0.3
    for rows, trainings, of_texts, of_seeds, middle in (
        (300, 5, 1.0, 0.2, 1.0),
        (300, 3, 0.5, 0.5, 1.0),
        (100, 5, 2.0, 0.1, 2.0),
        (1_000, 5, 1.0, 0.3, 1.5),
    ):
        accuracy = norm.cdf(middle / np.sqrt(1 + of_texts**2 + of_seeds**2))
        recall = norm.cdf((middle + of_seeds * chance.normal(size=4_000)) / np.sqrt(1 + of_texts**2))
        each = [2 * recall * part / (part + recall * part + (1 - recall) * (1 - part)) for part in (share, 1 - share)]
        macro = float(np.mean(each))
        held: dict[str, list[bool]] = {"accuracy": [], "macro_f1": [], "seeds_alone": []}
        for _ in range(simulations):
            truth = (chance.random(rows) < share).astype(np.int64)
            hard = of_texts * chance.normal(size=rows)
            runs = []
            for _ in range(trainings):
                right = middle + hard + of_seeds * chance.normal() + chance.normal(size=rows) > 0
                runs.append(predictions(truth, np.where(right, truth, 1 - truth), 2))
            for metric, true in (("accuracy", accuracy), ("macro_f1", macro)):
                found = over_seeds(runs, metric)
                held[metric].append(_holds(found.low, found.high, true))
            found = over_seeds(runs, "accuracy")
            held["seeds_alone"].append(bool(abs(found.mean - accuracy) < 1.96 * found.sd / trainings**0.5))
        told(f"{trainings} trainings, {rows:,} texts", **{name: float(np.mean(of)) for name, of in held.items()})


def curve(simulations: int, chance: np.random.Generator) -> None:
    print("\nwhat doubling the training texts brings: the curve's interval, with scores on redrawn texts and without")
    sizes, trainings, of_texts = (100, 200, 400, 800, 1_600), 3, 1.5
    for rows in (200, 1_000):
        held: dict[str, list[bool]] = {"redrawn": [], "not_redrawn": []}
        for run in range(simulations):
            truth = Truth(np.zeros(rows, dtype=np.int64), LabelSpace(("a", "b")))
            hard = of_texts * chance.normal(size=rows)
            given = []
            for size, _ in _trainings(sizes, trainings):
                middle = norm.ppf(_true(size)) * np.sqrt(1 + of_texts**2)
                given.append((middle + hard + chance.normal(size=rows) <= 0).astype(np.int64))
            scores = [truth.scores(one)["accuracy"] for one in given]
            drawn = truth.redrawn(given, "accuracy", seed=run)
            pairs = list(_trainings(sizes, trainings))
            for name, redrawn in (("redrawn", drawn), ("not_redrawn", None)):
                found = fit_curve(
                    [size for size, _ in pairs], scores, seeds=[seed for _, seed in pairs], redrawn=redrawn, seed=run
                ).rise(2 * sizes[-1])
                held[name].append(_holds(found.low, found.high, _true(2 * sizes[-1]) - _true(sizes[-1])))
        told(f"{rows:,} validation texts", **{name: float(np.mean(of)) for name, of in held.items()})


def _true(size: int) -> float:
    return float(0.9 - 1.2 * float(size) ** -0.35)


def _trainings(sizes: tuple[int, ...], each: int) -> Iterator[tuple[int, int]]:
    yield from ((size, seed) for size in sizes for seed in range(each))


def _aurc(sure: FloatVector, has: BoolVector) -> float:
    confidence, right = np.maximum(sure, 1 - sure), (sure >= 0.5) == has
    wrong = ~right[np.argsort(-confidence, kind="stable")]
    return float((np.cumsum(wrong) / np.arange(1, len(wrong) + 1)).mean())


def _holds(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low - 1e-12 <= truth <= high + 1e-12


PARTS: dict[str, Callable[[int, np.random.Generator], None]] = {
    part.__name__: part for part in (calibration, ranking, contests, seeds, curve)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--simulations", type=int, default=400)
    chosen = parser.parse_args()
    started = time.perf_counter()
    for name in chosen.part:
        PARTS[name](chosen.simulations, np.random.default_rng(0))
    print(f"\n{chosen.simulations} simulations a line, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
