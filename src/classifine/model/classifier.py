"""Takes texts and gives probabilities under label names: the one seam all that scores, explains or serves goes through.

A saved classifier is a plain Hugging Face folder. Does not know how it was trained or how well it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classifine import durable
from classifine.data.files.cells import is_blank, texts_of
from classifine.errors import FileMissing, ModelUnavailable, UsageError
from classifine.evaluation.calibration import Calibration, probabilities_of
from classifine.hierarchy import Hierarchy
from classifine.labels import FloatMatrix, LabelSpace, decide
from classifine.model.proving import assert_parity
from classifine.pairs import all_pairs, joined
from classifine.progress import bar
from classifine.tables import BLANK, OK, Predictions

if TYPE_CHECKING:
    from classifine.model.torch_backend import TorchBackend

# Only what the saved folder says of itself; everything else in config.json is Hugging Face's.
POSITIVE_KEY = "positive_label"
SEPARATOR_KEY = "label_separator"
THRESHOLDS_KEY = "label_thresholds"
WEIGHTS_KEY = "label_weights"  # for the decision, not the loss
PATHS_KEY = "label_paths"
ORDER_KEY = "label_order"
CALIBRATION = "calibration.json"
# What stands between the labels of a text, where a folder made elsewhere does not say it.
SEPARATORS = ("|", ";", ",")
# Texts scored between two steps of the progress bar; sorted by length among themselves.
_CHUNK = 2048


class Scorer(Protocol):
    """Anything that turns texts into probabilities over a label space."""

    @property
    def space(self) -> LabelSpace:
        """The labels whose ids are the columns."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> FloatMatrix:
        """Score texts, shape [n_texts, n_labels]; where each text has one label, a row sums to 1."""
        ...


@dataclass(frozen=True)
class Engine:
    """What computes the probabilities.

    Attributes
    ----------
    name
        The library, and the precision of its numbers.
    why
        Why this one; empty where nobody had a choice.
    digest
        Of the exported file, as it was when it was opened; empty for the run's own weights.
    """

    name: str = "torch fp32"
    why: str = ""
    digest: str = ""


