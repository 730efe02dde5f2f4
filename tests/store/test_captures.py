from datetime import UTC, datetime

from sqlalchemy import select

from pipeline.store.captures import Captured, captures_of, keep_captures
from pipeline.store.session import open_session
from pipeline.store.tables import Capture

NOW = datetime(2009, 9, 19, tzinfo=UTC)


def captured(address, digest, problem=None):
    return Captured(
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


def keep(session, *rows):
    return keep_captures(session, "test", "letters", [captured(*row) for row in rows])


def test_one_row_per_address_and_body(store_settings):
    with open_session(store_settings) as session:
        first = keep(session, ("http://a/1", "aa", "no text"), ("http://a/2", "aa"))
        assert set(first) == {("http://a/1", "aa"), ("http://a/2", "aa")}
        assert len(set(first.values())) == 2
        again = keep(session, ("http://a/1", "aa"), ("http://a/1", "bb", "no text"))
        assert again["http://a/1", "aa"] == first["http://a/1", "aa"] != again["http://a/1", "bb"]
        session.commit()
        assert captures_of(session, "test", "letters", ["http://a/1", "http://a/3"]) == again
        assert captures_of(session, "test", "other", ["http://a/1"]) == {}
        assert captures_of(session, "test", "letters", []) == {}
        assert keep(session) == {}
        problems = session.execute(select(Capture.digest, Capture.problem)).all()
        assert sorted(map(tuple, problems)) == [("aa", None), ("aa", None), ("bb", "no text")]
