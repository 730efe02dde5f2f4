"""A measurement reads the texts of changed cells only, and what it remembers is as good as what it reads."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from pipeline.measure.job import measure
from pipeline.store import cells
from pipeline.store.cells import own_texts
from pipeline.store.columns import columns_of
from pipeline.store.measured import known_cells, unpack_arrays
from pipeline.store.published import unpack
from pipeline.store.session import open_session
from pipeline.store.tables import (
    Cluster,
    Coding,
    Document,
    Framing,
    GapCell,
    MeasuredCell,
    Published,
    TrendCell,
)
from tests.measure.test_job import NOW, _fill

NEW_WEEK = date(2024, 12, 23)


@pytest.fixture(autouse=True)
def one_version(monkeypatch):
    """A commit made while the tests run is another version of the code, with which all is measured anew."""
    monkeypatch.setattr("pipeline.measure.reading.code_version", lambda: "0.1.0+test")


def tables(session, *leaving_out):
    """The trend and gap rows, every bit of them, without ids and times."""
    session.expire_all()
    made = {}
    for table in (TrendCell, GapCell):
        names = [c.name for c in table.__table__.columns if c.name not in {"id", "measured_at", *leaving_out}]
        rows = [tuple(str(getattr(row, name)) for name in names) for row in session.scalars(select(table))]
        made[table.__tablename__] = sorted(rows)
    session.rollback()
    return made


def measured_anew(session, settings, monitor, **more):
    """The tables as they come out where nothing is remembered."""
    session.execute(delete(MeasuredCell))
    session.commit()
    report = measure(settings, monitor, now=NOW, **more)
    assert report.known == 0
    return tables(session)


@pytest.fixture
def filled(store_settings, world, monitor_of):
    """A session, its world, and a monitor whose cells are measured and remembered."""
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        _fill(w, model)
        session.commit()
        monitor = monitor_of()
        first = measure(store_settings, monitor, now=NOW)
        assert (first.found, first.known) == (320, 0)
        yield session, w, model, monitor


def test_nothing_new_nothing_is_read_and_no_row_is_written(store_settings, filled):
    session, _, _, monitor = filled
    before = tables(session)
    report = measure(store_settings, monitor, now=NOW)
    assert (report.found, report.known, report.updated) == (320, 320, 0)
    assert tables(session) == before
    assert measured_anew(session, store_settings, monitor) == before


def test_a_new_week_reads_the_texts_of_its_cells_and_no_others(store_settings, filled, monkeypatch):
    session, w, model, monitor = filled
    for i in range(3):
        w.text("a", NEW_WEEK + timedelta(days=i), 0.1 * i, model=model)
    session.commit()
    texts = own_texts(session, "m", model.id)
    quarter = int(((texts.group == "a") & (texts.day >= np.datetime64("2024-10-01"))).sum())
    answers = []

    def counted(*question):
        parts = list(columns_of(*question))
        answers.append(sum(len(part["document"]) for part in parts))
        return parts

    with monkeypatch.context() as patched:
        patched.setattr(cells, "columns_of", counted)
        report = measure(store_settings, monitor, now=NOW)
    # the quarter holds its month and its week
    assert report.found - report.known == quarter
    assert quarter < 60 < report.found
    assert answers == [quarter], "one question, whose answer holds no other row"
    # week, month and quarter of a, and their gaps
    assert report.updated == 6
    made = tables(session)
    assert measured_anew(session, store_settings, monitor) == made


def _an_older_text_changes(session, w, model):
    one = session.scalars(select(Framing).order_by(Framing.document_id)).first()
    one.p_first = 0.123


def _two_texts_change_places(session, w, model):
    """No count and no sum of the plain values tells it."""
    one, two = session.scalars(
        select(Framing)
        .join(Document, Document.id == Framing.document_id)
        .where(Document.group_id == "a")
        .order_by(Document.published_at)
        .limit(2)
    ).all()
    one.p_first, two.p_first = two.p_first, one.p_first
    one.p_second, two.p_second = two.p_second, one.p_second


def _a_text_is_rewritten(session, w, model):
    session.scalars(select(Document).order_by(Document.id)).first().text_digest = "f" * 64


def _a_text_is_erased(session, w, model):
    one = session.scalars(select(Document).where(~Document.id.in_(select(Coding.document_id)))).first()
    session.execute(delete(Framing).where(Framing.document_id == one.id))
    session.execute(delete(Document).where(Document.id == one.id))


def _a_text_loses_its_date(session, w, model):
    session.scalars(select(Document).order_by(Document.id)).first().published_at = None


def _a_text_moves_to_the_other_group(session, w, model):
    session.scalars(select(Document).where(Document.group_id == "a")).first().group_id = "b"


def _a_text_turns_out_an_observers(session, w, model):
    session.scalars(select(Document).where(Document.group_id == "a")).first().speaker = "observer"


def _an_earlier_copy_is_found(session, w, model):
    """The cluster counts for the other group from now on."""
    late = session.scalars(select(Document).where(Document.group_id == "a").order_by(Document.id.desc())).first()
    cluster = session.get(Cluster, late.cluster_id)
    early = w.text("b", date(2024, 1, 2), 0.3, model=model, cluster=cluster)
    cluster.first_document_id = early.id


def _a_new_coding(session, w, model):
    text = session.scalars(select(Document).where(~Document.id.in_(select(Coding.document_id)))).first()
    w.coding(text, "nationalist", probability=0.5)


def _a_coding_is_changed(session, w, model):
    session.execute(update(Coding).where(Coding.id == 1).values(value="both"))
    session.execute(update(Coding).where(Coding.id == 2).values(probability=0.01))


def _another_model(session, w, model):
    new = w.model()
    for row in session.scalars(select(Framing)).all():
        values = {c.name: getattr(row, c.name) for c in Framing.__table__.columns}
        session.add(Framing(**values | {"model_id": new.id, "p_first": 1 - row.p_first}))


@pytest.mark.parametrize(
    "change",
    [
        _an_older_text_changes,
        _two_texts_change_places,
        _a_text_is_rewritten,
        _a_text_is_erased,
        _a_text_loses_its_date,
        _a_text_moves_to_the_other_group,
        _a_text_turns_out_an_observers,
        _an_earlier_copy_is_found,
        _a_new_coding,
        _a_coding_is_changed,
        _another_model,
    ],
)
def test_every_change_is_noticed(settings, world, monitor_of, change):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        _fill(w, model, texts=24, codings=8)
        session.commit()
        monitor = monitor_of()
        measure(settings, monitor, now=NOW)
        before = tables(session)
        change(session, w, model)
        session.commit()
        report = measure(settings, monitor, now=NOW)
        made = tables(session)
        if change is not _two_texts_change_places:
            assert made != before
        assert report.known < report.found
        assert measured_anew(session, settings, monitor) == made


def test_a_copy_elsewhere_that_came_in_time_is_noticed_when_it_goes(store_settings, world, monitor_of):
    """Whether a text was late hangs on a copy in another group's cell, which itself may vanish."""
    drawn = datetime(2024, 11, 1, tzinfo=UTC)
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        for i in range(12):
            early = w.text("a", date(2024, 10, 1 + i), 0.1 * (i % 3), model=model, collected=drawn)
            if i < 6:
                w.coding(early, ("nationalist", "neither")[i % 2], drawn_at=drawn)
        late = [w.text("a", date(2024, 11, 2 + i), 0.9, model=model) for i in range(3)]
        copy = w.text(
            "b", date(2024, 11, 20), 0.9, model=model, cluster=session.get(Cluster, late[0].cluster_id), collected=drawn
        )
        session.commit()

        def counted_late():
            measure(store_settings, monitor_of(), now=NOW)
            session.expire_all()
            query = select(TrendCell.late).filter_by(group_id="a", period="quarter", start=date(2024, 10, 1))
            made = session.scalar(query)
            session.rollback()
            return made

        assert counted_late() == 2
        assert measure(store_settings, monitor_of(), now=NOW).known == 16
        session.execute(delete(Framing).where(Framing.document_id == copy.id))
        session.execute(delete(Document).where(Document.id == copy.id))
        session.commit()
        assert counted_late() == 3


