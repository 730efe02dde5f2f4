from datetime import date, timedelta

import pytest

from pipeline.measure.rise import criticism_of, window_of
from pipeline.store.session import open_session
from pipeline.store.tables import RaisedAlarm
from tests.measure.test_directed import HOSTILE, PLAIN, Store, monitor_of

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
        found = criticism_of(session, monitor_of(), alarm(), today=date(2024, 12, 31))
        assert found.risen is risen
        ours, theirs = found.said
        assert "40 to 1 are needed, however often it is looked at" in ours
        # nobody has coded b's texts of the window
        assert theirs.startswith("nothing can be said of criticism of a by b: 0 of the")
        # a coder goes on, and it is asked again
        for _ in range(12):
            store.coding(store.text("a", date(2024, 8, 1), HOSTILE), "hostile")
        assert criticism_of(session, monitor_of(), alarm(), today=date(2024, 12, 31)).risen
