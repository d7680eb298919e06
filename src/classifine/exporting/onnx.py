"""Takes a run folder and gives model/onnx/ in it: single-file ONNX models with labels, tokenizer and calibration.

Each is compared with the run on its validation texts before it is kept, and what was measured is kept with it.
Does not know how probabilities become labels, pages or the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifine import durable
from classifine.data.labelled import Say, silent
from classifine.data.splits.stored import learnable
from classifine.errors import FileMissing, ModelUnavailable, NotTheSame, SettingsProblem, some, unknown_name
from classifine.exporting.blueprint import Blueprint, blueprint_of
from classifine.exporting.graph import INPUTS, TYPES, build, package
from classifine.exporting.parity import Measured, measure, timed
from classifine.exporting.quantizing import TEXTS, ranges_of
from classifine.model.classifier import CALIBRATION, Classifier, predictions_of
from classifine.model.onnx_backend import (
    CARD,
    FORMAT,
    PRECISIONS,
    RUNTIMES,
    TITLES,
    Precision,
    Runtime,
    can_run,
    opened_from,
    package_of,
    read_card,
)
from classifine.model.tokens import Encoded, pad_id_of
from classifine.runs import RunFolder, versions
from classifine.settings import Settings
from classifine.tables import LabelledTexts

FOLDER = "onnx"
FILES: dict[Precision, str] = {"fp32": "model.onnx", "bf16": "model_bf16.onnx", "int8": "model_int8.onnx"}
USUAL: tuple[Precision, ...] = ("fp32", "bf16")
_PACKAGES = ("onnx", "onnxruntime", "openvino")


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes
    ----------
    folder
        Where it lies; it can be copied elsewhere and opened as it is.
    measured
        Each precision with each runtime, refused ones included.
    """

    folder: Path
    measured: tuple[Measured, ...]

    @property
    def kept(self) -> tuple[Precision, ...]:
        """The precisions that at least one runtime met."""
        return tuple(one for one in PRECISIONS if any(each.met and each.precision == one for each in self.measured))

    @property
    def files(self) -> dict[Precision, Path]:
        """The file of each precision that was kept."""
        return {one: self.folder / FILES[one] for one in self.kept}

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return {"folder": str(self.folder), "measured": [each.to_dict() for each in self.measured]}


def export_onnx(path: Path | str, precisions: Sequence[str] = (), *, say: Say = silent) -> Export:
    """Write a run's classifier as ONNX and prove that it is the same.

    Parameters
    ----------
    path
        A run folder whose training is done.
    precisions
        ``fp32``, ``bf16`` (weights of half the size) or ``int8``; without any, the first two. What was exported
        before stays unless it is asked for again.
    say
        Called with a stage and a plain sentence.

    Raises
    ------
    SettingsProblem
        There is no such precision.
    FileMissing
        The run has no classifier yet.
    ModelUnavailable
        Its family cannot be exported.
    PackageMissing
        onnx or onnxruntime is not installed.
    NotTheSame
        fp32, or a precision that was asked for, does not agree with the run; the others are kept.

    Notes
    -----
    Bounds: fp32 probabilities within 1e-4 and the same labels; bf16 the same label on 99 % of the validation rows; int8
    on 98 % of at least 500, and the 95 % interval of the difference in macro-F1 within ±.01.
    """
    wanted = _wanted(precisions)
    package()
    package_of("onnxruntime")
    run = RunFolder.existing(path)
    with run.locked():
        if not (run.model / "config.json").is_file():
            raise FileMissing(f"{run.path} holds no classifier yet", cure=f"train it first: classifine train {path}")
        settings = Settings.from_dict(run.read_manifest()["settings"])
        splits = learnable(run, settings)
        measured = _Exporting(run, splits.train, splits.validation, say).write(wanted)
    made = Export(run.model / FOLDER, measured)
    refused = [one for one in wanted if one not in made.kept and (one in precisions or one == "fp32")]
    if refused:
        reasons = [f"{TITLES[each.runtime]} {each.precision}: {each.reason}" for each in measured if not each.met]
        raise NotTheSame(
            f"{some(refused)} is not the same as the run and was not kept",
            where=str(made.folder),
            found="; ".join(reasons),
            cure=f"use what was kept: {', '.join(made.kept)}" if made.kept else "predict with the run itself",
        )
    return made


def _wanted(precisions: Sequence[str]) -> tuple[Precision, ...]:
    for given in precisions:
        if given not in PRECISIONS:
            raise SettingsProblem(
                f"there is no precision {given!r}", cure=unknown_name(given, PRECISIONS, noun="precisions")
            )
    # fp32 is what everything else can fall back on
    return tuple(one for one in PRECISIONS if one == "fp32" or one in (precisions or USUAL))


