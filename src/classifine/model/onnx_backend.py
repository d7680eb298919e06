"""Takes an exported model and texts and gives probabilities, computed by OpenVINO or ONNX Runtime, without torch.

Texts are sorted by length, scored in batches of few different shapes and put back in order, with threads that are said.
Does not know label names or where the texts come from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from classifine.durable import sha256
from classifine.errors import ModelUnavailable, PackageMissing
from classifine.evaluation.calibration import probabilities_of
from classifine.labels import FloatMatrix
from classifine.model.classifier import Classifier, Engine, labels_and_calibration
from classifine.model.cores import cores
from classifine.model.fast_tokenizer import FastTokenizer
from classifine.model.onnx_file import self_contained
from classifine.model.pairing import encode_pairs
from classifine.model.tokens import Encoded, batches, encode
from classifine.model.windows import LongTexts

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
Runtime: TypeAlias = Literal["openvino", "onnxruntime"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
RUNTIMES: tuple[Runtime, ...] = ("openvino", "onnxruntime")
TITLES: dict[Runtime, str] = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}
INSTALL = "pip install 'classifine[onnx]'"
# What lies in the folder of an exported model, beside config.json and tokenizer.json.
CARD = "onnx.json"
FORMAT = 1
Batch: TypeAlias = Mapping[str, npt.NDArray[np.int64]]
Compute: TypeAlias = Callable[[Batch], npt.NDArray[np.float32]]
# Padded tokens of a batch; more do not fit the caches of a core, fewer leave it idle between batches.
_TOKENS = 2048
# Lengths are rounded up to a multiple of these, so that few shapes occur: OpenVINO prepares and keeps something for
# each, without end. Short texts are rounded less, since each token is a larger share of them.
_STEP, _SHORT_STEP, _SHORT = 8, 4, 64


@dataclass(frozen=True)
class Exported:
    """What the card of an exported folder says of its models.

    Attributes
    ----------
    inputs
        The names of the inputs, all int64 [n, tokens].
    labels
        How many labels there are.
    max_length, pad_id
        Tokens read at once, and the token that fills up.
    cut_side
        On which side of too long a text is cut.
    pairs
        Whether each text is a pair.
    several
        Whether a text may have several labels.
    long
        How texts are read that are longer than the model reads.
    files
        The file of each precision and its digest.
    """

    inputs: tuple[str, ...]
    labels: int
    max_length: int
    pad_id: int
    cut_side: str
    pairs: bool
    several: bool
    long: LongTexts
    files: Mapping[Precision, tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Exported:
        """Read the card.

        Raises
        ------
        ModelUnavailable
            There is none, or it is not one that this version writes.
        """
        card = read_card(folder)
        try:
            return cls(
                inputs=tuple(str(name) for name in card["inputs"]),
                labels=int(card["labels"]),
                max_length=int(card["max_length"]),
                pad_id=int(card["pad_id"]),
                cut_side=str(card["cut_side"]),
                pairs=bool(card["pairs"]),
                several=bool(card["several"]),
                long=LongTexts.from_dict(card["long_texts"]),
                files={
                    precision: (str(card["files"][precision]["file"]), str(card["files"][precision]["sha256"]))
                    for precision in PRECISIONS
                    if precision in card["files"]
                },
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(folder, f"{error!r}") from None


def read_card(folder: Path) -> dict[str, Any]:
    """Read all that the card of an exported folder says; :class:`Exported` is what scoring needs of it.

    Raises
    ------
    ModelUnavailable
        There is none, or it is not one that this version writes.
    """
    try:
        card: Any = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise _damaged(folder, "it is of another version, or something else")
    return card


class OnnxBackend:
    """An exported model and its tokenizer, ready to score.

    Parameters
    ----------
    exported
        What the card says.
    tokenizer
        Its tokenizer.
    compute
        Gives the logits [n, n_labels] of a batch.
    even
        Whether batches should come in few different shapes.
    """

    def __init__(self, exported: Exported, tokenizer: FastTokenizer, compute: Compute, *, even: bool) -> None:
        self.exported = exported
        self.tokenizer: Any = tokenizer
        self.max_length = exported.max_length
        self.long = exported.long
        self.pairs = exported.pairs
        self._compute = compute
        self._even = even

    @property
    def several(self) -> bool:
        """Whether a text may have several labels, so that each label has a probability of its own."""
        return self.exported.several

    def encode(self, texts: Sequence[str], *, what: str | None = None) -> Encoded:
        """Tokenise texts for this model."""
        if self.pairs:
            types = len(self.exported.inputs) > 2
            return encode_pairs(self.tokenizer, texts, max_length=self.max_length, types=types, what=what)
        return encode(self.tokenizer, texts, max_length=self.max_length, long=self.long, what=what)

    def probabilities(self, encoded: Encoded) -> FloatMatrix:
        """Score token ids; the result is in the order of the texts, shape [n, n_labels]."""
        if not len(encoded):
            return np.zeros((0, self.exported.labels), np.float64)
        return probabilities_of(self.logits(encoded), several=self.several)

    def logits(self, encoded: Encoded) -> FloatMatrix:
        """Give what the probabilities are made of, shape [n, n_labels]; of a text in windows, the mean."""
        lengths = self._rounded(encoded.window_lengths) if self._even else encoded.window_lengths
        found: FloatMatrix = np.zeros((len(encoded.ids), self.exported.labels), np.float64)
        for group in batches(lengths, tokens=_TOKENS, texts=_TOKENS):
            found[group] = self._compute(self._laid_out(encoded, group, int(lengths[group[0]])))[: len(group)]
        if encoded.windows is None or not len(encoded):
            return found
        firsts = np.cumsum(encoded.windows) - encoded.windows
        means: FloatMatrix = np.add.reduceat(found, firsts, axis=0) / encoded.windows[:, None]
        return means

    def _rounded(self, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        step = np.where(lengths <= _SHORT, _SHORT_STEP, _STEP)
        rounded: npt.NDArray[np.int64] = np.minimum(-(-lengths // step) * step, np.maximum(lengths, self.max_length))
        return rounded

    def _laid_out(self, encoded: Encoded, group: npt.NDArray[np.int64], longest: int) -> Batch:
        """Lay token ids side by side; rows that fill up have one token each and are looked at by nobody."""
        rows = len(group)
        if self._even:
            rows = min(max(1, _TOKENS // longest), 1 << (rows - 1).bit_length()) if rows < _TOKENS // longest else rows
        shape = (rows, max(1, longest))
        ids, mask, types = np.full(shape, self.exported.pad_id, np.int64), np.zeros(shape, np.int64), None
        mask[len(group) :, 0] = 1
        if len(self.exported.inputs) > 2:
            types = np.zeros(shape, np.int64)
        for row, place in enumerate(group):
            tokens = encoded.ids[place]
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
            if types is not None and encoded.types is not None:
                types[row, : len(tokens)] = encoded.types[place]
        laid = (ids, mask) if types is None else (ids, mask, types)
        return dict(zip(self.exported.inputs, laid, strict=True))

    @classmethod
    def load(cls, folder: Path, precision: Precision, runtime: Runtime, *, threads: int | None = None) -> OnnxBackend:
        """Open one model of an exported folder.

        Parameters
        ----------
        folder
            What ``classifine export`` wrote.
        precision, runtime
            Which of its files, and what computes it.
        threads
            How many to compute with; all that this process may use if not given.

        Raises
        ------
        ModelUnavailable
            The folder has no such model, or a file is damaged, incomplete or not what was exported.
        PackageMissing
            The runtime is not installed.
        """
        exported = Exported.read(folder)
        if precision not in exported.files:
            raise ModelUnavailable(
                f"{folder} holds no {precision} model",
                found=", ".join(exported.files) or "none",
                cure=f"classifine export RUN --to onnx --precision {precision}",
            )
        name, digest = exported.files[precision]
        file = folder / name
        if file.resolve().parent != folder.resolve() or not file.is_file() or sha256(file) != digest:
            raise ModelUnavailable(
                f"{name} is not there as it was exported",
                where=str(folder),
                cure="export it again: classifine export RUN --to onnx",
            )
        content = file.read_bytes()
        self_contained(content, where=str(file))
        tokenizer = FastTokenizer.read(folder / "tokenizer.json", cut_side=exported.cut_side)
        opened = _openvino if runtime == "openvino" else _onnxruntime
        return cls(exported, tokenizer, opened(content, precision, threads or cores()), even=runtime == "openvino")


def opened_from(
    folder: Path, precision: Precision, runtime: Runtime, *, threads: int | None = None, why: str = ""
) -> Classifier:
    """Open one model of an exported folder with its labels and calibration, whatever was measured of it.

    Raises as :meth:`OnnxBackend.load` does.
    """
    backend: Any = OnnxBackend.load(folder, precision, runtime, threads=threads)
    engine = Engine(f"{TITLES[runtime]} {precision}", why, backend.exported.files[precision][1])
    return Classifier(backend, *labels_and_calibration(folder, several=backend.several), engine=engine)


def can_run(precision: Precision, runtime: Runtime) -> str | None:
    """Say why this machine cannot compute a precision with a runtime; none where it can."""
    import importlib.util

    if importlib.util.find_spec(runtime) is None:
        return f"the package {runtime} is not installed"
    if precision == "bf16" and runtime == "openvino" and not _computes_bfloat16():
        return "this processor has no instructions for bfloat16"
    return None


@cache
def _core() -> Any:
    """Give OpenVINO's own core, which is slow to make and good for all models."""
    return package_of("openvino").Core()


