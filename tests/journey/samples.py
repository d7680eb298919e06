from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Sequence[str]]
Command = Callable[..., tuple[int, str, str]]

WORDS = {"01.10": "growing of wheat and barley", "M&A | Investments": "the bank buys a rival", "NA": "nothing to say"}


def write_csv(path: Path, rows: Rows, header: Sequence[str] = ("text", "label")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def typed(verb: str, what: Path, *, model: Path, out: Path, **settings: Any) -> list[str]:
    """Give a command as somebody types it, word by word."""
    given = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()]
    chosen = [word for setting in given for word in ("--set", setting)]
    return [verb, str(what), "--model", str(model), "--out", str(out), *chosen]


def labelled_rows(n: int = 60) -> list[tuple[str, str]]:
    """Texts of three labels: its words among others that tell nothing, so that no two texts are alike."""
    names = list(WORDS)
    return [(unlike(WORDS[names[i % 3]], i, words=4 + i % 5), names[i % 3]) for i in range(n)]


def unlike(text: str, number: int, *, words: int = 6) -> str:
    """Put words behind a text that tell nothing, so that it is no near-duplicate of the same text elsewhere."""
    lots = random.Random(f"{text} {number}")
    return " ".join([text, *("".join(lots.choices("abcdefghijklmnoprstuvw", k=8)) for _ in range(words))])