class _Exporting:
    """One export, step by step."""

    def __init__(self, run: RunFolder, train: LabelledTexts, validation: LabelledTexts, say: Say) -> None:
        self._run = run
        self._train = train
        self._rows = validation
        self._say = say
        self._classifier = Classifier.load(run.model)
        self._blueprint: Blueprint = blueprint_of(self._classifier.backend.model)
        self._pairs = self._classifier.backend.pairs
        self._types = self._pairs and self._blueprint.types is not None and len(self._blueprint.types) > 1

    def write(self, wanted: Sequence[Precision]) -> tuple[Measured, ...]:
        """Write the folder; it appears when it is whole and measured."""
        folder = self._run.model / FOLDER
        source = durable.sha256(self._run.model / "model.safetensors")
        before = _before(folder, source)
        contents = {one: (folder / each["file"]).read_bytes() for one, each in before.items() if one not in wanted}
        contents |= {one: self._model(one) for one in wanted}
        with durable.staging(folder) as staged:
            card = self._surroundings(staged, source)
            for precision in PRECISIONS:
                if precision in contents:
                    durable.write_bytes(staged / FILES[precision], contents[precision])
                    card["files"][precision] = _entry(staged / FILES[precision])
            durable.write_json(staged / CARD, card)
            measured = self._measured(staged, list(card["files"]))
            for precision in list(card["files"]):
                if not any(each.met for each in measured if each.precision == precision):
                    durable.remove(staged / card["files"].pop(precision)["file"])
            card["measured"] = [each.to_dict() for each in measured]
            durable.write_json(staged / CARD, card)
        return measured

    def _model(self, precision: Precision) -> bytes:
        ranges = None
        if precision == "int8":
            # rows often stand in the order of their labels
            places = np.unique(np.linspace(0, len(self._train) - 1, TEXTS).astype(np.int64))
            encoded = self._classifier.backend.encode([self._train.texts[place] for place in places])
            ranges = ranges_of(self._blueprint, encoded, types=self._types)
        made = build(self._blueprint, types=self._types, half=precision == "bf16", ranges=ranges)
        content: bytes = made.SerializeToString(deterministic=True)
        return content

    def _surroundings(self, folder: Path, source: str) -> dict[str, Any]:
        """Write what stands beside the models, and give the card without them."""
        from tokenizers import Tokenizer

        backend = self._classifier.backend
        tokenizer = Tokenizer.from_str(backend.tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        durable.write_text(folder / "tokenizer.json", tokenizer.to_str())
        for name in ("config.json", CALIBRATION):
            if (self._run.model / name).is_file():
                durable.write_bytes(folder / name, (self._run.model / name).read_bytes())
        return {
            "format": FORMAT,
            "inputs": [*INPUTS, *([TYPES] if self._types else [])],
            "labels": len(self._classifier.space),
            "max_length": backend.max_length,
            "pad_id": pad_id_of(backend.tokenizer),
            "cut_side": str(backend.tokenizer.truncation_side),
            "pairs": self._pairs,
            "several": backend.several,
            "long_texts": backend.long.to_dict(),
            "source": source,
            "versions": versions(_PACKAGES),
            "files": {},
            "measured": [],
        }

    def _measured(self, folder: Path, precisions: Sequence[Precision]) -> tuple[Measured, ...]:
        """Open every model with every runtime, as somebody would who has the folder alone, and compare."""
        reference = predictions_of(
            self._classifier, self._rows.texts, ids=self._rows.ids, truth=self._rows.labels, split="validation"
        )
        opened: list[tuple[Precision, Runtime, Classifier]] = []
        for precision in precisions:
            for runtime in RUNTIMES:
                obstacle = can_run(precision, runtime)
                if obstacle is not None:
                    self._say("export", f"{TITLES[runtime]} {precision}: not measured, {obstacle}")
                    continue
                opened.append((precision, runtime, opened_from(folder, precision, runtime)))
        self._same_tokens(opened[0][2])
        speeds = timed([classifier for *_, classifier in opened], self._rows.texts)
        found = []
        for (precision, runtime, classifier), speed in zip(opened, speeds, strict=True):
            one = replace(
                measure(reference, classifier, self._rows, precision, runtime), rows_per_second=round(speed, 1)
            )
            self._say("export", f"{TITLES[runtime]} {precision}: {one.sentence}")
            found.append(one)
        return tuple(found)

    def _same_tokens(self, exported: Classifier) -> None:
        """Be sure that the texts are read alike, whatever the model makes of them."""
        texts = [text for text in self._rows.texts if text.strip()]
        ours, theirs = self._classifier.backend.encode(texts), exported.backend.encode(texts)
        if not _alike(ours, theirs):
            raise NotTheSame(
                "the exported tokenizer reads texts otherwise than the run's",
                where=str(self._run.model),
                cure="predict with the run itself; and please report this with the name of the base model",
            )


def _alike(one: Encoded, other: Encoded) -> bool:
    def same(ours: Any, theirs: Any) -> bool:
        if ours is None or theirs is None:
            return ours is None and theirs is None
        pairs = zip(ours, theirs, strict=False)
        return len(ours) == len(theirs) and all([*a] == [*b] for a, b in pairs)

    windows = [None if each.windows is None else [[*each.windows]] for each in (one, other)]
    return same(one.ids, other.ids) and same(one.types, other.types) and same(*windows)


def _before(folder: Path, source: str) -> dict[Precision, dict[str, Any]]:
    """Give the entries of models exported earlier from the same weights, by precision."""
    if not (folder / CARD).is_file():
        return {}
    try:
        card = read_card(folder)
        if card["source"] != source:
            return {}
        entries = {one: card["files"][one] for one in PRECISIONS if one in card["files"]}
    except (ModelUnavailable, KeyError, TypeError):
        return {}
    return {one: each for one, each in entries.items() if _entry_holds(folder, each)}


def _entry(file: Path) -> dict[str, Any]:
    return {"file": file.name, "sha256": durable.sha256(file), "bytes": file.stat().st_size}


def _entry_holds(folder: Path, entry: Any) -> bool:
    file = folder / str(entry["file"])
    return file.is_file() and durable.sha256(file) == entry["sha256"]
