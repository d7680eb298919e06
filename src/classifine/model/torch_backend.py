"""Takes a Hugging Face folder and texts and gives probabilities, computed by torch.

Texts are sorted by length, scored in batches and put back in order. Weights are float32, always.
Does not know label names or where the texts come from.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from classifine.errors import ModelUnavailable, some
from classifine.labels import FloatMatrix, LabelSpace
from classifine.model.pairing import encode_pairs
from classifine.model.tokens import Encoded, batches, encode, pack, pad, pad_id_of
from classifine.model.unpadded import Unpadded
from classifine.model.windows import HEAD, LongTexts, pooled

# What config.json says of long texts, unless their beginning is read, as transformers does.
LONG_TEXTS_KEY = "long_texts"
# Whether it reads pairs of texts.
PAIRS_KEY = "text_pairs"
_BATCH_TOKENS = 4096
_BATCH_TEXTS = 256
_KERNELS = "64"
# The names under which model families keep their dropout probabilities.
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "classifier_dropout_prob",
    "dropout",
    "attention_dropout",
    "seq_classif_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "pooler_dropout",
)


class TorchBackend:
    """A model and its tokenizer, ready to score.

    Parameters
    ----------
    model
        A sequence classifier of transformers, float32.
    tokenizer
        Its fast tokenizer.
    max_length
        Tokens read at once.

    Attributes
    ----------
    long
        How longer texts are read; at first, their beginning.
    pairs
        Whether each text is a pair, see :mod:`classifine.pairs`.
    """

    def __init__(self, model: Any, tokenizer: Any, *, max_length: int) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.long = HEAD
        self.pairs = False
        # the tokenizer is told anew with each call whether it cuts; another thread's texts must not meet that
        self._encoding = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Give all but the lock, which belongs to this process."""
        return {name: value for name, value in self.__dict__.items() if name != "_encoding"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was given, with a lock of its own."""
        self.__dict__.update(state)
        self._encoding = Lock()

    @property
    def several(self) -> bool:
        """Whether a text may have several labels, so that each label has a probability of its own."""
        return str(self.model.config.problem_type) == "multi_label_classification"

    def encode(self, texts: Sequence[str], *, what: str | None = None) -> Encoded:
        """Tokenise texts for this model; threads take turns."""
        with self._encoding:
            if self.pairs:
                typed = "token_type_ids" in self.tokenizer.model_input_names
                types = typed and getattr(self.model.config, "type_vocab_size", 0) > 1
                return encode_pairs(self.tokenizer, texts, max_length=self.max_length, types=types, what=what)
            return encode(self.tokenizer, texts, max_length=self.max_length, long=self.long, what=what)

    def within_one_window(self, texts: Sequence[str]) -> list[str]:
        """Give the texts that transformers reads as this does; where none is short enough, their beginnings."""
        if self.long.way == "head":
            return list(texts)
        for tried in (list(texts), [text[: self.max_length // 4] for text in texts]):
            encoded = encode(
                self.tokenizer, tried, max_length=self.max_length, long=LongTexts("windows", max_windows=2)
            )
            windows = np.ones(len(tried)) if encoded.windows is None else encoded.windows
            if (windows == 1).any():
                return [text for text, number in zip(tried, windows, strict=True) if number == 1]
        return []

    def probabilities(self, encoded: Encoded, *, unpadded: Unpadded | None = None) -> FloatMatrix:
        """Score token ids; the result is in the order of the texts, shape [n, n_labels].

        Parameters
        ----------
        encoded
            The token ids.
        unpadded
            How to compute; without one, in float32 on real tokens where the model's family is known, and else as the
            model itself does.
        """
        logits = torch.from_numpy(self.logits(encoded, unpadded=unpadded))
        with torch.inference_mode():
            found = torch.sigmoid(logits) if self.several else torch.softmax(logits, dim=-1)
        scores: FloatMatrix = found.numpy()
        return scores

    def logits(self, encoded: Encoded, *, unpadded: Unpadded | None = None) -> FloatMatrix:
        """Give what the probabilities are made of, shape [n, n_labels]; ``unpadded`` as in :meth:`probabilities`."""
        found: FloatMatrix = self._forward(
            encoded, int(self.model.config.num_labels), unpadded, lambda given: given
        ).numpy()
        return found

    def inputs_of(self, layer: torch.nn.Linear, encoded: Encoded, *, unpadded: Unpadded | None = None) -> torch.Tensor:
        """Give what a linear layer of the head sees of each text, float64, shape [n, layer.in_features].

        Of a text that is read in windows, the mean, as logits are. ``unpadded`` is as in :meth:`probabilities`.
        """
        seen: list[torch.Tensor] = []
        hook = layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        try:
            return self._forward(encoded, layer.in_features, unpadded, lambda given: seen.pop())
        finally:
            hook.remove()

    def _forward(
        self,
        encoded: Encoded,
        width: int,
        unpadded: Unpadded | None,
        wanted: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Compute batches of similar length; give what is wanted of each text, in their order, shape [n, width]."""
        self.model.eval()
        found = torch.empty((len(encoded.ids), width), dtype=torch.float64)
        forward = self._padded
        if unpadded is None and self.model.device.type == "cpu":
            unpadded = Unpadded.of(self.model)
        if unpadded is not None:
            forward = partial(_packed, unpadded)
        with torch.inference_mode():
            for group in batches(encoded.window_lengths, tokens=_BATCH_TOKENS, texts=_BATCH_TEXTS):
                types = None if encoded.types is None else [encoded.types[i] for i in group]
                found[group] = wanted(forward([encoded.ids[i] for i in group], types)).float().cpu().double()
            return found if encoded.windows is None else pooled(found, torch.from_numpy(encoded.windows))

    def _padded(self, ids: list[Any], types: list[Any] | None) -> torch.Tensor:
        inputs = pad(ids, pad_id_of(self.tokenizer), types)
        logits: torch.Tensor = self.model(
            **{name: tensor.to(self.model.device) for name, tensor in inputs.items()}
        ).logits
        return logits

    def save(self, folder: Path) -> None:
        """Write the folder as transformers writes it; the tokenizer carries the length, config.json the way."""
        config = self.model.config
        if self.long.way != "head":
            setattr(config, LONG_TEXTS_KEY, self.long.to_dict())
        elif hasattr(config, LONG_TEXTS_KEY):
            delattr(config, LONG_TEXTS_KEY)
        setattr(config, PAIRS_KEY, self.pairs)
        with quiet():
            self.model.save_pretrained(folder)
            self.tokenizer.model_max_length = self.max_length
            self.tokenizer.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path, *, space: LabelSpace | None = None, dropout: float | None = None) -> TorchBackend:
        """Read a folder: a classifier as it is, or a base model that gets a new head for a label space.

        Parameters
        ----------
        folder
            A Hugging Face folder.
        space
            The labels of a new head; without one, the folder's own.
        dropout
            Dropout probability everywhere in the model; without one, the folder's own.

        Raises
        ------
        ModelUnavailable
            The folder is not a safetensors sequence classifier or encoder that transformers knows.
        """
        # oneDNN reads this once, at the first computation. It prepares kernels for each shape of a matrix product and
        # keeps a thousand, hundreds of MiB, where the few of the present shapes serve as well.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KERNELS)
        try:
            with quiet():
                settled = _settled_config(folder, space, dropout)
                tokenizer = AutoTokenizer.from_pretrained(folder, config=settled, local_files_only=True)
                model, info = AutoModelForSequenceClassification.from_pretrained(
                    folder,
                    config=settled,
                    dtype=torch.float32,
                    use_safetensors=True,
                    local_files_only=True,
                    ignore_mismatched_sizes=space is not None,
                    output_loading_info=True,
                )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise ModelUnavailable(
                f"{folder} cannot be loaded as a text classifier: {_first_line(error)}",
                where=str(folder),
                expected="config.json, model.safetensors and a fast tokenizer of a model family transformers knows",
                cure="check that the folder is complete; `classifine models` lists base models that work",
            ) from error
        except Exception as error:
            # safetensors and tokenizers raise bare types of their own for damaged files
            if type(error).__name__ not in {"SafetensorError", "Exception"}:
                raise
            raise ModelUnavailable(
                f"{folder} holds a damaged file: {_first_line(error)}",
                where=str(folder),
                cure="fetch or train it again",
            ) from error
        _settle_padding(tokenizer, model.config, folder)
        _refuse_random_weights(folder, model, info["missing_keys"], new_head=space is not None)
        if not tokenizer.is_fast:
            raise ModelUnavailable(
                f"{folder} has no fast tokenizer", where=str(folder), cure="choose a base model with a tokenizer.json"
            )
        backend = cls(model, tokenizer, max_length=max_length_of(settled, tokenizer))
        if space is None:
            backend.long = _long_texts_of(settled, folder)
            backend.pairs = getattr(settled, PAIRS_KEY, False) is True
        return backend


