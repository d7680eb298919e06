"""Takes the Trainer's signals and the training texts and notes after each epoch how each of them is learnt.

One pass over the training texts an epoch, without dropout; what is noted lies beside the checkpoints, so that a
training that was stopped loses nothing of it. Does not know what is concluded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import TrainerCallback

from classifine import durable
from classifine.evaluation.dynamics import Dynamics, dynamics
from classifine.labels import BoolMatrix, FloatMatrix, IntVector
from classifine.model.tokens import Encoded
from classifine.tables import LabelledTexts

_FOLDER = "dynamics"
_NAME = "epoch-{:04d}.f64"


class Noting(TrainerCallback):
    """Notes after each epoch the probability and margin of each training text's own label.

    Parameters
    ----------
    trainer
        The trainer, wired.
    encoded, known
        The training texts and their labels: ids, shape [n]; where a text may have several, which it has, shape
        [n, n_labels], and the one most in doubt is noted.
    folder
        Of the training.
    """

    def __init__(self, trainer: Any, encoded: Encoded, known: IntVector | BoolMatrix, folder: Path) -> None:
        self.trainer, self.encoded, self.known = trainer, encoded, known
        self.folder = _home(folder, len(encoded)) / f"seed-{trainer.args.seed}"

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Score the training texts with the weights as they are."""
        trainer = self.trainer
        if not state.is_world_process_zero:
            return
        trainer.settle()
        trainer.backend.model = trainer.accelerator.unwrap_model(trainer.model)
        training = trainer.backend.model.training
        logits = trainer.backend.logits(self.encoded, unpadded=trainer.unpadded).astype(np.float64)
        trainer.backend.model.train(training)
        noted = np.stack(of_own(logits, self.known))
        durable.make_folder(self.folder)
        durable.write_bytes(self.folder / _NAME.format(max(1, round(state.epoch or 0))), noted.tobytes())


def of_own(logits: FloatMatrix, known: IntVector | BoolMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Give the probability of each text's own label, and its logit less the highest other one, shape [n] each.

    Examples
    --------
    >>> probability, margin = of_own(np.array([[2.0, 0.0, 1.0]]), np.array([0]))
    >>> probability.round(3).tolist(), margin.tolist()
    ([0.665], [1.0])
    """
    if known.ndim == 2:
        signed = np.where(known, logits, -logits).min(axis=1)
        return 1 / (1 + np.exp(-signed)), signed
    rows = np.arange(len(known))
    own = logits[rows, known]
    others = logits.copy()
    others[rows, known] = -np.inf
    highest = others.max(axis=1, initial=-np.inf)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted[rows, known] / shifted.sum(axis=1), own - highest


def read_noted(folder: Path, train: LabelledTexts) -> Dynamics | None:
    """Read what was noted of the training on these texts that went on last; none where nothing was."""
    home = _home(folder, len(train))
    noted = sorted(home.glob("seed-*/epoch-*.f64"), key=lambda path: path.stat().st_mtime)
    if not noted:
        return None
    epochs = sorted(noted[-1].parent.glob("epoch-*.f64"))
    values: npt.NDArray[np.float64] = np.stack(
        [np.frombuffer(path.read_bytes(), np.float64).reshape(2, len(train)) for path in epochs]
    )
    return dynamics(train.ids, values[:, 0], values[:, 1], values[:, 1] > 0)


def keep_dynamics(folder: Path, train: LabelledTexts, target: Path) -> dict[str, Any]:
    """Keep how training texts were learnt, a row each; give what a history says of it: nothing where none was noted."""
    found = read_noted(folder, train)
    if found is None:
        durable.remove(target)
        return {}
    durable.write_parquet(target, found.to_arrow())
    regions = found.regions
    return {"dynamics": {"epochs": found.epochs, **{one: regions.count(one) for one in ("easy", "ambiguous", "hard")}}}


def _home(folder: Path, rows: int) -> Path:
    return folder / _FOLDER / f"rows-{rows}"
