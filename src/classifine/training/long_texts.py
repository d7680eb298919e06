"""Takes the model settings and gives the way in which texts are read that are longer than the model reads at once.

Where that is to be found out, a short training in each way is compared on the validation texts.
Does not know how windows are made or pooled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.errors import SettingsProblem, count
from classifine.evaluation.validation import METRICS
from classifine.model.tokens import Encoded
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import WAYS, LongTexts, Way
from classifine.pairs import all_pairs
from classifine.settings import ModelSettings, Settings
from classifine.tables import LabelledTexts
from classifine.training import ranks
from classifine.training.checkpoints import Checkpoints

# With a smaller share of longer training texts, auto reads the beginning: there is little to win.
THRESHOLD = 0.1
# Texts of each part that a comparison uses, at most.
ROWS = 2000
_FILE = "long_texts.json"
# A share of a window, and the largest one: more would read each token more than twice.
_STRIDE, _MOST_STRIDE = 4, 2

Attempt = Callable[[LabelledTexts, LabelledTexts, Settings], dict[str, Any]]


def way_of(settings: ModelSettings, way: Way, max_length: int) -> LongTexts:
    """Give a way of reading long texts as the settings have it.

    Raises
    ------
    SettingsProblem
        Windows would share more than half of their tokens.
    """
    most = max_length // _MOST_STRIDE
    if settings.stride is not None and settings.stride > most:
        raise SettingsProblem(
            f"stride = {settings.stride}: windows of {max_length} tokens would hardly move on",
            expected=f"at most {most}, half of a window",
            cure="give a smaller stride, or a greater max_length",
        )
    if way != "windows":
        return LongTexts(way)
    stride = max_length // _STRIDE if settings.stride is None else settings.stride
    return LongTexts(way, stride, settings.max_windows)


def read(
    backend: TorchBackend,
    train: LabelledTexts,
    validation: LabelledTexts,
    settings: Settings,
    attempt: Attempt,
    kept: Checkpoints | None,
) -> tuple[dict[str, Encoded], dict[str, Any]]:
    """Choose how long texts are read, and tokenise all texts so.

    Parameters
    ----------
    backend
        The model that is to be trained; it reads in that way from now on.
    train, validation
        Labelled texts.
    settings
        What the user chose.
    attempt
        Trains on texts, with other texts to choose the epoch, and gives the history.
    kept
        Where a comparison is kept for when a training that was stopped goes on, and who is told what windows cost.

    Raises
    ------
    SettingsProblem
        Another way than ``head`` is chosen for pairs of texts.

    Returns
    -------
    tuple
        Token ids of ``train`` and ``validation``. And plain JSON: the way, how it was asked for, what was compared.
    """
    asked = settings.model.long_texts
    told: dict[str, Any] = {"asked": asked}
    backend.pairs = all_pairs(train.texts)
    if backend.pairs and asked != "head":
        raise SettingsProblem(
            f'long_texts = "{asked}" reads single texts; these are pairs',
            cure="leave it out: where a pair is too long, the longer text is cut",
        )
    way: Way = "head" if asked == "auto" else asked
    if asked == "auto":
        share = backend.encode(train.texts, what="tokenising").cut / max(1, len(train))
        told |= {"longer": share, "threshold": THRESHOLD, "compared": []}
        if share > THRESHOLD:
            if kept is not None:
                kept.tell(f"{share:.0%} of the training texts are longer than {backend.max_length:,} tokens")
            told["compared"] = _compared(train, validation, settings, attempt, kept)
            way = _best(told["compared"])
    backend.long = way_of(settings.model, way, backend.max_length)
    encoded = {
        "train": backend.encode(train.texts, what="tokenising"),
        "validation": backend.encode(validation.texts),
    }
    told |= backend.long.to_dict()
    line = announced(told, encoded["train"], backend.max_length)
    if kept is not None and line is not None:
        kept.tell(line)
    return encoded, told


class Readings:
    """Texts that were read once, for several trainings on them: the same texts read alike have the same token ids.

    Where the way to read long texts is found by comparison, the first training's comparison is that of all.
    """

    def __init__(self) -> None:
        self._found: list[tuple[tuple[Any, ...], bool, LongTexts, dict[str, Encoded], dict[str, Any]]] = []

    def read(
        self,
        backend: TorchBackend,
        train: LabelledTexts,
        validation: LabelledTexts,
        settings: Settings,
        attempt: Attempt,
        kept: Checkpoints | None,
    ) -> tuple[dict[str, Encoded], dict[str, Any]]:
        """Do what :func:`read` does, or give what it gave."""
        asked = (settings.model, backend.max_length)
        for (texts, others, *before), pairs, way, encoded, told in self._found:
            if texts is train and others is validation and tuple(before) == asked:
                backend.pairs, backend.long = pairs, way
                return encoded, told
        encoded, told = read(backend, train, validation, settings, attempt, kept)
        self._found.append(((train, validation, *asked), backend.pairs, backend.long, encoded, told))
        return encoded, told


def _compared(
    train: LabelledTexts, validation: LabelledTexts, settings: Settings, attempt: Attempt, kept: Checkpoints | None
) -> list[dict[str, Any]]:
    """Train in each way on the same texts and give the scores; a comparison that was kept is not done again."""
    key = durable.fingerprint({"settings": asdict(settings), "train": train.ids, "validation": validation.ids})
    file = None if kept is None else kept.folder / _FILE
    compared = ranks.shared([] if file is None else _known(file, key))
    if compared:
        return compared
    parts = [_sample(part, settings.seed) for part in (train, validation)]
    for way in WAYS:
        chosen = replace(settings, model=replace(settings.model, long_texts=way))
        history = attempt(parts[0], parts[1], chosen)
        compared.append(
            {
                "way": way,
                "metric": history["best"]["metric"],
                "value": history["best"]["value"],
                "texts": len(parts[0]),
                "validation_texts": len(parts[1]),
                "windows": history["truncation"]["train"]["windows"],
                "seconds": history["seconds"],
            }
        )
        if kept is not None:
            best = history["best"]
            kept.tell(f"tried: {way}, {best['metric']} {best['value']:.3f} after {history['seconds']:.0f} s")
    if file is not None:
        durable.make_folder(file.parent)
        durable.write_json(file, {"key": key, "compared": compared})
    return compared


def _known(file: Path, key: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {"key": None}
    return list(found["compared"]) if found["key"] == key else []


def _sample(part: LabelledTexts, seed: int) -> LabelledTexts:
    if len(part) <= ROWS:
        return part
    drawn = np.random.default_rng(seed).choice(len(part), ROWS, replace=False)
    return part.take(sorted(drawn.tolist()))


def _best(compared: list[dict[str, Any]]) -> Way:
    """Take the best value; of equal ones the first, which costs least."""
    sign = 1 if METRICS[compared[0]["metric"]] == "higher" else -1
    best: Way = max(compared, key=lambda one: sign * float(one["value"]))["way"]
    return best


def counted(encoded: Encoded) -> dict[str, int]:
    """Give how many texts and windows there are, and of how many texts something is not read."""
    return {"texts": len(encoded), "cut": encoded.cut, "windows": len(encoded.ids)}


def announced(told: dict[str, Any], encoded: Encoded, max_length: int) -> str | None:
    """Say before training how long texts are read and what windows cost; nothing where texts are short enough."""
    several = 0 if encoded.windows is None else int((encoded.windows > 1).sum())
    if several:
        extra = encoded.lengths.sum() / np.minimum(encoded.lengths, max_length).sum()
        return (
            f"{count(several, 'text')} of {len(encoded):,} are longer than {max_length:,} tokens and read in windows: "
            f"{len(encoded.ids):,} windows, {extra:.1f} times the tokens of one window each"
        ) + (f"; {encoded.cut:,} are longer than {told['max_windows']} windows and cut" if encoded.cut else "")
    if encoded.cut and told["way"] == "head+tail":
        return f"{count(encoded.cut, 'text')} of {len(encoded):,} are read by beginning and end, {max_length:,} tokens"
    return None
