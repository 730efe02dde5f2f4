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
    frontier.mark_fetched(session, {ids["1"]: None}, now=NOW)
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
    assert [one.id for one in frontier.still_due(session, [ids["4"], ids["1"]])] == [ids["4"]]


def test_tries_are_counted_and_success_wipes_the_failure(session):
    find(session, "1")
    (row,) = frontier.due(session, "test", "letters", now=NOW)
    for _ in range(2):
        frontier.mark_failed(session, row.id, status="pending", failure="soft", reason="HTTP 404", not_before=NOW)
    session.commit()
    (again,) = frontier.due(session, "test", "letters", now=NOW)
    assert again.tries == 2
    frontier.mark_fetched(session, {row.id: None}, now=NOW)
    stored = session.scalars(select(Frontier)).one()
    assert (stored.status, stored.failure, stored.reason, stored.fetched_at) == ("fetched", None, None, NOW)


def test_a_long_frontier_is_read_in_pages_while_it_is_written(session):
    find(session, *map(str, range(1200)))
    session.commit()
    seen = 0
    for one in frontier.due(session, "test", "letters", now=NOW):
        frontier.mark_fetched(session, {one.id: None}, now=NOW)
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


def test_many_rows_are_done_at_once_each_with_its_reason(session):
    find(session, "1", "2", "3")
    first, second, third = frontier.due(session, "test", "letters", now=NOW)
    frontier.mark_fetched(session, {first.id: None, second.id: "no text"}, now=NOW)
    stored = {r.id: (r.status, r.failure, r.reason, r.fetched_at) for r in session.scalars(select(Frontier))}
    assert stored == {
        first.id: ("fetched", None, None, NOW),
        second.id: ("fetched", "soft", "no text", NOW),
        third.id: ("pending", None, None, None),
    }
    frontier.mark_fetched(session, {}, now=NOW)


def test_what_leads_to_the_same_is_added_once(session):
    one, same, other, unknown, more = (
        Discovered(f"http://a/{name}", "http://a/", content=content)
        for name, content in (("1", "x"), ("2", "x"), ("3", "y"), ("4", None), ("5", None))
    )
    assert frontier.discover(session, "test", "letters", [one, same, unknown, more], now=NOW) == 3
    assert frontier.discover(session, "test", "letters", [same, other], now=NOW) == 1
    assert frontier.discover(session, "test", "notes", [same], now=NOW) == 1
    assert [row.address for row in frontier.due(session, "test", "letters", now=NOW)] == [
        "http://a/1",
        "http://a/4",
        "http://a/5",
        "http://a/3",
    ]


def test_what_is_still_due_comes_in_the_order_asked_for(session):
    find(session, "1", "2", "3", title="a letter")
    rows = list(frontier.due(session, "test", "letters", now=NOW))
    frontier.mark_fetched(session, {rows[1].id: None}, now=NOW)
    assert frontier.still_due(session, [row.id for row in reversed(rows)]) == [rows[2], rows[0]]
