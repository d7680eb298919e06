"""Takes a base model and a text with a gap and gives the words the model would put there: a look at what it learned.

Does not know labels or classifiers.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

from classifine.errors import ModelUnavailable, UsageError
from classifine.model.hub import resolve
from classifine.model.tokens import encodable
from classifine.model.torch_backend import max_length_of, quiet

# What stands for the gap where a model's own sign is another one, such as <mask>.
GAP = "[MASK]"


@dataclass(frozen=True)
class Filling:
    """A word for the gap.

    Attributes
    ----------
    word
        The word, or the piece of one.
    probability
        Of this word among all that the model knows.
    text
        The text with the word in the gap.
    """

    word: str
    probability: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON."""
        return asdict(self)


def fill_mask(model: Path | str, text: str, *, top: int = 5) -> tuple[Filling, ...]:
    """Let a base model fill the gap of a text; give its most probable words, the most probable first.

    Parameters
    ----------
    model
        A name of ``classifine models``, a local folder, or ``owner/name[@revision]`` on a hub.
    text
        With one gap, ``[MASK]`` or the model's own sign.
    top
        How many words.

    Raises
    ------
    UsageError
        There is no gap in the text, or more than one, or it is too long.
    ModelUnavailable
        The model cannot be had, or has no head that fills gaps.

    Examples
    --------
    >>> fill_mask("google-bert/bert-base-cased", "The [MASK] raised its rate.")[0].word  # doctest: +SKIP
    'bank'
    """
    if top < 1:
        raise UsageError(f"{top} words are asked for", expected="at least one")
    folder = _folder(model)
    tokenizer, masked = _loaded(folder, str(model))
    sign = str(tokenizer.mask_token)
    given = encodable(text).replace(GAP, sign)
    encoded = tokenizer(given, return_tensors="pt", truncation=False, verbose=False)
    gaps = (encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero()[:, 0].tolist()
    if len(gaps) != 1:
        raise UsageError(
            f"the text has {len(gaps) or 'no'} gap{'s' if len(gaps) > 1 else ''}",
            found=text if len(text) <= 200 else text[:200] + "…",
            expected=f"one {GAP}" + (f" or {sign}" if sign != GAP else ""),
            cure=f'write it where a word is missing: "The {GAP} raised its rate."',
        )
    limit = max_length_of(masked.config, tokenizer)
    if encoded["input_ids"].shape[1] > limit:
        raise UsageError(
            f"the text has {encoded['input_ids'].shape[1]:,} tokens", expected=f"at most {limit:,}", cure="shorten it"
        )
    with torch.inference_mode():
        logits = masked(**{name: encoded[name] for name in encoded if name in tokenizer.model_input_names}).logits
    probabilities = torch.softmax(logits[0, gaps[0]].double(), -1)
    best = probabilities.topk(min(top, len(probabilities)))
    found = []
    for probability, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        word = str(tokenizer.decode([token])).strip()
        found.append(Filling(word, probability, given.replace(sign, word, 1)))
    return tuple(found)


def _folder(model: Path | str) -> Path:
    run = Path(model) / "model"
    return run if (run / "config.json").is_file() else resolve(str(model)).folder


def _loaded(folder: Path, name: str) -> tuple[Any, Any]:
    """Load the tokenizer and the model with its head; a head of random weights is none."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, config=config, local_files_only=True)
            model, info = AutoModelForMaskedLM.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnavailable(f"{name} cannot fill gaps", where=str(folder), found=first, cure=_CURE) from error
    # tied weights are listed as missing by some families and are not: only a head of its own counts
    encoder = f"{model.base_model_prefix}."
    tied = {str(key) for key in (getattr(model, "_tied_weights_keys", None) or ())}
    absent = sorted(key for key in info["missing_keys"] if not key.startswith(encoder) and key not in tied)
    if absent or tokenizer.mask_token is None:
        raise ModelUnavailable(
            f"{name} has no head that fills gaps: it was published, or fine-tuned, without one",
            where=str(folder),
            found=f"no weights for {', '.join(absent[:3])}" if absent else "no mask token in its tokenizer",
            expected="an encoder with a masked-language head",
            cure=_CURE,
        )
    return tokenizer, model.eval()


_CURE = "take an encoder published with its head, such as google-bert/bert-base-cased"
