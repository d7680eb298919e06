"""Measures guesses of encodings: how many are taken, and whether one that is taken is ever wrong.

Texts of sib200's languages are written in every encoding that can hold them, as files of 1 to all texts, as they are
and in capitals. `CLASSIFINE_DATA=… python benchmarks/guessing.py [SEED]`
"""

from __future__ import annotations

import csv
import os
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path

from classifine.data.files.guessing import CONFIDENT, guesses

ENCODINGS = [
    "cp1252", "latin-1", "iso8859-15", "cp1250", "iso8859-2", "cp1251", "koi8-r", "iso8859-5",
    "cp866", "mac-roman", "mac-cyrillic", "cp850", "cp1253", "cp1254", "cp1256", "iso8859-6",
    "gb18030", "big5", "shift_jis", "euc_jp", "euc-kr",
]  # fmt: skip
SIZES = {1: 6, 3: 5, 10: 3, 50: 1, 0: 1}  # texts a file (0: all), and how many such files


def main() -> None:
    texts: dict[str, list[str]] = defaultdict(list)
    with (Path(os.environ["CLASSIFINE_DATA"]) / "sib200" / "test.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            texts[row["lang"]].append(row["text"])
    rng = random.Random(int(sys.argv[1]) if sys.argv[1:] else 1)
    counts: Counter[tuple[int, bool, str]] = Counter()
    surest_wrong = (0.0, "")
    for language, whole in texts.items():
        for encoding in ENCODINGS:
            fitting = [text for text in whole if not text.isascii() and _fits(text, encoding)]
            for size, files in SIZES.items():
                for shouted in (False, True):
                    for _ in range(files if len(fitting) >= max(size, 3) else 0):
                        text = "\n".join(rng.sample(fitting, size or len(fitting)))
                        text = text.upper() if shouted else text
                        if not _fits(text, encoding):
                            continue
                        sample = text.encode(encoding)
                        found = guesses(sample)
                        counts[size, shouted, "files"] += 1
                        right = bool(found) and sample.decode(found[0].encoding) == text
                        sure = found[0].confidence if found else 0.0
                        counts[size, shouted, "first is right"] += right
                        counts[size, shouted, "taken"] += sure >= CONFIDENT
                        counts[size, shouted, "taken and wrong"] += sure >= CONFIDENT and not right
                        if not right:
                            surest_wrong = max(surest_wrong, (sure, f"{language} in {encoding}"))
    for size in SIZES:
        for shouted in (False, True):
            kinds = ("files", "first is right", "taken", "taken and wrong")
            figures = ", ".join(f"{kind} {counts[size, shouted, kind]}" for kind in kinds)
            print(f"{size or 'all'} texts{', capitals' if shouted else ''}: {figures}")
    print("surest wrong guess:", *surest_wrong)


def _fits(text: str, encoding: str) -> bool:
    try:
        return not _is_utf8(text.encode(encoding))
    except UnicodeEncodeError:
        return False


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    main()
