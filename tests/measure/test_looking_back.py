from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import delete, select, update

from pipeline.measure.backtest import merged
from pipeline.measure.job import measure
from pipeline.measure.looking_back import LookingBackError, back_test_of, changes_of, observed_periods
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Event
from pipeline.store.alarms import alarms_of, keep_reference
from pipeline.store.published import pack
from pipeline.store.replays import Planned, begin_replay, keep_stretch, stretches_of
from pipeline.store.session import open_session
from pipeline.store.tables import Published, RaisedAlarm, ReplayCell, TrendCell
from pipeline.store.trends import trend_rows
from tests.measure.moving import FIRST, NOW, SHIFTED, WEEKLY, WEEKS, fill

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


COMMON = {"of_kinds": ["split"], "least_lead": timedelta(0), "most_lead": timedelta(days=140)}


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
        # today's measurement looked at the past for the first time: nobody watched, and its alarm warned nobody
        with pytest.raises(LookingBackError, match="no state but 'not enough evidence' was ever published within 21"):
            back_test_of(session, monitor, kinds, events, series="vintage", **COMMON)


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


WATCHED = (FIRST + timedelta(weeks=52), FIRST + timedelta(weeks=WEEKS) - timedelta(days=1))
"""from the first week after the reference to the last finished week"""


def at(day):
    return datetime.combine(day, time(6), tzinfo=UTC)


@pytest.fixture
def watched_live(measured):
    """As if every week had been measured on the day after its end; the store is changed by ``change(session)``."""
    settings, monitor = measured
    with open_session(settings) as session:
        for row in session.scalars(select(Published)):
            row.as_of = at(row.end + timedelta(days=1))
        for alarm in alarms_of(session, "m"):
            alarm.found_at = at(alarm.end + timedelta(days=1))
        session.commit()

    def observed():
        with open_session(settings) as session:
            return merged(observed_periods(session, "m", "week").get("a--b", []))

    def tested(*events, **given):
        with open_session(settings) as session:
            kinds = measured_periods(monitor)
            return back_test_of(session, monitor, kinds, events, series="vintage", **COMMON | given)

    return settings, observed, tested


def week(number):
    """First day of the week, and first day after it."""
    return FIRST + timedelta(weeks=number), FIRST + timedelta(weeks=number + 1)


def test_the_vintage_series_is_what_was_published_in_its_time(watched_live):
    _, observed, tested = watched_live
    assert observed() == [WATCHED]
    made = tested(event(SHIFT + timedelta(weeks=20), "split"))
    assert (made.ours.hit_rate, made.alarms, made.false_alarms) == (1.0, 1, 0)
    assert made.dyad_years == pytest.approx(38 * 7 / 365.25)


def test_no_later_decision_and_no_later_model_changes_the_vintage_back_test(watched_live):
    settings, _, tested = watched_live
    split = event(SHIFT + timedelta(weeks=20), "split")
    before = tested(split)
    with open_session(settings) as session:
        # a person moves the reference behind the alarm
        keep_reference(session, "m", "a", "b", start=SHIFT + timedelta(weeks=10), reason="x", person="p", now=NOW)
        (alarm,) = alarms_of(session, "m", "a", "b")
        alarm.closed, alarm.closed_why = alarm.raised, "taken back"
        # and the tables of today are those of a model that gives no path
        session.execute(update(TrendCell).values(model_balance=None, framed=0))
        session.commit()
    assert tested(split) == before


def test_weeks_that_nobody_could_have_been_alarmed_in_are_not_observed(watched_live):
    settings, observed, tested = watched_live
    with open_session(settings) as session:
        rows = {
            row.start: row
            for row in session.scalars(select(Published).where(Published.kind == "gap", Published.period == "week"))
        }
        # week 55 was first measured when it was long over, of week 58 nothing was published, and of 61 first only that
        # nothing could be said
        rows[week(55)[0]].as_of = at(week(55)[1] + timedelta(days=22))
        session.delete(rows[week(58)[0]])
        own = {c.name: getattr(rows[week(61)[0]], c.name) for c in Published.__table__.columns if c.name != "id"}
        rows[week(61)[0]].figures = rows[week(61)[0]].figures | {"state": "not enough evidence"}
        session.flush()
        session.add(Published(**own | {"as_of": at(week(61)[1] + timedelta(days=3))}))
        session.commit()
    ends = [(52, 54), (56, 57), (59, 60), (62, WEEKS - 1)]
    assert observed() == [(week(first)[0], week(last)[1] - timedelta(days=1)) for first, last in ends]
    with pytest.raises(LookingBackError, match="not observed on every day"):
        tested(event(SHIFT + timedelta(weeks=20), "split"), most_lead=timedelta(days=146))
    made = tested(event(SHIFT + timedelta(weeks=20), "split"), most_lead=timedelta(days=120))
    found = FIRST + timedelta(days=made.events[0].alarms[0].toordinal() - FIRST.toordinal())
    extra = int(not any(first <= found <= last for first, last in observed()))
    assert made.dyad_years == pytest.approx((35 * 7 + extra) / 365.25)