def _settle_padding(tokenizer: Any, config: Any, folder: Path) -> None:
    """Give a tokenizer without a padding token the model's own, or the end of text, which decoders take; or refuse."""
    if tokenizer.pad_token_id is not None:
        return
    known = config.pad_token_id
    token = (None if known is None else tokenizer.convert_ids_to_tokens(known)) or tokenizer.eos_token
    if token is None:
        raise ModelUnavailable(
            f"{folder} has no padding token, so that its texts cannot share a batch",
            where=str(folder),
            expected="pad_token in tokenizer_config.json, or pad_token_id in config.json",
            cure="name one there; any token does, since padding is masked",
        )
    tokenizer.pad_token = token
    config.pad_token_id = tokenizer.pad_token_id


def _long_texts_of(config: Any, folder: Path) -> LongTexts:
    try:
        return LongTexts.from_dict(getattr(config, LONG_TEXTS_KEY, HEAD.to_dict()))
    except ValueError as error:
        raise ModelUnavailable(
            f"config.json does not say how long texts are read: {error}",
            where=str(folder),
            cure=f"train it again, or take {LONG_TEXTS_KEY} out of config.json to read the beginning of each text",
        ) from None


def _packed(unpadded: Unpadded, ids: list[Any], types: list[Any] | None) -> torch.Tensor:
    return unpadded(**pack(ids, types))


