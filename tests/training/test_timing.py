from __future__ import annotations

import pytest

from classifine.errors import SettingsProblem
from classifine.settings import Settings
from classifine.training.timing import check_time, seconds_of


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
