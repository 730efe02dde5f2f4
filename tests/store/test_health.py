from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.store.health import Reason, frontier_facts, quarantined_pages, text_facts
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Cluster, Document, Frontier

NOW = datetime(2009, 9, 19, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def address(session, number, status="pending", source="letters", **more):
    session.add(
        Frontier(
            monitor="test", source=source, address=f"http://a/{number}", status=status, discovered_at=NOW,
            discovered_in="http://a/feed", hints={}, attempts=0, **more,
        )
    )  # fmt: skip


def text(session, number, published, source="letters", dates=(), cluster=None):
    document = Document(
        monitor="test", source=source, speaker="own", address=f"http://a/{number}", text="t", text_digest="d",
        published_at=published, dates=list(dates), cluster_id=cluster, collected_at=NOW, updated_at=NOW, extractor="x",
    )  # fmt: skip
    session.add(document)
    session.flush()
    return document


def capture(session, number, problem=None, source="letters"):
    session.add(
        Capture(
            monitor="test", source=source, address=f"http://a/{number}", captured_at=NOW, http_status=200,
            digest=str(number), length=1, warc_file="f", warc_offset=0, problem=problem,
        )
    )  # fmt: skip


def test_addresses_by_state_and_reason(session):
    assert frontier_facts(session, "test", "letters", NOW).total == 0
    for number in range(3):
        address(session, number, "fetched", reason="an image" if number else None)
    address(session, 3)
    address(session, 4, not_before=NOW - DAY, reason="HTTP 500")
    address(session, 5, not_before=NOW + 2 * DAY, reason="HTTP 500")
    address(session, 6, not_before=NOW + DAY, reason="HTTP 503")
    address(session, 7, "gone", reason="HTTP 410")
    address(session, 8, "failed", reason="HTTP 500")
    address(session, 9, source="other")
    facts = frontier_facts(session, "test", "letters", NOW)
    assert (facts.total, facts.pending, facts.due, facts.fetched, facts.failed, facts.gone) == (9, 4, 2, 3, 1, 1)
    assert facts.next_due == NOW + DAY
    assert facts.reasons[0] == Reason("HTTP 500", 3, "http://a/4")
    assert {one.said for one in facts.reasons} == {"HTTP 500", "HTTP 503", "HTTP 410"}


def test_texts_dates_and_quarantine(session):
    assert text_facts(session, "test", "letters", None, None).total == 0
    cluster = Cluster(monitor="test")
    session.add(cluster)
    session.flush()
    first = text(session, 1, NOW, source="other", cluster=cluster.id)
    cluster.first_document_id = first.id
    text(session, 2, NOW, cluster=cluster.id)
    text(session, 3, datetime(2008, 12, 31, 23, tzinfo=UTC))
    text(session, 4, datetime(2010, 1, 1, tzinfo=UTC))
    refused = {"origin": "meta", "value": "2031", "accepted": False, "why": "more than a day ahead"}
    text(session, 5, None, dates=[refused, refused])
    text(session, 6, None)
    text(session, 7, None, source="letters/inner", dates=[refused])
    text(session, 8, NOW, source="letters-2")
    capture(session, 1)
    capture(session, 2, "no text in it")
    capture(session, 3, "no text in it")
    capture(session, 4, "no text in it", source="other")
    facts = text_facts(session, "test", "letters", date(2009, 1, 1), date(2009, 12, 31))
    assert (facts.total, facts.undated, facts.outside, facts.reposts) == (6, 3, 2, 1)
    assert (facts.captures, facts.quarantined) == (3, 2)
    assert facts.quarantine == [Reason("no text in it", 2, "http://a/2")]
    assert [(one.said, one.count) for one in facts.dates] == [
        ("meta: more than a day ahead", 2),
        ("no date was found", 1),
    ]
    assert text_facts(session, "test", "letters", None, None).outside == 0
    assert [one.address for one in quarantined_pages(session, "test", "letters")] == ["http://a/3", "http://a/2"]
