"""How often nominal intervals of shares hold the truth, how narrow they are, and how long a large corpus takes.

Run it as ``python benchmarks/estimation.py`` (simulated studies), ``--large`` (a million predictions), or ``--real``
with CLASSIFINE_DATA set: gold samples are drawn from the test part of goemotions and edos again and again, the other
rows are treated as unlabelled, and a quick classifier (TF-IDF) predicts. With 2,000 studies the standard error of a
share is about .006.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifine.estimation.answers import Answer
from classifine.estimation.intervals import FloatVector
from classifine.estimation.material import Material
from classifine.estimation.powered import Target
from classifine.estimation.shares import Wanted, estimates_of
from classifine.labels import FloatMatrix, IntVector

WAYS = ("uncorrected", "gold_only", "corrected")
PREVALENCE, SENSITIVITY, SPECIFICITY = 0.2, 0.75, 0.9


class Tally:
    """Counts intervals that hold the truth, and adds up their widths."""

    def __init__(self) -> None:
        self.held = dict.fromkeys(WAYS, 0)
        self.width = dict.fromkeys(WAYS, 0.0)
        self.n = 0

    def add(self, answer: Answer, truth: float) -> None:
        """Count one interval of each way."""
        self.n += 1
        for way in WAYS:
            figure = getattr(answer, way)
            low, high = figure.low or 0.0, figure.high or 0.0
            self.held[way] += low <= truth <= high
            self.width[way] += high - low

    def told(self, what: str) -> None:
        """Print shares and mean widths."""
        cells = "".join(f"{self.held[way] / self.n:10.3f} ({self.width[way] / self.n:.4f})" for way in WAYS)
        narrower = 1 - self.width["corrected"] / self.width["gold_only"]
        print(f"{what:<46}{cells}{100 * narrower:9.0f} %", flush=True)


def heading(claim: str) -> None:
    print(f"\n{claim}\n{'':<46}" + "".join(f"{way.replace('_', ' '):>19}" for way in WAYS) + f"{'narrower':>11}")


def drawn(generator: np.random.Generator, said: FloatVector, gold: int, design: str) -> tuple[IntVector, FloatVector]:
    """Draw gold rows at random, or three times as likely where the label was predicted; with their probabilities."""
    n = len(said)
    if design == "random":
        rows: IntVector = generator.choice(n, gold, replace=False)
        return rows, np.full(gold, gold / n)
    weight = np.where(said > 0.5, 3.0, 1.0)
    probability = np.minimum(weight * gold / weight.sum(), 1.0)
    rows = np.flatnonzero(generator.random(n) < probability)
    return rows, probability[rows]


def material(
    said: FloatMatrix, working: FloatMatrix, truth: FloatMatrix, rows: IntVector, probability: FloatVector, design: str
) -> Material:
    return Material(
        names=tuple(str(k) for k in range(said.shape[1])),
        counted=said,
        working=working,
        gold=rows,
        truth=truth[rows],
        corpus=np.ones(len(said), dtype=bool),
        sampled="random" if design == "random" else "known",
        probability=None if design == "random" else probability,
    )


def simulated(studies: int, n: int, gold: int) -> None:
    heading(f"{studies:,} simulated studies, N = {n:,}, gold = {gold}, share .20, sensitivity .75, specificity .90")
    for design in ("random", "enriched"):
        for confidence in (0.9, 0.95):
            generator, tally = np.random.default_rng([2026, len(design), int(100 * confidence)]), Tally()
            for _ in range(studies):
                truth = (generator.random(n) < PREVALENCE).astype(float)
                right = generator.random(n) < np.where(truth == 1, SENSITIVITY, SPECIFICITY)
                said = np.where(right, truth, 1 - truth)
                rows, probability = drawn(generator, said, gold, design)
                made = material(said[:, None], said[:, None], truth[:, None], rows, probability, design)
                tally.add(estimates_of(made, Wanted(confidence=confidence))[0][0], PREVALENCE)
            tally.told(f"{design} gold, nominal {100 * confidence:g} %: coverage (width)")
    generator, tally = np.random.default_rng(16), Tally()
    for _ in range(studies):
        truth = (generator.random(n) < PREVALENCE).astype(float)
        right = generator.random(n) < np.where(truth == 1, SENSITIVITY, SPECIFICITY)
        said = np.where(right, truth, 1 - truth)
        rows, probability = drawn(generator, said, gold, "enriched")
        made = material(said[:, None], said[:, None], truth[:, None], rows, probability, "random")
        tally.add(estimates_of(made, Wanted(confidence=0.9))[0][0], PREVALENCE)
    tally.told("enriched gold taken for random, nominal 90 %")


def real(draws: int, gold: int) -> None:
    folder = os.environ.get("CLASSIFINE_DATA")
    if folder is None:
        print("set CLASSIFINE_DATA to the folder of edos and goemotions")
        return
    for name, separator in (("edos", None), ("goemotions", "|")):
        said, working, truth = predicted(Path(folder) / name, separator)
        n = len(truth)
        heading(f"{name}: {n:,} test texts, {draws:,} draws of {gold} gold rows, nominal 95 %, TF-IDF of 3,000 texts")
        shares = truth.mean(axis=0)
        targets: tuple[Target, ...] = ("texts", "population")
        for design in ("random", "enriched"):
            for target in targets:
                for band, chosen in bands(shares, gold):
                    counted = said[:, chosen]
                    tally, generator = Tally(), np.random.default_rng([7, len(design)])
                    for _ in range(draws):
                        rows, probability = drawn(generator, counted.max(axis=1), gold, design)
                        made = material(counted, working[:, chosen], truth[:, chosen], rows, probability, design)
                        for place, answer in enumerate(estimates_of(made, Wanted(target=target))[0]):
                            tally.add(answer, float(shares[chosen[place]]))
                    told = f"{design}, {target}: {len(chosen)} label{'s' if len(chosen) > 1 else ''}, {band}"
                    tally.told(told)


def bands(shares: FloatVector, gold: int) -> Iterator[tuple[str, IntVector]]:
    """Group the labels by how many gold rows are expected to have them."""
    expected = np.minimum(shares, 1 - shares) * gold
    for low, high in ((20.0, np.inf), (5.0, 20.0), (0.0, 5.0)):
        chosen = np.flatnonzero((expected >= low) & (expected < high))
        if len(shares) == 2:
            chosen = chosen[chosen == int(shares.argmin())]
        if len(chosen):
            yield f"{low:g}+ gold rows each" if high == np.inf else f"{low:g} to {high:g} gold rows each", chosen


def predicted(folder: Path, separator: str | None) -> tuple[FloatMatrix, FloatMatrix, FloatMatrix]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    texts, cells = {}, {}
    for part in ("train", "test"):
        with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as stream:
            rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
        chosen = np.random.default_rng(1).permutation(len(rows))[:3000] if part == "train" else np.arange(len(rows))
        texts[part] = [rows[at][0] for at in chosen]
        cells[part] = [rows[at][1].split(separator) if separator else [rows[at][1]] for at in chosen]
    names = sorted({label for cell in cells["test"] + cells["train"] for label in cell})
    has = {part: np.array([[name in cell for name in names] for cell in cells[part]], dtype=float) for part in cells}
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2)
    train = vectors.fit_transform(texts["train"])
    learnt = OneVsRestClassifier(LogisticRegression(C=4.0)).fit(train, has["train"])
    working = np.asarray(learnt.predict_proba(vectors.transform(texts["test"])), dtype=float)
    said = (working >= 0.5).astype(float) if separator else np.eye(len(names))[working.argmax(axis=1)]
    return said, working, has["test"]


def large(rows: int, gold: int, groups: int) -> None:
    from classifine import estimate_share

    generator = np.random.default_rng(3)
    truth = generator.random(rows) < PREVALENCE
    said = np.where(generator.random(rows) < 0.85, truth, ~truth)
    p = np.clip(np.where(said, 0.8, 0.15) + generator.normal(0, 0.05, rows), 0.001, 0.999)
    of = generator.integers(0, groups, rows)
    with TemporaryDirectory() as folder:
        predictions, known = Path(folder) / "predictions.csv", Path(folder) / "gold.csv"
        with predictions.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "group", "predicted_label", "p_no", "p_yes", "status"])
            writer.writerows(
                (k, f"g{of[k]:02d}", "yes" if said[k] else "no", f"{1 - p[k]:.4f}", f"{p[k]:.4f}", "ok")
                for k in range(rows)
            )
        with known.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["id", "label"])
            writer.writerows((k, "yes" if truth[k] else "no") for k in generator.choice(rows, gold, replace=False))
        for design in ("random", "known"):
            more: dict[str, Any] = {} if design == "random" else {"strata": "predicted_label"}
            started, used = time.perf_counter(), time.process_time()
            found = estimate_share(
                predictions, known, sampled=design, by="group", positive="yes", differences="first", **more
            )
            seconds, cpu = time.perf_counter() - started, time.process_time() - used
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(
                f"{rows:,} predictions (CSV), {gold:,} gold rows, {groups} groups, {found.method}: {seconds:.1f} s "
                f"({cpu:.1f} s of processor), peak {peak:.2f} GiB; {found.headline}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--gold", type=int, default=300)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=50)
    options = parser.parse_args()
    if options.real:
        real(options.studies, options.gold)
    elif options.large:
        large(options.rows, 5000, options.groups)
    else:
        simulated(options.studies, options.texts, options.gold)


if __name__ == "__main__":
    main()
