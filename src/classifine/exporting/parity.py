"""Takes a run's classifier and an exported one and says on real rows whether they are the same, and how fast each is.

What may be kept is decided here, by fixed bounds. Does not know how a model is exported or where it lies.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from classifine.errors import count
from classifine.evaluation.comparison import compare
from classifine.evaluation.intervals import ALL_ALIKE
from classifine.model.classifier import Classifier, predictions_of
from classifine.model.cores import cores, processor
from classifine.model.onnx_backend import Precision, Runtime
from classifine.tables import LabelledTexts, Predictions

LARGEST_DIFFERENCE = 1e-4
"""Of any probability, in fp32."""
LEAST_AGREEMENT: dict[Precision, float] = {"fp32": 1.0, "bf16": 0.99, "int8": 0.98}
"""The share of rows that must have the same label or labels."""
FEWEST_ROWS = 500
"""On so many rows at least int8 is measured."""
MOST_F1 = 0.01
"""The interval of int8's difference in macro-F1 must lie within so much on either side."""
_TIMED_ROWS, _ROUNDS = 400, 3


@dataclass(frozen=True)
class Measured:
    """How an exported classifier compares with its run on the same rows.

    Attributes
    ----------
    precision, runtime
        What was measured.
    n
        On how many rows.
    largest_difference
        Of any probability.
    agreement
        The share of rows with the same label or labels.
    macro_f1_difference, low, high
        Exported minus run, and its 95 % interval; none where there is none.
    met, reason
        Whether it may be used, and if not, why.
    rows_per_second
        Tokenising included, with all cores; the median of several rounds in turn with the others.
    processor, cores
        Where that was.
    """

    precision: Precision
    runtime: Runtime
    n: int
    largest_difference: float
    agreement: float
    macro_f1_difference: float
    low: float | None
    high: float | None
    met: bool
    reason: str
    rows_per_second: float
    processor: str
    cores: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """Say it in a sentence."""
        interval = (
            "" if self.low is None or self.low == self.high else f" (95 % interval {self.low:+.4f} to {self.high:+.4f})"
        )
        verdict = "kept" if self.met else f"refused: {self.reason}"
        return (
            f"same label on {self.agreement:.2%} of {count(self.n, 'validation row')}, probabilities within "
            f"{self.largest_difference:.1e}, macro-F1 {self.macro_f1_difference:+.4f}{interval}; "
            f"{self.rows_per_second:,.0f} rows/s here; {verdict}"
        )


def measure(
    reference: Predictions, exported: Classifier, rows: LabelledTexts, precision: Precision, runtime: Runtime
) -> Measured:
    """Compare an exported classifier with what the run's own predicted for the same rows; speed is measured apart.

    Parameters
    ----------
    reference
        The run's predictions for the rows.
    exported
        The exported classifier.
    rows
        Validation rows of the run.
    precision, runtime
        What it is.
    """
    found = predictions_of(exported, rows.texts, ids=rows.ids, truth=rows.labels, split=reference.split)
    usable = [place for place, status in enumerate(reference.status) if status == "ok"]
    apart = float(np.abs(found.probabilities[usable] - reference.probabilities[usable]).max(initial=0.0))
    same = sum(found.predicted[place] == reference.predicted[place] for place in usable) / max(1, len(usable))
    scored = compare(replace(found, classifier="exported"), replace(reference, classifier="run"))
    low, high = (scored.difference,) * 2 if scored.note == ALL_ALIKE else (scored.low, scored.high)
    reason = _objection(precision, len(usable), apart, same, low, high)
    return Measured(
        precision=precision,
        runtime=runtime,
        n=len(usable),
        largest_difference=apart,
        agreement=same,
        macro_f1_difference=scored.difference,
        low=low,
        high=high,
        met=not reason,
        reason=reason,
        rows_per_second=0.0,
        processor=processor(),
        cores=cores(),
    )


def _objection(precision: Precision, n: int, apart: float, same: float, low: float | None, high: float | None) -> str:
    """Say what speaks against using it; nothing where it meets its bounds."""
    least = LEAST_AGREEMENT[precision]
    if not np.isfinite(apart) or (precision == "fp32" and apart > LARGEST_DIFFERENCE):
        return f"probabilities differ by {apart:.1e}, at most {LARGEST_DIFFERENCE:.0e} is allowed"
    if same < least:
        return f"{same:.2%} of the labels agree, at least {least:.0%} must"
    if precision != "int8":
        return ""
    if n < FEWEST_ROWS:
        return f"int8 is measured on at least {FEWEST_ROWS} validation rows, and there are {n:,}"
    if low is None or high is None or low < -MOST_F1 or high > MOST_F1:
        told = "unknown" if low is None else f"{low:+.4f} to {high:+.4f}"
        return f"the interval of the difference in macro-F1 is {told}, and must lie within ±{MOST_F1}"
    return ""


def timed(classifiers: Sequence[Classifier], texts: Sequence[str]) -> list[float]:
    """Give rows per second of each, measured in turn, so that what else the machine does meets all alike."""
    some = list(texts)[:_TIMED_ROWS]
    seconds: list[list[float]] = [[] for _ in classifiers]
    for classifier in classifiers:
        classifier.predict_proba(some[: _TIMED_ROWS // 4])  # what is prepared once is not counted
    for _ in range(_ROUNDS):
        for place, classifier in enumerate(classifiers):
            started = time.perf_counter()
            classifier.predict_proba(some)
            seconds[place].append(time.perf_counter() - started)
    return [len(some) / max(statistics.median(each), 1e-9) for each in seconds]
