"""How well label errors are found: labels of real data made wrong on purpose, ranked by who had not seen the texts.

For each data set, 8 % of the labels are replaced by another one at random. Printed is what confident learning flags on
out-of-fold probabilities (5 folds, logistic regression on minilm as it is), with labels balanced or as frequent as they
are, and what is left where another label must also be the more probable one. Natural errors of the data count as false.

    CLASSIFINE_DATA=/path/to/data python benchmarks/label_errors.py [TEXTS]
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import numpy as np

from classifine.courses.frozen import FrozenEncoder
from classifine.courses.held_out import by_features
from classifine.data.splits.folds import folds
from classifine.evaluation.confident import suspects
from classifine.labels import LabelSpace
from classifine.model.hub import resolve
from classifine.tables import LabelledTexts

NOISE = 0.08
SETS = {"edos": 2, "banking77": 20, "convabuse": 2}


def noisy(name: str, texts: int, labels: int) -> tuple[LabelledTexts, LabelSpace, np.ndarray, np.ndarray]:
    path = Path(os.environ["CLASSIFINE_DATA"]) / name / "train.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(stream)]
    kept = sorted({label for _, label in rows})[:labels]
    rows = [row for row in rows if row[1] in kept]
    generator = np.random.default_rng(0)
    rows = [rows[place] for place in generator.permutation(len(rows))[:texts]]
    space = LabelSpace.of(label for _, label in rows)
    true = space.ids(label for _, label in rows)
    wrong = generator.random(len(true)) < NOISE
    given = true.copy()
    given[wrong] = (true[wrong] + generator.integers(1, len(space), int(wrong.sum()))) % len(space)
    ids = tuple(map(str, range(len(rows))))
    named = tuple(space.names[label] for label in given.tolist())
    return LabelledTexts(ids, tuple(text for text, _ in rows), named, tuple(range(len(rows)))), space, given, wrong


def main() -> None:
    from sklearn.metrics import average_precision_score

    texts = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    base = resolve("minilm")
    encoder = FrozenEncoder(base.folder, title=base.title)
    heads = ("data", "labels", "wrong", "weights", "flagged by", "n", "prec.", "rec.", "AP")
    print("{:<11} {:>6} {:>5}  {:<9} {:<17} {:>4} {:>6} {:>6} {:>6}".format(*heads))
    for name, labels in SETS.items():
        table, space, given, wrong = noisy(name, texts, labels)
        features = encoder.embed(table.texts)
        cut = folds(table, 5, seed=1)
        for balanced in (True, False):
            probabilities = by_features(features, table, space, cut, encoder, balanced=balanced)
            found = suspects(probabilities, given)
            precision = average_precision_score(wrong, -found.margin)
            for rule, flagged in (
                ("confident joint", found.suspected),
                ("and less probable", found.suspected & (found.margin < 0)),
            ):
                hits = int((flagged & wrong).sum())
                print(
                    f"{name:<11} {len(space):>6} {int(wrong.sum()):>5}  {'balanced' if balanced else 'as is':<9} "
                    f"{rule:<17} {int(flagged.sum()):>4} {hits / max(1, int(flagged.sum())):>6.3f} "
                    f"{hits / int(wrong.sum()):>6.3f} {precision:>6.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
