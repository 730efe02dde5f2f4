from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from pipeline.extract.page import extract_text
from pipeline.store.documents import keep_document
from pipeline.store.search.query import parse
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, MinHashBand
from pipeline.store.texts import Wanted, search

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)
PARAGRAPH = (
    "The council met in the valley and declared that the land belongs to those who till it, whatever tongue they pray "
    "in; no envoy from abroad will sign in their name, and no border drawn by strangers will divide the wells."
)


def made(text=PARAGRAPH, address="http://a.example/1", date="2010-02-01", **more):
    hints = {"dates": [{"origin": "feed", "value": date}] if date else []}
    return extract_text(text, address=address, hints=hints, now=NOW, **more)


def keep(session, extracted=None, *, source="a", speaker="own", group_id="g", monitor="m", at=NOW, **more):
    kept = keep_document(
        session,
        monitor=monitor,
        source=source,
        group_id=group_id,
        speaker=speaker,
        extracted=extracted or made(**more),
        capture_id=None,
        collected_at=at,
    )
    session.commit()
    session.expire_all()
    return kept


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


def first_of(session, document_id):
    cluster = session.get(Document, document_id).cluster_id
    return session.get(Cluster, cluster).first_document_id


def test_the_same_text_again_is_known_and_changes_nothing(store_settings):
    with open_session(store_settings) as session:
        first = keep(session)
        again = keep(session, at=NOW + timedelta(days=3))
        assert (first.status, again.status, first.document_id) == ("new", "known", again.document_id)
        document = session.get(Document, first.document_id)
        assert document.collected_at == document.updated_at == NOW
        assert document.published_at == datetime(2010, 2, 1, tzinfo=UTC)
        assert (count(session, Document), count(session, Cluster)) == (1, 1)


def test_a_changed_text_updates_the_row_and_leaves_its_cluster(store_settings):
    with open_session(store_settings) as session:
        original = keep(session)
        copy = keep(session, address="http://b.example/9", source="b", date="2010-02-03")
        assert copy.repost
        assert first_of(session, copy.document_id) == original.document_id
        later = NOW + timedelta(days=1)
        changed = keep(session, text="Quite another announcement: the market opens at dawn on Friday.", at=later)
        assert (changed.status, changed.document_id) == ("updated", original.document_id)
        document = session.get(Document, original.document_id)
        assert (document.collected_at, document.updated_at) == (NOW, later)
        assert document.cluster_id != session.get(Document, copy.document_id).cluster_id
        assert first_of(session, copy.document_id) == copy.document_id
        assert first_of(session, original.document_id) == original.document_id


def test_words_are_found_in_the_group_and_year_that_a_later_reading_gives(store_settings):
    def found(**more):
        return [hit.id for hit in search(session, Wanted("m", parse("border"), **more)).hits]

    def years(year):
        return {"start": date(year, 1, 1), "end": date(year + 1, 1, 1)}

    with open_session(store_settings) as session:
        first = keep(session).document_id
        assert found(only={"group": "g"}) == found(only={"source": "a"}) == found(**years(2010)) == [first]
        keep(session, group_id="h", date="2009-12-01", at=NOW + timedelta(days=1))
        assert found(only={"group": "h"}) == found(only={"source": "a"}) == found(**years(2009)) == [first]
        assert found(only={"group": "g"}) == found(**years(2010)) == []


def test_near_duplicates_share_a_cluster_and_other_texts_do_not(store_settings):
    with open_session(store_settings) as session:
        one = keep(session)
        near = keep(session, text="AGENCY, Tuesday. " + PARAGRAPH + " Our correspondent adds this.", source="b")
        other = keep(session, text=" ".join(reversed(PARAGRAPH.split())), source="c")
        clusters = [session.get(Document, kept.document_id).cluster_id for kept in (one, near, other)]
        assert clusters[0] == clusters[1] != clusters[2]
        assert (one.repost, near.repost, other.repost) == (False, True, False)


def test_the_first_document_is_own_then_early_then_dated(store_settings):
    with open_session(store_settings) as session:
        observer = keep(session, source="o", speaker="observer", date="2009-01-01")
        assert first_of(session, observer.document_id) == observer.document_id
        undated = keep(session, source="u", date=None)
        assert first_of(session, observer.document_id) == undated.document_id
        late = keep(session, source="l", date="2010-02-20")
        assert first_of(session, observer.document_id) == late.document_id
        early = keep(session, source="e", date="2010-01-20")
        assert first_of(session, observer.document_id) == early.document_id
        keep(session, source="t", date="2010-01-20")
        assert first_of(session, observer.document_id) == early.document_id
        assert count(session, Cluster) == 1


def test_a_waiting_coding_meets_its_document(store_settings):
    with open_session(store_settings) as session:
        common = {"variable": "framing", "value": "both", "codebook_version": 1, "coder": "c", "coded_at": NOW}
        common |= {"draw": "random", "probability": 0.5, "drawn_at": NOW}
        for monitor, address in (("m", "http://a.example/1"), ("m", "http://a.example/2"), ("n", "http://a.example/1")):
            session.add(Coding(monitor=monitor, address=address, **common))
        session.commit()
        kept = keep(session)
        matched = session.execute(select(Coding.monitor, Coding.address, Coding.document_id).order_by(Coding.id)).all()
        assert [row.document_id for row in matched] == [kept.document_id, None, None]


def test_an_undated_text_is_kept_and_a_known_date_is_not_lost(store_settings):
    with open_session(store_settings) as session:
        kept = keep(session, date=None)
        assert session.get(Document, kept.document_id).published_at is None
        keep(session, date="2010-02-01")
        keep(session, date=None)
        assert session.get(Document, kept.document_id).published_at == datetime(2010, 2, 1, tzinfo=UTC)


def test_monitors_are_apart(store_settings):
    with open_session(store_settings) as session:
        assert not keep(session).repost
        assert not keep(session, monitor="other").repost
        assert count(session, Cluster) == 2


@pytest.mark.parametrize("identical", [2, 30])
def test_exact_reposts_cost_no_bands(store_settings, identical):
    with open_session(store_settings) as session:
        for number in range(identical):
            keep(session, address=f"http://a.example/{number}")
        assert count(session, MinHashBand) == 40


def test_a_changed_date_moves_the_first_document(store_settings):
    with open_session(store_settings) as session:
        one, two = keep(session, date="2010-02-01"), keep(session, source="b", date="2010-02-05")
        assert first_of(session, one.document_id) == one.document_id
        assert keep(session, date="2010-02-09").status == "known"
        assert first_of(session, one.document_id) == two.document_id
