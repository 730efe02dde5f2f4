import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect import places
from pipeline.collect.failure import Failure
from pipeline.store.places import PlaceState

NOW = datetime(2009, 9, 19, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW = PlaceState("http://a/feed")
CHANCE = random.Random(1)  # noqa: S311 (no secret)


def read(state, now, new, entries=20, **more):
    return places.after_reading(state, now=now, entries=entries, new=new, digest="d", rules="r", **more)


def test_the_first_reading_says_nothing_of_the_pace():
    first = read(NEW, NOW, 20, etag="e", last_modified="l")
    assert (first.checked_at, first.changed_at, first.busiest, first.not_before) == (NOW, NOW, None, None)
    assert (first.etag, first.last_modified, first.digest, first.rules) == ("e", "l", "d", "r")


def test_a_quiet_place_rests_a_tenth_of_its_silence_and_a_week_at_most():
    state = read(NEW, NOW, 20, entries=100)
    for days, rests in [(0.3, None), (5, 0.5 * DAY), (10, DAY), (30, 3 * DAY), (365, places.LONGEST_REST)]:
        now = NOW + days * DAY
        after = read(state, now, 0, entries=100)
        assert after.not_before == (now + rests if rests else None), days
        assert after.changed_at == NOW
    assert read(replace(state, not_before=NOW), NOW + 30 * DAY, 1, entries=100).not_before is None


@given(
    shown=st.integers(1, 200),
    quiet=st.floats(0, 4000),
    busy=st.floats(0, 500),
    faster=st.floats(0, places.FASTER),
)
def test_nothing_falls_out_while_a_place_rests(shown, quiet, busy, faster):
    state = replace(NEW, checked_at=NOW, changed_at=NOW, entries=shown, busiest=busy)
    now = NOW + quiet * DAY
    rest = places.rest(state, now)
    assert timedelta(0) <= rest <= places.LONGEST_REST
    spoken = faster * max(busy, places.LEAST_BUSY) * (rest / DAY)
    assert spoken <= shown * (1 + 1e-6)


def test_the_busiest_day_fades():
    state = read(NEW, NOW, 20)
    burst = read(state, NOW + HOUR, 12)
    assert burst.busiest == 12  # in an hour: no more than a day's worth is known
    later = read(burst, NOW + HOUR + places.FORGOTTEN_BY_HALF, 0)
    assert later.busiest == pytest.approx(6)
    assert read(state, NOW + 4 * DAY, 12).busiest == 3


def test_a_reading_wipes_the_failures_and_an_unchanged_place_keeps_what_is_known():
    state = replace(read(NEW, NOW, 20, etag="e"), failures=3, failure="temporary", reason="HTTP 500")
    after = places.unchanged(state, NOW + 10 * DAY)
    assert (after.failures, after.failure, after.reason) == (0, None, None)
    assert (after.etag, after.digest, after.entries, after.changed_at) == ("e", "d", 20, NOW)
    assert after.not_before == NOW + 11 * DAY


def test_waits_grow_linearly_and_never_past_a_day():
    def wait(failures, kind="temporary", **more):
        return places.wait_after(Failure(kind, "no", **more), failures, CHANCE)

    assert [wait(n) for n in (1, 2, 3)] == [timedelta(minutes=10 * n) for n in (1, 2, 3)]
    assert [wait(n, "soft") for n in (1, 2)] == [HOUR, 2 * HOUR]
    assert wait(1, "hard") == wait(10_000) == wait(10_000, "soft") == places.LONGEST_WAIT < DAY
    assert wait(1, retry_after=5 * HOUR) == 5 * HOUR
    assert wait(1, retry_after=40 * DAY) == DAY
    assert wait(9, retry_after=HOUR) == timedelta(minutes=90)
    spread = {wait(4, status=429) for _ in range(20)}
    assert len(spread) > 10
    assert all(timedelta(minutes=40) <= one <= timedelta(minutes=60) for one in spread)


def test_a_feed_of_new_entries_only_may_have_lost_some():
    known = replace(NEW, checked_at=NOW, entries=20)
    assert "all 20 entries are new since 2009-09-19" in places.overflow(known, entries=20, new=20)
    assert places.overflow(known, entries=20, new=19) is None
    assert places.overflow(NEW, entries=20, new=20) is None
    assert places.overflow(known, entries=1, new=1) is None
    assert places.overflow(replace(known, entries=0), entries=20, new=20) is None


def test_a_failing_place_is_put_off_in_words():
    state = replace(NEW, failures=1, reason="HTTP 500")
    assert places.put_off(state, NOW) == "not asked before 2009-09-19 00:00 UTC: it failed, last with: HTTP 500"
    assert "failed 3 times in a row" in places.put_off(replace(state, failures=3), NOW)