class Classifier:
    """A fine-tuned model that scores texts.

    Several threads may call ``predict`` and ``predict_proba`` at once. ``engine`` says what computes.

    Examples
    --------
    >>> import classifine
    >>> classifier = classifine.load("runs/posts")  # doctest: +SKIP
    >>> classifier.predict(["See you on Sunday!"]).predicted  # doctest: +SKIP
    ('yes',)
    """

    def __init__(
        self,
        backend: TorchBackend,
        space: LabelSpace,
        calibration: Calibration | None = None,
        *,
        engine: Engine | None = None,
    ) -> None:
        self.backend = backend
        self.calibration = calibration
        self.engine = engine or Engine()
        self._space = space

    @property
    def space(self) -> LabelSpace:
        """The label names; a name's place is its column."""
        return self._space

    def predict_proba(self, texts: Sequence[str], *, calibrated: bool = True) -> FloatMatrix:
        """Score texts, shape [n_texts, n_labels]; where each text has one label, a row sums to 1.

        Parameters
        ----------
        texts
            The texts.
        calibrated
            False for the probabilities as they were before calibration; without one, they are the same.
        """
        if self.backend.pairs and len(texts) and not all_pairs(texts):
            raise UsageError(
                "this classifier reads pairs of texts, and a second text is missing",
                expected="two texts each",
                cure="give the second ones: predict(texts, pairs=...); --pair TEXT or --text-pair COLUMN in a terminal",
            )
        encoded, known = self.backend.encode(texts), self.calibration
        if known is None or known.folded == calibrated or known.method == "none":
            return self.backend.probabilities(encoded)
        logits = self.backend.logits(encoded)
        return probabilities_of(known.raw(logits) if known.folded else known.logits(logits), several=known.several)

    def predict(
        self, texts: Sequence[str], *, pairs: Sequence[str] | None = None, ids: Sequence[str] | None = None
    ) -> Predictions:
        """Label texts; a blank or missing text keeps its place with status ``blank``.

        Parameters
        ----------
        texts
            The texts.
        pairs
            The second text of each, for a classifier that was trained on pairs.
        ids
            Names of the rows; without them, their numbers.

        Raises
        ------
        UsageError
            One text is given instead of a list of texts; or second texts are missing, or given and not read.
        """
        if pairs is not None:
            return self.predict(self.paired(texts, pairs), ids=ids)
        if isinstance(texts, str):
            raise UsageError("texts is one text", expected="a list of texts", cure="put it into a list: [text]")
        given = [None if is_blank(text) else text for text in texts]
        told = texts_of(given, column="texts", first_row=1, where="the texts")
        return predictions_of(self, [text or "" for text in told], ids=ids, split="texts")

    def paired(self, texts: Sequence[Any], pairs: Sequence[Any]) -> list[str]:
        """Put texts and second texts together, for :meth:`predict_proba`; blank where one of them is.

        Raises
        ------
        UsageError
            This classifier reads no pairs, or there are not as many second texts as texts.
        """
        if not self.backend.pairs:
            raise UsageError("this classifier reads single texts, not pairs", cure="leave the second texts out")
        if isinstance(texts, str) or isinstance(pairs, str) or len(texts) != len(pairs):
            raise UsageError("texts and pairs do not match", expected="two lists of the same length")
        both = zip(texts, pairs, strict=True)
        return ["" if is_blank(one) or is_blank(two) else joined(str(one), str(two)) for one, two in both]

    def save(self, folder: Path | str, *, probe: Sequence[str] = ()) -> None:
        """Write a plain Hugging Face folder and prove that transformers' pipeline agrees with it.

        Parameters
        ----------
        folder
            Where to; it appears only when it is whole and proven.
        probe
            Texts on which ``transformers.pipeline`` must give the same probabilities, of the folder and of the model in
            memory within 1e-6, and within 1e-5 of those that are computed for many texts at once. Where long texts
            are not read by their beginning alone, only those within one window count; transformers cuts the others.

        Raises
        ------
        UsageError
            It was opened from an export, which has no weights to train on.
        """
        if not hasattr(self.backend, "model"):
            raise UsageError("an exported classifier is not saved anew", cure="copy its folder, or save the run's own")
        config = self.backend.model.config
        config.id2label = self.space.id2label()
        config.label2id = {name: index for index, name in self.space.id2label().items()}
        setattr(config, POSITIVE_KEY, self.space.positive)
        if self.space.separator is not None:
            setattr(config, SEPARATOR_KEY, self.space.separator)
            setattr(config, THRESHOLDS_KEY, self.space.thresholds and list(self.space.thresholds))
        told = self.space.to_dict()
        arranged = ((PATHS_KEY, "hierarchy"), (ORDER_KEY, "order"), (WEIGHTS_KEY, "weights"))
        for key, value in ((key, told.get(name)) for key, name in arranged):
            if value is not None or hasattr(config, key):  # the base model may have brought its own
                setattr(config, key, value)
        with durable.staging(Path(folder)) as staged:
            self.backend.save(staged)
            if self.calibration is not None:
                durable.write_json(staged / CALIBRATION, self.calibration.to_dict())
            if alike := self.backend.within_one_window(probe):
                assert_parity(self, staged, alike)

    @classmethod
    def load(cls, folder: Path | str) -> Classifier:
        """Read a classifier: a run folder, or a Hugging Face folder with label names.

        Raises
        ------
        FileMissing
            There is no such folder.
        ModelUnavailable
            It holds no usable classifier.
        """
        folder = model_folder(Path(folder))
        config = _read_config(folder)
        from classifine.model.torch_backend import TorchBackend

        backend = TorchBackend.load(folder)
        space = _space_of(folder, config, backend.model.config.id2label, several=backend.several)
        return cls(backend, space, _calibration_of(folder, len(space)))


def predictions_of(
    scorer: Scorer,
    texts: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
    truth: Sequence[str | None] | None = None,
    split: str,
    classifier: str = "model",
    what: str | None = None,
) -> Predictions:
    """Score texts through the seam and decide; blank texts keep their place with status ``blank``."""
    usable = [i for i, text in enumerate(texts) if text.strip()]
    probabilities = np.full((len(texts), len(scorer.space)), np.nan)
    predicted: list[str | None] = [None] * len(texts)
    progress = bar(what, total=len(usable), unit="texts") if what else None
    for start in range(0, len(usable), _CHUNK):
        chunk = usable[start : start + _CHUNK]
        probabilities[chunk] = scorer.predict_proba([texts[i] for i in chunk])
        for i, name in zip(chunk, decide(probabilities[chunk], scorer.space), strict=True):
            predicted[i] = name
        if progress is not None:
            progress.update(len(chunk))
    if progress is not None:
        progress.close()
    return Predictions(
        ids=tuple(ids) if ids is not None else tuple(str(n) for n in range(1, len(texts) + 1)),
        texts=tuple(texts),
        truth=tuple(truth) if truth is not None else (None,) * len(texts),
        predicted=tuple(predicted),
        probabilities=probabilities,
        status=tuple(OK if text.strip() else BLANK for text in texts),
        space=scorer.space,
        split=split,
        classifier=classifier,
    )


