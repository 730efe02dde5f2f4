from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.store import places
from pipeline.store.places import PlaceState
from pipeline.store.session import open_session

NOW = datetime(2009, 9, 19, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = "http://a/feed"


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def state(session, address=FEED, source="letters"):
    session.commit()
    return places.place_state(session, "test", source, address)


def fail(session, now=NOW, **more):
    told = {"failure": "temporary", "reason": "HTTP 500", "not_before": now + HOUR} | more
    places.keep_failure(session, "test", "letters", FEED, now=now, **told)


def test_a_place_that_was_never_asked(session):
    assert state(session) == PlaceState(FEED)
    assert places.places_of(session, "test", "letters") == []


def test_failures_in_a_row_are_counted_and_a_reading_wipes_them(session):
    fail(session)
    fail(session, NOW + HOUR, reason="HTTP 503")
    failed = state(session)
    assert (failed.failures, failed.failure, failed.reason) == (2, "temporary", "HTTP 503")
    assert (failed.checked_at, failed.not_before, failed.changed_at) == (NOW + HOUR, NOW + 2 * HOUR, None)
    read = PlaceState(FEED, NOW, NOW, None, entries=7, busiest=2.5, etag='"a"', last_modified="x", digest="d" * 64)
    places.keep_reading(session, "test", "letters", read)
    assert state(session) == read
    # a failure takes nothing away of what was known
    fail(session, NOW + HOUR)
    assert state(session) == replace(
        read, checked_at=NOW + HOUR, not_before=NOW + 2 * HOUR, failures=1, failure="temporary", reason="HTTP 500"
    )


def test_a_walk_counts_only_when_its_end_was_reached(session):
    places.keep_walk(session, "test", "letters", FEED, ended=False)
    assert not state(session).walked
    places.keep_cursor(session, "test", "letters", FEED, "page 3")
    assert state(session).cursor == "page 3"
    places.keep_walk(session, "test", "letters", FEED, ended=True)
    assert (state(session).walked, state(session).cursor) == (True, None)
    # a reading says nothing about walks
    places.keep_cursor(session, "test", "letters", FEED, "page 9")
    places.keep_reading(session, "test", "letters", PlaceState(FEED, NOW, entries=3))
    assert (state(session).walked, state(session).cursor, state(session).entries) == (True, "page 9", 3)
    places.keep_walk(session, "test", "letters", FEED, ended=False)
    assert (state(session).walked, state(session).cursor) == (False, "page 9")


def test_places_belong_to_their_source(session):
    for source, address in [("letters", "http://a/2"), ("letters", "http://a/1"), ("other", "http://a/1")]:
        places.keep_reading(session, "test", source, PlaceState(address, NOW))
    session.commit()
    assert [one.address for one in places.places_of(session, "test", "letters")] == ["http://a/2", "http://a/1"]
    assert places.places_of(session, "other", "letters") == []


def test_the_feeds_of_a_home_page_are_remembered_until_it_shows_others(session):
    home = "http://a/"
    read = PlaceState(FEED, NOW, entries=3, digest="ab" * 32)
    places.keep_reading(session, "test", "letters", read)
    places.keep_found(session, "test", "letters", home, [FEED, "http://a/second"], now=NOW)
    session.commit()
    assert {one.address: one.found_on for one in places.places_of(session, "test", "letters")} == {
        FEED: home,
        "http://a/second": home,
        home: None,
    }
    # what was known of a feed stays, and a later reading does not take it from its page
    assert state(session) == replace(read, found_on=home)
    places.keep_reading(session, "test", "letters", PlaceState(FEED, NOW + HOUR, entries=4))
    assert (state(session).entries, state(session).found_on) == (4, home)
    places.keep_found(session, "test", "letters", home, ["http://a/second"], now=NOW + HOUR)
    assert (state(session).found_on, state(session).entries) == (None, 4)
    assert state(session, home).checked_at == NOW + HOUR
    assert places.places_of(session, "other", "letters") == []


def test_a_failing_place_that_nobody_names_any_more_is_left_out(session):
    old, since = NOW - 30 * HOUR, NOW - HOUR
    for number, (checked, not_before) in enumerate([(old, old + HOUR), (old, NOW + HOUR), (NOW, NOW + HOUR)]):
        address = f"http://a/{number}"
        told = {"failure": "soft", "reason": "HTTP 404", "not_before": not_before}
        places.keep_failure(session, "test", "letters", address, now=checked, **told)
    places.keep_reading(session, "test", "letters", PlaceState("http://a/fine", old))
    session.commit()
    asked = ["http://a/1", "http://a/2", "http://a/fine"]
    shown = places.places_known(session, "test", "letters", NOW, since)
    assert ([one.address for one in shown.some], shown.total) == (["http://a/2", "http://a/1", "http://a/fine"], 3)
    assert places.places_known(session, "test", "letters", NOW).total == 4
    assert len(places.places_of(session, "test", "letters")) == 4
    found = places.places_in_short(session, {("test", "letters"): since})["test", "letters"]
    assert (found.total, found.failing, [one.address for one in found.some]) == (3, 2, asked[:2])


def test_a_bound_of_places_is_shown_and_all_are_counted(session):
    rest = {3: NOW + HOUR, 4: NOW + 2 * HOUR, 5: NOW - HOUR}
    for number in range(30):
        read = PlaceState(
            f"http://a/{number:02}", NOW, not_before=rest.get(number), entries=0 if number in {7, 8} else 3
        )
        places.keep_reading(session, "test", "many", read)
    told = {"failure": "soft", "reason": "HTTP 404", "not_before": NOW + HOUR}
    for number in (0, 1, 8):
        places.keep_failure(session, "test", "many", f"http://a/{number:02}", now=NOW, **told)
    session.commit()
    known = places.places_known(session, "test", "many", NOW, most=5)
    # those that fail first, then the newest
    assert [one.address[-2:] for one in known.some] == ["08", "01", "00", "29", "28"]
    assert (known.total, known.failing) == (30, 3)
    assert (known.resting, known.due) == (2, NOW + HOUR)  # failing ones wait, but do not rest
    assert (known.empty, known.an_empty) == (1, "http://a/07")
    assert len(places.places_known(session, "test", "many", NOW).some) == 30
    assert places.places_known(session, "test", "never", NOW) == places.PlacesKnown()


def test_places_in_short_are_counted_whole_and_shown_in_part(session):
    for number in range(30):
        told = {"failure": "soft", "reason": "HTTP 404", "not_before": None}
        places.keep_failure(session, "test", "many", f"http://a/{29 - number}", now=NOW, **told)
        places.keep_reading(session, "test", "fine", PlaceState(f"http://a/{number}", NOW))
    fail(session)
    session.commit()
    # another monitor's source of the same name
    places.keep_failure(session, "other", "many", "http://a/0", now=NOW - HOUR, **told)
    places.keep_reading(session, "other", "many", PlaceState("http://a/1", NOW))
    asked = {"many": NOW, "fine": None, "letters": None, "never": None}
    found = places.places_in_short(
        session, {("test", source): since for source, since in asked.items()} | {("other", "many"): NOW - HOUR}
    )
    many = found["test", "many"]
    assert (many.total, many.failing) == (30, 30)
    assert many.some == places.places_of(session, "test", "many")[: places.FAILING_SHOWN]
    assert found["test", "fine"] == places.PlacesInShort(30, 0, [])
    assert found["test", "letters"] == places.PlacesInShort(1, 1, [state(session)])
    assert found["test", "never"] == places.PlacesInShort()
    other = found["other", "many"]
    assert (other.total, other.failing, [one.address for one in other.some]) == (2, 1, ["http://a/0"])
    assert places.places_in_short(session, {("test", "many"): NOW + HOUR}) == {("test", "many"): places.PlacesInShort()}
    assert places.places_in_short(session, {}) == {}
