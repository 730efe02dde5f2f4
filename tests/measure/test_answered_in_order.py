"""A confirmation counts what was answered in the order of the draw: who passes over texts has chosen the others."""

from datetime import timedelta

import pytest

from pipeline.framing.confirming import ask_for_codings
from pipeline.measure.job import measure
from pipeline.store.answered import answered_out_of_order
from pipeline.store.queues import close
from pipeline.store.session import open_session
from pipeline.store.tables import Assignment, Coding, Document, QueueItem
from tests.measure.test_judging import FIRST, NOW, WEEKLY, WEEKS, as_the_model_says, code, fill, states

LATER = NOW + timedelta(hours=1)
SIDE = "alarm 1/a/present"
LARGE = "alarm 1/a/reference"


@pytest.fixture
def asked(store_settings, world, monitor_of):
    """Settings and a monitor with an alarm, whose 160 texts are all coded."""
    monitor = monitor_of(**WEEKLY)
    fill(store_settings, world)
    measure(store_settings, monitor, now=NOW)
    ask_for_codings(store_settings, monitor, now=NOW)
    code(store_settings, as_the_model_says)
    return store_settings, monitor


def take_back(settings, places, side=SIDE):
    """The coder passes over the texts of one side that stand at these places of it. Returns their codings."""
    with open_session(settings) as session:
        session.expire_on_commit = False
        items = session.query(QueueItem).filter(QueueItem.stratum == side).order_by(QueueItem.place).all()
        texts = [items[place].document_id for place in places]
        codings = session.query(Coding).filter(Coding.document_id.in_(texts)).all()
        for one in codings:
            session.delete(one)
        session.commit()
        return codings, [item.document_id for item in items]


def last_state(settings):
    return states(settings)[FIRST + timedelta(weeks=WEEKS - 1)]


def test_what_comes_after_a_text_that_was_passed_over_waits_for_it(asked):
    settings, monitor = asked
    _, documents = take_back(settings, [5])
    with open_session(settings) as session:
        assert set(answered_out_of_order(session, 1).values()) == set(documents[6:])
    measure(settings, monitor, now=LATER)
    state, flags = last_state(settings)
    assert state == "steady"
    assert any("answers that come after a text that was passed over wait for it" in flag for flag in flags), flags
    # unclear is an answer
    with open_session(settings) as session:
        item = session.query(QueueItem).filter(QueueItem.document_id == documents[5]).one()
        session.add(
            Assignment(
                item_id=item.id, slot=1, coder="one", leased_until=NOW, outcome="unclear", finished_at=NOW
            )
        )  # fmt: skip
        session.commit()
        assert answered_out_of_order(session, 1) == {}
    measure(settings, monitor, now=LATER)
    assert last_state(settings)[0] == "diverging"


def test_a_prefix_that_is_long_enough_confirms_by_itself(asked):
    settings, monitor = asked
    take_back(settings, [-3], LARGE)
    measure(settings, monitor, now=LATER)
    state, flags = last_state(settings)
    assert state == "diverging", flags
    assert any("confirmed by coders" in flag and "passed over wait for it" in flag for flag in flags), flags


def test_when_the_queue_is_closed_what_waits_leaves_it_and_nothing_else(asked):
    settings, monitor = asked
    _, documents = take_back(settings, [5])
    with open_session(settings) as session:
        rows = session.query(QueueItem).order_by(QueueItem.place).all()
        for row in rows:
            if row.document_id != documents[5]:
                session.add(
                    Assignment(
                        item_id=row.id, slot=1, coder="one", leased_until=NOW, outcome="coded", finished_at=NOW
                    )
                )  # fmt: skip
        session.flush()
        others = {row.document_id for row in rows} - set(documents[5:])
        assert close(session, "m", 1, LATER) == len(documents) - 5
        session.commit()
        assert {row.document_id for row in session.query(QueueItem)} == others
        # an erased text leaves a place behind, and takes no answer with it
        first = session.query(QueueItem).order_by(QueueItem.place).first()
        session.query(Assignment).filter(Assignment.item_id == first.id).delete()
        session.delete(first)
        session.flush()
        assert answered_out_of_order(session, 1) == {}
    measure(settings, monitor, now=LATER)
    assert last_state(settings)[0] == "steady"


def test_a_text_at_work_holds_nobody_up_when_the_queue_is_closed(asked):
    settings, _ = asked
    _, documents = take_back(settings, [5])
    with open_session(settings) as session:
        for row in session.query(QueueItem):
            outcome = None if row.document_id == documents[5] else "coded"
            session.add(
                Assignment(
                    item_id=row.id, slot=1, coder="one", leased_until=LATER, outcome=outcome,
                    finished_at=NOW if outcome else None,
                )
            )  # fmt: skip
        session.flush()
        assert close(session, "m", 1, LATER) == 1


def test_a_queue_that_is_answered_in_its_order_counts_as_far_as_it_is_answered(asked):
    settings, _ = asked
    with open_session(settings) as session:
        places = [row.document_id for row in session.query(QueueItem).order_by(QueueItem.place)]
        for document in session.query(Document).filter(Document.id.in_(places[90:])):
            session.query(Coding).filter(Coding.document_id == document.id).delete()
        session.flush()
        assert answered_out_of_order(session, 1) == {}
