"""The overview of several monitors: as many questions as of one, and of each what it shows alone; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from pipeline.monitor import load_monitor
from pipeline.review.overviews import overviews_of
from pipeline.store.session import open_session
from pipeline.store.tables import AlarmLook, GapCell, Place, Published, RaisedAlarm, Run, StateChange, TrendCell
from tests.review.filled import MONITOR, NOW, fill

SOURCE = (
    '  - {{id: s{0}, kind: feed, speaker: observer, addresses: ["http://127.0.0.1:9/{0}"], schedule: "9 6 * * *"}}\n'
)


@pytest.fixture
def store(store_settings, tmp_path):
    """A session on a store of three monitors with the same groups and sources, which differ in all else."""
    made = store_settings.model_copy(update={"monitors": tmp_path / "monitors"})
    fill(made)
    with open_session(made) as session:
        for number, name in enumerate(("inlet", "jetty"), start=1):
            for table in (GapCell, TrendCell, Published, StateChange, RaisedAlarm, Run, Place):
                for row in session.scalars(select(table).where(table.monitor == "harbour").order_by(table.id)).all():
                    values = {c.name: getattr(row, c.name) for c in table.__table__.columns if c.name != "id"}
                    session.add(table(**values | {"monitor": name}))
            later = timedelta(hours=number)
            for table, changed in (
                (GapCell, {"gap": GapCell.gap + number / 100}),
                (TrendCell, {"texts": TrendCell.texts + number}),
                (Published, {"as_of": Published.as_of, "basis_erased": number}),
                (StateChange, {"state": f"state of {name}"}),
                (RaisedAlarm, {"side": -number}),
                (Run, {"new": Run.new + number, "sentence": f"a run of {name}"}),
                (
                    Place,
                    {"reason": f"a place of {name}", "failure": "soft", "failures": number, "not_before": NOW + later},
                ),
            ):
                session.execute(update(table).where(table.monitor == name).values(changed))
        for alarm in session.scalars(select(RaisedAlarm).where(RaisedAlarm.monitor != "harbour")).all():
            session.add(AlarmLook(alarm_id=alarm.id, looked_at=NOW, figures={}, why=f"a look for {alarm.monitor}"))
        session.commit()
        yield session


@pytest.fixture
def three(store, tmp_path):
    """Their monitors. The second's gaps are of months, and it has more dyads and sources."""
    made = []
    for name in ("harbour", "inlet", "jetty"):
        told = MONITOR.replace("name: harbour", f"name: {name}", 1)
        if name == "inlet":
            told = told.replace(
                "dyads: [[heron, maple]]", "audit_period: month\ndyads: [[heron, maple], [maple, heron]]"
            )
            told = told.replace("sources:\n", "sources:\n" + "".join(SOURCE.format(i) for i in range(30)), 1)
        (tmp_path / f"{name}.yaml").write_text(told)
        made.append(load_monitor(tmp_path / f"{name}.yaml"))
    return made


def test_three_monitors_cost_as_many_questions_as_one(store, three):
    asked = []

    def note(connection, cursor, statement, *rest):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            asked.append(statement)

    counts = []
    event.listen(store.get_bind(), "before_cursor_execute", note)
    for monitors in ([three[0]], [three[1]], three, []):
        asked.clear()
        shown = overviews_of(store, monitors, NOW)
        assert [one.monitor for one in shown] == list(monitors)
        counts.append(len(asked))
    assert counts == [12] * 4


def test_a_monitor_among_three_shows_what_it_shows_alone(store, three):
    together = overviews_of(store, three, NOW)
    for monitor, found in zip(three, together, strict=True):
        assert [found] == overviews_of(store, [monitor], NOW)
    assert overviews_of(store, three[::-1], NOW) == together[::-1]


def test_each_monitor_shows_its_own(store, three):
    for number, shown in enumerate(overviews_of(store, three, NOW)):
        name, card = shown.monitor.name, shown.cards[0]
        kind = "month" if name == "inlet" else "quarter"
        rows = [*card.gaps, *card.cells, card.alarm, *shown.runs]
        assert {one.monitor for one in rows} == {name}
        assert {one.period for one in (*card.gaps, *card.cells)} == {kind}
        assert len(card.gaps) == (24 if name == "inlet" else 8)
        assert len(shown.runs) == 6
        assert {new for _, new in shown.finds.runs} >= {640 + number, 4 + number}
        states = {news.said.partition(",")[0] for news in shown.news if news.kind == "state"}
        assert states == ({f"state of {name}"} if number else {"steady", "not enough evidence"})
        assert card.look.why == (f"a look for {name}" if number else "no texts are drawn for its confirmation yet")
        assert bool(card.new_gaps) == (kind == "quarter")  # no month's gap was published
        places = [one.said for one in shown.sources.troubles if "a place of" in one.said]
        assert all(f"a place of {name}" in said for said in places)
        assert bool(places) == bool(number)
        assert shown.sources.total == (34 if name == "inlet" else 4)
    assert len(overviews_of(store, three, NOW)[1].cards) == 2
