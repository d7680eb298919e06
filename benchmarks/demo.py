"""The packaged posts: is a fine-tuned MiniLM better than a bag of words? On test and further posts, seed by seed.

Run it as ``python benchmarks/demo.py --seeds 3``. First it runs the command `classifine demo` and prints its seconds
and peak memory. Then, for each seed, it divides and trains as that command does, and scores the fine-tuned classifier
and TF-IDF with logistic regression on the test posts and the further posts. With ``--set fitted_head=true`` and the
like it trains with other settings, and leaves out the command.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from classifine.cli.demo import demo_settings
from classifine.courses.baseline import fit_baselines
from classifine.data.demo import DEMO
from classifine.data.files.table_file import TableFile
from classifine.evaluation.comparison import compare
from classifine.evaluation.scores import score
from classifine.journey import finetuned
from classifine.model.classifier import Scorer, predictions_of
from classifine.preparation import prepare
from classifine.settings import parse_assignments
from classifine.sources import DataFiles
from classifine.tables import LabelledTexts, Predictions


def further_posts(label: str) -> LabelledTexts:
    """Read the further posts with their true labels."""
    posts = [block.columns for block in TableFile(DEMO.further).blocks()]
    truth = [block.columns for block in TableFile(DEMO.further_truth).blocks()]
    texts = {name: text for columns in posts for name, text in zip(columns["post_id"], columns["text"], strict=True)}
    labels = {name: value for columns in truth for name, value in zip(columns["post_id"], columns[label], strict=True)}
    ids = tuple(texts)
    return LabelledTexts(ids, tuple(texts.values()), tuple(labels[name] for name in ids), tuple(range(len(ids))))


def judged(scorer: Scorer, rows: LabelledTexts, name: str) -> Predictions:
    """Predict rows whose labels are known."""
    return predictions_of(scorer, rows.texts, ids=rows.ids, truth=rows.labels, split="test", classifier=name)


def whole_command() -> None:
    """Run the demo as a user does and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        words = [sys.executable, "-m", "classifine", "demo", "--out", str(Path(folder) / "run")]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"classifine demo: {seconds:.0f} s, peak memory {peak:.2f} GiB", flush=True)


def main() -> None:
    """Print one line for the command and one a seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--label", default="call_to_action", choices=["call_to_action", "kind"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="not as the demo has it")
    chosen = parser.parse_args()
    others = parse_assignments(chosen.set)
    if not others:
        whole_command()
    further = further_posts(chosen.label)
    for seed in range(42, 42 + chosen.seeds):
        settings = replace(demo_settings(chosen.label), seed=seed).with_names(others)
        splits = prepare(DataFiles(DEMO.judgements), settings).splits
        rows = LabelledTexts.joined([splits.test, further])
        with tempfile.TemporaryDirectory() as folder:
            classifier = finetuned(splits, settings, scratch=Path(folder) / "checkpoints").classifier
        model = judged(classifier, rows, "model")
        simple = judged(fit_baselines(splits.train, splits.space, seed)["tfidf"], rows, "tfidf")
        found = compare(model, simple).to_dict()
        ours, theirs = (score(one).to_dict()["macro_f1"]["value"] for one in (model, simple))
        print(
            f"seed {seed}: {len(splits.train):,} training posts, scored on {len(rows):,}: macro-F1 {ours:.3f}, "
            f"TF-IDF {theirs:.3f}, difference {found['difference']:+.3f} "
            f"(95 % {found['low']:+.3f} to {found['high']:+.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
