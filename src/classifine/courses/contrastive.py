"""Takes few labelled texts and a base model and gives the base model, tuned so that texts of one label lie together.

Needs the package setfit; this is its only home. What comes back is a plain folder of the base model's family, on which
logistic regression is fitted as on the base model itself. Does not know the validation and test texts.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PrinterCallback, TrainerCallback

from classifine import durable
from classifine.errors import PackageMissing
from classifine.labels import LabelSpace
from classifine.model.torch_backend import quiet
from classifine.progress import bar
from classifine.tables import LabelledTexts

# From so many texts a label on, fine-tuning does as well: Hugging Face's own results on AG News meet at 64.
FEW = 16
# Pairs grow with the square of the texts; so many updates are enough for few texts and bearable for many.
_MOST_UPDATES = 200
_BATCH = 16


def require_setfit() -> None:
    """Refuse to go on without the package.

    Raises
    ------
    PackageMissing
        It is not installed.
    """
    if importlib.util.find_spec("setfit") is None:
        raise PackageMissing(
            "setfit_baseline needs the package setfit, which is not installed",
            cure='pip install "classifine[setfit]"',
        )


def tune_on_pairs(
    base: Path, train: LabelledTexts, space: LabelSpace, *, seed: int, max_length: int, target: Path
) -> None:
    """Tune a base model on pairs of texts, with the same label or not, and write it as a plain Hugging Face folder.

    Parameters
    ----------
    base
        The base model's folder.
    train
        The training texts, one label each.
    space
        Their label space.
    seed
        Where pairs are drawn from.
    max_length
        Tokens read of each text.
    target
        The folder that is written.

    Notes
    -----
    Tunstall et al. 2022, "Efficient few-shot learning without prompts", arXiv 2209.11055; by the authors' package with
    its defaults: one epoch over all pairs, oversampled, batches of 16, but at most 200 updates.
    """
    from setfit import SetFitModel, Trainer, TrainingArguments

    with _kept_random_states(), _silenced(), durable.scratch(target.parent / "setfit-scratch") as scratch:
        model = SetFitModel.from_pretrained(str(base), labels=list(space.names), local_files_only=True)
        model.model_body.max_seq_length = max_length
        arguments: Any = {"output_dir": str(scratch), "seed": seed, "report_to": "none", "save_strategy": "no"}
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                batch_size=_BATCH, num_epochs=1, max_steps=_updates(train), show_progress_bar=False, **arguments
            ),
        )
        trainer.st_trainer.remove_callback(PrinterCallback)
        trainer.st_trainer.add_callback(_Progress())
        trainer.train_embeddings(list(train.texts), space.ids(train.labels).tolist())
        encoder = model.model_body[0]
        with durable.staging(target) as staging:
            encoder.model.save_pretrained(staging)
            encoder.tokenizer.save_pretrained(staging)


class _Progress(TrainerCallback):
    """Shows how far the tuning is."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin."""
        self.bar = bar("SetFit", total=state.max_steps, unit="updates")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count an update."""
        self.bar.update(1)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End."""
        self.bar.close()


def _updates(train: LabelledTexts) -> int:
    """Count the updates of one epoch of all pairs, the rarer kind of pairs repeated; -1 means all, as in setfit."""
    counts = np.unique(np.array(train.labels), return_counts=True)[1].astype(float)
    same = float((counts * (counts + 1) / 2).sum())
    other = len(train) * (len(train) + 1) / 2 - same
    return -1 if 2 * max(same, other) / _BATCH <= _MOST_UPDATES else _MOST_UPDATES


@contextlib.contextmanager
def _kept_random_states() -> Iterator[None]:
    """Give the caller its generators back as they were; setfit seeds all of them."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keep setfit and sentence-transformers from printing; nothing they warn of is the user's to mend."""
    loggers = [logging.getLogger(name) for name in ("setfit", "sentence_transformers", "datasets")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
