"""Takes a classifier of transformers and treats its layers differently: slower, frozen, or begun anew.

From the bottom: embeddings, blocks, head. The blocks are found in any family. Does not know losses or texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, Trainer

from classifine.errors import count
from classifine.settings import TrainingSettings

# What encoders call parts that come after the last block.
_ABOVE = ("pooler", "final")


def blocks_of(model: Any) -> list[nn.Module]:
    """Give the blocks of a model's encoder, the lowest first; ALBERT, whose layers share their weights, has one."""
    lists: dict[str, nn.ModuleList] = {}
    for name, module in model.base_model.named_modules():
        if isinstance(module, nn.ModuleList) and not any(name.startswith(f"{outer}.") for outer in lists):
            lists[name] = module
    sizes = {name: sum(parameter.numel() for parameter in found.parameters()) for name, found in lists.items()}
    return list(lists[max(sizes, key=sizes.__getitem__)]) if lists else []


def depths_of(model: Any) -> dict[str, int]:
    """Give the depth of each parameter by name: 0 for embeddings, 1 for the lowest block, and the most for the head."""
    blocks = blocks_of(model)
    place = {id(p): number for number, block in enumerate(blocks, 1) for p in block.parameters()}
    body = {id(p): name for name, p in model.base_model.named_parameters()}
    top = len(blocks) + 1
    depths = {}
    for name, parameter in model.named_parameters():
        inside = body.get(id(parameter))
        above = inside is None or any(word.startswith(_ABOVE) for word in inside.split("."))
        depths[name] = place.get(id(parameter), top if above else 0)
    return depths


def learning_rates(model: Any, *, rate: float, decay: float) -> dict[str, float]:
    """Give the peak learning rate of each parameter by name: the head's, times ``decay`` for each layer further down.

    Notes
    -----
    Howard and Ruder 2018, "Universal language model fine-tuning for text classification", ACL, section 3.2; here as in
    Clark et al. 2020, "ELECTRA", ICLR, appendix B, with the head as the first layer.
    """
    depths = depths_of(model)
    top = max(depths.values())
    return {name: rate * decay ** (top - depth) for name, depth in depths.items()}


class LayerwiseTrainer(Trainer):
    """Hugging Face's Trainer with a learning rate for each layer."""

    layerwise_lr_decay = 1.0

    def get_optimizer_cls_and_kwargs(self, args: Any, model: Any = None) -> tuple[Any, Any]:  # type: ignore[override]
        """Give the optimizer's class and its options; where layers differ, the groups of parameters, too."""
        found, options = super().get_optimizer_cls_and_kwargs(args, model)
        if self.layerwise_lr_decay == 1.0:
            return found, options
        if {"params", "model", "optimizer_dict"} & options.keys():
            raise ValueError(f"layerwise_lr_decay does not go with optim = {args.optim}, which makes its own groups")
        rates = learning_rates(model, rate=args.learning_rate, decay=self.layerwise_lr_decay)
        decayed = set(self.get_decay_parameter_names(model))
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                decay = args.weight_decay if name in decayed else 0.0
                groups.setdefault((rates[name], decay), []).append(parameter)
        # the head's comes first: its rate is the one that is logged
        ordered = sorted(groups.items(), key=lambda item: item[0], reverse=True)
        return found, {**options, "params": [{"params": p, "lr": r, "weight_decay": d} for (r, d), p in ordered]}


def layer_problems(chosen: TrainingSettings, folder: Path) -> list[str]:
    """Say what cannot be done with the layers of the base model in a folder."""
    if not chosen.freeze_layers and not chosen.reinit_layers:
        return []
    with torch.device("meta"):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        build: Any = AutoModelForSequenceClassification.from_config
        blocks = len(blocks_of(build(config)))
    has = f"the base model has {count(blocks, 'layer')} of its own"
    problems = []
    if chosen.freeze_layers > blocks:
        problems.append(f"freeze_layers = {chosen.freeze_layers}: {has}")
    if chosen.reinit_layers >= blocks:
        problems.append(f"reinit_layers = {chosen.reinit_layers}: {has}, and nothing would be left of it")
    elif chosen.reinit_layers and chosen.freeze_layers + chosen.reinit_layers > blocks:
        problems.append(
            f"freeze_layers = {chosen.freeze_layers} and reinit_layers = {chosen.reinit_layers}: {has}; "
            "a layer begun anew must learn"
        )
    return problems


def prepare_layers(model: Any, chosen: TrainingSettings) -> None:
    """Begin the top blocks anew and freeze the lowest ones and the embeddings, as the settings say.

    Notes
    -----
    Top blocks begun anew: Zhang et al. 2021, "Revisiting few-sample BERT fine-tuning", ICLR, section 5.
    """
    blocks = blocks_of(model)
    for block in blocks[len(blocks) - chosen.reinit_layers :]:
        _begin_anew(model, block)
    if not chosen.freeze_embeddings and not chosen.freeze_layers:
        return
    depths = depths_of(model)
    for name, parameter in model.named_parameters():
        if depths[name] <= chosen.freeze_layers:
            parameter.requires_grad_(False)


def _begin_anew(model: Any, block: nn.Module) -> None:
    for module in _leaves_first(block):
        for parameter in module.parameters(recurse=False):
            # transformers skips what it has marked as read from a file
            vars(parameter).pop("_is_hf_initialized", None)
        model._init_weights(module)


def _leaves_first(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        yield from _leaves_first(child)
    yield module
