"""Takes label names and gives a run folder as the journey leaves it, written by hand; and what the data stage stores.

The first is plain JSON, CSV and TOML, the second made by the data stage itself.
"""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from classifine.preparation import examine
from classifine.runs import RunFolder
from classifine.settings import DataSettings, Settings
from classifine.sources import DataFiles

Build = Callable[..., RunFolder]

SETTINGS = """# settings of classifine; `classifine run DATA --settings FILE` reads them

# where every random choice starts
seed = 42

[model]
# a name of `classifine models`
model = "minilm"
"""
TEXTS = (
    "Please come to the town hall on Thursday and bring a neighbour: the bus line needs your voice.",
    "The bus was late again, and nobody at the stop was surprised.",
    "Sign the petition before Friday! Two minutes, one click, and the swimming pool stays open for another year.",
    "I have read the whole report so that you need not: there is nothing in it.",
    "مرحبا بالجميع، تعالوا إلى الاجتماع يوم الخميس",
)
FIGURES = (
    *("accuracy", "macro_f1", "micro_f1", "weighted_f1", "macro_precision", "macro_recall"),
    *("micro_precision", "micro_recall", "weighted_precision", "weighted_recall"),
)


def figure(value: float, n: int, half: float = 0.06, method: str = "Wilson") -> dict[str, Any]:
    told: dict[str, Any] = {"value": value, "low": None, "high": None, "n": n, "method": method}
    if n < 10:
        return told | {"note": "too few"}
    return told | {"low": max(0.0, value - half), "high": min(1.0, value + half)}


def _confusion(n: int, per_label: int) -> list[list[int]]:
    matrix = []
    for i in range(n):
        wrong = (i * 7) % 5 if n > 2 else 14 if i else 8
        row = [0] * n
        for k in range(wrong):
            row[(i + 1 + (k * (i + 1)) % max(1, n - 1)) % n] += 1
        row[i] = per_label - sum(row)
        matrix.append(row)
    return matrix


def _scores(labels: Sequence[str], base: float) -> dict[str, Any]:
    matrix = _confusion(len(labels), 70 if len(labels) < 13 else 13)
    n = sum(map(sum, matrix))
    per_label = []
    for i, label in enumerate(labels):
        support, predicted = sum(matrix[i]), sum(row[i] for row in matrix)
        precision, recall = matrix[i][i] / max(1, predicted), matrix[i][i] / support
        f1 = 2 * matrix[i][i] / (support + predicted)
        per_label.append(
            {
                "label": label,
                "precision": figure(precision, predicted, 0.091),
                "recall": figure(recall, support, 0.087),
                "f1": figure(f1, support + predicted, 0.073),
                "support": support,
                "predicted": predicted,
            }
        )
    averages = {name: figure(base + 0.0017 * place, n, 0.0613) for place, name in enumerate(FIGURES)}
    top = {str(k): figure(min(1.0, base + 0.031 * k), n, 0.0411) for k in (1, 2, 3)}
    return averages | {
        "log_loss": figure(1.37 - base, n, 0.1234, "normal"),
        "top_k": top,
        "per_label": per_label,
        "confusion": matrix,
    }


def _scorecard(labels: Sequence[str], *, better: bool) -> dict[str, Any]:
    bases = {"model": 0.8137, "tfidf": 0.7219 if better else 0.8041, "majority": 0.3352}
    scores = {name: _scores(labels, base) for name, base in bases.items()}
    titles = {"model": "fine-tuned minilm", "tfidf": "TF-IDF + logistic regression", "majority": "majority label"}
    n = scores["model"]["accuracy"]["n"]
    comparisons = [
        {
            "baseline": name,
            "metric": "macro_f1",
            "difference": bases["model"] - bases[name],
            "low": bases["model"] - bases[name] - 0.0421,
            "high": bases["model"] - bases[name] + 0.0432,
            "n": n,
            "mcnemar_p": 0.0123 if name == "tfidf" else 0.00000001,
            "better": better or name == "majority",
        }
        for name in ("tfidf", "majority")
    ]
    finding = "is better than" if better else "is not shown to be better than"
    difference = comparisons[0]
    verdict = (
        f"Fine-tuned minilm {finding} TF-IDF + logistic regression, the best baseline: macro-F1 0.815 against "
        f"{bases['tfidf'] + 0.0017:.3f}, a difference of {difference['difference']:+.3f} "
        f"(95 % interval {difference['low']:+.3f} to {difference['high']:+.3f}), on {n:,} test rows."
    )
    model = scores["model"]["confusion"]
    return {
        "split": "test",
        "n": n,
        "excluded": 0,
        "labels": list(labels),
        "positive": labels[1] if len(labels) == 2 else None,
        "test_openings": 3,
        "verdict": verdict,
        "cautions": [
            f"Labels with fewer than 20 rows: {', '.join(labels[:3])}.",
            "The test split has been opened 3 times; choices made after looking at it make these scores too good.",
        ],
        "scores": scores,
        "titles": titles,
        "comparisons": comparisons,
        "mistakes": sum(n for i, row in enumerate(model) for j, n in enumerate(row) if i != j),
    }


