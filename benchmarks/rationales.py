"""How far explanations agree with what people marked, beside how far the people agree with each other.

    python benchmarks/rationales.py RUN rationales.jsonl --method auto

Each line of the file is one text: {"text": "…", "label": "…", "rationales": [[[start, end], …], …]}, one list of
passages a person, characters counted as Python does; the label may be left out, and is then the predicted one. Without
a file, one is made up from the run's texts and a list of words (--words), which tries the command and measures nothing.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from classifine.doors.explained import explain, stored_predictions
from classifine.explanation.rationales import Agreement, agreement
from classifine.explanation.words import words
from classifine.model.classifier import Classifier
from classifine.runs import RunFolder


def made_up(run: Path, marked: set[str], most: int) -> list[dict[str, Any]]:
    """Mark each of the words in the texts of a run, once for two persons who always agree."""
    rows: list[dict[str, Any]] = []
    for text in stored_predictions(RunFolder.existing(run)).texts:
        spans = [[word.start, word.end] for word in words(text) if text[word.start : word.end].casefold() in marked]
        if spans:
            rows.append({"text": text, "rationales": [spans, spans]})
    return rows[:most]


def told(name: str, values: list[float]) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{name:<44}{np.mean(values):7.3f} ± {error:.3f}" if values else f"{name:<44}      –"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--words", default="women,woman,girl,girls,bitch,she,her")
    arguments = parser.parse_args()
    if arguments.file is None:
        rows = made_up(arguments.run, set(arguments.words.split(",")), arguments.texts)
    else:
        lines = arguments.file.read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()][: arguments.texts]
    classifier = Classifier.load(arguments.run)
    found: list[Agreement] = []
    unranked = 0
    for row in rows:
        (one,) = explain(classifier, [str(row["text"])], method=arguments.method, label=row.get("label"))[:1]
        unranked += not one.ranked
        marked = [[(int(start), int(end)) for start, end in spans] for spans in row["rationales"]]
        agreed = agreement(one.words, marked) if one.ranked else None
        found += [agreed] if agreed is not None else []
    print(f"{len(rows)} texts, {len(found)} compared; {unranked} could not be ranked")
    print(told("average precision", [one.average_precision for one in found]))
    print(told("  of a random order", [one.chance for one in found]))
    print(told("F1 of as many words as people mark", [one.f1 for one in found]))
    print(told("  of one person against the others", [one.people_f1 for one in found if one.people_f1 is not None]))


if __name__ == "__main__":
    main()
