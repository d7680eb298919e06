"""Takes a space and an objective and gives an Optuna study with as many trials as were asked for, whatever happened.

A trial that a dead process left behind is failed and done again under a new number, with the same values; so is one
that was interrupted. Trials are counted by what became of them, never by how often somebody began. Does not know texts,
models or what a trial does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from classifine.errors import SettingsProblem, UsageError
from classifine.settings import TuneSettings
from classifine.tuning.space import Space

REASON, WORKER, SURPLUS = "failed_because", "worker", "surplus"
# A worker that was silent for so many seconds is taken for dead; it speaks every few of them, also within a step.
HEARTBEAT, GRACE = 20, 120
# A trial that has ended its process so often is not tried again.
_MOST_RETRIES = 10
_STARTUP, _MOST_GP = 10, 50
_WAIT = 1.0

Objective = Callable[[Trial], float]


class Unusable(Exception):
    """A trial's settings cannot work or its training came to nothing: the trial has failed, the search goes on."""


class Superfluous(Exception):
    """Two workers began the last trial at the same time; this is the one that is not needed."""


class Search:
    """A study in a database, and how it goes on.

    Parameters
    ----------
    url
        The database, as SQLAlchemy writes it.
    name
        The study's name; workers with the same name and database share it.
    tune, space, seed
        What the user chose, what is searched, and where random choices start.
    higher
        Whether a higher value is the better one.
    steps
        ``evaluations`` or ``folds``: what a trial reports on its way.
    alone
        Whether no other process can work on this study: then nobody is waited for.
    """

    def __init__(
        self, url: str, name: str, tune: TuneSettings, space: Space, *, seed: int, higher: bool, steps: str, alone: bool
    ) -> None:
        self.tune, self.space, self.seed, self.alone = tune, space, seed, alone
        self.worker = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex[:8]}"
        self._started = time.monotonic()
        self.goal = tune.trials if tune.sampler != "grid" else min(tune.trials, _size(space))
        with _quiet():
            self._again = RetryHeartbeatStaleTrialCallback(max_retry=_MOST_RETRIES)
            self.study: Study = optuna.create_study(
                storage=_storage(url, self._again),
                study_name=name,
                direction="maximize" if higher else "minimize",
                pruner=_pruner(tune, steps),
                load_if_exists=True,
            )

    # ---------------------------------------------------------------- counting

    def places(self) -> list[FrozenTrial]:
        """List the trials that count, in their order: all but those that were done again and the superfluous ones."""
        trials = self.study.get_trials(deepcopy=False)
        replaced = {number for one in trials for number in RetryHistory.of(one)}
        return [one for one in trials if one.number not in replaced and SURPLUS not in one.user_attrs]

    def finished(self) -> list[FrozenTrial]:
        """List the trials that have come to an end."""
        return [one for one in self.places() if one.state.is_finished()]

    def out_of_time(self, limit: float | None) -> str | None:
        """Say that another trial would not fit into so many seconds, where that is so; earlier sessions count."""
        spent = [one.duration.total_seconds() for one in self.finished() if one.duration is not None]
        if limit is None or not spent:
            return None
        mean = sum(spent) / len(spent)
        used = sum(spent) if self.alone else time.monotonic() - self._started
        return (
            f"no further trial fits into the time, {used:.0f} of {limit:.0f} s are used"
            if used + mean > limit
            else None
        )

    # ---------------------------------------------------------------- going on

    def run(self, objective: Objective, *, enough: Callable[[Search], str | None], tell: Callable[[str], None]) -> str:
        """Do trials until all are done or there is enough; say why it ended.

        Parameters
        ----------
        objective
            Does a trial and gives its value.
        enough
            Says why no further trial is wanted, or nothing.
        tell
            Called with a plain sentence.

        Raises
        ------
        ClassifineError
            What a trial raises other than :class:`Unusable`; the trial is done again when the search goes on.
        """
        with _quiet():
            self._take_up(tell)
            while True:
                places = self.places()
                done = [one for one in places if one.state.is_finished()]
                if len(done) >= self.goal:
                    return f"all {self.goal} trials are done"
                if reason := enough(self):
                    return reason
                if len(places) >= self.goal and not any(one.state == TrialState.WAITING for one in places):
                    # others are at work on the rest; should one of them die, its trial is done here
                    time.sleep(_WAIT)
                    optuna.storages.fail_stale_trials(self.study)
                    continue
                self._one(objective, len(done))

    def _one(self, objective: Objective, done: int) -> None:
        # anew for each trial, so that a search that was stopped goes on as it would have gone on
        self.study.sampler = _sampler(self.tune, self.space, seed=_lot(self.seed, done if self.alone else uuid.uuid4()))
        try:
            self.study.optimize(lambda trial: self._tried(trial, objective), n_trials=1, catch=(Unusable, Superfluous))
        except UpdateFinishedTrialError:
            # this process slept so long that another one has taken the trial over
            return
        except BaseException:
            self._again_if_interrupted(mine=True)
            raise

    def _tried(self, trial: Trial, objective: Objective) -> float:
        trial.set_user_attr(WORKER, self.worker)
        before = [one for one in self.places() if one.number < trial.number]
        if len(before) >= self.goal:
            trial.set_user_attr(SURPLUS, True)
            raise Superfluous
        try:
            return objective(trial)
        except Unusable as failure:
            trial.set_user_attr(REASON, str(failure))
            raise

    def _take_up(self, tell: Callable[[str], None]) -> None:
        """Fail what dead processes left behind, queue it again, and begin with the default."""
        if self.alone:
            for left in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                self.study.tell(left.number, state=TrialState.FAIL)
        else:
            optuna.storages.fail_stale_trials(self.study)
        again = self._again_if_interrupted(mine=False)
        if self.tune.sampler != "grid":
            self.study.enqueue_trial(self.space.default, skip_if_exists=True)
        done = len(self.finished())
        if done or again:
            tell(f"going on after {done} of {self.goal} trials")

    def _again_if_interrupted(self, *, mine: bool) -> int:
        """Queue trials again that ended without a word about why; of other workers only those that are long dead."""
        queued = 0
        for one in self.places():
            if one.state != TrialState.FAIL or REASON in one.user_attrs:
                continue
            ended: datetime = one.datetime_complete or datetime.now()
            old = self.alone or datetime.now() - ended > timedelta(seconds=GRACE)
            if one.user_attrs.get(WORKER) == self.worker if mine else old:
                before = len(self.study.get_trials(deepcopy=False))
                self._again(self.study, one)
                queued += len(self.study.get_trials(deepcopy=False)) > before
        return queued