def _audit(labels: Sequence[str]) -> dict[str, Any]:
    counts = {label: 500 - 120 * (place % 4) + 3 * place for place, label in enumerate(labels)}
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    return {
        "rows_in": 3684,
        "rows_used": 986,
        "left_out": [
            {"reason": "blank label", "count": 3, "rows": [12, 80, 81]},
            {"reason": "blank text", "count": 40, "rows": list(range(1001, 1041))},
        ],
        "findings": [
            {
                "check": "labels",
                "level": "good",
                "message": f"{len(labels)} labels",
                "count": 2,
                "rows": [],
                "cure": "",
            },
            {
                "check": "equal texts",
                "level": "warn",
                "message": "15 rows repeat the text of another",
                "count": 15,
                "rows": [507, 633, 655, 1125, 1479],
                "cure": "remove them unless each is a case of its own; equal texts stay in one split",
            },
            {
                "check": "rows of each label",
                "level": "fail",
                "message": f"label {labels[0]!r} has 2 rows",
                "count": 2,
                "rows": [77, 78],
                "cure": "collect more of them, or merge the label with another",
            },
        ],
        "labels": counts,
        "splits": {name: {label: int(n * share) for label, n in counts.items()} for name, share in shares.items()},
        "words": {"mean": 23.1, "median": 20.0, "p95": 61.0, "max": 2108},
        "annotation": {
            "judgements": 3684,
            "repeated": 0,
            "items": 1000,
            "annotators": 3,
            "unanimous": 808,
            "judged_once": 0,
            "ties": 14,
            "tie_rule": "drop",
            "agreement": 0.8886,
            "alpha": 0.7771,
            "by_annotator": [
                {"annotator": "A1", "judgements": 603, "compared": 565, "with_majority": 0.9487},
                {"annotator": "A2", "judgements": 608, "compared": 567, "with_majority": 0.9436},
                {"annotator": "A3", "judgements": 3, "compared": 0, "with_majority": None},
            ],
        },
    }


def _history() -> dict[str, Any]:
    curve = [(0.676, 0.495, 0.7377), (0.367, 0.469, 0.7882), (0.198, 0.287, 0.8924), (0.075, 0.763, 0.7972)]
    return {
        "epochs": [
            {
                "epoch": float(place),
                "step": 19 * place,
                "train_loss": train,
                "validation_loss": validation,
                "macro_f1": f1,
                "accuracy": f1 + 0.011,
                "learning_rate": 1e-4 / place,
            }
            for place, (train, validation, f1) in enumerate(curve, start=1)
        ],
        "best": {"epoch": 3.0, "step": 57, "metric": "macro_f1", "value": 0.8924},
        "stopped_early": True,
        "seconds": 61.0,
        "examples_per_second": 88.4,
        "device": "cpu",
        "precision": "bf16",
        "threads": 2,
        "parameters": 22714754,
        "base_model": {
            "name": "minilm",
            "title": "all-MiniLM-L6-v2",
            "source": "sentence-transformers/all-MiniLM-L6-v2@1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
            "licence": "Apache-2.0",
        },
        "training": {"learning_rate": 0.0002, "num_train_epochs": 8.0, "optim": "adamw_torch_fused", "arguments": {}},
        "max_length": 512,
        "truncation": {"train": {"texts": 592, "cut": 7}, "validation": {"texts": 198, "cut": 0}},
    }


