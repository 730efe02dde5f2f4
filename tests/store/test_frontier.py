from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline.store import frontier
from pipeline.store.frontier import Discovered
from pipeline.store.session import open_session
from pipeline.store.tables import Frontier

NOW = datetime(2009, 9, 19, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def find(session, *paths, source="letters", now=NOW, **hints):
    found = [Discovered(f"http://a/{path}", "http://a/feed", hints) for path in paths]
    return frontier.discover(session, "test", source, found, now=now)


def due(session, now=NOW, source="letters"):
    return [one.address.removeprefix("http://a/") for one in frontier.due(session, "test", source, now=now)]


def test_what_is_known_stays_as_it_is(session):
    assert find(session, "1", "2", title="first") == 2
    assert find(session, "2", "3", title="second") == 1
    assert find(session, "1", source="other") == 1
    rows = {one.address: one.hints for one in frontier.due(session, "test", "letters", now=NOW)}
    assert rows == {
        "http://a/1": {"title": "first"},
        "http://a/2": {"title": "first"},
        "http://a/3": {"title": "second"},
    }
    assert frontier.discover(session, "test", "letters", [], now=NOW) == 0


def test_due_means_pending_and_not_before(session):
    find(session, "1", "2", "3", "4")
    ids = {one.address[-1]: one.id for one in frontier.due(session, "test", "letters", now=NOW)}
    frontier.mark_fetched(session, ids["1"], now=NOW)
    frontier.mark_failed(
        session, ids["2"], status="pending", failure="temporary", reason="HTTP 500", not_before=NOW + HOUR
    )
    frontier.mark_failed(session, ids["3"], status="gone", failure="hard", reason="HTTP 410", not_before=None)
    session.commit()
    assert due(session) == ["4"]
    assert due(session, NOW + HOUR) == ["2", "4"]
    assert frontier.waiting(session, "test", "letters") == 2
    assert frontier.statuses(session, "test", "letters", [f"http://a/{i}" for i in range(9)]) == {
        "http://a/1": "fetched",
        "http://a/2": "pending",
        "http://a/3": "gone",
        "http://a/4": "pending",
    }
    assert frontier.hints_of(session, ids["1"]) is None
    assert frontier.hints_of(session, ids["4"]) == {}


def test_tries_are_counted_and_success_wipes_the_failure(session):
    find(session, "1")
    (row,) = frontier.due(session, "test", "letters", now=NOW)
    for _ in range(2):
        frontier.mark_failed(session, row.id, status="pending", failure="soft", reason="HTTP 404", not_before=NOW)
    session.commit()
    (again,) = frontier.due(session, "test", "letters", now=NOW)
    assert again.tries == 2
    frontier.mark_fetched(session, row.id, now=NOW)
    stored = session.scalars(select(Frontier)).one()
    assert (stored.status, stored.failure, stored.reason, stored.fetched_at) == ("fetched", None, None, NOW)


def test_a_long_frontier_is_read_in_pages_while_it_is_written(session):
    find(session, *map(str, range(1200)))
    session.commit()
    seen = 0
    for one in frontier.due(session, "test", "letters", now=NOW):
        frontier.mark_fetched(session, one.id, now=NOW)
        seen += 1
    session.commit()
    assert seen == 1200
    assert due(session) == []
    known = frontier.statuses(session, "test", "letters", [f"http://a/{i}" for i in range(1300)])
    assert len(known) == 1200


def test_what_was_known_before_a_time(session):
    find(session, "1", now=NOW - HOUR)
    find(session, "2", now=NOW)
    assert list(frontier.statuses(session, "test", "letters", ["http://a/1", "http://a/2"], before=NOW)) == [
        "http://a/1"
    ]


def test_a_walk_is_remembered_and_its_listing_is_never_due(session):
    listing = "http://a/list"
    assert not frontier.walked_to_the_end(session, "test", "letters", listing)
    frontier.begin_walk(session, "test", "letters", listing, now=NOW)
    assert not frontier.walked_to_the_end(session, "test", "letters", listing)
    assert due(session) == []
    frontier.end_walk(session, "test", "letters", listing, now=NOW)
    assert frontier.walked_to_the_end(session, "test", "letters", listing)
    frontier.begin_walk(session, "test", "letters", listing, now=NOW)
    assert not frontier.walked_to_the_end(session, "test", "letters", listing)


def test_readings_are_counted_from_the_fetch_on(session):
    find(session, "1")
    (row,) = frontier.due(session, "test", "letters", now=NOW)
    for _ in range(4):
        frontier.mark_failed(session, row.id, status="pending", failure="temporary", reason="HTTP 500", not_before=None)
    assert [frontier.begin_reading(session, row.id) for _ in range(3)] == [1, 2, 3]
    session.rollback()
    assert due(session) == ["1"]
    assert next(frontier.due(session, "test", "letters", now=NOW)).tries == 3