def model_folder(path: Path) -> Path:
    """Find the model in a run folder, or take the folder itself.

    Raises
    ------
    FileMissing
        There is no such folder, or it holds no model.
    """
    for folder in (path / "model", path):
        if (folder / "config.json").is_file():
            return folder
    what = f"there is no classifier in {path}" if path.exists() else f"there is no folder {path}"
    raise FileMissing(
        what, expected="a run folder, or a Hugging Face folder with config.json", cure="check the path of the run"
    )


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{folder / 'config.json'} cannot be read: {error}", where=str(folder), cure="fetch or train it again"
        ) from None
    if not isinstance(value, dict) or "id2label" not in value:
        raise ModelUnavailable(
            f"{folder} is a base model without labels, not a classifier",
            where=str(folder),
            cure=f"fine-tune it first: classifine run DATA --model {folder}",
        )
    return value


def _calibration_of(folder: Path, labels: int) -> Calibration | None:
    """Read how a folder's probabilities were calibrated, where it says so."""
    path = folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        found = Calibration.from_dict(json.loads(path.read_text("utf-8")))
        if len(found.temperatures) not in (1, labels) or len(found.bias or (0.0,) * labels) != labels:
            raise ValueError(f"it is not for {labels} labels")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"{CALIBRATION} does not say how the probabilities were calibrated: {error}",
            where=str(folder),
            cure="fetch or train it again; or delete that file, and raw probabilities can no longer be told",
        ) from None
    return found


def labels_and_calibration(folder: Path, *, several: bool) -> tuple[LabelSpace, Calibration | None]:
    """Read what a folder says of its labels and their calibration; neither torch nor transformers is needed.

    Parameters
    ----------
    folder
        It holds config.json, and calibration.json where there is a calibration.
    several
        Whether a text may have several labels.

    Raises
    ------
    ModelUnavailable
        One of the files is damaged.
    """
    config = _read_config(folder)
    space = _space_of(folder, config, config["id2label"], several=several)
    return space, _calibration_of(folder, len(space))


def _space_of(folder: Path, config: dict[str, Any], id2label: Mapping[Any, str], *, several: bool) -> LabelSpace:
    names = {int(key): str(name) for key, name in id2label.items()}
    more = _several_of(config, list(names.values())) if several else _arranged(config, names, folder)
    return LabelSpace.from_id2label(names, positive=config.get(POSITIVE_KEY), **more)


def free_separator(names: Sequence[str]) -> str:
    """Give what can stand between labels of these names."""
    return next((one for one in SEPARATORS if not any(one in name for name in names)), "\n")


def _several_of(config: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Give what a folder says of several labels a text; of one made elsewhere, what its names allow."""
    thresholds = config.get(THRESHOLDS_KEY)
    return {
        "separator": config.get(SEPARATOR_KEY) or free_separator(names),
        "thresholds": None if thresholds is None else tuple(float(threshold) for threshold in thresholds),
    }


def _arranged(config: dict[str, Any], names: dict[int, str], folder: Path) -> dict[str, Any]:
    """Give what a folder says of the levels and the order of labels of which a text has one."""
    paths, order, weights = (config.get(key) for key in (PATHS_KEY, ORDER_KEY, WEIGHTS_KEY))
    labels = [names[index] for index in range(len(names))]
    try:
        hierarchy = None if paths is None else Hierarchy.from_dict(paths, labels)
        weighed = None if weights is None else tuple(float(weight) for weight in weights)
        LabelSpace(tuple(labels), hierarchy=hierarchy, order=None if order is None else tuple(order), weights=weighed)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelUnavailable(
            f"{PATHS_KEY}, {ORDER_KEY} or {WEIGHTS_KEY} in config.json do not fit its labels: {error}",
            where=str(folder),
            cure="take them out of config.json, or fetch or train it again",
        ) from None
    return {"hierarchy": hierarchy, "order": None if order is None else tuple(order), "weights": weighed}