def _manifest(stages: Sequence[str]) -> dict[str, Any]:
    return {
        "format": 1,
        "started": "2026-01-02T03:04:05+00:00",
        "sources": [{"role": "data", "path": "posts.csv", "sha256": "eac309d609a796b8" * 4}],
        "settings": {"seed": 42, "data": {}, "model": {"model": "minilm"}, "training": {}},
        "versions": {"python": "3.11.7", "classifine": "0.1.0", "torch": "2.13.0+cpu"},
        "stages": {name: {"finished": "2026-01-02T03:10:00+00:00", "seconds": 4.26, "files": {}} for name in stages},
        "test_openings": 3,
        "command": "classifine run posts.csv --out runs/posts",
    }


def _write_csv(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(names)
        writer.writerows(rows)


def build_run(
    folder: Path,
    labels: Sequence[str],
    *,
    texts: Sequence[str] = TEXTS,
    better: bool = True,
    stages: Sequence[str] = ("data", "train", "evaluate"),
) -> RunFolder:
    """Write the files that the named stages leave behind."""
    folder.mkdir(parents=True, exist_ok=True)
    run = RunFolder(folder)
    parts = {run.manifest: _manifest(stages)}
    if "data" in stages:
        parts[run.audit] = _audit(labels)
        ties = [(f"t{i}", texts[i % len(texts)], f"{labels[0]} 2, {labels[1]} 2", "drop", "") for i in range(14)]
        _write_csv(run.ties, ("id", "text", "votes", "rule", "label"), ties)
    if "train" in stages:
        parts[run.history] = _history()
    if "evaluate" in stages:
        card = parts[run.scorecard] = _scorecard(labels, better=better)
        n = len(labels)
        rows = [
            (f"p{i:04}", texts[i % len(texts)], labels[i % n], labels[(i + 1) % n], 0.9914 - 0.01 * i, 0.0086)
            for i in range(min(30, card["mistakes"]))
        ]
        _write_csv(run.mistakes, ("id", "text", "true_label", "predicted_label", "confidence", "p_true"), rows)
    for path, value in parts.items():
        path.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    run.settings.write_text(SETTINGS, "utf-8")
    return run


MANY = tuple(f"card_payment_topic_{place:02}" if place % 3 else f"topic_{place:02}" for place in range(77))
HOSTILE = (
    "</script><script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "abc\u202eevil\u200b\u2066",
    "{{ 7 * 7 }}{% raw %}<!--]]>&amp;",
    "עברית תווית",
    "N" * 200,
)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Give the builder, bound to one folder: its name does not change between calls."""
    return lambda labels, **options: build_run(tmp_path / "posts", labels, **options)


@pytest.fixture
def two_labels() -> tuple[str, ...]:
    return ("no", "yes")


@pytest.fixture
def many_labels() -> tuple[str, ...]:
    return MANY


@pytest.fixture
def hostile_labels() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what the data stage stores of judgements in one file and texts in another, with something odd in each."""
    folder = tmp_path_factory.mktemp("judged")
    said = ("a", "b", "c")
    texts = [(f"t{i}", f"text number {i} on its own matter {i * 7919}") for i in range(60)]
    rows: list[tuple[str, ...]] = []
    for i in range(60):
        votes = [said[i % 3]] * 3
        if i % 7 == 0:
            votes[1] = said[(i + 1) % 3]
        if i % 3 == 0 and i % 4:
            votes[2] = "b"
        if i % 20 == 1:
            votes = ["a", "b", "c"]
        rows += [(f"t{i}", f"coder {place}", vote) for place, vote in enumerate(votes)]
    rows += [("t99", "coder 0", "a"), ("t98", "coder 0", "b"), ("t1", "coder 3", "a", "too much")]
    _write_csv(folder / "texts.csv", ("id", "text"), texts)
    _write_csv(folder / "labels.csv", ("id", "coder", "label"), rows, delimiter=";")
    data = DataSettings(
        id="id", annotator="coder", label_names={"a": "Apple", "b": "b", "c": "c"}, on_bad_row="quarantine"
    )
    examined = examine(DataFiles(data=folder / "labels.csv", texts=folder / "texts.csv"), Settings(data=data))
    stored: dict[str, Any] = json.loads(json.dumps(examined.to_dict()))
    return stored


@pytest.fixture
def audit(judged: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(judged)
