"""Scores of published predictions are the published scores.

The predictions of the TweetEval repository (github.com/cardiffnlp/tweeteval) are not part of this one. Where
``CLASSIFINE_TWEETEVAL`` names a copy of it, with ``predictions/`` and ``datasets/``, its files are scored with
``classifine evaluate --predictions``'s own functions; else these tests are skipped, and say so.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from classifine import evaluate_predictions
from classifine.evaluation.scores import Scores

TWEETEVAL = os.environ.get("CLASSIFINE_TWEETEVAL")
# Computed from the repository's files with scikit-learn; of sentiment, the shared task's macro recall.
PUBLISHED = {
    "emotion": ("macro_f1", 0.7983),
    "hate": ("macro_f1", 0.5547),
    "irony": ("f1 of 1", 0.6248),
    "offensive": ("macro_f1", 0.8155),
    "emoji": ("macro_f1", 0.3155),
    "sentiment": ("balanced_accuracy", 0.7286),
}
INTERVALS = {"emotion": (0.772, 0.823), "offensive": (0.785, 0.844)}

needed = pytest.mark.skipif(
    TWEETEVAL is None, reason="set CLASSIFINE_TWEETEVAL to a copy of github.com/cardiffnlp/tweeteval to compare"
)


def scores_of(task: str, folder: Path, scratch: Path) -> Scores:
    truth, given = (
        (folder / place).read_text("utf-8").split()
        for place in (Path("datasets") / task / "test_labels.txt", Path("predictions") / f"{task}.txt")
    )
    path = scratch / f"{task}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["truth", "predicted"])
        writer.writerows(zip(truth, given, strict=True))
    return evaluate_predictions(path).card.scores["model"]


@needed
@pytest.mark.parametrize("task", sorted(PUBLISHED))
def test_tweeteval(task: str, tmp_path: Path) -> None:
    scores = scores_of(task, Path(str(TWEETEVAL)), tmp_path)
    metric, published = PUBLISHED[task]
    found = scores.per_label[1].f1.value if metric == "f1 of 1" else scores.averages[metric].value
    assert found == pytest.approx(published, abs=5e-5)
    if task == "irony":
        assert scores.macro_f1 == pytest.approx(0.7090, abs=5e-5)
    if task in INTERVALS:
        figure = scores.averages["macro_f1"]
        assert (figure.low, figure.high) == pytest.approx(INTERVALS[task], abs=2e-3)


def test_the_comparison_itself_finds_what_it_should(tmp_path: Path) -> None:
    """The same functions on a copy of their own making, so that a mended layout does not go unnoticed."""
    from sklearn.metrics import f1_score

    truth, given = ["0", "1", "1", "2", "0", "2", "1", "0"] * 5, ["0", "1", "0", "2", "0", "1", "1", "0"] * 5
    for place, labels in (("datasets/emotion/test_labels.txt", truth), ("predictions/emotion.txt", given)):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("\n".join(labels) + "\n", "utf-8")
    found = scores_of("emotion", tmp_path, tmp_path)
    assert found.macro_f1 == pytest.approx(f1_score(truth, given, average="macro"))
