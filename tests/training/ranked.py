"""Does the trainings of test_ranks.py, alone or, under torchrun, together; the first process writes what came of them.

Their rows do not divide evenly among two processes: of the last update one gets few, or none.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tests.training import test_finetune_several as several
from tests.training.test_exactness import KINDS, ONE_STEP
from tests.training.test_finetune import SPACE, texts_about

from classifine import train
from classifine.courses.jointly import finetuned
from classifine.errors import TrainingFailed
from classifine.settings import Settings
from classifine.tables import Splits
from classifine.training import ranks
from classifine.training.finetune import FineTuned

LABELS = {"multi_label": True, "label_separator": "|"}
QUICK: dict[str, dict[str, Any]] = {
    "plain": {"rows": 93},
    "soft": KINDS["soft"],
    "several labels": {**LABELS, "class_weights": {"yes": 3.0}, "rows": 96},
}
FURTHER: dict[str, dict[str, Any]] = {
    **{name: KINDS[name] for name in ("weighted", "focal, soft, smoothed", "drawn at random, stock forward")},
    "with adapters": {"lora_r": 4},
    "auto, then all texts": {"long_texts": "auto", "max_length": 12, "retrain_on_all": True},
    "in windows": {"long_texts": "windows", "max_length": 12},
}
CASES = QUICK | FURTHER
COMMON = {**ONE_STEP, "learning_rate": 0.1, "bf16": False, "dropout": 0.0, "num_train_epochs": 1, "threads": 1}
COMMON |= {"calibration": "none"}  # the weights are those of the training itself


def trained(name: str, bert: Path, folder: Path, **settings: Any) -> FineTuned:
    """Do one of the trainings, with an update of 16 texts however many processes there are."""
    chosen = {**COMMON, "per_device_train_batch_size": 8 // ranks.number(), "gradient_accumulation_steps": 2}
    chosen |= {"evaluations_per_epoch": 1, "model": str(bert), **CASES[name], **settings}
    rows = chosen.pop("rows", 15)
    if "multi_label" in chosen:
        splits = Splits(several.texts_about(20), several.texts_about(rows, start=48), several.TRAIN, several.SPACE)
    else:
        splits = splits_of(rows)
    return finetuned(splits, Settings(seed=7).with_names(chosen), scratch=folder / name)


def splits_of(rows: int) -> Splits:
    # "so" is the rarest
    train = texts_about(24).take([i for i in range(24) if i not in (5, 8, 11)])
    votes = tuple({label: 0.75, "yes" if label == "no" else "no": 0.25} for label in train.labels)
    return Splits(replace(train, soft=votes), texts_about(rows, start=48), texts_about(6, start=200), SPACE)


def weights_of(result: FineTuned) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in result.classifier.backend.model.parameters()])


def main() -> None:
    bert, folder, *names = sys.argv[1:]
    home = Path(folder)
    for name in names:
        result = trained(name, Path(bert), home / str(ranks.place()))
        torch.save(weights_of(result), home / f"{name}.{ranks.place()}.pt")
        (home / f"{name}.{ranks.place()}.json").write_text(json.dumps(result.history), "utf-8")
    if "in windows" in names:
        others(Path(bert), home)


def others(bert: Path, home: Path) -> None:
    """Fail together, and train into a run folder, which is finished the second time."""
    try:
        trained("plain", bert, home / str(ranks.place()), learning_rate=1e30, num_train_epochs=3)
    except TrainingFailed as error:
        (home / f"failed.{ranks.place()}").write_text(str(error), "utf-8")
    for _ in range(2):
        kept = train(splits_of(15), model=str(bert), out=home / "run", num_train_epochs=1)
    (home / f"kept.{ranks.place()}").write_text(kept.predict(["a lovely day"]).predicted[0] or "", "utf-8")


if __name__ == "__main__":
    main()
