"""Takes encoded rows and a model and gives Hugging Face's Trainer with our loss, order of batches and evaluation.

The loss is one mean over all rows of an update, however they are cut into batches; the evaluation keeps each text
beside its label. Does not know settings files, run folders or the test split.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from classifine.evaluation.validation import validation_metrics
from classifine.labels import BoolMatrix, FloatMatrix, IntVector, LabelSpace
from classifine.model.tokens import Encoded
from classifine.model.torch_backend import TorchBackend
from classifine.model.windows import pooled
from classifine.settings import TrainingSettings
from classifine.training import ranks
from classifine.training.batching import EncodedRows, EpochSampler, collate_unpadded, even_odds
from classifine.training.evaluating import BestTrainer
from classifine.training.layers import LayerwiseTrainer
from classifine.training.losses import criterion
from classifine.training.resuming import ResumableTrainer
from classifine.training.stepping import CarefulTrainer
from classifine.training.unpadding import UnpaddingTrainer

# Up to so many tokens, a processor is faster when attention is computed step by step; beyond, that costs memory.
_SHORT = 64


class FineTuningTrainer(CarefulTrainer, ResumableTrainer, BestTrainer, LayerwiseTrainer, UnpaddingTrainer):
    """Hugging Face's Trainer with our loss, our order of batches and our evaluation."""

    label_ranks: IntVector | None = None
    # The loss is divided by the weight of the whole accumulated batch, so the Trainer must not divide it again.
    loss_is_scaled_for_ga = True

    def wire(
        self,
        backend: TorchBackend,
        validation: Encoded,
        truth: IntVector | BoolMatrix,
        space: LabelSpace,
        weights: torch.Tensor,
        chosen: TrainingSettings,
    ) -> None:
        """Hand over what the loss and the evaluation need."""
        # Otherwise the count of rows would be passed into the model, whose own loss would ignore it.
        self.model_accepts_loss_kwargs = False
        self.backend, self.validation, self.truth, self.space = backend, validation, truth, space
        learned = self.train_dataset.labels  # type: ignore[union-attr]
        found = criterion(chosen, weights, learned, several=space.separator is not None)
        self.criterion = found.to(self.args.device)
        self.balanced = chosen.sampling == "balanced"
        self.layerwise_lr_decay = chosen.layerwise_lr_decay
        self.fused = backend.model.config._attn_implementation
        if chosen.unpadded and self.unpad():
            self.data_collator = collate_unpadded

    def use_attention(self, name: str) -> None:
        """Choose how attention is computed; the function is the same."""
        model = self.accelerator.unwrap_model(self.model)
        if model.config._attn_implementation != name:
            model.set_attn_implementation(name)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """Give the weight of the rows of a whole update, over all processes, as one process's share."""
        if not batch_samples:
            return None
        labels = [batch["labels"].to(device) for batch in batch_samples]
        total = torch.stack([self.criterion.weight(each) for each in labels]).sum()
        return self.accelerator.gather(total).sum() / self.accelerator.num_processes

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Give the batch's part of the update's loss."""
        labels, windows = inputs.pop("labels"), inputs.pop("windows", None)
        logits = self._logits(model, inputs)
        if windows is not None:
            logits = pooled(logits, windows)
        loss = self.criterion.summed(logits, labels) / num_items_in_batch
        return (loss, {"logits": logits}) if return_outputs else loss

    def _logits(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        if self.unpadded is not None:
            scores: torch.Tensor = (self.unpadded if self.args.world_size == 1 else model)(**inputs)
            return scores
        if self.args.device.type == "cpu" and self.fused == "sdpa" and not self.args.torch_compile:
            self.use_attention("eager" if inputs["input_ids"].shape[1] <= _SHORT else "sdpa")
        logits: torch.Tensor = model(**inputs).logits
        return logits

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        rows: EncodedRows = self.train_dataset  # type: ignore[assignment]
        args = self.args
        batch = args.per_device_train_batch_size * args.world_size
        self.order = EpochSampler(
            rows.encoded.lengths,
            batch=batch * args.gradient_accumulation_steps,
            seed=args.seed,
            grouped=args.train_sampling_strategy == "group_by_length",
            odds=even_odds(rows.labels) if self.balanced else None,
            multiple=batch if args.world_size > 1 else 1,
        )
        return self.order

    def _run_epoch(self, *args: Any, **named: Any) -> None:
        # accelerate does not reach the sampler of several processes where the first batches are left out
        self.order.set_epoch(named["epoch"])
        super()._run_epoch(*args, **named)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Score the validation texts in the training's precision; row order cannot get lost on the way."""
        started = time.perf_counter()
        self.settle()
        self.backend.model = self.model
        probabilities = self._scores()
        found = ranks.decided(lambda: self._measured(probabilities))
        metrics = {f"eval_{name}": value for name, value in found.items()}
        self.evaluation_seconds += time.perf_counter() - started
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _scores(self) -> FloatMatrix:
        """Score each validation text once: of several processes, each one its share."""
        rows, processes = len(self.validation), self.args.world_size
        if processes == 1:
            return self.backend.probabilities(self.validation, unpadded=self.unpadded)
        # neighbours are often alike in length, so that every n-th gives each process about as much to do
        own = np.arange(self.args.process_index, rows, processes)
        return joined(ranks.gathered((own, self._scored(own))), rows)

    def _scored(self, own: IntVector) -> FloatMatrix:
        if not len(own):
            return np.zeros((0, len(self.space)), np.float32)
        return self.backend.probabilities(self.validation.take(own), unpadded=self.unpadded)

    def _measured(self, probabilities: FloatMatrix) -> dict[str, float]:
        found = validation_metrics(probabilities, self.truth, self.space, ranks=self.label_ranks)
        if self.space.separator is None:
            found["labels_predicted"] = len(set(probabilities.argmax(axis=1).tolist()))
        return found


def joined(parts: Sequence[tuple[IntVector, FloatMatrix]], rows: int) -> FloatMatrix:
    """Put the rows that several processes have scored into their order, shape [rows, n_labels].

    Parameters
    ----------
    parts
        Of each process, the numbers of its rows and their scores.
    rows
        How many there are; each must have been scored by one process.
    """
    places = np.concatenate([own for own, _ in parts])
    assert sorted(places.tolist()) == list(range(rows))
    return np.concatenate([scores for _, scores in parts])[np.argsort(places)]
