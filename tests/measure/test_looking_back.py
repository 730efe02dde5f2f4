from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.measure.job import measure
from pipeline.measure.looking_back import LookingBackError, back_test_of, changes_of
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Event
from pipeline.store.session import open_session
from tests.measure.moving import FIRST, NOW, SHIFTED, WEEKLY, fill

SHIFT = FIRST + timedelta(weeks=SHIFTED)


@pytest.fixture
def measured(settings, world, monitor_of):
    fill(settings, world)
    monitor = monitor_of(**WEEKLY)
    measure(settings, monitor, now=NOW)
    return settings, monitor


def test_the_change_is_found_and_its_dates_hold_the_true_one(measured):
    settings, monitor = measured
    with open_session(settings) as session:
        spans, found = changes_of(session, monitor, measured_periods(monitor), "a", "b", today=NOW.date())
    (change,) = found.changes
    assert spans[0].start == FIRST
    assert SHIFT in {spans[i].start for i in change.dates}
    assert change.after > change.before + 1


def test_without_a_measurement_or_a_reference_it_is_said(settings, world, monitor_of):
    monitor = monitor_of(**WEEKLY)
    with open_session(settings) as session, pytest.raises(LookingBackError, match="run `riftwatch measure` first"):
        changes_of(session, monitor, measured_periods(monitor), "a", "b", today=NOW.date())
    fill(settings, world)
    early = NOW.replace(year=2020, month=6)
    measure(settings, monitor, now=early)
    with open_session(settings) as session, pytest.raises(LookingBackError, match="52 weeks with texts of both"):
        changes_of(session, monitor, measured_periods(monitor), "a", "b", today=early.date())


def event(day, kind):
    return Event(date=day, dyad=("a", "b"), kind=kind, text="x", reference="y")


def test_a_replay_warns_before_the_split_and_the_vintage_of_today_does_not(measured):
    settings, monitor = measured
    events = [event(SHIFT + timedelta(weeks=20), "split"), event(date(1990, 1, 1), "split")]
    common = {
        "of_kinds": ["split"], "least_lead": timedelta(0), "most_lead": timedelta(days=140), "now": NOW,
    }  # fmt: skip
    with open_session(settings) as session:
        kinds = measured_periods(monitor)
        made = back_test_of(session, monitor, kinds, events, series="replay", **common)
        assert (made.ours.hit_rate, made.alarms, made.false_alarms) == (1.0, 1, 0)
        assert made.never.hit_rate == 0
        assert len(made.unjudged) == 1  # 1990 was not observed
        assert "REPLAY" in made.words
        # today's measurement found the alarm in the past: it warned nobody
        later = common | {"now": datetime.now(UTC) + timedelta(days=1)}  # figures are published at the real time
        with pytest.raises(LookingBackError, match="no event of the kinds split has a window that was observed whole"):
            back_test_of(session, monitor, kinds, events, series="vintage", **later)
