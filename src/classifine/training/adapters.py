"""Takes a classifier of transformers and gives it LoRA's adapters to train, and afterwards one they are merged into.

Needs the package peft; this is its only home. Does not know losses, texts or what else is trained.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

from torch import nn

from classifine.errors import PackageMissing
from classifine.settings import TrainingSettings
from classifine.training.layers import blocks_of, depths_of


def require_peft() -> None:
    """Refuse to go on without the package.

    Raises
    ------
    PackageMissing
        It is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise PackageMissing(
            "lora_r needs the package peft, which is not installed", cure='pip install "classifine[lora]"'
        )


def with_adapters(model: Any, chosen: TrainingSettings) -> Any:
    """Give the model with adapters at every linear layer of its blocks; besides them, only the head is trained.

    Notes
    -----
    Hu et al. 2022, "LoRA: low-rank adaptation of large language models", ICLR: W + (lora_alpha / r) B A. At every
    linear layer, not at queries and values alone: Dettmers et al. 2023, "QLoRA", NeurIPS, section 4.
    """
    from peft import LoraConfig, get_peft_model

    inside = {id(module) for block in blocks_of(model) for module in block.modules()}
    linear = [name for name, module in model.named_modules() if id(module) in inside and isinstance(module, nn.Linear)]
    depths = depths_of(model)
    top = {name for name, depth in depths.items() if depth == max(depths.values())}
    rank = chosen.lora_r or 0
    settings = LoraConfig(
        r=rank,
        lora_alpha=chosen.lora_alpha or rank,
        lora_dropout=chosen.lora_dropout,
        target_modules=linear,
    )
    with warnings.catch_warnings():
        # peft asks transformers by a name that is being given up; nothing a user could mend
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(model, settings)
    for name, parameter in model.named_parameters():
        if name in top:
            parameter.requires_grad_(True)
    return adapted


def merged(model: Any) -> Any:
    """Give the plain classifier, the adapters' work added to its weights."""
    return model.merge_and_unload()