def test_a_copy_elsewhere_moves_a_text_to_the_wave_of_its_first_copy(store_settings, world, monitor_of):
    first, second = datetime(2024, 11, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        for i in range(12):
            early = w.text("a", date(2024, 10, 1 + i), 0.1 * (i % 3), model=model, collected=first)
            if i < 6:
                w.coding(early, ("nationalist", "neither")[i % 2], drawn_at=first)
        later = [w.text("a", date(2024, 11, 2 + i), 0.9, model=model, collected=second) for i in range(8)]
        for text in later[:5]:
            w.coding(text, "nationalist", drawn_at=second)
        copy = w.text(
            "b",
            date(2024, 11, 20),
            0.9,
            model=model,
            cluster=session.get(Cluster, later[7].cluster_id),
            collected=first,
        )
        session.commit()

        def chances():
            measure(store_settings, monitor_of(), now=NOW)
            session.expire_all()
            _, _, pi, late = unpack_arrays(known_cells(session, "m")["a", "quarter", date(2024, 10, 1)].arrays, 4)
            session.rollback()
            assert not late.any()
            return sorted(set(pi[~np.isnan(pi)].tolist()))

        assert chances() == pytest.approx([6 / 13, 5 / 7])
        session.execute(delete(Framing).where(Framing.document_id == copy.id))
        session.execute(delete(Document).where(Document.id == copy.id))
        session.commit()
        assert chances() == pytest.approx([6 / 12, 5 / 8])
        made = tables(session)
        assert measured_anew(session, store_settings, monitor_of()) == made


def test_a_changed_monitor_is_measured_as_if_it_were_the_first_time(store_settings, filled, monitor_of):
    session, *_ = filled
    for changes in (
        {"audit_period": "month"},
        {"periods": ["year"]},
        {"since": "2024-04-01", "dyads": []},
        {"dyads": [["b", "a"]]},
        {},
    ):
        changed = monitor_of(**changes)
        measure(store_settings, changed, now=NOW)
        made = tables(session)
        assert measured_anew(session, store_settings, changed) == made


def test_figures_that_change_only_by_what_other_cells_lend_are_published_with_their_texts(store_settings, filled):
    session, w, _, monitor = filled
    text = session.scalars(
        select(Document).where(Document.group_id == "b", ~Document.id.in_(select(Coding.document_id)))
    ).first()
    w.coding(text, "nationalist", probability=0.5)
    session.commit()
    report = measure(store_settings, monitor, now=NOW)
    assert 0 < report.found - report.known < 100
    session.expire_all()
    key = {"kind": "trend", "subject": "a", "period": "quarter", "start": date(2024, 10, 1)}
    newest, older = session.scalars(select(Published).filter_by(**key).order_by(Published.id.desc())).all()
    assert newest.figures["borrowed"]["a"]["s2"] != older.figures["borrowed"]["a"]["s2"]
    for name in ("documents", "codings"):
        assert unpack(getattr(newest, name)).tolist() == unpack(getattr(older, name)).tolist() != []


def test_the_variance_of_the_models_mean_and_where_there_is_none(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        for f in (0.1, 0.5, 0.3):
            w.text("a", date(2024, 12, 3), f, model=model)
        w.text("b", date(2024, 12, 3), 0.5, model=model)
        w.text("b", date(2024, 12, 3))
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        rows = {
            (r.group_id, r.period): r.model_variance
            for r in session.scalars(select(TrendCell))
            if r.balance is not None
        }
        assert rows["a", "week"] == rows["a", "quarter"] == pytest.approx(0.04 / 3)
        assert rows["b", "week"] is None


def test_another_version_of_the_code_measures_everything_anew(settings, world, monitor_of, monkeypatch):
    with open_session(settings) as session:
        w = world(session)
        w.text("a", date(2024, 12, 3), 0.5, model=w.model())
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        assert measure(settings, monitor_of(), now=NOW).known == 1
        monkeypatch.setattr("pipeline.measure.reading.code_version", lambda: "9.9.9")
        assert measure(settings, monitor_of(), now=NOW).known == 0
        assert measure(settings, monitor_of(), now=NOW).known == 1
