from __future__ import annotations

from types import SimpleNamespace

import pytest

from classifine.errors import SettingsProblem
from classifine.settings import Settings
from classifine.training.budget import Pace, check_time, plan, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), (" 0.5 H ", 1800), ("1h 30m 5s", 5405)],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "10 min", "m", "-5m", "0s", "1h x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsProblem, match="time_budget"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("left", "epoch", "most", "epochs", "told"),
    [
        (1000, 10, 5, 5, "an epoch takes about 10 s here, all 5 epochs fit"),
        (1000, 300, 5, 3, "an epoch takes about 5 min here; 3 of 5 are done"),
        (100, 95, 5, 1, "an epoch takes about 95 s here; 1 of 5 are done"),
        (100, 190, 5, 0.5, "only 50% of one is done, so that not every training text is read"),
        (100, 190, 0.1, 0.1, "all 0.1 epochs fit"),
    ],
)
def test_as_many_epochs_are_done_as_fit_with_a_margin(
    left: float, epoch: float, most: float, epochs: float, told: str
) -> None:
    found = plan("10m", left=left, epoch_seconds=epoch, most=most)
    assert found.epochs == epochs
    assert told in str(found)


def test_where_not_even_a_quarter_of_an_epoch_fits_it_says_what_would() -> None:
    with pytest.raises(SettingsProblem, match="one epoch takes about 14 min") as raised:
        plan("90s", left=80, epoch_seconds=840, most=4)
    assert raised.value.expected == "at least 14m for one epoch"


@pytest.mark.parametrize("other", [{"max_steps": 10}, {"long_texts": "auto"}])
def test_it_does_not_stand_beside_what_says_the_length_itself(other: dict[str, object]) -> None:
    check_time(Settings().with_names({"time_budget": "5m"}))
    with pytest.raises(SettingsProblem, match=next(iter(other))):
        check_time(Settings().with_names({"time_budget": "5m", **other}))


def test_several_processes_would_plan_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    check_time(Settings())
    with pytest.raises(SettingsProblem, match="one process"):
        check_time(Settings().with_names({"time_budget": "5m"}))


def test_the_pace_leaves_out_the_first_updates_and_stops_when_it_knows_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    pace, control = Pace(100.0), SimpleNamespace(should_training_stop=False)
    for seconds in (9.0, 5.0, 1.0, 1.0):
        now[0] += seconds
        pace.on_step_end(None, None, control)
    assert not control.should_training_stop
    now[0] += 1.0
    pace.on_step_end(None, None, control)
    assert control.should_training_stop
    assert pace.seconds_per_update == 1.0
    now[0] += 4.0
    pace.on_evaluate(None, None, control)
    assert pace.evaluation == 4.0