def _computes_bfloat16() -> bool:
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def package_of(runtime: Runtime) -> Any:
    """Import what computes.

    Raises
    ------
    PackageMissing
        It is not installed.
    """
    import importlib

    try:
        return importlib.import_module(runtime)
    except ImportError:
        raise PackageMissing(f"this engine needs the package {runtime}", cure=INSTALL) from None


def _openvino(content: bytes, precision: Precision, threads: int) -> Compute:
    """Compile a model for OpenVINO; one batch at a time is computed, whatever threads ask."""
    core = _core()
    exact = precision == "fp32" or not _computes_bfloat16()
    settings = {
        "INFERENCE_PRECISION_HINT": "f32" if exact else "bf16",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # pinned, two processes of one thread each would both take the first core
        "ENABLE_CPU_PINNING": False,
    }
    compiled = core.compile_model(core.read_model(model=content), "CPU", settings)
    request, lock = compiled.create_infer_request(), Lock()

    def compute(batch: Batch) -> npt.NDArray[np.float32]:
        with lock:
            found: npt.NDArray[np.float32] = request.infer(dict(batch))[0].copy()
            return found

    return compute


def _onnxruntime(content: bytes, precision: Precision, threads: int) -> Compute:
    runtime = package_of("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # what is kept for the next batch grows with every new shape; threads that spin take the core from others
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def compute(batch: Batch) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run(None, dict(batch))[0]
        return found

    return compute


def _damaged(folder: Path, why: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{folder} holds no exported model that can be read: {why}",
        expected=f"{CARD}, as `classifine export` writes it",
        cure="export it again: classifine export RUN --to onnx",
    )
