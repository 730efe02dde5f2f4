"""A queue that is half coded: measured by what was answered, again when more is, and not at all out of order."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from pipeline.measure.again import verify
from pipeline.measure.directed import CriticismCodings
from pipeline.measure.job import measure
from pipeline.measure.sensitivity import Stretch
from pipeline.measure.sheet import dyad_sheet
from pipeline.store.measured import known_cells, unpack_arrays
from pipeline.store.queues import close
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Published, Queue, QueueItem, TrendCell
from tests.measure.test_reading import measured_anew, tables

NOW = datetime(2024, 12, 31, tzinfo=UTC)
FIRST, SECOND = datetime(2024, 11, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)
QUARTER = date(2024, 10, 1)
P1, P2 = 10 / 40, 20 / 70


class Desk:
    """Forty early texts of a group and forty later ones; ten of the early ones and then twenty of all were drawn."""

    def __init__(self, session, world, *, silent=False):
        """silent: nobody answers the first draw."""
        self.session, self.w = session, world
        model = world.model()
        early = [self._text(model, i, FIRST, 0.1 * (i % 5)) for i in range(40)]
        later = [self._text(model, i, SECOND, 0.5 + 0.1 * (i % 3)) for i in range(40)]
        for i in range(20):  # the other group lends nothing but its gap
            other = world.text("b", QUARTER + timedelta(days=i), 0.1 * (i % 4), model=model)
            if i < 8:
                world.coding(other, ("nationalist", "neither")[i % 2])
        self.first = self._queue(FIRST, early[:10], P1)
        mixed = [text for pair in zip(early[10:20], later[:10], strict=True) for text in pair]
        self.second = self._queue(SECOND, mixed, P2)
        for item, text in () if silent else self.first:
            self.answer(item, text, FIRST)
        session.commit()

    def _text(self, model, i, collected, f):
        return self.w.text("a", QUARTER + timedelta(days=i), f, model=model, collected=collected)

    def _queue(self, drawn_at, texts, p):
        queue = Queue(monitor="m", variable="framing", drawn_at=drawn_at, seed=1, strata=["a/2024-Q4"])
        self.session.add(queue)
        self.session.flush()
        items = [
            QueueItem(
                queue_id=queue.id, place=i, document_id=text.id, target="", draw="random", probability=p,
                stratum="a/2024-Q4", coders=1,
            )
            for i, text in enumerate(texts)
        ]  # fmt: skip
        self.session.add_all(items)
        self.session.flush()
        return list(zip(items, texts, strict=True))

    def answer(self, item, text, drawn_at=SECOND):
        values = ("nationalist", "neither", "universalist")
        self.w.coding(text, values[item.place % 3], probability=item.probability, drawn_at=drawn_at)
        self.session.add(
            Assignment(
                item_id=item.id, slot=1, coder="one", leased_until=NOW, outcome="coded", finished_at=datetime.now(UTC)
            )
        )
        coding = select(Coding.id).where(Coding.document_id == text.id).scalar_subquery()
        self.session.execute(update(Coding).where(Coding.id == coding).values(coded_at=datetime.now(UTC)))
        self.session.commit()

    def row(self):
        self.session.expire_all()
        return self.session.scalars(
            select(TrendCell).where(
                TrendCell.group_id == "a", TrendCell.period == "quarter", TrendCell.start == QUARTER
            )
        ).one()

    def pi(self):
        """As it is remembered: chances of the coded texts, rounded, without those twice."""
        known = known_cells(self.session, "m")["a", "quarter", QUARTER]
        _, _, pi, _ = unpack_arrays(known.arrays, 4)
        return sorted({round(one, 6) for one in pi[~np.isnan(pi)].tolist()})


@pytest.fixture(autouse=True)
def one_version(monkeypatch):
    monkeypatch.setattr("pipeline.measure.reading.code_version", lambda: "0.1.0+test")


@pytest.fixture
def desk(store_settings, world):
    with open_session(store_settings) as session:
        yield Desk(session, world(session))


def chances(early, later):
    """So many of the forty early texts, and of the forty later ones, are coded."""
    return sorted([early / 40, later / 40])


def test_every_answer_is_measured_with_the_part_of_each_wave_that_is_coded(store_settings, monitor_of, desk):
    monitor = monitor_of()
    measure(store_settings, monitor, now=NOW)
    assert (desk.pi(), desk.row().late) == ([P1], 40)
    for item, text in desk.second[:4]:
        desk.answer(item, text)
    measure(store_settings, monitor, now=NOW)
    # two of the later texts are coded: too few to speak for forty
    assert (desk.pi(), desk.row().late) == (chances(12, 2), 40)
    assert "40 texts arrived at a time that codings do not speak for and are not in the balance" in desk.row().flags
    for item, text in desk.second[4:10]:
        desk.answer(item, text)
    measure(store_settings, monitor, now=NOW)
    made = desk.row()
    assert (desk.pi(), made.late, made.estimator, made.codings) == (chances(15, 5), 0, "corrected", 20)
    assert tables(desk.session) == measured_anew(desk.session, store_settings, monitor)
    # an answer that leaves no coding changes how far the draw is answered, and not how many are coded
    desk.session.add(
        Assignment(
            item_id=desk.second[10][0].id, slot=1, coder="one", leased_until=NOW, outcome="unclear",
            finished_at=datetime.now(UTC),
        )
    )  # fmt: skip
    desk.session.commit()
    report = measure(store_settings, monitor, now=NOW)
    assert report.known < report.found
    assert desk.pi() == chances(15, 5)
    for item, text in desk.second[11:]:
        desk.answer(item, text)
    measure(store_settings, monitor, now=NOW)
    assert desk.pi() == chances(19, 10)
    report = measure(store_settings, monitor, now=NOW)
    assert report.known == report.found


def test_a_figure_of_a_half_coded_queue_can_be_made_again_when_more_is_coded(store_settings, monitor_of, desk):
    monitor = monitor_of()
    for item, text in desk.second[:10]:
        desk.answer(item, text)
    measure(store_settings, monitor, now=NOW)
    old = desk.session.scalars(
        select(Published).where(Published.subject == "a", Published.period == "quarter", Published.start == QUARTER)
    ).one()
    for item, text in desk.second[10:14]:
        desk.answer(item, text)
    assert verify(desk.session, old).said == "equal to the last bit"


def test_a_draw_that_nobody_answered_is_known_to_the_weights_also_when_it_is_closed(store_settings, monitor_of, world):
    monitor = monitor_of()
    with open_session(store_settings) as session:
        desk = Desk(session, world(session), silent=True)
        measure(store_settings, monitor, now=NOW)
        assert desk.row().estimator == "uncorrected"
        for item, text in desk.second[:15]:  # eight of the early texts, seven of the later ones
            desk.answer(item, text)
        measure(store_settings, monitor, now=NOW)
        assert desk.pi() == chances(8, 7)
        old = session.scalars(
            select(Published)
            .where(Published.subject == "a", Published.period == "quarter", Published.start == QUARTER)
            .order_by(Published.id.desc())
        ).first()
        queue = session.scalars(select(Queue).where(Queue.drawn_at == FIRST)).one()
        assert close(session, "m", queue.id, NOW) == 10
        session.commit()
        report = measure(store_settings, monitor, now=NOW)
        assert (desk.pi(), report.known) == (chances(8, 7), report.found)
        assert verify(session, old).said == "equal to the last bit"
        assert tables(session) == measured_anew(session, store_settings, monitor)
        for table in (Queue, Coding):
            session.query(table).update({"variable": "criticism"})
        session.query(Coding).update({"value": "hostile"})
        coded = CriticismCodings(session, monitor.name).towards("")
        assert {one.earlier for one in coded.values() if SECOND in one.draws} == {frozenset({FIRST})}


def test_a_draw_that_was_given_up_before_the_next_one_ends_no_wave(store_settings, monitor_of, world):
    """What it held could be drawn again."""
    with open_session(store_settings) as session:
        desk = Desk(session, world(session), silent=True)
        first, second = session.scalars(select(Queue).order_by(Queue.drawn_at))
        second.strata = []  # as if it were not drawn yet
        session.flush()
        assert close(session, "m", first.id, SECOND - timedelta(hours=1)) == 10
        session.expire_all()
        assert first.strata == []
        second.strata = ["a/2024-Q4"]
        for item, text in desk.second[:15]:
            desk.answer(item, text)
        measure(store_settings, monitor_of(), now=NOW)
        assert (desk.row().estimator, len(desk.pi())) == ("corrected", 1)


def test_an_unclear_answer_still_holds_its_text_when_the_queue_is_closed(store_settings, monitor_of, world):
    with open_session(store_settings) as session:
        desk = Desk(session, world(session), silent=True)
        first, second = session.scalars(select(Queue).order_by(Queue.drawn_at))
        second.strata = []
        session.add(
            Assignment(
                item_id=desk.first[0][0].id, slot=1, coder="one", leased_until=NOW, outcome="unclear", finished_at=FIRST
            )
        )
        session.flush()
        assert close(session, "m", first.id, SECOND - timedelta(hours=1)) == 9
        session.expire_all()
        assert first.strata == ["a/2024-Q4"]


@pytest.mark.parametrize("held", [False, True])
def test_draws_that_were_given_up_one_after_the_other_end_no_wave_either(store_settings, world, held):
    """The first keeps its stratum for the second, until that is given up too; not where it holds a text of it."""
    with open_session(store_settings) as session:
        desk = Desk(session, world(session), silent=True)
        first, second = session.scalars(select(Queue).order_by(Queue.drawn_at))
        if held:
            session.add(
                Assignment(
                    item_id=desk.first[0][0].id, slot=1, coder="one", leased_until=NOW, outcome="unclear",
                    finished_at=FIRST,
                )
            )  # fmt: skip
        session.flush()
        assert close(session, "m", first.id, NOW) == 10 - held
        session.expire_all()
        assert (first.strata, second.strata) == (["a/2024-Q4"], ["a/2024-Q4"])
        assert close(session, "m", second.id, NOW) == 20
        session.expire_all()
        assert (first.strata, second.strata) == (["a/2024-Q4"] if held else [], [])


def test_a_draw_that_is_open_keeps_its_stratum_when_a_later_one_is_given_up(store_settings, world):
    with open_session(store_settings) as session:
        Desk(session, world(session), silent=True)
        first, second = session.scalars(select(Queue).order_by(Queue.drawn_at))
        assert close(session, "m", second.id, NOW) == 20
        session.expire_all()
        assert (first.strata, second.strata) == (["a/2024-Q4"], [])


def test_codings_out_of_order_are_set_aside_and_said(settings, world, monitor_of):
    with open_session(settings) as session:
        desk = Desk(session, world(session))
        monitor = monitor_of()
        measure(settings, monitor, now=NOW)
        before = desk.row().balance
        for item, text in desk.second[1:9]:
            desk.answer(item, text)
        report = measure(settings, monitor, now=NOW)
        made = desk.row()
        assert (made.balance, made.codings, made.estimator) == (before, 10, "corrected")
        assert any("8 coded texts are of a queue in which earlier ones were passed over" in f for f in made.flags)
        assert any(
            "8 random codings are of queues in which earlier texts were passed over" in p for p in report.problems
        )
        desk.answer(*desk.second[0])
        assert measure(settings, monitor, now=NOW).problems == ()
        assert (desk.row().codings, desk.pi()) == (19, chances(15, 4))


def test_codings_towards_a_group_know_how_far_their_queue_is(settings, world, monitor_of):
    with open_session(settings) as session:
        desk = Desk(session, world(session))
        for item, text in desk.second[:5]:
            desk.answer(item, text)
        for table in (Queue, Coding):
            session.query(table).update({"variable": "criticism"})
        for table in (QueueItem, Coding):
            session.query(table).update({"target": "b"})
        session.query(Coding).update({"value": "hostile"})
        session.commit()
        coded = CriticismCodings(session, "m").towards("b")
        text = desk.second[0][1]
        assert coded[text.cluster_id].answered == {SECOND: 0.25}
        assert coded[desk.first[0][1].cluster_id].answered == {}


def test_the_sheet_weighs_texts_as_measuring_does(settings, world, monitor_of, monkeypatch):
    """A text that a draw could have taken and did not had that chance too; late texts are in no corrected figure."""
    seen = {}
    monkeypatch.setattr("pipeline.measure.sheet.sensitivity_sheet", lambda texts: seen.update(texts=texts) or _stop())
    with open_session(settings) as session:
        desk = Desk(session, world(session))
        monitor = monitor_of()
        stretches = Stretch(date(2024, 7, 1), QUARTER), Stretch(QUARTER, date(2025, 1, 1))
        for answered, late in ((4, 40), (20, 0)):
            done = sum(c.drawn_at == SECOND for c in session.scalars(select(Coding)))
            for item, text in desk.second[done:answered]:
                desk.answer(item, text)
            with pytest.raises(Stopped):
                dyad_sheet(session, monitor, "a", "b", *stretches)
            texts = seen["texts"]
            of_a = texts.of_a
            assert int(texts.late.sum()) == late
            found = sorted({round(one, 6) for one in texts.pi[of_a & ~np.isnan(texts.y)].tolist()})
            # too few of the later texts: what is coded of them is not in it
            assert found == ([12 / 40] if late else chances(20, 10))
        # a stretch that holds a part of the quarter is weighed by all of it
        with pytest.raises(Stopped):
            dyad_sheet(session, monitor, "a", "b", stretches[0], Stretch(QUARTER, QUARTER + timedelta(days=15)))
        inside = seen["texts"].of_a & ~np.isnan(seen["texts"].y)
        assert sorted(set(seen["texts"].pi[inside].tolist())) == pytest.approx(chances(20, 10))


class Stopped(Exception):
    """Enough was seen."""


def _stop():
    raise Stopped
