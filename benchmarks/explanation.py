"""How fast texts are explained, beside a tutorial's wrapper around the lime package, paired in one run.

    pip install --no-deps lime==0.2.0.1
    python benchmarks/explanation.py RUN --seconds 240

The wrapper is that of a tutorial: all 5,000 perturbed texts are padded to the longest and go through the stock model in
one batch. Here the same model in batches of the size given with --batch, unless memory allows all (--batch 5000), which
is in its favour. Each way is measured in turn, text by text, and medians are given; the first text warms up.
Beside the times stands on how many of the five first words each way agrees with LIME of 10,000 samples.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from classifine.doors.explained import explain, stored_predictions
from classifine.explanation.masking import Masked, Passage, Target
from classifine.explanation.perturbation import kernel_shap, leave_one_out, lime
from classifine.explanation.words import words
from classifine.labels import FloatMatrix
from classifine.model.classifier import Classifier
from classifine.model.unpadded import Unpadded
from classifine.runs import RunFolder

TOP = 5


class Halved:
    """The classifier computing in bfloat16."""

    def __init__(self, classifier: Classifier) -> None:
        self.space = classifier.space
        self.backend = classifier.backend

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Score texts."""
        unpadded = Unpadded.of(self.backend.model, torch.bfloat16)
        return self.backend.probabilities(self.backend.encode(texts), unpadded=unpadded)


def wrapper(classifier: Classifier, text: str, label: int, samples: int, batch: int) -> list[str]:
    """Explain as the tutorial does; give the words that count most."""
    LimeTextExplainer = importlib.import_module("lime.lime_text").LimeTextExplainer  # noqa: N806

    backend = classifier.backend

    def predict(texts: list[str]) -> Any:
        inputs = backend.tokenizer(texts, return_tensors="pt", padding=True, truncation=True)
        found = []
        with torch.no_grad():
            for start in range(0, len(texts), batch):
                part = {name: one[start : start + batch] for name, one in inputs.items()}
                found.append(torch.softmax(backend.model(**part).logits, -1))
        return torch.cat(found).numpy()

    explainer = LimeTextExplainer(class_names=list(classifier.space.names), random_state=1)
    shown = explainer.explain_instance(text, predict, num_features=TOP, num_samples=samples, labels=(label,))
    return [word for word, _ in shown.as_list(label=label)]


def first_words(passage: Passage, values: Any) -> list[str]:
    order = np.argsort(-np.abs(values), kind="stable")
    return [passage.word(int(place)) for place in order[:TOP]]


def ways(classifier: Classifier, batch: int, samples: int) -> dict[str, Callable[[str, int], list[str]]]:
    """Give each way of explaining by its name; it gives the first words."""
    halved = Halved(classifier)

    def ours(method: Any, scorer: Any, **more: Any) -> Callable[[str, int], list[str]]:
        def run(text: str, label: int) -> list[str]:
            passage = Passage.of(text, pieces="words")
            return first_words(passage, method(Masked(scorer, passage), Target(label), **more).values)

        return run

    return {
        f"lime package, {samples} samples": lambda text, label: wrapper(classifier, text, label, samples, batch),
        f"LIME, {samples} samples, float32": ours(lime, classifier, samples=samples),
        f"LIME, {samples} samples, bfloat16": ours(lime, halved, samples=samples),
        "Kernel SHAP, 500, float32": ours(kernel_shap, classifier, samples=500),
        "Kernel SHAP, 200, bfloat16": ours(kernel_shap, halved, samples=200),
        "leave-one-out, float32": ours(leave_one_out, classifier),
        "default, with all that it tells": lambda text, label: [
            w.text for w in explain(classifier, [text])[0].top(TOP)
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--texts", type=int, default=4)
    parser.add_argument("--words", type=int, default=30, help="of a text, about")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=280, help="begin no further text after so long")
    parser.add_argument("--processor", action="store_true", help="processor time, for a machine that is shared")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.processor else time.perf_counter
    classifier = Classifier.load(arguments.run)
    near = sorted(
        stored_predictions(RunFolder.existing(arguments.run)).texts,
        key=lambda text: abs(len(words(text)) - arguments.words),
    )
    classifier.predict_proba(near[:16])
    methods = ways(classifier, arguments.batch, arguments.samples)
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    shared: dict[str, list[float]] = {name: [] for name in methods}
    begun = time.perf_counter()
    for text in near[: arguments.texts]:
        if time.perf_counter() - begun > arguments.seconds:
            break
        label = int(classifier.predict_proba([text])[0].argmax())
        passage = Passage.of(text, pieces="words")
        target = {*first_words(passage, lime(Masked(classifier, passage), Target(label), samples=10_000).values)}
        for name, way in methods.items():
            started = clock()
            found = way(text, label)
            seconds[name].append(clock() - started)
            shared[name].append(len(target & {*found}) / TOP)
    first = next(iter(seconds.values()))
    print(f"{len(first)} texts of about {arguments.words} words, {arguments.threads} threads")
    print(f"{'way':<36}{'s':>8}{'times as fast':>15}{'top 5 of LIME-10,000':>22}")
    for name, taken in seconds.items():
        median, ratio = np.median(taken), np.median(np.array(first) / np.array(taken))
        print(f"{name:<36}{median:8.2f}{ratio:15.1f}{np.mean(shared[name]):22.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
