"""The full audit of short texts, real tokens, near-duplicates and languages included: seconds and memory.

Run it as ``python benchmarks/audit.py --texts 100000``. Texts of 60 characters are made up; one in twenty nearly
repeats another, one in fifty repeats one. The parts that take longest are timed again by themselves.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable

import numpy as np

from classifine.data.audit import giveaways, text_checks
from classifine.data.audit.auditing import audit
from classifine.data.audit.languages import languages
from classifine.data.audit.material import Material
from classifine.data.likeness.duplicates import overlap
from classifine.model.hub import resolve
from classifine.model.tokens import TokenCounter
from classifine.tables import LabelledTexts


def made_up(number: int) -> LabelledTexts:
    """Make labelled texts of ten words, the frequent words more often, as in a language."""
    chance = random.Random(1)
    words = ["".join(chance.choices("aeioubdfgklmnprst", k=chance.randint(2, 8))) for _ in range(30_000)]
    ranks = np.random.default_rng(1).zipf(1.2, size=number * 10) % len(words)
    chosen = [words[rank] for rank in ranks.tolist()]
    texts = [" ".join(chosen[place * 10 : place * 10 + 10]) for place in range(number)]
    for place in range(0, number, 20):
        texts[place] = texts[chance.randrange(number)] + " " + chance.choice(words)
    for place in range(1, number, 50):
        texts[place] = texts[chance.randrange(number)]
    numbers = range(1, number + 1)
    return LabelledTexts(
        tuple(map(str, numbers)), tuple(texts), tuple(chance.choices("abcde", k=number)), tuple(numbers)
    )


def timed(what: str, work: Callable[[], object]) -> None:
    """Print one line: what it was, how long it took, the most memory this process has had."""
    started = time.perf_counter()
    work()
    taken = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{what:<28} {taken:7.1f} s   {memory:.2f} GiB", flush=True)


def main() -> None:
    """Print one line for the audit, then one for each long part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--parts", action="store_true", help="time the long parts one by one, too")
    chosen = parser.parse_args()
    table = made_up(chosen.texts)
    counter = TokenCounter(resolve("minilm").folder, 128, name="minilm")
    print(f"{chosen.texts:,} texts of {np.mean([len(text) for text in table.texts]):.0f} characters")
    timed("audit", lambda: audit(table, count_tokens=counter))
    if chosen.parts:
        material = Material.of(table)
        timed("normal forms", lambda: Material.of(table))
        timed("near-duplicates", material.forms.clusters)
        timed("tokens", lambda: text_checks.cut(material, counter))
        timed("languages", lambda: languages(material, counter))
        timed("phrases", lambda: giveaways.phrases(material))
        timed("labels in texts", lambda: giveaways.own_names(material))
        timed("damage", lambda: text_checks.damage(material))
        timed("personal data", lambda: text_checks.personal_data(material))
        half = len(table) // 2
        timed("overlap of the halves", lambda: overlap(table.texts[:half], table.texts[half:]))


if __name__ == "__main__":
    main()
