from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from pipeline.measure.job import measure
from pipeline.measure.looking_back import LookingBackError, back_test_of, changes_of
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Event
from pipeline.store.alarms import alarms_of
from pipeline.store.replays import Planned, begin_replay, keep_stretch, stretches_of
from pipeline.store.session import open_session
from pipeline.store.tables import Published, RaisedAlarm, ReplayCell
from pipeline.store.trends import trend_rows
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


COMMON = {"of_kinds": ["split"], "least_lead": timedelta(0), "most_lead": timedelta(days=140), "now": NOW}


def keep_replay(settings, monitor, *, made=True):
    """A replay of two stretches, the first without a model; its cells are those of the trend table."""
    starts = (date(2020, 4, 6), date(2021, 1, 4))
    with open_session(settings) as session:
        weeks = [
            row for row in trend_rows(session, monitor.name, period="week") if row.framed and row.end <= NOW.date()
        ]
        end = max(row.end for row in weeks)
        cells = [
            {
                "group_id": row.group_id, "start": row.start, "texts": row.framed, "mean": row.model_balance,
                "variance": row.model_variance * row.framed,
            }
            for row in weeks
        ]  # fmt: skip
        plan = [Planned(starts[0], starts[1], "1"), Planned(starts[1], end, "2")]
        begin_replay(session, monitor.name, "week", plan)
        keep_stretch(session, monitor.name, starts[0], {"digest": "1", "missing": "no coder yet", "made_at": NOW}, [])
        if made:
            figures = {"digest": "2", "model": "framing-replay-1", "codings": 40, "texts": 38, "made_at": NOW}
            keep_stretch(session, monitor.name, starts[1], figures, cells)
        session.commit()
    return end


def test_a_replay_warns_before_the_split_and_the_vintage_of_today_does_not(measured):
    settings, monitor = measured
    events = [event(SHIFT + timedelta(weeks=20), "split"), event(date(1990, 1, 1), "split")]
    end = keep_replay(settings, monitor)
    with open_session(settings) as session:
        kinds = measured_periods(monitor)
        made = back_test_of(session, monitor, kinds, events, series="replay", **COMMON)
        assert (made.ours.hit_rate, made.alarms, made.false_alarms) == (1.0, 1, 0)
        assert made.never.hit_rate == 0
        assert made.dyad_years == pytest.approx((end - date(2021, 1, 4)).days / 365.25)
        assert len(made.unjudged) == 1  # 1990 was not observed
        assert (
            "coders knew what came later. 1 model, each of the codings of texts dated before its time (40); 1 of 2 "
            in (made.words)
        )
        *models, dyad = made.basis
        assert dyad.startswith(f"a--b: watched 2021-01-04 to {end - timedelta(days=1)}; alarms: 2021-0")
        assert models == [
            "2020-04-06 to 2021-01-03: no replay, no coder yet",
            f"2021-01-04 to {end - timedelta(days=1)}: framing-replay-1, 40 codings of 38 texts",
        ]
        # today's measurement found the alarm in the past: it warned nobody
        later = COMMON | {"now": datetime.now(UTC) + timedelta(days=1)}  # figures are published at the real time
        with pytest.raises(LookingBackError, match="no event of the kinds split has a window that was observed whole"):
            back_test_of(session, monitor, kinds, events, series="vintage", **later)


def test_without_a_whole_replay_it_is_said_what_to_run(measured):
    settings, monitor = measured
    events = [event(SHIFT + timedelta(weeks=20), "split")]

    def tried(match):
        with open_session(settings) as session, pytest.raises(LookingBackError, match=match):
            back_test_of(session, monitor, measured_periods(monitor), events, series="replay", **COMMON)

    tried("no replay of m is made; run `riftwatch replay` first")
    keep_replay(settings, monitor, made=False)
    tried("1 of 2 stretches of the replay are still to be made; run `riftwatch replay` again")
    with open_session(settings) as session:
        for row in stretches_of(session, "m"):
            row.made_at = NOW
        session.commit()
    tried("no time of m can be replayed: 2020-04-06 to 2021-01-03: no replay, no coder yet")


def test_where_no_reference_is_complete_each_dyad_says_why(measured, monitor_of):
    settings, monitor = measured
    keep_replay(settings, monitor)
    with open_session(settings) as session:
        silent = monitor_of(**WEEKLY, groups=[{"id": g, "name": g} for g in "abc"], dyads=[["a", "c"]])
        with pytest.raises(
            LookingBackError, match="a--c: not watched, its reference is not complete at the end of the replay"
        ):
            back_test_of(session, silent, measured_periods(silent), [], series="replay", **COMMON)


def test_two_alarms_that_were_found_on_one_day_warned_once(measured):
    settings, monitor = measured
    with open_session(settings) as session:
        (alarm,) = alarms_of(session, "m", "a", "b")
        now = datetime.now(UTC)
        first = now.date() - timedelta(days=1)
        own = {c.name: getattr(alarm, c.name) for c in RaisedAlarm.__table__.columns if c.name != "id"}
        for side in (1, -1):
            session.add(RaisedAlarm(**own | {"side": side, "end": first, "since": first, "found_at": now}))
        # of a time in which alarms ran on months: another series
        earlier = now - timedelta(days=5)
        of_months = {"period": "month", "end": earlier.date(), "since": earlier.date(), "found_at": earlier}
        session.add(RaisedAlarm(**own | of_months))
        session.execute(update(Published).values(as_of=now - timedelta(days=40)))
        session.flush()
        events = [event(now.date() + timedelta(days=1), "split")]
        given = COMMON | {"now": now + timedelta(days=1), "most_lead": timedelta(days=20)}
        made = back_test_of(session, monitor, measured_periods(monitor), events, series="vintage", **given)
    assert (made.alarms, made.ours.hit_rate) == (1, 1.0)


def test_the_first_model_of_a_replay_may_know_no_word_of_its_texts(measured):
    """Then the first cell is later than the first stretch."""
    settings, monitor = measured
    end = keep_replay(settings, monitor)
    with open_session(settings) as session:
        first, _ = stretches_of(session, "m")
        first.model, first.missing = "framing-replay-0", None
        session.execute(delete(ReplayCell).where(ReplayCell.start < date(2020, 6, 1)))
        session.commit()
        events = [event(end - timedelta(days=20), "split")]
        given = COMMON | {"most_lead": timedelta(days=20)}
        made = back_test_of(session, monitor, measured_periods(monitor), events, series="replay", **given)
    assert made.basis[0] == "2020-04-06 to 2021-01-03: framing-replay-0, 0 codings of 0 texts"
    assert made.basis[2].startswith("a--b: watched 2021-0")
