from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import Trial, TrialState
from tests.tuning.studies import SPACE, quality, search

from classifine.errors import SettingsProblem, UsageError
from classifine.settings import TuneSettings
from classifine.tuning.space import Dimension, Space
from classifine.tuning.study import Search, best_of, check_sampler, without_password

ROOT = Path(__file__).parents[2]


def never(running: Search) -> None:
    return None


def silent(line: str) -> None:
    return None


def done(found: Search, objective: Any = quality, **how: Any) -> str:
    return found.run(objective, enough=how.get("enough", never), tell=how.get("tell", silent))


def database(room: Path, name: str = "trials.db") -> str:
    return f"sqlite:///{room / name}"


def told(found: Search) -> list[tuple[dict[str, Any], str, float | None]]:
    return [(one.params, one.state.name, one.value) for one in found.places()]


def work(kind: str, url: str) -> None:
    words = [sys.executable, "-m", "tests.tuning.studies", kind, url]
    subprocess.run(words, check=True, cwd=ROOT, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_search_does_so_many_trials_and_begins_with_the_default(room: Path) -> None:
    found = search(database(room), 12)
    assert done(found) == "all 12 trials are done"
    assert found.places()[0].params == SPACE.default
    states = [one.state.name for one in found.places()]
    assert len(states) == 12
    assert set(states) == {"COMPLETE", "FAIL"}
    failed = [one for one in found.places() if one.state == TrialState.FAIL]
    assert {one.user_attrs["failed_because"] for one in failed} == {"batches of 8 do not work here"}
    best = best_of(found.places(), higher=True)
    assert best is not None
    assert best.value == max(one.value for one in found.places() if one.value is not None)


def test_the_same_seed_does_the_same_trials_and_more_can_be_asked_for(room: Path) -> None:
    part, again = search(database(room, "part.db"), 4), search(database(room, "again.db"), 4)
    done(part)
    done(again)
    assert told(part) == told(again)
    before = told(part)
    longer = search(database(room, "part.db"), 9)
    heard: list[str] = []
    done(longer, tell=heard.append)
    assert heard == ["going on after 4 of 9 trials"]
    assert len(told(longer)) == 9
    assert told(longer)[:4] == before


def test_three_kills_lose_nothing_and_change_nothing(room: Path) -> None:
    url = database(room)
    work("kills", url)
    before = {one.number: one.value for one in search(url, 8).finished() if one.state == TrialState.COMPLETE}
    killed, whole = search(url, 8), search(database(room, "whole.db"), 8)
    done(killed)
    done(whole)
    assert told(killed) == told(whole)
    assert before.items() <= {one.number: one.value for one in killed.places()}.items()
    every = killed.study.get_trials(deepcopy=False)
    assert not [one for one in every if not one.state.is_finished()]
    assert len(every) == 8 + 3


def test_an_interrupted_trial_is_done_again(room: Path) -> None:
    def interrupting(trial: Trial) -> float:
        if trial.number == 2:
            raise KeyboardInterrupt
        return quality(trial)

    found = search(database(room), 6)
    with pytest.raises(KeyboardInterrupt):
        done(found, interrupting)
    again, whole = search(database(room), 6), search(database(room, "whole.db"), 6)
    done(again, interrupting)
    done(whole)
    assert [one.number for one in again.places()] == [0, 1, 3, 4, 5, 6]
    # the trial that was interrupted had not chosen yet
    assert told(again)[:2] == told(whole)[:2]


def test_a_worker_that_dies_is_found_out_by_its_silence(room: Path) -> None:
    url = database(room)
    work("silence", url)
    found = search(url, 5)
    assert len(found.finished()) == len(found.places()) == 5
    assert not found.study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))


def test_no_trial_is_done_beyond_the_number(room: Path) -> None:
    # as when two workers begin the last trial at once: the places are taken before this one looks
    found = search(database(room), 3)
    done(found)
    found._one(quality, 3)
    assert len(found.study.get_trials(deepcopy=False)) == 4
    assert len(found.places()) == 3
    assert done(found) == "all 3 trials are done"


def test_time_and_enough_end_a_search(room: Path) -> None:
    def slow(trial: Trial) -> float:
        time.sleep(0.05)
        return 0.5

    found = search(database(room), 50)
    reason = done(found, slow, enough=lambda running: running.out_of_time(0.3))
    assert reason.startswith("no further trial fits")
    assert 1 <= len(found.finished()) < 6
    assert done(search(database(room), 50), slow, enough=lambda running: "enough") == "enough"


def test_a_grid_is_done_once(room: Path) -> None:
    found = search(database(room), 50, sampler="grid")
    points = {(rate, batch) for rate in SPACE.grid()["learning_rate"] for batch in (8, 16, 32)}
    assert done(found) == f"all {len(points)} trials are done"
    assert {tuple(one.params.values()) for one in found.places()} == points


@pytest.mark.parametrize("sampler", ["gp", "random"])
def test_other_samplers_search_too(room: Path, sampler: str) -> None:
    found = search(database(room), 4, sampler=sampler)
    done(found)
    assert len(found.finished()) == 4


def test_a_gaussian_process_is_for_few_trials() -> None:
    with pytest.raises(SettingsProblem, match="up to 50 trials"):
        check_sampler(TuneSettings(trials=51, sampler="gp"), Space((Dimension("weight_decay", 0.1, low=0, high=1),)))


@pytest.mark.parametrize(
    "url", ["nothing", "postgresql+nodriver://u:secret@localhost/x", "sqlite:////no/such/folder/x.db"]
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="database") as caught:
        search(url, 3)
    assert "secret" not in str(caught.value)


def test_passwords_are_hidden() -> None:
    assert without_password("postgresql://u:secret@h/x") == "postgresql://u:***@h/x"
