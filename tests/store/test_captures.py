from datetime import UTC, datetime

from sqlalchemy import select

from pipeline.store.captures import capture_id, keep_capture
from pipeline.store.session import open_session
from pipeline.store.tables import Capture

NOW = datetime(2009, 9, 19, tzinfo=UTC)


def keep(session, address, digest, problem=None):
    return keep_capture(
        session,
        monitor="test",
        source="letters",
        address=address,
        captured_at=NOW,
        http_status=200,
        content_type="text/html",
        digest=digest,
        length=3,
        warc_file="test/letters/x.warc.gz",
        warc_offset=0,
        problem=problem,
    )


def test_one_row_per_address_and_body(store_settings):
    with open_session(store_settings) as session:
        first = keep(session, "http://a/1", "aa", "no text")
        assert keep(session, "http://a/1", "aa") == first
        assert keep(session, "http://a/1", "bb", "no text") != first
        session.commit()
        assert capture_id(session, "test", "letters", "http://a/1", "aa") == first
        assert capture_id(session, "test", "letters", "http://a/1", "cc") is None
        assert capture_id(session, "test", "other", "http://a/1", "aa") is None
        problems = session.execute(select(Capture.digest, Capture.problem)).all()
        assert sorted(map(tuple, problems)) == [("aa", None), ("bb", "no text")]
