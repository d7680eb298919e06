from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path

Rows = Sequence[Sequence[str]]
Command = Callable[..., tuple[int, str, str]]

WORDS = {"01.10": "growing of wheat and barley", "M&A | Investments": "the bank buys a rival", "NA": "nothing to say"}


def write_csv(path: Path, rows: Rows, header: Sequence[str] = ("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def labelled_rows(n: int = 60) -> list[tuple[str, str]]:
    """Texts of three labels: its words among others that tell nothing, so that no two texts are alike."""
    names = list(WORDS)
    return [(unlike(WORDS[names[i % 3]], i, words=4 + i % 5), names[i % 3]) for i in range(n)]


def unlike(text: str, number: int, *, words: int = 6) -> str:
    """Put words behind a text that tell nothing, so that it is no near-duplicate of the same text elsewhere."""
    lots = random.Random(f"{text} {number}")
    return " ".join([text, *("".join(lots.choices("abcdefghijklmnoprstuvw", k=8)) for _ in range(words))])
