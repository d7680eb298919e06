"""Whether TF-IDF should count words of a single text: macro-F1 with and without them, by the number of training texts.

Texts to learn from and texts to score are drawn from the training part of each data set; test parts are not opened.

    python benchmarks/rare_words.py --data convabuse edos --sizes 500 2000 --draws 3
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from classifine import read
from classifine.courses.baseline import logistic_regression, patiently
from classifine.tables import LabelledTexts

DATA = ("convabuse", "edos", "germeval2018", "sib200", "banking77")
SCORED = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--sizes", nargs="+", type=int, default=[250, 500, 1000, 2000, 4000, 8000])
    parser.add_argument("--draws", type=int, default=2)
    chosen = parser.parse_args()
    print(f"{'data':14}{'texts':>7}{'all words':>11}{'of two texts':>14}{'rise':>8}{'seconds':>16}{'words':>18}")
    for name in chosen.data:
        table = read(str(Path(os.environ["CLASSIFINE_DATA"]) / name / "train.csv"), text="text", label="label")
        assert isinstance(table, LabelledTexts)
        for size in chosen.sizes:
            if size + 400 <= len(table):
                print(told(name, size, [measured(table, size, draw) for draw in range(chosen.draws)]), flush=True)


def measured(table: LabelledTexts, size: int, draw: int) -> list[list[float]]:
    """Give macro-F1, seconds and the number of words, with words of a single text and without."""
    order = np.random.default_rng(draw).permutation(len(table)).tolist()
    train, scored = table.take(order[:size]), table.take(order[size : size + SCORED])
    found = []
    for least in (1, 2):
        started = time.perf_counter()
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=least)
        pipeline = make_pipeline(words, logistic_regression(draw))
        with patiently():
            pipeline.fit(train.texts, train.labels)
        given = pipeline.predict(scored.texts)
        macro = float(f1_score(scored.labels, given, average="macro", zero_division=0))
        found.append([macro, time.perf_counter() - started, len(words.vocabulary_)])
    return found


def told(name: str, size: int, found: list[list[list[float]]]) -> str:
    """Give a line of the table: means over the draws."""
    every, two = np.array(found).mean(axis=0)
    seconds, words = f"{every[1]:.1f} / {two[1]:.1f}", f"{every[2]:,.0f} / {two[2]:,.0f}"
    return f"{name:14}{size:7}{every[0]:11.3f}{two[0]:14.3f}{every[0] - two[0]:+8.3f}{seconds:>16}{words:>18}"


if __name__ == "__main__":
    main()
