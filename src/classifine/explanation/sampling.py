"""Takes predictions with truth and a scorer and gives explanations of a few: mistakes of each kind, and right ones.

How many is bounded by the work they take, not by a clock, so that the same run keeps the same file.
Does not know how the page shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from classifine import durable
from classifine.evaluation.mistakes import mistakes
from classifine.explanation.attribution import Explanations
from classifine.explanation.explaining import Asked, explained
from classifine.explanation.faithfulness import ORDERS, SHARES
from classifine.explanation.masking import MOST_WORDS
from classifine.explanation.overview import overview
from classifine.explanation.words import words
from classifine.model.classifier import Scorer
from classifine.progress import bar
from classifine.settings import Settings
from classifine.tables import OK, Predictions

# Words scored in all, by a model as large as MiniLM: a few seconds on two cores.
_WORDS = 16_000
_MINILM = 10_700_000
# Of the texts, the share that is for those predicted rightly.
_RIGHT = 1 / 3
# Texts scored to look for what changes a label, about.
_CHANGES = 12


def write_explanations(path: Path, scorer: Scorer, predictions: Predictions, settings: Settings) -> list[Path]:
    """Explain a sample of predictions and write it as JSON; give the file, or nothing where none is wanted.

    Parameters
    ----------
    path
        Where to.
    scorer
        The classifier that predicted.
    predictions
        With truth.
    settings
        Those of the run: how many texts, at most, 0 writing nothing and removing what stood there; where draws start.
    """
    most = settings.evaluation.explained
    chosen = affordable(predictions, sample(predictions, most), scorer) if most else []
    if not chosen:
        durable.remove(path)
        return []
    progress = bar("explaining", total=len(chosen), unit="texts")
    found = []
    for at in chosen:
        asked = Asked(seed=settings.seed).check(scorer.space)
        of_row = explained(scorer, predictions.texts[at], asked)
        found += [replace(one, id=predictions.ids[at], truth=predictions.truth[at]) for one in of_row]
        progress.update(1)
    progress.close()
    durable.write_json(path, Explanations(tuple(found), overview(found)).to_dict())
    return [path]


def sample(predictions: Predictions, most: int) -> list[int]:
    """Choose rows: of each confused pair the most confident mistake, then the second, and some that are right.

    The most frequent pairs come first. Of those predicted rightly, the most confident of each label.

    Parameters
    ----------
    predictions
        With truth.
    most
        How many rows.

    Returns
    -------
    list of int
        Their places, mistakes first.
    """
    place = {row: at for at, row in enumerate(predictions.ids)}
    by_pair: dict[tuple[str, str], list[int]] = defaultdict(list)
    wrong = set()
    for mistake in mistakes(predictions):
        by_pair[mistake.true_label, mistake.predicted_label].append(place[mistake.id])
        wrong.add(place[mistake.id])
    pairs = sorted(by_pair.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    by_label: dict[str, list[int]] = defaultdict(list)
    confidence = predictions.confidence
    for at in sorted(range(len(predictions)), key=lambda at: (-(confidence[at] or 0.0), predictions.ids[at])):
        if at not in wrong and predictions.truth[at] and predictions.status[at] == OK:
            by_label[str(predictions.truth[at])].append(at)
    rights = list(_in_turn([by_label[label] for label in sorted(by_label)]))
    wrongs = list(_in_turn([rows for _, rows in pairs]))
    of_right = min(len(rights), max(round(most * _RIGHT), most - len(wrongs)))
    return wrongs[: most - of_right] + rights[:of_right]


def _in_turn(groups: Sequence[Sequence[int]]) -> Iterator[int]:
    """Give the first of each group, then the second of each, and so on."""
    return (one for one in chain.from_iterable(zip_longest(*groups)) if one is not None)


def affordable(predictions: Predictions, chosen: Sequence[int], scorer: Any) -> list[int]:
    """Keep the first rows whose explanations together take a few seconds; a long text may be left out for shorter ones.

    The smallest of them is always kept.
    """
    costs = {at: _cost(predictions.texts[at]) for at in chosen}
    left = _WORDS / max(1.0, _parameters(scorer) / _MINILM)
    kept: list[int] = []
    for at in chosen:
        if costs[at] <= left:
            kept.append(at)
            left -= costs[at]
    return kept or sorted(chosen, key=lambda at: (costs[at], at))[:1]


def _cost(text: str) -> int:
    """Count about how many words are scored to explain a text."""
    found = len(words(text))
    return found * (min(found, MOST_WORDS) + len(SHARES) * (ORDERS + 1) + _CHANGES)


def _parameters(scorer: Any) -> int:
    """Count what a model multiplies each token with, where it is a model of torch."""
    model = getattr(getattr(scorer, "backend", None), "model", None)
    counted = getattr(model, "num_parameters", None)
    return int(counted(exclude_embeddings=True)) if counted is not None else 0