class RetryHistory:
    """Which trials a trial stands in for."""

    @staticmethod
    def of(trial: FrozenTrial) -> list[int]:
        """List their numbers."""
        found: list[int] = trial.system_attrs.get("retry_history", [])
        return found


def best_of(trials: list[FrozenTrial], *, higher: bool) -> FrozenTrial | None:
    """Give the finished trial with the best value; of equal ones the first."""
    whole = [one for one in trials if one.state == TrialState.COMPLETE and one.value is not None]
    sign = 1 if higher else -1
    return max(whole, key=lambda one: (sign * float(one.value or 0), -one.number), default=None)


def check_sampler(tune: TuneSettings, space: Space) -> None:
    """Refuse what a sampler cannot do.

    Raises
    ------
    SettingsProblem
        A Gaussian process is wanted for many trials.
    """
    if tune.sampler == "gp" and tune.trials > _MOST_GP:
        raise SettingsProblem(
            f'sampler = "gp" is for up to {_MOST_GP} trials, here are {tune.trials}', cure='use "tpe"'
        )


def _size(space: Space) -> int:
    size = 1
    for values in space.grid().values():
        size *= len(values)
    return size


def _sampler(tune: TuneSettings, space: Space, *, seed: int) -> Any:
    if tune.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if tune.sampler == "grid":
        # the order of the points must be the same each time
        return optuna.samplers.GridSampler(space.grid(), seed=0)
    startup = min(_STARTUP, max(1, tune.trials // 4))
    if tune.sampler == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup, deterministic_objective=False)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)


def _pruner(tune: TuneSettings, steps: str) -> Any:
    wanted = tune.pruner
    if wanted == "auto":
        wanted = "median" if steps == "evaluations" else "wilcoxon"
    if wanted == "none":
        return optuna.pruners.NopPruner()
    if wanted == "wilcoxon":
        return optuna.pruners.WilcoxonPruner(p_threshold=0.2)
    median = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    return optuna.pruners.PatientPruner(median, patience=1)


def _storage(url: str, again: RetryHeartbeatStaleTrialCallback) -> RDBStorage:
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

    further: dict[str, Any] = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    try:
        return RDBStorage(
            url,
            engine_kwargs=further,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=again,
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"the database {without_password(url)} cannot be used: {error}",
            expected="sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME with its package installed",
            cure="for PostgreSQL: pip install 'classifine[postgresql]'",
        ) from error
    except OperationalError as error:
        raise UsageError(
            f"the database {without_password(url)} does not answer: {str(error.orig).strip()}",
            cure="check that it runs and that user, password and name are right",
        ) from error


def without_password(url: str) -> str:
    """Write a database's address so that it can be shown."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(not an address)"


def _lot(seed: int, place: object) -> int:
    digest = hashlib.sha256(f"{seed} {place}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's own log lines and notes on experimental parts to itself."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(verbosity)