def family_and_limit(folder: Path) -> tuple[str, int]:
    """Give the family of a folder's model, as transformers names it, and the most tokens it reads.

    Raises
    ------
    ModelUnavailable
        transformers does not know it.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, config=config, local_files_only=True)
        return str(config.model_type), max_length_of(config, tokenizer)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelUnavailable(
            f"{folder} is of no model family that transformers knows: {_first_line(error)}",
            where=str(folder),
            cure="`classifine models` lists base models that work",
        ) from error


def _refuse_random_weights(folder: Path, model: Any, missing: Iterable[str], *, new_head: bool) -> None:
    """Refuse a folder that lacks weights: transformers would draw them at random and only log it."""
    encoder = model.base_model_prefix + "."
    absent = [name for name in missing if not new_head or (name.startswith(encoder) and "pooler" not in name)]
    if absent:
        raise ModelUnavailable(
            f"{folder} lacks {len(absent)} of the model's weights",
            where=str(folder),
            found=some(sorted(absent), limit=3) + " are not in the file",
            cure="fetch or convert the model again; its weights are stored under other names or incomplete",
        )


def _settled_config(folder: Path, space: LabelSpace | None, dropout: float | None) -> Any:
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if space is not None:
        config.id2label = space.id2label()
        config.label2id = {name: index for index, name in space.id2label().items()}
        config.problem_type = f"{'single' if space.separator is None else 'multi'}_label_classification"
    if dropout is not None:
        for name in _DROPOUTS:
            if isinstance(getattr(config, name, None), float):
                setattr(config, name, dropout)
    return config


def max_length_of(config: Any, tokenizer: Any) -> int:
    """Give the most tokens a model can read, as its config and tokenizer say."""
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa-like models keep the first positions for padding
        offset = config.pad_token_id + 1 if config.model_type in _OFFSET_POSITIONS else 0
        limits.append(positions - offset)
    return min(limits)


_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text"}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing load reports and bars; its own settings come back afterwards."""
    log: Any = transformers.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
