from datetime import date, timedelta

from sqlalchemy import func, select

from pipeline.measure.job import measure
from pipeline.store.published import unpack
from pipeline.store.session import open_session
from pipeline.store.tables import Document, GapCell, Published, TrendCell
from tests.measure.test_job import NOW, _fill
from tests.vintages import vintages

CELL = ("trend", "a", "quarter", date(2024, 4, 1))


def count(session):
    return session.scalar(select(func.count()).select_from(Published).where(Published.kind.in_(["trend", "gap"])))


def test_every_figure_is_published_once_and_again_when_it_changes(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        _fill(w, model)
        session.commit()
        monitor = monitor_of(periods=["month", "quarter"])
        measure(store_settings, monitor, now=NOW)
        before = count(session)
        rows = session.scalars(select(TrendCell).where(TrendCell.balance.is_not(None))).all()
        gaps = session.scalars(select(GapCell).where(GapCell.gap.is_not(None))).all()
        assert before == len(rows) + len(gaps)
        (first,) = vintages(session, "m", CELL)
        current = session.scalars(select(TrendCell).filter_by(group_id="a", period="quarter", start=CELL[3])).one()
        assert {name: first.figures[name] for name in ("balance", "low", "variance", "texts", "codings")} == {
            name: getattr(current, name) for name in ("balance", "low", "variance", "texts", "codings")
        }
        assert len(unpack(first.documents)) == current.clusters
        assert len(unpack(first.codings)) == current.codings
        assert (first.model, first.codebook_version, first.as_of) == (model.sha256, 1, current.measured_at)
        assert first.code_version.startswith("0.1.0")

        # nothing new, and a day later: flags change, figures do not
        measure(store_settings, monitor, now=NOW + timedelta(days=1))
        assert count(session) == before

        w.text("a", date(2024, 5, 2), 0.9, model=model)
        session.commit()
        measure(store_settings, monitor, now=NOW)
        session.expire_all()
        newest, older = vintages(session, "m", CELL)
        assert newest.figures["clusters"] == older.figures["clusters"] + 1
        assert older.figures == first.figures
        # the quarter, its month, and the gaps of both; no coding has changed, so nothing another cell borrows
        assert count(session) == before + 4


def test_a_cell_that_loses_its_texts_is_published_as_empty(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        text = w.text("a", date(2024, 4, 5), 0.5, model=model)
        w.text("b", date(2024, 4, 5), 0.5, model=model)
        w.text("a", date(2024, 8, 5), 0.5, model=model)
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        assert vintages(session, "m", ("trend", "b", "quarter", date(2024, 7, 1))) == []
        session.get(Document, text.id).published_at = None
        session.commit()
        measure(settings, monitor_of(since="2024-01-01"), now=NOW)
        session.expire_all()
        newest, older = vintages(session, "m", CELL)
        assert (newest.figures["balance"], older.figures["balance"]) == (None, 0.5)
        assert newest.figures["missing"]
        assert unpack(newest.documents).tolist() == []
