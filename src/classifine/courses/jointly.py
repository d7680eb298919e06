"""Takes splits and settings and gives a fine-tuned classifier, by one process or by all that torchrun has started.

Of several, the first one's texts and settings count, and it alone keeps anything; all come to the same weights.
Does not know run folders, the test split or how a training works inside.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from classifine.courses.course import Course, FailedTwice
from classifine.errors import ClassifineError, SettingsProblem
from classifine.labels import LabelSpace
from classifine.model.hub import ResolvedModel, resolve
from classifine.settings import Settings
from classifine.tables import LabelledTexts, Splits
from classifine.training import ranks
from classifine.training.checkpoints import Scratch
from classifine.training.finetune import FineTuned
from classifine.training.watching import Diverged


def finetuned(splits: Splits, settings: Settings, *, scratch: Scratch) -> FineTuned:
    """Find the base model and fine-tune it; the test texts are not looked at.

    Parameters
    ----------
    splits
        Of which the training and validation texts are used.
    settings
        What the user chose.
    scratch
        A folder that is gone afterwards, or the checkpoints of a run.

    Raises
    ------
    ClassifineError
        As :class:`classifine.courses.course.Course`, and where another process is gone.
    """
    with ranks.Together(use_cpu=settings.training.use_cpu) as leads:
        if not leads and (found := follow()):
            return found
        base = resolve(settings.model.model)
        ranks.give((splits.train, splits.validation, splits.space, settings))
        return _trained(splits.train, splits.validation, splits.space, base, settings, scratch)


def follow() -> FineTuned | None:
    """Do the training that the first of several processes gives; nothing where there is nothing to train.

    Raises
    ------
    LeadFailed
        The first process failed, and says why.
    FollowerFailed
        This one did, for a reason of its own.
    """
    task = ranks.taken()
    if task is None:
        return None
    train, validation, space, settings = task
    # the first one reports
    quietly = {**settings.training.arguments, "report_to": "none"}
    settings = replace(settings, training=replace(settings.training, arguments=quietly))
    with _failing_alone(), tempfile.TemporaryDirectory(prefix="classifine-") as folder:
        base = resolve(settings.model.model)
        return _trained(train, validation, space, base, settings, Path(folder) / "following")


@contextlib.contextmanager
def _failing_alone() -> Iterator[None]:
    """Mark errors that only this process has; those that all have are told by the first one."""
    try:
        yield
    except (ranks.LeadFailed, ranks.OthersLost, SettingsProblem, Diverged, FailedTwice):
        raise
    except ClassifineError as error:
        raise ranks.FollowerFailed(error) from error


def _trained(
    train: LabelledTexts,
    validation: LabelledTexts,
    space: LabelSpace,
    base: ResolvedModel,
    settings: Settings,
    scratch: Scratch,
) -> FineTuned:
    found = Course(train, validation, space, base, settings, scratch=scratch).run()
    ranks.part()
    return found
