from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifine.data.splits.times import deal_by_time, moments
from classifine.data.splits.units import text_keys, units_of
from classifine.errors import RowsProblem


def _read(*times: str) -> list[datetime]:
    found = moments(times, range(1, len(times) + 1))
    return [datetime(1970, 1, 1) + timedelta(microseconds=time) for time in found.tolist()]


@pytest.mark.parametrize(
    ("times", "read"),
    [
        (["2024-03-31", "1969-12-31"], ["2024-03-31", "1969-12-31"]),
        (["2024-03-31 ", "2024-03-31T18:05:00.25"], ["2024-03-31", "2024-03-31T18:05:00.25"]),
        (["2024-03-31T00:30:00+02:00", "2024-03-31T00:30:00Z"], ["2024-03-30T22:30", "2024-03-31T00:30"]),
        (["20240331", "20240401"], ["2024-03-31", "2024-04-01"]),
        (["2024", "0998"], ["2024-01-01", "0998-01-01"]),
        (["2024-03", "2023-12"], ["2024-03-01", "2023-12-01"]),
        (["31.3.2024", "01.04.2024 9:05"], ["2024-03-31", "2024-04-01T09:05"]),
        (["3.4.2024"], ["2024-04-03"]),
        (["3/31/2024", "4/1/2024 18:05:07"], ["2024-03-31", "2024-04-01T18:05:07"]),
        (["31/3/2024", "1/4/2024"], ["2024-03-31", "2024-04-01"]),
        (["31-3-2024", "1-4-2024"], ["2024-03-31", "2024-04-01"]),
        (["2024/3/31", "2024/12/1"], ["2024-03-31", "2024-12-01"]),
        (["1/1/2024", "2/2/2024"], ["2024-01-01", "2024-02-02"]),
    ],
)
def test_common_ways_to_write_a_time_are_read(times: list[str], read: list[str]) -> None:
    assert _read(*times) == [datetime.fromisoformat(time) for time in read]


@settings(deadline=None)
@given(st.lists(st.datetimes(datetime(1000, 1, 1)), min_size=1))
def test_iso_times_keep_their_order(times: list[datetime]) -> None:
    assert _read(*(time.isoformat() for time in times)) == times
    assert _read(*(time.replace(tzinfo=UTC).isoformat() for time in times)) == times


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (["3/4/2024", "5/6/2024"], "'3/4/2024', which is 2024-04-03 with the day first and 2024-03-04 with the month"),
        (["1/1/2024", "3-4-2024"], "'3-4-2024', which is"),
        (["31/3/2024", "3/31/2024"], "'3/31/2024' (row 2)"),
        (["2024-03-31", "", " "], "2 rows have no time"),
        (["2024-03-31T10:00:00", "2024-03-31T10:00:00Z"], "some times have a time zone and others have none"),
        (["2024-03-31", "2024", "2024-04-01"], "'2024' (row 2)"),
        (["yesterday", "today"], "the times cannot be read"),
        (["2024-02-30"], "the times cannot be read"),
        (["2024-03-31", "32.1.2024"], "cannot be read as the other rows are"),
        (["٢٠٢٤"], "the times cannot be read"),
    ],
)
def test_times_that_can_be_read_in_two_ways_or_in_none_are_refused(times: list[str], said: str) -> None:
    with pytest.raises(RowsProblem, match=re.escape(said)):
        moments(times, range(1, len(times) + 1))


def test_a_message_names_the_first_rows() -> None:
    times = ["2024-03-31"] * 5 + ["soon", "soon", "later"]
    with pytest.raises(RowsProblem) as refused:
        moments(times, [20, 19, 18, 17, 16, 15, 14, 13])
    assert "'later' (row 13), 'soon' (row 14)" in str(refused.value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), min_size=3, max_size=40))
def test_each_unit_goes_where_its_earliest_row_belongs(rows: list[tuple[int, int]]) -> None:
    when = np.array([time for time, _ in rows])
    units = units_of(text_keys([str(text) for _, text in rows]), ["x"] * len(rows))
    earliest = [int(when[units.of_row == unit].min()) for unit in range(len(units))]
    if len(set(earliest)) < 3:
        with pytest.raises(RowsProblem, match="too few to be cut into 3 parts"):
            deal_by_time(units, when, [0.6, 0.2, 0.2])
        return
    part_of, own = deal_by_time(units, when, [0.6, 0.2, 0.2])
    assert set(part_of.tolist()) == {0, 1, 2}
    for unit, part in enumerate(part_of.tolist()):
        assert part == own[units.of_row == unit].min()
    pairs = sorted(zip(when.tolist(), own.tolist(), strict=True))
    assert [part for _, part in pairs] == sorted(own.tolist())
    assert len(dict(pairs)) == len(set(pairs))