def test_a_figure_that_its_end_did_not_change_stands_if_it_was_measured(watched_live):
    """Of a week whose last text came on a Wednesday nothing is published after it."""
    settings, observed, _ = watched_live
    start, end = week(WEEKS - 1)
    with open_session(settings) as session:
        session.execute(update(Published).where(Published.start == start).values(as_of=at(end - timedelta(days=4))))
        session.execute(update(Published).where(Published.end > end).values(as_of=at(end - timedelta(days=4))))
        session.commit()
    # nobody knows that anything was measured since
    assert observed() == [(WATCHED[0], start - timedelta(days=1))]
    with open_session(settings) as session:
        row = session.scalar(select(Published).where(Published.kind == "trend", Published.period == "quarter").limit(1))
        row.as_of = at(end + timedelta(days=2))
        session.commit()
    assert observed() == [WATCHED]


def test_months_in_which_alarms_ran_on_weeks_are_not_observed_by_months(store_settings, monitor_of):
    """Their alarms are of another series, so no alarm of these months could have been counted."""
    monitor = monitor_of(periods=["month"])

    def published(period, start, end, state="steady"):
        return Published(
            monitor="m", kind="gap", subject="a--b", period=period, start=start, end=end, as_of=at(end),
            figures={"state": state}, digest="1", documents=pack([]), codings=pack([]),
            codebook_version=1, code_version="1",
        )  # fmt: skip

    firsts = [date(2024, month, 1) for month in range(1, 7)]
    with open_session(store_settings) as session:
        session.add_all(published("month", start, end) for start, end in pairwise(firsts))
        session.add(published("week", date(2024, 1, 22), date(2024, 1, 29)))
        session.add(published("week", date(2024, 3, 4), date(2024, 3, 11), "not enough evidence"))
        session.commit()
        events = [event(date(2024, 5, 31), "split"), event(date(2024, 2, 10), "split")]
        given = COMMON | {"most_lead": timedelta(days=20)}
        made = back_test_of(session, monitor, ["month"], events, series="vintage", **given)
    assert made.dyad_years == pytest.approx((date(2024, 6, 1) - date(2024, 2, 1)).days / 365.25)
    assert len(made.unjudged) == 1


def test_two_alarms_that_were_found_on_one_day_warned_once(watched_live):
    settings, _, tested = watched_live
    with open_session(settings) as session:
        (alarm,) = alarms_of(session, "m", "a", "b")
        found = at(WATCHED[1] + timedelta(days=3))
        own = {c.name: getattr(alarm, c.name) for c in RaisedAlarm.__table__.columns if c.name != "id"}
        last = week(WEEKS - 1)[1]
        for side in (1, -1):
            session.add(RaisedAlarm(**own | {"side": side, "end": last, "since": last, "found_at": found}))
        # of a time in which alarms ran on months: another series
        of_months = {"period": "month", "since": last, "end": last, "found_at": at(last)}
        session.add(RaisedAlarm(**own | of_months))
        # found when its week was long over: it warned nobody
        session.add(RaisedAlarm(**own | {"since": FIRST, "found_at": at(alarm.end + timedelta(days=22))}))
        session.commit()
    made = tested(event(SHIFT + timedelta(weeks=20), "split"))
    # the day on which the second was found lies behind all weeks with a state
    assert (made.alarms, made.false_alarms, made.ours.hit_rate) == (2, 1, 1.0)
    assert made.dyad_years == pytest.approx((38 * 7 + 1) / 365.25)


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
