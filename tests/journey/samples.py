from __future__ import annotations

import csv
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
    names = list(WORDS)
    return [(f"{WORDS[names[i % 3]]} {'and more ' * (i % 5)}{i}", names[i % 3]) for i in range(n)]
