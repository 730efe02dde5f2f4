from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.framing.stretches import CHOICES, Stretch, alarm_unit, finished, stretches, usual
from pipeline.measure.judging import unit_of
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import PERIODS
from pipeline.monitor.periods import period_of
from tests.framing.past import past_monitor


@given(
    first=st.dates(date(2000, 1, 1), date(2020, 1, 1)),
    days=st.integers(0, 2000),
    unit=st.sampled_from(["week", "month"]),
    every=st.sampled_from(CHOICES),
)
def test_stretches_are_whole_units_without_a_gap_and_each_begins_with_its_period(first, days, unit, every):
    last = first + timedelta(days=days)
    units = finished(unit, first, last, last)
    made = stretches(units, every)
    starts = {one.start for one in units}
    assert all(one.start in starts and one.start < one.end for one in made)
    assert all(before.end == after.start for before, after in pairwise(made))
    if made:
        assert made[-1].end == units[-1].end <= last
        assert made[0].start > units[0].start  # before it nothing could have been learnt
    for one in made:
        period = period_of(every, one.start)
        assert one.start - period.start < timedelta(days=7)
        assert unit == "week" or one.start == period.start
    periods = {period_of(every, one.start).start for one in units}
    assert len(made) >= len(periods) - 2  # the first has none, and the last perhaps no whole week yet


def test_by_quarters_in_weeks_of_2020():
    units = finished("week", date(2020, 1, 8), date(2020, 10, 4), date(2020, 9, 30))
    assert (units[0].start, units[-1].end) == (date(2020, 1, 6), date(2020, 9, 28))
    assert stretches(units, "quarter") == [
        Stretch(date(2020, 4, 6), date(2020, 7, 6)),
        Stretch(date(2020, 7, 6), date(2020, 9, 28)),
    ]
    assert stretches(units, "year") == []
    with pytest.raises(ValueError, match="every week; write month, quarter, year"):
        stretches(units, "week")


def test_the_unit_is_that_of_the_alarms_whatever_a_monitor_measures():
    for size in range(1, len(PERIODS) + 1):
        for periods in combinations(PERIODS, size):
            for audit in PERIODS:
                monitor = past_monitor(periods=list(periods), audit_period=audit)
                assert alarm_unit(monitor) == unit_of(measured_periods(monitor))
                assert usual(monitor) in CHOICES
