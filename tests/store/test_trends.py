from datetime import UTC, date, datetime

from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Document, Framing, GapCell, Model, Promotion, TrendCell
from pipeline.store.trends import (
    GAP_COLUMNS,
    TREND_COLUMNS,
    as_record,
    documents_of_cell,
    gap_rows,
    measured_dyads,
    trend_rows,
)

T = datetime(2024, 3, 5, 12, tzinfo=UTC)
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)


def _cell(group, period, start, monitor="m"):
    return TrendCell(
        monitor=monitor,
        group_id=group,
        period=period,
        start=start,
        end=APRIL,
        texts=1,
        clusters=1,
        sources=1,
        codings=0,
        measured_at=T,
    )


def _gap(b, start, gap=0.1, monitor="m"):
    return GapCell(
        monitor=monitor,
        a="a",
        b=b,
        period="month",
        start=start,
        end=APRIL,
        gap=gap,
        state="not enough evidence",
        measured_at=T,
    )


def test_trend_rows_in_order_and_of_what_was_asked(store_settings):
    with open_session(store_settings) as session:
        session.add_all(
            [
                _cell("b", "month", MARCH),
                _cell("a", "month", APRIL),
                _cell("a", "month", MARCH),
                _cell("a", "year", MARCH),
                _cell("a", "month", MARCH, "other"),
            ]
        )
        session.flush()
        assert [(r.group_id, r.period, r.start) for r in trend_rows(session, "m")] == [
            ("a", "month", MARCH),
            ("a", "month", APRIL),
            ("a", "year", MARCH),
            ("b", "month", MARCH),
        ]
        assert len(trend_rows(session, "m", "a", "month")) == 2
        assert len(trend_rows(session, "m", period="year")) == 1


def test_gap_rows_and_the_dyads_that_are_measured(store_settings):
    with open_session(store_settings) as session:
        session.add_all([_gap("c", MARCH), _gap("b", APRIL), _gap("b", MARCH), _gap("d", MARCH, gap=None)])
        session.flush()
        assert [(r.b, r.start) for r in gap_rows(session, "m")] == [
            ("b", MARCH),
            ("b", APRIL),
            ("c", MARCH),
            ("d", MARCH),
        ]
        assert len(gap_rows(session, "m", "a", "b", "month")) == 2
        assert gap_rows(session, "m", "b", "a") == []
        assert measured_dyads(session) == ["m: a--b", "m: a--c"]


def test_every_column_of_the_tables_has_a_meaning():
    hidden = {"id", "monitor"}
    assert set(TREND_COLUMNS) == {c.key for c in TrendCell.__table__.columns} - hidden
    assert set(GAP_COLUMNS) == {c.key for c in GapCell.__table__.columns} - hidden
    assert list(as_record(_cell("a", "month", MARCH))) == list(TREND_COLUMNS)
    assert as_record(_gap("b", MARCH))["gap"] == 0.1


def test_the_texts_behind_a_cell(store_settings):
    def document(number, published, **values):
        plain = {
            "id": number,
            "monitor": "m",
            "source": "s",
            "group_id": "a",
            "speaker": "own",
            "address": f"https://example.org/{number}",
            "title": f"T{number}",
            "text": "long " * 100,
            "text_digest": str(number),
            "published_at": published,
            "collected_at": T,
            "updated_at": T,
            "extractor": "test",
        }
        session.add(Document(**(plain | values)))
        session.flush()

    with open_session(store_settings) as session:
        session.add(Model(id=1, variable="framing", name="m1", sha256="0", trained_at=T, training_balance=0.0))
        session.add(Cluster(id=1, monitor="m", first_document_id=3))
        session.flush()
        session.add(Promotion(variable="framing", model_id=1, promoted_at=T, comment="x"))
        document(1, datetime(2024, 3, 31, 23, 59, tzinfo=UTC))
        document(2, datetime(2024, 3, 1, tzinfo=UTC), cluster_id=1)
        document(3, datetime(2024, 2, 29, 23, 59, tzinfo=UTC), cluster_id=1)
        document(4, datetime(2024, 4, 1, tzinfo=UTC))
        document(5, T, speaker="observer")
        document(6, T, group_id="b")
        document(7, None)
        session.add(
            Framing(
                document_id=1,
                model_id=1,
                text_digest="1",
                featuriser="f",
                p_first=0.7,
                p_second=0.1,
                label="nationalist",
                scored_at=T,
            )
        )
        session.flush()
        repost, text = documents_of_cell(session, "m", "a", MARCH, APRIL)
        assert (repost.document_id, repost.counts, repost.p_nationalist) == (2, False, None)
        assert (text.document_id, text.counts, text.p_nationalist, text.label) == (1, True, 0.7, "nationalist")
        assert (text.title, len(text.excerpt), text.address) == ("T1", 240, "https://example.org/1")
        assert [d.document_id for d in documents_of_cell(session, "m", "a", MARCH, APRIL, limit=1, offset=1)] == [1]
