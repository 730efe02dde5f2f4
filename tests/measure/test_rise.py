from datetime import date, timedelta

import pytest

from pipeline.measure.rise import criticism_of, directions_of, window_of
from pipeline.store.session import open_session
from pipeline.store.tables import RaisedAlarm
from tests.measure.test_directed import COLLECTED, HOSTILE, PLAIN, Store, monitor_of

SINCE = date(2024, 7, 1)


def alarm(reference_end=date(2023, 12, 31), since=SINCE):
    return RaisedAlarm(
        id=1, monitor="m", a="a", b="b", since=since, end=since + timedelta(weeks=6), side=1,
        reference_start=reference_end - timedelta(weeks=52), reference_end=reference_end,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("today", "end"),
    [
        (SINCE + timedelta(weeks=6), SINCE + timedelta(weeks=6)),
        (SINCE + timedelta(weeks=20), SINCE + timedelta(weeks=20)),
        (SINCE + timedelta(weeks=90), SINCE + timedelta(weeks=26)),
    ],
)
def test_the_window_grows_until_26_weeks_are_over(today, end):
    assert window_of(alarm(), today) == (SINCE - timedelta(weeks=26), end)


def test_the_window_does_not_reach_into_the_reference():
    close = alarm(reference_end=SINCE - timedelta(weeks=3))
    assert window_of(close, SINCE + timedelta(weeks=4))[0] == SINCE - timedelta(weeks=3)


def asked(session, one, today=date(2024, 12, 31)):
    return criticism_of(directions_of(session, monitor_of(), one, today=today), one, today=today)


def fill(store, hostile, coded=40):
    """104 weeks in which each group names the other once; ``hostile`` of a's texts in the window are."""
    made = 0
    for week in range(104):
        day = date(2023, 1, 2) + timedelta(weeks=week)
        for group, target in (("a", "b"), ("b", "a")):
            text = store.text(group, day, HOSTILE if group == "a" else "The Aurin Front is here.")
            within = group == "a" and day >= SINCE and made < hostile
            made += within
            if group == "a" or week < coded:
                store.coding(text, "hostile" if within else "neutral", target=target)
        store.text("a", day, PLAIN)


@pytest.mark.parametrize(("hostile", "risen"), [(3, False), (12, True)])
def test_codings_are_read_again_at_every_measurement(store_settings, hostile, risen):
    with open_session(store_settings) as session:
        store = Store(session)
        fill(store, hostile)
        found = asked(session, alarm())
        assert found.risen is risen
        ours, theirs = found.said
        assert "40 to 1 are needed, however often it is looked at" in ours
        # nobody has coded b's texts of the window
        assert theirs.startswith("nothing can be said of criticism of a by b: 0 of the")
        # a coder goes on, and it is asked again: twelve texts of one day are one affair
        for _ in range(12):
            store.coding(store.text("a", date(2024, 8, 1), HOSTILE), "hostile")
        again = asked(session, alarm())
        assert again.risen is risen
        assert again.said[0].startswith("hostile criticism of b by a has risen")
        assert ("it does not count: too many of these texts are of the same days" in again.said[0]) is not risen
        for day in range(12):
            store.coding(store.text("a", date(2024, 8, 1) + timedelta(days=day), HOSTILE), "hostile")
        assert asked(session, alarm()).risen


def blame(store, weeks, value="hostile"):
    """One text of a a week that names b, coded; and one that names nobody."""
    for week in weeks:
        day = date(2022, 1, 3) + timedelta(weeks=week)
        store.coding(store.text("a", day, HOSTILE), value)
        store.text("a", day, PLAIN)


def test_criticism_that_rose_long_before_is_none_of_the_alarms(store_settings):
    """It rose in the second year and stayed: P is above the reference for ever, and every later alarm a rift."""
    early = alarm(reference_end=date(2023, 1, 2))
    with open_session(store_settings) as session:
        store = Store(session)
        blame(store, range(52), "neutral")
        blame(store, range(60, 156))
        found = asked(session, early)
        assert not found.risen
        assert found.said[0].startswith("hostile criticism of b by a rose earlier, since about 2023-02-27")
        assert "has risen" not in found.said[0]


def test_an_affair_long_before_does_not_hide_a_rise_at_the_time(store_settings):
    early = alarm(reference_end=date(2023, 1, 2))
    with open_session(store_settings) as session:
        store = Store(session)
        blame(store, range(52), "neutral")
        blame(store, range(60, 68))
        blame(store, range(68, 120), "neutral")
        assert not asked(session, early).risen
        blame(store, range(132, 156))
        blame(store, range(132, 156))
        found = asked(session, early)
        assert found.risen
        assert found.said[0].startswith("hostile criticism of b by a has risen, since about 2024-07")


def test_where_the_time_before_is_not_coded_that_is_said(store_settings):
    early = alarm(reference_end=date(2023, 1, 2))
    with open_session(store_settings) as session:
        store = Store(session)
        blame(store, range(52), "neutral")
        store.text("a", date(2023, 6, 1), HOSTILE)
        blame(store, range(132, 156))
        found = asked(session, early)
        assert found.risen
        assert "whether it rose before that can not be told" in found.said[0]


def test_flags_of_the_test_are_said(store_settings):
    with open_session(store_settings) as session:
        store = Store(session)
        fill(store, 12)
        store.text("a", SINCE, HOSTILE, collected=COLLECTED + timedelta(days=1))
        found = asked(session, alarm())
        assert "1 texts of a arrived at a time that codings do not speak for and are left out" in found.said[0]


@pytest.mark.parametrize("today", [date(2023, 12, 1), date(2023, 12, 31)])
def test_a_day_before_the_window_is_no_failure(settings, today):
    with open_session(settings) as session:
        close = alarm(since=date(2023, 12, 31))
        found = asked(session, close, today)
        assert not found.risen
        assert found.said == ("nothing can be said of criticism: it is looked for from 2023-12-31 on",)
