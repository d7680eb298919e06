"""What several labels a text need: thresholds per label, and a head that begins where the labels are. On goemotions.

Run it with CLASSIFINE_DATA naming the folder of benchmark data::

    CLASSIFINE_DATA=... python benchmarks/several_labels.py thresholds
    CLASSIFINE_DATA=... python benchmarks/several_labels.py head

``thresholds``: TF-IDF with a logistic regression a label on 4,000 training texts; thresholds of each kind are fitted on
so many validation texts, drawn several times, and scored on the test texts: macro-F1, micro-F1, subset accuracy.
``head``: MiniLM on 1,500 training texts, three epochs; the head's last layer begins as it was drawn, at the labels'
shares, or fitted to what the base model makes of the texts. Scored on 800 validation texts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from classifine.data.rows.reading import read_labelled
from classifine.evaluation.thresholds import FEW_TEXTS, best_threshold, fit_thresholds
from classifine.labels import BoolMatrix, FloatMatrix, LabelSpace
from classifine.model.hub import resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts
from classifine.training import finetune
from classifine.training.heads import begin_at_shares
from official import folder

Thresholds = Callable[[FloatMatrix, BoolMatrix], FloatMatrix]


def table(part: str) -> LabelledTexts:
    """Read a part of goemotions with all labels of each text."""
    return read_labelled(folder() / "goemotions" / f"{part}.csv", Settings().data).table


def drawn(texts: LabelledTexts, rows: int, seed: int) -> LabelledTexts:
    """Draw texts without replacement."""
    return texts.take(np.random.default_rng(seed).permutation(len(texts))[:rows].tolist())


# ---------------------------------------------------------------- thresholds


def probabilities(parts: dict[str, LabelledTexts], space: LabelSpace, weight: str | None) -> dict[str, FloatMatrix]:
    """Fit a regression a label and give what it makes of validation and test texts."""
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    seen, has = vectors.fit_transform(parts["train"].texts), space.indicator(parts["train"].labels)
    found: dict[str, list[FloatMatrix]] = {"val": [], "test": []}
    others = {name: vectors.transform(parts[name].texts) for name in found}
    for column in has.T:
        regression = LogisticRegression(C=10 if weight else 3, class_weight=weight, solver="liblinear")
        regression.fit(seen, column)
        for name, matrix in others.items():
            found[name].append(regression.predict_proba(matrix)[:, 1])
    return {name: np.array(columns).T for name, columns in found.items()}


def log_odds(shares: Any) -> FloatMatrix:
    """Give log(p / (1 - p)), cut off where it would be infinite."""
    cut = np.clip(shares, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(cut / (1 - cut)))


def own(given: FloatMatrix, truth: BoolMatrix) -> FloatMatrix:
    """Give each label's own best threshold; a label without texts gets the common one."""
    best = np.array([best_threshold(p, has) for p, has in zip(given.T, truth.T, strict=True)])
    return np.where(truth.any(axis=0), best, best_threshold(given.ravel(), truth.ravel()))


def drawn_to_micro(given: FloatMatrix, truth: BoolMatrix) -> FloatMatrix:
    """Draw rare labels' own thresholds to the common one with the best micro-F1."""
    trust = np.minimum(truth.sum(axis=0) / FEW_TEXTS, 1)
    common = best_threshold(given.ravel(), truth.ravel())
    between = trust * log_odds(own(given, truth)) + (1 - trust) * log_odds(common)
    return np.asarray(1 / (1 + np.exp(-between)))


RULES: dict[str, Thresholds] = {
    ".5": lambda given, truth: np.full(given.shape[1], 0.5),
    "one for all, best micro-F1": lambda given, truth: np.full(
        given.shape[1], best_threshold(given.ravel(), truth.ravel())
    ),
    "each label's own": own,
    "own, rare ones drawn to the one of best micro-F1": drawn_to_micro,
    "own, rare ones drawn to the one of best macro-F1 (ours)": lambda given, truth: np.array(
        fit_thresholds(given, truth)
    ),
}


def compare_thresholds(draws: int) -> None:
    """Print a table a way of weighting and a number of validation texts."""
    parts = {"train": drawn(table("train"), 4000, 2), "val": table("val"), "test": table("test")}
    space = LabelSpace.of(parts["train"].labels, separator="|")
    truth = {name: space.indicator(parts[name].labels) for name in ("val", "test")}
    for weight in (None, "balanced"):
        given = probabilities(parts, space, weight)
        for rows in (200, 1000):
            print(f"class weights {weight or 'none'}, {rows} validation texts", flush=True)
            for name, rule in RULES.items():
                scores = []
                for draw in range(draws):
                    taken = np.random.default_rng(draw).permutation(len(truth["val"]))[:rows]
                    decided = given["test"] >= rule(given["val"][taken], truth["val"][taken])
                    averages = (
                        f1_score(truth["test"], decided, average=a, zero_division=0) for a in ("macro", "micro")
                    )
                    scores.append([*averages, (decided == truth["test"]).all(axis=1).mean()])
                told = "  ".join(f"{value:.3f}" for value in np.mean(scores, axis=0))
                print(f"  {name:<56} {told}", flush=True)


# ---------------------------------------------------------------- the head


def _as_drawn(model: Any, targets: Any) -> None:
    """Leave the head as it was drawn at random."""


def compare_heads(seeds: int, threads: int | None) -> None:
    """Print a line a head and a seed."""
    train, validation = table("train"), drawn(table("val"), 800, 1)
    space = LabelSpace.of(train.labels, separator="|")
    texts = drawn(train, 1500, 1)
    for seed in range(1, seeds + 1):
        for name, fitted, start in (
            ("drawn", False, _as_drawn),
            ("shares", False, begin_at_shares),
            ("fitted", True, begin_at_shares),
        ):
            vars(finetune)["begin_at_shares"] = start
            chosen = {
                "label_separator": "|",
                "num_train_epochs": 3,
                "early_stopping_patience": 0,
                "evaluations_per_epoch": 1,
                "learning_rate": 2e-4,
                "dropout": 0.0,
                "fitted_head": fitted,
                "threads": threads,
            }
            settings = Settings(seed=seed).with_names(chosen)
            with tempfile.TemporaryDirectory() as out:
                result = finetune.finetune(
                    texts, validation, space, resolve("minilm"), settings, scratch=Path(out) / "scratch"
                )
            last = result.history["epochs"][-1]
            told = ", ".join(f"{m} {last[m]:.3f}" for m in ("macro_average_precision", "macro_f1", "micro_f1"))
            print(f"seed {seed}, head {name:<7} {told}", flush=True)


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["thresholds", "head"])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    if chosen.what == "thresholds":
        compare_thresholds(chosen.draws)
    else:
        compare_heads(chosen.seeds, chosen.threads)


if __name__ == "__main__":
    main()
