"""Takes a run or model folder and the name of an engine and gives the classifier, computed by that engine.

Without a name, the fastest one that was measured to agree with the run on this processor. An exported model is opened
without torch and transformers. Does not know what is done with the probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifine.errors import ModelUnavailable, UsageError, unknown_name
from classifine.model.classifier import Classifier, Engine
from classifine.model.cores import processor
from classifine.model.onnx_backend import (
    CARD,
    INSTALL,
    PRECISIONS,
    RUNTIMES,
    TITLES,
    Precision,
    Runtime,
    can_run,
    opened_from,
    read_card,
)

AUTO, TORCH = "auto", "torch"
ENGINES = (AUTO, TORCH, *PRECISIONS, *(f"{runtime}-{precision}" for precision in PRECISIONS for runtime in RUNTIMES))
"""What an engine can be called: a precision stands for its fastest runtime."""
# What auto chooses from; int8 is for those who name it.
_SAFE: tuple[Precision, ...] = ("fp32", "bf16")


@dataclass(frozen=True)
class Choice:
    """An exported model and what computes it, as it was measured when it was exported."""

    precision: Precision
    runtime: Runtime
    rows_per_second: float
    agreement: float
    n: int
    processor: str

    @property
    def name(self) -> str:
        """What to call it before people."""
        return f"{TITLES[self.runtime]} {self.precision}"


def open_engine(path: Path | str, engine: str = AUTO, *, threads: int | None = None) -> Classifier:
    """Open a classifier with an engine; its attribute ``engine`` says which one it is, and why.

    Whoever predicts in bulk may rely on this: ``predict_proba(texts)`` takes any number of texts, sorts them by length
    itself, gives one row each in their order, keeps nothing of them, and may be called from several threads. The same
    list gives the same bits; a text in other company may differ by rounding, at most 1e-5 in fp32.

    Parameters
    ----------
    path
        A run folder, a model folder, or the folder of an export.
    engine
        ``auto``: the fastest of fp32 and bf16 that was measured to agree with the run on a processor like this one;
        where there is none, fp32; without an export, torch. Or one of :data:`ENGINES`.
    threads
        How many to compute with; all that this process may use if not given. Torch has settings of its own.

    Raises
    ------
    UsageError
        There is no engine of this name.
    FileMissing, ModelUnavailable
        There is no usable classifier, or it was not exported for this engine.
    PackageMissing
        The engine is not installed.

    Examples
    --------
    >>> from classifine.model.engines import open_engine
    >>> classifier = open_engine("runs/posts")  # doctest: +SKIP
    >>> classifier.engine.name  # doctest: +SKIP
    'OpenVINO bf16'
    """
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}", cure=unknown_name(engine, ENGINES, noun="engines"))
    folder = exported_folder(Path(path))
    if engine == TORCH or (engine == AUTO and folder is None):
        return _torch(path, "" if engine == TORCH else "nothing was exported; `classifine export` makes it faster")
    if folder is None:
        raise ModelUnavailable(
            f"{path} holds no exported model", cure=f"classifine export {path} --to onnx, or leave the engine out"
        )
    stale = not_of_run(folder)
    if stale is not None and engine == AUTO:
        return _torch(path, stale)
    if stale is not None:
        raise ModelUnavailable(stale, where=str(folder), cure="export it again: classifine export RUN --to onnx")
    chosen, why = _chosen(folder, engine)
    if chosen is None:
        return _torch(path, why)
    return opened_from(folder, chosen.precision, chosen.runtime, threads=threads, why=why)


def exported_folder(path: Path) -> Path | None:
    """Find the export of a run or model folder, or take the folder itself; none where there is none."""
    found = (path / "model" / "onnx", path / "onnx", path)
    return next((folder for folder in found if (folder / CARD).is_file()), None)


def choices(folder: Path) -> tuple[Choice, ...]:
    """Give what an exported folder holds and was measured to agree, the fastest first."""
    found = []
    try:
        for each in read_card(folder)["measured"]:
            if each["met"]:
                names = ("precision", "runtime", "rows_per_second", "agreement", "n", "processor")
                found.append(Choice(**{name: each[name] for name in names}))
    except (KeyError, TypeError) as error:
        raise ModelUnavailable(
            f"{CARD} does not say what was measured: {error!r}", where=str(folder), cure="export it again"
        ) from None
    return tuple(sorted(found, key=lambda choice: -choice.rows_per_second))


def _chosen(folder: Path, engine: str) -> tuple[Choice | None, str]:
    """Choose among what was measured, and say why; none where torch is left."""
    runtime, _, precision = engine.rpartition("-")
    every = choices(folder)
    wanted = [
        choice
        for choice in every
        if choice.precision in (_SAFE if engine == AUTO else (precision,)) and runtime in ("", choice.runtime)
    ]
    obstacles = {choice: can_run(choice.precision, choice.runtime) for choice in wanted}
    able = [choice for choice, obstacle in obstacles.items() if obstacle is None]
    here = [choice for choice in able if choice.processor == processor()]
    if engine != AUTO:
        if not able:
            raise _not_to_be_had(folder, engine, precision, [each for each in obstacles.values() if each is not None])
        first = (here or able)[0]
        return first, f"asked for; {_told(first)}"
    if here:
        others = [choice.name for choice in here[1:]]
        beside = f", the fastest here of {', '.join([here[0].name, *others])}" if others else ""
        return here[0], f"{_told(here[0])}{beside}"
    exact = [choice for choice in able if choice.precision == "fp32"]
    if exact:
        return exact[0], "the export was measured on another processor, where fp32 agreed; fp32 is safe anywhere"
    reasons = ", ".join(dict.fromkeys(each for each in obstacles.values() if each)) or "no exported model agreed"
    return None, f"{reasons}; {INSTALL}" if obstacles else reasons


def _told(choice: Choice) -> str:
    return f"same label as the run on {choice.agreement:.2%} of {choice.n:,} validation texts"


def _not_to_be_had(folder: Path, engine: str, precision: str, obstacles: Sequence[str]) -> ModelUnavailable:
    refused = [
        str(each["reason"])
        for each in read_card(folder)["measured"]
        if each["precision"] == precision and not each["met"]
    ]
    return ModelUnavailable(
        f"{engine} cannot be used with this export",
        where=str(folder),
        found="; ".join(dict.fromkeys([*obstacles, *refused])) or f"no {precision} model was exported",
        cure=INSTALL if obstacles else f"classifine export RUN --to onnx --precision {precision}, or another engine",
    )


def _torch(path: Path | str, why: str) -> Classifier:
    found = Classifier.load(path)
    found.engine = Engine(why=why)
    return found


def not_of_run(folder: Path) -> str | None:
    """Say that an export is not of the weights of the run around it, by the manifest; none where it is."""
    manifest = folder.parent.parent / "manifest.json"
    if folder.name != "onnx" or folder.parent.name != "model" or not manifest.is_file():
        return None
    try:
        files = json.loads(manifest.read_text("utf-8"))["stages"]["train"]["files"]
        same = files["model/model.safetensors"] == read_card(folder)["source"]
    except (OSError, ValueError, KeyError, TypeError):
        return "nobody knows whether the export is of the run's weights"
    return None if same else "the export is of other weights than the run's"
