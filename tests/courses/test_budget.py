from __future__ import annotations

from types import SimpleNamespace

import pytest

from classifine.courses.budget import Pace, plan
from classifine.errors import SettingsProblem


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
