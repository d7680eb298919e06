"""Which method explains most faithfully for its time: every method on the test texts of runs, against random orders.

    python benchmarks/faithfulness.py runs/edos runs/germeval --texts 60 --kept faithfulness.jsonl

Each text is explained by each method with nothing remembered from the others. Faithful is what taking the first words
away loses, less what keeping only them loses (comprehensiveness less sufficiency, words taken away from 10 to 50 %),
less the same of ten random orders; a method's figure per second is that over processor seconds of weighing alone.
Texts that are done stand in the file --kept; the same command goes on after them. Figures are printed at the end.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.doors.explained import stored_predictions
from classifine.explanation.explaining import Asked, explained
from classifine.explanation.faithfulness import faithfulness
from classifine.explanation.gradients import integrated_gradients
from classifine.explanation.masking import Masked, Passage, Target
from classifine.explanation.perturbation import Effects, kernel_shap, leave_one_out, lime, shapley
from classifine.model.classifier import Classifier
from classifine.runs import RunFolder

SHARES, ORDERS = (0.1, 0.2, 0.3, 0.4, 0.5), 10
FEWEST, MOST = 6, 64


def weighed(name: str, masked: Masked, classifier: Classifier, target: Target) -> Effects:
    """Weigh the words of a passage by a method's name."""
    if name == "integrated gradients, 50 steps":
        return integrated_gradients(classifier, masked.passage, target)
    if name == "leave-one-out, log-odds":
        return leave_one_out(masked, Target(target.label, scale="log-odds"))
    found: Effects = METHODS[name](masked, target)
    return found


METHODS: dict[str, Any] = {
    "leave-one-out": leave_one_out,
    "leave-one-out, log-odds": None,
    "kernel SHAP, settled": kernel_shap,
    "kernel SHAP, 100": partial(kernel_shap, samples=100),
    "kernel SHAP, 200": partial(kernel_shap, samples=200),
    "kernel SHAP, 500": partial(kernel_shap, samples=500),
    "LIME, settled": lime,
    "LIME, 500": partial(lime, samples=500),
    "Shapley, settled": shapley,
    "integrated gradients, 50 steps": None,
}


def measured(classifier: Classifier, text: str) -> dict[str, Any] | None:
    """Explain a text by every method; none where it has too few words or too many."""
    passage = Passage.of(text)
    if not FEWEST <= len(passage) <= MOST:
        return None
    label = int(classifier.predict_proba([text])[0].argmax())
    target = Target(label)
    judge = Masked(classifier, passage)
    found: dict[str, Any] = {}
    for name in METHODS:
        masked = Masked(classifier, passage)
        started = time.process_time()
        values = weighed(name, masked, classifier, target).values
        seconds = time.process_time() - started
        measure = faithfulness(judge, target, values, shares=SHARES, orders=ORDERS)
        found[name] = {**measure.to_dict(), "gain": measure.gain, "seconds": seconds, "scored": masked.scored}
        top = np.argsort(-np.abs(values), kind="stable")[:5].tolist()
        found[name]["top"] = top
    started = time.process_time()
    (whole,) = explained(classifier, text, Asked())
    spent = time.process_time() - started
    return {
        "words": len(passage),
        "refused": whole.reason is not None,
        "went on": whole.method != "leave-one-out",
        "whole": spent,
        "methods": found,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Print the means over texts with their standard errors, the best per second first."""
    lines = []
    for name in METHODS:
        of_one = [row["methods"][name] for row in rows]
        gains = np.array([one["gain"] for one in of_one])
        seconds = float(np.mean([one["seconds"] for one in of_one]))
        kinds = [float(np.mean([one[key] for one in of_one])) for key in ("comprehensiveness", "sufficiency", "scored")]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("nan")
        lines.append((gains.mean() / seconds, name, gains.mean(), error, *kinds, seconds))
    head = f"{'method':<32}{'gain':>7}{'± se':>7}{'compr.':>8}{'suff.':>8}{'scored':>8}{'s':>8}{'gain/s':>8}"
    body = [
        f"{name:<32}{gain:7.3f}{error:7.3f}{compr:8.3f}{suff:8.3f}{scored:8.0f}{seconds:8.3f}{rate:8.2f}"
        for rate, name, gain, error, compr, suff, scored, seconds in sorted(lines, reverse=True)
    ]
    return "\n".join([head, *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="evaluated run folders")
    parser.add_argument("--texts", type=int, default=60, help="texts of each run")
    parser.add_argument("--kept", type=Path, default=Path("faithfulness.json"), help="what is done already")
    parser.add_argument("--seconds", type=float, default=280, help="begin no further text after so long")
    arguments = parser.parse_args()
    done: dict[str, Any] = json.loads(arguments.kept.read_text("utf-8")) if arguments.kept.is_file() else {}
    begun = time.perf_counter()
    for run in arguments.runs:
        predictions = stored_predictions(RunFolder.existing(run))
        classifier = Classifier.load(run)
        classifier.predict_proba(list(predictions.texts[:8]))
        number = 0
        for at in np.random.default_rng(42).permutation(len(predictions)).tolist():
            if number == arguments.texts or time.perf_counter() - begun > arguments.seconds:
                break
            key = f"{run.resolve().name} {predictions.ids[at]}"
            if key not in done:
                done[key] = measured(classifier, predictions.texts[at])
                durable.write_json(arguments.kept, done)
            number += done[key] is not None
    for run in arguments.runs:
        rows = [row for key, row in done.items() if row is not None and key.startswith(f"{run.resolve().name} ")]
        refused = sum(row["refused"] for row in rows)
        print(f"\n{run.resolve().name}: {len(rows)} texts, mean {np.mean([row['words'] for row in rows]):.0f} words")
        print(table(rows))
        print(
            f"the default, with all that it tells: {np.mean([row['whole'] for row in rows]):.2f} s a text; "
            f"goes on to Kernel SHAP in {sum(row['went on'] for row in rows)}; refuses to rank {refused}"
        )
    everything = [row for row in done.values() if row is not None]
    print(f"\nall: {len(everything)} texts")
    print(table(everything))


if __name__ == "__main__":
    main()
